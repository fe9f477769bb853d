//! Calls → contacts: conversations with one address each, and with no other.
//!
//! One connection carries all the evidence: the time of TCP, the time of TLS, the certificate and the answer are of whoever
//! holds the very connection. Further connections are handshakes for their time alone. No redirect is followed here, no
//! name is looked up, no proxy is asked, and the same words are said to everybody: no cookies, no credentials, nothing of
//! an earlier conversation. That is why a connection may go on whose certificate is worth nothing: there is nothing to lose
//! on it, and what it says is evidence.
//!
//! Whatever the other side does, a conversation ends: each step has the time-out of the call, each text its bound.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::RootCertStore;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::clock;
use super::turns::Turns;
use crate::contact::call::{Call, Request, Speech};
use crate::contact::certificate::Tls;
use crate::contact::exchange::Exchange;
use crate::contact::greeting::Greeting;
use crate::contact::{Contact, ContactFailure};

use connect::Attempt;
use tls::Handshakes;

mod connect;
mod flights;
mod http;
pub mod recent;
mod smtp;
#[cfg(test)]
mod tests;
mod tls;

/// How long to wait between two attempts: they should not meet the same queue, nor look like a flood.
const SPACING: Duration = Duration::from_millis(100);

/// Holds conversations.
#[derive(Debug)]
pub struct Caller {
    handshakes: Handshakes,
}

/// What was said over a connection.
#[derive(Debug, Default)]
struct Said {
    tls: Option<Tls>,
    exchanges: Vec<Exchange>,
    greeting: Option<Greeting>,
}

impl Caller {
    /// Certificates are judged by `authorities`; where there are none, no certificate is trusted.
    pub fn new(authorities: RootCertStore) -> Result<Self, rustls::Error> {
        Ok(Self { handshakes: Handshakes::new(authorities)? })
    }

    /// Makes the connections of `call`, one after the other, each in its turn, keeps the best time, and holds the
    /// conversation over the first that comes about. A host that cannot send at all is not tried again.
    ///
    /// Connections are closed in order, with FIN: a reset would be a packet less, but to the other side it is an error, in
    /// its logs and to whatever guards it. (It gets one where it goes on talking after that.)
    pub async fn call(&self, call: &Call, turns: &Turns) -> Contact {
        let to = SocketAddr::new(call.address, call.port);
        turns.wait(call.address).await;
        let started = clock::now().wall;
        let (mut made, mut said) = (Vec::new(), None);
        loop {
            let (attempt, connection) = connect::attempt(to, call.timeout).await;
            made.push(attempt);
            if let Some(connection) = connection.filter(|_| said.is_none()) {
                said = Some(self.converse(call, connection).await);
            }
            if made.len() >= usize::from(call.attempts) || attempt == Attempt::Failed(ContactFailure::Unsent) {
                break;
            }
            tokio::time::sleep(SPACING).await;
            turns.wait(call.address).await;
        }
        let Said { tls, exchanges, greeting } = said.unwrap_or_default();
        let speech = call.speech.clone();
        let outcome = connect::outcome_of(&made);
        let silent = Contact::silent(call.address, call.port, started, connect::count(made.len()), outcome);
        Contact { speech, tls, exchanges, greeting, ..silent }
    }

    async fn converse(&self, call: &Call, connection: TcpStream) -> Said {
        match &call.speech {
            Speech::Nothing => Said::default(),
            Speech::Http(request) => self.ask(request, call, connection).await,
            Speech::Smtp { name } => smtp::greet(connection, name, &self.handshakes, call.timeout).await,
        }
    }

    async fn ask(&self, request: &Request, call: &Call, connection: TcpStream) -> Said {
        // What is said is short, and waits for nothing.
        let _ = connection.set_nodelay(true);
        if !request.tls {
            let exchanges = http::ask(connection, request, call.port, call.timeout).await;
            return Said { exchanges, ..Said::default() };
        }
        match self.handshakes.for_http(connection, &request.host, call.timeout).await {
            Ok((connection, session)) => {
                let exchanges = http::ask(connection, request, call.port, call.timeout).await;
                Said { tls: Some(Tls::Established(session)), exchanges, ..Said::default() }
            }
            Err(failure) => Said { tls: Some(Tls::Failed(failure)), ..Said::default() },
        }
    }
}

/// Ends a connection in order, as far as the other side lets us.
async fn close<S>(mut connection: S, patience: Duration)
where
    S: AsyncWrite + Unpin,
{
    let _ = timeout(patience, connection.shutdown()).await;
}
