//! What is to be asked next, from what is known: the rules that [`super`] tells.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::known::{Cell, Seen};
use super::view::View;

/// How many more flows than were answered may be silent at a hop, or behind somebody, before it is given up.
const SILENCES: usize = 6;

/// How many probes of one flow may go unanswered at a hop where others get answers: of a hundred that are lost one by
/// one, hardly any is lost three times.
const TRIES: u8 = 3;

/// How many flows are to lead through somebody for the test of meshing (φ of the paper).
const MESHING_FLOWS: usize = 2;

/// How often more flows than it takes on average are tried until enough lead through somebody.
const HUNT: usize = 8;

/// A probe that would tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) ttl: u8,
    /// By which flow; `None` for one that was not used yet.
    pub(super) flow: Option<u16>,
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// That is to be asked.
    Ask(Want),
    /// What is out has to come back first.
    Wait,
    /// There is nothing more to ask.
    Settled,
}

/// What the next look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// That is to be asked.
    Ask(Want),
    /// The diamond round this TTL is not plain.
    Intricate(u8),
    /// Nothing is to be asked before something comes back, or at all.
    Nothing,
}

impl View<'_> {
    /// The next probe to send.
    pub(super) fn look(&self) -> Look {
        let mut settled = BTreeSet::new();
        for ttl in self.quest.first_ttl..=self.quest.last_ttl {
            if !self.is_in_reach(ttl) {
                break;
            }
            match self.next_hops(ttl, ttl == self.quest.first_ttl || settled.contains(&(ttl - 1))) {
                Step::Ask(want) => return Look::Ask(want),
                Step::Wait => {}
                Step::Settled => drop(settled.insert(ttl)),
            }
        }
        for ttl in settled.iter().copied().filter(|ttl| settled.contains(&ttl.saturating_add(1))) {
            let is_test = !self.is_thorough(ttl);
            match self.edges(ttl, is_test) {
                Step::Ask(want) => return Look::Ask(want),
                Step::Settled if is_test && (self.is_meshed(ttl) || self.asymmetry(ttl) > 0) => {
                    return Look::Intricate(ttl);
                }
                Step::Wait | Step::Settled => {}
            }
        }
        Look::Nothing
    }

    fn is_in_reach(&self, ttl: u8) -> bool {
        ttl <= self.quest.reach || self.known.passing(ttl - 1).next().is_some()
    }

    /// Who is at `ttl`.
    fn next_hops(&self, ttl: u8, is_before_settled: bool) -> Step {
        let step = if self.is_node_controlled(ttl) {
            let before = self.known.passing(ttl - 1);
            first_of(
                before.map(|(from, seen)| self.demand((ttl - 1, from, seen), ttl, self.enough_behind(ttl - 1, from))),
            )
        } else {
            self.at_all(ttl, is_before_settled)
        };
        if step == Step::Settled { self.resolve(ttl) } else { step }
    }

    /// Asks the flows that were silent at `ttl` again, where others got answers: one at a time, as a router that gives few
    /// answers a second needs time, and until one has been silent for good, which is doubt enough.
    fn resolve(&self, ttl: u8) -> Step {
        let hop = self.known.hop(ttl);
        if hop.vertices.is_empty() {
            return Step::Settled;
        }
        if hop.in_flight > 0 {
            return Step::Wait;
        }
        let flow = self.known.unresolved(ttl, TRIES);
        flow.map_or(Step::Settled, |flow| Step::Ask(Want { ttl, flow: Some(flow) }))
    }

    /// The stopping rule over the hop as a whole.
    fn at_all(&self, ttl: u8, is_before_settled: bool) -> Step {
        let hop = self.known.hop(ttl);
        let enough = self.stops.after(hop.vertices.len());
        let tally = Tally { answered: hop.answered(), silent: hop.silent, in_flight: hop.in_flight };
        if let Some(step) = tally.step(enough) {
            return step;
        }
        let mut is_waiting = false;
        if ttl > self.quest.first_ttl {
            let mut flows = self.known_before(ttl).inspect(|flow| is_waiting |= self.known.is_busy(*flow));
            if let Some(flow) = flows.find(|flow| !self.known.is_busy(*flow)) {
                return Step::Ask(Want { ttl, flow: Some(flow) });
            }
        }
        if is_waiting || !is_before_settled {
            return Step::Wait;
        }
        Step::Ask(Want { ttl, flow: self.used(ttl) })
    }

    /// Flows that are known at the hop before `ttl` and not at `ttl`: first one through each of those behind whom nobody
    /// was looked for, then all others.
    fn known_before(&self, ttl: u8) -> impl Iterator<Item = u16> {
        let news = move |flow: &u16| self.known.is_news(*flow, ttl);
        let is_unasked = move |seen: &&Seen| seen.flows.iter().all(|flow| self.known.hop(ttl).cell(*flow).is_none());
        let passing = move || self.known.passing(ttl - 1).map(|(_, seen)| seen);
        let first = passing().filter(is_unasked).filter_map(move |seen| seen.flows.iter().copied().find(news));
        first.chain(passing().flat_map(|seen| seen.flows.iter().copied()).filter(news))
    }

    /// A flow that is not known at `ttl`, and about which nothing speaks against using it there.
    fn used(&self, ttl: u8) -> Option<u16> {
        let is_free = |flow: &u16| !self.known.is_busy(*flow) && self.known.is_news(*flow, ttl);
        self.known.drawn().iter().copied().find(is_free)
    }

    /// Who follows whom between `ttl` and the next hop: a link for everyone on both sides, and for a test as many on the
    /// wider side as show meshing.
    fn edges(&self, ttl: u8, is_test: bool) -> Step {
        let behind = ttl + 1;
        let (before, after) = (self.known.passing(ttl).count(), self.known.hop(behind).vertices.len());
        let is_fan = is_test && before > 1 && after > 1;
        let (onward, back) = match (is_fan, before >= after) {
            (true, true) => (MESHING_FLOWS, 1),
            (true, false) => (1, MESHING_FLOWS),
            (false, _) => (1, 1),
        };
        if before == 0 || after == 0 {
            return Step::Settled;
        }
        let onwards = self.known.passing(ttl).map(|(who, seen)| self.demand((ttl, who, seen), behind, onward));
        let vertices = self.known.hop(behind).vertices.iter();
        let backs = vertices.map(|(&who, seen)| self.demand((behind, who, seen), ttl, back));
        first_of(onwards.chain(backs))
    }

    /// `enough` flows through `who` at its TTL that are known at `other`, the hop before or behind it.
    fn demand(&self, (ttl, who, seen): (u8, IpAddr, &Seen), other: u8, enough: usize) -> Step {
        let cells = || seen.flows.iter().map(|flow| self.known.hop(other).cell(*flow));
        let tally = Tally {
            answered: self.answered(&seen.flows, other),
            silent: cells().filter(|cell| matches!(cell, Some(Cell::Silent(_)))).count(),
            in_flight: cells().filter(|cell| matches!(cell, Some(Cell::Asked(_)))).count(),
        };
        if let Some(step) = tally.step(enough) {
            return step;
        }
        let news = || seen.flows.iter().copied().filter(|flow| self.known.is_news(*flow, other));
        if let Some(flow) = news().find(|flow| !self.known.is_busy(*flow)) {
            return Step::Ask(Want { ttl: other, flow: Some(flow) });
        }
        if news().next().is_some() || tally.in_flight > 0 {
            return Step::Wait;
        }
        if enough == 1 { Step::Settled } else { self.hunt(ttl, who, enough, enough - tally.answered) }
    }

    /// Looks for another flow that leads through `who` at `ttl` (node control): by flows that got to somebody before
    /// from whom others went there, else by any that nothing speaks against.
    fn hunt(&self, ttl: u8, who: IpAddr, enough: usize, missing: usize) -> Step {
        let hop = self.known.hop(ttl);
        if hop.asked() >= HUNT.saturating_mul(enough).saturating_mul(hop.vertices.len()) {
            return if hop.in_flight > 0 { Step::Wait } else { Step::Settled };
        }
        if hop.in_flight >= missing {
            return Step::Wait;
        }
        let is_free = |flow: &u16| !self.known.is_busy(*flow) && self.known.is_news(*flow, ttl);
        let leads_there = |from: IpAddr| self.known.successors(ttl - 1, from).any(|(to, _)| to == who);
        let before = self.known.passing(ttl - 1).filter(|(from, _)| leads_there(*from));
        let through = before.flat_map(|(_, seen)| seen.flows.iter().copied()).find(is_free);
        let is_unseen = |flow: &u16| self.known.hop(ttl - 1).cell(*flow).is_none();
        let flow = through.or_else(|| self.known.drawn().iter().copied().find(|flow| is_free(flow) && is_unseen(flow)));
        Step::Ask(Want { ttl, flow })
    }
}

/// How flows fared.
#[derive(Clone, Copy, Debug)]
struct Tally {
    answered: usize,
    silent: usize,
    in_flight: usize,
}

impl Tally {
    /// How far it is when `enough` have to be answered; `None` where another flow is to be asked.
    fn step(self, enough: usize) -> Option<Step> {
        let patience = self.answered + SILENCES;
        if self.answered >= enough || (self.silent >= patience && self.in_flight == 0) {
            Some(Step::Settled)
        } else if self.answered + self.in_flight >= enough || self.silent + self.in_flight >= patience {
            Some(Step::Wait)
        } else {
            None
        }
    }
}

/// What is to be asked, if anything is; else whether anything is awaited.
fn first_of(steps: impl IntoIterator<Item = Step>) -> Step {
    let mut all = Step::Settled;
    for step in steps {
        match step {
            Step::Ask(_) => return step,
            Step::Wait => all = Step::Wait,
            Step::Settled => {}
        }
    }
    all
}
