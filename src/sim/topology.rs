//! Routers, hosts and the paths between them: what a network engineer would draw.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::place::Coordinates;
use crate::trace::Protocol;

use super::scenario::Invalid;
use super::written::{AddressWritten, Forgery, HopWritten, LinkWritten, NodeWritten, PathWritten, RefusalWritten};

/// Light in glass, one way: kilometres per millisecond.
const GLASS_KM_PER_MS: f64 = 204.2;

/// How much of a packet the oldest routers quote after the IP header (RFC 792: 64 bits).
const LEAST_QUOTE: usize = 8;

/// Cables follow coasts and roads: half as long again as the great circle.
const DEFAULT_INFLATION: f64 = 1.5;

/// What a router takes to forward a packet, one way.
const DEFAULT_HOP: Duration = Duration::from_micros(50);

const ONE_DAY: Duration = Duration::from_secs(86_400);

/// A router or host, by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(usize);

/// A router or host.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) place: Coordinates,
    pub(super) addresses: Vec<IpNet>,
    pub(super) silent: bool,
    pub(super) icmp_delay: Duration,
    pub(super) answers_per_second: Option<u32>,
    pub(super) drops: BTreeSet<Protocol>,
    pub(super) refuses: RefusalWritten,
    pub(super) forges: Vec<Forgery>,
    pub(super) sends_on: Option<IpAddr>,
    pub(super) fronts: bool,
    pub(super) quotes: usize,
    pub(super) answers: BTreeSet<Protocol>,
    pub(super) open: BTreeSet<u16>,
    pub(super) closed: BTreeSet<u16>,
}

impl Node {
    /// The address from which it answers packets of the family of `other`.
    pub(super) fn address_towards(&self, other: IpAddr) -> Option<IpAddr> {
        self.addresses.iter().map(IpNet::addr).find(|address| address.is_ipv4() == other.is_ipv4())
    }

    /// Whether packets to `address` are for it.
    pub(super) fn owns(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|prefix| prefix.contains(&address))
    }

    fn change(&mut self, key: &str, written: &NodeWritten, places: &Places) -> Result<(), Invalid> {
        if let Some(place) = &written.place {
            self.place = places.find(key, place)?;
        }
        set(&mut self.addresses, written.addresses.as_ref().map(|all| all.iter().map(|a| network(*a)).collect()));
        set(&mut self.silent, written.silent);
        set(&mut self.icmp_delay, written.icmp_delay.map(|lapse| lapse.0));
        if let Some(rate) = written.answers_per_second {
            self.answers_per_second = Some(rate);
        }
        set(&mut self.drops, written.drops.as_ref().map(|all| all.iter().copied().collect()));
        set(&mut self.refuses, written.refuses);
        set(&mut self.forges, written.forges.clone());
        self.sends_on = written.sends_on.or(self.sends_on);
        self.fronts = written.fronts.unwrap_or(self.fronts);
        set(&mut self.quotes, written.quotes);
        set(&mut self.answers, written.answers.as_ref().map(|all| all.iter().copied().collect()));
        set(&mut self.open, written.open.as_ref().map(|all| all.iter().copied().collect()));
        set(&mut self.closed, written.closed.as_ref().map(|all| all.iter().copied().collect()));
        Ok(())
    }
}

fn set<T>(field: &mut T, written: Option<T>) {
    if let Some(value) = written {
        *field = value;
    }
}

/// The address or prefix as a prefix.
pub(super) fn network(written: AddressWritten) -> IpNet {
    match written {
        AddressWritten::One(address) => address.into(),
        AddressWritten::Many(prefix) => prefix,
    }
}

/// Places by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(BTreeMap<String, Coordinates>);

impl Places {
    fn find(&self, key: &str, name: &str) -> Result<Coordinates, Invalid> {
        let found = self.0.get(name).copied();
        found.ok_or_else(|| {
            Invalid::new(format!("{key}.place"), format!("no place is called {name:?}: add it to [place]"))
        })
    }
}

/// The way packets to a destination go.
#[derive(Clone, Debug)]
struct Path {
    from: Option<NodeId>,
    to: IpNet,
    via: Vec<Vec<NodeId>>,
    circle: Vec<Vec<NodeId>>,
}

/// Who is connected to whom.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    places: Places,
    nodes: Vec<Node>,
    paths: Vec<Path>,
    links: BTreeMap<(NodeId, NodeId), Duration>,
    inflation: f64,
    hop: Duration,
}

impl Topology {
    pub(super) fn new() -> Self {
        Self {
            places: Places::default(),
            nodes: Vec::new(),
            paths: Vec::new(),
            links: BTreeMap::new(),
            inflation: DEFAULT_INFLATION,
            hop: DEFAULT_HOP,
        }
    }

    /// How much longer cables are than great circles, and what each crossing of a link takes beside its length.
    pub(super) fn set_lengths(&mut self, inflation: Option<f64>, hop_ms: Option<f64>) -> Result<(), Invalid> {
        if let Some(inflation) = inflation {
            if !(1.0..=10.0).contains(&inflation) {
                let what = "is how much longer cables are than great circles: write 1 to 10";
                return Err(Invalid::new("inflation", what));
            }
            self.inflation = inflation;
        }
        set(&mut self.hop, hop_ms.map(|ms| milliseconds("hop_ms", ms)).transpose()?);
        Ok(())
    }

    pub(super) fn add_places(&mut self, written: &BTreeMap<String, [f64; 2]>) -> Result<(), Invalid> {
        for (name, [latitude, longitude]) in written {
            let point = Coordinates::new(*latitude, *longitude);
            let point = point.map_err(|error| Invalid::new(format!("place.{name}"), error))?;
            self.places.0.insert(name.clone(), point);
        }
        Ok(())
    }

    /// Adds a node, or changes what is written of one that is there.
    pub(super) fn set_node(&mut self, key: &str, name: &str, written: &NodeWritten) -> Result<(), Invalid> {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.name == name) {
            return node.change(key, written, &self.places);
        }
        let place = written.place.as_deref().ok_or_else(|| {
            Invalid::new(key, "is new and has no place: write place = \"…\", or mend the name of the node")
        })?;
        let mut node = Node {
            name: name.to_owned(),
            place: self.places.find(key, place)?,
            addresses: Vec::new(),
            silent: false,
            icmp_delay: Duration::ZERO,
            answers_per_second: None,
            drops: BTreeSet::new(),
            refuses: RefusalWritten::Nothing,
            forges: Vec::new(),
            sends_on: None,
            fronts: false,
            quotes: LEAST_QUOTE,
            answers: BTreeSet::from([Protocol::Icmp, Protocol::Udp]),
            open: BTreeSet::new(),
            closed: BTreeSet::new(),
        };
        node.change(key, written, &self.places)?;
        self.nodes.push(node);
        Ok(())
    }

    /// Adds a path, or puts it in the place of the one with the same ends.
    pub(super) fn set_path(&mut self, key: &str, written: &PathWritten) -> Result<(), Invalid> {
        let from = written.from.as_deref().map(|name| self.find(&format!("{key}.from"), name)).transpose()?;
        let path = Path {
            from,
            to: network(written.to),
            via: self.hops(&format!("{key}.via"), &written.via)?,
            circle: self.hops(&format!("{key}.circle"), &written.circle)?,
        };
        self.paths.retain(|other| (other.from, other.to) != (path.from, path.to));
        self.paths.push(path);
        Ok(())
    }

    pub(super) fn set_link(&mut self, key: &str, written: &LinkWritten) -> Result<(), Invalid> {
        let [a, b] = &written.between;
        let (a, b) = (self.find(&format!("{key}.between"), a)?, self.find(&format!("{key}.between"), b)?);
        let one_way = milliseconds(&format!("{key}.ms"), written.ms)?;
        self.links.insert((a, b), one_way);
        self.links.insert((b, a), one_way);
        Ok(())
    }

    fn hops(&self, key: &str, written: &[HopWritten]) -> Result<Vec<Vec<NodeId>>, Invalid> {
        let hop = |hop: &HopWritten| match hop {
            HopWritten::One(name) => Ok(vec![self.find(key, name)?]),
            HopWritten::Spread(names) if names.is_empty() => {
                Err(Invalid::new(key, "spreads flows among no routers: name at least one"))
            }
            HopWritten::Spread(names) => names.iter().map(|name| self.find(key, name)).collect(),
        };
        written.iter().map(hop).collect()
    }

    /// The node of that name.
    pub(super) fn find(&self, key: &str, name: &str) -> Result<NodeId, Invalid> {
        let found = self.nodes.iter().position(|node| node.name == name);
        found.map(NodeId).ok_or_else(|| Invalid::new(key, format!("no node is called {name:?}: add [node.{name}]")))
    }

    /// The node itself.
    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }

    /// What the node that answers from `address` is called: for people, where exactly one does.
    pub(super) fn name_of(&self, address: IpAddr) -> Option<&str> {
        let mut owners = self.nodes.iter().filter(|node| node.owns(address));
        match (owners.next(), owners.next()) {
            (Some(node), None) => Some(&node.name),
            (None | Some(_), _) => None,
        }
    }

    /// The `hop`-th node (from 0) that packets of a flow meet on their way from `from` to `to`; the longest prefix
    /// counts, and of equals the one that names its beginning.
    pub(super) fn hop(&self, from: NodeId, to: IpAddr, flow: u64, hop: usize) -> Option<NodeId> {
        let path = self.path(from, to)?;
        let spread = match path.via.get(hop) {
            Some(spread) => spread,
            None => path.circle.get((hop - path.via.len()).checked_rem(path.circle.len())?)?,
        };
        let width = u64::try_from(spread.len()).ok()?;
        // Every router mixes its own number in, as real ones do, or flows would choose alike everywhere.
        let choice = mix(flow ^ mix(hop as u64)).checked_rem(width)?;
        spread.get(usize::try_from(choice).ok()?).copied()
    }

    fn path(&self, from: NodeId, to: IpAddr) -> Option<&Path> {
        let mine = self.paths.iter().filter(|path| path.to.contains(&to) && path.from.is_none_or(|f| f == from));
        mine.max_by_key(|path| (path.to.prefix_len(), path.from.is_some()))
    }

    /// How long a packet takes from one node to the next, one way.
    pub(super) fn one_way(&self, from: NodeId, to: NodeId) -> Duration {
        if let Some(explicit) = self.links.get(&(from, to)) {
            return *explicit + self.hop;
        }
        let distance = match (self.node(from), self.node(to)) {
            (Some(from), Some(to)) => from.place.distance_to(to.place).km(),
            (_, None) | (None, Some(_)) => 0.0,
        };
        Duration::from_secs_f64(distance * self.inflation / GLASS_KM_PER_MS / 1e3) + self.hop
    }
}

/// `ms` milliseconds, a day at most.
pub(super) fn milliseconds(key: &str, ms: f64) -> Result<Duration, Invalid> {
    let duration = Duration::try_from_secs_f64(ms / 1e3).ok().filter(|duration| *duration <= ONE_DAY);
    duration.ok_or_else(|| Invalid::new(key, format!("{ms} is not a number of milliseconds: write 0 to 86 400 000")))
}

/// Spreads the bits of a number (the finaliser of splitmix64, Steele et al. 2014): the same everywhere and always.
pub(super) fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
