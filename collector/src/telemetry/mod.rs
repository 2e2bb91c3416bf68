//! Traces: spans of the collector's work, told to an OTLP receiver when the configuration names one.
//!
//! It knows nothing of what is traced: whoever works opens spans of `tracing`, at debug level, which cost next to nothing
//! while nobody listens. Rules:
//!
//! - Nobody waits for the receiver. Spans are queued (2048 at most; further ones are dropped), sent by a thread of their
//!   own, and what cannot be sent within [`SEND_LIMIT`] is dropped and counted.
//! - A report is a trace of its own, linked to its session: sessions last for days.
//! - Spans carry names, numbers and outcomes, never the content of requests or reports.

mod exporter;
mod parent;

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use orchestrix_common::log::ExtraLayer;
use tracing::Level;
use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, filter_fn},
};

use crate::config::TelemetryConfig;
use exporter::Counted;

pub use parent::follow_caller;

/// How long a batch of spans may be on its way.
const SEND_LIMIT: Duration = Duration::from_secs(5);
/// How long the last spans may take when the collector ends.
const FINISH_LIMIT: Duration = Duration::from_secs(3);

/// The sending of traces, until it is finished.
#[derive(Debug)]
pub struct Telemetry(SdkTracerProvider);

/// Begins to trace, when the configuration says where to. Must be called inside a runtime; nothing is sent yet.
///
/// # Errors
/// When the address cannot be used.
pub fn start(config: &TelemetryConfig) -> Result<Option<(Telemetry, ExtraLayer)>, ExporterBuildError> {
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(SEND_LIMIT).build()?;
    // A caller that decided about its trace is followed; else chance decides.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(Counted::new(exporter))
        .with_sampler(sampler)
        .with_resource(resource())
        .build();
    let traced = filter_fn(|metadata| {
        let is_told = metadata.is_span() || *metadata.level() <= Level::INFO;
        is_told && metadata.target().starts_with("orchestrix_")
    });
    let traced = traced.with_max_level_hint(LevelFilter::DEBUG);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("orchestrix-collector"))
        .with_location(false)
        .with_threads(false)
        .with_filter(traced);
    Ok(Some((Telemetry(provider), layer.boxed())))
}

impl Telemetry {
    /// Sends what is left, for a short time only.
    pub async fn finish(self) {
        let finished = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FINISH_LIMIT)).await;
        match finished {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the last traces were not sent"),
            Err(error) => tracing::debug!(%error, "the last traces were not sent"),
        }
    }
}

/// Who tells.
fn resource() -> Resource {
    Resource::builder_empty()
        .with_service_name("orchestrix-collector")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()))
        .with_attribute(KeyValue::new("process.pid", i64::from(std::process::id())))
        .build()
}
