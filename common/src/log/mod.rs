//! Sets up what the program tells about itself: one line or one JSON object per event on standard error, or an entry in
//! systemd's journal.
//!
//! It knows nothing of what is logged. Standard output stays free for what a command prints.

mod journald;

use std::{
    env, fmt,
    io::{self, IsTerminal as _},
    path::Path,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, layer::SubscriberExt as _, registry::LookupSpan, reload, util::SubscriberInitExt as _,
};

use journald::Journal;

/// The `[log]` section of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module: `info,orchestrix_agent::link=debug`.
    pub level: String,
    /// How an event is written.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `journald` where systemd has connected standard error with its journal, else `human`.
    #[default]
    Auto,
    /// A line for people, coloured on a terminal.
    Human,
    /// A JSON object per line.
    Json,
    /// Entries of systemd's journal, with priority and fields of their own (`ORCHESTRIX_…`); `human` where there is none.
    Journald,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is not one.
    #[error("not a log level: {0:?}; expected for example `info` or `warn,orchestrix_agent::link=debug`")]
    Level(String),
    /// Something else in this process set it up before.
    #[error("logging was set up twice")]
    Twice,
    /// The level cannot be changed any more.
    #[error("the log is closed")]
    Closed,
}

/// Changes what is told while the program runs.
pub struct LogControl(Box<dyn Fn(EnvFilter) -> Result<(), LogError> + Send + Sync>);

impl fmt::Debug for LogControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogControl")
    }
}

impl LogControl {
    /// Tells from now on what the configuration's level asks for. The form stays as it was at the start.
    ///
    /// # Errors
    /// When the level cannot be read.
    pub fn set_level(&self, config: &LogConfig) -> Result<(), LogError> {
        (self.0)(config.filter()?)
    }
}

impl LogConfig {
    /// Checks the level without setting anything up.
    ///
    /// # Errors
    /// When the level cannot be read.
    pub fn check(&self) -> Result<(), LogError> {
        self.filter().map(drop)
    }

    fn filter(&self) -> Result<EnvFilter, LogError> {
        EnvFilter::try_new(&self.level).map_err(|_| LogError::Level(self.level.clone()))
    }
}

/// What else hears of spans and events. It has a filter of its own.
pub type ExtraLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging for the whole process, and gives what changes its level later.
///
/// # Errors
/// When the level cannot be read, or logging was set up before.
pub fn init(config: &LogConfig) -> Result<LogControl, LogError> {
    let (filter, handle) = reload::Layer::new(config.filter()?);
    let started = tracing_subscriber::registry().with(events(config.format).with_filter(filter)).try_init();
    started.map_err(|_| LogError::Twice)?;
    Ok(LogControl(Box::new(move |filter| handle.reload(filter).map_err(|_| LogError::Closed))))
}

/// As [`init`], with something else that hears of spans and events as well.
///
/// # Errors
/// As [`init`].
pub fn init_with(config: &LogConfig, extra: ExtraLayer) -> Result<LogControl, LogError> {
    let (filter, handle) = reload::Layer::new(config.filter()?);
    let events = events(config.format).with_filter(filter);
    tracing_subscriber::registry().with(extra).with(events).try_init().map_err(|_| LogError::Twice)?;
    Ok(LogControl(Box::new(move |filter| handle.reload(filter).map_err(|_| LogError::Closed))))
}

/// Writes events in a form.
fn events<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let events = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let wants_journal = match format {
        LogFormat::Auto => journald::is_connected(env::var("JOURNAL_STREAM").ok().as_deref()),
        LogFormat::Journald => true,
        LogFormat::Human => false,
        LogFormat::Json => return events.json().flatten_event(true).with_current_span(false).boxed(),
    };
    match wants_journal.then(|| Journal::at(Path::new(journald::SOCKET))) {
        Some(Ok(journal)) => {
            let entries = journald::Entries::of_this_program();
            events.fmt_fields(journald::Lines).event_format(entries).with_ansi(false).with_writer(journal).boxed()
        }
        Some(Err(_)) | None => events.with_ansi(io::stderr().is_terminal()).with_target(false).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked_before_use() {
        let with = |level: &str| LogConfig { level: level.to_owned(), ..LogConfig::default() };
        for good in ["info", "warn,orchestrix_agent::link=debug", "off"] {
            assert!(with(good).check().is_ok(), "{good}");
        }
        for bad in ["loud=very", "a=b=c"] {
            assert!(with(bad).check().is_err(), "{bad}");
        }
    }
}
