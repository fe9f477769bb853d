//! What is known, seen as a whole: diamonds and how even they are, and whether a hop has been asked enough.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Method;
use super::confidence::Stops;
use super::known::{Cell, Known, Seen};

/// What is to be found out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quest {
    pub(super) method: Method,
    pub(super) first_ttl: u8,
    /// How far is asked in any case.
    pub(super) reach: u8,
    /// How far is asked while somebody there passes flows on.
    pub(super) last_ttl: u8,
}

/// What is known, and what for.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) quest: Quest,
    pub(super) known: &'a Known,
    pub(super) stops: &'a Stops,
    /// TTLs within diamonds that are not as plain as [`Method::Lite`] supposes.
    pub(super) intricate: &'a BTreeSet<u8>,
}

impl View<'_> {
    /// Whether there is no more to be asked of `ttl`, and what the rule demands was answered.
    pub(super) fn is_told(&self, ttl: u8) -> bool {
        if self.is_node_controlled(ttl) {
            let seen =
                |(from, seen): (IpAddr, &Seen)| self.answered(&seen.flows, ttl) >= self.enough_behind(ttl - 1, from);
            return self.known.passing(ttl - 1).all(seen);
        }
        let hop = self.known.hop(ttl);
        hop.answered() >= self.stops.after(hop.vertices.len())
    }

    /// Whether those behind everyone at `ttl` are found one by one.
    pub(super) fn is_thorough(&self, ttl: u8) -> bool {
        match self.quest.method {
            Method::Full => true,
            Method::Lite => {
                self.diamond(ttl).is_some_and(|(from, to)| self.intricate.range(from..=to).next().is_some())
            }
        }
    }

    /// The hops round `ttl` that all have several vertices.
    pub(super) fn diamond(&self, ttl: u8) -> Option<(u8, u8)> {
        let is_wide = |ttl: &u8| self.known.hop(*ttl).vertices.len() > 1;
        let from = (self.quest.first_ttl..=ttl).rev().take_while(is_wide).last()?;
        let to = (ttl..=self.quest.last_ttl).take_while(is_wide).last()?;
        Some((from, to))
    }

    /// Whether the next hops at `ttl` are told apart by whom flows met before.
    pub(super) fn is_node_controlled(&self, ttl: u8) -> bool {
        ttl > self.quest.first_ttl && self.known.passing(ttl - 1).nth(1).is_some() && self.is_thorough(ttl - 1)
    }

    /// How many flows through `from` at `ttl` are to be answered at the next hop.
    pub(super) fn enough_behind(&self, ttl: u8, from: IpAddr) -> usize {
        self.stops.after(self.known.successors(ttl, from).count())
    }

    /// How many of `flows` were answered at `ttl`.
    pub(super) fn answered(&self, flows: &BTreeSet<u16>, ttl: u8) -> usize {
        flows.iter().filter(|flow| matches!(self.known.hop(ttl).cell(**flow), Some(Cell::Answered(_)))).count()
    }

    /// Whether more links are there between `ttl` and the next hop than it takes to link all: somebody on the wider side
    /// has several on the other.
    pub(super) fn is_meshed(&self, ttl: u8) -> bool {
        let (before, after) = self.degrees(ttl);
        let several = |degrees: &[usize]| degrees.iter().any(|degree| *degree > 1);
        before.len() > 1
            && after.len() > 1
            && if before.len() >= after.len() { several(&before) } else { several(&after) }
    }

    /// By how much the vertices of `ttl` differ in how many follow them, or those of the next hop in how many they follow,
    /// whichever hop is the narrower (width asymmetry).
    pub(super) fn asymmetry(&self, ttl: u8) -> usize {
        let (before, after) = self.degrees(ttl);
        let spread = |degrees: &[usize]| {
            let linked = || degrees.iter().copied().filter(|degree| *degree > 0);
            linked().max().unwrap_or(0) - linked().min().unwrap_or(0)
        };
        let (onward, back) = (spread(&before), spread(&after));
        match before.len().cmp(&after.len()) {
            Ordering::Less => onward,
            Ordering::Equal => onward.max(back),
            Ordering::Greater => back,
        }
    }

    /// How many follow each that passes flows on at `ttl`, and how many each at the next hop follows.
    fn degrees(&self, ttl: u8) -> (Vec<usize>, Vec<usize>) {
        let behind = ttl.saturating_add(1);
        let before = self.known.passing(ttl).map(|(who, _)| self.known.successors(ttl, who).count()).collect();
        let links = |to: &IpAddr| self.known.links(ttl).filter(|(_, other, _)| other == to).count();
        (before, self.known.hop(behind).vertices.keys().map(links).collect())
    }
}
