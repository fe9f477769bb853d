use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use super::approach::{Approach, Side, approach, together};
use super::*;
use crate::location::outlines::Draft;
use crate::location::{Claim, Says};
use crate::place::{Coordinates, CountryCode};

/// Squares of ten degrees on the equator: home, from 0 to 10 degrees east, one 40 degrees to the east and one to the west
/// of it, 49 ms away, and one beyond the eastern one.
const SQUARES: [(&str, i32); 4] = [("EE", 50), ("NN", 60), ("PK", 0), ("WW", -50)];

static MAP: LazyLock<Outlines> = LazyLock::new(|| {
    let lines = SQUARES.map(|(_, east)| vec![(east, 0), (10, 0), (0, 10), (-10, 0), (0, -10)]);
    let draft = Draft {
        name: "squares".to_owned(),
        tolerance: Distance::ZERO,
        latitude: (0.0, 1.0),
        longitude: (0.0, 1.0),
        countries: SQUARES.iter().map(|(country, _)| country.parse().unwrap()).collect(),
        lines: lines.to_vec(),
        owners: (0u32..).zip(0u16..).take(SQUARES.len()).collect(),
    };
    Outlines::decode(&draft.encode().unwrap()).unwrap()
});

/// Home in the middle of a small map, where the vantage stands.
pub(super) struct World {
    reach: Reach,
    position: Position,
    home: Home,
}

impl World {
    pub(super) fn new() -> Self {
        let coordinates = Coordinates::new(5.0, 5.0).unwrap();
        let position = Position { coordinates, uncertainty: Distance::ZERO };
        Self { reach: MAP.reach(coordinates), position, home: Home::of(CountryCode::PAKISTAN) }
    }

    /// Reads a path of hops, each a country (`-` for a private address, an empty text for silence, `?` for one of which
    /// nothing is known) with its time, and the time of the target behind them.
    pub(super) fn trail<T>(&self, hops: &[(&str, f64)], target: Option<f64>, look: impl FnOnce(&Trail<'_>) -> T) -> T {
        let written = (1..=254_u8).zip(hops).map(|(ttl, (country, ms))| (ttl, *country, *ms));
        let target_ttl = u8::try_from(hops.len()).unwrap() + 1;
        let claims: Claims =
            written.clone().filter_map(|(ttl, country, _)| claim(address(ttl, country), country)).collect();
        let step = |ttl, answer: Option<(IpAddr, Rtt)>| Step { ttl, answer, witnessed: answer.map(|(_, rtt)| rtt) };
        let hops = written.map(|(ttl, country, ms)| {
            step(ttl, (!country.is_empty()).then(|| (address(ttl, country), Rtt::from_ms(ms).unwrap())))
        });
        let target_rtt = target.map(|ms| Rtt::from_ms(ms).unwrap());
        let last = target_rtt.map(|rtt| step(target_ttl, Some((TARGET, rtt))));
        let route = Route {
            target: TARGET,
            steps: hops.chain(last).collect(),
            target_rtt,
            unsteady_by: Rtt::default(),
            claims: &claims,
            standpoint: Some(Standpoint { position: self.position, reach: &self.reach, outlines: &MAP }),
            home: &self.home,
        };
        look(&Trail::of(route))
    }

    fn approach(&self, hops: &[(&str, f64)], target: f64) -> Option<(Side, usize)> {
        self.trail(hops, Some(target), approach).map(|approach| (approach.side, approach.hops))
    }

    fn course(&self, hops: &[(&str, f64)], target: Option<f64>, place: Place) -> Course {
        self.trail(hops, target, |trail| Outlook::of(trail).course(place))
    }
}

const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 175, 64, 10));

fn address(ttl: u8, country: &str) -> IpAddr {
    if country == "-" { [10, 0, 0, ttl].into() } else { [203, 82, 48, ttl].into() }
}

fn claim(about: IpAddr, country: &str) -> Option<Claim> {
    let says = Says::Country(country.parse().ok()?);
    Some(Claim { about, source: "dbip-country".to_owned(), dated: None, says })
}

#[test]
fn a_target_right_behind_hops_at_home_is_approached_from_home() {
    let world = World::new();
    assert_eq!(world.approach(&[("-", 51.0), ("PK", 58.0), ("PK", 59.0)], 60.0), Some((Side::Home, 2)));
    for hidden in [
        &[("PK", 58.0), ("PK", 59.0), ("", 0.0)][..],
        &[("PK", 58.0), ("PK", 59.0), ("-", 59.0)],
        &[("PK", 58.0), ("-", 59.0), ("PK", 59.0)],
        &[("PK", 58.0), ("?", 59.0), ("PK", 59.0)],
        &[("EE", 56.0), ("PK", 57.0), ("PK", 57.0)],
        &[("-", 51.0), ("PK", 58.0)],
    ] {
        assert_eq!(world.approach(hidden, 60.0), None, "{hidden:?}");
    }
}

#[test]
fn nothing_at_home_is_80_ms_away_whatever_the_hops_before_it_are_registered_as() {
    assert_eq!(World::new().approach(&[("PK", 79.0), ("PK", 79.0)], 80.0), Some((Side::Home, 2)));
    assert_eq!(World::new().approach(&[("PK", 79.0), ("PK", 79.0)], 80.1), None);
}

#[test]
fn a_target_right_behind_hops_abroad_is_approached_from_abroad() {
    let world = World::new();
    assert_eq!(world.approach(&[("PK", 8.0), ("EE", 60.0), ("EE", 61.0)], 62.0), Some((Side::Abroad, 2)));
    assert_eq!(world.approach(&[("EE", 60.0), ("", 0.0), ("EE", 61.0)], 62.0), Some((Side::Abroad, 2)));
    for hidden in [
        &[("PK", 8.0), ("EE", 60.0)][..],
        &[("EE", 60.0), ("EE", 61.0), ("", 0.0)],
        &[("EE", 60.0), ("EE", 61.0), ("-", 61.0)],
        &[("EE", 60.0), ("PK", 61.0), ("EE", 61.0)],
        &[("EE", 60.0), ("WW", 61.0)],
    ] {
        assert_eq!(world.approach(hidden, 62.0), None, "{hidden:?}");
    }
    assert_eq!(world.approach(&[("EE", 60.0), ("EE", 61.0)], 30.0), None, "the target answered too soon for both");
}

#[test]
fn a_target_that_is_silent_is_not_approached() {
    assert_eq!(World::new().trail(&[("PK", 8.0), ("PK", 9.0)], None, approach), None);
}

#[test]
fn traces_that_come_from_both_sides_say_nothing_together() {
    let from = |side, hops| Approach { side, hops, last_ttl: 9, last: TARGET };
    let (home, farther, abroad) = (from(Side::Home, 2), from(Side::Home, 3), from(Side::Abroad, 4));
    assert_eq!(together([home, farther]), Some(farther));
    assert_eq!(together([home, abroad, home]), None);
    assert_eq!(together([]), None);
}

#[test]
fn a_path_is_told_as_far_as_it_was_seen() {
    let world = World::new();
    for (hops, target, place, course) in [
        (&[("PK", 58.0), ("PK", 59.0)][..], Some(60.0), Place::Inside, Course::StaysIn),
        (&[("PK", 58.0), ("PK", 59.0)], Some(60.0), Place::Unknown, Course::Unknown),
        (&[("PK", 58.0), ("PK", 59.0)], Some(60.0), Place::Edge, Course::Unknown),
        (&[("PK", 58.0), ("PK", 59.0)], None, Place::Inside, Course::Unknown),
        (&[("", 0.0)], Some(40.0), Place::Unknown, Course::StaysIn),
        (&[("", 0.0)], Some(60.0), Place::Inside, Course::Unknown),
        (&[("EE", 60.0), ("EE", 60.0)], Some(61.0), Place::Inside, Course::LeavesAndReturns),
        (&[("EE", 60.0), ("EE", 60.0)], Some(61.0), Place::Unknown, Course::Leaves),
        (&[("EE", 60.0), ("EE", 60.0)], Some(61.0), Place::Edge, Course::Leaves),
        (&[("EE", 60.0), ("EE", 60.0)], None, Place::Outside, Course::Leaves),
        (&[("EE", 40.0), ("EE", 40.0)], Some(41.0), Place::Inside, Course::StaysIn),
        (&[], None, Place::Outside, Course::Leaves),
        (&[], None, Place::Inside, Course::Unknown),
    ] {
        assert_eq!(world.course(hops, target, place), course, "{hops:?} {target:?} {place}");
    }
}

#[test]
fn a_path_of_255_hops_is_read_like_any_other() {
    let hops = vec![("PK", 58.0); 254];
    assert_eq!(World::new().course(&hops, Some(60.0), Place::Inside), Course::StaysIn);
}
