//! The state machine of one trace: what to ask next, and when to stop. The rules are told in [`crate::trace`].
//!
//! A trace is whole, and asks every hop from the first on, or guided: then it asks from some hop on towards its target, and
//! of those before the ones that somebody else says, who may also hand over hops that were measured for others.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::moment::{Moment, Rtt};
use crate::trace::extras::Extras;
use crate::trace::levels::Barred;
use crate::trace::plan::Plan;
use crate::trace::{AnswerKind, Ending, HopAnswer, Trace};

use met::Met;
use wanted::Wanted;

pub use guided::Known;

mod guided;
mod met;
mod outcome;
mod wanted;

/// How long a probe may still be the one that a reply without a key answers: nothing travels longer.
const ANONYMOUS_MEMORY: Duration = Duration::from_secs(10);

/// How often the path must come back to a router it has left, so that it is met at [more than two](Met::is_often) hops.
/// Once is not enough: unrelated networks use the same private addresses.
const RETURNS: usize = 2;

/// Hardly any path has more hops.
const USUAL: usize = 20;

/// The state of one trace.
#[derive(Clone, Debug)]
pub struct Tracer {
    plan: Plan,
    started: Moment,
    /// From `first_ttl` on.
    hops: Vec<Asked>,
    met: Met,
    /// In the order of sending; a probe's number is its place.
    probes: Vec<Sent>,
    /// The number of the first probe that may be in flight. Deadlines come in the order of sending.
    awaited: usize,
    in_flight: usize,
    /// How many probes could not be sent.
    unsent: usize,
    /// The furthest TTL that answered, `first_ttl - 1` at first; of a guided trace at least the one before the distance of
    /// its neighbours.
    furthest: u8,
    /// The furthest TTL that answered, 0 at first.
    answered_up_to: u8,
    /// Where the target is expected: nothing further is asked before that has been.
    expected: Option<u8>,
    /// Of a guided trace, from where on it asks without being told.
    guided_from: Option<u8>,
    reached_at: Option<u8>,
    /// The nearest TTL at which the path was seen to end or to turn back.
    blocked_at: Option<(u8, Ending)>,
    overdue: bool,
    reported: bool,
}

/// What a tracer wants sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This.
    Probe(Probe),
    /// A probe to this TTL, but that is barred.
    Held(u8),
    /// Nothing, until something happens.
    Nothing,
}

/// One probe that a tracer wants sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Which probe of the trace it is, from 0.
    pub number: usize,
    /// Its TTL or hop limit.
    pub ttl: u8,
    /// Whether it repeats what nobody answered ([`Plan::retries`]).
    pub is_repeated: bool,
}

/// An answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Who answered.
    pub from: IpAddr,
    /// What it said.
    pub kind: AnswerKind,
    /// When it came. It may be earlier than other instants the tracer has been told, as replies wait to be read.
    pub at: Instant,
}

#[derive(Clone, Debug, Default)]
struct Asked {
    attempts: u8,
    in_flight: u8,
    silent: u8,
    /// Whether a guided trace was told to ask it.
    is_wanted: bool,
    /// Whether nobody is known ever to answer there.
    is_spared: bool,
    answers: Vec<HopAnswer>,
    inherited: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    ttl: u8,
    at: Instant,
    state: State,
    is_repeated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InFlight,
    Silent,
    Settled,
}

impl Tracer {
    /// The trace of `plan`, begun now.
    pub fn new(plan: Plan, now: Moment) -> Self {
        let plan = plan.sane();
        Self {
            hops: Vec::new(),
            met: Met::default(),
            probes: Vec::new(),
            awaited: 0,
            in_flight: 0,
            unsent: 0,
            furthest: plan.first_ttl - 1,
            answered_up_to: 0,
            expected: plan.expected,
            guided_from: None,
            reached_at: None,
            blocked_at: None,
            overdue: false,
            reported: false,
            started: now,
            plan,
        }
    }

    /// The plan it follows.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When the probe of that number was sent, its TTL, and whether the hop had been asked before.
    pub fn probe(&self, number: usize) -> Option<(Instant, Probe)> {
        let sent = self.probes.get(number)?;
        Some((sent.at, Probe { number, ttl: sent.ttl, is_repeated: sent.is_repeated }))
    }

    /// The nearest TTL at which the target answered; failing that, at which the path was seen to end.
    pub fn end(&self) -> Option<u8> {
        self.reached_at.or(self.blocked_at.map(|(ttl, _)| ttl))
    }

    /// The nearest TTL at which the target answered.
    pub fn reached_at(&self) -> Option<u8> {
        self.reached_at
    }

    /// Whether the trace is over and has not been taken.
    pub fn is_over(&self) -> bool {
        !self.reported && self.is_finished()
    }

    /// An answer to the probe of that number. Whether it counts: it does not if the probe has been answered, or had
    /// not been sent.
    pub fn handle_reply(&mut self, number: usize, reply: Reply) -> bool {
        let Some(&sent) = self.probes.get(number).filter(|sent| reply.at >= sent.at) else { return false };
        self.book(number, reply, sent.at, false)
    }

    /// What the answer to the probe of that number, which has just been booked, says besides.
    pub fn handle_extras(&mut self, number: usize, extras: Box<Extras>) {
        if let Some(answer) = self.booked(number) {
            answer.extras = Some(extras);
        }
    }

    /// The answer to the probe of that number, which has just been booked, could have been guessed: it is as good as
    /// unmatched.
    pub fn handle_doubt(&mut self, number: usize) {
        if let Some(answer) = self.booked(number) {
            answer.unmatched = true;
        }
    }

    /// An answer that does not say to which probe. It is taken to be to the only one in flight, and to have been on
    /// its way since the oldest probe it might answer, so that its round-trip time is never too short. One that was
    /// answered may be answered again: networks repeat packets. The number of its probe, if it counts.
    pub fn handle_anonymous_reply(&mut self, reply: Reply) -> Option<usize> {
        let may_be_to =
            |sent: &&Sent| reply.at.checked_duration_since(sent.at).is_some_and(|elapsed| elapsed <= ANONYMOUS_MEMORY);
        let oldest = self.probes.iter().filter(may_be_to).map(|sent| sent.at).min();
        let in_flight = |sent: &Sent| sent.state == State::InFlight && reply.at >= sent.at;
        let only = self.probes.iter().position(in_flight).filter(|_| self.in_flight == 1);
        let (number, since) = only.zip(oldest)?;
        self.book(number, reply, since, true).then_some(number)
    }

    /// The probe of that number could not be sent.
    pub fn handle_send_failure(&mut self, number: usize) {
        let Some(sent) = self.probes.get_mut(number).filter(|sent| sent.state == State::InFlight) else { return };
        sent.state = State::Settled;
        self.in_flight -= 1;
        self.unsent += 1;
        let ttl = sent.ttl;
        if let Some(hop) = self.hop_mut(ttl) {
            hop.in_flight -= 1;
        }
        self.forget_settled();
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.awaited < self.probes.len() && self.is_settled(self.awaited, now) {
            self.fall_silent(self.awaited);
            self.awaited += 1;
        }
        self.overdue |= now >= self.deadline();
    }

    /// This host slept, and its clock with it: how long an answer to anything sent until now takes cannot be known. What is
    /// in flight is silent, and what comes for it is none of its answers.
    pub fn handle_suspension(&mut self) {
        for number in self.awaited..self.probes.len() {
            self.fall_silent(number);
        }
        self.awaited = self.probes.len();
        for sent in &mut self.probes {
            sent.state = State::Settled;
        }
    }

    /// Nobody waits any longer: what has been measured is all there will be.
    pub fn handle_stop(&mut self) {
        self.overdue = true;
    }

    /// The next probe to send now, if there is one and it is not barred.
    pub fn poll_probe(&mut self, now: Instant, barred: Barred) -> Next {
        if self.overdue || self.is_unsendable() || self.in_flight >= usize::from(self.plan.window) {
            return Next::Nothing;
        }
        let ttl = match self.next_ttl(barred) {
            Wanted::Now(ttl) => ttl,
            Wanted::Held(ttl) => return Next::Held(ttl),
            Wanted::None => return Next::Nothing,
        };
        let number = self.probes.len();
        if number == 0 {
            // What a vector grows by and does not use is, with thousands of traces at once, most of their memory.
            let distances = usize::from(self.plan.last_ttl - self.plan.first_ttl).min(USUAL) + 1;
            self.hops.reserve_exact(distances);
            self.probes.reserve_exact(distances * usize::from(self.plan.attempts));
        }
        self.grow_to(ttl);
        let attempts = self.plan.attempts;
        let Some(hop) = self.hop_mut(ttl) else { return Next::Nothing };
        let is_repeated = hop.attempts >= attempts;
        hop.attempts += 1;
        hop.in_flight += 1;
        self.probes.push(Sent { ttl, at: now, state: State::InFlight, is_repeated });
        self.in_flight += 1;
        Next::Probe(Probe { number, ttl, is_repeated })
    }

    /// When to call [`Tracer::handle_timeout`] at the latest; `None` once the trace is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = self.probes.get(self.awaited);
        let reply = next.map(|sent| sent.at + self.plan.reply_timeout);
        (!self.reported).then(|| reply.map_or(self.deadline(), |reply| reply.min(self.deadline())))
    }

    /// The trace, once, when it is over.
    pub fn poll_trace(&mut self) -> Option<Trace> {
        if !self.is_over() {
            return None;
        }
        self.reported = true;
        Some(self.trace())
    }

    fn book(&mut self, number: usize, reply: Reply, since: Instant, unmatched: bool) -> bool {
        let timeout = self.plan.reply_timeout;
        let Some(sent) = self.probes.get_mut(number).filter(|sent| sent.state != State::Settled) else { return false };
        let late = reply.at > sent.at + timeout;
        let was = std::mem::replace(&mut sent.state, State::Settled);
        let ttl = sent.ttl;
        let rtt_ns = Rtt::from_duration(reply.at.saturating_duration_since(since));
        if was == State::InFlight {
            self.in_flight -= 1;
        }
        let attempts = usize::from(self.plan.attempts);
        let Some(hop) = self.hop_mut(ttl) else { return false };
        match was {
            State::InFlight => hop.in_flight -= 1,
            State::Silent => hop.silent -= 1,
            State::Settled => {}
        }
        if hop.answers.is_empty() {
            // With thousands of traces at once, what a vector keeps in reserve is most of their memory.
            hop.answers.reserve_exact(attempts);
        }
        let is_known = hop.answers.iter().any(|answer| answer.from == reply.from);
        hop.answers.push(HopAnswer { from: reply.from, rtt_ns, kind: reply.kind, late, unmatched, extras: None });
        if !is_known {
            self.met.meet(reply.from);
        }
        self.conclude(ttl, reply);
        self.forget_settled();
        true
    }

    /// The answer that was booked last, which is to the probe of that number.
    fn booked(&mut self, number: usize) -> Option<&mut HopAnswer> {
        let ttl = self.probes.get(number)?.ttl;
        self.hop_mut(ttl)?.answers.last_mut()
    }

    /// What an answer at `ttl` says about where the trace ends.
    fn conclude(&mut self, ttl: u8, reply: Reply) {
        self.furthest = self.furthest.max(ttl);
        self.answered_up_to = self.answered_up_to.max(ttl);
        let is_in_its_name = reply.from == self.plan.target;
        if is_in_its_name && !reply.kind.is_on_the_way() {
            let nearest = self.reached_at.map_or(ttl, |nearest| nearest.min(ttl));
            self.reached_at = Some(nearest);
            if self.guided_from.is_some() {
                self.want(nearest - 1);
            }
        } else if !reply.kind.is_on_the_way() {
            self.block(ttl, Ending::Refused);
        } else if let Some(ttl) = Some(reply.from).filter(|_| !is_in_its_name).and_then(|from| self.loop_through(from))
        {
            self.block(ttl, Ending::Looped);
        }
    }

    fn block(&mut self, ttl: u8, ending: Ending) {
        if self.blocked_at.is_none_or(|(nearest, _)| ttl < nearest) {
            self.blocked_at = Some((ttl, ending));
        }
    }

    /// The TTL at which the path came back to `router` often enough to be going round. The path has left a router when
    /// somebody else answers further on, or nobody after all attempts.
    fn loop_through(&self, router: IpAddr) -> Option<u8> {
        // Most routers are met at one hop alone, and nothing more needs looking at.
        if !self.met.is_often(router) {
            return None;
        }
        let has = |hop: &Asked| hop.answers.iter().any(|answer| answer.from == router);
        let mut was_seen = false;
        let mut was_left = false;
        let mut returns = 0;
        for (ttl, hop) in (self.plan.first_ttl..).zip(&self.hops) {
            let is_here = has(hop);
            returns += usize::from(is_here && was_left);
            was_seen |= is_here;
            let is_elsewhere = !hop.answers.is_empty() || hop.silent >= self.plan.attempts;
            was_left = !is_here && (was_left || (was_seen && is_elsewhere));
            if returns == RETURNS {
                return Some(ttl);
            }
        }
        None
    }

    /// Whether the probe need not be awaited any longer at `now`.
    fn is_settled(&self, number: usize, now: Instant) -> bool {
        self.probes
            .get(number)
            .is_none_or(|sent| sent.state != State::InFlight || sent.at + self.plan.reply_timeout <= now)
    }

    fn fall_silent(&mut self, number: usize) {
        let Some(sent) = self.probes.get_mut(number).filter(|sent| sent.state == State::InFlight) else { return };
        sent.state = State::Silent;
        self.in_flight -= 1;
        let ttl = sent.ttl;
        if let Some(hop) = self.hop_mut(ttl) {
            hop.in_flight -= 1;
            hop.silent += 1;
        }
    }

    fn forget_settled(&mut self) {
        while self.probes.get(self.awaited).is_some_and(|sent| sent.state != State::InFlight) {
            self.awaited += 1;
        }
    }

    fn deadline(&self) -> Instant {
        self.started.mono + self.plan.deadline
    }

    fn grow_to(&mut self, ttl: u8) {
        self.hops.resize_with(self.hops.len().max(self.place(ttl) + 1), Asked::default);
    }

    fn place(&self, ttl: u8) -> usize {
        usize::from(ttl.saturating_sub(self.plan.first_ttl))
    }

    fn hop(&self, ttl: u8) -> Option<&Asked> {
        self.hops.get(self.place(ttl))
    }

    fn hop_mut(&mut self, ttl: u8) -> Option<&mut Asked> {
        let place = self.place(ttl);
        self.hops.get_mut(place)
    }
}

#[cfg(test)]
mod tests;
