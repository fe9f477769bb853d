//! Who else saw what a round saw.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::sighting::Sighting;
use crate::location::disc::Borders;
use crate::observation::Observation;
use crate::place::Home;
use crate::vantage::VantageId;

/// How far apart in time two vantages may have seen an address and still speak of the same thing.
pub const COMPANION_DAYS: i64 = 7;

/// What many observations say, by address, then by vantage, in order of time.
#[derive(Debug, Default)]
pub struct Companions<'a>(BTreeMap<IpAddr, Vec<Vec<Sighting<'a>>>>);

impl<'a> Companions<'a> {
    /// Reads the observations. `borders` must have met their vantages.
    pub fn new(observations: impl IntoIterator<Item = &'a Observation>, borders: &'a Borders, home: &'a Home) -> Self {
        let mut index: BTreeMap<_, Vec<Vec<Sighting<'_>>>> = BTreeMap::new();
        for observation in observations {
            for address in observation.addresses() {
                let sighting = Sighting::of(address, observation, borders, home);
                let vantages = index.entry(address).or_default();
                match vantages.binary_search_by_key(&Some(sighting.vantage_id()), |seen| vantage(seen)) {
                    Ok(place) => vantages.get_mut(place).into_iter().for_each(|seen| seen.push(sighting)),
                    Err(place) => vantages.insert(place, vec![sighting]),
                }
            }
        }
        for seen in index.values_mut().flatten() {
            seen.sort_by_key(|sighting| sighting.observation.observed);
        }
        Self(index)
    }

    /// What `subject` saw of `address`, if it is among the observations; and what every other vantage saw of it within
    /// [`COMPANION_DAYS`], where it saw it more than once at the time nearest to that of `subject`. An earlier answer may
    /// have been sooner, but addresses move, and what is no longer true must not place them.
    pub fn of(
        &self,
        address: IpAddr,
        subject: &Observation,
    ) -> (Option<&Sighting<'a>>, impl Iterator<Item = &Sighting<'a>>) {
        let known = self.0.get(&address).map(Vec::as_slice).unwrap_or_default();
        let is_own = |seen: &[Sighting<'_>]| vantage(seen) == Some(subject.vantage_id());
        let mut own = known.iter().filter(|seen| is_own(seen)).flatten();
        let own = own.find(|seen| std::ptr::eq(seen.observation, subject));
        let others = known.iter().filter(move |seen| !is_own(seen));
        (own, others.filter_map(|seen| nearest(seen, subject.observed)))
    }
}

/// The vantage that saw all this.
fn vantage<'a>(seen: &[Sighting<'a>]) -> Option<&'a VantageId> {
    seen.first().map(Sighting::vantage_id)
}

/// Of what one vantage saw, in order of time, what is nearest to `moment`, if it is near enough.
fn nearest<'s, 'a>(seen: &'s [Sighting<'a>], moment: Timestamp) -> Option<&'s Sighting<'a>> {
    let apart = |one: &&Sighting<'_>| one.observation.observed.duration_since(moment).abs();
    let later = seen.partition_point(|one| one.observation.observed < moment);
    let both = [later.checked_sub(1), Some(later)].into_iter().flatten().filter_map(|place| seen.get(place));
    both.min_by_key(apart).filter(|one| apart(one) <= SignedDuration::from_hours(24 * COMPANION_DAYS))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::entry::tests::observation;
    use crate::place::CountryCode;

    /// Where every name of these tests leads to, and another address.
    const ADDRESSES: [&str; 2] = ["203.101.184.84", "203.101.184.85"];

    static BORDERS: LazyLock<Borders> = LazyLock::new(crate::location::disc::tests::without_land);

    static HOME: LazyLock<Home> = LazyLock::new(|| Home::of(CountryCode::PAKISTAN));

    /// A round of the first address, or of both.
    fn seen(vantage: &str, addresses: usize, observed: &str) -> Observation {
        let mut observation = observation(vantage, &format!("tcp://{}:443", ADDRESSES[addresses - 1]));
        observation.observed = observed.parse().unwrap();
        observation
    }

    fn of(subject: &Observation, others: &[Observation]) -> Vec<(String, String)> {
        let companions = Companions::new(others.iter().chain([subject]), &BORDERS, &HOME);
        let told = |seen: &Sighting<'_>| (seen.address.to_string(), seen.observation.observed.to_string());
        let of = |address| companions.of(address, subject).1.map(told).collect::<Vec<_>>();
        subject.addresses().into_iter().flat_map(of).collect()
    }

    #[test]
    fn the_companions_are_the_nearest_of_every_other_vantage_within_a_week() {
        let subject = seen("isb", 1, "2026-11-21T12:00:00Z");
        let others = [
            ("isb", "2026-11-21T12:01:00Z"),
            ("fra", "2026-11-20T12:00:00Z"),
            ("fra", "2026-11-21T15:00:00Z"),
            ("fra", "2026-11-21T10:00:00Z"),
            ("sin", "2026-11-27T12:00:00Z"),
            ("dxb", "2026-11-28T12:00:01Z"),
        ]
        .map(|(vantage, observed)| seen(vantage, 1, observed));
        let told = |observed: &str| (ADDRESSES[0].to_owned(), observed.to_owned());
        assert_eq!(of(&subject, &others), [told("2026-11-21T10:00:00Z"), told("2026-11-27T12:00:00Z")]);
    }

    #[test]
    fn each_address_has_its_own_companions() {
        let noon = "2026-11-21T12:00:00Z";
        let others = [seen("fra", 2, noon), seen("sin", 1, noon)];
        let addresses: Vec<_> = of(&seen("isb", 2, noon), &others).into_iter().map(|(address, _)| address).collect();
        assert_eq!(addresses, [ADDRESSES[0], ADDRESSES[0], ADDRESSES[1]]);
        assert_eq!(of(&seen("isb", 1, noon), &others).len(), 2);
    }
}
