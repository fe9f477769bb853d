use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::entry::tests::observation;
use crate::location::outlines::Outlines;
use crate::location::{Claim, Says};
use crate::network::NetworkKind;
use crate::observation::{Ping, PingBest};
use crate::place::{Coordinates, CountrySet, Distance};
use crate::trace::Protocol;
use crate::vantage::Position;

mod worlds;

const LAHORE: (f64, f64) = (31.558, 74.3507);
const ISLAMABAD: (f64, f64) = (33.7215, 73.0433);
const DUBAI: (f64, f64) = (25.2048, 55.2708);
const FRANKFURT: (f64, f64) = (50.1109, 8.6821);

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
    Says::Announced { asn: Asn(asn), name, kind: NetworkKind::Ordinary, country, countries: CountrySet::default() }
}

/// The world, which has met these vantages, and those of Lahore, Islamabad, Dubai and Frankfurt once for all tests.
fn borders(observations: &[Observation]) -> Borders {
    static WORLD: LazyLock<Borders> = LazyLock::new(|| {
        let outlines = Outlines::decode(include_bytes!("../../geodb/borders.gz")).unwrap();
        let mut borders = Borders::new(Arc::new(outlines));
        for place in [LAHORE, ISLAMABAD, DUBAI, FRANKFURT] {
            borders.meet(&vantage("anybody", 0, place));
        }
        borders
    });
    let mut borders = WORLD.clone();
    for observation in observations {
        borders.meet(&observation.vantage);
    }
    borders
}

fn surveyed(observations: &[Observation], window: Window) -> Calibration {
    Calibration::survey(&home(), Arc::new(Hubs::shipped()), window, observations, &borders(observations))
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

fn landmark(name: &str, code: &str, place: Option<(f64, f64)>) -> Says {
    let coordinates = place.map(|(latitude, longitude)| Coordinates::new(latitude, longitude).unwrap());
    Says::Landmark { name: name.to_owned(), country: code.parse().unwrap(), coordinates }
}

/// `count` landmarks abroad, the fastest of which answers in `ms`.
fn landmarks(vantage: &Vantage, count: u8, ms: f64) -> Vec<Observation> {
    let seen = |at: u8| {
        let says = [landmark(&format!("landmark-{at}"), "AE", None)];
        seen(vantage, NOON, &format!("185.1.8.{at}"), ms + f64::from(at - 1), &says)
    };
    (1..=count).map(seen).collect()
}

#[test]
fn five_landmarks_set_the_floor_and_fewer_can_only_lower_it() {
    let lahore = vantage("lhe", 1, LAHORE);
    for (count, ms, least, most, words) in [
        (5, 31.0, 31.0, 31.0, "the landmark landmark-1 (185.1.8.1), the fastest of 5 abroad"),
        (4, 31.0, 24.0, 25.0, "by way of Karachi at 1.32 times light in glass"),
        (1, 19.0, 19.0, 19.0, "the landmark landmark-1 (185.1.8.1), the fastest of 1 abroad"),
        (6, 250.0, 24.0, 25.0, "by way of Karachi at 1.32 times light in glass"),
    ] {
        let calibration = surveyed(&landmarks(&lahore, count, ms), Window::Around);
        let yardstick = calibration.yardstick(&lahore, noon()).unwrap();
        let floor = yardstick.floor.clone().unwrap();
        assert!((least..=most).contains(&floor.rtt.ms()) && floor.from.ends_with(words), "{count} {ms}: {floor:?}");
        assert_eq!(yardstick.fastest_landmark.as_ref().unwrap().count, usize::from(count));
        let abroad = yardstick.fastest_abroad.clone().unwrap();
        assert_eq!((abroad.rtt, abroad.count), (yardstick.fastest_landmark.as_ref().unwrap().rtt, 1), "one /24");
    }
}

#[test]
fn what_answers_below_the_hub_floor_is_not_abroad_and_is_named() {
    let (lahore, islamabad) = (vantage("lhe", 1, LAHORE), vantage("isb", 2, ISLAMABAD));
    let abroad = [country("AE"), network(9, "AE")];
    let seen = [
        seen(&lahore, NOON, "198.41.0.4", 12.0, &abroad),
        seen(&islamabad, NOON, "198.41.0.4", 30.0, &abroad),
        seen(&islamabad, NOON, "185.1.8.1", 120.0, &abroad),
    ];
    let calibration = surveyed(&seen, Window::Around);
    let known = calibration.yardstick(&islamabad, noon()).unwrap().fastest_abroad.clone().unwrap();
    assert_eq!((known.address.to_string().as_str(), known.count), ("185.1.8.1", 1), "nor for those it was slow for");
    let words = "198.41.0.4 is said to be abroad and answered lhe in 12.000 ms: it does not count as known abroad";
    assert_eq!(calibration.remarks(), [words]);
    assert_eq!(calibration.dropped(noon()).count(), 1);
}

#[test]
fn sources_at_odds_and_shared_addresses_are_not_known() {
    let lahore = vantage("lhe", 1, LAHORE);
    let anycast = Says::Anycast { prefix: "198.41.0.0/24".parse().unwrap() };
    for says in [vec![country("AE"), country("PK")], vec![country("AE"), anycast], vec![Says::NoEntry]] {
        let calibration = surveyed(&[seen(&lahore, NOON, "198.41.0.4", 90.0, &says)], Window::Around);
        assert_eq!(calibration.yardstick(&lahore, noon()).unwrap().fastest_abroad, None, "{says:?}");
    }
}

#[test]
fn others_measurements_count_for_a_week_before_and_after() {
    let lahore = vantage("lhe", 1, LAHORE);
    let seen = |day: u8| {
        let abroad = [country("AE"), network(day.into(), "AE")];
        seen(&lahore, &format!("2026-06-{day:02}T12:00:00Z"), &format!("185.1.8.{day}"), 90.0, &abroad)
    };
    let days: Vec<_> = [2, 9, 10, 16, 17, 24].map(seen).into();
    let calibration = surveyed(&days, Window::Around);
    for (observation, known) in std::iter::zip(&days, [2, 4, 4, 4, 4, 2]) {
        let yardstick = calibration.yardstick(&lahore, observation.observed).unwrap();
        assert_eq!(yardstick.fastest_abroad.as_ref().unwrap().count, known, "{}", observation.observed);
    }
}

#[test]
fn what_the_daemon_judges_by_is_a_week_old_at_most_and_was_there_before_the_hour() {
    let lahore = vantage("lhe", 1, LAHORE);
    let seen = |at: &str, last: u8| {
        seen(&lahore, at, &format!("185.1.8.{last}"), 90.0, &[country("AE"), network(last.into(), "AE")])
    };
    let all = [
        seen("2026-06-05T12:10:00Z", 1),
        seen("2026-06-05T12:50:00Z", 2),
        seen("2026-06-05T13:00:00Z", 3),
        seen("2026-06-12T23:59:59Z", 4),
        seen("2026-06-13T00:00:00Z", 5),
    ];
    let calibration = surveyed(&all, Window::Before);
    for (observation, known) in std::iter::zip(&all, [None, None, Some(2), Some(3), Some(1)]) {
        let yardstick = calibration.yardstick(&lahore, observation.observed).unwrap();
        let count = yardstick.fastest_abroad.as_ref().map(|known| known.count);
        assert_eq!(count, known, "{}", observation.observed);
    }
}

#[test]
fn what_comes_late_counts_from_then_on() {
    let lahore = vantage("lhe", 1, LAHORE);
    let abroad = [country("AE"), network(9, "AE")];
    let late = seen(&lahore, "2026-06-03T12:00:00Z", "185.1.8.1", 90.0, &abroad);
    let borders = borders(&[]);
    let mut calibration = Calibration::new(&home(), Arc::new(Hubs::shipped()), Window::Before);
    calibration.handle_vantage(&lahore, &borders);
    let hours: [Timestamp; 2] = ["2026-06-05T10:00:00Z", NOON].map(|hour| hour.parse().unwrap());
    for hour in hours {
        calibration.settle(hour);
    }
    assert_eq!(calibration.yardstick(&lahore, noon()).unwrap().fastest_abroad, None);
    calibration.handle_observation(&late, &borders);
    for hour in hours {
        calibration.settle(hour);
        assert!(calibration.yardstick(&lahore, hour).unwrap().fastest_abroad.is_some(), "{hour}");
    }
    let an_hour_later = "2026-06-05T13:30:00Z".parse().unwrap();
    assert!(calibration.yardstick(&lahore, an_hour_later).unwrap().fastest_abroad.is_some(), "the last that is known");
}

#[test]
fn a_landmark_that_answers_too_soon_quarantines_the_vantage() {
    let (moved, honest) = (vantage("lhe", 1, FRANKFURT), vantage("isb", 2, ISLAMABAD));
    let says = [landmark("pie", "PK", Some(LAHORE)), network(9, "PK")];
    let seen = [seen(&moved, NOON, "203.101.184.1", 2.0, &says), seen(&honest, NOON, "203.101.184.1", 9.0, &says)];
    let calibration = surveyed(&seen, Window::Around);
    assert_eq!(calibration.quarantine(&honest, noon()), None);
    let why = calibration.quarantine(&moved, noon()).unwrap().to_string();
    let start = "lhe does not stand where it is said to: the landmark pie (203.101.184.1) answered it in 2.000 ms, ";
    assert!(why.starts_with(start) && why.ends_with(" km away, or the landmark is wrong"), "{why}");
    assert_eq!(calibration.quarantined(noon()).keys().collect::<Vec<_>>(), [&&moved.id]);
}

#[test]
fn several_landmarks_are_counted_and_not_all_told() {
    let moved = vantage("lhe", 1, FRANKFURT);
    let says = |name: &str| [landmark(name, "PK", Some(LAHORE)), network(9, "PK")];
    let seen = [1, 2, 3].map(|last| seen(&moved, NOON, &format!("203.101.184.{last}"), 2.0, &says("pie")));
    let calibration = surveyed(&seen, Window::Around);
    let why = calibration.quarantine(&moved, noon()).unwrap().to_string();
    assert!(
        why.contains("the landmark pie (203.101.184.1) answered it in 2.000 ms")
            && why.ends_with(", and 2 more like it")
    );
}

#[test]
fn a_vantage_that_contradicts_every_source_gets_a_remark_and_no_quarantine() {
    let (frankfurt, nobody) = (vantage("fra", 1, FRANKFURT), Vantage { position: None, ..vantage("at", 2, LAHORE) });
    let unanimous = |asn: u32| vec![country("PK"), network(asn, "PK")];
    let seen_by = |vantage: &Vantage, last: u8, ms: f64, says: &[Says]| {
        seen(vantage, NOON, &format!("203.101.184.{last}"), ms, says)
    };
    let four = |asns: [u32; 4], ms: f64| {
        let both = |(last, asn): (u8, u32)| [&frankfurt, &nobody].map(|v| seen_by(v, last, ms, &unanimous(asn)));
        (1..).zip(asns).flat_map(both).collect::<Vec<_>>()
    };
    let doubted = surveyed(&four([11, 12, 12, 13], 2.0), Window::Around);
    assert!(doubted.quarantined(noon()).is_empty());
    let remarks = doubted.remarks();
    let start = "fra may not stand where it is said to: 4 addresses in 3 networks answered it sooner than light comes from \
                 where every source has them (203.101.184.1 in 2.000 ms, from PK, ";
    let end = " km away): either that is wrong, or all sources are";
    assert!(remarks.len() == 1 && remarks[0].starts_with(start) && remarks[0].ends_with(end), "{remarks:?}");
    assert_eq!(doubted.doubted(noon()).keys().collect::<Vec<_>>(), [&&frankfurt.id]);

    let none = |observations: &[Observation]| surveyed(observations, Window::Around).remarks().is_empty();
    assert!(none(&four([11, 12, 12, 11], 2.0)), "two networks may both have moved");
    assert!(none(&four([11, 12, 12, 13], 120.0)), "light could have come from there");
    let mut disputed = four([11, 12, 12, 13], 2.0);
    disputed.push(seen_by(&frankfurt, 1, 2.0, &[country("DE")]));
    assert!(none(&disputed), "one source has the first elsewhere");
}

#[test]
fn judged_alone_a_vantage_is_measured_by_what_it_measured_itself() {
    let (moved, honest) = (vantage("khi", 1, LAHORE), vantage("isb", 2, ISLAMABAD));
    let abroad = |last: u8| seen(&honest, NOON, &format!("185.1.8.{last}"), 90.0, &[network(u32::from(last), "AE")]);
    let declared = [landmark("de-cix", "DE", Some(FRANKFURT))];
    let seen: Vec<_> = [seen(&moved, NOON, "185.1.9.1", 2.0, &declared), abroad(1), abroad(2)].into();
    let survey = |light| Survey::of(light, &home(), Window::Around, &seen, &borders(&seen));
    for (light, remarks) in [(Light::Alone, 1), (Light::Together, 1)] {
        let survey = survey(light);
        let calibration = |vantage: &Vantage| survey.calibration(&vantage.id).unwrap();
        assert!(calibration(&moved).quarantine(&moved, noon()).is_some(), "{light:?}");
        assert_eq!(calibration(&honest).quarantine(&honest, noon()), None);
        let known = calibration(&honest).yardstick(&honest, noon()).unwrap().fastest_abroad.clone().unwrap();
        assert_eq!((known.count, survey.remarks().len()), (2, remarks));
    }
    let alone = survey(Light::Alone);
    assert_eq!(alone.calibration(&honest.id).unwrap().quarantine(&moved, noon()), None, "others are not looked at");
}

#[test]
fn a_vantage_in_quarantine_has_no_yardstick_and_calls_nothing_at_home() {
    let (moved, honest) = (vantage("khi", 1, LAHORE), vantage("isb", 2, ISLAMABAD));
    let abroad = [country("DE"), network(9, "DE")];
    let seen = [
        seen(&moved, NOON, "185.1.8.1", 2.0, &[landmark("de-cix", "DE", Some(FRANKFURT))]),
        seen(&moved, NOON, "198.41.0.4", 3.0, &abroad),
        seen(&honest, NOON, "198.41.0.4", 130.0, &abroad),
    ];
    let calibration = surveyed(&seen, Window::Around);
    assert!(calibration.quarantine(&moved, noon()).is_some());
    assert_eq!(calibration.yardstick(&moved, noon()), None);
    assert_eq!(calibration.dropped(noon()).count(), 0);
    assert!(calibration.yardstick(&honest, noon()).unwrap().fastest_abroad.is_some());
}

#[test]
fn a_landmark_that_alone_contradicts_several_vantages_is_misplaced() {
    let vantages = [vantage("lhe", 1, LAHORE), vantage("isb", 2, ISLAMABAD)];
    let says = [landmark("slip", "DE", Some(FRANKFURT))];
    let seen: Vec<_> = vantages.iter().map(|vantage| seen(vantage, NOON, "185.1.8.1", 12.0, &says)).collect();
    let calibration = surveyed(&seen, Window::Around);
    assert!(calibration.quarantined(noon()).is_empty());
    let told: Vec<_> = calibration.misplaced(noon()).map(ToString::to_string).collect();
    let words = "the landmark slip (185.1.8.1) is not where it is declared to be: it answered isb and lhe sooner than light \
                 could: it is left out";
    assert_eq!(told, [words]);
    assert_eq!(calibration.yardstick(&vantages[0], noon()).unwrap().fastest_landmark, None);
}

/// What vantages measured of addresses in networks of their own, in ms.
fn measured(vantages: &[Vantage], times: &[&[f64]], says: impl Fn(u32) -> Vec<Says>) -> Vec<Observation> {
    let of_address = |(at, times): (u32, &&[f64])| {
        let (address, says) = (format!("198.41.{at}.1"), says(at));
        let of_vantage = |(vantage, ms): (&Vantage, &f64)| seen(vantage, NOON, &address, *ms, &says);
        std::iter::zip(vantages, *times).map(of_vantage).collect::<Vec<_>>()
    };
    (0..).zip(times).flat_map(of_address).collect()
}

#[test]
fn two_vantages_that_contradict_only_each_other_are_both_in_quarantine() {
    let vantages = [vantage("a", 1, LAHORE), vantage("b", 2, FRANKFURT)];
    let ordinary = |at| vec![network(100 + at, "DE")];
    let three: [&[f64]; 3] = [&[2.0, 1.0], &[3.0, 1.0], &[2.0, 2.0]];
    let calibration = surveyed(&measured(&vantages, &three, ordinary), Window::Around);
    assert_eq!(calibration.quarantined(noon()).len(), 2);
    let why = calibration.quarantine(&vantages[0], noon()).unwrap().to_string();
    let start = "where a is said to stand contradicts what others measured: 198.41.0.1 answered it in 2.000 ms and b, ";
    assert!(why.starts_with(start) && why.ends_with(" km away, in 1.000 ms, and 2 more like it"), "{why}");

    let two = surveyed(&measured(&vantages, &three[..2], ordinary), Window::Around);
    assert!(two.quarantined(noon()).is_empty(), "two addresses may be anycast");
    let one_network = surveyed(&measured(&vantages, &three, |_| vec![network(100, "DE")]), Window::Around);
    assert!(one_network.quarantined(noon()).is_empty(), "one network may be anycast");
    let prefix = "198.41.0.0/16".parse().unwrap();
    let listed = |at| vec![network(100 + at, "DE"), Says::Anycast { prefix }];
    assert!(surveyed(&measured(&vantages, &three, listed), Window::Around).quarantined(noon()).is_empty());
}

#[test]
fn the_one_that_contradicts_several_who_agree_is_the_one_in_quarantine() {
    let all = [vantage("moved", 1, LAHORE), vantage("b", 2, FRANKFURT), vantage("c", 3, FRANKFURT)];
    let three: [&[f64]; 3] = [&[2.0, 1.0, 2.0], &[3.0, 1.0, 2.0], &[2.0, 2.0, 2.0]];
    let calibration = surveyed(&measured(&all, &three, |at| vec![network(100 + at, "DE")]), Window::Around);
    assert_eq!(calibration.quarantined(noon()).keys().collect::<Vec<_>>(), [&&all[0].id]);
}

#[test]
fn an_id_that_is_described_at_two_places_proves_nothing_while_both_measured() {
    let [karachi, frankfurt] = [(24.86, 67.0), FRANKFURT].map(|place| vantage("fra", 1, place));
    let says = [country("DE"), network(9, "DE")];
    let seen = |vantage: &Vantage, at: &str| seen(vantage, at, "5.9.0.1", 0.9, &says);
    let minute = "2026-06-05T12:01:00Z";
    let both = [seen(&frankfurt, NOON), seen(&karachi, minute)];
    let words =
        "fra is described at 50.1109, 8.6821 and at 24.8600, 67.0000, 5649 km apart: give one of them another id";
    for order in [[0, 1], [1, 0]] {
        let calibration = surveyed(&order.map(|at: usize| both[at].clone()), Window::Around);
        for vantage in [&karachi, &frankfurt] {
            let why = calibration.quarantine(vantage, noon()).unwrap();
            assert_eq!(why.to_string(), words);
        }
        assert_eq!(calibration.remarks().len(), 1);
    }
    let other_day = "2026-06-14T12:00:00Z";
    let later = surveyed(&[seen(&frankfurt, NOON), seen(&karachi, other_day)], Window::Around);
    assert!(later.quarantined(noon()).is_empty() && later.quarantined(other_day.parse().unwrap()).is_empty());
    let mut silent = both[1].clone();
    silent.pings.clear();
    assert!(
        surveyed(&[both[0].clone(), silent], Window::Around).quarantined(noon()).is_empty(),
        "nothing was measured"
    );
    let renumbered = Vantage { asn: Some(Asn(7)), ..frankfurt.clone() };
    let nearby = vantage("fra", 1, (50.3, 8.9));
    let vague = Vantage { position: None, ..frankfurt.clone() };
    for other in [renumbered, nearby, vague] {
        let seen = [seen(&frankfurt, NOON), seen(&other, minute)];
        assert!(surveyed(&seen, Window::Around).quarantined(noon()).is_empty(), "{other:?}");
    }
}

#[test]
fn a_landmark_of_which_only_the_country_is_known_contradicts_who_light_could_not_have_reached_from_there() {
    let (lahore, frankfurt) = (vantage("lhe", 1, LAHORE), vantage("fra", 2, FRANKFURT));
    let says = |code: &str| [landmark("uae", code, None)];
    let calibration = surveyed(&[seen(&lahore, NOON, "185.1.8.1", 0.5, &says("AE"))], Window::Around);
    let why = calibration.quarantine(&lahore, noon()).unwrap().to_string();
    let start =
        "lhe does not stand where it is said to: the landmark uae (185.1.8.1) answered it in 0.500 ms, from AE, ";
    assert!(why.starts_with(start) && why.ends_with(" km away, or the landmark is wrong"), "{why}");
    for (code, ms) in [("AE", 30.0), ("PK", 0.5), ("RE", 0.5)] {
        let calibration = surveyed(&[seen(&lahore, NOON, "185.1.8.1", ms, &says(code))], Window::Around);
        assert_eq!(calibration.quarantine(&lahore, noon()), None, "{code} {ms}");
    }
    let both = [&lahore, &frankfurt].map(|vantage| seen(vantage, NOON, "185.1.8.1", 0.5, &says("AE")));
    let calibration = surveyed(&both, Window::Around);
    assert!(calibration.quarantined(noon()).is_empty());
    assert_eq!(calibration.misplaced(noon()).count(), 1, "who contradicts everybody is misplaced");
    let mut at_odds = both[0].clone();
    at_odds.claims.extend(both[0].claims.iter().cloned().map(|mut claim| {
        claim.says = landmark("uae", "OM", None);
        claim
    }));
    assert!(surveyed(&[at_odds], Window::Around).quarantined(noon()).is_empty(), "declared in two countries");
}

#[test]
fn two_that_contradict_each_other_about_many_addresses_of_few_networks_get_a_remark() {
    let vantages = [vantage("khi", 1, LAHORE), vantage("fra", 2, FRANKFURT)];
    let many: [&[f64]; 4] = [&[1.0, 2.0]; 4];
    let disputed = surveyed(&measured(&vantages, &many, |at| vec![network(100 + at % 2, "PK")]), Window::Around);
    assert!(disputed.quarantined(noon()).is_empty());
    let remarks = disputed.remarks();
    let words = " contradict each other about 4 addresses in 2 networks (198.41.0.1 answered them in 2.000 ms and 1.000 ms): \
                 either the addresses are anycast, or one of the two does not stand where it is said to";
    assert!(
        remarks.len() == 1 && remarks[0].starts_with("fra and khi, ") && remarks[0].ends_with(words),
        "{remarks:?}"
    );

    let remarks = |times: &[&[f64]], networks: u32| {
        let seen = measured(&vantages, times, |at| vec![network(100 + at % networks, "PK")]);
        surveyed(&seen, Window::Around).remarks()
    };
    assert!(remarks(&many[..2], 1).is_empty(), "two addresses may be anycast");
    assert!(remarks(&[[1.0, 90.0].as_slice(); 4], 1).is_empty(), "light could have been at both");
    let quarantined = remarks(&many, 3);
    assert!(quarantined.len() == 2 && quarantined.iter().all(|remark| remark.contains("nothing")), "{quarantined:?}");
}

#[test]
fn a_remark_that_does_not_hold_all_the_time_names_its_days() {
    let (lahore, says) = (vantage("lhe", 1, LAHORE), [landmark("de-cix", "DE", Some(FRANKFURT))]);
    let late = |day: u8| format!("2026-06-{day:02}T12:00:00Z");
    let contradicted = |day: u8| seen(&lahore, &late(day), "185.1.8.1", 1.0, &says);
    let other = |day: u8| seen(&lahore, &late(day), "5.9.0.1", 0.9, &[]);
    for (observations, start) in [
        (vec![contradicted(1), other(9)], "on 2026-06-01: lhe does not stand"),
        (vec![contradicted(1), other(2), other(10)], "on 2 days from 2026-06-01 to 2026-06-02: lhe does not stand"),
        (vec![contradicted(1), other(8)], "lhe does not stand"),
    ] {
        let remarks = surveyed(&observations, Window::Around).remarks();
        assert!(remarks.len() == 1 && remarks[0].starts_with(start), "{remarks:?}");
    }
    let before = surveyed(&[contradicted(1), other(2)], Window::Before).remarks();
    assert!(before.len() == 1 && before[0].starts_with("on 2026-06-02: lhe does not stand"), "{before:?}");
}

/// Random measurements of some vantages at home, some of them wrong about the world in every way.
fn any_observations() -> impl Strategy<Value = Vec<Observation>> {
    let [lahore, islamabad, frankfurt, dubai] = [LAHORE, ISLAMABAD, FRANKFURT, DUBAI];
    let moved = vantage("fra", 3, dubai);
    let vantages = [vantage("lhe", 1, lahore), vantage("isb", 2, islamabad), vantage("fra", 3, frankfurt), moved];
    let one = (0..4_usize, 0..20_i64, 0..24_i64, 0..12_u32, 0..8_usize, 1.0..300.0_f64);
    let one = one.prop_map(move |(who, day, hour, address, said, ms)| {
        let says = match said {
            0..=2 => vec![country("AE"), network(100 + address, "AE")],
            3..=4 => vec![country("PK"), network(100 + address, "PK")],
            5 => vec![country("PK"), network(100, "AE")],
            6 => vec![landmark(&format!("landmark-{address}"), "DE", Some(FRANKFURT)), network(100 + address, "DE")],
            _ => vec![landmark("another", "AE", None)],
        };
        let mut seen = seen(&vantages[who], NOON, &format!("198.41.{address}.1"), ms, &says);
        seen.observed = Timestamp::from_second(1_780_000_000 + (day * 24 + hour) * 3600).unwrap();
        seen
    });
    proptest::collection::vec(one, 1..60)
}

/// Everything a calibration says at the moments of `observations`.
fn told(calibration: &Calibration, observations: &[Observation]) -> BTreeSet<String> {
    let told = |observation: &Observation| {
        let (vantage, moment) = (&observation.vantage, observation.observed);
        let (yardstick, why) = (calibration.yardstick(vantage, moment), calibration.quarantine(vantage, moment));
        let mut dropped: Vec<_> = calibration.dropped(moment).collect();
        dropped.sort_by_key(|dropped| dropped.address);
        let (misplaced, doubted) = (calibration.misplaced(moment).collect::<Vec<_>>(), calibration.doubted(moment));
        format!("{} {moment} {yardstick:?} {why:?} {dropped:?} {misplaced:?} {doubted:?}", vantage.id)
    };
    observations.iter().map(told).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_observations_does_not_matter(
        (sorted, shuffled) in any_observations().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        for window in [Window::Around, Window::Before] {
            let (one, other) = (surveyed(&sorted, window), surveyed(&shuffled, window));
            prop_assert_eq!(told(&one, &sorted), told(&other, &sorted));
            prop_assert_eq!(one.remarks(), other.remarks());
        }
    }

    #[test]
    fn what_the_daemon_judged_by_follows_from_its_journal(mut all in any_observations()) {
        all.sort_by_key(|observation| observation.observed);
        let borders = borders(&all);
        let mut live = Calibration::new(&home(), Arc::new(Hubs::shipped()), Window::Before);
        let mut said = BTreeSet::new();
        for observation in &all {
            live.handle_observation(observation, &borders);
            live.settle(observation.observed);
            said.extend(told(&live, std::slice::from_ref(observation)));
        }
        prop_assert_eq!(said, told(&surveyed(&all, Window::Before), &all));
    }
}
