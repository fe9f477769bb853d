//! Vantages that are described at two places at once.
//!
//! One id is one host: where it is said to stand at two places, and measured from both within a window, nobody knows which
//! of them a time is from. A vantage that moves is another one, and gets another id.

use std::collections::{BTreeMap, BTreeSet};

use super::contradiction::Contradiction;
use super::table::{Standpoint, Table};
use crate::place::Coordinates;
use crate::vantage::{Position, Vantage, VantageId};

/// Every description of an id, of those that something was measured from, that has one farther from the most precise of them
/// than both may be off.
pub(super) fn find(table: &Table, vantages: &[&Vantage]) -> BTreeMap<Standpoint, Contradiction> {
    let mut described: BTreeMap<&VantageId, Vec<(Standpoint, Position)>> = BTreeMap::new();
    for (standpoint, vantage) in vantages.iter().enumerate() {
        let position = vantage.position.map(|position| (standpoint, position));
        described.entry(&vantage.id).or_default().extend(position);
    }
    described.retain(|_, places| places.len() > 1);
    if described.is_empty() {
        return BTreeMap::new();
    }
    let measured: BTreeSet<_> = table.iter().flat_map(|(_, entry)| entry.seen()).map(|(at, _)| *at).collect();
    let mut found = BTreeMap::new();
    for (vantage, mut places) in described {
        places.retain(|(standpoint, _)| measured.contains(standpoint));
        if let Some(why) = apart(vantage, &places) {
            found.extend(places.iter().map(|(standpoint, _)| (*standpoint, why.clone())));
        }
    }
    found
}

/// The most precise place and the one farthest from it, if that is farther than both may be off.
fn apart(vantage: &VantageId, places: &[(Standpoint, Position)]) -> Option<Contradiction> {
    let positions = || places.iter().map(|(_, position)| position);
    let precise = positions().min_by(|a, b| {
        a.uncertainty.km().total_cmp(&b.uncertainty.km()).then_with(|| from_the_north(a.coordinates, b.coordinates))
    })?;
    let away = |position: &Position| precise.coordinates.least_distance_to(position.coordinates);
    let far = positions().filter(|position| away(position) > precise.uncertainty + position.uncertainty);
    let farthest = far.max_by(|a, b| {
        away(a).km().total_cmp(&away(b).km()).then_with(|| from_the_north(a.coordinates, b.coordinates))
    })?;
    let mut places = [precise.coordinates, farthest.coordinates];
    places.sort_by(|a, b| from_the_north(*a, *b));
    Some(Contradiction::Twice { vantage: vantage.clone(), places, apart: away(farthest) })
}

fn from_the_north(a: Coordinates, b: Coordinates) -> std::cmp::Ordering {
    b.latitude().total_cmp(&a.latitude()).then(a.longitude().total_cmp(&b.longitude()))
}
