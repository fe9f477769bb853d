//! Name → zone, asked of one view and of the servers of the zone directly.
//!
//! What a zone says is asked once while it holds, whatever the TTLs: a zone that serves a thousand endpoints is asked
//! once for all of them. A zone may name anybody as its name server, ourselves and our neighbours included: an address is
//! asked directly only where whoever asks permits it. None of the times of DNS bounds a distance: many networks answer it
//! in the name of others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, future, stream};
use jiff::Timestamp;

use super::message::{Reply, Wanted};
use super::signatures::{self, Anchors};
use super::{Asker, PORT, Panel, Resolvers, direct};
use crate::edge::clock;
use crate::edge::memory::Memory;
use crate::moment::Moment;
use crate::resolution::chain::{Chain, Resolved};
use crate::resolution::zone::fold::{Found, Kind, parent};
use crate::resolution::zone::{MOST_SERVERS, MailExchanger, NameServer, Security, ServerAnswer, ServiceBinding, Zone};
use crate::resolution::{AddressFamily, NameFailure, Outcome, View};
use crate::workload::HostName;

/// The most names, and the most zones, that are remembered.
const MOST: usize = 10_000;

/// How long an answer holds that something is missing from, at most.
const TORN: Duration = Duration::from_secs(300);

/// The most names that are asked on the way up from a name.
const MOST_CLIMBED: usize = 10;

/// The most addresses of name servers of one zone that are asked directly: the root has 26.
const MOST_ASKED: usize = 32;

/// How many of them are asked at once.
const AT_ONCE: usize = 16;

/// How long a name server may take that is asked directly, attempts included.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether an address may be asked directly.
pub type Permits<'a> = &'a (dyn Fn(IpAddr) -> bool + Sync);

/// What zones say, as far as they were asked.
#[derive(Debug)]
pub struct Zones {
    lifetime: Duration,
    anchors: Anchors,
    names: Memory<(View, HostName), Arc<Known>>,
    holdings: Memory<(View, HostName), Arc<Holding>>,
    /// Where name servers listen.
    port: u16,
}

/// What is known of a name, with what is true of its whole zone kept once for all names.
#[derive(Debug)]
struct Known {
    asked: Timestamp,
    apex: Option<HostName>,
    holding: Arc<Holding>,
    /// Where they are others than those of the zone.
    mail: Option<Vec<MailExchanger>>,
    issuers: Option<Vec<String>>,
    services: Vec<ServiceBinding>,
    security: Security,
    failures: Failures,
}

/// What is true of a whole zone.
#[derive(Clone, Debug, Default)]
struct Holding {
    servers: Vec<NameServer>,
    mail: Vec<MailExchanger>,
    issuers: Vec<String>,
    failures: Failures,
}

type Failure = (String, NameFailure);
type Failures = Vec<Failure>;

impl Zones {
    /// Remembers what zones say for `lifetime`, and trusts the keys of `anchors`.
    pub fn new(lifetime: Duration, anchors: Anchors) -> Self {
        Self { lifetime, anchors, names: Memory::of(MOST), holdings: Memory::of(MOST), port: PORT }
    }

    /// What the zone of `name` says by `view`, within twice the timeout of that view: remembered, or asked for now. The
    /// servers of the zone are asked themselves, at those of their addresses that `permits` allows.
    ///
    /// Mail is that of the name, where it says anything of mail, else that of the zone. Who may issue certificates is
    /// looked for upwards from the name. What could not be found out is told of in the failures.
    pub async fn zone(&self, resolvers: &Resolvers, view: &View, name: &HostName, permits: Permits<'_>) -> Zone {
        let ask = async {
            let asked = clock::now();
            let timeout = resolvers.views.get(view).map_or(Duration::ZERO, |config| config.timeout);
            let inquiry = Inquiry {
                zones: self,
                resolvers,
                view,
                permits,
                timeout,
                until: asked.mono + timeout.saturating_mul(2),
            };
            let known = Box::pin(inquiry.known(name, asked)).await;
            let holds = self.holds(known.holding.failures.iter().chain(&known.failures));
            (Arc::new(known), holds)
        };
        self.names.get((view.clone(), name.clone()), ask).await.zone(view, name)
    }

    fn holds<'a>(&self, mut failures: impl Iterator<Item = &'a Failure>) -> Duration {
        if failures.next().is_none() { self.lifetime } else { self.lifetime.min(TORN) }
    }
}

impl Known {
    fn zone(&self, view: &View, name: &HostName) -> Zone {
        let holding = &*self.holding;
        Zone {
            name: name.clone(),
            apex: self.apex.clone(),
            view: view.clone(),
            asked: self.asked,
            servers: holding.servers.clone(),
            mail: self.mail.as_ref().unwrap_or(&holding.mail).clone(),
            services: self.services.clone(),
            issuers: self.issuers.as_ref().unwrap_or(&holding.issuers).clone(),
            security: self.security,
            failures: holding.failures.iter().chain(&self.failures).cloned().collect(),
        }
    }
}

/// What came of a question.
type Heard<T> = Result<T, NameFailure>;
type OwnMail = Heard<Option<Found<MailExchanger>>>;
type OwnIssuers = Heard<Option<Vec<String>>>;

/// One name on its way to a zone.
struct Inquiry<'a> {
    zones: &'a Zones,
    resolvers: &'a Resolvers,
    view: &'a View,
    permits: Permits<'a>,
    /// How long one question may take.
    timeout: Duration,
    /// Until when all of them may.
    until: Instant,
}

impl Inquiry<'_> {
    async fn known(&self, name: &HostName, asked: Moment) -> Known {
        let (services, security, (apex, holding, mail, issuers)) =
            tokio::join!(self.services(name), self.security(name), self.of_name(name));
        let mut failures = Vec::new();
        let apex = told(apex.map(Some), Kind::Origin, &mut failures);
        let mail = taken(mail, Kind::Mail, &mut failures);
        let issuers = told(issuers, Kind::Issuers, &mut failures);
        let services = taken(services.map(Some), Kind::Services, &mut failures).unwrap_or_default();
        Known { asked: asked.wall, apex, holding, mail, issuers, services, security, failures }
    }

    /// Where the zone of `name` begins, what is true of it, and who takes the mail of `name` and certifies it, where it
    /// says so itself.
    async fn of_name(&self, name: &HostName) -> (Heard<HostName>, Arc<Holding>, OwnMail, OwnIssuers) {
        let apex = self.apex(name).await;
        let holding = match &apex {
            Ok(apex) => {
                let key = (self.view.clone(), apex.clone());
                self.zones.holdings.get(key, self.holding(apex, name)).await
            }
            Err(_) => Arc::default(),
        };
        if apex.as_ref() == Ok(name) {
            return (apex, holding, Ok(None), Ok(None));
        }
        let (mail, issuers) = tokio::join!(self.mail(name), self.issuers(name, apex.as_ref().ok()));
        (apex, holding, mail, issuers)
    }

    async fn holding(&self, apex: &HostName, name: &HostName) -> (Arc<Holding>, Duration) {
        let (servers, mail, issuers) =
            tokio::join!(self.servers(apex, name), self.mail(apex), self.issuers(apex, None));
        let mut holding = Holding::default();
        let failures = &mut holding.failures;
        holding.servers = taken(servers.map(Some), Kind::Servers, failures).unwrap_or_default();
        holding.mail = taken(mail, Kind::Mail, failures).unwrap_or_default();
        holding.issuers = told(issuers, Kind::Issuers, failures).unwrap_or_default();
        let holds = self.zones.holds(holding.failures.iter());
        (Arc::new(holding), holds)
    }

    /// Where the zone of `name` begins: it or a name above it. Of an alias the name above is asked, for the zone of the
    /// target is another.
    async fn apex(&self, name: &HostName) -> Heard<HostName> {
        let mut at = name.clone();
        for _ in 0..MOST_CLIMBED {
            let reply = self.ask(&at, Kind::Origin).await?;
            let is_alias = end_of(&at, &reply) != at;
            if let Some(apex) = reply.statements().apex(&at).filter(|_| !is_alias) {
                return Ok(apex);
            }
            at = parent(&at).ok_or(NameFailure::NoData)?;
        }
        Err(NameFailure::NoData)
    }

    async fn services(&self, name: &HostName) -> Heard<Found<ServiceBinding>> {
        let reply = self.ask(name, Kind::Services).await?;
        Ok(reply.statements().services(&end_of(name, &reply)))
    }

    async fn mail(&self, name: &HostName) -> OwnMail {
        Ok(self.ask(name, Kind::Mail).await?.statements().mail(name))
    }

    /// Who may issue certificates for `name`, by the first name that says so from there upwards, below `end`.
    async fn issuers(&self, name: &HostName, end: Option<&HostName>) -> OwnIssuers {
        let mut at = Some(name.clone());
        for _ in 0..MOST_CLIMBED {
            let Some(name) = at.filter(|at| Some(at) != end) else { break };
            let reply = self.ask(&name, Kind::Issuers).await?;
            if let Some(issuers) = reply.statements().issuers(&end_of(&name, &reply)) {
                return Ok(Some(issuers));
            }
            at = parent(&name);
        }
        Ok(None)
    }

    async fn security(&self, name: &HostName) -> Security {
        match self.panel(self.until) {
            Some(panel) => Box::pin(signatures::security(panel, &self.zones.anchors, name)).await,
            None => Security::Indeterminate,
        }
    }

    /// The name servers of the zone that begins at `apex`, and what each answers that is asked for `name`.
    async fn servers(&self, apex: &HostName, name: &HostName) -> Heard<Found<NameServer>> {
        let found = self.ask(apex, Kind::Servers).await?.statements().servers(apex);
        if found.all.is_empty() {
            return Err(if found.is_torn { NameFailure::Malformed } else { NameFailure::NoData });
        }
        let addresses = future::join_all(found.all.iter().map(|server| self.addresses(server))).await;
        let answers = self.answers(&addresses, name).await;
        let servers = found.all.into_iter().zip(&addresses).map(|(name, addresses)| {
            let answers = addresses.iter().filter_map(|address| answers.get(address).cloned()).collect();
            NameServer { name, answers }
        });
        Ok(Found { all: servers.collect(), is_torn: found.is_torn })
    }

    /// The addresses of a name server that may be asked directly.
    async fn addresses(&self, server: &HostName) -> Vec<IpAddr> {
        let (four, six) =
            tokio::join!(self.resolve(server, AddressFamily::A), self.resolve(server, AddressFamily::Aaaa));
        let all: BTreeSet<_> = four.into_iter().chain(six).filter(|address| (self.permits)(*address)).collect();
        all.into_iter().take(MOST_SERVERS).collect()
    }

    async fn resolve(&self, name: &HostName, family: AddressFamily) -> Vec<IpAddr> {
        let Some(mut asker) = self.panel(self.step()).map(Asker::Panel) else { return Vec::new() };
        let Resolved { outcome, .. } = Box::pin(asker.resolve(name, family)).await.0.said;
        match outcome {
            Outcome::Answered(answer) => answer.addresses.iter().map(|addressed| addressed.address).collect(),
            Outcome::Failed(_) => Vec::new(),
        }
    }

    /// What is answered at each address: of a zone with too many, the first of every server come first.
    async fn answers(&self, addresses: &[Vec<IpAddr>], name: &HostName) -> BTreeMap<IpAddr, ServerAnswer> {
        let ranked = addresses.iter().flat_map(|of_server| of_server.iter().copied().enumerate());
        let mut first = BTreeMap::new();
        for (rank, address) in ranked {
            let known = first.entry(address).or_insert(rank);
            *known = rank.min(*known);
        }
        let ranked: BTreeSet<_> = first.into_iter().map(|(address, rank)| (rank, address)).collect();
        let asked = stream::iter(ranked.into_iter().take(MOST_ASKED)).map(|(_, address)| async move {
            let until = self.until.min(clock::now().mono + SERVER_TIMEOUT);
            Box::pin(direct::ask(SocketAddr::new(address, self.zones.port), name, until)).await
        });
        asked.buffer_unordered(AT_ONCE).map(|answer| (answer.address, answer)).collect().await
    }

    async fn ask(&self, name: &HostName, kind: Kind) -> Heard<Reply> {
        let panel = self.panel(self.step()).ok_or(NameFailure::Unreachable)?;
        Box::pin(panel.ask(Wanted::Statements(name, kind))).await.said.map_err(|failed| failed.why)
    }

    /// Until when one question may take that is asked now.
    fn step(&self) -> Instant {
        self.until.min(clock::now().mono + self.timeout)
    }

    fn panel(&self, deadline: Instant) -> Option<Panel> {
        self.resolvers.views.get(self.view).map(|opened| Panel::of(opened, deadline))
    }
}

/// Where the aliases in a reply lead from `name`.
fn end_of(name: &HostName, reply: &Reply) -> HostName {
    let mut chain = Chain::new(name.clone());
    // Aliases that go astray lead as far as they can be followed.
    let _astray = chain.handle_records(AddressFamily::A, &reply.records);
    chain.end().clone()
}

/// What was found, and what was wrong with it noted; `None` where nothing was told.
fn taken<T>(found: Heard<Option<Found<T>>>, kind: Kind, failures: &mut Failures) -> Option<Vec<T>> {
    let found = told(found, kind, failures)?;
    if found.is_torn {
        failures.push((kind.as_str().to_owned(), NameFailure::Malformed));
    }
    Some(found.all)
}

fn told<T>(told: Heard<Option<T>>, kind: Kind, failures: &mut Failures) -> Option<T> {
    told.unwrap_or_else(|why| {
        failures.push((kind.as_str().to_owned(), why));
        None
    })
}

#[cfg(test)]
mod tests;
