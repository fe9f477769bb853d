//! The way abroad as a table: where cables come ashore at home, and the hubs they lead to → the hub floor, the least time
//! in which anything abroad is likely to answer.
//!
//! It is a model and no proof: light may be sooner. What it rests on: where hardly anything is reached over land, traffic
//! from home to everything abroad leaves by sea (Delhi, 429 km from Lahore, answers it in 180 ms), and real routes are
//! longer than the way they could have taken.

use std::fmt;

use serde::Deserialize;

use crate::location::light::{Speed, shortest_round_trip_ms};
use crate::moment::Rtt;
use crate::place::{Coordinates, CountryCode, Distance, Home, InvalidCoordinates};
use crate::vantage::Position;

/// How much longer than light in glass even the best round trips take: the 1st percentile over 58,788 pairs of cities of
/// a mesh of 245 servers (July 2020). It was found against 2/3 c, which is a little slower than light in glass, so that
/// the floor errs to the careful side.
pub const LEAST_INFLATION: f64 = 1.32;

/// How much longer the median round trip of the same pairs takes.
pub const MEDIAN_INFLATION: f64 = 2.00;

/// The table that is part of the program.
const SHIPPED: &str = include_str!("../../geodb/hubs.csv");

/// Where cables come ashore, and where they lead to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hubs {
    landings: Vec<Site>,
    hubs: Vec<Site>,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
struct Site {
    name: String,
    country: CountryCode,
    coordinates: Coordinates,
}

/// Why a text is not a table of hubs.
#[derive(Debug, thiserror::Error)]
pub enum HubsFault {
    /// A row is not in the form.
    #[error("{0}: write kind,name,country,latitude,longitude,source")]
    Form(#[from] csv::Error),
    /// A row is nowhere.
    #[error("{name}: {fault}")]
    Nowhere {
        /// The row.
        name: String,
        /// What is wrong with its coordinates.
        fault: InvalidCoordinates,
    },
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Where cables come ashore.
    Landing,
    /// Where the nearest servers of the world stand.
    Hub,
}

/// The shortest way abroad from somewhere, as light in glass would go.
#[derive(Clone, Debug, PartialEq)]
pub struct WayAbroad {
    landing: String,
    hub: String,
    glass_ms: f64,
}

impl Hubs {
    /// The table that is part of the program (`geodb/hubs.csv`); a test reads it.
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).unwrap_or_default()
    }

    /// Reads a table: CSV of kind (`landing` or `hub`), name, country, latitude, longitude, source.
    pub fn parse(table: &str) -> Result<Self, HubsFault> {
        #[derive(Deserialize)]
        struct Row {
            kind: Kind,
            name: String,
            country: CountryCode,
            latitude: f64,
            longitude: f64,
        }
        let mut read = Self::default();
        for row in csv::Reader::from_reader(table.as_bytes()).into_deserialize() {
            let Row { kind, name, country, latitude, longitude } = row?;
            match Coordinates::new(latitude, longitude) {
                Ok(coordinates) => read.of_kind(kind).push(Site { name, country, coordinates }),
                Err(fault) => return Err(HubsFault::Nowhere { name, fault }),
            }
        }
        Ok(read)
    }

    fn of_kind(&mut self, kind: Kind) -> &mut Vec<Site> {
        match kind {
            Kind::Landing => &mut self.landings,
            Kind::Hub => &mut self.hubs,
        }
    }

    /// The shortest way from a vantage by way of a landing at home to a hub abroad, shorter by as much as the vantage may
    /// stand elsewhere, beyond the landing too; `None` where no landing of that home is listed.
    pub fn way_abroad(&self, from: Position, home: &Home) -> Option<WayAbroad> {
        let landings = self.landings.iter().filter(|landing| home.contains(landing.country));
        let ways = landings.flat_map(|landing| {
            let ashore = from.coordinates.distance_to(landing.coordinates);
            let hubs = self.hubs.iter().filter(|hub| !home.contains(hub.country));
            hubs.map(move |hub| {
                let at_sea = landing.coordinates.distance_to(hub.coordinates);
                let least = Distance::from_km((ashore + at_sea).km() - from.uncertainty.km());
                let glass_ms = shortest_round_trip_ms(least, Speed::Glass);
                WayAbroad { landing: landing.name.clone(), hub: hub.name.clone(), glass_ms }
            })
        });
        ways.min_by(|a, b| {
            a.glass_ms.total_cmp(&b.glass_ms).then_with(|| (&a.hub, &a.landing).cmp(&(&b.hub, &b.landing)))
        })
    }
}

impl WayAbroad {
    /// The time it takes at `inflation` times light in glass.
    pub fn rtt(&self, inflation: f64) -> Rtt {
        Rtt::from_ms(self.glass_ms * inflation).unwrap_or_default()
    }
}

impl fmt::Display for WayAbroad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by way of {}", self.hub, self.landing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(latitude: f64, longitude: f64, km: f64) -> Position {
        Position { coordinates: Coordinates::new(latitude, longitude).unwrap(), uncertainty: Distance::from_km(km) }
    }

    fn home(code: &str) -> Home {
        Home::of(code.parse().unwrap())
    }

    #[test]
    fn the_shipped_table_knows_a_way_abroad_from_pakistan() {
        let hubs = Hubs::parse(SHIPPED).unwrap();
        assert!(hubs.hubs.len() >= 9 && !hubs.landings.is_empty());
        assert_eq!(Hubs::shipped(), hubs);
        let lahore = hubs.way_abroad(position(31.558, 74.3507, 0.0), &home("PK")).unwrap();
        let floor = lahore.rtt(LEAST_INFLATION).ms();
        assert!((24.5..25.0).contains(&floor), "{lahore}: {floor}");
        let karachi = hubs.way_abroad(position(24.86, 67.01, 0.0), &home("PK")).unwrap();
        assert!(karachi.rtt(LEAST_INFLATION) < lahore.rtt(LEAST_INFLATION));
    }

    #[test]
    fn a_vantage_that_may_stand_nearer_to_abroad_has_a_lower_floor() {
        let hubs = Hubs::shipped();
        let floor = |at: (f64, f64), km| {
            hubs.way_abroad(position(at.0, at.1, km), &home("PK")).unwrap().rtt(LEAST_INFLATION).ms()
        };
        let (lahore, karachi) = ((31.558, 74.3507), (24.86, 67.01));
        for at in [lahore, karachi] {
            assert!(floor(at, 25.0) < floor(at, 0.0), "{at:?}");
        }
        for (at, km) in [(karachi, 1500.0), (lahore, 5000.0)] {
            assert!(floor(at, km) <= 0.0, "{at:?}: what may stand at the hub itself has nothing near");
        }
    }

    #[test]
    fn a_home_without_landings_has_no_way_abroad() {
        assert_eq!(Hubs::shipped().way_abroad(position(47.0, 8.0, 5.0), &home("CH")), None);
    }

    #[test]
    fn a_hub_at_home_is_no_way_abroad() {
        let table =
            "kind,name,country,latitude,longitude,source\nlanding,Karachi,PK,24.86,67.01,x\nhub,Gwadar,PK,25,62,x\n";
        let hubs = Hubs::parse(table).unwrap();
        assert_eq!(hubs.way_abroad(position(31.558, 74.3507, 0.0), &home("PK")), None);
    }

    #[test]
    fn rows_that_cannot_be_read_are_faults() {
        let head = "kind,name,country,latitude,longitude,source\n";
        for (row, words) in [
            ("hub,X,AE,95,0,y", "X: 95 is not a latitude"),
            ("port,X,AE,5,0,y", "port"),
            ("hub,X,ARE,5,0,y", "country code"),
            ("hub,X", "fields"),
        ] {
            let fault = Hubs::parse(&format!("{head}{row}\n")).unwrap_err().to_string();
            assert!(fault.contains(words), "{row}: {fault}");
        }
    }
}
