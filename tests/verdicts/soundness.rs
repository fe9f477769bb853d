//! What is proven is true: in generated worlds, whatever databases, registers and routes say, a proof never errs.

use std::sync::{Arc, LazyLock};

use pehra::location::disc::{Borders, Disc};
use pehra::location::fuse::{Case, fuse};
use pehra::location::outlines::Outlines;
use pehra::location::source::regions::Cloud;
use pehra::location::{Claim, Grade, Place, Says};
use pehra::moment::Rtt;
use pehra::network::{Asn, NetworkKind};
use pehra::place::{Coordinates, CountryCode, Distance, Home};
use pehra::trace::Protocol;
use pehra::vantage::{Position, Vantage, VantageId};
use proptest::prelude::*;

use super::evidence::CITIES;

/// The slowest signal of a generated world needs this many times as long as light in vacuum.
const SLOWEST: f64 = 6.0;

/// Where vantages stand exactly, with how far off their stated positions may be.
const UNCERTAINTY_KM: f64 = 5.0;

static WORLD: LazyLock<Borders> = LazyLock::new(|| {
    let outlines = Outlines::decode(include_bytes!("../../geodb/borders.gz")).expect("the map that ships");
    let mut borders = Borders::new(Arc::new(outlines));
    for city in 0..CITIES.len() {
        borders.meet(&vantage(city));
    }
    borders
});

fn vantage(city: usize) -> Vantage {
    let (name, latitude, longitude) = CITIES[city];
    let coordinates = Coordinates::new(latitude, longitude).unwrap();
    let position = Position { coordinates, uncertainty: Distance::from_km(UNCERTAINTY_KM) };
    Vantage { id: VantageId(name.to_owned()), position: Some(position), asn: None }
}

/// A generated world: where the target is, how slow each vantage's path to it is, and what strangers claim.
#[derive(Debug, Clone)]
struct World {
    target: (f64, f64),
    slowness: Vec<Option<f64>>,
    claims: Vec<(u8, [u8; 2])>,
}

fn worlds() -> impl Strategy<Value = World> {
    let anywhere = (-60.0..75.0_f64, -180.0..180.0_f64);
    let near_home = (23.0..38.0_f64, 60.0..78.0_f64);
    let target = prop_oneof![anywhere, near_home];
    let slowness = prop::collection::vec(prop::option::of(1.0..SLOWEST), CITIES.len());
    let claims = prop::collection::vec((0..7_u8, [b'A'..=b'Z', b'A'..=b'Z']), 0..5);
    (target, slowness, claims).prop_map(|(target, slowness, claims)| World { target, slowness, claims })
}

impl World {
    fn claims(&self) -> Vec<Claim> {
        let says = |(kind, letters): &(u8, [u8; 2])| {
            let country: CountryCode = if kind % 2 == 0 {
                "PK".parse().unwrap()
            } else {
                std::str::from_utf8(letters).unwrap().parse().unwrap()
            };
            match kind {
                0 => Says::Country(country),
                1 => Says::Registered { prefix: "203.175.64.0/24".parse().unwrap(), country },
                2 => Says::Serving { label: "forged".to_owned(), country },
                3 => Says::Geofeed { prefix: "203.175.64.0/24".parse().unwrap(), country, publisher: vec![Asn(64500)] },
                4 => Says::Region { provider: Cloud::Aws, region: "forged".to_owned(), country },
                5 => Says::Delegated { registry: "forged".to_owned(), country },
                _ => Says::Announced {
                    asn: Asn(64500),
                    name: "Forged".to_owned(),
                    kind: NetworkKind::Ordinary,
                    country: Some(country),
                },
            }
        };
        let claim = |written| Claim {
            about: "203.175.64.10".parse().unwrap(),
            source: "stranger".to_owned(),
            dated: None,
            says: says(written),
        };
        self.claims.iter().map(claim).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn a_proof_is_never_wrong(world in worlds()) {
        let target = Coordinates::new(world.target.0, world.target.1).unwrap();
        let truth = WORLD.outlines().contains(target);
        let Some(truth) = truth else { return Ok(()) };
        let vantages: Vec<_> = (0..CITIES.len()).map(vantage).collect();
        let claims = world.claims();
        let mut discs: Vec<_> = vantages.iter().zip(&world.slowness).filter_map(|(vantage, slowness)| {
            let (position, reach) = WORLD.reach(vantage).unwrap();
            let true_km = (position.coordinates.distance_to(target).km() - UNCERTAINTY_KM).max(0.0);
            let rtt = Rtt::from_ms(2.0 * true_km / 299.792_458 * (*slowness)?).unwrap();
            Some(Disc { vantage: &vantage.id, rtt, samples: 3, protocol: Protocol::Icmp, position, reach })
        }).collect();
        let own = discs.pop();
        let home = Home::of("PK".parse().unwrap());
        let case = Case {
            address: "203.175.64.10".parse().unwrap(),
            home: &home,
            borders: WORLD.outlines().id(),
            today: "2026-11-21".parse().unwrap(),
            own,
            others: discs,
            unplaced: Vec::new(),
            gauges: Vec::new(),
            claims: claims.iter().collect(),
        };
        let location = fuse(&case);
        prop_assert!(location.place != Place::Edge, "one site looks like several: {location:?}");
        if location.grade == Grade::Proven {
            prop_assert_eq!(location.place == Place::Inside, home.contains(truth), "{:?} is in {}", location, truth);
            prop_assert!(location.countries.contains(truth), "{location:?} leaves out {truth}");
        }
    }
}
