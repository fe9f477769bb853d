//! DNS over TLS (RFC 7858), and by what a server is known.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::debug;

use super::exchange::{connect, converse, whole};
use super::message::{Question, Reply};
use super::views::read;
use crate::config::Fault;
use crate::config::resolver::{Authentication, NamedFile};
use crate::edge::{client, clock};
use crate::resolution::NameFailure;

/// How long a connection is kept for the next question: longer than a round pauses between its questions, shorter than
/// servers keep one (RFC 7766 section 6.2.3 speaks of seconds).
pub(super) const IDLE: Duration = Duration::from_secs(5);

/// The most connections of a view that are kept.
const MOST_IDLE: usize = 4;

/// One server, and its connections that nobody uses.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    idle: Mutex<Vec<(Instant, TlsStream<TcpStream>)>>,
}

impl Tls {
    /// The server at `address`, known by `authentication`.
    pub(super) fn open(address: IpAddr, authentication: &Authentication) -> Result<Self, Fault> {
        let config = configure(authentication)?;
        let name = name_of(address, authentication)?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name, idle: Mutex::default() })
    }

    /// Asks and hears the answer. A connection that was kept may have been closed meanwhile: it is tried, and no failure of
    /// its own counts.
    pub(super) async fn ask(
        &self,
        server: SocketAddr,
        question: &Question,
        until: Instant,
    ) -> Result<Reply, NameFailure> {
        while let Some(mut stream) = self.kept() {
            match timeout_at(until.into(), converse(&mut stream, &question.bytes)).await {
                Ok(Ok(answer)) => return self.heard(stream, whole(question, &answer)),
                Ok(Err(_)) => {}
                Err(_) => return Err(NameFailure::Timeout),
            }
        }
        let stream = connect(server, until).await?;
        let handshake = self.connector.connect(self.name.clone(), stream);
        let Ok(shaken) = timeout_at(until.into(), handshake).await else { return Err(NameFailure::Timeout) };
        let mut stream = shaken.map_err(|error| failure(server, &error))?;
        match timeout_at(until.into(), converse(&mut stream, &question.bytes)).await {
            Ok(Ok(answer)) => self.heard(stream, whole(question, &answer)),
            Ok(Err(error)) => Err(failure(server, &error)),
            Err(_) => Err(NameFailure::Timeout),
        }
    }

    /// A connection that was used just now.
    fn kept(&self) -> Option<TlsStream<TcpStream>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now().mono;
        idle.retain(|(since, _)| now.saturating_duration_since(*since) < IDLE);
        idle.pop().map(|(_, stream)| stream)
    }

    /// Keeps the connection that brought the answer. One that brought anything else may bring that answer to the next question.
    fn heard(&self, stream: TlsStream<TcpStream>, reply: Result<Reply, NameFailure>) -> Result<Reply, NameFailure> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if reply.is_ok() && idle.len() < MOST_IDLE {
            idle.push((clock::now().mono, stream));
        }
        reply
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// TLS that trusts whoever may have issued the certificate of a server.
pub(super) fn configure(authentication: &Authentication) -> Result<ClientConfig, Fault> {
    let at = |message: String| Fault { spot: authentication.spot.clone(), message };
    let authorities = match &authentication.ca_file {
        Some(file) => read_authorities(file)?,
        None => client::authorities(),
    };
    if authorities.is_empty() {
        let message = "this host trusts no certificate authority: install ca-certificates, or add a ca_file";
        return Err(at(message.to_owned()));
    }
    client::tls(authorities)
        .map_err(|error| at(format!("failed to set up TLS: {error}: report this as a fault of pehra")))
}

/// The name that the certificate has to be for: of an address, none is sent (SNI), and the certificate names it.
fn name_of(address: IpAddr, authentication: &Authentication) -> Result<ServerName<'static>, Fault> {
    let Some(name) = &authentication.server_name else { return Ok(ServerName::IpAddress(address.into())) };
    ServerName::try_from(name.as_str().to_owned()).map_err(|error| {
        let message = format!("server_name {name} cannot be in a certificate ({error}): write a DNS name");
        Fault { spot: authentication.spot.clone(), message }
    })
}

fn read_authorities(file: &NamedFile) -> Result<RootCertStore, Fault> {
    let path = file.path.display();
    let at = |message: String| Fault { spot: file.spot.clone(), message };
    let text = read(file)?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate =
            certificate.map_err(|error| at(format!("{path} is not PEM ({error}): write certificates")))?;
        store.add(certificate).map_err(|error| {
            at(format!("{path} holds a certificate that cannot be trusted ({error}): leave it out"))
        })?;
    }
    if store.is_empty() {
        return Err(at(format!("{path} holds no certificate: write those of the authority in PEM")));
    }
    Ok(store)
}

/// What went wrong in a connection that was made.
fn failure(server: SocketAddr, error: &io::Error) -> NameFailure {
    debug!(%server, %error, "no answer over TLS");
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    tls.map_or(NameFailure::Malformed, meaning)
}

/// What a failure of TLS says.
pub(super) fn meaning(error: &rustls::Error) -> NameFailure {
    if let rustls::Error::InvalidCertificate(_) = error {
        NameFailure::Untrusted
    } else if let rustls::Error::AlertReceived(_) = error {
        NameFailure::Refused
    } else {
        NameFailure::Malformed
    }
}
