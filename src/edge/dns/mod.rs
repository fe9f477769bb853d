//! Names, asked of one resolver at a time → resolutions.
//!
//! We speak to the servers of a view ourselves, rather than through a resolver library: which server gave which answer,
//! and how exactly the others failed, is evidence. Nothing is cached, no search domain is applied, no server of another
//! view is asked instead.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use self::authoritative::Walk;
use self::exchange::Carrier;
use self::message::{Failed, Manner, Question, Reply, Wanted};
use self::views::{Opened, Whom};
use super::clock;
use crate::config::resolver::ResolverConfig;
use crate::config::{ConfigErrors, Fault};
use crate::moment::Rtt;
use crate::resolution::chain::{Chain, Resolved};
use crate::resolution::pointer::{self, Pointed, Pointer};
use crate::resolution::{AddressFamily, ClientSubnet, NameFailure, Resolution, View};
use crate::round::Probing;
use crate::workload::HostName;

mod authoritative;
mod delegations;
mod direct;
mod exchange;
pub mod hosts;
mod https;
mod message;
pub mod pointers;
mod referral;
pub mod signatures;
mod statement;
mod system;
mod tls;
mod views;
pub mod zones;

pub use self::system::servers_of_this_host;

#[cfg(test)]
mod tests;

/// Where name servers listen.
const PORT: u16 = 53;

/// How often each server of a view is asked before the view has failed.
const ATTEMPTS: u32 = 2;

/// How long the name of an address is waited for.
const POINTER_TIMEOUT: Duration = Duration::from_secs(2);

/// Every view of the configuration, ready to be asked.
#[derive(Debug)]
pub struct Resolvers {
    views: BTreeMap<View, Opened>,
    /// The first view that asks a resolver: it tells the servers of a zone where no hints do.
    teller: Option<View>,
}

/// What came of asking, and the server that said it, where one did.
struct Said<T> {
    server: Option<SocketAddr>,
    said: T,
}

impl Resolvers {
    /// The views that `resolvers` describe, with the files that they name read; or what is wrong with each of those. Name
    /// servers that a view learns of are spoken to as `probing` lets it.
    pub fn open(resolvers: &[ResolverConfig], probing: &Probing) -> Result<Self, ConfigErrors> {
        let (mut views, mut faults, mut teller): (_, Vec<Fault>, _) = (BTreeMap::new(), Vec::new(), None);
        for config in resolvers {
            match Opened::open(config, probing) {
                Ok(opened) => {
                    let asks_a_resolver = !matches!(opened.whom, Whom::Authoritative(_));
                    teller = teller.or_else(|| asks_a_resolver.then(|| config.view.clone()));
                    views.insert(config.view.clone(), opened);
                }
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(Self { views, teller }) } else { Err(ConfigErrors(faults)) }
    }

    /// Asks `view` for the addresses of `name`, within the timeout of that view: each server in turn, twice, as long
    /// as none has an answer to give; that a name does not exist is one. A view that has nobody to ask, because it is
    /// not configured or because this host has no resolver, is [`NameFailure::Unreachable`].
    pub async fn lookup(&self, view: &View, name: &HostName, family: AddressFamily) -> Resolution {
        let asked = clock::now();
        let opened = self.views.get(view);
        let (Said { server, said: Resolved { outcome, followed } }, scope) = match opened {
            Some(opened) => self.asker(opened, asked.mono + opened.timeout).resolve(name, family).await,
            None => (Said { server: None, said: NameFailure::Unreachable.into() }, None),
        };
        let elapsed_ns = Rtt::from_duration(clock::now().mono - asked.mono);
        let subnet = opened.and_then(|opened| opened.subnet).map(|prefix| ClientSubnet { prefix, scope });
        let (name, view) = (name.clone(), view.clone());
        Resolution { name, family, view, server, asked: asked.wall, elapsed_ns, outcome, followed, subnet }
    }

    /// Asks `view` for the names of `address`, within the timeout of that view and two seconds: a name is worth no more.
    async fn point(&self, view: &View, address: IpAddr) -> Pointer {
        let asked = clock::now();
        let Said { server, said: outcome } = match self.views.get(view) {
            Some(opened) => {
                let deadline = asked.mono + opened.timeout.min(POINTER_TIMEOUT);
                self.asker(opened, deadline).point(address).await
            }
            None => Said { server: None, said: Pointed::Failed(NameFailure::Unreachable) },
        };
        Pointer { address, view: view.clone(), server, asked: asked.wall, outcome }
    }

    /// Who asks for a view until `deadline`.
    fn asker<'a>(&'a self, opened: &'a Opened, deadline: Instant) -> Asker<'a> {
        if let Whom::Authoritative(view) = &opened.whom {
            let teller = self.teller.as_ref().filter(|_| view.roots.is_none()).and_then(|view| self.views.get(view));
            let teller = teller.map(|opened| Panel::of(opened, deadline));
            return Asker::Walk(Walk::new(view, teller, deadline));
        }
        Asker::Panel(Panel::of(opened, deadline))
    }
}

/// Who asks for a view.
enum Asker<'a> {
    /// Its own servers are asked.
    Panel(Panel),
    /// The servers of each zone are.
    Walk(Walk<'a>),
}

impl Asker<'_> {
    async fn ask(&mut self, wanted: Wanted<'_>) -> Said<Result<Reply, Failed>> {
        match self {
            Self::Panel(panel) => panel.ask(wanted).await,
            Self::Walk(walk) => walk.ask(wanted).await,
        }
    }

    /// Resolves `name`; also, how long the prefix is that the last answer holds for. An answer that ends in an alias is taken
    /// up where it ends: not every server follows aliases into zones that are not its own.
    async fn resolve(&mut self, name: &HostName, family: AddressFamily) -> (Said<Resolved>, Option<u8>) {
        let mut chain = Chain::new(name.clone());
        let (mut authenticated, mut scope) = (true, None);
        loop {
            let at = chain.end().clone();
            let Said { server, said } = self.ask(Wanted::Addresses(&at, family)).await;
            let step = match said {
                Ok(reply) => {
                    authenticated &= reply.is_authenticated();
                    scope = reply.scope;
                    let goes_on = |chain: &Chain| *chain.end() != at && !reply.denies_more();
                    let followed = chain.handle_records(family, &reply.records);
                    followed.map(|addresses| (addresses.is_empty() && goes_on(&chain), addresses))
                }
                Err(Failed { why, records }) => {
                    // The code speaks of the end of the aliases (RFC 6604): how far they lead was seen all the same.
                    let _ = chain.handle_records(family, &records);
                    Err(why)
                }
            };
            let said = match step {
                Ok((true, _)) => continue,
                Ok((false, addresses)) => chain.into_resolved(addresses, authenticated),
                Err(failure) => chain.into_failed(failure),
            };
            return (Said { server, said }, scope);
        }
    }

    async fn point(&mut self, address: IpAddr) -> Said<Pointed> {
        let Said { server, said } = self.ask(Wanted::Names(address)).await;
        let said = match said {
            Ok(reply) => pointer::fold(&message::reverse_name(address), &reply.records),
            Err(failed) => Pointed::Failed(failed.why),
        };
        Said { server, said }
    }
}

/// The servers of one view, and until when they may answer.
struct Panel {
    servers: Vec<SocketAddr>,
    carrier: Carrier,
    manner: Manner,
    deadline: Instant,
}

impl Panel {
    /// Whom a view asks just now; nobody, where those are the servers of each zone.
    fn of(opened: &Opened, deadline: Instant) -> Self {
        let (servers, carrier) = match &opened.whom {
            Whom::System(system) => (system.servers(), Carrier::Udp),
            Whom::Server(address, carrier) => (vec![*address], carrier.clone()),
            Whom::Authoritative(_) => (Vec::new(), Carrier::Udp),
        };
        let manner = Manner { subnet: opened.subnet, ..Manner::default() };
        Self { servers, carrier, manner, deadline }
    }

    /// Asks one server after the other until one has an answer; else the failure that says most. Each has an equal share
    /// of the time that is left.
    async fn ask(&self, wanted: Wanted<'_>) -> Said<Result<Reply, Failed>> {
        let mut worst = Said { server: None, said: Failed::from(NameFailure::Unreachable) };
        let rounds = (0..ATTEMPTS).flat_map(|_| &self.servers);
        let tries = ATTEMPTS.saturating_mul(u32::try_from(self.servers.len()).unwrap_or(u32::MAX));
        for (server, tries_left) in rounds.zip((1..=tries).rev()) {
            let now = clock::now().mono;
            let until = now + self.deadline.saturating_duration_since(now) / tries_left;
            let reply = ask_one(*server, &self.carrier, self.manner, wanted, until).await;
            match reply.map_err(Failed::from).and_then(Reply::or_failure) {
                said @ (Ok(_) | Err(Failed { why: NameFailure::NoSuchName, .. })) => {
                    return Said { server: Some(*server), said };
                }
                Err(failed) if rank(failed.why) > rank(worst.said.why) => {
                    let answered = rank(failed.why) == ANSWERED && failed.why != NameFailure::Untrusted;
                    worst = Said { server: answered.then_some(*server), said: failed };
                }
                Err(_) => {}
            }
        }
        Said { server: worst.server, said: Err(worst.said) }
    }
}

/// Asks one server one question, without EDNS where it may only have disliked that.
async fn ask_one(
    server: SocketAddr,
    carrier: &Carrier,
    manner: Manner,
    wanted: Wanted<'_>,
    until: Instant,
) -> Result<Reply, NameFailure> {
    let question = Question::with(wanted, true, manner)?;
    let reply = exchange::ask(server, carrier, &question, until).await?;
    if !reply.rejects_edns() {
        return Ok(reply);
    }
    let plain = Question::with(wanted, false, manner)?;
    exchange::ask(server, carrier, &plain, until).await
}

/// The rank of a failure that a server's answer consists of, or its certificate.
const ANSWERED: u8 = 2;

/// How much a failure says: an answer, however bad, more than silence, and silence more than our not getting through.
fn rank(failure: NameFailure) -> u8 {
    match failure {
        NameFailure::Unreachable => 0,
        NameFailure::Timeout => 1,
        NameFailure::NoSuchName
        | NameFailure::NoData
        | NameFailure::ServerFailure
        | NameFailure::Refused
        | NameFailure::Lame
        | NameFailure::Truncated
        | NameFailure::AliasLoop
        | NameFailure::AliasChainTooLong
        | NameFailure::Malformed
        | NameFailure::Untrusted => ANSWERED,
    }
}
