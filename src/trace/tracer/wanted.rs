//! What a trace asks next, and when there is nothing left to ask.

use super::{Asked, Tracer};
use crate::trace::levels::Barred;

/// Which TTL is to be asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Now(u8),
    /// It is barred, and so is all else.
    Held(u8),
    None,
}

impl Tracer {
    /// The TTL that has had the fewest attempts, and of those the lowest, but for those that are barred.
    pub(super) fn next_ttl(&self, barred: Barred) -> Wanted {
        let (mut best, mut held) = (None, None);
        for ttl in self.plan.first_ttl..=self.last_wanted() {
            let attempts = self.hop(ttl).map_or(0, |hop| hop.attempts);
            if best.is_some_and(|(fewest, _)| fewest <= attempts) || !self.is_askable(ttl) {
                continue;
            }
            if barred.holds(ttl, attempts >= self.plan.attempts) {
                held = held.or(Some(ttl));
                continue;
            }
            best = Some((attempts, ttl));
            if attempts == 0 {
                break;
            }
        }
        best.map_or(held.map_or(Wanted::None, Wanted::Held), |(_, ttl)| Wanted::Now(ttl))
    }

    /// Whether one more probe to the hop makes sense, as far as the path is known to go there.
    pub(super) fn is_askable(&self, ttl: u8) -> bool {
        let is_ours = self.guided_from.is_none_or(|from| ttl >= from);
        let Some(hop) = self.hop(ttl) else { return is_ours };
        if hop.inherited.is_some() || !(is_ours || hop.is_wanted) {
            return false;
        }
        let is_lost = || hop.answers.is_empty() && hop.in_flight == 0 && ttl < self.answered_up_to && !hop.is_spared;
        let most = self.plan.attempts.saturating_add(self.plan.retries);
        hop.attempts < self.plan.attempts || (hop.attempts < most && is_lost())
    }

    /// The furthest TTL worth asking, as far as is known.
    pub(super) fn last_wanted(&self) -> u8 {
        self.end().unwrap_or_else(|| self.horizon()).min(self.plan.last_ttl)
    }

    /// The furthest TTL worth asking before the end is known.
    fn horizon(&self) -> u8 {
        let horizon = self.furthest.saturating_add(self.plan.gap_limit);
        let is_due = |distance: &u8| self.hop(*distance).is_none_or(|hop| hop.attempts == hop.in_flight);
        self.expected.filter(is_due).map_or(horizon, |distance| horizon.min(distance))
    }

    /// Whether as many probes as a hop is sent have failed, and none has not.
    pub(super) fn is_unsendable(&self) -> bool {
        self.unsent == self.probes.len() && self.unsent >= usize::from(self.plan.attempts)
    }

    pub(super) fn is_finished(&self) -> bool {
        let awaited = |hops: &[Asked]| hops.iter().any(|hop| hop.in_flight > 0);
        let wanted = self.reached_at.map_or(self.hops.len(), |ttl| self.place(ttl) + 1);
        let is_asked = || self.next_ttl(Barred::NONE) == Wanted::None;
        self.overdue
            || self.is_unsendable()
            || (!awaited(self.hops.get(..wanted).unwrap_or(&self.hops)) && is_asked() && self.is_told())
    }
}
