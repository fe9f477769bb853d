//! DNS over TLS and over HTTPS, against servers with certificates of the day.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;
use crate::config::Spot;
use crate::config::resolver::{Authentication, NamedFile};

const NAME: &str = "dns.example.pk";

/// Who issues certificates, with its own in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: tempfile::TempDir,
}

impl Authority {
    #[expect(clippy::disallowed_methods, reason = "writes the file that is read")]
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, directory }
    }

    /// A server of these names, which speaks one protocol.
    fn acceptor(&self, names: &[&str], protocol: Option<&str>) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        self.acceptor_of(&CertificateParams::new(names).unwrap(), protocol)
    }

    fn acceptor_of(&self, params: &CertificateParams, protocol: Option<&str>) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![certificate.der().clone()];
        let mut config = versions.with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = protocol.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// What a view says that trusts this authority.
    fn authentication(&self, server_name: Option<&str>) -> Authentication {
        let server_name = server_name.map(|name| name.parse().unwrap());
        let ca_file = NamedFile { path: self.directory.path().join("ca.pem"), spot: spot("resolver.ca_file") };
        Authentication { server_name, ca_file: Some(ca_file), spot: spot("resolver.transport") }
    }

    /// A view of `address` by DNS over TLS.
    fn tls(&self, address: SocketAddr) -> ResolverConfig {
        let config = view_of("secured", address, Transport::Tls(self.authentication(Some(NAME))));
        ResolverConfig { timeout: PATIENCE, ..config }
    }

    /// A view of `address` by DNS over HTTPS.
    fn https(&self, address: SocketAddr) -> ResolverConfig {
        let authentication = self.authentication(Some(NAME));
        let config = view_of("secured", address, Transport::Https { authentication, path: "/dns-query".to_owned() });
        ResolverConfig { timeout: PATIENCE, ..config }
    }
}

fn spot(key: &str) -> Spot {
    Spot { line: 7, key: key.to_owned(), ..Spot::file("pehra.toml") }
}

/// What a server does with a connection, and how many there were.
async fn serve<F>(acceptor: TlsAcceptor, react: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static) -> Served
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(react(stream));
            }
        }
    });
    Served { address, connections }
}

struct Served {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

/// Reads one question; `None` when there is no other.
async fn question(stream: &mut TlsStream<TcpStream>) -> Option<Message> {
    let length = stream.read_u16().await.ok()?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(Message::from_vec(&bytes).unwrap())
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// What is sent back to a question.
type Answers = fn(Message) -> Vec<u8>;

/// The same to a request with this head.
type Responds = fn((String, Message)) -> Vec<u8>;

/// A server by TLS that answers each question with these bytes, and then, if told to, closes.
async fn by_tls(acceptor: TlsAcceptor, bytes: Answers, closes: bool) -> Served {
    serve(acceptor, move |mut stream| async move {
        while let Some(question) = question(&mut stream).await {
            stream.write_all(&bytes(question)).await.unwrap();
            stream.flush().await.unwrap();
            if closes {
                return;
            }
        }
    })
    .await
}

async fn look(resolvers: &Resolvers) -> Resolution {
    resolvers.lookup(&View("secured".to_owned()), &"www.example.pk".parse().unwrap(), AddressFamily::A).await
}

/// What comes of asking a view once.
async fn word(config: ResolverConfig) -> &'static str {
    look(&open(&[config])).await.outcome_word()
}

#[test]
fn over_tls_an_answer_is_the_same_and_the_connection_serves_again() {
    block_on(async {
        let authority = Authority::new();
        let served = by_tls(authority.acceptor(&[NAME], None), |q| framed(&good_bytes(q)), false).await;
        let resolvers = open(&[authority.tls(served.address)]);
        for _ in 0..5 {
            let found = look(&resolvers).await;
            assert_eq!(found.addresses().collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
            assert_eq!(found.server, Some(served.address));
        }
        assert_eq!(served.connections.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_no_failure() {
    block_on(async {
        let authority = Authority::new();
        let served = by_tls(authority.acceptor(&[NAME], None), |q| framed(&good_bytes(q)), true).await;
        let resolvers = open(&[authority.tls(served.address)]);
        for _ in 0..3 {
            assert_eq!(look(&resolvers).await.outcome_word(), "answered");
        }
        assert_eq!(served.connections.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_connection_that_brings_another_answer_serves_no_more() {
    block_on(async {
        let authority = Authority::new();
        // The second answer is there before its question is.
        let twice = |question: Message| framed(&good_bytes(question)).repeat(2);
        let served = by_tls(authority.acceptor(&[NAME], None), twice, false).await;
        let resolvers = open(&[authority.tls(served.address)]);
        let words = [look(&resolvers).await.outcome_word(), look(&resolvers).await.outcome_word()];
        assert_eq!(words, ["answered", "answered"]);
        assert_eq!(served.connections.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn without_a_name_the_certificate_has_to_name_the_address() {
    block_on(async {
        let authority = Authority::new();
        for (named, word_of_it) in [("127.0.0.1", "answered"), ("127.0.0.2", "untrusted"), (NAME, "untrusted")] {
            let served = by_tls(authority.acceptor(&[named], None), |q| framed(&good_bytes(q)), false).await;
            let nameless = view_of("secured", served.address, Transport::Tls(authority.authentication(None)));
            assert_eq!(word(ResolverConfig { timeout: PATIENCE, ..nameless }).await, word_of_it, "{named}");
        }
    });
}

#[test]
fn a_server_that_is_not_who_it_should_be_is_untrusted_and_not_asked() {
    block_on(async {
        let (authority, stranger) = (Authority::new(), Authority::new());
        let mut expired = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        expired.not_after = rcgen::date_time_ymd(2001, 1, 1);
        for acceptor in [
            authority.acceptor(&["dns.example.com"], None),
            stranger.acceptor(&[NAME], None),
            authority.acceptor_of(&expired, None),
        ] {
            let served = by_tls(acceptor.clone(), |question| panic!("asked {question}"), false).await;
            let found = look(&open(&[authority.tls(served.address)])).await;
            assert_eq!((found.outcome_word(), found.server), ("untrusted", None));
            let served = by_https(acceptor, |_| panic!("asked")).await;
            assert_eq!(word(authority.https(served.address)).await, "untrusted");
        }
    });
}

#[test]
fn garbage_over_tls_is_malformed_and_silence_ends_with_the_timeout() {
    block_on(async {
        let authority = Authority::new();
        let cases: [(Answers, &str); 6] = [
            (|q| framed(&good_bytes(q))[..20].to_vec(), "malformed"),
            (|_| framed(&vec![0xff; 0xffff]), "malformed"),
            (|_| framed(&[]), "malformed"),
            (|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".repeat(3000), "malformed"),
            (
                |q| {
                    let mut other = good(reply(q));
                    other.metadata.id ^= 1;
                    framed(&other.to_vec().unwrap())
                },
                "malformed",
            ),
            (|q| framed(&code(reply(q), ResponseCode::ServFail).to_vec().unwrap()), "server-failure"),
        ];
        for (bytes, expected) in cases {
            let served = by_tls(authority.acceptor(&[NAME], None), bytes, true).await;
            assert_eq!(word(authority.tls(served.address)).await, expected);
        }
        // The length of the longest message, and one byte of it: a slow loris.
        let slow = by_tls(authority.acceptor(&[NAME], None), |_| vec![0xff, 0xff, 0], false).await;
        assert_eq!(word(ResolverConfig { timeout: TIMEOUT, ..authority.tls(slow.address) }).await, "timeout");
    });
}

#[test]
fn what_speaks_no_tls_is_malformed_silent_or_unreachable() {
    block_on(async {
        let authority = Authority::new();
        let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let garbage = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let garbage_at = garbage.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = garbage.accept().await {
                stream.write_all(&[0x15; 4096]).await.unwrap();
            }
        });
        let mute = mute.local_addr().map(|address| (address, mute)).unwrap();
        for (address, expected) in [(garbage_at, "malformed"), (mute.0, "timeout"), (closed, "unreachable")] {
            for config in [authority.tls(address), authority.https(address)] {
                let timeout = if expected == "timeout" { TIMEOUT } else { PATIENCE };
                assert_eq!(word(ResolverConfig { timeout, ..config }).await, expected, "{address}");
            }
        }
    });
}

/// A server by HTTP/1.1 that answers each request, its head first, with these bytes.
async fn by_https(acceptor: TlsAcceptor, answer: Responds) -> Served {
    serve(acceptor, move |mut stream| async move {
        while let Some(request) = request(&mut stream).await {
            stream.write_all(&answer(request)).await.unwrap();
            stream.flush().await.unwrap();
        }
    })
    .await
}

async fn request(stream: &mut TlsStream<TcpStream>) -> Option<(String, Message)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, Message::from_vec(&body).unwrap()))
}

fn http(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn over_https_an_answer_is_the_same_and_the_request_is_of_rfc_8484() {
    block_on(async {
        let authority = Authority::new();
        let served = by_https(authority.acceptor(&[NAME], Some("http/1.1")), |(head, question)| {
            assert!(head.starts_with("post /dns-query http/1.1\r\n"), "{head}");
            for header in ["content-type: application/dns-message", "accept: application/dns-message"] {
                assert!(head.contains(header), "{head}");
            }
            assert!(head.contains(&format!("host: {NAME}:")), "{head}");
            http("200 OK", "application/dns-message", &good_bytes(question))
        })
        .await;
        let resolvers = open(&[authority.https(served.address)]);
        for _ in 0..5 {
            let found = look(&resolvers).await;
            assert_eq!(found.addresses().collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
            assert_eq!(found.server, Some(served.address));
        }
        assert_eq!(served.connections.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn over_https_without_a_name_the_certificate_has_to_name_the_address() {
    block_on(async {
        let authority = Authority::new();
        let served = by_https(authority.acceptor(&["127.0.0.1"], None), |(_, question)| {
            http("200 OK", "application/dns-message", &good_bytes(question))
        })
        .await;
        let authentication = authority.authentication(None);
        let nameless = Transport::Https { authentication, path: "/".to_owned() };
        let config = view_of("secured", served.address, nameless);
        assert_eq!(word(ResolverConfig { timeout: PATIENCE, ..config }).await, "answered");
    });
}

#[test]
fn servers_of_http_2_alone_are_asked_over_one_connection() {
    block_on(async {
        let authority = Authority::new();
        let served = serve(authority.acceptor(&[NAME], Some("h2")), |stream| async move {
            let service = hyper::service::service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                let body = axum::body::to_bytes(axum::body::Body::new(request.into_body()), 512).await.unwrap();
                let answer = good_bytes(Message::from_vec(&body).unwrap());
                let response = hyper::Response::builder().header("content-type", "application/dns-message");
                Ok::<_, std::convert::Infallible>(response.body(axum::body::Body::from(answer)).unwrap())
            });
            let executor = hyper_util::rt::TokioExecutor::new();
            let io = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service).await;
        })
        .await;
        let resolvers = open(&[authority.https(served.address)]);
        assert_eq!(look(&resolvers).await.outcome_word(), "answered");
        let found = futures_of((0..20).map(|_| look(&resolvers))).await;
        assert!(found.iter().all(|found| found.outcome_word() == "answered"));
        assert_eq!(served.connections.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn what_is_no_answer_of_dns_over_https_is_told_apart() {
    block_on(async {
        let authority = Authority::new();
        let cases: [(Responds, &str); 9] = [
            (|_| http("500 Internal Server Error", "text/html", b"<h1>500</h1>"), "server-failure"),
            (|(_, q)| http("503 Busy", "application/dns-message", &good_bytes(q)), "server-failure"),
            (|_| http("404 Not Found", "text/plain", b""), "refused"),
            (|_| http("302 Found\r\nLocation: /elsewhere", "text/html", b""), "refused"),
            (|_| http("200 OK", "text/html", b"<!DOCTYPE html><script>"), "malformed"),
            (|_| http("200 OK", "application/dns-message", b"<!DOCTYPE html>"), "malformed"),
            (|_| http("200 OK", "application/dns-message", &vec![0; 0x1_0000]), "malformed"),
            (|_| b"not HTTP at all\r\n\r\n".to_vec(), "malformed"),
            (
                |(_, q)| {
                    let mut other = good(reply(q));
                    other.metadata.id ^= 1;
                    http("200 OK", "application/dns-message", &other.to_vec().unwrap())
                },
                "malformed",
            ),
        ];
        for (answer, expected) in cases {
            let served = by_https(authority.acceptor(&[NAME], None), answer).await;
            assert_eq!(word(authority.https(served.address)).await, expected);
        }
        let slow = by_https(authority.acceptor(&[NAME], None), |_| b"HTTP/1.1 200 OK\r\nX: ".to_vec()).await;
        assert_eq!(word(ResolverConfig { timeout: TIMEOUT, ..authority.https(slow.address) }).await, "timeout");
    });
}

#[test]
fn a_body_without_end_is_not_read_to_its_end() {
    block_on(async {
        let authority = Authority::new();
        let served = serve(authority.acceptor(&[NAME], None), |mut stream| async move {
            let _ = request(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            let chunk = [b"1000\r\n".as_slice(), &[0; 0x1000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {}
        })
        .await;
        assert_eq!(word(authority.https(served.address)).await, "malformed");
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "writes the files that are read")]
fn a_file_of_authorities_that_cannot_be_used_is_told_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("empty"), "").unwrap();
    std::fs::write(at("page"), "<!DOCTYPE html>").unwrap();
    std::fs::write(at("cut"), "-----BEGIN CERTIFICATE-----\nMIIB\n").unwrap();
    std::fs::write(at("noise"), "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n").unwrap();
    let faults = |path: PathBuf| {
        let ca_file = Some(NamedFile { path, spot: spot("resolver.ca_file") });
        let authentication = Authentication { server_name: None, ca_file, spot: spot("resolver.transport") };
        let config = view_of("secured", "127.0.0.1:853".parse().unwrap(), Transport::Tls(authentication));
        Resolvers::open(&[config], &ProbingConfig::default().round).unwrap_err().to_string()
    };
    for (name, says) in [
        ("missing", "failed to read"),
        ("", "failed to read"),
        ("empty", "holds no certificate"),
        ("page", "holds no certificate"),
        ("cut", "is not PEM"),
        ("noise", "cannot be trusted"),
    ] {
        let told = faults(at(name));
        assert!(told.starts_with("pehra.toml:7: resolver.ca_file: ") && told.contains(says), "{name}: {told}");
        assert_eq!(told.lines().count(), 1);
    }
}
