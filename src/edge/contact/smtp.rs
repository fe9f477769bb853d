//! A connection → how a mail server greets (RFC 5321), and whom it is by TLS (RFC 3207).
//!
//! No mail is offered: after the greeting, and TLS where there is any, follows QUIT.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tls::Handshakes;
use super::{Said, close};
use crate::contact::certificate::{Tls, TlsFailure};
use crate::contact::greeting::reply::{Replies, Reply};
use crate::contact::greeting::{Greeting, GreetingFailure, MOST_GREETING};
use crate::workload::Host;

/// How much is read at once.
const BUFFER: usize = 1024;

/// Code of a server that takes mail, or that is ready for TLS.
const READY: u16 = 220;

/// Code of a server that did as it was told.
const DONE: u16 = 250;

/// A conversation with a mail server.
struct Talk<S> {
    connection: S,
    replies: Replies,
    patience: Duration,
}

/// Hears the greeting, has TLS where it is offered, and takes leave.
pub(super) async fn greet(connection: TcpStream, name: &Host, handshakes: &Handshakes, patience: Duration) -> Said {
    let own = connection.local_addr();
    let mut talk = Talk { connection, replies: Replies::default(), patience };
    let banner = match talk.reply().await {
        Ok(banner) => banner,
        Err(failure) => {
            close(talk.connection, patience).await;
            return Said { greeting: Some(Greeting::Failed(failure)), ..Said::default() };
        }
    };
    let hello = match own {
        Ok(own) if banner.code == READY => talk.ask(&format!("EHLO {}", literal(own))).await.ok(),
        Ok(_) | Err(_) => None,
    };
    let starttls = hello.is_some_and(|hello| hello.code == DONE && hello.offers("STARTTLS"));
    let text = banner.lines.first().map(|line| line.chars().take(MOST_GREETING).collect()).unwrap_or_default();
    let greeting = Some(Greeting::Heard { code: banner.code, text, starttls });
    let tls = if starttls {
        Some(talk.start_tls(name, handshakes).await)
    } else {
        talk.leave().await;
        None
    };
    Said { tls, greeting, ..Said::default() }
}

/// Who we are: a host without a name that is of use to anybody (RFC 5321 section 4.1.3).
fn literal(own: SocketAddr) -> String {
    match own.ip().to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

impl Talk<TcpStream> {
    async fn start_tls(mut self, name: &Host, handshakes: &Handshakes) -> Tls {
        let ready = self.ask("STARTTLS").await;
        let refusal = match ready {
            // What came with the reply was said by nobody in particular, and would be taken for what the key holder said
            // (CVE-2011-0411).
            Ok(Reply { code: READY, .. }) if self.replies.is_ahead() => TlsFailure::Malformed,
            Ok(Reply { code: READY, .. }) => {
                return match handshakes.for_mail(self.connection, name, self.patience).await {
                    Ok((connection, session)) => {
                        Talk { connection, replies: Replies::default(), patience: self.patience }.leave().await;
                        Tls::Established(session)
                    }
                    Err(failure) => Tls::Failed(failure),
                };
            }
            Ok(_) => TlsFailure::Refused,
            Err(GreetingFailure::Timeout) => TlsFailure::Timeout,
            Err(GreetingFailure::Closed) => TlsFailure::Closed,
            Err(GreetingFailure::Malformed) => TlsFailure::Malformed,
        };
        close(self.connection, self.patience).await;
        Tls::Failed(refusal)
    }
}

impl<S> Talk<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// The next reply, in the time of one step.
    async fn reply(&mut self) -> Result<Reply, GreetingFailure> {
        timeout(self.patience, self.read()).await.unwrap_or(Err(GreetingFailure::Timeout))
    }

    async fn read(&mut self) -> Result<Reply, GreetingFailure> {
        let mut buffer = [0; BUFFER];
        loop {
            if let Some(reply) = self.replies.poll_reply().map_err(|_| GreetingFailure::Malformed)? {
                return Ok(reply);
            }
            let length = self.connection.read(&mut buffer).await.map_err(|_| GreetingFailure::Closed)?;
            if length == 0 {
                return Err(GreetingFailure::Closed);
            }
            self.replies.handle_bytes(buffer.get(..length).unwrap_or_default());
        }
    }

    async fn ask(&mut self, command: &str) -> Result<Reply, GreetingFailure> {
        let line = format!("{command}\r\n");
        let said = timeout(self.patience, self.connection.write_all(line.as_bytes())).await;
        said.map_err(|_| GreetingFailure::Timeout)?.map_err(|_| GreetingFailure::Closed)?;
        self.reply().await
    }

    /// Takes leave, whether that is answered or not.
    async fn leave(mut self) {
        let _ = self.ask("QUIT").await;
        close(self.connection, self.patience).await;
    }
}
