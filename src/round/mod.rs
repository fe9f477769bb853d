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
//! 7. Of the zone of a name it is asked who serves it and who takes its mail. Those hosts, and those that pages of the endpoint
//!    send people to, are looked up by the first view and spoken to within rules 3 and 4. A redirect to the same host is
//!    followed at the same address, one to another host at one address of that, [`Beyond::redirects`] in a row at most.
//! 8. Each view is asked for a name that nobody has ([`RoundSettings::canary`]).
//! 9. When nothing is outstanding, the sources are asked about the addresses, everyone who answered on the way, and the
//!    names.
//! 10. At the deadline what is missing is recorded as missing, and the round goes on to rule 9.
//! 11. A round that is told where the name was found to lead ([`RoundSettings::baseline`]) ends after rule 1 if nothing else
//!     was answered; otherwise it begins anew with what was answered.
//!
//! Who drives it (the agent, `inspect`, the simulation) drains [`Round::poll_ask`] after every `handle_*` and takes what
//! came of it when [`Round::poll_end`] has it. A result nobody asked for, or that comes twice, is dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use jiff::Timestamp;

use crate::contact::call::{Call, Speech};
use crate::contact::exchange::{Answer, HttpOutcome};
use crate::contact::pop::{self, PopLabel};
use crate::contact::redirect::Destination;
use crate::contact::{Contact, ContactFailure, ContactOutcome};
use crate::location::claims::Claims;
use crate::location::source::operators::NameClaim;
use crate::moment::{Moment, Rtt};
use crate::network::AddressScope;
use crate::observation::{DatabaseDigest, Declared, Denied, Observation, Role};
use crate::resolution::baseline::Baseline;
use crate::resolution::pointer::{Pointed, Pointer};
use crate::resolution::zone::{Canary, Zone};
use crate::resolution::{AddressFamily, NameFailure, Outcome, Resolution, View};
use crate::trace::multipath::Confidence;
use crate::trace::plan::{Plan, Sharing};
use crate::trace::{Distances, Ending, Hop, Protocol, Trace};
use crate::vantage::Vantage;
use crate::workload::{Endpoint, Host, HostName};

use relations::Relations;

pub use ask::Ask;
pub use probing::{Beyond, Probing};

pub mod deny;

mod ask;
mod probing;
mod relations;

#[cfg(test)]
mod tests;

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
    /// A name beside that of the endpoint that nobody has, which every view is asked for; `None` for no such question.
    pub canary: Option<HostName>,
    /// Where the name was found to lead; `None` where it is to be looked at as a whole, whatever it leads to.
    pub baseline: Option<Baseline>,
}

/// What came of a round.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// What it saw.
    Observed(Box<Observation>),
    /// The name leads where it led before: what the views answered.
    Unchanged(Vec<Resolution>),
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
    /// Since when it measures, and not only looks whether anything has changed.
    since: Instant,
    lookups: BTreeMap<(HostName, View, AddressFamily), Timestamp>,
    /// When the zone was asked for.
    zone: Option<Timestamp>,
    traces: BTreeMap<IpAddr, (Protocol, Timestamp)>,
    contacts: BTreeMap<(IpAddr, u16, Speech), Called>,
    /// What was said to whom, or is being said.
    called: BTreeSet<(IpAddr, u16, Speech)>,
    pointers: BTreeMap<IpAddr, Timestamp>,
    /// The addresses whose names were asked for.
    pointed: BTreeSet<IpAddr>,
    /// Every address of the endpoint and of other hosts.
    known: BTreeSet<IpAddr>,
    /// Those of the endpoint.
    own: BTreeSet<IpAddr>,
    probed: usize,
    relations: Relations,
    stage: Stage,
    observation: Observation,
}

/// A conversation under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Called {
    at: Timestamp,
    attempts: u8,
    /// Over how many redirects.
    over: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is awaited whether the name leads anywhere else than before.
    Checking,
    /// It does not.
    Unchanged,
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
            since: now.mono,
            asks: VecDeque::new(),
            lookups: BTreeMap::new(),
            zone: None,
            traces: BTreeMap::new(),
            contacts: BTreeMap::new(),
            called: BTreeSet::new(),
            pointers: BTreeMap::new(),
            pointed: BTreeSet::new(),
            known: BTreeSet::new(),
            own: BTreeSet::new(),
            probed: 0,
            relations: Relations::default(),
            stage: Stage::Asking,
            observation,
        };
        round.begin(now);
        round
    }

    /// What it is about.
    pub fn endpoint(&self) -> &Endpoint {
        &self.settings.endpoint
    }

    /// How much it may ask.
    pub fn probing(&self) -> &Probing {
        &self.settings.probing
    }

    /// What to ask next; `None` until something is told.
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// Tells what a view answered.
    pub fn handle_resolution(&mut self, resolution: Resolution, now: Moment) {
        let key = (resolution.name.clone(), resolution.view.clone(), resolution.family);
        if self.lookups.remove(&key).is_none() {
            return;
        }
        self.take_up(resolution, now);
        if self.stage == Stage::Checking && self.lookups.is_empty() {
            self.check(now);
        }
        self.settle();
    }

    /// Tells what the zone of the name says of itself.
    pub fn handle_zone(&mut self, zone: Zone, now: Moment) {
        if self.zone.take().is_none() {
            return;
        }
        let named_by = zone.apex.as_ref().unwrap_or(&zone.name).to_string();
        for server in &zone.servers {
            self.known.extend(server.answers.iter().map(|answer| answer.address));
            self.relate(Role::NameServer, &Host::Name(server.name.clone()), &named_by, now);
        }
        for exchanger in &zone.mail {
            self.relate(Role::Mail, &Host::Name(exchanger.name.clone()), &named_by, now);
        }
        self.observation.zone = Some(zone);
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
    pub fn handle_contact(&mut self, contact: Contact, now: Moment) {
        let key = (contact.address, contact.port, contact.speech.clone());
        let Some(Called { over, .. }) = self.contacts.remove(&key) else { return };
        for exchange in &contact.exchanges {
            if let HttpOutcome::Answered(answer) = &exchange.outcome {
                self.follow(answer, &exchange.url, &contact, over, now);
            }
        }
        if let (Speech::Http(request), ContactOutcome::Failed(_) | ContactOutcome::Refused { .. }) =
            (&contact.speech, &contact.outcome)
        {
            self.relations.missed(contact.port, request);
            for address in self.relations.addresses(&request.host) {
                self.reach(&request.host, address, now);
            }
        }
        self.observation.contacts.push(contact);
        self.settle();
    }

    /// Tells what the sources say of addresses and of names, and which databases were among them.
    pub fn handle_claims(
        &mut self,
        claims: Claims,
        operators: Vec<NameClaim>,
        databases: Vec<DatabaseDigest>,
        now: Moment,
    ) {
        if self.stage != Stage::Claiming {
            return;
        }
        self.observation.claims = claims;
        self.observation.operators = operators;
        self.observation.databases = databases;
        self.stage = Stage::Complete(now.mono);
    }

    /// Tells the time: at the deadline the round stops waiting.
    pub fn handle_timeout(&mut self, now: Moment) {
        if !self.is_waiting() || now.mono < self.deadline() {
            return;
        }
        self.asks.clear();
        self.record_missing_lookups(now);
        if self.stage == Stage::Checking {
            return self.check(now);
        }
        self.record_missing_zone();
        self.record_missing_traces();
        self.record_missing_contacts();
        self.record_missing_pointers();
        self.settle();
    }

    /// When to call [`Round::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        self.is_waiting().then(|| (self.deadline(), Reason::Deadline))
    }

    /// What came of it, once, when it is over.
    pub fn poll_end(&mut self) -> Option<End> {
        match std::mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Complete(ended) => Some(End::Observed(Box::new(self.observed(ended)))),
            Stage::Unchanged => Some(End::Unchanged(std::mem::take(&mut self.observation.resolutions))),
            stage @ (Stage::Checking | Stage::Asking | Stage::Claiming | Stage::Taken) => {
                self.stage = stage;
                None
            }
        }
    }

    fn observed(&mut self, ended: Instant) -> Observation {
        let elapsed = ended.saturating_duration_since(self.started.mono);
        let mut observation = self.observation.clone();
        observation.elapsed_ns = Rtt::from_duration(elapsed);
        observation.related = self.relations.related();
        observation.resolutions.sort_by(|a, b| (&a.view, a.family).cmp(&(&b.view, b.family)));
        observation.canaries.sort_by(|a, b| a.view.cmp(&b.view));
        observation.denied.sort_by_key(|denied| denied.address);
        observation.traces.sort_by_key(|trace| (trace.target, trace.protocol));
        observation.contacts.sort_by_cached_key(|contact| (contact.address, contact.port, contact.speech.clone()));
        observation.pointers.sort_by_key(|pointer| pointer.address);
        observation
    }

    fn begin(&mut self, now: Moment) {
        match self.settings.endpoint.host().clone() {
            Host::Address(address) => {
                self.own.insert(address);
                if !self.is_denied(address) {
                    self.probe(address, now);
                }
            }
            Host::Name(name) => {
                for view in self.settings.views.clone() {
                    self.look_up(&view, &name, now);
                }
                if self.settings.baseline.is_some() {
                    self.stage = Stage::Checking;
                } else {
                    self.ask_beside(&name, now);
                }
            }
        }
        self.settle();
    }

    /// Asks a view for the addresses of a name.
    fn look_up(&mut self, view: &View, name: &HostName, now: Moment) {
        for family in [AddressFamily::A, AddressFamily::Aaaa] {
            self.ask_for(view, name, family, now);
        }
    }

    fn ask_for(&mut self, view: &View, name: &HostName, family: AddressFamily, now: Moment) {
        self.lookups.insert((name.clone(), view.clone(), family), now.wall);
        self.asks.push_back(Ask::Lookup { view: view.clone(), name: name.clone(), family });
    }

    /// Asks what is asked beside the addresses of `name`.
    fn ask_beside(&mut self, name: &HostName, now: Moment) {
        if let Some(canary) = self.settings.canary.clone() {
            for view in self.settings.views.clone() {
                self.ask_for(&view, &canary, AddressFamily::A, now);
            }
        }
        if self.settings.probing.beyond.zone
            && let Some(view) = self.settings.views.first().cloned()
        {
            self.zone = Some(now.wall);
            self.asks.push_back(Ask::Zone { view, name: name.clone() });
        }
    }

    /// All views have answered: unless one says what none said before, that is all.
    fn check(&mut self, now: Moment) {
        let Some(baseline) = self.settings.baseline.take() else { return };
        if self.observation.resolutions.iter().all(|resolution| baseline.holds(resolution)) {
            self.stage = Stage::Unchanged;
            return;
        }
        self.stage = Stage::Asking;
        self.since = now.mono;
        if let Host::Name(name) = self.settings.endpoint.host().clone() {
            self.ask_beside(&name, now);
        }
        for resolution in std::mem::take(&mut self.observation.resolutions) {
            self.take_up(resolution, now);
        }
        self.settle();
    }

    /// Takes up an answer, by what its name is to the endpoint.
    fn take_up(&mut self, resolution: Resolution, now: Moment) {
        let is_own = matches!(self.settings.endpoint.host(), Host::Name(name) if *name == resolution.name);
        if self.settings.canary.as_ref() == Some(&resolution.name) {
            let Resolution { view, name, outcome, .. } = resolution;
            return self.observation.canaries.push(Canary { view, name, outcome });
        }
        if is_own && self.stage != Stage::Checking {
            for address in resolution.addresses() {
                self.handle_address(address, now);
            }
        }
        // Its own name may be that of a host which takes its mail.
        let is_related = !is_own || self.settings.views.first() == Some(&resolution.view);
        if is_related && self.stage != Stage::Checking {
            let host = Host::Name(resolution.name.clone());
            self.relations.resolved(resolution.clone());
            for address in resolution.addresses() {
                self.reach(&host, address, now);
            }
        }
        if is_own {
            self.observation.resolutions.push(resolution);
        }
    }

    /// Takes up a host that the endpoint depends on or sends people to.
    fn relate(&mut self, role: Role, host: &Host, named_by: &str, now: Moment) {
        if !self.relations.relate(role, host, named_by) && role != Role::Redirect {
            return;
        }
        let view = self.settings.views.first().cloned();
        if let (Host::Name(name), Some(view)) = (host, view)
            && self.relations.begin_lookup(name)
            && self.settings.endpoint.host() != host
        {
            self.look_up(&view, name, now);
        }
        for address in self.relations.addresses(host) {
            self.reach(host, address, now);
        }
    }

    /// Speaks to an address of another host as far as that is wanted and allowed.
    fn reach(&mut self, host: &Host, address: IpAddr, now: Moment) {
        if self.is_denied(address) || !self.settings.probing.permits(address) {
            return;
        }
        for (port, speech, over) in self.relations.calls(host, address) {
            self.call(address, port, speech, Called { at: now.wall, attempts: 1, over }, Ask::Visit);
        }
    }

    /// Goes where an answer sends us, as far as that is wanted.
    fn follow(&mut self, answer: &Answer, url: &str, contact: &Contact, over: u8, now: Moment) {
        for name in &answer.resources {
            self.relate(Role::Resource, &Host::Name(name.clone()), url, now);
        }
        let Some(destination) = answer.redirect.as_deref().and_then(Destination::of) else { return };
        let is_here = matches!(&contact.speech, Speech::Http(request) if request.host == destination.request.host);
        let is_open = destination.is_at_port_of_pages(self.settings.endpoint.port());
        let may_follow = is_open && over < self.settings.probing.beyond.redirects;
        if is_here && may_follow {
            let Destination { port, request } = destination;
            let called = Called { at: now.wall, attempts: 1, over: over + 1 };
            self.call(contact.address, port, Speech::Http(request), called, Ask::Contact);
        } else if !is_here {
            let host = destination.request.host.clone();
            if may_follow {
                self.relations.send(destination, over + 1);
            }
            self.relate(Role::Redirect, &host, url, now);
        }
    }

    fn call(&mut self, address: IpAddr, port: u16, speech: Speech, called: Called, ask: fn(Call) -> Ask) {
        let (timeout, attempts) = (self.settings.probing.contact_timeout, called.attempts);
        let key = (address, port, speech.clone());
        if self.settings.probing.contact_attempts > 0 && self.called.insert(key.clone()) {
            self.contacts.insert(key, called);
            self.asks.push_back(ask(Call { address, port, attempts, timeout, speech }));
        }
    }

    fn handle_address(&mut self, address: IpAddr, now: Moment) {
        if !self.own.insert(address) || self.is_denied(address) {
            return;
        }
        if self.settings.probing.permits(address) && self.probed < self.settings.probing.max_addresses {
            self.probe(address, now);
        }
    }

    /// Takes up an address. Whether nothing may be sent to it, which is then recorded.
    fn is_denied(&mut self, address: IpAddr) -> bool {
        let by = self.settings.probing.deny.denies(address);
        if self.known.insert(address) {
            self.observation.denied.extend(by.map(|by| Denied { address, by }));
        }
        by.is_some()
    }

    fn probe(&mut self, address: IpAddr, now: Moment) {
        self.probed += 1;
        if let Some(first) = self.settings.probing.protocols.first().copied() {
            self.trace(address, first, now);
        }
        self.point(address, now);
        let (attempts, port) = (self.settings.probing.contact_attempts, self.settings.endpoint.port());
        if let Some(speech) = self.settings.probing.speech(&self.settings.endpoint) {
            self.call(address, port, speech, Called { at: now.wall, attempts, over: 0 }, Ask::Contact);
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
        let told = self.lookups.is_empty() && self.zone.is_none() && self.pointers.is_empty();
        let measured = self.traces.is_empty() && self.contacts.is_empty();
        if !(told && measured) || self.stage != Stage::Asking {
            return;
        }
        let responders = self.observation.traces.iter().flat_map(Trace::responders);
        let addresses = self.known.iter().copied().chain(responders).collect();
        let names = self.observation.pointers.iter();
        let names =
            names.flat_map(|pointer| pointer.names().iter().map(|name| (pointer.address, name.clone()))).collect();
        let aliases = self.observation.names_on_the_way().into_iter().cloned().collect();
        self.asks.push_back(Ask::Claims { addresses, names, labels: labels(&self.observation), aliases });
        self.stage = Stage::Claiming;
    }

    fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Checking | Stage::Asking)
    }

    fn deadline(&self) -> Instant {
        self.since + self.settings.probing.deadline
    }

    fn record_missing_lookups(&mut self, now: Moment) {
        let elapsed_ns = Rtt::from_duration(now.mono.saturating_duration_since(self.started.mono));
        for ((name, view, family), asked) in std::mem::take(&mut self.lookups) {
            let outcome = Outcome::Failed(NameFailure::Timeout);
            let (server, followed, subnet) = (None, Vec::new(), None);
            let missing = Resolution { name, family, view, server, asked, elapsed_ns, outcome, followed, subnet };
            self.take_up(missing, now);
        }
    }

    fn record_missing_zone(&mut self) {
        let Some(asked) = self.zone.take() else { return };
        if let (Host::Name(name), Some(view)) = (self.settings.endpoint.host(), self.settings.views.first()) {
            self.observation.zone = Some(Zone::unknown(name.clone(), view.clone(), asked, NameFailure::Timeout));
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
        for ((address, port, speech), Called { at, attempts, .. }) in std::mem::take(&mut self.contacts) {
            let outcome = ContactOutcome::Failed(ContactFailure::Timeout);
            let missing = Contact::silent(address, port, at, attempts, outcome);
            self.observation.contacts.push(Contact { speech, ..missing });
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

/// A name beside that of `endpoint` that nobody has, made of `random`; `None` for an endpoint that is an address, or whose
/// name stands alone.
pub fn canary(endpoint: &Endpoint, random: u64) -> Option<HostName> {
    let Host::Name(name) = endpoint.host() else { return None };
    let (_, parent) = name.as_str().split_once('.')?;
    format!("x{random:016x}.{parent}").parse().ok()
}

/// What those that were spoken to call themselves.
fn labels(observation: &Observation) -> Vec<(IpAddr, PopLabel)> {
    let contacts = observation.contacts.iter();
    let serving = contacts.flat_map(|contact| pop::labels(contact).into_iter().map(|label| (contact.address, label)));
    let servers = observation.zone.iter().flat_map(|zone| &zone.servers).flat_map(|server| &server.answers);
    let naming =
        servers.filter_map(|answer| Some((answer.address, pop::of_name_server(answer.calls_itself.as_ref()?)?)));
    let labels: BTreeSet<_> = serving.chain(naming).collect();
    labels.into_iter().collect()
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
