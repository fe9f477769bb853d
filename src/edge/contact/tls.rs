//! Connections → TLS sessions, whatever their certificates are worth.
//!
//! A certificate that is for another name, expired or signed by nobody known is evidence of who answers, so the handshake
//! goes on, and what the certificate is worth is written down. What *is* insisted on is the signature of the handshake:
//! whoever answers holds the key of the certificate that he shows. Nothing is lost on such a connection, since nothing
//! secret is ever said over one (see [`super`]).
//!
//! The chain is verified once the handshake is over, lest the time that takes count as distance. Revocation is not asked
//! for. Known limit: certificates whose key or form the library does not take at all (RSA below 2048 bits, X.509 version 1)
//! cannot have signed anything for us, and end in [`TlsFailure::Malformed`].

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind, ProtocolVersion,
    RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::flights::{Flights, Timed};
use crate::contact::certificate::{Certificate, MOST_CERTIFICATES, MOST_WORDS, Session, TlsFailure, Trust};
use crate::edge::clock;
use crate::edge::vigil::Vigil;
use crate::moment::Rtt;
use crate::workload::Host;

/// Makes TLS sessions.
#[derive(Debug)]
pub(super) struct Handshakes {
    /// For HTTP/1.1 alone.
    http: Arc<ClientConfig>,
    /// For mail, which no protocol is named for.
    mail: Arc<ClientConfig>,
    /// Says what chains are worth; nobody, where the host knows no authority.
    judge: Option<Arc<WebPkiServerVerifier>>,
}

/// A session, and the connection it is held over.
pub(super) type Established = (TlsStream<Timed<TcpStream>>, Session);

impl Handshakes {
    pub(super) fn new(authorities: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let mail = config(Arc::clone(&provider), algorithms)?;
        let mut http = mail.clone();
        http.alpn_protocols = vec![b"http/1.1".to_vec()];
        let judge = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider).build().ok();
        Ok(Self { http: Arc::new(http), mail: Arc::new(mail), judge })
    }

    /// A session for HTTP with whoever should be `name`.
    pub(super) async fn for_http(
        &self,
        connection: TcpStream,
        name: &Host,
        patience: Duration,
    ) -> Result<Established, TlsFailure> {
        self.shake(&self.http, connection, name, patience).await
    }

    /// One for mail.
    pub(super) async fn for_mail(
        &self,
        connection: TcpStream,
        name: &Host,
        patience: Duration,
    ) -> Result<Established, TlsFailure> {
        self.shake(&self.mail, connection, name, patience).await
    }

    async fn shake(
        &self,
        config: &Arc<ClientConfig>,
        connection: TcpStream,
        name: &Host,
        patience: Duration,
    ) -> Result<Established, TlsFailure> {
        let asked = server_name(name, &connection)?;
        let mut vigil = Vigil::begin();
        let connecting = TlsConnector::from(Arc::clone(config)).connect(asked.clone(), Timed::new(connection));
        let connection = timeout(patience, connecting).await.map_err(|_| TlsFailure::Timeout)?;
        let connection = connection.map_err(|error| failure(&error))?;
        let has_slept = vigil.has_slept();
        let (timed, held) = connection.get_ref();
        let session = Session {
            name: name.clone(),
            version: version(held),
            rtt_ns: if has_slept { Rtt::default() } else { rtt(timed.flights(), held) },
            chain: chain(held),
            trust: self.trust(&asked, held),
        };
        Ok((connection, session))
    }

    /// What the chain is worth.
    fn trust(&self, name: &ServerName<'_>, held: &ClientConnection) -> Trust {
        let Some(judge) = &self.judge else { return Trust::UnknownIssuer };
        let Some((holder, others)) = held.peer_certificates().and_then(<[_]>::split_first) else {
            return Trust::UnknownIssuer;
        };
        let now = u64::try_from(clock::now().wall.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        match judge.verify_server_cert(holder, others, name, &[], now) {
            Ok(_) => Trust::Trusted,
            Err(error) => trust(&error),
        }
    }
}

fn config(provider: Arc<CryptoProvider>, algorithms: WebPkiSupportedAlgorithms) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(HolderOfTheKey(algorithms)))
        .with_no_client_auth();
    // A resumed session shows no certificate.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// What is asked for in SNI, where it is a name. A name that no certificate may carry is asked for by its address.
fn server_name(name: &Host, connection: &TcpStream) -> Result<ServerName<'static>, TlsFailure> {
    let named = match name {
        Host::Name(name) => ServerName::try_from(name.as_str().to_owned()).ok(),
        Host::Address(address) => Some(ServerName::IpAddress((*address).into())),
    };
    let address = || connection.peer_addr().map(|peer| ServerName::IpAddress(IpAddr::into(peer.ip())));
    named.map_or_else(|| address().map_err(|_| TlsFailure::Closed), Ok)
}

/// The time that whoever holds the key took.
fn rtt(flights: Flights, held: &ClientConnection) -> Rtt {
    // Of one round trip all counts, though we say something in the midst of it that nobody answers (RFC 8446 appendix D.4).
    let is_one_round_trip =
        held.protocol_version() == Some(ProtocolVersion::TLSv1_3) && held.handshake_kind() == Some(HandshakeKind::Full);
    Rtt::from_duration(if is_one_round_trip { flights.whole() } else { flights.slowest() })
}

/// Of the two that are offered.
fn version(held: &ClientConnection) -> String {
    let is_older = held.protocol_version() == Some(ProtocolVersion::TLSv1_2);
    if is_older { "TLSv1.2".to_owned() } else { "TLSv1.3".to_owned() }
}

fn chain(held: &ClientConnection) -> Vec<Certificate> {
    let shown = held.peer_certificates().unwrap_or_default().iter().take(MOST_CERTIFICATES);
    shown.map_while(|certificate| Certificate::from_der(certificate)).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "foreign enums that may grow: what is not named has its own words")]
fn trust(error: &rustls::Error) -> Trust {
    let rustls::Error::InvalidCertificate(wrong) = error else { return Trust::Invalid(cut(&error.to_string())) };
    match wrong {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Trust::WrongName,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Trust::NotInTime,
        CertificateError::UnknownIssuer => Trust::UnknownIssuer,
        other => Trust::Invalid(cut(&other.to_string())),
    }
}

fn cut(words: &str) -> String {
    words.chars().take(MOST_WORDS).collect()
}

/// Why a handshake failed.
fn failure(error: &io::Error) -> TlsFailure {
    match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        None => TlsFailure::Closed,
        Some(rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_)) => TlsFailure::Refused,
        Some(_) => TlsFailure::Malformed,
    }
}

/// Insists on the signature of the handshake, and on nothing else.
#[derive(Debug)]
struct HolderOfTheKey(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for HolderOfTheKey {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
