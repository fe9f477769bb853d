//! Names, asked of one resolver at a time → resolutions.
//!
//! We speak to the servers of a view ourselves, rather than through a resolver library: which server gave which answer,
//! and how exactly the others failed, is evidence. Nothing is cached, no search domain is applied, no server of another
//! view is asked instead.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::config::ResolverConfig as SystemConfig;
use hickory_resolver::system_conf::read_system_conf;

use self::message::{Failed, Question, Reply, Wanted};
use super::clock;
use crate::config::resolver::{ResolverAddress, ResolverConfig, Transport};
use crate::moment::Rtt;
use crate::resolution::chain::{Chain, Resolved};
use crate::resolution::pointer::{self, Pointed, Pointer};
use crate::resolution::{AddressFamily, NameFailure, Resolution, View};
use crate::workload::HostName;

mod direct;
mod exchange;
pub mod hosts;
mod message;
pub mod pointers;
pub mod signatures;
mod statement;
pub mod zones;

#[cfg(test)]
mod tests;

/// How often each server of a view is asked before the view has failed.
const ATTEMPTS: u32 = 2;

/// How long the name of an address is waited for.
const POINTER_TIMEOUT: Duration = Duration::from_secs(2);

/// Every view of the configuration, ready to be asked.
#[derive(Clone, Debug)]
pub struct Resolvers {
    views: BTreeMap<View, ResolverConfig>,
}

/// What came of asking, and the server that said it, where one did.
struct Said<T> {
    server: Option<SocketAddr>,
    said: T,
}

impl Resolvers {
    /// The views that `resolvers` describe.
    pub fn new(resolvers: &[ResolverConfig]) -> Self {
        Self { views: resolvers.iter().map(|resolver| (resolver.view.clone(), resolver.clone())).collect() }
    }

    /// Asks `view` for the addresses of `name`, within the timeout of that view: each server in turn, twice, as long
    /// as none has an answer to give; that a name does not exist is one. A view that has nobody to ask, because it is
    /// not configured or because this host has no resolver, is [`NameFailure::Unreachable`].
    pub async fn lookup(&self, view: &View, name: &HostName, family: AddressFamily) -> Resolution {
        let asked = clock::now();
        let Said { server, said: Resolved { outcome, followed } } = match self.views.get(view) {
            Some(config) => {
                let (servers, transport) = servers_of(config);
                let panel = Panel { servers, transport, deadline: asked.mono + config.timeout };
                panel.resolve(name, family).await
            }
            None => Said { server: None, said: NameFailure::Unreachable.into() },
        };
        let elapsed_ns = Rtt::from_duration(clock::now().mono - asked.mono);
        let (name, view) = (name.clone(), view.clone());
        Resolution { name, family, view, server, asked: asked.wall, elapsed_ns, outcome, followed, subnet: None }
    }

    /// Asks `view` for the names of `address`, within the timeout of that view and two seconds: a name is worth no more.
    async fn point(&self, view: &View, address: IpAddr) -> Pointer {
        let asked = clock::now();
        let Said { server, said: outcome } = match self.views.get(view) {
            Some(config) => {
                let (servers, transport) = servers_of(config);
                let deadline = asked.mono + config.timeout.min(POINTER_TIMEOUT);
                Panel { servers, transport, deadline }.point(address).await
            }
            None => Said { server: None, said: Pointed::Failed(NameFailure::Unreachable) },
        };
        Pointer { address, view: view.clone(), server, asked: asked.wall, outcome }
    }
}

/// Whom a view asks just now. The host's own configuration is read each time, as the C library does: it may appear
/// after we start, and changes with the network.
fn servers_of(config: &ResolverConfig) -> (Vec<SocketAddr>, Transport) {
    match config.server {
        ResolverAddress::Server { address, transport } => (vec![address], transport),
        ResolverAddress::System => (servers_of_this_host(), Transport::Udp),
    }
}

/// Whom this host's own configuration says to ask; nobody where it cannot be read.
pub fn servers_of_this_host() -> Vec<SocketAddr> {
    read_system_conf().map(|(system, _)| servers_in(&system)).unwrap_or_default()
}

fn servers_in(system: &SystemConfig) -> Vec<SocketAddr> {
    let port = |connections: &[hickory_resolver::config::ConnectionConfig]| connections.first().map_or(53, |c| c.port);
    system.name_servers().iter().map(|server| SocketAddr::new(server.ip, port(&server.connections))).collect()
}

/// The servers of one view, and until when they may answer.
struct Panel {
    servers: Vec<SocketAddr>,
    transport: Transport,
    deadline: Instant,
}

impl Panel {
    /// Resolves `name`. An answer that ends in an alias is taken up where it ends: not every server follows aliases into
    /// zones that are not its own.
    async fn resolve(&self, name: &HostName, family: AddressFamily) -> Said<Resolved> {
        let mut chain = Chain::new(name.clone());
        let mut authenticated = true;
        loop {
            let at = chain.end().clone();
            let Said { server, said } = self.ask(Wanted::Addresses(&at, family)).await;
            let step = match said {
                Ok(reply) => {
                    authenticated &= reply.is_authenticated();
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
            match step {
                Ok((true, _)) => {}
                Ok((false, addresses)) => return Said { server, said: chain.into_resolved(addresses, authenticated) },
                Err(failure) => return Said { server, said: chain.into_failed(failure) },
            }
        }
    }

    async fn point(&self, address: IpAddr) -> Said<Pointed> {
        let Said { server, said } = self.ask(Wanted::Names(address)).await;
        let said = match said {
            Ok(reply) => pointer::fold(&message::reverse_name(address), &reply.records),
            Err(failed) => Pointed::Failed(failed.why),
        };
        Said { server, said }
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
            match self.ask_one(*server, wanted, until).await {
                said @ (Ok(_) | Err(Failed { why: NameFailure::NoSuchName, .. })) => {
                    return Said { server: Some(*server), said };
                }
                Err(failed) if rank(failed.why) > rank(worst.said.why) => {
                    let answered = rank(failed.why) == ANSWERED;
                    worst = Said { server: answered.then_some(*server), said: failed };
                }
                Err(_) => {}
            }
        }
        Said { server: worst.server, said: Err(worst.said) }
    }

    async fn ask_one(&self, server: SocketAddr, wanted: Wanted<'_>, until: Instant) -> Result<Reply, Failed> {
        let question = Question::new(wanted, true)?;
        let mut reply = exchange::ask(server, self.transport, &question, until).await?;
        if reply.rejects_edns() {
            let plain = Question::new(wanted, false)?;
            reply = exchange::ask(server, self.transport, &plain, until).await?;
        }
        reply.or_failure()
    }
}

/// The rank of a failure that a server's answer consists of.
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
        | NameFailure::Malformed => ANSWERED,
    }
}
