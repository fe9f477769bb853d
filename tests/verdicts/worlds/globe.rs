//! Where vantages and targets of generated worlds can be: on the borders that ship, so that the truth is known.

use std::sync::{Arc, OnceLock};

use pehra::location::disc::Borders;
use pehra::location::outlines::Outlines;
use pehra::place::{Coordinates, CountryCode, Distance, Home};
use pehra::vantage::{Position, Vantage, VantageId};

use super::dice::Dice;
use super::earth::moved;

/// Points: degrees north, degrees east.
type Anchors = &'static [(f64, f64)];

/// Homes, with anchors in them and beside them.
const GROUNDS: [(&str, Anchors, Anchors); 6] = [
    (
        "PK",
        &[(24.86, 67.01), (31.56, 74.35), (33.72, 73.04), (30.18, 67.0), (34.01, 71.58), (25.12, 62.33), (30.2, 71.47)],
        &[
            (31.63, 74.87),
            (19.07, 72.88),
            (31.61, 65.71),
            (34.53, 69.17),
            (25.29, 60.64),
            (23.59, 58.38),
            (39.47, 75.99),
        ],
    ),
    (
        "DE",
        &[(52.52, 13.4), (48.14, 11.58), (50.11, 8.68)],
        &[(48.58, 7.75), (47.56, 7.59), (52.37, 4.9), (53.43, 14.55)],
    ),
    ("AE", &[(25.2, 55.27), (24.45, 54.38), (25.12, 56.33)], &[(23.59, 58.38), (25.29, 51.53), (27.18, 56.28)]),
    ("SG", &[(1.35, 103.82)], &[(1.49, 103.74), (1.13, 104.05), (3.15, 101.69)]),
    ("NP", &[(27.72, 85.32), (28.21, 83.99), (26.45, 87.27)], &[(26.85, 80.95), (29.65, 91.12), (22.57, 88.36)]),
    ("FJ", &[(-18.14, 178.44), (-16.43, 179.37)], &[(-13.83, -171.77), (-21.13, -175.2), (-41.29, 174.78)]),
];

/// Anchors all over the world.
const ELSEWHERE: [(f64, f64); 14] = [
    (39.04, -77.49),
    (32.78, -96.8),
    (-23.55, -46.63),
    (-26.2, 28.05),
    (-33.87, 151.21),
    (35.68, 139.69),
    (51.51, -0.13),
    (59.33, 18.07),
    (61.22, -149.9),
    (64.15, -21.94),
    (50.11, 8.68),
    (1.35, 103.82),
    (25.2, 55.27),
    (19.07, 72.88),
];

/// How many stated positions there are round each anchor.
const STANDS: usize = 3;

/// How many places of targets are tried for each stated position, each anchor, and all over the globe.
const NEAR_BY: usize = 12;
const ROUND_ANCHORS: usize = 40;
const ANYWHERE: usize = 2400;

/// A place on land.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) at: Coordinates,
    pub(crate) country: CountryCode,
}

/// A home and what is round it.
pub(crate) struct Ground {
    pub(crate) home: Home,
    /// Places of the list of stands.
    pub(crate) within: Vec<usize>,
    pub(crate) beside: Vec<usize>,
    pub(crate) spots: Vec<Spot>,
}

/// Every place that worlds are made of.
pub(crate) struct Globe {
    pub(crate) borders: Borders,
    pub(crate) grounds: Vec<Ground>,
    /// Where vantages can say that they stand, and places near by.
    pub(crate) stands: Vec<(Coordinates, Vec<Spot>)>,
    pub(crate) elsewhere: Vec<usize>,
    pub(crate) anywhere: Vec<Spot>,
}

impl Dice {
    /// A point less than `km` away, as often within 1 km as between a tenth and all of the way.
    pub(crate) fn near(&mut self, at: Coordinates, km: f64) -> Coordinates {
        let (bearing, away) = (self.bearing(), self.scale(0.5, km));
        moved(at, bearing, away)
    }

    /// A direction, in radians from north.
    pub(crate) fn bearing(&mut self) -> f64 {
        self.between(0.0, std::f64::consts::TAU)
    }

    fn anywhere(&mut self) -> Coordinates {
        let latitude = self.between(-0.85, 0.96).asin().to_degrees();
        Coordinates::new(latitude, self.between(-180.0, 180.0)).expect("a point on the globe")
    }
}

pub(crate) fn outlines() -> Arc<Outlines> {
    static OUTLINES: OnceLock<Arc<Outlines>> = OnceLock::new();
    let decode =
        || Arc::new(Outlines::decode(include_bytes!("../../../geodb/borders.gz")).expect("the map that ships"));
    Arc::clone(OUTLINES.get_or_init(decode))
}

fn point((latitude, longitude): (f64, f64)) -> Coordinates {
    Coordinates::new(latitude, longitude).expect("a point on the globe")
}

impl Globe {
    /// The places that follow from `seed`.
    pub(crate) fn of(seed: u64) -> Self {
        let outlines = outlines();
        let mut dice = Dice::new(seed, u64::MAX);
        let mut stands: Vec<Coordinates> = Vec::new();
        let mut stand = |anchors: &[(f64, f64)]| -> Vec<usize> {
            let first = stands.len();
            for anchor in anchors.iter().map(|anchor| point(*anchor)) {
                stands.push(anchor);
                stands.extend((1..STANDS).map(|_| dice.near(anchor, 60.0)));
            }
            (first..stands.len()).collect()
        };
        let places = GROUNDS.map(|(_, within, beside)| (stand(within), stand(beside)));
        let elsewhere = stand(&ELSEWHERE);
        let spot = |at: Coordinates| Some(Spot { at, country: outlines.contains(at)? });
        let (borders, (near, round, anywhere)) = std::thread::scope(|scope| {
            let borders = scope.spawn(|| {
                let mut borders = Borders::new(Arc::clone(&outlines));
                for at in &stands {
                    borders.meet(&vantage("met", *at, 0.0));
                }
                borders
            });
            let near_by = |at: &Coordinates| -> Vec<Spot> {
                std::iter::once(*at).chain((0..NEAR_BY).map(|_| dice.near(*at, 150.0))).filter_map(spot).collect()
            };
            let near: Vec<_> = stands.iter().map(near_by).collect();
            let round = GROUNDS.map(|(_, within, beside)| -> Vec<Spot> {
                let anchors = within.iter().chain(beside).map(|anchor| point(*anchor));
                let tried = anchors.flat_map(|anchor| vec![anchor; ROUND_ANCHORS]);
                tried.map(|anchor| dice.near(anchor, 600.0)).filter_map(spot).collect()
            });
            let anywhere: Vec<_> = (0..ANYWHERE).map(|_| dice.anywhere()).filter_map(spot).collect();
            (borders.join().expect("the borders are measured"), (near, round, anywhere))
        });
        let ground = |(((name, ..), (within, beside)), spots): (((&str, _, _), _), _)| Ground {
            home: Home::of(name.parse().expect("a country")),
            within,
            beside,
            spots,
        };
        let grounds = GROUNDS.into_iter().zip(places).zip(round).map(ground).collect();
        Self { borders, grounds, stands: stands.into_iter().zip(near).collect(), elsewhere, anywhere }
    }
}

impl Globe {
    /// A country near a place of the list of stands.
    pub(crate) fn country_near(&self, place: usize) -> CountryCode {
        self.stands[place].1.first().map_or(CountryCode::PAKISTAN, |spot| spot.country)
    }
}

/// A vantage that says it stands at `coordinates`.
pub(crate) fn vantage(name: &str, coordinates: Coordinates, uncertainty_km: f64) -> Vantage {
    let position = Position { coordinates, uncertainty: Distance::from_km(uncertainty_km) };
    Vantage { id: VantageId(name.to_owned()), position: Some(position), asn: None }
}
