//! The truth: which routers stand between the vantage and every host, for every flow. Computed from a seed, so that the
//! lab, which answers by it, and the score, which counts by it, need not tell one another.
//!
//! 300 prefixes of 256 addresses hang on a tree of routers: one on each of the first three levels, eight on the fourth,
//! and so on until every prefix has routers of its own. Every tenth prefix is two halves that part ways near the end,
//! and one place in ten below the trunk is two to four routers among which flows are spread by their hash, so that neither
//! neighbours nor the flows to one host need share a path.

use std::net::Ipv4Addr;
use std::ops::Range;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// How many prefixes there are.
pub(crate) const PREFIXES: u32 = 300;

/// Where the vantage stands.
pub(crate) const VANTAGE: Ipv4Addr = Ipv4Addr::new(91, 200, 0, 2);

/// How many of the prefixes are abroad, in percent.
const ABROAD: u32 = 70;

/// How many prefixes are two halves with ways of their own, in percent.
const HALVED: u32 = 10;

/// How many places below the trunk are several routers, in percent.
const BRANCHED: u32 = 10;

/// How many routers below the trunk are silent, in percent: the trunk never is, so this makes about 15 % of all hops.
const SILENT: u32 = 20;

/// The levels that every path goes through.
const TRUNK: usize = 3;

/// The level whose routers are the two coasts of a sea cable, for paths that lead abroad.
const CABLE: usize = 5;

/// How many hosts never answer, in percent.
const DEAD: u32 = 5;

/// The most that an answer takes longer than its router is far, in nanoseconds: the same for all answers to one address
/// from one distance, so that the truth is one number.
const JITTER_NS: u64 = 200_000;

/// One router.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    pub(crate) address: Ipv4Addr,
    pub(crate) rtt_ns: u64,
    /// Its distance in hops.
    pub(crate) level: u8,
    pub(crate) silent: bool,
    /// Whether it quotes 28 bytes of what it complains about, and not all of it.
    pub(crate) terse: bool,
    /// The MPLS label it tells of (RFC 4950).
    pub(crate) label: Option<u32>,
}

/// A place of the tree: the routers among which flows are spread, by index.
type Place = Range<usize>;

/// A prefix, or one half of it.
#[derive(Clone, Debug)]
struct Leaf {
    places: Vec<Place>,
    host_rtt_ns: u64,
}

/// What is at one distance from the vantage.
#[derive(Clone, Copy, Debug)]
pub(crate) enum There<'a> {
    Router(usize, &'a Router),
    Host { rtt_ns: u64, dead: bool },
}

/// All of it.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    routers: Vec<Router>,
    leaves: Vec<Leaf>,
    /// For each prefix the leaves of its lower and of its upper half.
    halves: Vec<[usize; 2]>,
    /// The prefix of 45.x.y.0/24, by x and y; `u16::MAX` for none.
    prefixes: Vec<u16>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut prefixes = vec![u16::MAX; 1 << 16];
        for prefix in 0..PREFIXES {
            prefixes[usize::from(middle_octets(prefix))] = u16::try_from(prefix).unwrap();
        }
        let mut halves = Vec::new();
        let mut leaves = 0;
        for _ in 0..PREFIXES {
            let upper = usize::from(rng.random_ratio(HALVED, 100));
            halves.push([leaves, leaves + upper]);
            leaves += 1 + upper;
        }
        let first_abroad = halves[usize::try_from(PREFIXES * (100 - ABROAD) / 100).unwrap()][0];
        let leaves = (0..leaves).map(|_| Leaf { places: Vec::new(), host_rtt_ns: 0 }).collect();
        let mut world = Self { seed, routers: Vec::new(), leaves, halves, prefixes };
        world.grow(first_abroad, &mut rng);
        world
    }

    fn grow(&mut self, first_abroad: usize, rng: &mut SmallRng) {
        let mut depths: Vec<usize> = (0..self.leaves.len()).map(|leaf| 11 + leaf % 7).collect();
        depths.shuffle(rng);
        let everything = 0..self.leaves.len();
        let mut rtt_ns = 0;
        for level in 1..=TRUNK {
            rtt_ns += rng.random_range(200_000..300_000);
            let place = self.place(level, rtt_ns, rng);
            self.leaves[everything.clone()].iter_mut().for_each(|leaf| leaf.places.push(place.clone()));
        }
        let continents = [(0..first_abroad, 3, false), (first_abroad..everything.end, 5, true)];
        for (part, branches, abroad) in continents {
            for group in cut(&part, branches, rng) {
                self.branch(&group, TRUNK + 1, rtt_ns, abroad, &depths, rng);
            }
        }
    }

    /// Puts a place at `level` of the way to a group of leaves, and what follows it.
    fn branch(
        &mut self,
        group: &Range<usize>,
        level: usize,
        before_ns: u64,
        abroad: bool,
        depths: &[usize],
        rng: &mut SmallRng,
    ) {
        let cable_ns = if abroad && level == CABLE { rng.random_range(40_000_000..210_000_000) } else { 0 };
        let rtt_ns = before_ns + cable_ns + rng.random_range(20_000..2_000_000);
        let place = self.place(level, rtt_ns, rng);
        let mut further = Vec::new();
        for leaf in group.clone() {
            self.leaves[leaf].places.push(place.clone());
            self.leaves[leaf].host_rtt_ns = rtt_ns + rng.random_range(20_000..2_000_000);
            if depths[leaf] > level {
                further.push(leaf);
            }
        }
        // Leaves that end here leave gaps: each stretch between them goes on by itself.
        for stretch in further.chunk_by(|left, right| left + 1 == *right) {
            let part = stretch[0]..stretch[stretch.len() - 1] + 1;
            let branches = if rng.random_ratio(1, 2) { 1 } else { rng.random_range(2..=8) };
            for group in cut(&part, branches, rng) {
                self.branch(&group, level + 1, rtt_ns, abroad, depths, rng);
            }
        }
    }

    fn place(&mut self, level: usize, rtt_ns: u64, rng: &mut SmallRng) -> Place {
        let is_trunk = level <= TRUNK;
        let width = if !is_trunk && rng.random_ratio(BRANCHED, 100) { rng.random_range(2..=4) } else { 1 };
        let first = self.routers.len();
        for index in first..first + width {
            let [_, high, middle, low] = u32::try_from(index).unwrap().to_be_bytes();
            self.routers.push(Router {
                address: Ipv4Addr::new(62, high + 1, middle, low),
                rtt_ns,
                level: u8::try_from(level).unwrap(),
                silent: !is_trunk && level != TRUNK + 1 && rng.random_ratio(SILENT, 100),
                terse: rng.random_ratio(30, 100),
                label: rng.random_ratio(15, 100).then(|| rng.random_range(16..1 << 20)),
            });
        }
        first..first + width
    }

    pub(crate) fn routers(&self) -> &[Router] {
        &self.routers
    }

    /// What it is like, in words with figures, for all hosts there are.
    pub(crate) fn describe(&self) -> String {
        let (mut hops, mut silent, mut distances) = (0_u32, 0_u32, [u32::MAX, 0]);
        let hosts = self.destinations(PREFIXES * 16);
        for &host in &hosts {
            let distance = self.distance(host).unwrap();
            distances = [distances[0].min(distance.into()), distances[1].max(distance.into())];
            hops += u32::from(distance) - 1;
            let is_silent =
                |ttl: &u8| matches!(self.at(host, *ttl, 0), Some(There::Router(_, Router { silent: true, .. })));
            silent += u32::try_from((1..distance).filter(is_silent).count()).unwrap();
        }
        format!(
            "{PREFIXES} prefixes behind {} routers, hosts {} to {} hops away, {:.1} % of hops silent, seed {}",
            self.routers.len(),
            distances[0],
            distances[1],
            f64::from(silent) * 100.0 / f64::from(hops),
            self.seed
        )
    }

    /// `count` hosts, spread over all prefixes.
    pub(crate) fn destinations(&self, count: u32) -> Vec<Ipv4Addr> {
        let mut rng = SmallRng::seed_from_u64(self.seed ^ u64::from(count));
        let mut order: Vec<u32> = (0..PREFIXES).collect();
        order.shuffle(&mut rng);
        let in_prefix = |prefix: u32| count / PREFIXES + u32::from(prefix < count % PREFIXES);
        let mut chosen = Vec::new();
        for (position, prefix) in order.into_iter().enumerate() {
            let mut hosts: Vec<u8> = (1..255).collect();
            hosts.shuffle(&mut rng);
            let wanted = usize::try_from(in_prefix(u32::try_from(position).unwrap())).unwrap();
            chosen.extend(hosts.into_iter().take(wanted).map(|host| address(prefix, host)));
        }
        chosen.shuffle(&mut rng);
        chosen
    }

    fn leaf(&self, host: Ipv4Addr) -> Option<&Leaf> {
        let [first, second, third, last] = host.octets();
        let prefix = self.prefixes[usize::from(u16::from_be_bytes([second, third]))];
        let halves = self.halves.get(usize::from(prefix)).filter(|_| first == 45)?;
        Some(&self.leaves[halves[usize::from(last >= 128)]])
    }

    /// How many hops away a host is; `None` for an address that is in no prefix.
    pub(crate) fn distance(&self, host: Ipv4Addr) -> Option<u8> {
        Some(u8::try_from(self.leaf(host)?.places.len()).unwrap() + 1)
    }

    /// What is `ttl` hops along the way of a flow to a host, or the host when it is nearer.
    pub(crate) fn at(&self, host: Ipv4Addr, ttl: u8, flow: u64) -> Option<There<'_>> {
        let leaf = self.leaf(host)?;
        let Some(place) = leaf.places.get(usize::from(ttl).checked_sub(1)?) else {
            let dead = mix(self.seed ^ u64::from(host.to_bits())) % 100 < u64::from(DEAD);
            return Some(There::Host { rtt_ns: leaf.host_rtt_ns, dead });
        };
        let width = u64::try_from(place.len()).unwrap();
        let turn = if width == 1 { 0 } else { mix(flow ^ mix(u64::try_from(place.start).unwrap())) % width };
        let index = place.start + usize::try_from(turn).unwrap();
        Some(There::Router(index, &self.routers[index]))
    }

    /// How long an answer to a probe towards `host` from `ttl` hops away takes, when it comes from `there`.
    pub(crate) fn round_trip_ns(&self, host: Ipv4Addr, ttl: u8, there: There<'_>) -> u64 {
        let (rtt_ns, ttl) = match there {
            There::Router(_, router) => (router.rtt_ns, ttl),
            There::Host { rtt_ns, .. } => (rtt_ns, u8::MAX),
        };
        rtt_ns + mix(self.seed ^ u64::from(host.to_bits()) << 8 ^ u64::from(ttl)) % JITTER_NS
    }
}

/// Cuts a range into at most `parts` parts of uneven length.
fn cut(range: &Range<usize>, parts: usize, rng: &mut SmallRng) -> Vec<Range<usize>> {
    let mut inner: Vec<usize> = (range.start + 1..range.end).collect();
    inner.shuffle(rng);
    inner.truncate(parts - 1);
    inner.sort_unstable();
    let starts = std::iter::once(range.start).chain(inner.iter().copied());
    let ends = inner.iter().copied().chain(std::iter::once(range.end));
    starts.zip(ends).map(|(start, end)| start..end).collect()
}

/// The address of a host: prefixes that lie beside one another on the tree need not in the space of addresses.
fn address(prefix: u32, host: u8) -> Ipv4Addr {
    let [second, third] = middle_octets(prefix).to_be_bytes();
    Ipv4Addr::new(45, second, third, host)
}

/// The middle octets of a prefix, as one number: multiplication by an odd number takes no two to the same.
fn middle_octets(prefix: u32) -> u16 {
    u16::try_from(prefix).unwrap().wrapping_mul(40_503)
}

/// Spreads what is put in over all 64 bits (splitmix64, Steele et al. 2014).
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
