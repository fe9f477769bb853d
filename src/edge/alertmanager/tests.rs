use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode as Status, Uri};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::edge::client;

const PATIENCE: Duration = Duration::from_secs(5);

type Requests = Arc<Mutex<Vec<(Uri, HeaderMap, String)>>>;

fn alert(rule: &str) -> Alert {
    Alert {
        labels: [("alertname".to_owned(), "Pehra".to_owned()), ("rule".to_owned(), rule.to_owned())].into(),
        annotations: [("summary".to_owned(), "Something.".to_owned())].into(),
        starts_at: "2026-11-21T10:00:00Z".parse().unwrap(),
        ends_at: "2026-11-21T10:04:00.5Z".parse().unwrap(),
        resolved: false,
    }
}

/// A server that notes every request and gives the answer that `answer` makes of its body.
async fn server(answer: fn(&str) -> Status) -> (Url, Requests, JoinHandle<()>) {
    let requests = Requests::default();
    let handler = move |State(requests): State<Requests>, uri: Uri, headers: HeaderMap, body: String| async move {
        let status = answer(&body);
        requests.lock().unwrap().push((uri, headers, body));
        (status, [("location", "/elsewhere")], "why\u{1b}[31m").into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/prefix/", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(handler).with_state(Arc::clone(&requests));
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, requests, task)
}

fn alertmanager(url: &Url, timeout: Duration) -> Alertmanager {
    Alertmanager::new(client::build(timeout).unwrap(), SinkId("am".to_owned()), url)
}

#[tokio::test]
async fn alerts_are_posted_as_the_api_wants_them() {
    let (url, requests, server) = server(|_| Status::OK).await;
    let outcomes = alertmanager(&url, PATIENCE).post(&[alert("a"), alert("b")]).await;
    server.abort();
    assert_eq!(outcomes, [Outcome::Accepted; 2]);
    let requests = requests.lock().unwrap();
    let [(uri, headers, body)] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(uri.path(), "/prefix/api/v2/alerts");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["user-agent"], concat!("pehra/", env!("CARGO_PKG_VERSION")));
    let expected = r#"{"labels":{"alertname":"Pehra","rule":"a"},"annotations":{"summary":"Something."},"startsAt":"2026-11-21T10:00:00.000Z","endsAt":"2026-11-21T10:04:00.500Z"}"#;
    assert!(body.starts_with(&format!("[{expected},")), "{body}");
}

#[tokio::test]
async fn one_bad_alert_of_a_batch_is_found_and_the_others_are_accepted() {
    let (url, requests, server) =
        server(|body| if body.contains("bad") { Status::BAD_REQUEST } else { Status::OK }).await;
    let outcomes = alertmanager(&url, PATIENCE).post(&[alert("a"), alert("bad"), alert("b")]).await;
    server.abort();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Refused, Outcome::Accepted]);
    assert_eq!(requests.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn what_is_wrong_with_the_server_is_not_sought_in_the_alerts() {
    for status in [Status::INTERNAL_SERVER_ERROR, Status::UNAUTHORIZED, Status::NOT_FOUND] {
        let answer = match status {
            Status::INTERNAL_SERVER_ERROR => |_: &str| Status::INTERNAL_SERVER_ERROR,
            Status::UNAUTHORIZED => |_: &str| Status::UNAUTHORIZED,
            _ => |_: &str| Status::NOT_FOUND,
        };
        let (url, requests, server) = server(answer).await;
        let outcomes = alertmanager(&url, PATIENCE).post(&[alert("a"), alert("b")]).await;
        server.abort();
        assert_eq!(outcomes, [Outcome::Refused; 2], "{status}");
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (url, requests, server) = server(|_| Status::TEMPORARY_REDIRECT).await;
    assert_eq!(alertmanager(&url, PATIENCE).post(&[alert("a")]).await, [Outcome::Refused]);
    server.abort();
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    assert_eq!(alertmanager(&url, PATIENCE).post(&[alert("a"), alert("b")]).await, [Outcome::Unreachable; 2]);
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    assert_eq!(alertmanager(&url, Duration::from_millis(50)).post(&[alert("a")]).await, [Outcome::Timeout]);
}

#[tokio::test]
async fn https_without_a_trusted_certificate_is_unreachable() {
    let (url, _, server) = server(|_| Status::OK).await;
    let url = url.as_str().replace("http:", "https:").parse().unwrap();
    assert_eq!(alertmanager(&url, PATIENCE).post(&[alert("a")]).await, [Outcome::Unreachable]);
    server.abort();
}
