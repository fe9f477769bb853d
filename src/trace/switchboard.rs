//! Many tracers on one socket: issues probe keys, encodes probes, matches replies to them.
//!
//! A reply counts when it quotes a probe that was sent: target, protocol, identifier or ports, and key. An echo reply
//! must come from the target and bring its token back as well, and a quote that is long enough for a token must hold the
//! right one; a SYN with ACK or a reset must come from the port that was knocked at and acknowledge all 32 bits of the
//! key. Everything else is dropped, and the caller told why.
//!
//! A quote that is too short for the token is held to what it has. Of a TCP probe that is all 32 bits of its key. Of an echo
//! request it is 14 bits of its identifier, the 16 of its key, and its checksum, which is 16 bits of its flow; where that is
//! another, as a translator that does not mend checksums leaves it (RFC 5508, 4.2), the answer is booked and
//! [proves nothing](crate::trace::HopAnswer::unmatched). Of a UDP probe it is 15 bits of its source port and the 16 of its
//! key. Whoever is passed by probes of a flow knows all of that but the key, and has 16 bits to guess; so a short quote never
//! witnesses the distance of a target: what would, an echo reply has no quote and must bring the token, and port unreachable
//! with a short one proves nothing.
//!
//! A quote with another target than any trace has counts as well, as it shows that somebody on the way had sent the probe
//! on elsewhere, and is booked as [just that](Extras::rewritten). Whoever forges such a quote need not know whom we trace,
//! so it must prove more: by the token; for an echo request also by the checksum, which is 16 bits of its flow that others
//! cannot guess; for TCP the key is proof enough. A short quote of a UDP probe proves too little.
//!
//! What is done for a probe or a reply takes O(log n) time among n traces: a reply is led by its tag to the few flows that
//! have it, and by its flow to the few probes of that, and a trace is put in the order of deadlines anew only when its
//! deadline came or became earlier. A trace whose [network](crate::trace::courtesy) is not due waits outside of that.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::moment::Moment;
use crate::trace::commons::{Commons, Pupil};
use crate::trace::courtesy::{Courtesy, NetworkId, Networks};
use crate::trace::extras::Extras;
use crate::trace::levels::Levels;
use crate::trace::pace::Pace;
use crate::trace::packet::message::{Message, answer_kind};
use crate::trace::packet::quote::{Quote, QuotedProbe};
use crate::trace::packet::{Version, probe, tcp};
use crate::trace::plan::{Plan, UDP_DESTINATION};
use crate::trace::tracer::{Next, Probe, Reply, Tracer};
use crate::trace::{AnswerKind, Protocol, Trace};

pub use receipt::{QueuedError, Receipt};
pub use transmit::{Content, ProbeKey, Transmit};

use flows::{FlowId, Flows, Issued};

mod flows;
mod receipt;
mod transmit;

/// How many ended traces are remembered.
const REMEMBERED: usize = 256;

/// A trace in progress. No other trace of a switchboard has it, until four thousand million have begun after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraceId {
    serial: u32,
    /// Where it is kept.
    slot: u32,
}

/// Many tracers on one socket.
#[derive(Debug)]
pub struct Switchboard {
    keys: StdRng,
    pace: Pace,
    networks: Networks<TraceId>,
    levels: Levels,
    commons: Commons,
    /// By slot.
    traces: Vec<Option<Box<Running>>>,
    free: Vec<u32>,
    flows: Flows,
    /// One entry for each running trace, no later than its deadline.
    deadlines: BTreeSet<(Instant, TraceId)>,
    /// Those that may have something to send, each once, in turn.
    ready: VecDeque<TraceId>,
    finished: VecDeque<(TraceId, Trace)>,
    /// The last traces that ended: what still answers their probes is not forged.
    ended: VecDeque<(FlowId, TraceId)>,
    next: u32,
}

#[derive(Debug)]
struct Running {
    id: TraceId,
    tracer: Tracer,
    tag: u16,
    flow: FlowId,
    network: NetworkId,
    /// Whether it has sent anything.
    has_begun: bool,
    /// Its entry among the deadlines.
    deadline: Option<Instant>,
    is_ready: bool,
    /// Whether it waits for a distance that is barred.
    is_held: bool,
    /// What it is up to, if it shares what it learns.
    pupil: Option<Box<Pupil>>,
}

impl Running {
    /// The probe of that number and when it was sent, if it is a measure of how fast near routers may be asked. Traces that
    /// share ask them hardly ever, and repeat only what surprised them: their silence is none.
    fn measures(&self, number: usize) -> Option<(Instant, Probe)> {
        self.tracer.probe(number).filter(|_| self.pupil.is_none())
    }
}

impl Switchboard {
    /// A switchboard whose keys follow from `seed`, and whose probes keep to `courtesy`.
    pub fn new(seed: u64, courtesy: impl Into<Courtesy>) -> Self {
        let Courtesy { host, network } = courtesy.into();
        Self {
            keys: StdRng::seed_from_u64(seed),
            pace: host,
            networks: Networks::new(network),
            levels: Levels::default(),
            commons: Commons::default(),
            traces: Vec::new(),
            free: Vec::new(),
            flows: Flows::default(),
            deadlines: BTreeSet::new(),
            ready: VecDeque::new(),
            finished: VecDeque::new(),
            ended: VecDeque::new(),
            next: 0,
        }
    }

    /// Starts the trace of `plan`.
    pub fn start(&mut self, plan: Plan, now: Moment) -> TraceId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.traces.push(None);
            u32::try_from(self.traces.len() - 1).unwrap_or(u32::MAX)
        });
        let id = TraceId { serial: self.next, slot };
        self.next = self.next.wrapping_add(1);
        let tracer = Tracer::new(plan, now);
        let (protocol, target) = (tracer.plan().protocol, tracer.plan().target);
        let tag = match protocol {
            Protocol::Icmp => self.keys.random_range(probe::FIRST_IDENTIFIER..=u16::MAX),
            Protocol::Udp => tracer.plan().udp_source_port(),
            Protocol::Tcp => tracer.plan().tcp_source_port(),
        };
        let flow = self.flows.join(protocol, target, tag, port_of(tracer.plan()));
        let network = self.networks.join(target, now.mono);
        if let Some(place) = place_of(id).and_then(|place| self.traces.get_mut(place)) {
            let pupil = tracer.plan().sharing.map(|sharing| Box::new(Pupil::new(&tracer, sharing)));
            let (deadline, has_begun, is_ready, is_held) = (None, false, false, false);
            let running = Running { id, tracer, tag, flow, network, has_begun, deadline, is_ready, is_held, pupil };
            *place = Some(Box::new(running));
        }
        self.settle(id, now);
        id
    }

    /// What it knows of the nearest distances.
    #[cfg(test)]
    pub(super) fn levels(&self) -> &Levels {
        &self.levels
    }

    /// How many traces are running.
    pub fn running(&self) -> usize {
        self.traces.len() - self.free.len()
    }

    /// What a raw ICMP socket received from `from`: for IPv4 with the IP header, for IPv6 without.
    pub fn handle_datagram(&mut self, bytes: &[u8], from: IpAddr, at: Moment) -> Receipt {
        match Message::parse(Version::of(from), bytes) {
            Ok(Message::EchoReply { identifier, sequence, token }) => {
                let key =
                    ProbeKey { protocol: Protocol::Icmp, target: from, tag: identifier, port: 0, key: sequence.into() };
                // No token is 0.
                let reply = Reply { from, kind: AnswerKind::EchoReply, at: at.mono };
                let issued = self.issued(key, Some(token.unwrap_or(0)));
                issued.map_or_else(|receipt| receipt, |issued| self.book(issued, reply, None, false, at))
            }
            Ok(Message::Error { kind, quote, extras }) => {
                let (key, reply) = (ProbeKey::quoted(&quote), Reply { from, kind, at: at.mono });
                match self.issued(key, quote.token) {
                    Ok(issued) => {
                        let is_doubtful = quote.token.is_none() && self.is_doubtful(&quote, issued, from);
                        self.book(issued, reply, extras, is_doubtful, at)
                    }
                    Err(Receipt::Unrelated) => self.book_rewritten(key, &quote, reply, extras, at),
                    Err(receipt) => receipt,
                }
            }
            Err(none) => Receipt::of(none),
        }
    }

    /// What a raw TCP socket received from `from`: for IPv4 with the IP header, for IPv6 without.
    pub fn handle_segment(&mut self, bytes: &[u8], from: IpAddr, at: Moment) -> Receipt {
        match tcp::Answer::parse(Version::of(from), bytes) {
            Ok(tcp::Answer { source_port, destination_port, sequence, kind }) => {
                let (protocol, tag, port) = (Protocol::Tcp, destination_port, source_port);
                let key = ProbeKey { protocol, target: from, tag, port, key: sequence };
                let reply = Reply { from, kind, at: at.mono };
                let issued = self.issued(key, None);
                issued.map_or_else(|receipt| receipt, |issued| self.book(issued, reply, None, false, at))
            }
            Err(none) => Receipt::of(none),
        }
    }

    /// What the error queue of the socket of `trace` held. The kernel has matched addresses and ports; which probe it
    /// is about the token tells if it was quoted, and otherwise the tracer, if only one probe is in flight.
    pub fn handle_error(&mut self, trace: TraceId, error: QueuedError<'_>, at: Moment) -> Receipt {
        let Some(running) = found(&mut self.traces, trace) else { return Receipt::Unrelated };
        let plan = running.tracer.plan();
        let protocol = plan.protocol;
        let Some(kind) = answer_kind(Version::of(plan.target), error.kind, error.code, protocol) else {
            return Receipt::Unrelated;
        };
        let reply = Reply { from: error.from, kind, at: at.mono };
        let booked = match probe::token(error.payload) {
            None => running.tracer.handle_anonymous_reply(reply),
            Some(token) => match self.flows.with_token(running.flow, trace, token).map(|issued| issued.number()) {
                Some(number) => running.tracer.handle_reply(number, reply).then_some(number),
                None => return Receipt::Forged,
            },
        };
        if let Some(number) = booked.filter(|_| kind == AnswerKind::Unreachable) {
            let extras = Extras { code: Some(error.code), ..Extras::default() };
            running.tracer.handle_extras(number, Box::new(extras));
        }
        self.settle(trace, at);
        if booked.is_some() { Receipt::Booked(protocol, kind) } else { Receipt::Surplus }
    }

    /// The probe could not be sent.
    pub fn handle_send_failure(&mut self, key: ProbeKey, now: Moment) {
        let Some(issued) = self.flows.find(key).and_then(Result::ok) else { return };
        self.settle_unsent(issued.trace, issued.number(), now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.levels.handle_timeout(now.mono);
        while let Some(&(deadline, trace)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now.mono) {
            self.deadlines.remove(&(deadline, trace));
            if let Some(running) = found(&mut self.traces, trace) {
                running.deadline = None;
                running.tracer.handle_timeout(now.mono);
            }
            self.settle(trace, now);
        }
    }

    /// This host slept: what was sent before and has not been answered stays without an answer in every trace.
    pub fn handle_suspension(&mut self, now: Moment) {
        self.levels.handle_suspension();
        self.commons.handle_suspension(now);
        self.tell_all(Tracer::handle_suspension, now);
    }

    /// Nobody waits any longer: every trace ends with what has been measured.
    pub fn handle_stop(&mut self, now: Moment) {
        self.tell_all(Tracer::handle_stop, now);
    }

    /// The next probe to send, now.
    pub fn poll_transmit(&mut self, now: Moment) -> Option<Transmit> {
        while self.pace.allows(now.mono) {
            let is_held = |trace| is_running(&self.traces, trace, |running| running.is_held);
            if let Some(trace) = self.levels.poll_woken(now.mono, is_held) {
                self.wake(trace);
            }
            self.ready.extend(self.networks.poll_turn(now.mono, |trace| is_running(&self.traces, trace, |_| true)));
            let trace = self.ready.pop_front()?;
            let Some(running) = found(&mut self.traces, trace) else { continue };
            if !self.networks.admits(running.network, trace, running.has_begun, now.mono) {
                continue;
            }
            running.is_ready = false;
            let next = running.tracer.poll_probe(now.mono, self.levels.barred(now.mono));
            self.networks.charge(running.network, matches!(next, Next::Probe(_)), now.mono);
            let probe = match next {
                Next::Probe(probe) => probe,
                Next::Held(ttl) => {
                    if !std::mem::replace(&mut running.is_held, true) {
                        self.levels.hold(ttl, trace);
                    }
                    continue;
                }
                Next::Nothing => continue,
            };
            running.has_begun = true;
            self.pace.charge(now.mono);
            if let Some((sent, probe)) = running.measures(probe.number) {
                self.levels.handle_sent(probe, sent);
            }
            let transmit = self.issue(trace, probe, now);
            self.attend(trace);
            if transmit.is_some() {
                return transmit;
            }
        }
        None
    }

    /// When to call [`Switchboard::handle_timeout`], or poll again for something to send, at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline = self.deadlines.first().map(|&(deadline, _)| deadline);
        let turn = self.pace.next().filter(|_| !self.ready.is_empty() || self.levels.has_free());
        // The turn of a network or a distance is of no use before the host's.
        let after_ours = |due: Instant| self.pace.next().map_or(due, |next| next.max(due));
        let network = self.networks.poll_timeout().map(after_ours);
        let level = self.levels.poll_timeout().map(after_ours);
        deadline.into_iter().chain(turn).chain(network).chain(level).min()
    }

    /// The next trace that is over.
    pub fn poll_trace(&mut self) -> Option<(TraceId, Trace)> {
        self.finished.pop_front()
    }

    /// The probe that was given this key, if what came brought its `token` back where there was room for it; else what
    /// becomes of what came.
    fn issued(&self, key: ProbeKey, token: Option<u64>) -> Result<Issued, Receipt> {
        let issued = self.flows.find(key).ok_or(Receipt::Unrelated)?.map_err(|_| Receipt::Forged)?;
        if token.is_some_and(|token| token != issued.token) { Err(Receipt::Forged) } else { Ok(issued) }
    }

    /// Whether somebody may have guessed what a short quote says of the probe.
    fn is_doubtful(&mut self, quote: &Quote, issued: Issued, from: IpAddr) -> bool {
        match quote.probe {
            QuotedProbe::Echo { checksum, .. } => {
                let running = found(&mut self.traces, issued.trace);
                running.is_some_and(|running| !is_of_flow(checksum, running.tracer.plan().flow))
            }
            // The ports of a flow are no secret to its target, and the rest is 16 bits: who speaks in its name must know more.
            QuotedProbe::Udp { .. } => from == quote.target,
            QuotedProbe::Tcp { .. } => false,
        }
    }

    /// Books a reply to a probe that was sent on elsewhere, if its quote proves that it is one of ours.
    fn book_rewritten(
        &mut self,
        key: ProbeKey,
        quote: &Quote,
        reply: Reply,
        extras: Option<Box<Extras>>,
        at: Moment,
    ) -> Receipt {
        let traces = &mut self.traces;
        let proven = self.flows.elsewhere(key).find_map(|issued| {
            let plan = found(traces, issued.trace)?.tracer.plan();
            proves(quote, issued, plan.flow).then_some((issued, plan.target))
        });
        let Some((issued, target)) = proven else { return Receipt::Unrelated };
        let mut extras = extras.unwrap_or_default();
        extras.rewritten = (quote.target != target).then_some(quote.target);
        self.book(issued, reply, Some(extras).filter(|extras| **extras != Extras::default()), false, at)
    }

    /// Books a reply to the probe.
    fn book(
        &mut self,
        issued: Issued,
        reply: Reply,
        extras: Option<Box<Extras>>,
        is_doubtful: bool,
        at: Moment,
    ) -> Receipt {
        let Some(running) = found(&mut self.traces, issued.trace) else { return Receipt::Surplus };
        let (protocol, number) = (running.tracer.plan().protocol, issued.number());
        let is_booked = running.tracer.handle_reply(number, reply);
        if is_booked {
            if let Some(extras) = extras {
                running.tracer.handle_extras(number, extras);
            }
            if is_doubtful {
                running.tracer.handle_doubt(number);
            }
            // There may be more to ask than what it waits for.
            running.is_held = false;
            if let Some((sent, probe)) = running.measures(number) {
                self.levels.handle_answer(probe, sent);
            }
        }
        self.settle(issued.trace, at);
        if is_booked { Receipt::Booked(protocol, reply.kind) } else { Receipt::Surplus }
    }

    /// Gives the probe a key and bytes.
    fn issue(&mut self, trace: TraceId, probe: Probe, now: Moment) -> Option<Transmit> {
        let running = found(&mut self.traces, trace)?;
        let plan = running.tracer.plan();
        let (protocol, target, tag, flow) = (plan.protocol, plan.target, running.tag, plan.flow);
        let token = self.keys.random_range(1..=u64::MAX);
        // Hardly any key is left with ten thousands of probes to one target in one flow.
        let issued = Issued::of(trace, probe.number, token);
        let (port, keys) = (port_of(plan), &mut self.keys);
        let mut random = || match protocol {
            // 0 and 0xffff are one and the same to a checksum.
            Protocol::Icmp | Protocol::Udp => u32::from(keys.random_range(1..0xffff_u16)),
            Protocol::Tcp => keys.random(),
        };
        let key = (0..64)
            .map(|_| random())
            .find(|&key| issued.is_some_and(|issued| self.flows.issue(running.flow, key, issued)));
        let Some(key) = key else {
            self.settle_unsent(trace, probe.number, now);
            return None;
        };
        let (source_port, destination_port, short) = (tag, port, u16::try_from(key).unwrap_or(u16::MAX));
        let content = match protocol {
            Protocol::Icmp => Content::Icmp(probe::echo_request(target, tag, short, token, flow)),
            Protocol::Udp => Content::Udp { source_port, destination_port, payload: probe::udp_payload(token, short) },
            Protocol::Tcp => Content::Tcp { source_port, destination_port, sequence: key },
        };
        let key = ProbeKey { protocol, target, tag, port, key };
        Some(Transmit { trace, key, target, ttl: probe.ttl, content })
    }

    /// A probe of the trace was not sent.
    fn settle_unsent(&mut self, trace: TraceId, number: usize, now: Moment) {
        if let Some(running) = found(&mut self.traces, trace) {
            if let Some((sent, probe)) = running.measures(number) {
                self.levels.handle_unsent(probe, sent);
            }
            running.tracer.handle_send_failure(number);
        }
        self.settle(trace, now);
    }

    /// Tells every trace that something has happened.
    fn tell_all(&mut self, handle: fn(&mut Tracer), now: Moment) {
        for place in 0..self.traces.len() {
            let Some(running) = self.traces.get_mut(place).and_then(Option::as_mut) else { continue };
            handle(&mut running.tracer);
            let trace = running.id;
            self.settle(trace, now);
        }
    }

    /// Takes note of what a trace wants after anything has happened to it, and of what that changes for others.
    fn settle(&mut self, trace: TraceId, now: Moment) {
        let mut next = Some(trace);
        while let Some(trace) = next {
            if let Some(running) = found(&mut self.traces, trace)
                && let Some(pupil) = &mut running.pupil
            {
                self.commons.guide(trace, pupil, &mut running.tracer, now);
                if running.tracer.is_over() {
                    self.commons.leave(pupil, &running.tracer);
                }
            }
            self.attend(trace);
            next = self.commons.poll_woken();
        }
    }

    /// Takes note of what a trace wants.
    fn attend(&mut self, trace: TraceId) {
        let Some(running) = found(&mut self.traces, trace) else { return };
        if let Some(outcome) = running.tracer.poll_trace() {
            self.finished.push_back((trace, outcome));
            self.forget(trace);
            return;
        }
        // A deadline that moved on is looked at when the earlier one comes: most answers then cost no reordering.
        if let Some(deadline) =
            running.tracer.poll_timeout().filter(|&new| running.deadline.is_none_or(|old| new < old))
        {
            let before = running.deadline.replace(deadline);
            before.map(|before| self.deadlines.remove(&(before, trace)));
            self.deadlines.insert((deadline, trace));
        }
        let is_waiting = running.is_held || running.pupil.as_ref().is_some_and(|pupil| pupil.is_waiting());
        if !is_waiting && !std::mem::replace(&mut running.is_ready, true) {
            self.ready.push_back(trace);
        }
    }

    /// A trace that was held may try again, before the others.
    fn wake(&mut self, trace: TraceId) {
        let Some(running) = found(&mut self.traces, trace) else { return };
        running.is_held = false;
        if !std::mem::replace(&mut running.is_ready, true) {
            self.ready.push_front(trace);
        }
    }

    fn forget(&mut self, trace: TraceId) {
        let place = place_of(trace).and_then(|place| self.traces.get_mut(place));
        let Some(running) = place.and_then(|place| place.take_if(|running| running.id == trace)) else { return };
        self.free.push(trace.slot);
        self.networks.leave(running.network, trace);
        running.deadline.map(|deadline| self.deadlines.remove(&(deadline, trace)));
        self.ended.push_back((running.flow, trace));
        if self.ended.len() > REMEMBERED
            && let Some((flow, trace)) = self.ended.pop_front()
        {
            self.flows.leave(flow, trace);
        }
    }
}

fn place_of(trace: TraceId) -> Option<usize> {
    usize::try_from(trace.slot).ok()
}

/// Whether the trace is running, and that holds of it.
fn is_running(traces: &[Option<Box<Running>>], trace: TraceId, holds: impl Fn(&Running) -> bool) -> bool {
    let running = place_of(trace).and_then(|place| traces.get(place)?.as_ref());
    running.is_some_and(|running| running.id == trace && holds(running))
}

fn found(traces: &mut [Option<Box<Running>>], trace: TraceId) -> Option<&mut Running> {
    traces.get_mut(place_of(trace)?)?.as_deref_mut().filter(|running| running.id == trace)
}

/// The destination port of the probes of `plan`; 0 where there is none.
fn port_of(plan: &Plan) -> u16 {
    match plan.protocol {
        Protocol::Icmp => 0,
        Protocol::Udp => UDP_DESTINATION,
        Protocol::Tcp => plan.port,
    }
}

/// Whether `quote`, which has the key of the probe but not its target, can only be of it, of the flow `flow`.
fn proves(quote: &Quote, issued: Issued, flow: u16) -> bool {
    match (quote.token, quote.probe) {
        (Some(token), _) => token == issued.token,
        (None, QuotedProbe::Echo { checksum, .. }) => is_of_flow(checksum, flow),
        (None, QuotedProbe::Tcp { .. }) => true,
        (None, QuotedProbe::Udp { .. }) => false,
    }
}

/// Whether an echo request with this checksum is of the flow.
fn is_of_flow(checksum: u16, flow: u16) -> bool {
    // 0 and 0xffff are one and the same to a checksum.
    checksum % u16::MAX == flow % u16::MAX
}

#[cfg(test)]
mod tests;
