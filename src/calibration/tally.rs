//! What a vantage measured of addresses whose side of the border is known → its [`Yardstick`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::facts::{Called, Neighbourhood};
use super::hubs::{LEAST_INFLATION, MEDIAN_INFLATION, WayAbroad};
use crate::location::yardstick::{ENOUGH, Floor, Known, Yardstick, near};
use crate::moment::Rtt;
use crate::network::Asn;

/// What one vantage measured of what is known, so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    abroad: Option<Known>,
    /// The networks that those abroad are in.
    networks_abroad: BTreeSet<Neighbourhood>,
    landmarks: Option<Known>,
    /// The name of the fastest landmark.
    landmark: String,
    elsewhere_at_home: Option<Known>,
}

impl Tally {
    /// Counts an address that is known to be abroad, in a network that counts once.
    pub(super) fn count_abroad(&mut self, address: IpAddr, rtt: Rtt, network: Neighbourhood) {
        count(&mut self.abroad, address, rtt);
        self.networks_abroad.insert(network);
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
        let count = self.networks_abroad.len();
        let fastest_abroad = self.abroad.map(|known| Known { count, ..known });
        Yardstick { asn, floor, fastest_abroad, fastest_landmark: self.landmarks, normal }
    }

    /// Enough landmarks set it, but never above what the median inflation makes of the way abroad. Fewer can only lower it,
    /// and so can landmarks that are all farther away than that: they say nothing of what is near.
    fn floor(&self, way: Option<&WayAbroad>) -> Option<Floor> {
        let modelled = |inflation: f64| {
            let floor = |way: &WayAbroad| Floor {
                rtt: way.rtt(inflation),
                from: format!("{way} at {inflation:.2} times light in glass"),
            };
            way.map(floor)
        };
        let Some(fastest) = &self.landmarks else { return modelled(LEAST_INFLATION) };
        let landmark = Called(&self.landmark, fastest.address);
        let measured = Floor { rtt: fastest.rtt, from: format!("{landmark}, the fastest of {} abroad", fastest.count) };
        let are_near = way.is_none_or(|way| fastest.rtt <= way.rtt(MEDIAN_INFLATION));
        let enough = fastest.count >= ENOUGH && are_near;
        let most = modelled(if enough { MEDIAN_INFLATION } else { LEAST_INFLATION });
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

    fn network(last: u8) -> Neighbourhood {
        Neighbourhood::Announced(Asn(last.into()))
    }

    fn yardstick(abroad: &[f64], floor: f64) -> Yardstick {
        let mut tally = Tally::default();
        for (last, rtt) in (1..).zip(abroad) {
            tally.count_abroad(address(last), ms(*rtt), network(last));
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
    fn the_fastest_of_those_abroad_is_known_by_its_time() {
        let five = yardstick(&[90.0, 43.0, 120.0, 200.0, 43.5], 25.0);
        assert_eq!(five.fastest_abroad, Some(Known { rtt: ms(43.0), address: address(2), count: 5 }));
    }

    #[test]
    fn addresses_of_one_network_abroad_count_once() {
        let mut tally = Tally::default();
        for (last, rtt) in [(1, 90.0), (2, 43.0), (3, 44.0)] {
            tally.count_abroad(address(last), ms(rtt), network(last.min(2)));
        }
        let known = Known { rtt: ms(43.0), address: address(2), count: 2 };
        assert_eq!(tally.yardstick(None, None).fastest_abroad, Some(known));
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
        tally.count_abroad(address(9), ms(50.0), network(9));
        tally.count_abroad(address(3), ms(50.0), network(3));
        assert_eq!(tally.abroad, Some(Known { rtt: ms(50.0), address: address(3), count: 2 }));
    }
}
