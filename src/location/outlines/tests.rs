use proptest::prelude::*;

use super::*;
use crate::place::{EARTH_RADIUS_KM, ELLIPSOID, Home};

/// The embedded map, read once for all tests.
fn world() -> &'static Outlines {
    static WORLD: std::sync::LazyLock<Outlines> =
        std::sync::LazyLock::new(|| Outlines::decode(include_bytes!("../../../geodb/borders.gz")).unwrap());
    &WORLD
}

fn at(latitude: f64, longitude: f64) -> Coordinates {
    Coordinates::new(latitude, longitude).unwrap()
}

fn code(code: &str) -> CountryCode {
    code.parse().unwrap()
}

/// A map of squares of ten degrees: their south-western corners.
fn squares(corners: &[(&str, i32, i32)]) -> Draft {
    let lines = corners.iter().map(|(_, north, east)| vec![(*east, *north), (10, 0), (0, 10), (-10, 0), (0, -10)]);
    Draft {
        name: "squares".to_owned(),
        tolerance: Distance::ZERO,
        latitude: (0.0, 1.0),
        longitude: (0.0, 1.0),
        countries: corners.iter().map(|(country, _, _)| code(country)).collect(),
        lines: lines.collect(),
        owners: (0u32..).zip(0u16..).take(corners.len()).collect(),
    }
}

#[test]
fn cities_lie_in_their_countries() {
    for (city, latitude, longitude, country) in [
        ("Karachi", 24.8608, 67.0104, "PK"),
        ("Lahore", 31.558, 74.3507, "PK"),
        ("Gilgit", 35.9208, 74.3144, "PK"),
        ("Muzaffarabad", 34.37, 73.4711, "PK"),
        ("Srinagar", 34.0837, 74.7973, "IN"),
        ("Siachen", 35.42, 77.11, "XS"),
        ("Amritsar", 31.634, 74.8723, "IN"),
        ("Kabul", 34.5553, 69.2075, "AF"),
        ("Dubai", 25.2048, 55.2708, "AE"),
        ("Suva", -18.1416, 178.4419, "FJ"),
        ("Chukotka, west of the antimeridian", 67.5, 179.5, "RU"),
        ("Chukotka, east of the antimeridian", 66.3, -172.5, "RU"),
        ("Maseru, all round South Africa", -29.31, 27.48, "LS"),
        ("the South Pole", -90.0, 0.0, "AQ"),
        ("Vostok", -78.46, 106.84, "AQ"),
        ("Pristina", 42.6629, 21.1655, "XK"),
    ] {
        assert_eq!(world().contains(at(latitude, longitude)), Some(code(country)), "{city}");
    }
    for (sea, latitude, longitude) in
        [("the Arabian Sea", 20.0, 65.0), ("the North Pole", 90.0, 0.0), ("the antimeridian", 0.0, 180.0)]
    {
        assert_eq!(world().contains(at(latitude, longitude)), None, "{sea}");
    }
}

/// The table of distances that was computed independently with the same map on a sphere.
#[test]
fn the_nearest_foreign_land_is_as_far_as_other_programs_say() {
    for (city, latitude, longitude, km) in [
        ("Karachi", 24.8608, 67.0104, 163.0),
        ("Hyderabad", 25.3924, 68.3737, 124.0),
        ("Multan", 30.1968, 71.4782, 180.0),
        ("Sukkur", 27.7032, 68.8589, 91.0),
        ("Quetta", 30.1841, 67.0014, 67.0),
        ("D.I. Khan", 31.8327, 70.9024, 151.0),
        ("Faisalabad", 31.4155, 73.0897, 130.0),
        ("Islamabad", 33.6844, 73.0479, 84.0),
        ("Gwadar", 25.1216, 62.3254, 73.0),
        ("Peshawar", 34.008, 71.5785, 42.0),
        ("Lahore", 31.558, 74.3507, 21.0),
    ] {
        let (least, country) = world().reach(at(latitude, longitude)).nearest_foreign(&Home::of(code("PK"))).unwrap();
        let drawn = (least + world().tolerance()).km() / ELLIPSOID;
        assert!((drawn - km).abs() < 5.0 + km * 0.01, "{city}: {drawn} km to {country}, not {km}");
    }
}

#[test]
fn a_disc_that_touches_only_home_holds_only_home() {
    let karachi = world().reach(at(24.8608, 67.0104));
    assert_eq!(karachi.within(Distance::from_km(150.0)).to_string(), "PK");
    assert_eq!(karachi.within(Distance::from_km(165.0)).to_string(), "IN, PK");
    assert_eq!(karachi.within(Distance::from_km(30_000.0)).len(), world().countries().len());
    assert_eq!(karachi.distance_to(code("PK")), Some(Distance::ZERO));
    assert_eq!(karachi.distance_to(code("ZZ")), None);
}

#[test]
fn dubai_is_far_enough_from_pakistan_to_prove_something() {
    let least = world().reach(at(25.2048, 55.2708)).distance_to(code("PK")).unwrap().km();
    assert!((600.0..660.0).contains(&least), "{least}");
}

/// Half of Fiji's islands lie on either side of the antimeridian.
#[test]
fn the_antimeridian_is_not_a_border() {
    for (latitude, longitude) in [(-17.0, 180.0), (-17.0, -180.0), (-17.2, -179.9), (-17.2, 179.7)] {
        let least = world().reach(at(latitude, longitude)).distance_to(code("FJ")).unwrap().km();
        assert!(least < 60.0, "{latitude} {longitude}: {least}");
    }
    let wrangel = world().reach(at(71.0, -179.0));
    assert!(wrangel.distance_to(code("RU")).unwrap().km() < 20.0);
    assert!(wrangel.distance_to(code("US")).unwrap().km() < 700.0);
}

#[test]
fn a_bound_is_never_more_than_the_distance_to_a_place_in_the_country() {
    let places = [("IN", 31.604, 74.574), ("AF", 34.128, 71.089), ("IN", 28.6139, 77.209), ("OM", 23.588, 58.3829)];
    for (country, latitude, longitude) in places {
        for from in [at(24.8608, 67.0104), at(31.558, 74.3507), at(34.008, 71.5785), at(-40.0, 175.0), at(89.0, 10.0)] {
            let least = world().reach(from).distance_to(code(country)).unwrap();
            assert!(least <= from.distance_to(at(latitude, longitude)), "{country} from {from}");
        }
    }
}

#[test]
fn countries_are_no_farther_apart_than_any_two_places_in_them() {
    let places = [
        ("PK", 24.8608, 67.0104),
        ("AE", 25.2048, 55.2708),
        ("SG", 1.2897, 103.8501),
        ("DE", 50.1155, 8.6842),
        ("US", 21.3069, -157.8583),
        ("US", 52.9, 172.9),
        ("AU", -12.4634, 130.8456),
        ("RU", 42.8, 132.8735),
        ("FJ", -16.0, 179.99),
    ];
    for (one, north, east) in places {
        for (other, other_north, other_east) in places {
            let least = world().least_between(code(one), code(other)).unwrap();
            assert!(least <= at(north, east).distance_to(at(other_north, other_east)), "{one} {other}: {least}");
        }
    }
    assert_eq!(world().least_between(code("PK"), code("ZZ")), None);
}

/// Too short, but not by so much that nothing could be said of hops on different continents.
#[test]
fn countries_on_different_continents_are_known_to_be_far_apart() {
    for (one, other, known) in [("SG", "US", 7000.0), ("DE", "SG", 8500.0), ("AE", "AU", 5000.0)] {
        let least = world().least_between(code(one), code(other)).unwrap();
        assert!(least.km() > known, "{one} {other}: {least}");
        assert_eq!(world().least_between(code(other), code(one)), Some(least));
    }
    for (one, other) in [("PK", "PK"), ("PK", "IN"), ("IT", "SM"), ("CA", "US")] {
        assert_eq!(world().least_between(code(one), code(other)), Some(Distance::ZERO), "{one} {other}");
    }
}

/// The skipping of far lines must not change the result.
#[test]
fn the_reach_is_that_of_a_search_of_every_line() {
    for point in [at(33.6844, 73.0479), at(-80.0, 179.99), at(0.0, -179.99), at(89.9, 0.0), at(-18.0, 178.0)] {
        let reach = world().reach(point);
        let vector = sphere::Vector::at(point.latitude(), point.longitude());
        for (index, country) in world().countries().iter().enumerate() {
            let lines = world().lines.iter().filter(|line| line.owners().any(|owner| owner == index));
            let angle = lines.map(|line| line.angle_to(vector)).fold(f64::INFINITY, f64::min);
            let drawn = angle * EARTH_RADIUS_KM * ELLIPSOID - world().tolerance().km();
            let least = reach.distance_to(*country).unwrap().km();
            assert!(least == 0.0 || (least - drawn).abs() < 1e-6, "{country} from {point}: {least} {drawn}");
        }
    }
}

#[test]
fn a_shared_border_counts_for_both_sides_and_a_line_owned_twice_for_neither() {
    let mut map = squares(&[("AA", 0, 0), ("BB", 0, 10)]);
    map.owners.extend([(0, 1), (0, 1)]);
    let map = Outlines::decode(&map.encode().unwrap()).unwrap();
    assert_eq!(map.contains(at(5.0, 5.0)), Some(code("AA")));
    assert_eq!(map.contains(at(5.0, 15.0)), Some(code("BB")));
    assert_eq!(map.contains(at(5.0, 25.0)), None);
}

#[test]
fn a_country_across_the_antimeridian_of_many_pieces_is_whole() {
    let mut map = squares(&[("AA", 0, 0)]);
    let off_the_globe = vec![(175, 0), (10, 0), (0, 10), (-10, 0), (0, -10)];
    map.lines = vec![off_the_globe];
    assert!(matches!(Outlines::decode(&map.encode().unwrap()), Err(OutlinesError::Globe(0))));

    let steps = |step: i32| std::iter::repeat_n((step, 0), 50);
    let east = std::iter::once((1750, 0)).chain(steps(1)).chain([(-3600, 0)]).chain(steps(1));
    let west = std::iter::once((0, 10)).chain(steps(-1)).chain([(3600, 0)]).chain(steps(-1));
    map.longitude = (0.0, 0.1);
    map.lines = vec![east.chain(west).chain([(0, -10)]).collect()];
    let map = Outlines::decode(&map.encode().unwrap()).unwrap();
    assert!(map.lines.len() > 1);
    let meridians = [(174.9, false), (175.1, true), (180.0, true), (-180.0, true), (-175.1, true), (-174.9, false)];
    for (longitude, inside) in meridians {
        assert_eq!(map.contains(at(5.0, longitude)).is_some(), inside, "{longitude}");
    }
    assert!(map.reach(at(5.0, -170.0)).distance_to(code("AA")).unwrap().km() < 560.0);
}

proptest! {
    #[test]
    fn a_map_comes_back_as_it_was_written(north in -80..80i32, east in -170..170i32, tolerance in 0..100u8) {
        let mut draft = squares(&[("AA", north, east)]);
        draft.tolerance = Distance::from_km(f64::from(tolerance));
        let map = Outlines::decode(&draft.encode().unwrap()).unwrap();
        let centre = at(f64::from(north) + 5.0, f64::from(east) + 5.0);
        prop_assert_eq!(map.contains(centre), Some(code("AA")));
        prop_assert_eq!(map.tolerance(), draft.tolerance);
        prop_assert_eq!(&map.id().name, "squares");
    }

    #[test]
    fn any_bytes_are_a_map_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Outlines::decode(&bytes);
        let _ = encoded::parse(&bytes, crate::digest::Digest::ZERO);
    }

    #[test]
    fn a_damaged_map_is_a_map_or_an_error(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>(),
        (latitude, longitude) in (-90.0..=90.0, -180.0..=180.0),
    ) {
        let mut bytes = Vec::new();
        let whole = squares(&[("AA", 0, 0), ("BB", 0, 10)]).encode().unwrap();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&whole[..]), &mut bytes).unwrap();
        for (index, byte) in &damage {
            let index = index.index(bytes.len());
            bytes[index] = *byte;
        }
        if let Ok(map) = encoded::parse(&bytes, crate::digest::Digest::ZERO) {
            let _ = (map.contains(at(latitude, longitude)), map.reach(at(latitude, longitude)));
        }
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(encoded::parse(&bytes, crate::digest::Digest::ZERO).is_err());
        prop_assert!(Outlines::decode(&whole[..cut.index(whole.len())]).is_err());
    }
}
