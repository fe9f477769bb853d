//! Servers, well-behaved and not, each for one connection.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server for one connection.
pub(super) struct Server<T> {
    pub(super) address: SocketAddr,
    thread: JoinHandle<T>,
}

/// A connection by TLS, seen from the server.
pub(super) type Secured = StreamOwned<ServerConnection, TcpStream>;

pub(super) fn serve<T>(with: impl FnOnce(TcpStream) -> T + Send + 'static) -> Server<T>
where
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || with(listener.accept().unwrap().0));
    Server { address, thread }
}

impl<T> Server<T> {
    /// What it has seen, when it is done.
    pub(super) fn seen(self) -> T {
        self.thread.join().unwrap()
    }
}

/// What comes up to an empty line.
pub(super) fn request(from: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && from.read(&mut byte).unwrap() > 0 {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// The next line.
pub(super) fn line(from: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n") && from.read(&mut byte).unwrap() > 0 {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// Says the same thing until nobody listens.
pub(super) fn flood(mut to: impl Write, with: &[u8]) {
    while to.write_all(with).is_ok() {}
}

/// Says the same thing now and then until nobody listens.
pub(super) fn drip(mut to: impl Write, with: &[u8]) {
    while to.write_all(with).is_ok() {
        wait(Duration::from_millis(5));
    }
}

pub(super) fn wait(time: Duration) {
    let (_never, event) = mpsc::channel::<()>();
    event.recv_timeout(time).unwrap_err();
}

/// Whether the other side ends the connection in order.
pub(super) fn is_ended_in_order(mut connection: impl Read) -> bool {
    connection.read(&mut [0]).is_ok_and(|length| length == 0)
}

pub(super) fn close(connection: &TcpStream) {
    connection.shutdown(Shutdown::Both).unwrap();
}

/// An authority, and what it signs.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self::named("an authority")
    }

    pub(super) fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::CountryName, "PK");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Signs for `names`, with what else `change` says.
    pub(super) fn sign(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = params(names);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { chain: vec![certificate.der().clone(), self.certificate()], key: private(&key) }
    }
}

impl Identity {
    /// Signed by itself.
    pub(super) fn own(names: &[&str]) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params(names).self_signed(&key).unwrap();
        Self { chain: vec![certificate.der().clone()], key: private(&key) }
    }

    /// A server of it that speaks these versions.
    pub(super) fn config(self, versions: &[&'static rustls::SupportedProtocolVersion]) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        config.with_no_client_auth().with_single_cert(self.chain, self.key).unwrap()
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2100, 1, 1));
    params
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

pub(super) fn secure(connection: TcpStream, config: ServerConfig) -> Secured {
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), connection)
}
