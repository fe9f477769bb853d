//! The guided part of a trace: what it is told to ask, what is handed over to it, and what it can tell others.

use std::net::IpAddr;
use std::time::Instant;

use jiff::Timestamp;

use super::{Asked, Tracer};
use crate::trace::HopAnswer;

/// What a trace knows of one hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It has not been asked.
    Unasked,
    /// It has been, or will be, and has not answered yet.
    Asked,
    /// This one answered; of a hop that was handed over, for another trace.
    Answered(IpAddr),
    /// Several did, or somebody on the way in the name of the target: nobody that the ways to others could have in common.
    Several,
    /// Nobody did.
    Silent,
    /// It could not be asked.
    Unsent,
}

impl Tracer {
    /// The trace, of which nothing has been asked yet, becomes a guided one that looks for its target from this TTL on.
    /// It may have waited to be guided, within its deadline.
    pub fn explore(&mut self, from: u8) {
        let from = from.clamp(self.plan.first_ttl, self.plan.last_ttl);
        self.guided_from = Some(from);
        self.expected = None;
        self.furthest = self.furthest.max(from - 1);
    }

    /// The trace, of which nothing has been asked yet, becomes a guided one with its target expected at this distance. The
    /// hop before is asked as well.
    pub fn guide(&mut self, distance: u8) {
        self.explore(distance);
        self.expected = self.guided_from;
        self.want(self.furthest);
    }

    /// If nobody answers at this hop, that is no surprise: it is not asked again.
    pub fn spare(&mut self, ttl: u8) {
        if let Some(hop) = self.hop_mut(ttl) {
            hop.is_spared = true;
        }
    }

    /// The hop is to be asked, also if it was handed over. Nothing is done for one beyond what the plan allows.
    pub fn want(&mut self, ttl: u8) {
        if (self.plan.first_ttl..=self.plan.last_ttl).contains(&ttl) {
            self.grow_to(ttl);
            if let Some(hop) = self.hop_mut(ttl) {
                if hop.inherited.is_some() {
                    *hop = Asked::default();
                }
                hop.is_wanted = true;
            }
        }
    }

    /// The hop is what another trace found at that time: this answer, or silence. Nothing is done for one that was asked.
    pub fn inherit(&mut self, ttl: u8, answer: Option<HopAnswer>, at: Timestamp) {
        self.grow_to(ttl);
        if let Some(hop) = self.hop_mut(ttl).filter(|hop| hop.attempts == 0 && !hop.is_wanted) {
            hop.silent = u8::from(answer.is_none());
            hop.inherited = Some(at);
            let from = answer.as_ref().map(|answer| answer.from);
            hop.answers.extend(answer);
            if let Some(from) = from {
                self.met.meet(from);
            }
        }
    }

    /// What is known of one hop.
    pub fn known(&self, ttl: u8) -> Known {
        let Some(hop) = self.hop(ttl) else { return Known::Unasked };
        match hop.answers.split_first() {
            Some((first, _)) if first.from == self.plan.target && first.kind.is_on_the_way() => Known::Several,
            Some((first, rest)) if rest.iter().all(|answer| answer.from == first.from) => Known::Answered(first.from),
            Some(_) => Known::Several,
            None if hop.inherited.is_some() => Known::Silent,
            None if hop.attempts > 0 && hop.in_flight == 0 && !self.is_askable(ttl) => {
                if hop.silent > 0 {
                    Known::Silent
                } else {
                    Known::Unsent
                }
            }
            None if hop.attempts > 0 || hop.is_wanted => Known::Asked,
            None => Known::Unasked,
        }
    }

    /// The first answer to a probe of this trace from the hop, and when the first of its probes left; `None` when none has.
    pub fn measured(&self, ttl: u8) -> Option<(Instant, Option<HopAnswer>)> {
        let sent = self.probes.iter().find(|sent| sent.ttl == ttl)?;
        Some((sent.at, self.hop(ttl)?.answers.first().cloned()))
    }

    /// Whether the hop was handed over.
    pub fn is_inherited(&self, ttl: u8) -> bool {
        self.hop(ttl).is_some_and(|hop| hop.inherited.is_some())
    }

    /// Where the target is expected.
    pub fn expected(&self) -> Option<u8> {
        self.expected
    }

    /// Whether a hop at this TTL or beyond may still answer.
    pub fn is_going_on(&self, from: u8) -> bool {
        (from..=self.last_wanted()).any(|ttl| matches!(self.known(ttl), Known::Unasked | Known::Asked))
    }

    /// From where on a guided trace asks without being told.
    pub fn guided_from(&self) -> Option<u8> {
        self.guided_from
    }

    /// The furthest TTL that answered; 0 when none has.
    pub fn answered_up_to(&self) -> u8 {
        self.answered_up_to
    }

    /// Whether a guided trace knows of every hop before its end.
    pub(super) fn is_told(&self) -> bool {
        let end = self.end().map_or(self.hops.len(), |ttl| self.place(ttl));
        let is_known = |hop: &Asked| hop.attempts > 0 || hop.inherited.is_some();
        self.guided_from.is_none() || self.hops.iter().take(end).all(is_known)
    }
}
