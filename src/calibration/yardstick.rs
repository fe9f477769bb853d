//! What a vantage's times mean: the floor below which nothing abroad answers, what is known abroad and at home, and the
//! rules that compare a time with them.

use std::net::IpAddr;

use super::hubs::{LEAST_INFLATION, MEDIAN_INFLATION, WayAbroad};
use crate::moment::Rtt;
use crate::network::Asn;
use crate::printable::Printable;

/// An address is near when it answers in less than this part of the floor.
pub const NEAR: f64 = 0.8;

/// How many foreign landmarks set the floor, and how many addresses known abroad a *soon* one has to outrun.
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
    /// Of how many.
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

    /// Whether an address with this time is soon: not near, and sooner than every one of at least [`ENOUGH`] addresses
    /// that are known to be abroad.
    pub fn is_soon(&self, rtt: Rtt) -> bool {
        let outran = |known: &Known| known.count >= ENOUGH && rtt < known.rtt;
        !self.is_near(rtt) && self.fastest_abroad.as_ref().is_some_and(outran)
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
pub(super) fn near(floor: Rtt) -> Option<Rtt> {
    Rtt::from_ms(floor.ms() * NEAR)
}

/// What one vantage measured of what is known, so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    abroad: Option<Known>,
    landmarks: Option<Known>,
    /// The name of the fastest landmark.
    landmark: String,
    elsewhere_at_home: Option<Known>,
}

impl Tally {
    /// Counts an address that is known to be abroad.
    pub(super) fn count_abroad(&mut self, address: IpAddr, rtt: Rtt) {
        count(&mut self.abroad, address, rtt);
    }

    /// Counts a landmark abroad.
    pub(super) fn count_landmark(&mut self, address: IpAddr, rtt: Rtt, name: &str) {
        if count(&mut self.landmarks, address, rtt) {
            name.clone_into(&mut self.landmark);
        }
    }

    /// Counts an address at home in another network than the vantage's own.
    pub(super) fn count_elsewhere_at_home(&mut self, address: IpAddr, rtt: Rtt) {
        count(&mut self.elsewhere_at_home, address, rtt);
    }

    /// The yardstick of a vantage in the network `asn` with this way abroad.
    pub(super) fn yardstick(self, asn: Option<Asn>, way: Option<&WayAbroad>) -> Yardstick {
        let floor = self.floor(way);
        let near = floor.as_ref().and_then(|floor| near(floor.rtt));
        let normal = self.elsewhere_at_home.filter(|known| near.is_some_and(|near| known.rtt < near));
        Yardstick { asn, floor, fastest_abroad: self.abroad, fastest_landmark: self.landmarks, normal }
    }

    /// Enough landmarks set it, but never above what the median inflation makes of the way abroad: landmarks that are all
    /// far away say nothing of what is near. Fewer can only lower it.
    fn floor(&self, way: Option<&WayAbroad>) -> Option<Floor> {
        let modelled = |inflation: f64| {
            let floor = |way: &WayAbroad| Floor {
                rtt: way.rtt(inflation),
                from: format!("{way} at {inflation:.2} times light in glass"),
            };
            way.map(floor)
        };
        let Some(fastest) = &self.landmarks else { return modelled(LEAST_INFLATION) };
        let name = Printable(&self.landmark);
        let measured = Floor {
            rtt: fastest.rtt,
            from: format!("the landmark {name} ({}), the fastest of {} abroad", fastest.address, fastest.count),
        };
        let most = modelled(if fastest.count >= ENOUGH { MEDIAN_INFLATION } else { LEAST_INFLATION });
        match most {
            None => Some(measured).filter(|_| fastest.count >= ENOUGH),
            Some(most) => Some(if measured.rtt <= most.rtt { measured } else { most }),
        }
    }
}

/// Counts an address, and whether it is the fastest so far; of two that are as fast, the lower address is.
fn count(known: &mut Option<Known>, address: IpAddr, rtt: Rtt) -> bool {
    let count = known.as_ref().map_or(0, |known| known.count) + 1;
    let is_fastest = known.as_ref().is_none_or(|known| (rtt, address) < (known.rtt, known.address));
    match known {
        Some(known) if !is_fastest => known.count = count,
        _ => *known = Some(Known { rtt, address, count }),
    }
    is_fastest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: f64) -> Rtt {
        Rtt::from_ms(ms).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([198, 51, 100, last])
    }

    fn yardstick(abroad: &[f64], floor: f64) -> Yardstick {
        let mut tally = Tally::default();
        for (last, rtt) in (1..).zip(abroad) {
            tally.count_abroad(address(last), ms(*rtt));
        }
        let floor = Floor { rtt: ms(floor), from: "a test".to_owned() };
        Yardstick { floor: Some(floor), ..tally.yardstick(None, None) }
    }

    #[test]
    fn near_is_below_four_fifths_of_the_floor() {
        let yardstick = yardstick(&[], 25.0);
        assert!(yardstick.is_near(ms(19.999)));
        assert!(!yardstick.is_near(ms(20.0)));
        assert!(!Yardstick::default().is_near(ms(0.1)), "without a floor nothing is near");
    }

    #[test]
    fn soon_outruns_five_that_are_known_abroad() {
        let five = yardstick(&[90.0, 43.0, 120.0, 200.0, 43.5], 25.0);
        assert_eq!(five.fastest_abroad, Some(Known { rtt: ms(43.0), address: address(2), count: 5 }));
        assert!(five.is_soon(ms(42.9)));
        assert!(!five.is_soon(ms(43.0)));
        assert!(!five.is_soon(ms(19.0)), "what is near is not soon as well");
        assert!(!yardstick(&[90.0, 43.0, 120.0, 200.0], 25.0).is_soon(ms(42.9)));
    }

    #[test]
    fn slow_is_beyond_80_ms_and_the_fastest_landmark() {
        let mut tally = Tally::default();
        assert!(tally.clone().yardstick(None, None).is_slow(ms(80.1)));
        tally.count_landmark(address(1), ms(95.0), "mumbai");
        let yardstick = tally.yardstick(None, None);
        assert!(!yardstick.is_slow(ms(95.0)) && yardstick.is_slow(ms(95.1)));
    }

    #[test]
    fn of_equally_fast_addresses_the_lower_is_named() {
        let mut tally = Tally::default();
        tally.count_abroad(address(9), ms(50.0));
        tally.count_abroad(address(3), ms(50.0));
        assert_eq!(tally.abroad, Some(Known { rtt: ms(50.0), address: address(3), count: 2 }));
    }
}
