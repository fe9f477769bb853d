//! One question to one server, over whatever carries it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout_at;

use super::https::Https;
use super::message::{Heard, Question, Reply};
use super::tls::Tls;
use crate::resolution::NameFailure;

/// What carries a question to one server.
#[derive(Clone, Debug)]
pub(super) enum Carrier {
    /// UDP, and TCP where an answer is truncated.
    Udp,
    /// TCP only.
    Tcp,
    /// DNS over TLS.
    Tls(Arc<Tls>),
    /// DNS over HTTPS.
    Https(Arc<Https>),
}

/// The largest datagram that is read: three times what we ask for.
const DATAGRAM: usize = 4096;

/// Asks `server` and waits for its answer `until` then. A truncated answer is asked for again over TCP.
pub(super) async fn ask(
    server: SocketAddr,
    carrier: &Carrier,
    question: &Question,
    until: Instant,
) -> Result<Reply, NameFailure> {
    match carrier {
        Carrier::Udp => {
            let reply = by_udp(server, question, until).await?;
            if reply.is_truncated() { whole_by_tcp(server, question, until).await } else { Ok(reply) }
        }
        Carrier::Tcp => by_tcp(server, question, until).await,
        Carrier::Tls(tls) => tls.ask(server, question, until).await,
        Carrier::Https(https) => whole(question, &https.exchange(&question.bytes, until).await?),
    }
}

/// The socket is connected: the kernel passes on only what comes from the server's address and port, and tells us when
/// nobody listens there. Its port is chosen at random by the kernel. What carries another number or another question
/// may be a stranger's, who must not be able to end the question (RFC 5452 section 9.1): it counts for nothing.
async fn by_udp(server: SocketAddr, question: &Question, until: Instant) -> Result<Reply, NameFailure> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await.map_err(|_| NameFailure::Unreachable)?;
    socket.connect(server).await.map_err(|_| NameFailure::Unreachable)?;
    socket.send(&question.bytes).await.map_err(|_| NameFailure::Unreachable)?;
    let mut datagram = [0; DATAGRAM];
    let mut silence = NameFailure::Timeout;
    loop {
        let Ok(received) = timeout_at(until.into(), socket.recv(&mut datagram)).await else { return Err(silence) };
        let length = received.map_err(|_| NameFailure::Unreachable)?;
        match question.hear(datagram.get(..length).unwrap_or_default()) {
            Heard::Reply(reply) => return Ok(*reply),
            // It is longer than it was asked to be, and nobody has seen its end.
            Heard::Unreadable if length == DATAGRAM => return whole_by_tcp(server, question, until).await,
            Heard::Unreadable => silence = NameFailure::Malformed,
            Heard::Stray => {}
        }
    }
}

async fn whole_by_tcp(server: SocketAddr, question: &Question, until: Instant) -> Result<Reply, NameFailure> {
    let reply = by_tcp(server, question, until).await.ok().filter(|reply| !reply.is_truncated());
    reply.ok_or(NameFailure::Truncated)
}

async fn by_tcp(server: SocketAddr, question: &Question, until: Instant) -> Result<Reply, NameFailure> {
    let mut stream = connect(server, until).await?;
    let Ok(exchanged) = timeout_at(until.into(), converse(&mut stream, &question.bytes)).await else {
        return Err(NameFailure::Timeout);
    };
    whole(question, &exchanged.map_err(|_| NameFailure::Malformed)?)
}

/// A connection to `server`.
pub(super) async fn connect(server: SocketAddr, until: Instant) -> Result<TcpStream, NameFailure> {
    let Ok(connected) = timeout_at(until.into(), TcpStream::connect(server)).await else {
        return Err(NameFailure::Timeout);
    };
    connected.map_err(|_| NameFailure::Unreachable)
}

/// What came over a connection that carries nothing but our questions: it answers this one, or is no answer.
pub(super) fn whole(question: &Question, answer: &[u8]) -> Result<Reply, NameFailure> {
    match question.hear(answer) {
        Heard::Reply(reply) => Ok(*reply),
        Heard::Unreadable | Heard::Stray => Err(NameFailure::Malformed),
    }
}

/// One message there and one back, each after its length (RFC 1035 section 4.2.2).
pub(super) async fn converse<S>(stream: &mut S, question: &[u8]) -> io::Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    stream.flush().await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
