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
            let mut addresses = observation.addresses();
            addresses.extend(observation.related_addresses());
            for address in addresses {
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

    /// What was seen of `address` in `subject`, if that is among the observations; and what its vantage saw of it in all rounds
    /// within [`PROVING_HOURS`](super::sighting::PROVING_HOURS).
    pub(super) fn of_own(
        &self,
        address: IpAddr,
        subject: &Observation,
    ) -> (Option<Sighting<'a>>, Option<Sighting<'a>>) {
        let is_own = |seen: &&Vec<Sighting<'_>>| vantage(seen) == Some(subject.vantage_id());
        let seen = self.about(address).iter().find(is_own).map(Vec::as_slice).unwrap_or_default();
        let own = about(seen, subject.observed).find(|seen| std::ptr::eq(seen.observation, subject)).copied();
        let mut rounds = about(seen, subject.observed).copied();
        (own, rounds.next().map(|first| rounds.fold(first, Sighting::joined)))
    }

    /// What every other vantage saw of `address`. Where it saw it more than once, its best time of those about the moment of
    /// `subject` counts; beyond that only what it saw nearest to that moment, within [`COMPANION_DAYS`]: addresses move.
    pub fn of(&self, address: IpAddr, subject: &Observation) -> impl Iterator<Item = Sighting<'a>> {
        let moment = subject.observed;
        let others = self.about(address).iter().filter(|seen| vantage(seen) != Some(subject.vantage_id()));
        others.filter_map(move |seen| {
            let nearest = nearest(seen, moment)?;
            Some(about(seen, moment).copied().fold(nearest, Sighting::joined))
        })
    }

    fn about(&self, address: IpAddr) -> &[Vec<Sighting<'a>>] {
        self.0.get(&address).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The vantage that saw all this.
fn vantage<'a>(seen: &[Sighting<'a>]) -> Option<&'a VantageId> {
    seen.first().map(Sighting::vantage_id)
}

/// Of what one vantage saw, in order of time, what is nearest to `moment`, if it is near enough: an answer, if there is one,
/// since silence takes nothing back.
fn nearest<'a>(seen: &[Sighting<'a>], moment: Timestamp) -> Option<Sighting<'a>> {
    let limit = SignedDuration::from_hours(24 * COMPANION_DAYS);
    let (earlier, later) = split(seen, moment);
    let is_near = |one: &&Sighting<'_>| one.apart_from(moment) <= limit;
    let around = || {
        let before = earlier.iter().rev().take_while(is_near);
        (before, later.iter().take_while(is_near))
    };
    let nearest =
        |both: [Option<&Sighting<'a>>; 2]| both.into_iter().flatten().min_by_key(|one| one.apart_from(moment)).copied();
    let (mut before, mut after) = around();
    let answered = nearest([before.find(|one| one.has_answer()), after.find(|one| one.has_answer())]);
    let (mut before, mut after) = around();
    answered.or_else(|| nearest([before.next(), after.next()]))
}

/// What was seen within [`PROVING_HOURS`](super::sighting::PROVING_HOURS) of `moment`, of what was seen in order of time.
fn about<'s, 'a>(seen: &'s [Sighting<'a>], moment: Timestamp) -> impl Iterator<Item = &'s Sighting<'a>> {
    let (earlier, later) = split(seen, moment);
    let is_about = move |one: &&Sighting<'_>| one.is_about(moment);
    earlier.iter().rev().take_while(is_about).chain(later.iter().take_while(is_about))
}

/// What was seen before `moment`, and since.
fn split<'s, 'a>(seen: &'s [Sighting<'a>], moment: Timestamp) -> (&'s [Sighting<'a>], &'s [Sighting<'a>]) {
    seen.split_at(seen.partition_point(|one| one.observation.observed < moment))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::entry::tests::observation;
    use crate::moment::Rtt;
    use crate::observation::{Ping, PingBest};
    use crate::place::CountryCode;
    use crate::trace::Protocol;

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
        let told = |seen: Sighting<'_>| (seen.address.to_string(), seen.observation.observed.to_string());
        let of = |address| companions.of(address, subject).map(told).collect::<Vec<_>>();
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

    /// A round of the first address whose only answer is one to a ping.
    fn pinged(vantage: &str, observed: &str, ms: Option<f64>) -> Observation {
        let mut observation = seen(vantage, 1, observed);
        let (address, started) = (ADDRESSES[0].parse().unwrap(), observation.observed);
        let best = ms.and_then(Rtt::from_ms).map(|rtt_ns| PingBest { rtt_ns, samples: 3 });
        observation.pings = vec![Ping { address, protocol: Protocol::Icmp, started, attempts: 3, resets: 0, best }];
        observation.contacts.clear();
        observation
    }

    /// The best time that the only other vantage is heard with.
    fn best(subject: &Observation, others: &[Observation]) -> Option<f64> {
        let companions = Companions::new(others, &BORDERS, &HOME);
        let heard = companions.of(ADDRESSES[0].parse().unwrap(), subject).next()?;
        heard.bests.best().map(|best| best.rtt.ms())
    }

    #[test]
    fn the_best_time_of_the_day_counts_and_silence_takes_nothing_back() {
        let subject = seen("isb", 1, "2026-11-21T12:00:00Z");
        let round = |observed: &str, ms| pinged("fra", observed, ms);
        let (soon, late) = (round("2026-11-21T11:50:00Z", Some(1.0)), round("2026-11-21T12:05:00Z", Some(150.0)));
        let (silent, earlier) = (round("2026-11-21T12:00:01Z", None), round("2026-11-20T23:00:00Z", Some(0.5)));
        assert_eq!(best(&subject, &[soon.clone(), late.clone()]), Some(1.0));
        assert_eq!(best(&subject, &[soon, silent.clone()]), Some(1.0));
        assert_eq!(best(&subject, &[earlier.clone(), silent.clone()]), Some(0.5));
        assert_eq!(
            best(&subject, &[earlier, late]),
            Some(150.0),
            "what is of another day counts where nothing else is"
        );
        assert_eq!(best(&subject, &[silent]), None);
    }

    #[test]
    fn rounds_of_one_vantage_by_different_methods_show_that_two_hosts_answer() {
        let address = ADDRESSES[0].parse().unwrap();
        let (shaken, echoed) =
            (seen("isb", 1, "2026-11-21T12:00:01Z"), pinged("isb", "2026-11-21T12:00:00Z", Some(120.0)));
        let companions = Companions::new([&shaken, &echoed], &BORDERS, &HOME);
        let (own, rounds) = companions.of_own(address, &shaken);
        let own = own.unwrap();
        assert!((own.bests.best().unwrap().rtt.ms() - 1.2).abs() < 1e-9);
        assert!((own.beside(rounds).bests.best().unwrap().rtt.ms() - 120.0).abs() < 1e-9);
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
