//! One name server, asked directly: what does it say of a name, and how does it call itself?

use std::net::SocketAddr;
use std::time::Instant;

use super::ask_one;
use super::exchange::Carrier;
use super::message::{Manner, Reply, Wanted};
use crate::edge::clock;
use crate::moment::Rtt;
use crate::resolution::chain::{self, Resolved};
use crate::resolution::zone::ServerAnswer;
use crate::resolution::{AddressFamily, NameFailure, Outcome};
use crate::workload::HostName;

/// How often it is asked before it is silent.
const ATTEMPTS: u32 = 2;

/// The names under which servers tell how they are called, where NSID says nothing: by the standard, and as BIND did
/// before there was one.
const IDENTITIES: [&str; 2] = ["id.server.", "hostname.bind."];

/// A server answers for its own zones: it asks nobody else, and says how it is called.
const MANNER: Manner = Manner { recursion: false, identity: true, subnet: None };

/// Asks `server` for the addresses of `name`, `until` then: for those of IPv6 where it has none of IPv4.
pub(super) async fn ask(server: SocketAddr, name: &HostName, until: Instant) -> ServerAnswer {
    let (elapsed_ns, heard) = heard(server, Wanted::Addresses(name, AddressFamily::A), until).await;
    let mut answer = ServerAnswer {
        address: server.ip(),
        asked_for: name.clone(),
        elapsed_ns,
        outcome: Outcome::Failed(NameFailure::Timeout),
        authoritative: false,
        calls_itself: None,
    };
    match heard {
        Err(why) => answer.outcome = Outcome::Failed(why),
        Ok(mut reply) => {
            answer.authoritative = reply.is_authoritative();
            answer.calls_itself = reply.identity.take();
            answer.outcome = match resolved(name, AddressFamily::A, reply) {
                Resolved { outcome: Outcome::Failed(NameFailure::NoData), followed } if followed.is_empty() => {
                    let (_, heard) = self::heard(server, Wanted::Addresses(name, AddressFamily::Aaaa), until).await;
                    heard.map_or_else(Outcome::Failed, |reply| resolved(name, AddressFamily::Aaaa, reply).outcome)
                }
                Resolved { outcome, .. } => outcome,
            };
            if answer.calls_itself.is_none() {
                answer.calls_itself = called(server, until).await;
            }
        }
    }
    answer
}

fn resolved(name: &HostName, family: AddressFamily, reply: Reply) -> Resolved {
    let authenticated = reply.is_authenticated();
    match reply.or_failure() {
        Ok(reply) => chain::fold(name, family, &reply.records, authenticated),
        Err(failed) => failed.why.into(),
    }
}

/// How a server calls itself, where it answers questions of class CH.
async fn called(server: SocketAddr, until: Instant) -> Option<String> {
    for name in IDENTITIES {
        if let (_, Ok(reply)) = heard(server, Wanted::Identity(name), until).await
            && let Some(text) = reply.text()
        {
            return Some(text);
        }
    }
    None
}

/// What is heard of a server that is asked twice at most, and how long that took: from the last time it was asked.
async fn heard(server: SocketAddr, wanted: Wanted<'_>, until: Instant) -> (Rtt, Result<Reply, NameFailure>) {
    let mut left = ATTEMPTS;
    loop {
        let asked = clock::now().mono;
        let heard =
            ask_one(server, &Carrier::Udp, MANNER, wanted, asked + until.saturating_duration_since(asked) / left).await;
        left -= 1;
        if left == 0 || !matches!(heard, Err(NameFailure::Timeout)) {
            return (Rtt::from_duration(clock::now().mono - asked), heard);
        }
    }
}
