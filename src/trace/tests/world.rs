//! A small internet of trees, and the real switchboard in it, in virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::moment::Moment;
use crate::trace::pace::Pace;
use crate::trace::packet::checksum::Sum;
use crate::trace::packet::ip;
use crate::trace::plan::{Plan, Sharing};
use crate::trace::switchboard::{Content, Receipt, Switchboard, Transmit};
use crate::trace::tests::noon;
use crate::trace::{Ending, Hop, Protocol, Trace};

const HERE: [u8; 4] = [10, 1, 2, 3];

/// Ways to a few networks. Level by level they part, two by two from the third on.
#[derive(Clone, Debug)]
pub(in crate::trace) struct World {
    /// How many routers there are before the first network; the next three are each one router further away, and so on.
    pub(in crate::trace) depth: u8,
    pub(in crate::trace) networks: u8,
    pub(in crate::trace) hosts: u8,
    /// Of a hundred routers, so many never answer; of a hundred hosts, so many; of a hundred routers below the third level,
    /// so many are four that share the flows.
    pub(in crate::trace) silent: u64,
    pub(in crate::trace) dead: u64,
    pub(in crate::trace) wide: u64,
    /// Whether the upper half of a network is another way, parting before its last four routers, and one router longer.
    pub(in crate::trace) is_halved: bool,
    /// Whether every third host is behind one router more.
    pub(in crate::trace) is_deep: bool,
    /// Whether the last routers of all networks have the same private addresses.
    pub(in crate::trace) is_private: bool,
    pub(in crate::trace) salt: u64,
}

/// What goes wrong besides, of a hundred.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::trace) struct Weather {
    pub(in crate::trace) lost: u32,
    pub(in crate::trace) unsent: u32,
    /// How many answers a second each router of the first five levels gives, after 50 at once; 0 for any number.
    pub(in crate::trace) limit: u32,
    /// Between which times from the beginning on nobody answers anything.
    pub(in crate::trace) outage: (Duration, Duration),
}

/// How it is traced.
#[derive(Clone, Copy, Debug)]
pub(in crate::trace) struct Manner {
    pub(in crate::trace) at_once: usize,
    pub(in crate::trace) attempts: u8,
    pub(in crate::trace) retries: u8,
    /// 0 to share nothing.
    pub(in crate::trace) witnesses: u8,
}

/// The switchboard in the world.
pub(in crate::trace) struct Lab<'a> {
    pub(in crate::trace) world: &'a World,
    pub(in crate::trace) switchboard: Switchboard,
    pub(in crate::trace) now: Moment,
    pub(in crate::trace) sent: usize,
    /// When each distance was asked on the way to whom.
    asked: BTreeSet<(u8, Timestamp)>,
    dice: StdRng,
    weather: Weather,
    begun: Instant,
    /// Since when what was measured is good enough, if not since the traces are asked for.
    pub(in crate::trace) since: Option<Instant>,
    /// When the bucket of a router is full again.
    full_at: BTreeMap<IpAddr, Instant>,
    due: BTreeMap<(Instant, usize), (IpAddr, Vec<u8>)>,
    queue: VecDeque<Plan>,
    pub(in crate::trace) traces: Vec<Trace>,
}

impl World {
    pub(in crate::trace) fn targets(&self) -> Vec<IpAddr> {
        (0..self.networks).flat_map(|network| (1..=self.hosts).map(move |host| Self::target(network, host))).collect()
    }

    /// Hosts are spread over their network, the lower half first.
    fn target(network: u8, host: u8) -> IpAddr {
        [45, 1, network, host.wrapping_mul(7)].into()
    }

    /// Who stands on the way of a flow, silent or not; whoever it is headed to excepted.
    fn way(&self, target: IpAddr, flow: u16) -> Vec<IpAddr> {
        let IpAddr::V4(address) = target else { panic!("only IPv4") };
        let [_, _, network, host] = address.octets();
        let is_upper = self.is_halved && host >= 128;
        let length = self.depth + network % 4 + u8::from(is_upper);
        let mut way: Vec<IpAddr> = (1..=length)
            .map(|level| {
                let group = if level < 3 { 0 } else { u32::from(network) << (level - 3).min(8) >> 8 };
                let half = u8::from(is_upper && level + 4 > self.depth + network % 4);
                let group = if level + 3 > length || half == 1 { u32::from(network) + 100 } else { group };
                let branch = self.branch(level, group, half, flow);
                let is_last = self.is_private && level == length;
                let of = if is_last { 10 } else { 62 };
                [of, level, if is_last { 0 } else { u8::try_from(group).unwrap() }, half * 16 + branch].into()
            })
            .collect();
        if self.is_deep && host.is_multiple_of(3) {
            way.push([63, 0, network, 1].into());
        }
        way
    }

    fn branch(&self, level: u8, group: u32, half: u8, flow: u16) -> u8 {
        let place = u64::from(level) << 40 ^ u64::from(group) << 8 ^ u64::from(half);
        let is_wide = level > 3 && self.chance(place ^ 0x77 << 48, self.wide);
        if is_wide { u8::try_from(mix(place ^ mix(u64::from(flow))) % 4).unwrap() } else { 0 }
    }

    fn chance(&self, of: u64, share: u64) -> bool {
        mix(self.salt ^ mix(of)) % 100 < share
    }

    fn is_silent(&self, router: IpAddr) -> bool {
        let IpAddr::V4(address) = router else { panic!("only IPv4") };
        self.chance(u64::from(address.to_bits()), self.silent)
    }

    pub(in crate::trace) fn is_dead(&self, target: IpAddr) -> bool {
        let IpAddr::V4(address) = target else { panic!("only IPv4") };
        self.chance(u64::from(address.to_bits()), self.dead)
    }

    /// Who answers at a distance.
    pub(in crate::trace) fn answers(&self, target: IpAddr, flow: u16, ttl: u8) -> Option<IpAddr> {
        match self.way(target, flow).get(usize::from(ttl) - 1) {
            Some(router) => Some(*router).filter(|router| !self.is_silent(*router)),
            None => Some(target).filter(|_| !self.is_dead(target)),
        }
    }

    /// How far the target is.
    pub(in crate::trace) fn distance(&self, target: IpAddr, flow: u16) -> u8 {
        u8::try_from(self.way(target, flow).len() + 1).unwrap()
    }
}

impl Manner {
    fn plan(self, target: IpAddr, number: usize, since: Instant) -> Plan {
        let flow = u16::try_from(mix(number as u64) % 0xffff).unwrap();
        let sharing = (self.witnesses > 0).then_some(Sharing { since, witnesses: self.witnesses });
        let (attempts, retries) = (self.attempts, self.retries);
        Plan { attempts, retries, sharing, ..Plan::for_address(target, Protocol::Icmp, flow) }
    }
}

impl<'a> Lab<'a> {
    pub(in crate::trace) fn new(world: &'a World, weather: Weather) -> Self {
        let now = noon();
        Self {
            world,
            switchboard: Switchboard::new(world.salt, Pace::per_second(10_000)),
            now,
            begun: now.mono,
            since: None,
            full_at: BTreeMap::new(),
            sent: 0,
            asked: BTreeSet::new(),
            dice: StdRng::seed_from_u64(world.salt),
            weather,
            due: BTreeMap::new(),
            queue: VecDeque::new(),
            traces: Vec::new(),
        }
    }

    /// Traces all hosts of a world.
    pub(in crate::trace) fn run(world: &'a World, weather: Weather, manner: Manner) -> Self {
        let mut lab = Self::new(world, weather);
        lab.trace_all(manner, usize::MAX);
        lab
    }

    /// Traces every host of the world, or so many answers and waits long.
    pub(in crate::trace) fn trace_all(&mut self, manner: Manner, mut steps: usize) {
        let since = self.since.unwrap_or(self.now.mono);
        let plans = self.world.targets().into_iter().enumerate();
        self.queue.extend(plans.map(|(number, target)| manner.plan(target, number, since)));
        while steps > 0 && self.step(manner.at_once) {
            steps -= 1;
            assert!(self.sent < 1_000_000, "does not end");
        }
    }

    /// Goes on until everything has ended.
    pub(in crate::trace) fn finish(&mut self) {
        self.queue.clear();
        while self.step(0) {
            assert!(self.sent < 1_000_000, "does not end");
        }
    }

    /// Does what is to be done, and waits for what comes next; `false` when nothing does.
    fn step(&mut self, at_once: usize) -> bool {
        loop {
            while let Some(transmit) = self.switchboard.poll_transmit(self.now) {
                self.send(&transmit);
            }
            self.traces.extend(std::iter::from_fn(|| self.switchboard.poll_trace()).map(|(_, trace)| trace));
            if self.switchboard.running() >= at_once {
                break;
            }
            let Some(plan) = self.queue.pop_front() else { break };
            self.switchboard.start(plan, self.now);
        }
        let answer = self.due.first_key_value().map(|(key, _)| key.0);
        let timeout = self.switchboard.poll_timeout();
        let Some(next) = answer.into_iter().chain(timeout).min().filter(|_| self.switchboard.running() > 0) else {
            assert_eq!(self.switchboard.running(), 0, "a trace that runs waits for something");
            return false;
        };
        self.now = self.now.after(next.saturating_duration_since(self.now.mono));
        if answer.is_some_and(|answer| answer <= next)
            && let Some((_, (from, bytes))) = self.due.pop_first()
        {
            let receipt = self.switchboard.handle_datagram(&bytes, from, self.now);
            assert!(matches!(receipt, Receipt::Booked(..) | Receipt::Surplus | Receipt::Unrelated), "{receipt:?}");
        } else {
            self.switchboard.handle_timeout(self.now);
        }
        true
    }

    fn send(&mut self, transmit: &Transmit) {
        self.asked.insert((transmit.ttl, self.now.wall));
        if self.dice.random_range(0..100) < self.weather.unsent {
            self.switchboard.handle_send_failure(transmit.key, self.now);
            return;
        }
        self.sent += 1;
        let Content::Icmp(message) = transmit.content else { panic!("not an echo request") };
        // As routers see it: of one flow, all probes have one checksum.
        let flow = u16::from_be_bytes([message[2], message[3]]);
        let Some(from) = self.world.answers(transmit.target, flow, transmit.ttl) else { return };
        let (dark, light) = self.weather.outage;
        let is_dark = (dark..light).contains(&self.now.mono.saturating_duration_since(self.begun));
        let is_lost = self.dice.random_range(0..100) < self.weather.lost;
        if is_dark || is_lost || (transmit.ttl <= 5 && !self.is_within_limit(from)) {
            return;
        }
        let bytes = if from == transmit.target {
            icmp(from, 0, &message[4..])
        } else {
            icmp(from, 11, &[&[0; 4][..], &transmit.datagram(HERE.into())[..28]].concat())
        };
        let after = Duration::from_micros(2000 * u64::from(transmit.ttl) + self.dice.random_range(0..3000));
        self.due.insert((self.now.mono + after, self.sent), (from, bytes));
    }

    fn is_within_limit(&mut self, router: IpAddr) -> bool {
        if self.weather.limit == 0 {
            return true;
        }
        let interval = Duration::from_secs(1) / self.weather.limit;
        let full_at = self.full_at.entry(router).or_insert(self.now.mono);
        *full_at = self.now.mono.max(*full_at);
        let is_left = *full_at <= self.now.mono + interval * 50;
        *full_at += if is_left { interval } else { Duration::ZERO };
        is_left
    }

    /// That every trace is right about every hop, that it has them all, and which were taken over.
    pub(in crate::trace) fn assert_right(&self) -> Vec<(&Trace, &Hop)> {
        let mut inherited = Vec::new();
        for trace in &self.traces {
            assert_ne!(trace.ending, Ending::Overdue, "{trace:#?}");
            let (target, flow) = (trace.target, trace.flow.unwrap());
            let (distance, is_reached) = (self.world.distance(target, flow), trace.ending == Ending::Reached);
            let ttls: Vec<u8> = trace.hops.iter().map(|hop| hop.ttl).collect();
            if self.weather.unsent == 0 {
                let last = u8::try_from(ttls.len()).unwrap();
                assert_eq!(ttls, (1..=last).collect::<Vec<_>>(), "{trace:#?}");
                assert!(!is_reached || last == distance || self.weather.lost > 0 && last > distance, "{trace:#?}");
            }
            for hop in &trace.hops {
                let truth = self.world.answers(target, flow, hop.ttl);
                let is_wrong = hop.answers.iter().any(|answer| Some(answer.from) != truth);
                assert!(
                    !is_wrong,
                    "{} is at hop {}: {trace:#?}",
                    truth.map_or("nobody".into(), |it| it.to_string()),
                    hop.ttl
                );
                if let Some(at) = hop.inherited {
                    assert!(hop.ttl + 1 < distance, "{trace:#?}");
                    let is_quiet = self.weather.lost == 0;
                    assert!(!is_quiet || hop.answers.is_empty() == truth.is_none(), "hop {} {trace:#?}", hop.ttl);
                    assert!(self.asked.contains(&(hop.ttl, at)), "nobody was asked at {at}: {trace:#?}");
                    inherited.push((trace, hop));
                }
            }
        }
        inherited
    }

    /// Of the routers that answer before a host that does, or before the end of a trace, how many were named, of a thousand.
    pub(in crate::trace) fn named(&self) -> usize {
        let (mut named, mut all) = (0, 0);
        for trace in &self.traces {
            let (target, flow) = (trace.target, trace.flow.unwrap());
            for ttl in 1..self.world.distance(target, flow) {
                let truth = self.world.answers(target, flow, ttl);
                all += usize::from(truth.is_some());
                let answers = trace.hops.iter().filter(|hop| hop.ttl == ttl).flat_map(|hop| &hop.answers);
                named += usize::from(answers.map(|answer| answer.from).next().is_some_and(|from| Some(from) == truth));
            }
        }
        named * 1000 / all.max(1)
    }
}

fn icmp(from: IpAddr, kind: u8, rest: &[u8]) -> Vec<u8> {
    let checksum = Sum::default().bytes(&[kind, 0]).bytes(rest).checksum().to_be_bytes();
    ip::datagram(from, HERE.into(), 60, ip::ICMP, &[&[kind, 0][..], &checksum, rest].concat())
}

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
