//! What simpler methods make of the same evidence: what the judge is measured against.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;

use pehra::location::light::{Speed, radius};
use pehra::location::{Grade, Place, Says};
use pehra::moment::Rtt;
use pehra::observation::Observation;
use pehra::place::{CountrySet, Home};

use crate::judging::{Bench, Calls};
use crate::score::Call;
use crate::without::database;

/// A simpler method. None of them knows of shared addresses, and none has grades.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Baseline {
    /// What one database says.
    Database(String),
    /// What more than half of the databases that know the address say.
    Majority,
    /// Inside below so many milliseconds from the nearest vantage, outside from there on.
    Threshold(f64),
    /// Inside where discs by light in glass from all vantages together leave nothing but home, outside where they leave
    /// no home: no landmark is needed, and no database.
    Discs,
}

impl Baseline {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Database(name) => format!("{name} alone"),
            Self::Majority => "majority of databases".to_owned(),
            Self::Threshold(ms) => format!("outside from {ms} ms on"),
            Self::Discs => "discs by light in glass".to_owned(),
        }
    }

    /// What it makes of every observation.
    pub(crate) fn judge(&self, bench: &Bench) -> Calls {
        let seen = Seen::of(bench);
        let located = bench.observations.iter().enumerate().flat_map(|(index, observation)| {
            observation.addresses().into_iter().map(move |address| (index, observation, address))
        });
        let call = |(index, observation, address): (usize, &Observation, IpAddr)| {
            let place = match self {
                Self::Database(name) => vote(observation, address, &bench.home, |source| source == name),
                Self::Majority => vote(observation, address, &bench.home, |_| true),
                Self::Threshold(ms) => {
                    seen.rtt.get(&address).map(|rtt| if rtt.ms() < *ms { Place::Inside } else { Place::Outside })
                }
                Self::Discs => seen.left.get(&address).and_then(|left| settled(left, &bench.home)),
            };
            let (place, grade) = place.map_or((Place::Unknown, Grade::Indeterminate), |place| (place, Grade::Probable));
            ((index, address), Call { place, grade })
        };
        located.map(call).collect()
    }
}

/// The place that more than half of the databases with an opinion name.
fn vote(observation: &Observation, address: IpAddr, home: &Home, counts: impl Fn(&str) -> bool) -> Option<Place> {
    let claims = observation.claims.about(address).iter().filter(|claim| database(claim).is_some_and(&counts));
    let (mut inside, mut outside) = (0, 0);
    for claim in claims {
        if let Says::Country(country) = claim.says {
            *if home.contains(country) { &mut inside } else { &mut outside } += 1;
        }
    }
    match inside.cmp(&outside) {
        Ordering::Greater => Some(Place::Inside),
        Ordering::Less => Some(Place::Outside),
        Ordering::Equal => None,
    }
}

fn settled(left: &CountrySet, home: &Home) -> Option<Place> {
    if left.is_empty() {
        None
    } else if home.holds_all(left) {
        Some(Place::Inside)
    } else {
        home.holds_none(left).then_some(Place::Outside)
    }
}

/// What all vantages together measured of each address.
#[derive(Default)]
struct Seen {
    /// The shortest round trip.
    rtt: BTreeMap<IpAddr, Rtt>,
    /// The countries that every disc by light in glass touches.
    left: BTreeMap<IpAddr, CountrySet>,
}

impl Seen {
    fn of(bench: &Bench) -> Self {
        let mut seen = Self::default();
        for observation in &bench.observations {
            for address in observation.addresses() {
                let Some(best) = observation.best_rtt(address) else { continue };
                seen.rtt.entry(address).and_modify(|rtt| *rtt = best.rtt.min(*rtt)).or_insert(best.rtt);
                let Some((position, reach)) = bench.borders.reach(&observation.vantage) else { continue };
                let disc = reach.within(radius(best.rtt, Speed::Glass, position.uncertainty));
                let left = seen.left.entry(address).or_insert(disc);
                *left = left.intersection(&disc);
            }
        }
        seen
    }
}
