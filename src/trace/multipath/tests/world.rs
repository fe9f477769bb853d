//! A drawing of routers that spread flows, and what it answers.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::{Multipath, Multipaths, Wanted};
use crate::moment::Rtt;
use crate::trace::plan::Plan;
use crate::trace::{AnswerKind, Ending, Hop, HopAnswer, Protocol, Trace};

/// Whom each router may send a flow on to, by its place in the next level; who is named twice gets twice as many flows.
/// The last level is the target.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) levels: Vec<Vec<Vec<usize>>>,
    /// Routers that never answer, by level and place.
    pub(super) silent: BTreeSet<(usize, usize)>,
    /// How many probes of a hundred nobody answers.
    pub(super) loss: u32,
    /// What routers mix into their choices.
    pub(super) salt: u64,
    /// Whether answers do not say to which probe they are, and flows are moved on by one.
    pub(super) is_unprivileged: bool,
    /// From which level on routers answer in the name of the target, which a translator stands before.
    pub(super) fronted: Option<usize>,
}

/// Probes sent, and what was found.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) sent: usize,
    pub(super) paths: Multipaths,
}

pub(super) const TARGET: [u8; 4] = [203, 101, 184, 84];

impl World {
    /// Levels with the same choice for everyone: so many routers each, each a neighbour of all of the next.
    pub(super) fn meshed(widths: &[usize]) -> Self {
        let everyone = |(at, width): (usize, &usize)| {
            let next = widths.get(at + 1).copied().unwrap_or(1);
            vec![(0..next).collect(); *width]
        };
        Self::of(widths.iter().enumerate().map(everyone).collect())
    }

    /// Levels of so many routers, each with a share of the next of its own: no meshing, and as even as numbers allow.
    pub(super) fn plain(widths: &[usize]) -> Self {
        let shares = |(at, &width): (usize, &usize)| {
            let next = widths.get(at + 1).copied().unwrap_or(1);
            let share = |place: usize| match next.cmp(&width) {
                std::cmp::Ordering::Less => vec![place * next / width],
                std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => {
                    (0..next).filter(|other| other * width / next == place).collect()
                }
            };
            (0..width).map(share).collect()
        };
        Self::of(widths.iter().enumerate().map(shares).collect())
    }

    /// The levels as they are; behind the last is the target.
    pub(super) fn of(levels: Vec<Vec<Vec<usize>>>) -> Self {
        Self { levels, silent: BTreeSet::new(), loss: 0, salt: 0, is_unprivileged: false, fronted: None }
    }

    pub(super) fn salted(mut self, salt: u64) -> Self {
        self.salt = salt;
        self
    }

    /// Whoever stands at a level.
    pub(super) fn address(&self, level: usize, place: usize) -> IpAddr {
        if level == self.levels.len() || self.fronted.is_some_and(|from| level >= from) {
            return TARGET.into();
        }
        [198, 18, u8::try_from(level).unwrap(), u8::try_from(place).unwrap()].into()
    }

    /// The addresses of a level that answer.
    pub(super) fn level(&self, level: usize) -> BTreeSet<IpAddr> {
        let width = self.levels.get(level).map_or(1, Vec::len);
        (0..width)
            .filter(|place| !self.silent.contains(&(level, *place)))
            .map(|place| self.address(level, place))
            .collect()
    }

    /// Whether flows may go from the one to the other, of a level and the next.
    pub(super) fn is_linked(&self, level: usize, from: IpAddr, to: IpAddr) -> bool {
        let places = self.levels[level].iter().enumerate();
        places
            .filter(|(place, _)| self.address(level, *place) == from)
            .any(|(_, next)| next.iter().any(|place| self.address(level + 1, *place) == to))
    }

    /// The place of a flow at a level.
    fn place(&self, flow: u16, level: usize) -> usize {
        (0..level).fold(0, |place, level| {
            let next = &self.levels[level][place];
            let own = self.salt << 24 ^ (level as u64) << 8 ^ place as u64;
            next[usize::try_from(mix(mix(own) ^ u64::from(flow)) % next.len() as u64).unwrap()]
        })
    }

    fn answer(&self, flow: u16, ttl: u8, dice: &mut StdRng) -> Option<HopAnswer> {
        let level = usize::from(ttl - 1).min(self.levels.len());
        let place = self.place(flow, level);
        if self.silent.contains(&(level, place)) || dice.random_range(0..100) < self.loss {
            return None;
        }
        let is_target = level == self.levels.len();
        let rtt_ns = Rtt::from_duration(Duration::from_micros(u64::from(ttl) * 1000 + dice.random_range(0..100)));
        let kind = if is_target { AnswerKind::EchoReply } else { AnswerKind::TimeExceeded };
        Some(HopAnswer {
            from: self.address(level, place),
            rtt_ns,
            kind,
            late: false,
            unmatched: self.is_unprivileged,
            extras: None,
        })
    }

    /// What comes of a plan, as the tracer does it.
    pub(super) fn trace(&self, plan: &Plan, dice: &mut StdRng) -> Trace {
        let flow = plan.flow + u16::from(self.is_unprivileged && plan.flow.is_multiple_of(8));
        let (mut hops, mut ending, mut silent) = (Vec::new(), Ending::Exhausted, 0);
        for ttl in plan.first_ttl..=plan.last_ttl {
            let answer = self.answer(flow, ttl, dice);
            let is_reached = answer.as_ref().is_some_and(|answer| answer.kind == AnswerKind::EchoReply);
            silent = if answer.is_some() { 0 } else { silent + 1 };
            hops.push(Hop {
                ttl,
                silent: u8::from(answer.is_none()),
                answers: answer.into_iter().collect(),
                inherited: None,
            });
            if is_reached || silent == plan.gap_limit {
                ending = if is_reached { Ending::Reached } else { Ending::Silent };
                break;
            }
        }
        let (target, protocol, started) = (plan.target, plan.protocol, Timestamp::UNIX_EPOCH);
        Trace { target, protocol, started, port: None, flow: Some(flow), hops, ending }
    }

    /// Finds all the ways; answers come back in any order.
    pub(super) fn run(&self, wanted: Wanted, seed: u64) -> Run {
        let mut dice = StdRng::seed_from_u64(seed ^ 0x5eed);
        let base = Plan::for_address(TARGET.into(), Protocol::Icmp, 0);
        let mut machine = Multipath::new(&base, wanted, seed);
        let (mut out, mut sent): (Vec<Plan>, _) = (Vec::new(), 0);
        loop {
            while let Some(plan) = machine.poll_ask() {
                out.push(plan);
                assert!(out.len() <= usize::from(base.window));
            }
            if let Some(paths) = machine.poll_paths() {
                assert!(out.is_empty() && machine.poll_paths().is_none());
                return Run { sent, paths };
            }
            let plan = out.swap_remove(dice.random_range(0..out.len()));
            let trace = self.trace(&plan, &mut dice);
            sent += trace.hops.len();
            machine.handle_trace(&plan, trace);
        }
    }
}

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
