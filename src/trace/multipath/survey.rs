//! What is known → what is said of it.

use super::known::Known;
use super::paths::{Assurance, Diamond, Edge, MultipathHop, Vertex};
use super::view::View;

/// The hops up to the last that answered.
pub(super) fn hops(view: View<'_>, is_whole: bool) -> Vec<MultipathHop> {
    let known = view.known;
    let last = (0..=known.last()).rev().find(|ttl| !known.hop(*ttl).vertices.is_empty());
    let ttls = last.into_iter().flat_map(|last| view.quest.first_ttl..=last);
    ttls.map(|ttl| MultipathHop {
        ttl,
        vertices: vertices(known, ttl),
        edges: known.links(ttl - 1).map(|(from, to, flows)| Edge { from, to, flows }).collect(),
        flows: known.hop(ttl).asked(),
        silent: known.hop(ttl).silent,
        assurance: assurance(view, ttl, is_whole),
    })
    .collect()
}

fn vertices(known: &Known, ttl: u8) -> Vec<Vertex> {
    let vertices = known.hop(ttl).vertices.iter();
    vertices
        .map(|(&address, seen)| Vertex {
            address,
            flows: seen.flows.len(),
            rtt: seen.best.unwrap_or(seen.any),
            kind: seen.kind,
            unmatched: seen.best.is_none(),
        })
        .collect()
}

fn assurance(view: View<'_>, ttl: u8, is_whole: bool) -> Assurance {
    let hop = view.known.hop(ttl);
    let is_told = view.is_told(ttl);
    if !is_told && !is_whole {
        Assurance::Unfinished
    } else if hop.vertices.is_empty() {
        Assurance::Silent
    } else if hop.silent > 0 {
        Assurance::Doubtful
    } else if is_told {
        Assurance::Stated
    } else {
        Assurance::Unfinished
    }
}

/// Where ways part and meet.
pub(super) fn diamonds(view: View<'_>) -> Vec<Diamond> {
    let mut diamonds = Vec::new();
    let mut ttl = view.quest.first_ttl;
    while ttl <= view.known.last() {
        let Some((from, to)) = view.diamond(ttl) else {
            ttl += 1;
            continue;
        };
        let pairs = || from.saturating_sub(1)..=to;
        diamonds.push(Diamond {
            parts_at: from - 1,
            meets_at: to.saturating_add(1),
            width: (from..=to).map(|ttl| view.known.hop(ttl).vertices.len()).max().unwrap_or(0),
            meshed: pairs().any(|ttl| view.is_meshed(ttl)),
            asymmetry: pairs().map(|ttl| view.asymmetry(ttl)).max().unwrap_or(0),
            thorough: view.is_thorough(from),
        });
        let Some(behind) = to.checked_add(1) else { break };
        ttl = behind;
    }
    diamonds
}
