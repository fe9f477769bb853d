//! What is known: which flow saw whom at which hop, and so which hops follow each other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::moment::Rtt;
use crate::trace::{AnswerKind, HopAnswer, Trace};

/// What flows have seen at all hops.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    hops: BTreeMap<u8, Hop>,
    empty: Hop,
    /// How many flows went from the one to the other, by the TTL of the first.
    links: BTreeMap<(u8, IpAddr, IpAddr), usize>,
    /// Flows of which a probe is out, and its TTL.
    busy: BTreeMap<u16, u8>,
    /// Every flow that was ever asked, in no order that matters.
    drawn: BTreeSet<u16>,
    /// The TTL at which the way of a flow ends.
    ends: BTreeMap<u16, u8>,
    /// Flows that cannot be used any more.
    spoiled: BTreeSet<u16>,
    /// Whether answers do not say to which probe they are: then a late one would be taken for an answer to the next
    /// probe of its flow, so that no flow is used again after silence.
    is_anonymous: bool,
}

/// What is known of one hop.
#[derive(Clone, Debug, Default)]
pub(super) struct Hop {
    cells: BTreeMap<u16, Cell>,
    pub(super) vertices: BTreeMap<IpAddr, Seen>,
    pub(super) in_flight: usize,
    pub(super) silent: usize,
}

/// What became of a flow at a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Its probe is out, the so manyth.
    Asked(u8),
    /// So many probes went unanswered.
    Silent(u8),
    /// That one answered.
    Answered(IpAddr),
}

/// What is known of somebody at a hop.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) flows: BTreeSet<u16>,
    /// Of answers that say to which probe they are.
    pub(super) best: Option<Rtt>,
    /// Of all answers.
    pub(super) any: Rtt,
    pub(super) kind: AnswerKind,
    /// Whether some flow goes on from here.
    pub(super) passes: bool,
}

impl Known {
    pub(super) fn hop(&self, ttl: u8) -> &Hop {
        self.hops.get(&ttl).unwrap_or(&self.empty)
    }

    /// The furthest TTL asked.
    pub(super) fn last(&self) -> u8 {
        self.hops.last_key_value().map_or(0, |(&ttl, _)| ttl)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.busy.len()
    }

    /// Those at `ttl` from which flows go on.
    pub(super) fn passing(&self, ttl: u8) -> impl Iterator<Item = (IpAddr, &Seen)> {
        self.hop(ttl).vertices.iter().filter(|(_, seen)| seen.passes).map(|(&address, seen)| (address, seen))
    }

    /// Whom flows met behind `from` at `ttl`, with how many did.
    pub(super) fn successors(&self, ttl: u8, from: IpAddr) -> impl Iterator<Item = (IpAddr, usize)> {
        let least = (ttl, from, IpAddr::from([0; 4]));
        let links = self.links.range(least..).take_while(move |((at, who, _), _)| (*at, *who) == (ttl, from));
        links.map(|(&(_, _, to), &flows)| (to, flows))
    }

    /// All links from `ttl` to the hop behind it.
    pub(super) fn links(&self, ttl: u8) -> impl Iterator<Item = (IpAddr, IpAddr, usize)> {
        let least = (ttl, IpAddr::from([0; 4]), IpAddr::from([0; 4]));
        let links = self.links.range(least..).take_while(move |((at, _, _), _)| *at == ttl);
        links.map(|(&(_, from, to), &flows)| (from, to, flows))
    }

    pub(super) fn is_busy(&self, flow: u16) -> bool {
        self.busy.contains_key(&flow)
    }

    /// Whether `flow` can show who is at `ttl`, and has not been asked to.
    pub(super) fn is_news(&self, flow: u16, ttl: u8) -> bool {
        self.hop(ttl).cell(flow).is_none() && !self.spoiled.contains(&flow) && !self.has_ended(flow, ttl)
    }

    /// A flow at `ttl` that was silent, and may be asked again; none when one was silent `tries` times.
    pub(super) fn unresolved(&self, ttl: u8, tries: u8) -> Option<u16> {
        let cells = &self.hop(ttl).cells;
        if cells.values().any(|cell| matches!(cell, Cell::Silent(times) if *times >= tries)) {
            return None;
        }
        let silent = cells.iter().filter(|(_, cell)| matches!(cell, Cell::Silent(_))).map(|(&flow, _)| flow);
        silent.filter(|flow| !self.is_busy(*flow)).find(|flow| !self.spoiled.contains(flow))
    }

    /// Flows that have been asked anywhere.
    pub(super) fn drawn(&self) -> &BTreeSet<u16> {
        &self.drawn
    }

    /// Whether some flow ends at `target`.
    pub(super) fn has_reached(&self, target: IpAddr) -> bool {
        self.ends.iter().any(|(flow, ttl)| self.hop(*ttl).cell(*flow) == Some(Cell::Answered(target)))
    }

    fn has_ended(&self, flow: u16, ttl: u8) -> bool {
        self.ends.get(&flow).is_some_and(|&end| end < ttl)
    }

    /// A probe of `flow` goes out to `ttl`.
    pub(super) fn handle_asked(&mut self, flow: u16, ttl: u8) {
        let hop = self.hops.entry(ttl).or_default();
        let tries = match hop.cells.get(&flow) {
            Some(Cell::Silent(tries)) => {
                hop.silent -= 1;
                *tries
            }
            Some(Cell::Asked(_) | Cell::Answered(_)) | None => 0,
        };
        hop.cells.insert(flow, Cell::Asked(tries + 1));
        hop.in_flight += 1;
        self.busy.insert(flow, ttl);
        self.drawn.insert(flow);
    }

    /// The probe of `flow` to `ttl` came to nothing, not even silence; whether it can be used again.
    pub(super) fn handle_undone(&mut self, flow: u16, ttl: u8, is_spoiled: bool) {
        self.settle(flow, ttl);
        if is_spoiled {
            self.spoiled.insert(flow);
        }
    }

    /// Nobody answered the probe of `flow` to `ttl`.
    pub(super) fn handle_silence(&mut self, flow: u16, ttl: u8) {
        let tries = self.settle(flow, ttl);
        let hop = self.hops.entry(ttl).or_default();
        hop.cells.insert(flow, Cell::Silent(tries));
        hop.silent += 1;
        if self.is_anonymous {
            self.spoiled.insert(flow);
        }
    }

    /// `answer` came to the probe of `flow` to `ttl`, which was one of those of `trace`.
    pub(super) fn handle_answer(&mut self, flow: u16, ttl: u8, answer: &HopAnswer, trace: &Trace) {
        self.settle(flow, ttl);
        self.is_anonymous |= answer.unmatched;
        if self.has_ended(flow, ttl) {
            return;
        }
        let passes = answer.kind.is_on_the_way();
        let hop = self.hops.entry(ttl).or_default();
        hop.cells.insert(flow, Cell::Answered(answer.from));
        hop.see(flow, answer, passes);
        if !trace.is_witness(answer) {
            hop.doubt(answer);
        }
        self.link(flow, ttl, answer.from);
        if !passes {
            self.end(flow, ttl);
        }
    }

    /// The probe is out no longer; how many of this flow there were.
    fn settle(&mut self, flow: u16, ttl: u8) -> u8 {
        self.busy.remove(&flow);
        self.drawn.insert(flow);
        let hop = self.hops.entry(ttl).or_default();
        match hop.cells.remove(&flow) {
            Some(Cell::Asked(tries)) => {
                hop.in_flight -= 1;
                tries
            }
            Some(Cell::Silent(tries)) => {
                hop.silent -= 1;
                tries
            }
            Some(Cell::Answered(_)) | None => 1,
        }
    }

    fn link(&mut self, flow: u16, ttl: u8, who: IpAddr) {
        if let Some(Cell::Answered(before)) = ttl.checked_sub(1).and_then(|before| self.hop(before).cell(flow)) {
            *self.links.entry((ttl - 1, before, who)).or_default() += 1;
        }
        if let Some(Cell::Answered(behind)) = ttl.checked_add(1).and_then(|behind| self.hop(behind).cell(flow)) {
            *self.links.entry((ttl, who, behind)).or_default() += 1;
        }
    }

    /// The way of `flow` ends at `ttl`: whoever answered it further on stands here.
    fn end(&mut self, flow: u16, ttl: u8) {
        self.ends.insert(flow, ttl);
        let mut before = self.hop(ttl).cell(flow);
        for (&at, hop) in self.hops.range_mut(ttl.saturating_add(1)..) {
            let cell = hop.cells.get(&flow).copied().filter(|cell| !matches!(cell, Cell::Asked(_)));
            match cell {
                Some(Cell::Silent(_)) => hop.silent -= 1,
                Some(Cell::Answered(who)) => {
                    hop.unsee(flow, who);
                    if let Some(Cell::Answered(before)) = before {
                        unlink(&mut self.links, (at - 1, before, who));
                    }
                }
                Some(Cell::Asked(_)) | None => {}
            }
            if cell.is_some() {
                hop.cells.remove(&flow);
            }
            before = cell;
        }
    }
}

fn unlink(links: &mut BTreeMap<(u8, IpAddr, IpAddr), usize>, link: (u8, IpAddr, IpAddr)) {
    if let Some(flows) = links.get_mut(&link) {
        *flows -= 1;
        if *flows == 0 {
            links.remove(&link);
        }
    }
}

impl Hop {
    pub(super) fn cell(&self, flow: u16) -> Option<Cell> {
        self.cells.get(&flow).copied()
    }

    /// How many flows have been asked here.
    pub(super) fn asked(&self) -> usize {
        self.cells.len()
    }

    /// How many flows got an answer here.
    pub(super) fn answered(&self) -> usize {
        self.cells.len() - self.in_flight - self.silent
    }

    fn see(&mut self, flow: u16, answer: &HopAnswer, passes: bool) {
        let (any, kind) = (answer.rtt_ns, answer.kind);
        let seen = self.vertices.entry(answer.from);
        let seen = seen.or_insert_with(|| Seen { flows: BTreeSet::new(), best: None, any, kind, passes });
        seen.flows.insert(flow);
        seen.any = seen.any.min(any);
        seen.passes |= passes;
        if !answer.unmatched {
            seen.best = Some(seen.best.map_or(any, |best| best.min(any)));
        }
    }

    /// Of several things said, the one that proves least is kept.
    fn doubt(&mut self, answer: &HopAnswer) {
        if let Some(seen) = self.vertices.get_mut(&answer.from) {
            seen.kind = answer.kind;
        }
    }

    fn unsee(&mut self, flow: u16, who: IpAddr) {
        if let Some(seen) = self.vertices.get_mut(&who) {
            seen.flows.remove(&flow);
            if seen.flows.is_empty() {
                self.vertices.remove(&who);
            }
        }
    }
}
