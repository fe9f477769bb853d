//! A connection → what a web server answers (RFC 9112).
//!
//! One request, and to a point of presence that says where it is a second. Bodies are read as far as somebody wants to
//! know, and a bit farther where that spares the other side a reset.

use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, LOCATION, USER_AGENT};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};
use url::{Position, Url};

use crate::contact::call::Request;
use crate::contact::exchange::{
    self, Answer, Exchange, HttpFailure, HttpOutcome, MOST_BODY, MOST_TRACE, MOST_UNREAD_BODY, TRACE_PATH,
};
use crate::contact::resources;
use crate::edge::{client, clock};
use crate::moment::Rtt;

/// The most bytes of an answer's head. The most headers, 100, are the library's own bound.
const MOST_HEAD: usize = 16 << 10;

/// How much is read at once, at most.
const BUFFER: usize = 64 << 10;

/// Asks over `connection`, ends it, and says what came of it.
pub(super) async fn ask<S>(connection: S, request: &Request, port: u16, patience: Duration) -> Vec<Exchange>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shaken = Builder::new()
        .max_buf_size(BUFFER)
        .max_header_size(MOST_HEAD)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .handshake(TokioIo::new(connection))
        .await;
    let Ok((sender, connection)) = shaken else {
        return vec![Exchange::failed(request.url(port), HttpFailure::Closed)];
    };
    let mut connection = pin!(connection);
    let mut talk = pin!(Talk { sender, request, port, patience }.talk());
    let mut is_over = false;
    let exchanges = loop {
        tokio::select! {
            biased;
            exchanges = &mut talk => break exchanges,
            _ = &mut connection, if !is_over => is_over = true,
        }
    };
    if !is_over {
        // Nobody asks any more: what remains is to end it.
        let _ = timeout(patience, connection).await;
    }
    exchanges
}

struct Talk<'a> {
    sender: SendRequest<Empty<Bytes>>,
    request: &'a Request,
    port: u16,
    patience: Duration,
}

/// As much of a body as was wanted.
struct Body {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Talk<'_> {
    async fn talk(mut self) -> Vec<Exchange> {
        let (first, goes_on) = self.page().await;
        let mut exchanges = vec![first];
        if goes_on && let Ok(Ok(())) = timeout(self.patience, self.sender.ready()).await {
            exchanges.push(self.trace().await);
        }
        exchanges
    }

    /// Asks for the page; whether there is more to ask, and the connection free to.
    async fn page(&mut self) -> (Exchange, bool) {
        let url = self.request.url(self.port);
        let (response, took_ns) = match self.get(&url).await {
            Ok(answered) => answered,
            Err(failure) => return (Exchange::failed(url, failure), false),
        };
        let mut answer = head(&response, took_ns);
        let is_read = self.request.resources && is_html(response.headers());
        // Beyond a body that is not read to its end nothing can be asked.
        let wanted = if is_read || answer.is_of_cloudflare() { MOST_BODY } else { MOST_UNREAD_BODY };
        let location =
            response.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        answer.redirect = location.and_then(|location| exchange::redirect(&url, answer.status, &location));
        let body = read(response.into_body(), wanted, self.patience).await;
        (answer.body_bytes, answer.body_cut) = (count(&body.bytes), body.is_cut);
        if is_read {
            (answer.resources, answer.resources_left_out) = resources::of_page(&url, &body.bytes);
        }
        let goes_on = answer.is_of_cloudflare() && !body.is_cut;
        (Exchange { url, outcome: HttpOutcome::Answered(answer) }, goes_on)
    }

    /// Asks a point of presence which it is.
    async fn trace(&mut self) -> Exchange {
        let url = Request { path: TRACE_PATH.to_owned(), ..self.request.clone() }.url(self.port);
        let (response, took_ns) = match self.get(&url).await {
            Ok(answered) => answered,
            Err(failure) => return Exchange::failed(url, failure),
        };
        let mut answer = head(&response, took_ns);
        let is_there = response.status() == StatusCode::OK;
        let body = read(response.into_body(), MOST_TRACE, self.patience).await;
        (answer.body_bytes, answer.body_cut) = (count(&body.bytes), body.is_cut);
        if is_there {
            answer.headers.extend(exchange::of_trace(&body.bytes));
        }
        Exchange { url, outcome: HttpOutcome::Answered(answer) }
    }

    /// The head of an answer, and how long it took.
    async fn get(&mut self, url: &str) -> Result<(Response<Incoming>, Rtt), HttpFailure> {
        let parsed = Url::parse(url).map_err(|_| HttpFailure::Malformed)?;
        let request = hyper::Request::get(&parsed[Position::BeforePath..Position::AfterQuery])
            .header(HOST, &parsed[Position::BeforeHost..Position::AfterPort])
            .header(USER_AGENT, client::USER_AGENT)
            .header(ACCEPT, "*/*")
            .body(Empty::new())
            .map_err(|_| HttpFailure::Malformed)?;
        let sent = clock::now().mono;
        let answered = timeout(self.patience, self.sender.send_request(request)).await;
        let response = answered.map_err(|_| HttpFailure::Timeout)?.map_err(|error| failure(&error))?;
        Ok((response, Rtt::from_duration(clock::now().mono - sent)))
    }
}

/// What the head of an answer says.
fn head(response: &Response<Incoming>, took_ns: Rtt) -> Answer {
    let headers = response.headers().iter();
    Answer {
        status: response.status().as_u16(),
        took_ns,
        headers: headers.filter_map(|(name, value)| exchange::kept(name.as_str(), value.as_bytes())).collect(),
        body_bytes: 0,
        body_cut: false,
        redirect: None,
        resources: Vec::new(),
        resources_left_out: 0,
    }
}

fn is_html(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase().contains("html")
}

fn failure(error: &hyper::Error) -> HttpFailure {
    if error.is_parse() { HttpFailure::Malformed } else { HttpFailure::Closed }
}

/// Reads at most so many bytes of a body, in the time of one step.
async fn read(mut body: Incoming, at_most: u64, patience: Duration) -> Body {
    let deadline = Instant::now() + patience;
    let mut bytes = Vec::new();
    loop {
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(None) => return Body { bytes, is_cut: false },
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) | Err(_) => return Body { bytes, is_cut: true },
        };
        let Ok(data) = frame.into_data() else { continue };
        let room = usize::try_from(at_most).unwrap_or(usize::MAX) - bytes.len();
        bytes.extend_from_slice(data.get(..room).unwrap_or(&data));
        if data.len() > room {
            return Body { bytes, is_cut: true };
        }
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
