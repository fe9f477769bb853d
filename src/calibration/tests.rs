use std::sync::LazyLock;

use super::*;
use crate::entry::tests::observation;
use crate::location::outlines::Outlines;
use crate::location::{Claim, Says};
use crate::network::NetworkKind;
use crate::observation::{Ping, PingBest};
use crate::place::{Coordinates, Distance};
use crate::trace::Protocol;
use crate::vantage::Position;

const LAHORE: (f64, f64) = (31.558, 74.3507);
const DUBAI: (f64, f64) = (25.2048, 55.2708);

const NOON: &str = "2026-06-05T12:00:00Z";

fn home() -> Home {
    Home::of("PK".parse().unwrap())
}

fn vantage(id: &str, asn: u32, (latitude, longitude): (f64, f64)) -> Vantage {
    let coordinates = Coordinates::new(latitude, longitude).unwrap();
    let position = Some(Position { coordinates, uncertainty: Distance::from_km(25.0) });
    Vantage { id: VantageId(id.to_owned()), position, asn: Some(Asn(asn)) }
}

/// What `vantage` measured of `address`, which `says` are about.
fn seen(vantage: &Vantage, at: &str, address: &str, ms: f64, says: &[Says]) -> Observation {
    let mut seen = observation("", &format!("tcp://{address}:443"));
    seen.vantage = vantage.clone();
    seen.observed = at.parse().unwrap();
    seen.resolutions.clear();
    seen.contacts.clear();
    let about = address.parse().unwrap();
    let best = Some(PingBest { rtt_ns: Rtt::from_ms(ms).unwrap(), samples: 3 });
    let started = seen.observed;
    seen.pings = vec![Ping { address: about, protocol: Protocol::Icmp, started, attempts: 3, resets: 0, best }];
    let claim = |says: &Says| Claim { about, source: "a test".to_owned(), dated: None, says: says.clone() };
    seen.claims = says.iter().map(claim).collect();
    seen
}

fn country(code: &str) -> Says {
    Says::Country(code.parse().unwrap())
}

fn network(asn: u32, code: &str) -> Says {
    let (name, country) = ("Example".to_owned(), Some(code.parse().unwrap()));
    Says::Announced { asn: Asn(asn), name, kind: NetworkKind::Ordinary, country }
}

fn borders(observations: &[Observation]) -> Borders {
    static WORLD: LazyLock<Arc<Outlines>> =
        LazyLock::new(|| Arc::new(Outlines::decode(include_bytes!("../../geodb/borders.gz")).unwrap()));
    let mut borders = Borders::new(Arc::clone(&WORLD));
    for observation in observations {
        borders.meet(&observation.vantage);
    }
    borders
}

fn surveyed(observations: &[Observation], window: Window) -> Calibration {
    let borders = borders(observations);
    let mut calibration = Calibration::new(&home(), Arc::new(Hubs::shipped()), window);
    for observation in observations {
        calibration.handle_observation(observation, &borders);
    }
    calibration.finish();
    calibration
}

fn noon() -> Timestamp {
    NOON.parse().unwrap()
}

#[test]
fn a_vantage_at_home_has_a_floor_before_anything_was_measured_and_one_abroad_has_none() {
    let (lahore, dubai) = (vantage("lhe", 1, LAHORE), vantage("dxb", 2, DUBAI));
    let nobody = Vantage { id: VantageId("nowhere".to_owned()), position: None, asn: None };
    let silent: Vec<_> = [&lahore, &dubai, &nobody].map(|vantage| seen(vantage, NOON, "10.0.0.1", 1.0, &[])).into();
    let calibration = surveyed(&silent, Window::Around);
    let yardstick = calibration.yardstick(&lahore, noon()).unwrap();
    assert!((24.0..25.0).contains(&yardstick.floor.as_ref().unwrap().rtt.ms()), "{yardstick:?}");
    assert_eq!((yardstick.asn, &yardstick.fastest_abroad), (Some(Asn(1)), &None));
    assert_eq!(calibration.yardstick(&dubai, noon()), None);
    assert_eq!(calibration.yardstick(&nobody, noon()), None);
    assert_eq!(calibration.yardstick(&vantage("lhe", 9, LAHORE), noon()), None, "described otherwise, and not met");
}

#[test]
fn an_address_at_home_in_another_network_that_is_near_makes_a_vantage_normal() {
    let lahore = vantage("lhe", 1, LAHORE);
    for (asn, ms, is_normal) in [(2, 11.0, true), (1, 11.0, false), (2, 30.0, false)] {
        let seen = [seen(&lahore, NOON, "203.101.184.1", ms, &[country("PK"), network(asn, "PK")])];
        let calibration = surveyed(&seen, Window::Around);
        assert_eq!(calibration.yardstick(&lahore, noon()).unwrap().is_normal(), is_normal, "AS{asn} {ms} ms");
    }
}
