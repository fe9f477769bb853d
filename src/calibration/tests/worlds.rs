//! Simulated worlds: who is put into quarantine where the truth is known.

use super::*;
use crate::place::EARTH_RADIUS_KM;

/// Light in glass, in km/ms one way: nothing that is simulated is faster.
const GLASS: f64 = 204.2;

/// A place on the globe, away from the poles.
fn anywhere() -> impl Strategy<Value = Coordinates> {
    (-60.0..65.0_f64, -179.0..179.0_f64)
        .prop_map(|(latitude, longitude)| Coordinates::new(latitude, longitude).unwrap())
}

/// The place so many km away in a direction (great circle).
fn away(from: Coordinates, km: f64, bearing: f64) -> Coordinates {
    let (angle, bearing) = (km / EARTH_RADIUS_KM, bearing.to_radians());
    let (latitude, longitude) = (from.latitude().to_radians(), from.longitude().to_radians());
    let to = (latitude.sin() * angle.cos() + latitude.cos() * angle.sin() * bearing.cos()).clamp(-1.0, 1.0).asin();
    let turned = (bearing.sin() * angle.sin() * latitude.cos()).atan2(angle.cos() - latitude.sin() * to.sin());
    let longitude = (longitude + turned).to_degrees();
    Coordinates::new(to.to_degrees(), (longitude + 540.0).rem_euclid(360.0) - 180.0).unwrap()
}

/// A host in one place, and how much longer than light in glass the way to it is.
#[derive(Clone, Debug)]
struct Host {
    place: Coordinates,
    inflation: f64,
    queue: f64,
}

/// A vantage, with where it really stands.
#[derive(Clone, Debug)]
struct Standing {
    vantage: Vantage,
    truly: Coordinates,
}

fn vantage_at(id: &str, said: Coordinates, uncertainty: f64) -> Vantage {
    let position = Some(Position { coordinates: said, uncertainty: Distance::from_km(uncertainty) });
    Vantage { id: VantageId(id.to_owned()), position, asn: None }
}

/// An honest vantage somewhere: really within its uncertainty of where it is said to stand.
fn honest(id: usize, near: Coordinates) -> impl Strategy<Value = Standing> {
    (1.0..50.0_f64, 0.0..0.98_f64, 0.0..360.0_f64).prop_map(move |(uncertainty, part, bearing)| {
        let vantage = vantage_at(&format!("honest-{id}"), near, uncertainty);
        Standing { vantage, truly: away(near, uncertainty * part, bearing) }
    })
}

/// What everybody measured of hosts in ordinary networks of their own, by routes that are `inflation` times as long as they
/// could be and `queue` ms slower.
fn seen_by_all(vantages: &[Standing], hosts: &[Host], are_landmarks: bool) -> Vec<Observation> {
    let of_host = |(at, Host { place, inflation, queue }): (u32, &Host)| {
        let declared = || landmark("true", "DE", Some((place.latitude(), place.longitude())));
        let says: Vec<_> = are_landmarks.then(declared).into_iter().chain([network(100 + at, "DE")]).collect();
        let of_vantage = |standing: &Standing| {
            let ms = standing.truly.distance_to(*place).km() * 2.0 / GLASS * inflation + queue;
            seen(&standing.vantage, NOON, &format!("198.41.{at}.1"), ms, &says)
        };
        vantages.iter().map(of_vantage).collect::<Vec<_>>()
    };
    (0..).zip(hosts).flat_map(of_host).collect()
}

/// Who is in quarantine. Nobody has to stand at home for that.
fn in_quarantine(observations: &[Observation]) -> Vec<String> {
    let hubs = Arc::new(Hubs::shipped());
    let calibration = Calibration::survey(&home(), hubs, Window::Around, observations, &borders(&[]));
    assert_eq!(calibration.misplaced(noon()).count(), 0);
    calibration.quarantined(noon()).keys().map(|id| id.0.clone()).collect()
}

fn hosts() -> impl Strategy<Value = Vec<Host>> {
    let host = (anywhere(), 1.0..4.0_f64, 0.05..400.0_f64);
    let host = host.prop_map(|(place, inflation, queue)| Host { place, inflation, queue });
    proptest::collection::vec(host, 3..25)
}

/// Hosts within 15 km of a place, which answer at once.
fn hosts_near(place: Coordinates) -> impl Strategy<Value = Vec<Host>> {
    let host = (0.0..15.0_f64, 0.0..360.0_f64, 1.0..2.0_f64, 0.05..0.2_f64);
    let host = host.prop_map(move |(km, bearing, inflation, queue)| Host {
        place: away(place, km, bearing),
        inflation,
        queue,
    });
    proptest::collection::vec(host, 3..8)
}

fn honest_anywhere() -> impl Strategy<Value = Vec<Standing>> {
    let one = |id: usize| anywhere().prop_flat_map(move |place| honest(id, place));
    [one(0), one(1), one(2), one(3)].prop_map(Vec::from)
}

/// A vantage that is said to stand 500 km or more from where it does.
fn moved(truly: Coordinates) -> impl Strategy<Value = Standing> {
    let said = (500.0..15_000.0_f64, 0.0..360.0_f64, 1.0..10.0_f64);
    said.prop_map(move |(km, bearing, uncertainty)| {
        let said = away(truly, km + uncertainty, bearing);
        Standing { vantage: vantage_at("moved", said, uncertainty), truly }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn honest_vantages_are_never_in_quarantine(vantages in honest_anywhere(), hosts in hosts(), is_anycast in any::<bool>()) {
        let mut all = seen_by_all(&vantages, &hosts, true);
        prop_assert_eq!(in_quarantine(&all), Vec::<String>::new());
        all = seen_by_all(&vantages, &hosts, false);
        if is_anycast {
            let here = |standing: &Standing| seen(&standing.vantage, NOON, "199.7.83.42", 0.5, &[network(99, "US")]);
            all.extend(vantages.iter().map(here));
        }
        prop_assert_eq!(in_quarantine(&all), Vec::<String>::new());
    }

    #[test]
    fn one_that_was_moved_500_km_among_three_good_ones_is_the_one_in_quarantine(
        (vantages, near, far) in anywhere().prop_flat_map(|city| {
            let good = [0, 1, 2].map(|id| (0.0..10.0_f64, 0.0..360.0_f64).prop_map(move |(km, bearing)| {
                let place = away(city, km, bearing);
                Standing { vantage: vantage_at(&format!("good-{id}"), place, 10.0), truly: place }
            }));
            ((moved(city), good), hosts_near(city), hosts())
        })
    ) {
        let (moved, good) = vantages;
        let vantages: Vec<_> = good.into_iter().chain([moved]).collect();
        let hosts: Vec<_> = near.into_iter().chain(far).collect();
        prop_assert_eq!(in_quarantine(&seen_by_all(&vantages, &hosts, false)), ["moved"]);
        let by_landmarks = in_quarantine(&seen_by_all(&vantages[2..], &hosts, true));
        prop_assert_eq!(by_landmarks, ["moved"], "one good one and landmarks are enough");
    }

    #[test]
    fn nobody_is_in_quarantine_without_the_one_that_was_moved(
        mut vantages in honest_anywhere(),
        moved in anywhere().prop_flat_map(moved),
        (hosts, near) in anywhere().prop_flat_map(|place| (hosts(), hosts_near(place)))
    ) {
        vantages.truncate(3);
        vantages.push(moved);
        let hosts: Vec<_> = near.into_iter().chain(hosts).collect();
        let found = in_quarantine(&seen_by_all(&vantages, &hosts, false));
        prop_assert!(found.is_empty() || found.contains(&"moved".to_owned()), "{:?}", found);
        prop_assert!(found.len() <= 2, "{:?}", found);
    }
}
