//! All the ways to an address: which next hops exist at every distance, with a stated confidence.
//!
//! Routers that spread load send each flow one way. [`Multipath`] asks many flows, one probe at a time: it stands
//! above [the switchboard](super::switchboard), hands out plans of one probe each and takes back their traces. It
//! follows the MDA-Lite of Vermeulen, Strowes, Fourmaux and Friedman ("Multilevel MDA-Lite Paris Traceroute", IMC
//! 2018) and, where that asks for it, the MDA of Augustin, Friedman and Teixeira ("Multipath tracing with Paris
//! traceroute", 2007).
//!
//! # What is asked
//!
//! 1. One whole trace of one flow: how far it is. Then all hops at once, near ones before far ones, a flow never in two
//!    places.
//! 2. Next hops: flows are asked at a hop until so many were answered that no more vertices are there than were seen, with
//!    the confidence wanted ([`Confidence`] has the numbers: at 95 % six flows for one vertex, eleven for two). First come
//!    flows known at the hop before, through each vertex there one, then flows used elsewhere, then new ones.
//! 3. Edges: between two hops everyone gets a flow known at both.
//! 4. The tests: between two hops of several vertices each, two flows go through everyone of the wider hop. If somebody
//!    there has two links, the diamond is meshed; if vertices of the narrower hop have unequal numbers of links, it is
//!    asymmetric. Both mean that flows may be spread unevenly over the next hop as a whole, which rule 2 cannot see.
//! 5. So in such a diamond (and everywhere with [`Method::Full`]) rule 2 holds behind every vertex by itself, with flows
//!    found that lead through it (node control).
//! 6. Silence: another flow is asked; a hop where six flows more are silent than were answered is given up. Where others
//!    get answers, silent flows are asked again, one at a time, until all were answered or one was silent three times: that
//!    is hardly ever a lost packet, and the hop is [`Assurance::Doubtful`], as a silent router may stand there.
//! 7. A flow ends where the target answers it, or anybody with other words than that the TTL ran out.
//! 8. No more than the bound of probes is sent, the first trace counted by the most it can have sent.
//!
//! # What the confidence is of
//!
//! Of each hop, or each vertex with rule 5, by itself, under the premise that flows are spread evenly. Two hops that each
//! hold with 95 % hold both with 90 % at least.
//!
//! And of the ways that flows of the protocol can tell apart: by UDP and TCP they differ in a port, by ICMP in the
//! checksum alone, which routers that spread load by addresses and ports, as Linux can, do not look at.
//!
//! # The contract
//!
//! Drain [`Multipath::poll_ask`], carry the plans out at once or one after the other, hand every trace back with the plan
//! it is of, and after each drain again. When nothing is out, [`Multipath::poll_paths`] has the result, once.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::plan::Plan;
use super::{Ending, Hop, Protocol, Trace};

pub use confidence::Confidence;
pub use paths::{Assurance, Completion, Diamond, Edge, MultipathHop, Multipaths, Vertex};

use confidence::Stops;
use known::Known;
use view::{Quest, View};
use want::Look;

mod confidence;
mod known;
mod paths;
mod survey;
mod view;
mod want;

/// How many probes may fail to be sent before no more are tried.
const FAILURES: usize = 8;

/// How many flows are drawn until one is new, before the first that is new is taken.
const TRIED: usize = 64;

/// How next hops are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Over each hop as a whole, and behind each vertex only in diamonds that the tests find to need it (MDA-Lite).
    #[default]
    Lite,
    /// Behind each vertex by itself, everywhere (MDA): for diamonds so uneven that the tests may miss them.
    Full,
}

impl Method {
    /// The word used in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lite => "lite",
            Self::Full => "full",
        }
    }
}

impl FromStr for Method {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Lite, Self::Full];
        all.into_iter().find(|method| method.as_str() == text).ok_or("write lite or full")
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wanted of all the ways to an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// How sure each hop is to be.
    pub confidence: Confidence,
    /// How next hops are looked for.
    pub method: Method,
    /// The most probes.
    pub probes: usize,
}

impl Wanted {
    /// The most probes, unless another number is wanted: three times what the widest diamonds of the surveys take.
    pub const PROBES: usize = 2000;

    /// The most that can be wanted, as each may need a flow of its own.
    pub const MOST_PROBES: usize = 20_000;
}

impl Default for Wanted {
    /// MDA-Lite, 95 %, 2000 probes.
    fn default() -> Self {
        Self { confidence: Confidence::default(), method: Method::default(), probes: Self::PROBES }
    }
}

/// The state machine that finds all the ways to one address.
#[derive(Debug)]
pub struct Multipath {
    base: Plan,
    wanted: Wanted,
    flows: StdRng,
    known: Known,
    stops: Stops,
    intricate: BTreeSet<u8>,
    first: First,
    probes: usize,
    failures: usize,
    is_spent: bool,
    is_stopped: bool,
    is_reported: bool,
}

/// The whole trace of the first flow.
#[derive(Clone, Debug)]
enum First {
    Unasked,
    Asked,
    Done(Trace, Quest),
}

impl Multipath {
    /// All the ways to the target of `base`, which has the last say on protocol, range of TTLs, timeouts and how many
    /// probes may be unanswered at once; its attempts, retries and flow do not matter, nor that it would share. Flows
    /// follow from `seed`, which nobody outside should know.
    pub fn new(base: &Plan, wanted: Wanted, seed: u64) -> Self {
        Self {
            base: Plan { retries: 0, expected: None, sharing: None, ..base.clone().sane() },
            wanted: Wanted { probes: wanted.probes.min(Wanted::MOST_PROBES), ..wanted },
            flows: StdRng::seed_from_u64(seed),
            known: Known::default(),
            stops: Stops::new(wanted.confidence, wanted.probes),
            intricate: BTreeSet::new(),
            first: First::Unasked,
            probes: 0,
            failures: 0,
            is_spent: false,
            is_stopped: false,
            is_reported: false,
        }
    }

    /// The next trace to make, if there is one now.
    pub fn poll_ask(&mut self) -> Option<Plan> {
        if self.is_stopped || self.is_spent {
            return None;
        }
        let quest = match &self.first {
            First::Unasked => {
                self.first = First::Asked;
                let flow = self.new_flow()?;
                return Some(Plan { attempts: 1, flow, ..self.base.clone() });
            }
            First::Asked => return None,
            First::Done(_, quest) => *quest,
        };
        if self.known.in_flight() >= usize::from(self.base.window) {
            return None;
        }
        let want = loop {
            match self.view(quest).look() {
                Look::Ask(want) => break want,
                Look::Intricate(ttl) => drop(self.intricate.insert(ttl)),
                Look::Nothing => return None,
            }
        };
        let is_allowed = self.probes < self.wanted.probes;
        let Some(flow) = want.flow.or_else(|| self.new_flow()).filter(|_| is_allowed) else {
            self.is_spent = true;
            return None;
        };
        self.known.handle_asked(flow, want.ttl);
        self.probes += 1;
        let (first_ttl, last_ttl) = (want.ttl, want.ttl);
        Some(Plan { first_ttl, last_ttl, attempts: 1, window: 1, gap_limit: 1, flow, ..self.base.clone() })
    }

    /// What came of a plan. The flow of the trace may be another than was asked: then that was used.
    pub fn handle_trace(&mut self, asked: &Plan, trace: Trace) {
        match self.first {
            First::Unasked | First::Asked => self.handle_first(asked, trace),
            First::Done(..) => self.handle_probe(asked, &trace),
        }
        let widest = (0..=self.known.last()).map(|ttl| self.known.hop(ttl).vertices.len()).max().unwrap_or(0);
        self.stops.learn(widest);
    }

    /// Nobody waits any longer: no more is asked.
    pub fn handle_stop(&mut self) {
        self.is_stopped = true;
    }

    /// The result, once, when there is nothing more to ask and nothing is out.
    pub fn poll_paths(&mut self) -> Option<Multipaths> {
        let First::Done(trace, quest) = &self.first else { return None };
        if self.is_reported || self.known.in_flight() > 0 {
            return None;
        }
        let view = self.view(*quest);
        let is_over = self.is_stopped || self.is_spent || view.look() == Look::Nothing;
        if !is_over {
            return None;
        }
        let completion = match (self.is_stopped, self.is_spent) {
            (true, _) => Completion::Stopped,
            (false, true) => Completion::Spent,
            (false, false) => Completion::Whole,
        };
        let hops = survey::hops(view, completion == Completion::Whole);
        let is_reached = self.known.has_reached(trace.target);
        let paths = Multipaths {
            target: trace.target,
            protocol: trace.protocol,
            started: trace.started,
            method: self.wanted.method,
            confidence: self.wanted.confidence,
            probes: self.probes,
            completion,
            ending: if is_reached { Ending::Reached } else { trace.ending },
            diamonds: survey::diamonds(view),
            hops,
        };
        self.is_reported = true;
        Some(paths)
    }

    fn view(&self, quest: Quest) -> View<'_> {
        View { quest, known: &self.known, stops: &self.stops, intricate: &self.intricate }
    }

    /// What the first trace says of how far is to be asked.
    fn handle_first(&mut self, asked: &Plan, trace: Trace) {
        let furthest = trace.hops.iter().rev().find(|hop| !hop.answers.is_empty()).map_or(0, |hop| hop.ttl);
        let most = furthest.saturating_add(self.base.gap_limit).min(self.base.last_ttl);
        self.probes += usize::from(most.saturating_sub(self.base.first_ttl)) + 1;
        let flow = trace.flow.unwrap_or(asked.flow);
        for hop in trace.hops.iter().filter(|hop| hop.ttl <= furthest.saturating_add(1)) {
            self.book(flow, hop, &trace);
        }
        let goes_on = match trace.ending {
            Ending::Reached | Ending::Refused | Ending::Silent => true,
            Ending::Exhausted | Ending::Looped | Ending::Overdue | Ending::Unsent => false,
        };
        self.is_stopped |= matches!(trace.ending, Ending::Overdue | Ending::Unsent);
        let last_ttl = if goes_on { self.base.last_ttl } else { furthest };
        let quest = Quest { method: self.wanted.method, first_ttl: self.base.first_ttl, reach: furthest, last_ttl };
        self.first = First::Done(trace, quest);
    }

    fn handle_probe(&mut self, asked: &Plan, trace: &Trace) {
        let flow = trace.flow.unwrap_or(asked.flow);
        let hop = trace.hops.first().filter(|hop| hop.ttl == asked.first_ttl);
        let is_done = !matches!(trace.ending, Ending::Overdue | Ending::Unsent);
        match hop.filter(|_| is_done) {
            Some(hop) if flow == asked.flow => self.book(flow, hop, trace),
            Some(hop) => {
                self.known.handle_undone(asked.flow, asked.first_ttl, true);
                if self.known.is_news(flow, hop.ttl) && !self.known.is_busy(flow) {
                    self.book(flow, hop, trace);
                }
            }
            None => {
                self.known.handle_undone(asked.flow, asked.first_ttl, false);
                self.failures += 1;
                self.is_stopped |= trace.ending == Ending::Overdue || self.failures >= FAILURES;
            }
        }
    }

    fn book(&mut self, flow: u16, hop: &Hop, trace: &Trace) {
        match hop.answers.first() {
            Some(answer) => self.known.handle_answer(flow, hop.ttl, answer, trace),
            None => self.known.handle_silence(flow, hop.ttl),
        }
    }

    /// A flow that was not used yet, if one is left. Those of UDP differ in 15 bits and those of TCP in 12; and a checksum
    /// of nothing but ones is that of none.
    fn new_flow(&mut self) -> Option<u16> {
        let end = match self.base.protocol {
            Protocol::Icmp | Protocol::Udp => 0x7fff,
            Protocol::Tcp => 0x0fff,
        };
        let unused = |flow: &u16| !self.known.drawn().contains(flow);
        let tried = (0..TRIED).map(|_| self.flows.random_range(1..end)).find(unused);
        tried.or_else(|| (1..end).find(unused))
    }
}

#[cfg(test)]
mod tests;
