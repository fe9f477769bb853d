//! One question to one server, over UDP or TCP.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout_at;

use super::message::{Heard, Question, Reply};
use crate::config::resolver::Transport;
use crate::resolution::NameFailure;

/// The largest datagram that is read: three times what we ask for.
const DATAGRAM: usize = 4096;

/// Asks `server` and waits for its answer `until` then. A truncated answer is asked for again over TCP.
pub(super) async fn ask(
    server: SocketAddr,
    transport: Transport,
    question: &Question,
    until: Instant,
) -> Result<Reply, NameFailure> {
    match transport {
        Transport::Udp => {
            let reply = by_udp(server, question, until).await?;
            if reply.is_truncated() { whole_by_tcp(server, question, until).await } else { Ok(reply) }
        }
        Transport::Tcp => by_tcp(server, question, until).await,
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
    let Ok(connected) = timeout_at(until.into(), TcpStream::connect(server)).await else {
        return Err(NameFailure::Timeout);
    };
    let stream = connected.map_err(|_| NameFailure::Unreachable)?;
    let Ok(exchanged) = timeout_at(until.into(), converse(stream, &question.bytes)).await else {
        return Err(NameFailure::Timeout);
    };
    let answer = exchanged.map_err(|_| NameFailure::Malformed)?;
    match question.hear(&answer) {
        Heard::Reply(reply) => Ok(*reply),
        Heard::Unreadable | Heard::Stray => Err(NameFailure::Malformed),
    }
}

/// One message there and one back, each after its length (RFC 1035 section 4.2.2).
async fn converse(mut stream: TcpStream, question: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
