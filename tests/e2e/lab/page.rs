//! A site: a server of HTTPS that says one thing to everybody.

use super::authority::Identity;
use super::{Lab, Process, START};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The argument that makes this program play the part.
pub(super) const ROLE: &str = "--play-page";

/// How a site answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// At once, without a body.
    Prompt,
    /// With a body that goes on for as long as anybody listens.
    Endless,
    /// With a header that goes on, an octet every 50 ms.
    Slow,
}

impl Manner {
    fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Endless => "endless",
            Self::Slow => "slow",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Prompt, Self::Endless, Self::Slow].into_iter().find(|manner| manner.as_str() == text)
    }
}

/// Answers every request at once at `address` on `node` with `head`, lines of a status and headers without their end. It shows
/// `identity`, and says each line that it is asked with.
pub(crate) fn page(lab: &Lab, node: &'static str, address: SocketAddr, identity: &Identity, head: &[&str]) -> Process {
    page_in(lab, node, address, identity, Manner::Prompt, head)
}

/// The same in another manner.
pub(crate) fn page_in(
    lab: &Lab,
    node: &'static str,
    address: SocketAddr,
    identity: &Identity,
    manner: Manner,
    head: &[&str],
) -> Process {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let (address, certificate) = (address.to_string(), identity.certificate.display().to_string());
    let key = identity.key.display().to_string();
    let command = [&[program.as_str(), ROLE, &address, &certificate, &key, manner.as_str()], head].concat();
    let mut process = lab.spawn(node, &command);
    process.wait_for_line("ready", START);
    process
}

/// Runs the program.
pub(super) fn play(arguments: &[String]) -> ExitCode {
    let [address, certificate, key, manner, head @ ..] = arguments else {
        eprintln!("an address is needed, a certificate, its key, a manner, and lines to say");
        return ExitCode::FAILURE;
    };
    let manner = Manner::parse(manner).expect("a manner");
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).expect("a key that fits");
    let (config, head) = (Arc::new(config), format!("{}\r\nConnection: close\r\n", head.join("\r\n")));
    let listener = TcpListener::bind(address).expect("an address of this node and a free port");
    println!("ready");
    for connection in listener.incoming().flatten() {
        let (config, head) = (Arc::clone(&config), head.clone());
        thread::spawn(move || answer(connection, config, manner, &head));
    }
    ExitCode::SUCCESS
}

/// Answers one request. Whoever only knocked is gone by then.
fn answer(connection: TcpStream, config: Arc<ServerConfig>, manner: Manner, head: &str) {
    let mut secured = StreamOwned::new(ServerConnection::new(config).expect("TLS"), connection);
    let (mut asked, mut byte) = (Vec::new(), [0]);
    while !asked.ends_with(b"\r\n\r\n") {
        match secured.read(&mut byte) {
            Ok(1) => asked.push(byte[0]),
            Ok(_) | Err(_) => return,
        }
    }
    String::from_utf8_lossy(&asked).lines().for_each(|line| println!("{line}"));
    // Whoever asked may have heard enough.
    let _ = secured.write_all(head.as_bytes());
    match manner {
        Manner::Prompt => drop(secured.write_all(b"\r\n")),
        Manner::Endless => {
            let _ = secured.write_all(b"\r\n");
            while secured.write_all(&[b'x'; 16 << 10]).is_ok() {}
        }
        Manner::Slow => {
            let _ = secured.write_all(b"X-Slow: ");
            while secured.write_all(b"x").and_then(|()| secured.flush()).is_ok() {
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
    println!("heard");
    secured.conn.send_close_notify();
    let _ = secured.flush();
}
