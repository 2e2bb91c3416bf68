//! Traces, as a real OTLP receiver gets them.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use orchestrix_tests::{agent::AgentProcess, http, installation::Installation, part, programs, wait};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

const SOON: Duration = Duration::from_secs(30);

/// Keeps what it is sent.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    resource: Vec<KeyValue>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut received = self.0.lock().unwrap();
        for of_resource in request.into_inner().resource_spans {
            received.resource = of_resource.resource.map(|resource| resource.attributes).unwrap_or_default();
            received.spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    /// Listens on loopback for as long as the runtime lives.
    fn start(&self, runtime: &Runtime) -> SocketAddr {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let service = TraceServiceServer::new(self.clone());
        runtime.spawn(Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    /// Waits for a span.
    fn span(&self, what: &str, fits: impl Fn(&Span) -> bool) -> Span {
        wait::until(what, SOON, || {
            let received = self.0.lock().unwrap();
            let names = || format!("{:?}", received.spans.iter().map(|span| &span.name).collect::<Vec<_>>());
            received.spans.iter().find(|span| fits(span)).cloned().ok_or_else(names)
        })
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

fn endpoint(receiver: SocketAddr) -> String {
    format!("[telemetry]\notlp_endpoint = \"http://{receiver}\"\n")
}

/// Asks the API as a part of a trace; returns the status line.
fn asked(installation: &Installation, path: &str, trace: &str) -> String {
    let mut connection = TcpStream::connect(installation.api_address()).unwrap();
    let token = installation.admin_token();
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {token}\r\ntraceparent: {trace}\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn reports_sessions_and_requests_are_traced() {
    let runtime = Runtime::new().unwrap();
    let receiver = Receiver::default();
    let mut installation = Installation::configured(&endpoint(receiver.start(&runtime)));
    let mut agent = AgentProcess::started(&installation, None);

    let plan = receiver.span("the plan of a report", |span| span.name == "plan");
    let report = receiver.span("the report", |span| span.name == "report" && span.trace_id == plan.trace_id);
    assert!(report.parent_span_id.is_empty(), "a report is a trace of its own");
    for step in ["plan", "write", "commit"] {
        let step = receiver.span(step, |span| span.name == step && span.trace_id == report.trace_id);
        assert_eq!(step.parent_span_id, report.span_id, "{}", step.name);
    }
    assert!(text(&report.attributes, "seq").is_some() && text(&report.attributes, "agent").is_some(), "{report:?}");

    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let status = asked(&installation, "/api/v1/computes?name=planted-name", &format!("00-{trace}-{parent}-01"));
    assert!(status.contains(" 200 "), "{status}");
    let request = receiver.span("the request", |span| span.name == "GET /api/v1/computes");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&request.trace_id).as_str(), hex(&request.parent_span_id).as_str()), (trace, parent));
    assert_eq!(text(&request.attributes, "http.route").as_deref(), Some("/api/v1/computes"));
    assert_eq!(text(&request.attributes, "http.response.status_code").as_deref(), Some("200"));

    // A session ends with its agent; its reports tell of it.
    agent.stop();
    let session = receiver.span("the session", |span| span.name == "session");
    assert!(report.links.iter().any(|link| link.span_id == session.span_id), "{:?}", report.links);
    let open = receiver.span("its opening", |span| span.name == "open" && span.trace_id == session.trace_id);
    assert_eq!(open.parent_span_id, session.span_id);

    // What is not sent yet when the collector ends is sent then.
    let status = asked(&installation, "/api/v1/clouds", &format!("00-{trace}-{parent}-01"));
    assert!(status.contains(" 200 "), "{status}");
    installation.stop();
    let received = receiver.0.lock().unwrap();
    assert!(received.spans.iter().any(|span| span.name == "GET /api/v1/clouds"), "the last span was not sent");
    assert!(!received.spans.iter().any(|span| span.name.contains("metrics") || span.name.contains("readyz")));
    let secret = installation.admin_token();
    for planted in ["planted-name", secret.as_str()] {
        assert!(!format!("{:?}", received.spans).contains(planted), "{planted} was told");
    }
    assert_eq!(text(&received.resource, "service.name").as_deref(), Some("orchestrix-collector"));
    assert_eq!(text(&received.resource, "service.version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert!(text(&received.resource, "service.instance.id").is_some());
}

#[test]
fn a_receiver_that_is_not_there_holds_nobody_up() {
    let mut installation = Installation::configured(&endpoint(programs::free_address()));
    let agent = AgentProcess::started(&installation, None);
    wait::until("the host to be in the inventory", SOON, || {
        let computes = installation.list("computes");
        wait::check(computes.len() == 1, || format!("{computes:#?}"))
    });
    wait::until("failed spans to be counted", SOON, || {
        let text = http::request(installation.api_address(), "GET", "/metrics", None, None).unwrap().body;
        wait::check(text.contains("orchestrix_telemetry_spans_total{outcome=\"failed\"}"), || "none yet".to_owned())
    });
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(installation.request("GET", "/api/v1/computes", None).unwrap().status, 200);
    }
    part::measured(&format!("traces: 100 requests in {} ms while the receiver is away", begun.elapsed().as_millis()));
    drop(agent);
    // Stopping fails by itself when it takes too long.
    installation.stop();
}
