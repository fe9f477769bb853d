//! DNS over HTTPS (RFC 8484): by POST, to the configured address alone.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use tokio::time::timeout_at;
use tracing::debug;

use super::tls::{IDLE, configure, meaning};
use crate::config::Fault;
use crate::config::resolver::Authentication;
use crate::edge::client::USER_AGENT;
use crate::resolution::NameFailure;

/// The type of questions and answers (RFC 8484 section 6).
const MESSAGE: &str = "application/dns-message";

/// The most bytes of an answer: more no DNS message can have.
const LARGEST: usize = 0xffff;

/// One server.
#[derive(Debug)]
pub(super) struct Https {
    client: Client,
    url: Url,
}

impl Https {
    /// The server at `address`, known by `authentication`, with DNS at `path`. Its name is never looked up, no proxy is
    /// used, and no redirect followed: the answer is of whom the configuration names.
    pub(super) fn open(address: SocketAddr, authentication: &Authentication, path: &str) -> Result<Self, Fault> {
        let at = |message: String| Fault { spot: authentication.spot.clone(), message };
        let mut tls = configure(authentication)?;
        // Of many servers only HTTP/2 is had.
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = authentication.server_name.as_ref().map(ToString::to_string);
        let host = name.clone().unwrap_or_else(|| SocketAddr::new(address.ip(), 0).to_string());
        let host = host.strip_suffix(":0").unwrap_or(&host);
        let url = format!("https://{host}:{}{path}", address.port());
        let url =
            Url::parse(&url).map_err(|error| at(format!("{url} is no URL ({error}): correct server_name or path")))?;
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .https_only(true)
            .no_proxy()
            .referer(false)
            .redirect(redirect::Policy::none())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .http2_keep_alive_interval(IDLE)
            .http2_keep_alive_timeout(IDLE)
            .tls_backend_preconfigured(tls);
        let builder = name.iter().fold(builder, |builder, name| builder.resolve(name, address));
        let client = builder
            .build()
            .map_err(|error| at(format!("failed to set up HTTP: {error}: report this as a fault of pehra")))?;
        Ok(Self { client, url })
    }

    /// One message there and one back.
    pub(super) async fn exchange(&self, question: &[u8], until: Instant) -> Result<Vec<u8>, NameFailure> {
        timeout_at(until.into(), self.post(question)).await.unwrap_or(Err(NameFailure::Timeout))
    }

    async fn post(&self, question: &[u8]) -> Result<Vec<u8>, NameFailure> {
        let request = self.client.post(self.url.clone()).body(question.to_vec());
        let request = request.header(header::CONTENT_TYPE, MESSAGE).header(header::ACCEPT, MESSAGE);
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        is_message(&response)?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if answer.len() + chunk.len() > LARGEST {
                return Err(NameFailure::Malformed);
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// Whether a server answered, and in DNS: what the answer says of the name is in its body, not in its status.
fn is_message(response: &Response) -> Result<(), NameFailure> {
    let (status, kind) = (response.status(), response.headers().get(header::CONTENT_TYPE));
    debug!(%status, ?kind, "an answer over HTTPS");
    if status.is_server_error() {
        return Err(NameFailure::ServerFailure);
    }
    if status != StatusCode::OK {
        return Err(NameFailure::Refused);
    }
    let kind = kind.and_then(|kind| kind.to_str().ok()).and_then(|kind| kind.split(';').next());
    if kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MESSAGE)) {
        Ok(())
    } else {
        Err(NameFailure::Malformed)
    }
}

fn failure(error: &reqwest::Error) -> NameFailure {
    let cause = tls_error(error);
    debug!(%error, ?cause, "no answer over HTTPS");
    match cause {
        Some(cause) => meaning(cause),
        None if error.is_timeout() => NameFailure::Timeout,
        None if error.is_connect() => NameFailure::Unreachable,
        None => NameFailure::Malformed,
    }
}

/// The failure of TLS below an error. What an I/O error holds is not its source, but what that has for one.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref() {
            return Some(tls);
        }
        let held = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| cause.source());
    }
    None
}
