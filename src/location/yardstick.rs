//! What a vantage's times mean: the floor below which nothing abroad answers, what is known abroad and at home, and the
//! rules that compare a time with them.

use std::net::IpAddr;

use crate::moment::Rtt;
use crate::network::Asn;

/// An address is near when it answers in less than this part of the floor.
pub const NEAR: f64 = 0.8;

/// How many foreign landmarks set the floor, and in how many networks an answer has to outrun all addresses known abroad
/// at the least.
pub const ENOUGH: usize = 5;

/// What is slower than this, in milliseconds, may be far: of 51 addresses at home in a mesh of 245 servers in ten
/// countries, none was slower from every server at home.
pub const SLOW_MS: f64 = 80.0;

/// The fastest of several addresses that are known to be somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its best time.
    pub rtt: Rtt,
    /// The fastest.
    pub address: IpAddr,
    /// Of how many; abroad, of those in how many different networks.
    pub count: usize,
}

/// The time below which nothing abroad is likely to answer a vantage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The time.
    pub rtt: Rtt,
    /// Where it comes from, in words: which hub by way of which landing, or which landmark.
    pub from: String,
}

/// What the times of one vantage at home are measured by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Yardstick {
    /// The network that the vantage stands in.
    pub asn: Option<Asn>,
    /// Below which nothing abroad answers; `None` where nobody can tell.
    pub floor: Option<Floor>,
    /// The fastest of the addresses known to be abroad, landmarks among them.
    pub fastest_abroad: Option<Known>,
    /// The fastest of the landmarks abroad.
    pub fastest_landmark: Option<Known>,
    /// The fastest of the addresses at home, in another network than the vantage's own, that are near: with one of them
    /// the vantage is normal, and a slow answer is not merely its own bad day.
    pub normal: Option<Known>,
}

impl Yardstick {
    /// The time below which an address is near.
    pub fn near(&self) -> Option<Rtt> {
        self.floor.as_ref().and_then(|floor| near(floor.rtt))
    }

    /// Whether an address with this time is near: sooner than anything abroad is likely to answer.
    pub fn is_near(&self, rtt: Rtt) -> bool {
        self.near().is_some_and(|near| rtt < near)
    }

    /// Whether an address with this time is slow: slower than [`SLOW_MS`], and than the fastest landmark abroad.
    pub fn is_slow(&self, rtt: Rtt) -> bool {
        rtt.ms() > SLOW_MS && self.fastest_landmark.as_ref().is_none_or(|landmark| rtt > landmark.rtt)
    }

    /// Whether the vantage has been seen to reach another network at home without a detour.
    pub fn is_normal(&self) -> bool {
        self.normal.is_some()
    }
}

/// The time below which an address is near, for a floor.
pub fn near(floor: Rtt) -> Option<Rtt> {
    Rtt::from_ms(floor.ms() * NEAR)
}

/// What the times of a vantage are measured by of which nothing is known: nothing is near it, and none of its times is
/// more than a time.
pub static UNKNOWN: Yardstick =
    Yardstick { asn: None, floor: None, fastest_abroad: None, fastest_landmark: None, normal: None };
