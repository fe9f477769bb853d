//! Endpoint → observation: one round, as a value that says what to ask next and is told what came back.
//!
//! The rules, in order:
//!
//! 1. An endpoint that is a name is looked up by every view in both families at once; one that is an address is not.
//! 2. Every address is traced and contacted as soon as it is known, up to [`Probing::max_addresses`] of them.
//! 3. An address that is not global is recorded and never spoken to, unless the endpoint *is* that address or the
//!    configuration allows its prefix: who controls a zone must not aim us at our own network.
//! 4. An address on the deny list is recorded as denied and never spoken to, not even where the endpoint is that address.
//! 5. An address whose trace by one protocol gave no time that witnesses is traced by the next of
//!    [`Probing::protocols`], unless the prober had to use another than was asked for: it would have to again. TCP knocks
//!    at the port of the endpoint.
//!    Where it was in the round before, an address is looked for first. Hops are taken over from the traces to its
//!    neighbours only if [`Probing::share`] says so, and none that was measured before the round began.
//! 6. Of every address that is traced, and of the last two global hops before it, the name is asked for, of the first view.
//! 7. When nothing is outstanding, the sources are asked about the addresses, everyone who answered on the way, and the
//!    names.
//! 8. At the deadline what is missing is recorded as missing, and the round goes on to rule 7.
//!
//! Who drives it (the agent, `inspect`, the simulation) drains [`Round::poll_ask`] after every `handle_*` and takes the
//! observation when [`Round::poll_observation`] has it. A result nobody asked for, or that comes twice, is dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use jiff::Timestamp;

use crate::contact::call::{Call, Speech};
use crate::contact::{Contact, ContactFailure, ContactOutcome};
use crate::location::claims::Claims;
use crate::moment::{Moment, Rtt};
use crate::network::AddressScope;
use crate::observation::{DatabaseDigest, Declared, Denied, Observation};
use crate::resolution::pointer::{Pointed, Pointer};
use crate::resolution::{AddressFamily, NameFailure, Outcome, Resolution, View};
use crate::trace::multipath::Confidence;
use crate::trace::plan::{Plan, Sharing};
use crate::trace::{Distances, Ending, Hop, Protocol, Trace};
use crate::vantage::Vantage;
use crate::workload::{Endpoint, Host, HostName, Scheme};

use deny::DenyList;

pub mod deny;

#[cfg(test)]
mod tests;

/// How much a round may ask of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probing {
    /// The protocols of a trace, in the order they are tried; none for no traces.
    pub protocols: Vec<Protocol>,
    /// How many probes a trace sends to each distance.
    pub attempts: u8,
    /// The hop limit of its first probes.
    pub first_ttl: u8,
    /// The largest hop limit.
    pub last_ttl: u8,
    /// How many more probes it sends to a distance where nobody answered, although somebody did further on.
    pub retries: u8,
    /// How many of its probes may be on their way at once.
    pub window: u8,
    /// After how many silent hops in a row it ends.
    pub gap_limit: u8,
    /// How long it waits for a reply.
    pub reply_timeout: Duration,
    /// How long it may take.
    pub trace_timeout: Duration,
    /// How many connections are attempted to each address; 0 for none.
    pub contact_attempts: u8,
    /// How long one connection may take.
    pub contact_timeout: Duration,
    /// The most addresses of one endpoint that are traced and contacted; of the rest only the sources are asked.
    pub max_addresses: usize,
    /// How long the round may take before what is missing is recorded as missing.
    pub deadline: Duration,
    /// Whether a trace takes over hops that others to neighbours of its target have measured since the round began.
    pub share: bool,
    /// Whether it is asked what addresses are called.
    pub names: bool,
    /// Prefixes that may be spoken to although they are not global.
    pub allow: Vec<IpNet>,
    /// Networks that are never sent anything.
    pub deny: DenyList,
}

impl Probing {
    /// Whether an address that a name led to may be spoken to. An IPv4 address in the dress of IPv6 never is: no honest
    /// zone has one.
    pub fn permits(&self, address: IpAddr) -> bool {
        let disguised = address.to_canonical() != address;
        let allowed = self.allow.iter().any(|prefix| prefix.contains(&address));
        !disguised && (AddressScope::of(address).is_global() || allowed)
    }
}

/// What a round is about.
#[derive(Clone, Debug)]
pub struct RoundSettings {
    /// What is looked at.
    pub endpoint: Endpoint,
    /// What the inventory says of it.
    pub declared: Declared,
    /// Who looks.
    pub vantage: Vantage,
    /// The views that are asked.
    pub views: Vec<View>,
    /// How much may be asked.
    pub probing: Probing,
    /// The flow identity of its traces.
    pub flow: u16,
    /// How far addresses were in the round before, as far as it is known: what a trace asks first depends on it, and
    /// nothing of what it finds.
    pub distances: Distances,
}

/// Something the world is to be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Look a name up.
    Lookup {
        /// By this view.
        view: View,
        /// This name.
        name: HostName,
        /// For addresses of this family.
        family: AddressFamily,
    },
    /// Trace the path to an address.
    Trace(Plan),
    /// Speak to an address.
    Contact(Call),
    /// Ask what an address is called.
    Pointer {
        /// Ask this view.
        view: View,
        /// The address.
        address: IpAddr,
    },
    /// Ask every source what it says of these addresses and names.
    Claims {
        /// The addresses.
        addresses: BTreeSet<IpAddr>,
        /// What some of them are called.
        names: Vec<(IpAddr, String)>,
    },
}

/// Why a round wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What is missing will be recorded as missing.
    Deadline,
}

/// One round of one endpoint.
#[derive(Debug)]
pub struct Round {
    settings: RoundSettings,
    started: Moment,
    asks: VecDeque<Ask>,
    lookups: BTreeMap<(View, AddressFamily), Timestamp>,
    traces: BTreeMap<IpAddr, (Protocol, Timestamp)>,
    contacts: BTreeMap<IpAddr, Timestamp>,
    pointers: BTreeMap<IpAddr, Timestamp>,
    /// The addresses whose names were asked for.
    pointed: BTreeSet<IpAddr>,
    known: BTreeSet<IpAddr>,
    probed: usize,
    stage: Stage,
    observation: Observation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Answers are awaited.
    Asking,
    /// Nothing more is asked of the network; the sources are.
    Claiming,
    /// The observation is complete, at this instant.
    Complete(Instant),
    /// The observation was taken.
    Taken,
}

impl Round {
    /// A round that begins `now`.
    pub fn new(settings: RoundSettings, now: Moment) -> Self {
        let RoundSettings { endpoint, declared, vantage, .. } = &settings;
        let observation = Observation::begun(endpoint.clone(), declared.clone(), vantage.clone(), now.wall);
        let mut round = Self {
            settings,
            started: now,
            asks: VecDeque::new(),
            lookups: BTreeMap::new(),
            traces: BTreeMap::new(),
            contacts: BTreeMap::new(),
            pointers: BTreeMap::new(),
            pointed: BTreeSet::new(),
            known: BTreeSet::new(),
            probed: 0,
            stage: Stage::Asking,
            observation,
        };
        round.begin(now);
        round
    }

    /// What to ask next; `None` until something is told.
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// Tells what a view answered.
    pub fn handle_resolution(&mut self, resolution: Resolution, now: Moment) {
        if self.lookups.remove(&(resolution.view.clone(), resolution.family)).is_none() {
            return;
        }
        for address in resolution.addresses() {
            self.handle_address(address, now);
        }
        self.observation.resolutions.push(resolution);
        self.settle();
    }

    /// Tells what a trace saw.
    pub fn handle_trace(&mut self, trace: Trace, now: Moment) {
        let Some((asked, _)) = self.traces.remove(&trace.target) else { return };
        if trace.target_rtt().is_none() {
            self.try_next_protocol(&trace, asked, now);
        }
        for hop in last_hops(&trace) {
            self.point(hop, now);
        }
        self.observation.traces.push(trace);
        self.settle();
    }

    /// Tells what an address is called.
    pub fn handle_pointer(&mut self, pointer: Pointer) {
        if self.pointers.remove(&pointer.address).is_none() {
            return;
        }
        self.observation.pointers.push(pointer);
        self.settle();
    }

    /// Tells how a conversation went.
    pub fn handle_contact(&mut self, contact: Contact) {
        if self.contacts.remove(&contact.address).is_none() {
            return;
        }
        self.observation.contacts.push(contact);
        self.settle();
    }

    /// Tells what the sources say, and which databases were among them.
    pub fn handle_claims(&mut self, claims: Claims, databases: Vec<DatabaseDigest>, now: Moment) {
        if self.stage != Stage::Claiming {
            return;
        }
        self.observation.claims = claims;
        self.observation.databases = databases;
        self.stage = Stage::Complete(now.mono);
    }

    /// Tells the time: at the deadline the round stops waiting.
    pub fn handle_timeout(&mut self, now: Moment) {
        if self.stage != Stage::Asking || now.mono < self.deadline() {
            return;
        }
        self.asks.clear();
        self.record_missing_lookups(now);
        self.record_missing_traces();
        self.record_missing_contacts();
        self.record_missing_pointers();
        self.settle();
    }

    /// When to call [`Round::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        (self.stage == Stage::Asking).then(|| (self.deadline(), Reason::Deadline))
    }

    /// The observation, once, when it is complete.
    pub fn poll_observation(&mut self) -> Option<Observation> {
        let Stage::Complete(ended) = self.stage else { return None };
        self.stage = Stage::Taken;
        let elapsed = ended.saturating_duration_since(self.started.mono);
        let mut observation = self.observation.clone();
        observation.elapsed_ns = Rtt::from_duration(elapsed);
        observation.resolutions.sort_by(|a, b| (&a.view, a.family).cmp(&(&b.view, b.family)));
        observation.denied.sort_by_key(|denied| denied.address);
        observation.traces.sort_by_key(|trace| (trace.target, trace.protocol));
        observation.contacts.sort_by_key(|contact| contact.address);
        observation.pointers.sort_by_key(|pointer| pointer.address);
        Some(observation)
    }

    fn begin(&mut self, now: Moment) {
        match self.settings.endpoint.host().clone() {
            Host::Address(address) => {
                self.known.insert(address);
                if !self.is_denied(address) {
                    self.probe(address, now);
                }
            }
            Host::Name(name) => {
                for view in self.settings.views.clone() {
                    for family in [AddressFamily::A, AddressFamily::Aaaa] {
                        self.lookups.insert((view.clone(), family), now.wall);
                        self.asks.push_back(Ask::Lookup { view: view.clone(), name: name.clone(), family });
                    }
                }
            }
        }
        self.settle();
    }

    fn handle_address(&mut self, address: IpAddr, now: Moment) {
        if !self.known.insert(address) || self.is_denied(address) {
            return;
        }
        if self.settings.probing.permits(address) && self.probed < self.settings.probing.max_addresses {
            self.probe(address, now);
        }
    }

    /// Whether nothing may be sent to the address, which is then recorded.
    fn is_denied(&mut self, address: IpAddr) -> bool {
        let by = self.settings.probing.deny.denies(address);
        self.observation.denied.extend(by.map(|by| Denied { address, by }));
        by.is_some()
    }

    fn probe(&mut self, address: IpAddr, now: Moment) {
        self.probed += 1;
        if let Some(first) = self.settings.probing.protocols.first().copied() {
            self.trace(address, first, now);
        }
        self.point(address, now);
        let (attempts, timeout) = (self.settings.probing.contact_attempts, self.settings.probing.contact_timeout);
        if attempts > 0 && self.settings.endpoint.scheme() != Scheme::Dns {
            let port = self.settings.endpoint.port();
            self.contacts.insert(address, now.wall);
            self.asks.push_back(Ask::Contact(Call { address, port, attempts, timeout, speech: Speech::Nothing }));
        }
    }

    /// Asks what `address` is called, once.
    fn point(&mut self, address: IpAddr, now: Moment) {
        let Some(view) = self.settings.views.first() else { return };
        if self.settings.probing.names && AddressScope::of(address).is_global() && self.pointed.insert(address) {
            self.pointers.insert(address, now.wall);
            self.asks.push_back(Ask::Pointer { view: view.clone(), address });
        }
    }

    fn try_next_protocol(&mut self, trace: &Trace, asked: Protocol, now: Moment) {
        let mut following = self.settings.probing.protocols.iter().skip_while(|protocol| **protocol != asked);
        let next = following.find(|protocol| **protocol != asked).copied();
        if let Some(next) = next.filter(|_| trace.protocol == asked) {
            self.trace(trace.target, next, now);
        }
    }

    fn trace(&mut self, address: IpAddr, protocol: Protocol, now: Moment) {
        let probing = &self.settings.probing;
        let plan = Plan {
            target: address,
            protocol,
            port: self.settings.endpoint.port(),
            first_ttl: probing.first_ttl,
            last_ttl: probing.last_ttl,
            attempts: probing.attempts,
            retries: probing.retries,
            window: probing.window,
            reply_timeout: probing.reply_timeout,
            gap_limit: probing.gap_limit,
            deadline: probing.trace_timeout.min(self.deadline().saturating_duration_since(now.mono)),
            flow: self.settings.flow,
            expected: self.settings.distances.get(&(address, protocol)).copied(),
            sharing: probing.share.then(|| Sharing::since(self.started.mono, Confidence::HIGHEST)),
        };
        self.traces.insert(address, (protocol, now.wall));
        self.asks.push_back(Ask::Trace(plan));
    }

    /// Goes on to the sources once nothing is outstanding.
    fn settle(&mut self) {
        let measured = self.lookups.is_empty() && self.traces.is_empty() && self.contacts.is_empty();
        let waiting = !(measured && self.pointers.is_empty());
        if waiting || self.stage != Stage::Asking {
            return;
        }
        let responders = self.observation.traces.iter().flat_map(Trace::responders);
        let addresses = self.known.iter().copied().chain(responders).collect();
        let names = self.observation.pointers.iter();
        let names =
            names.flat_map(|pointer| pointer.names().iter().map(|name| (pointer.address, name.clone()))).collect();
        self.asks.push_back(Ask::Claims { addresses, names });
        self.stage = Stage::Claiming;
    }

    fn deadline(&self) -> Instant {
        self.started.mono + self.settings.probing.deadline
    }

    fn record_missing_lookups(&mut self, now: Moment) {
        let Host::Name(name) = self.settings.endpoint.host() else { return };
        let elapsed = Rtt::from_duration(now.mono.saturating_duration_since(self.started.mono));
        for ((view, family), asked) in std::mem::take(&mut self.lookups) {
            let outcome = Outcome::Failed(NameFailure::Timeout);
            let (name, server, followed, subnet) = (name.clone(), None, Vec::new(), None);
            let missing =
                Resolution { name, family, view, server, asked, elapsed_ns: elapsed, outcome, followed, subnet };
            self.observation.resolutions.push(missing);
        }
    }

    fn record_missing_traces(&mut self) {
        for (target, (protocol, started)) in std::mem::take(&mut self.traces) {
            let flow = Some(self.settings.flow);
            let port = (protocol == Protocol::Tcp).then(|| self.settings.endpoint.port());
            let overdue = Trace { target, protocol, started, port, flow, hops: Vec::new(), ending: Ending::Overdue };
            self.observation.traces.push(overdue);
        }
    }

    fn record_missing_contacts(&mut self) {
        let (port, attempts) = (self.settings.endpoint.port(), self.settings.probing.contact_attempts);
        for (address, started) in std::mem::take(&mut self.contacts) {
            let outcome = ContactOutcome::Failed(ContactFailure::Timeout);
            self.observation.contacts.push(Contact::silent(address, port, started, attempts, outcome));
        }
    }

    fn record_missing_pointers(&mut self) {
        let Some(view) = self.settings.views.first() else { return };
        for (address, asked) in std::mem::take(&mut self.pointers) {
            let outcome = Pointed::Failed(NameFailure::Timeout);
            self.observation.pointers.push(Pointer { address, view: view.clone(), server: None, asked, outcome });
        }
    }
}

/// The last two hops before the target, as far as they have global addresses.
fn last_hops(trace: &Trace) -> Vec<IpAddr> {
    let mut hops: Vec<&Hop> = trace.hops.iter().collect();
    hops.sort_by_key(|hop| std::cmp::Reverse(hop.ttl));
    let mut last = Vec::new();
    for hop in hops {
        let mut others = hop.answers.iter().map(|answer| answer.from).filter(|from| *from != trace.target);
        let named = others.find(|from| AddressScope::of(*from).is_global());
        last.extend(named.filter(|from| !last.contains(from)));
    }
    last.truncate(2);
    last
}
