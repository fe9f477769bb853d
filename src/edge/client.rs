//! HTTP to sinks and inventories: who we say we are, whose certificates we trust, how long we wait.
//!
//! The host's own store of certificate authorities is trusted, since an Alertmanager on an intranet is signed by the
//! intranet's. A host without one can still speak http. Redirects are not followed: a sink that moved is a change of
//! configuration, and evidence goes nowhere that was not configured.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, header, redirect};
use rustls::{ClientConfig, RootCertStore};
use tracing::debug;

use crate::alert::Outcome;

/// Who asks, so that the operator of the other side can tell.
pub(super) const USER_AGENT: &str = concat!("pehra/", env!("CARGO_PKG_VERSION"));
/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);
/// How much of an answer to a post is read; what a sink says beyond is nothing to us.
const ANSWER_AT_MOST: usize = 4096;

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS library refuses its settings.
    #[error("set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refuses its settings.
    #[error("set up HTTP: {0}")]
    Http(#[from] reqwest::Error),
}

/// A client whose requests take no longer than `timeout`, from the first packet to the last byte.
pub fn build(timeout: Duration) -> Result<Client, ClientError> {
    let tls = tls(authorities())?;
    let client = Client::builder()
        .user_agent(USER_AGENT)
        .timeout(timeout)
        .connect_timeout(timeout)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .tls_backend_preconfigured(tls);
    Ok(client.build()?)
}

/// TLS as a client that trusts `authorities`.
pub(super) fn tls(authorities: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(authorities).with_no_client_auth())
}

/// The certificate authorities that the host trusts; what cannot be read is left out.
pub fn authorities() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        debug!(%error, "a certificate authority of this host could not be read");
    }
    let mut store = RootCertStore::empty();
    let (added, ignored) = store.add_parsable_certificates(found.certs);
    debug!(added, ignored, "certificate authorities of this host");
    store
}

/// What a sink answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The beginning of what it said, as text.
    pub(super) says: String,
}

/// Posts `json` and gives the answer, or the reason for which there is none.
pub(super) async fn post_json(request: RequestBuilder, json: String) -> Result<Answer, Outcome> {
    let request = request.header(header::CONTENT_TYPE, "application/json").body(json);
    let mut response = request.send().await.map_err(|error| failure(&error))?;
    let status = response.status();
    let mut said = Vec::new();
    while said.len() < ANSWER_AT_MOST {
        match response.chunk().await {
            Ok(Some(chunk)) => said.extend_from_slice(&chunk),
            Err(error) if status.is_success() => return Err(failure(&error)),
            Ok(None) | Err(_) => break,
        }
    }
    said.truncate(ANSWER_AT_MOST);
    Ok(Answer { status, says: String::from_utf8_lossy(&said).into_owned() })
}

fn failure(error: &reqwest::Error) -> Outcome {
    debug!(cause = innermost(error), "a post failed");
    if error.is_timeout() { Outcome::Timeout } else { Outcome::Unreachable }
}

/// The cause at the bottom of a chain of errors, which is the one that says something.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
