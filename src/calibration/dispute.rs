//! Vantages that contradict each other about many addresses of few networks.
//!
//! One network, or two, may have put their addresses into several places without saying so, so that nobody is in quarantine
//! for it. But a vantage that is not where it is said to be shows in the same way: that is for somebody to look into.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::contradiction::Clashing;
use super::table::Standpoint;
use crate::moment::Rtt;
use crate::place::Distance;
use crate::printable::Escaped;
use crate::vantage::{Vantage, VantageId};

/// How many addresses two vantages have to contradict each other about for a remark.
pub const DISPUTED: usize = 3;

/// Two vantages that contradict each other about addresses of fewer networks than put anybody into quarantine. Its display
/// is one sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispute {
    /// The two, by name.
    pub vantages: [VantageId; 2],
    /// How far apart they are said to stand.
    pub apart: Distance,
    /// How many addresses.
    pub addresses: usize,
    /// In how many networks.
    pub networks: usize,
    /// One of them.
    pub address: IpAddr,
    /// The times in which that one answered the two.
    pub rtts: [Rtt; 2],
}

impl fmt::Display for Dispute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vantages: [one, other], apart, addresses, networks, address, rtts: [first, second] } = self;
        let (one, other) = (Escaped(&one.0), Escaped(&other.0));
        let networks = if *networks == 1 { "1 network".to_owned() } else { format!("{networks} networks") };
        write!(f, "{one} and {other}, {apart} apart, contradict each other about {addresses} addresses in {networks}")?;
        write!(
            f,
            " ({address} answered them in {first} and {second}): either the addresses are anycast, or one of the"
        )?;
        f.write_str(" two does not stand where it is said to")
    }
}

/// Those of pairs that contradict each other about enough addresses, by name.
pub(super) fn find(
    pairs: impl Iterator<Item = ((Standpoint, Standpoint), Clashing)>,
    vantages: &[&Vantage],
) -> BTreeMap<[VantageId; 2], Dispute> {
    let mut disputes: BTreeMap<[VantageId; 2], Dispute> = BTreeMap::new();
    for (pair, clashing) in pairs.filter(|(_, clashing)| clashing.addresses >= DISPUTED) {
        let Some(dispute) = told(pair, &clashing, vantages) else { continue };
        let rank = |dispute: &Dispute| (dispute.addresses, dispute.networks, dispute.rtts);
        // A vantage may have been described twice, at nearly one place.
        let known = disputes.get(&dispute.vantages);
        if known.is_none_or(|known| rank(known) < rank(&dispute)) {
            disputes.insert(dispute.vantages.clone(), dispute);
        }
    }
    disputes
}

fn told((a, b): (Standpoint, Standpoint), clashing: &Clashing, vantages: &[&Vantage]) -> Option<Dispute> {
    let (address, first, second, apart) = *clashing.networks.values().min_by_key(|(address, ..)| *address)?;
    let mut both = [(vantages.get(a)?.id.clone(), first), (vantages.get(b)?.id.clone(), second)];
    both.sort();
    let [(one, first), (other, second)] = both;
    let (addresses, networks) = (clashing.addresses, clashing.networks.len());
    Some(Dispute { vantages: [one, other], apart, addresses, networks, address, rtts: [first, second] })
}
