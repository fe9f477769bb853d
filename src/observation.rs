//! One round of one endpoint from one vantage: complete, dated, immutable. The unit of audit.
//!
//! Nothing later may ask the world: whatever [`crate::verdict::judge`] needs of a round is in here, and it is in the
//! journal before anyone has an opinion on it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contact::Contact;
use crate::digest::Digest;
use crate::location::Says;
use crate::location::claims::Claims;
use crate::location::source::operators::NameClaim;
use crate::moment::Rtt;
use crate::provider::ProviderId;
use crate::resolution::pointer::Pointer;
use crate::resolution::zone::{Canary, Zone};
use crate::resolution::{self, Resolution};
use crate::trace::{Distances, Protocol, Trace};
use crate::vantage::{Vantage, VantageId};
use crate::workload::{DataClass, Endpoint, Host, HostName, Jurisdiction, Workload, WorkloadId};

/// The version of the JSON form below. A reader refuses a higher one.
pub const SCHEMA: u32 = 1;

/// What the inventory said of the endpoint when the round began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The workload.
    pub workload: WorkloadId,
    /// The body that answers for it.
    pub entity: String,
    /// Who is told about it.
    pub jurisdiction: Jurisdiction,
    /// The class of its data, if one was declared.
    pub class: Option<DataClass>,
    /// Who is said to run it.
    pub provider: Option<ProviderId>,
}

impl Declared {
    /// What is said of an endpoint that no inventory knows: nothing but the name `workload`, which stands for where it
    /// came from.
    pub fn nothing(workload: &str) -> Self {
        Self {
            workload: WorkloadId(workload.to_owned()),
            entity: String::new(),
            jurisdiction: Jurisdiction(String::new()),
            class: None,
            provider: None,
        }
    }
}

impl From<&Workload> for Declared {
    fn from(workload: &Workload) -> Self {
        Self {
            workload: workload.id.clone(),
            entity: workload.entity.clone(),
            jurisdiction: workload.jurisdiction.clone(),
            class: workload.class.clone(),
            provider: workload.provider.clone(),
        }
    }
}

/// A database that was asked, by what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseDigest {
    /// Its name, as in the claims.
    pub name: String,
    /// Of its bytes, as they were read.
    pub sha256: Digest,
    /// When it was built.
    pub built: Timestamp,
}

/// An address that is never sent anything: of it there is no measurement, whatever else is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// The address.
    pub address: IpAddr,
    /// The network that is on the deny list of the vantage, or that is nobody in particular.
    pub by: IpNet,
}

/// Everything one round saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// What was looked at.
    pub endpoint: Endpoint,
    /// What the inventory said of it.
    pub declared: Declared,
    /// Who looked, and from where.
    pub vantage: Vantage,
    /// When the round began.
    pub observed: Timestamp,
    /// How long it took.
    pub elapsed_ns: Rtt,
    /// Every answer of every view; empty for an endpoint that is an address.
    pub resolutions: Vec<Resolution>,
    /// The addresses that were sent nothing, as that is forbidden.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub denied: Vec<Denied>,
    /// A path to each address, where one was measured.
    pub traces: Vec<Trace>,
    /// A conversation with each address, and with addresses of related hosts, where one was tried.
    pub contacts: Vec<Contact>,
    /// Times to addresses that came without a path.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub pings: Vec<Ping>,
    /// What the addresses, and the last public hops before them, are called. What was written before names were asked for
    /// has none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub pointers: Vec<Pointer>,
    /// What the zone of its name says of itself, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zone: Option<Zone>,
    /// What each view answered to a name that nobody has.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub canaries: Vec<Canary>,
    /// Other hosts that it depends on or sends people to.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub related: Vec<Related>,
    /// Who operates the names that its aliases lead through, where that is known.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub operators: Vec<NameClaim>,
    /// What every source says of the addresses, of those of other hosts, and of the hops on the way to them.
    pub claims: Claims,
    /// The databases that were asked.
    pub databases: Vec<DatabaseDigest>,
}

/// A host that an endpoint depends on, or that it sends people to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// The host.
    pub host: Host,
    /// What it is to the endpoint.
    pub role: Role,
    /// What named it: the zone, or the page that sends people there.
    pub named_by: String,
    /// Where its name leads, by one view; empty for an address.
    pub resolutions: Vec<Resolution>,
}

/// What a host is to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It serves the zone of the endpoint's name.
    NameServer,
    /// It takes the mail of that zone.
    Mail,
    /// A page of the endpoint sends people there.
    Redirect,
    /// A page of the endpoint has browsers fetch something there.
    Resource,
}

impl Role {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NameServer => "name-server",
            Self::Mail => "mail",
            Self::Redirect => "redirect",
            Self::Resource => "resource",
        }
    }
}

impl Related {
    /// Its addresses, each once, in order.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let looked_up = self.resolutions.iter().flat_map(Resolution::addresses);
        looked_up.chain(literal(&self.host)).collect()
    }
}

/// The address that a host is, if it is one.
fn literal(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Address(address) => Some(*address),
        Host::Name(_) => None,
    }
}

/// Round trips to one address by another tool: how long they took and nothing of the way. It is no [`Trace`], because
/// nobody knows how many hops away the address is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Who was asked, and who answered.
    pub address: IpAddr,
    /// What the probes were.
    pub protocol: Protocol,
    /// When the first was sent.
    pub started: Timestamp,
    /// How many were sent.
    pub attempts: u16,
    /// How many were answered by a TCP reset: an answer, but no witness of distance (see [`crate::contact`]).
    #[serde(skip_serializing_if = "is_zero", default)]
    pub resets: u16,
    /// The best of the other answers; `None` where there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best: Option<PingBest>,
}

/// The best of the answers to a [`Ping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingBest {
    /// The smallest of the samples.
    pub rtt_ns: Rtt,
    /// How many samples: answers from the address itself, each to another probe.
    pub samples: u16,
}

impl Ping {
    /// The best of what was measured in another way.
    fn of(address: IpAddr, Best { rtt, samples, protocol }: Best, started: Timestamp) -> Self {
        let samples = u16::try_from(samples).unwrap_or(u16::MAX);
        let best = Some(PingBest { rtt_ns: rtt, samples });
        Self { address, protocol, started, attempts: samples, resets: 0, best }
    }

    /// The best time, and how many it is the best of; none where [no answer takes](Rtt::SHORTEST) so little.
    pub fn rtt(&self) -> Option<(Rtt, usize)> {
        let possible = self.best.filter(|best| best.rtt_ns >= Rtt::SHORTEST);
        possible.map(|best| (best.rtt_ns, usize::from(best.samples)))
    }

    /// Whether anything answered, a reset included.
    pub fn answered(&self) -> bool {
        self.best.is_some() || self.resets > 0
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(count: &u16) -> bool {
    *count == 0
}

/// The best round-trip time of one address by one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// The smallest of the samples.
    pub rtt: Rtt,
    /// How many samples.
    pub samples: usize,
    /// How it was measured.
    pub protocol: Protocol,
}

/// The best round-trip times of one address by the two kinds of method that different hosts may answer: a proxy shakes hands,
/// or a gateway answers echo requests, in the name of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bests {
    handshake: Option<Best>,
    echo: Option<Best>,
}

impl Bests {
    /// The smallest of all; where the methods are answered by [different hosts](Self::apart) the best of the slower method,
    /// since nobody can say which is the address.
    pub fn best(self) -> Option<Best> {
        match self.apart() {
            Some((_, later)) => Some(later),
            None => self.handshake.into_iter().chain(self.echo).min_by_key(|best| best.rtt),
        }
    }

    /// The sooner and the later of the best handshake and the best other answer, where they differ by so much that two hosts
    /// gave them.
    pub fn apart(self) -> Option<(Best, Best)> {
        let (handshake, echo) = self.handshake.zip(self.echo)?;
        let (sooner, later) = if handshake.rtt < echo.rtt { (handshake, echo) } else { (echo, handshake) };
        sooner.rtt.is_of_another_host(later.rtt).then_some((sooner, later))
    }

    /// With another answer.
    #[must_use]
    fn with(mut self, found: Best) -> Self {
        let best = if found.protocol == Protocol::Tcp { &mut self.handshake } else { &mut self.echo };
        if best.is_none_or(|best| found.rtt < best.rtt) {
            *best = Some(found);
        }
        self
    }

    /// The best of both.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        other.handshake.into_iter().chain(other.echo).fold(self, Self::with)
    }

    /// With what `other` has of a method that this has nothing of.
    #[must_use]
    pub fn filled(self, other: Self) -> Self {
        Self { handshake: self.handshake.or(other.handshake), echo: self.echo.or(other.echo) }
    }
}

impl Observation {
    /// A round that has not seen anything yet.
    pub fn begun(endpoint: Endpoint, declared: Declared, vantage: Vantage, observed: Timestamp) -> Self {
        Self {
            schema: SCHEMA,
            endpoint,
            declared,
            vantage,
            observed,
            elapsed_ns: Rtt::default(),
            resolutions: Vec::new(),
            denied: Vec::new(),
            traces: Vec::new(),
            contacts: Vec::new(),
            pings: Vec::new(),
            pointers: Vec::new(),
            zone: None,
            canaries: Vec::new(),
            related: Vec::new(),
            operators: Vec::new(),
            claims: Claims::default(),
            databases: Vec::new(),
        }
    }

    /// Every address the endpoint led to, by any view, in order.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let looked_up = self.resolutions.iter().flat_map(Resolution::addresses);
        looked_up.chain(literal(self.endpoint.host())).collect()
    }

    /// The conversations with addresses of the endpoint itself.
    pub fn own_contacts(&self) -> impl Iterator<Item = &Contact> {
        let addresses = self.addresses();
        self.contacts.iter().filter(move |contact| addresses.contains(&contact.address))
    }

    /// Every address that a source can say something of: those of the endpoint and of the hosts related to it, and
    /// whoever answered on the way to them.
    pub fn located(&self) -> BTreeSet<IpAddr> {
        let responders = self.traces.iter().flat_map(Trace::responders);
        self.addresses().into_iter().chain(self.related_addresses()).chain(responders).collect()
    }

    /// Every address of a host related to it: those that were looked up, and those at which its name servers were asked.
    pub fn related_addresses(&self) -> BTreeSet<IpAddr> {
        let related = self.related.iter().flat_map(Related::addresses);
        let servers = self.zone.iter().flat_map(|zone| &zone.servers);
        related.chain(servers.flat_map(|server| server.answers.iter().map(|answer| answer.address))).collect()
    }

    /// Every name on the way from the asked name to its addresses, by any view: those that are aliases, and what they stand
    /// for. Of each of them it is worth knowing who operates it.
    pub fn names_on_the_way(&self) -> BTreeSet<&HostName> {
        let aliases = self.resolutions.iter().flat_map(Resolution::aliases);
        aliases.flat_map(|alias| [&alias.name, &alias.target]).collect()
    }

    /// The best round-trip time of an answer from `address` itself, by any method: [`Bests::best`].
    pub fn best_rtt(&self, address: IpAddr) -> Option<Best> {
        self.bests(address).best()
    }

    /// The best handshake, and the best answer to any other probe, of `address` itself.
    pub fn bests(&self, address: IpAddr) -> Bests {
        let traced = self.traces.iter().filter(|t| t.target == address).filter_map(|t| {
            let (rtt, samples) = t.target_rtt()?;
            Some(Best { rtt, samples, protocol: t.protocol })
        });
        let contacted = self.contacts.iter().filter(|c| c.address == address).filter_map(|c| {
            let (rtt, samples) = c.rtt()?;
            Some(Best { rtt, samples, protocol: Protocol::Tcp })
        });
        let pinged = self.pings.iter().filter(|p| p.address == address).filter_map(|p| {
            let (rtt, samples) = p.rtt()?;
            Some(Best { rtt, samples, protocol: p.protocol })
        });
        traced.chain(contacted).chain(pinged).fold(Bests::default(), Bests::with)
    }

    /// Whether it is of a landmark: measured to measure others by, and never judged.
    pub fn is_of_landmark(&self) -> bool {
        let is_landmark =
            |address| self.claims.about(address).iter().any(|claim| matches!(claim.says, Says::Landmark { .. }));
        matches!(self.endpoint.host(), Host::Address(address) if is_landmark(*address))
    }

    /// How far its addresses are that answered a trace.
    pub fn distances(&self) -> Distances {
        let known = |trace: &Trace| Some(((trace.target, trace.protocol), trace.distance()?));
        self.traces.iter().filter_map(known).collect()
    }

    /// What it says of the distance of each of its addresses, by itself, with the claims about it: the best time and
    /// nothing of the way. All that other observations are judged by, in a hundredth of the room.
    pub fn sightings(&self) -> impl Iterator<Item = Self> {
        // Nobody is reached by an IPv4 address in the dress of IPv6.
        let measured = self.addresses().into_iter().filter(|address| address.to_canonical() == *address);
        measured.map(|address| Self {
            schema: self.schema,
            elapsed_ns: self.elapsed_ns,
            pings: self.best_rtt(address).map(|best| Ping::of(address, best, self.observed)).into_iter().collect(),
            claims: self.claims.about(address).iter().cloned().collect(),
            ..Self::begun(Endpoint::from(address), self.declared.clone(), self.vantage.clone(), self.observed)
        })
    }

    /// The network for which `address` was sent nothing; `None` where it might be.
    pub fn denies(&self, address: IpAddr) -> Option<IpNet> {
        self.denied.iter().find(|denied| denied.address == address).map(|denied| denied.by)
    }

    /// What `address` is called; nothing where it has no name or nobody asked.
    pub fn names_of(&self, address: IpAddr) -> impl Iterator<Item = &str> {
        let of = self.pointers.iter().filter(move |pointer| pointer.address == address);
        of.flat_map(|pointer| pointer.names().iter().map(String::as_str))
    }

    /// Who looked.
    pub fn vantage_id(&self) -> &VantageId {
        &self.vantage.id
    }

    /// The smallest TTL of any answer, in seconds: when the name may lead elsewhere.
    pub fn ttl(&self) -> Option<u32> {
        resolution::ttl(&self.resolutions)
    }
}
