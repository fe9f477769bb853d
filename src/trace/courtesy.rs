//! How fast probes may leave: all together, and to each destination network.
//!
//! A destination network is what one operator commonly runs as a whole: a /24 of IPv4, a /48 of IPv6. Each has a token
//! bucket of its own. A trace whose network is not due waits with its network, and the networks that are waited for stand
//! in the order in which they are due, so that waiting costs nothing. When a network is due, one of its traces has a turn:
//! one that was begun before one that was not, as traces that end make room, and of those the one that has waited longest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use crate::trace::pace::Pace;

/// How fast probes may leave.
#[derive(Clone, Debug)]
pub struct Courtesy {
    /// All together.
    pub host: Pace,
    /// To each destination network; `None` for as fast as the host may.
    pub network: Option<Pace>,
}

impl Courtesy {
    /// `host` probes a second all together, and `network` to each destination network.
    pub fn per_second(host: u32, network: u32) -> Self {
        Self { host: Pace::per_second(host), network: Some(Pace::per_second(network)) }
    }
}

impl From<Pace> for Courtesy {
    /// Without a budget for each network.
    fn from(host: Pace) -> Self {
        Self { host, network: None }
    }
}

/// The destination network of an address, as a number: its first 24 or 48 bits, below the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix(u64);

impl Prefix {
    /// That of `address`.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => 4 << 48 | u64::from(address.to_bits() >> 8),
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                6 << 48 | u64::from(a) << 32 | u64::from(b) << 16 | u64::from(c)
            }
        })
    }

    /// Its first address.
    pub fn first(self) -> IpAddr {
        let bits = self.0 & ((1 << 48) - 1);
        match u32::try_from(bits << 8) {
            Ok(bits) if self.0 >> 48 == 4 => IpAddr::from(bits.to_be_bytes()),
            Ok(_) | Err(_) => (u128::from(bits) << 80).to_be_bytes().into(),
        }
    }
}

/// A network that some trace is headed to, for as long as that trace has not left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NetworkId(usize);

/// The budgets of all networks that are headed to, and who waits for them. A network that nobody is headed to any more is
/// forgotten as soon as its bucket is full again.
#[derive(Debug)]
pub(super) struct Networks<T> {
    /// The budget of each; `None` for no bound.
    budget: Option<Pace>,
    names: BTreeMap<Prefix, NetworkId>,
    /// By number.
    known: Vec<Network<T>>,
    free: Vec<NetworkId>,
    /// The networks that are waited for, by when they are due; not those whose turn somebody has.
    due: BTreeSet<(Option<Instant>, NetworkId)>,
    /// The networks that nobody is headed to any more, by when they are as good as new.
    left: BTreeSet<(Option<Instant>, NetworkId)>,
}

#[derive(Debug)]
struct Network<T> {
    prefix: Prefix,
    pace: Pace,
    /// How many have joined and not left.
    members: usize,
    /// Who waits and has been there before, and who waits for the first time.
    waiting: [VecDeque<T>; 2],
    /// Who has the turn.
    turn: Option<T>,
}

impl<T: Copy + PartialEq> Networks<T> {
    /// Networks each of which has `budget`.
    pub(super) fn new(budget: Option<Pace>) -> Self {
        Self {
            budget,
            names: BTreeMap::new(),
            known: Vec::new(),
            free: Vec::new(),
            due: BTreeSet::new(),
            left: BTreeSet::new(),
        }
    }

    /// The network of `target`, for one more that is headed there.
    pub(super) fn join(&mut self, target: IpAddr, now: Instant) -> NetworkId {
        let Some(budget) = self.budget.clone() else { return NetworkId(usize::MAX) };
        self.forget_until(now);
        let prefix = Prefix::of(target);
        if let Some(&id) = self.names.get(&prefix) {
            self.enter(id);
            return id;
        }
        let waiting = [VecDeque::new(), VecDeque::new()];
        let network = Network { prefix, pace: budget, members: 1, waiting, turn: None };
        let id = self.free.pop().unwrap_or(NetworkId(self.known.len()));
        match self.known.get_mut(id.0) {
            Some(place) => *place = network,
            None => self.known.push(network),
        }
        self.names.insert(prefix, id);
        id
    }

    /// `who` is no longer headed to the network.
    pub(super) fn leave(&mut self, id: NetworkId, who: T) {
        let Some(network) = self.known.get_mut(id.0) else { return };
        network.members = network.members.saturating_sub(1);
        if network.members == 0 {
            self.due.remove(&(network.pace.next(), id));
            (network.waiting, network.turn) = Default::default();
            self.left.insert((network.pace.full_at(), id));
        } else if network.turn == Some(who) {
            network.turn = None;
            self.line_up(id);
        }
    }

    /// Whether `who`, which has been there before if it `has_begun`, may send to the network now. If not it waits there, and
    /// [`Networks::poll_turn`] tells when it has its turn.
    pub(super) fn admits(&mut self, id: NetworkId, who: T, has_begun: bool, now: Instant) -> bool {
        let Some(network) = self.known.get_mut(id.0) else { return true };
        let is_awaited = network.is_awaited();
        if network.turn == Some(who) || (!is_awaited && network.pace.allows(now)) {
            return true;
        }
        let [begun, new] = &mut network.waiting;
        if has_begun { begun } else { new }.push_back(who);
        if !is_awaited {
            self.line_up(id);
        }
        false
    }

    /// What became of somebody who was admitted: whether a probe was sent.
    pub(super) fn charge(&mut self, id: NetworkId, is_sent: bool, now: Instant) {
        let Some(network) = self.known.get_mut(id.0) else { return };
        if is_sent {
            network.pace.charge(now);
        }
        if network.turn.take().is_some() {
            self.line_up(id);
        }
    }

    /// The next who may send to a network that is due now, of those that are still `wanted`.
    pub(super) fn poll_turn(&mut self, now: Instant, wanted: impl Fn(T) -> bool) -> Option<T> {
        while let Some(&(due, id)) = self.due.first().filter(|(due, _)| due.is_none_or(|due| due <= now)) {
            self.due.remove(&(due, id));
            let Some(network) = self.known.get_mut(id.0) else { continue };
            let [begun, new] = &mut network.waiting;
            let mut in_line = std::iter::from_fn(|| begun.pop_front().or_else(|| new.pop_front()));
            network.turn = in_line.find(|who| wanted(*who));
            if network.turn.is_some() {
                return network.turn;
            }
        }
        None
    }

    /// When a network that is waited for is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().and_then(|&(due, _)| due)
    }

    fn enter(&mut self, id: NetworkId) {
        let Some(network) = self.known.get_mut(id.0) else { return };
        if network.members == 0 {
            self.left.remove(&(network.pace.full_at(), id));
        }
        network.members += 1;
    }

    /// Puts the network in the order of those that are due, if anybody waits for it.
    fn line_up(&mut self, id: NetworkId) {
        let Some(network) = self.known.get(id.0) else { return };
        if network.waiting.iter().any(|waiting| !waiting.is_empty()) {
            self.due.insert((network.pace.next(), id));
        }
    }

    fn forget_until(&mut self, now: Instant) {
        while let Some(&(full, id)) = self.left.first().filter(|(full, _)| full.is_none_or(|full| full <= now)) {
            self.left.remove(&(full, id));
            if let Some(network) = self.known.get(id.0) {
                self.names.remove(&network.prefix);
                self.free.push(id);
            }
        }
    }
}

impl<T> Network<T> {
    fn is_awaited(&self) -> bool {
        self.turn.is_some() || self.waiting.iter().any(|waiting| !waiting.is_empty())
    }
}

#[cfg(test)]
mod tests;
