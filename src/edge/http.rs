//! The HTTP surface: `/metrics`, `/-/healthy`, `/-/ready`, `/-/reload` and a page of links.
//!
//! It owns no state. What it shows is asked of the agent through a bounded channel, so a scrape sees one moment and an
//! agent that does not answer is a scrape that fails. Connections are few and short-lived: a client that never reads
//! its answer costs one of [`CONNECTIONS`] slots for [`LIFETIME`] at most, and one that has not finished the head of its
//! first request makes room when all slots are taken.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::exposition::text::Family;
use crate::exposition::{self, text};
use crate::ledger::Ledger;

/// How many connections are served at once. One more drops the oldest that has asked for nothing yet, or waits.
const CONNECTIONS: usize = 64;
/// How long a client may take over the head of a request, and how long a connection may lie idle.
const HEAD: Duration = Duration::from_secs(5);
/// How long a connection may live before it is asked to close.
const LIFETIME: Duration = Duration::from_secs(120);
/// How long a closing connection may take over its last answer.
const GRACE: Duration = Duration::from_secs(2);
/// How long the agent may take to answer a question.
const PATIENCE: Duration = Duration::from_secs(10);
/// The Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a request asks of the agent.
#[derive(Debug)]
pub enum Question {
    /// What is known now.
    Scrape(oneshot::Sender<Scrape>),
    /// Take up the configuration again: what came of it.
    Reload(oneshot::Sender<Result<(), String>>),
}

/// What is known at one moment.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// Of the endpoints.
    pub ledger: Arc<Ledger>,
    /// Of the daemon itself.
    pub vitals: Vec<Family>,
}

/// What a request is answered from.
#[derive(Clone, Debug)]
pub struct Surface {
    /// Where questions go.
    pub questions: mpsc::Sender<Question>,
    /// Whether the agent runs.
    pub ready: watch::Receiver<bool>,
    /// Whether `/-/reload` is obeyed.
    pub reload: bool,
}

/// Serves `surface` on `listener` until `shutdown`.
pub async fn serve(listener: TcpListener, surface: Surface, shutdown: CancellationToken) {
    let router = router(surface);
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut mute = Mute::default();
    let mut conversations = JoinSet::new();
    loop {
        let seated = async {
            let stream = accept(&listener).await;
            if slots.available_permits() == 0 {
                mute.dismiss_oldest();
            }
            (Arc::clone(&slots).acquire_owned().await, stream)
        };
        tokio::select! {
            () = shutdown.cancelled() => break,
            (slot, stream) = seated => {
                let conversation = converse(stream, router.clone(), mute.admit(), shutdown.clone());
                conversations.spawn(async move {
                    conversation.await;
                    drop(slot);
                });
            }
        }
        while conversations.try_join_next().is_some() {}
    }
    while conversations.join_next().await.is_some() {}
}

/// The connections that have asked for nothing yet, the oldest first.
#[derive(Debug, Default)]
struct Mute(VecDeque<Weak<Guest>>);

/// A connection, as far as it may have to make room.
#[derive(Debug, Default)]
struct Guest {
    /// Whether the head of a request was whole.
    has_asked: AtomicBool,
    /// Whether it must go.
    dismissed: CancellationToken,
}

impl Mute {
    fn admit(&mut self) -> Arc<Guest> {
        self.0.retain(|guest| guest.upgrade().is_some_and(|guest| guest.is_mute()));
        let guest = Arc::new(Guest::default());
        self.0.push_back(Arc::downgrade(&guest));
        guest
    }

    fn dismiss_oldest(&mut self) {
        while let Some(oldest) = self.0.pop_front() {
            if let Some(guest) = oldest.upgrade().filter(|guest| guest.is_mute()) {
                debug!("a client that asks for nothing makes room");
                return guest.dismissed.cancel();
            }
        }
    }
}

impl Guest {
    fn is_mute(&self) -> bool {
        !self.has_asked.load(Ordering::Relaxed)
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                warn!(%error, "failed to accept a connection");
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, router: Router, guest: Arc<Guest>, shutdown: CancellationToken) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request| {
        guest.has_asked.store(true, Ordering::Relaxed);
        router.call(request)
    });
    let mut settings = http1::Builder::new();
    settings.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let mut connection = pin!(settings.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                debug!(%error, "a client broke off");
            }
            return;
        }
        () = guest.dismissed.cancelled() => return,
        () = shutdown.cancelled() => {}
        () = sleep(LIFETIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    if timeout(GRACE, connection).await.is_err() {
        debug!("a client did not take its answer in time");
    }
}

fn router(surface: Surface) -> Router {
    Router::new()
        .route("/", get(landing))
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/reload", post(reload))
        .with_state(surface)
}

async fn landing() -> Html<&'static str> {
    Html(LANDING)
}

const LANDING: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>pehra</title></head>\n\
    <body><h1>pehra</h1>\n<p>A data-residency watch: where government services really answer from.</p>\n\
    <ul><li><a href=\"/metrics\">Metrics</a></li><li><a href=\"/-/healthy\">Healthy</a></li>\
    <li><a href=\"/-/ready\">Ready</a></li></ul></body></html>\n";

async fn healthy() -> &'static str {
    "pehra is healthy\n"
}

async fn ready(State(surface): State<Surface>) -> Response {
    if *surface.ready.borrow() {
        (StatusCode::OK, "pehra is ready\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "pehra is starting or stopping\n").into_response()
    }
}

async fn metrics(State(surface): State<Surface>) -> Response {
    match ask(&surface, Question::Scrape).await {
        Some(Scrape { ledger, vitals }) => {
            let mut families = exposition::families(&ledger);
            families.extend(vitals);
            ([(header::CONTENT_TYPE, TEXT_FORMAT)], text::encode(&families)).into_response()
        }
        None => silence(),
    }
}

async fn reload(State(surface): State<Surface>) -> Response {
    if !surface.reload {
        let cure = "reloading by HTTP is off: set http.reload = true, or send SIGHUP\n";
        return (StatusCode::FORBIDDEN, cure).into_response();
    }
    match ask(&surface, Question::Reload).await {
        Some(Ok(())) => "the configuration was taken up\n".into_response(),
        Some(Err(faults)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{faults}\n")).into_response(),
        None => silence(),
    }
}

/// Puts a question to the agent; `None` when it does not answer in time.
async fn ask<T>(surface: &Surface, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    let asked = async {
        surface.questions.send(question(reply)).await.ok()?;
        answer.await.ok()
    };
    timeout(PATIENCE, asked).await.ok().flatten()
}

fn silence() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "pehra does not answer: it is stopping, or busy\n").into_response()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tower::ServiceExt;

    use super::*;
    use crate::exposition::text::Kind;

    fn surface(reload: bool) -> (Surface, mpsc::Receiver<Question>, watch::Sender<bool>) {
        let (questions, asked) = mpsc::channel(4);
        let (is_ready, ready) = watch::channel(false);
        (Surface { questions, ready, reload }, asked, is_ready)
    }

    async fn request(surface: &Surface, method: &str, path: &str) -> (StatusCode, String, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router(surface.clone()).oneshot(request).await.unwrap();
        let kind = response.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap().to_owned());
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, kind.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn metrics_are_the_agents_answer_in_the_text_format() {
        let (surface, mut asked, _ready) = surface(false);
        let agent = tokio::spawn(async move {
            if let Some(Question::Scrape(reply)) = asked.recv().await {
                let mut build = Family::new("pehra_build_info", "The running program.", Kind::Gauge);
                build.push([], 1.0);
                reply.send(Scrape { ledger: Arc::default(), vitals: vec![build] }).unwrap();
            }
        });
        let (status, kind, body) = request(&surface, "GET", "/metrics").await;
        agent.await.unwrap();
        assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8"));
        assert!(body.contains("\npehra_build_info 1\n"), "{body}");
    }

    #[tokio::test]
    async fn an_agent_that_is_gone_makes_the_scrape_fail() {
        let (surface, asked, _ready) = surface(true);
        drop(asked);
        assert_eq!(request(&surface, "GET", "/metrics").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(request(&surface, "POST", "/-/reload").await.0, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn readiness_follows_the_agent_and_health_does_not() {
        let (surface, _asked, ready) = surface(false);
        assert_eq!(request(&surface, "GET", "/-/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(request(&surface, "GET", "/-/healthy").await.0, StatusCode::OK);
        ready.send_replace(true);
        assert_eq!(request(&surface, "GET", "/-/ready").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn reloading_by_http_is_off_unless_configured_and_never_a_get() {
        let (closed, _asked, _ready) = surface(false);
        assert_eq!(request(&closed, "POST", "/-/reload").await.0, StatusCode::FORBIDDEN);
        let (open, mut asked, _ready) = surface(true);
        assert_eq!(request(&open, "GET", "/-/reload").await.0, StatusCode::METHOD_NOT_ALLOWED);
        let agent = tokio::spawn(async move {
            if let Some(Question::Reload(reply)) = asked.recv().await {
                reply.send(Err("pehra.toml:3: home: no country".to_owned())).unwrap();
            }
        });
        let (status, _, body) = request(&open, "POST", "/-/reload").await;
        agent.await.unwrap();
        assert_eq!((status, body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "pehra.toml:3: home: no country\n"));
    }

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: pehra\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn clients_that_never_finish_asking_make_room() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (surface, mut asked, _ready) = surface(false);
        let agent = tokio::spawn(async move {
            if let Some(Question::Scrape(reply)) = asked.recv().await {
                reply.send(Scrape { ledger: Arc::default(), vitals: Vec::new() }).unwrap();
            }
        });
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(serve(listener, surface, shutdown.clone()));
        let mut half_open = Vec::new();
        for _ in 0..3 * CONNECTIONS {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /metr").await.unwrap();
            half_open.push(stream);
        }
        let answers = timeout(HEAD / 2, async { (get(address, "/-/healthy").await, get(address, "/metrics").await) });
        let (healthy, metrics) = answers.await.unwrap();
        assert!(healthy.starts_with("HTTP/1.1 200 OK") && metrics.starts_with("HTTP/1.1 200 OK"), "{healthy}{metrics}");
        agent.await.unwrap();
        shutdown.cancel();
        drop(half_open);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn there_is_a_page_of_links_and_nothing_else() {
        let (surface, _asked, _ready) = surface(false);
        let (status, kind, body) = request(&surface, "GET", "/").await;
        assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/html; charset=utf-8"));
        assert!(body.contains("href=\"/metrics\""));
        assert_eq!(request(&surface, "GET", "/probe?target=x").await.0, StatusCode::NOT_FOUND);
    }
}
