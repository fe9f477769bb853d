//! What other vantages saw of the same addresses, and what the last week says of all vantages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use crate::calibration::{Calibration, Hubs, Window};
use crate::dossier::Companions;
use crate::location::disc::Borders;
use crate::observation::Observation;
use crate::place::Home;
use crate::vantage::{Vantage, VantageId};

/// What rounds are judged in the light of, beside themselves.
#[derive(Debug)]
pub(super) struct Others {
    /// What other vantages saw, each of one address.
    sightings: Arc<[Observation]>,
    /// Where among them an address is.
    places: BTreeMap<IpAddr, Vec<usize>>,
    /// The vantages among them whose place is known.
    placed: BTreeSet<VantageId>,
    /// What our own rounds say, without the others, whose files may be corrected.
    own: Calibration,
    /// What all say together.
    together: Calibration,
    /// The moment up to which that is known.
    settled: Timestamp,
    /// The vantages that were remarked on, and whether they were in quarantine.
    told: BTreeSet<(VantageId, bool)>,
    /// The addresses that were remarked on, and one more where that was said of the rest.
    told_elsewhere: BTreeSet<IpAddr>,
}

/// The most addresses that are remarked on: whoever publishes claims or measurements can name any number.
const MOST_ELSEWHERE: usize = 100;

impl Others {
    /// Nobody else, and nothing seen.
    pub(super) fn new(home: &Home) -> Self {
        let own = nothing_seen(home);
        Self {
            sightings: Arc::default(),
            places: BTreeMap::new(),
            placed: BTreeSet::new(),
            together: own.clone(),
            own,
            settled: Timestamp::UNIX_EPOCH,
            told: BTreeSet::new(),
            told_elsewhere: BTreeSet::new(),
        }
    }

    /// The same others for another home; what our own rounds said of vantages has to be
    /// [recalled](Self::recall).
    pub(super) fn at_home_in(&self, home: &Home, borders: &Borders) -> Self {
        let mut others = Self::new(home);
        others.set(Arc::clone(&self.sightings), borders);
        others
    }

    /// What other vantages saw, each of one address, in place of what was handed in before. `borders` must have met them.
    pub(super) fn set(&mut self, sightings: Arc<[Observation]>, borders: &Borders) {
        self.together = self.own.clone();
        self.places.clear();
        self.placed.clear();
        for (place, sighting) in sightings.iter().enumerate() {
            self.together.handle_observation(sighting, borders);
            if sighting.vantage.position.is_some() {
                self.placed.insert(sighting.vantage_id().clone());
            }
            for address in sighting.addresses() {
                self.places.entry(address).or_default().push(place);
            }
        }
        self.sightings = sightings;
    }

    /// What our own rounds say that are in the journal, in place of what they said so far.
    pub(super) fn recall(&mut self, own: Calibration, borders: &Borders) {
        self.own = own;
        self.set(Arc::clone(&self.sightings), borders);
    }

    /// Takes note of a round of our own.
    pub(super) fn add(&mut self, observation: &Observation, borders: &Borders) {
        self.own.handle_observation(observation, borders);
        self.together.handle_observation(observation, borders);
    }

    /// Brings what is known of vantages up to `moment`, of which something is judged; `own` is the one that judges.
    pub(super) fn settle(&mut self, own: &Vantage, borders: &Borders, moment: Timestamp) {
        for calibration in [&mut self.own, &mut self.together] {
            calibration.handle_vantage(own, borders);
            calibration.settle(moment);
        }
        self.settled = moment;
    }

    /// By what times are measured.
    pub(super) fn calibration(&self) -> &Calibration {
        &self.together
    }

    /// Everybody else, each as often as they saw something.
    pub(super) fn vantages(&self) -> impl Iterator<Item = &Vantage> {
        self.sightings.iter().map(|sighting| &sighting.vantage)
    }

    /// The vantages whose place is known, ours among them, and whether something contradicts it.
    pub(super) fn quarantined(&self, own: &Vantage) -> BTreeMap<VantageId, bool> {
        let quarantined = self.together.quarantined(self.settled);
        let own = own.position.map(|_| own.id.clone());
        let placed = self.placed.iter().cloned().chain(own);
        placed.map(|id| (id.clone(), quarantined.contains_key(&id))).collect()
    }

    /// What contradicts where vantages, landmarks and other addresses are said to be, of which nothing was told before.
    pub(super) fn remarks(&mut self) -> Vec<String> {
        let (quarantined, doubted) = (self.together.quarantined(self.settled), self.together.doubted(self.settled));
        let mut is_news = |id: &VantageId, is_quarantined| self.told.insert((id.clone(), is_quarantined));
        let quarantined = quarantined.into_iter().filter(|(id, _)| is_news(id, true)).map(|(_, why)| why.remark());
        let mut remarks: Vec<_> = quarantined.collect();
        remarks.extend(doubted.into_iter().filter(|(id, _)| is_news(id, false)).map(|(_, doubt)| doubt.to_string()));
        remarks.extend(self.elsewhere());
        remarks
    }

    /// The landmarks and other addresses that are not where they are said to be, as far as that is news.
    fn elsewhere(&mut self) -> Vec<String> {
        let misplaced = self.together.misplaced(self.settled).map(|why| (why.address, why as &dyn fmt::Display));
        let dropped = self.together.dropped(self.settled).map(|why| (why.address, why as &dyn fmt::Display));
        let mut remarks = Vec::new();
        for (address, why) in misplaced.chain(dropped) {
            if self.told_elsewhere.len() > MOST_ELSEWHERE {
                break;
            }
            if self.told_elsewhere.insert(address) {
                remarks.push(if self.told_elsewhere.len() > MOST_ELSEWHERE {
                    format!(
                        "more than {MOST_ELSEWHERE} addresses are not where they are said to be: pehra judge names them all"
                    )
                } else {
                    why.to_string()
                });
            }
        }
        remarks
    }

    /// What other vantages saw of the addresses of `subject`, the nearest in time of each.
    pub(super) fn companions<'a>(
        &'a self,
        subject: &Observation,
        borders: &'a Borders,
        home: &'a Home,
    ) -> Companions<'a> {
        let addresses = subject.addresses().into_iter().chain(subject.related_addresses());
        let places: BTreeSet<_> = addresses.filter_map(|address| self.places.get(&address)).flatten().collect();
        let seen = places.into_iter().filter_map(|place| self.sightings.get(*place));
        Companions::new(seen, borders, home)
    }
}

/// What no round of our own says: as much as was known when the first of all began.
pub(super) fn nothing_seen(home: &Home) -> Calibration {
    Calibration::new(home, Arc::new(Hubs::shipped()), Window::Before)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::location::outlines::Outlines;
    use crate::location::{Claim, Says};
    use crate::moment::Rtt;
    use crate::observation::{Ping, PingBest};
    use crate::place::{Coordinates, CountryCode, Distance};
    use crate::trace::Protocol;
    use crate::vantage::Position;
    use crate::workload::Endpoint;

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(88, 198, 1, 2));

    fn seen(vantage: &str, address: IpAddr, seconds: i64, ms: f64) -> Observation {
        let mut observation = crate::entry::tests::observation(vantage, "tcp://10.0.0.1:443");
        observation.endpoint = Endpoint::from(address);
        observation.observed = Timestamp::from_second(1_780_000_000 + seconds).unwrap();
        (observation.resolutions, observation.contacts, observation.claims) = Default::default();
        let best = Rtt::from_ms(ms).map(|rtt_ns| PingBest { rtt_ns, samples: 3 });
        let (protocol, started) = (Protocol::Icmp, observation.observed);
        observation.pings = vec![Ping { address, protocol, started, attempts: 3, resets: 0, best }];
        observation
    }

    #[test]
    fn the_companions_of_a_round_are_other_vantages_that_saw_an_address_of_it_within_a_week() {
        let elsewhere = IpAddr::V4(Ipv4Addr::new(88, 198, 1, 3));
        let sightings = [
            seen("fra", ADDRESS, -60, 1.2),
            seen("fra", ADDRESS, -7200, 0.9),
            seen("sin", elsewhere, 0, 1.0),
            seen("dxb", ADDRESS, -8 * 86_400, 1.0),
            seen("isb", ADDRESS, 0, 1.0),
        ];
        let borders = crate::location::disc::tests::without_land();
        let home = Home::of("PK".parse().unwrap());
        let mut others = Others::new(&home);
        others.set(sightings.clone().into(), &borders);
        let subject = seen("isb", ADDRESS, 0, 118.0);
        others.add(&subject, &borders);
        let companions = others.companions(&subject, &borders, &home);
        let seen: Vec<_> = companions.of(ADDRESS, &subject).map(|seen| seen.observation).collect();
        assert_eq!(seen, [&sightings[0]]);
        others.set(Arc::default(), &borders);
        assert_eq!(others.companions(&subject, &borders, &home).of(ADDRESS, &subject).count(), 0);
    }

    #[test]
    fn what_contradicts_where_a_vantage_is_said_to_stand_is_told_once() {
        let mut sighting = seen("fra", ADDRESS, 0, 1.0);
        let at = |latitude, longitude| Coordinates::new(latitude, longitude).unwrap();
        let (coordinates, uncertainty) = (at(50.1, 8.7), Distance::from_km(5.0));
        sighting.vantage.position = Some(Position { coordinates, uncertainty });
        let country = "PK".parse().unwrap();
        let says = Says::Landmark { name: "ix".to_owned(), country, coordinates: Some(at(31.6, 74.3)) };
        sighting.claims = vec![Claim { about: ADDRESS, source: "a test".to_owned(), dated: None, says }].into();
        let mut borders = crate::location::disc::tests::without_land();
        borders.meet(&sighting.vantage);
        let mut others = Others::new(&Home::of(country));
        let later = Timestamp::from_second(sighting.observed.as_second() + 3600).unwrap();
        let own = sighting.vantage.clone();
        others.set([sighting].into(), &borders);
        others.settle(&own, &borders, later);
        let remarks = others.remarks();
        let end = "km away, or the landmark is wrong: the vantage proves and refutes nothing";
        assert!(remarks.len() == 1 && remarks[0].ends_with(end), "{remarks:?}");
        assert_eq!(others.remarks(), Vec::<String>::new());
    }

    /// A vantage in Lahore or Islamabad.
    fn at_home(id: &str, latitude: f64, longitude: f64) -> Vantage {
        let coordinates = Coordinates::new(latitude, longitude).unwrap();
        let position = Some(Position { coordinates, uncertainty: Distance::from_km(5.0) });
        Vantage { id: VantageId(id.to_owned()), position, asn: None }
    }

    /// What is remarked on after these were seen, twice.
    fn remarks_on(sightings: &[Observation]) -> [Vec<String>; 2] {
        let outlines = Outlines::decode(include_bytes!("../../geodb/borders.gz")).unwrap();
        let mut borders = Borders::new(Arc::new(outlines));
        for sighting in sightings {
            borders.meet(&sighting.vantage);
        }
        let mut others = Others::new(&Home::of(CountryCode::PAKISTAN));
        let own = sightings[0].vantage.clone();
        let later = Timestamp::from_second(sightings[0].observed.as_second() + 3600).unwrap();
        others.set(sightings.into(), &borders);
        others.settle(&own, &borders, later);
        [others.remarks(), others.remarks()]
    }

    fn claimed(mut sighting: Observation, vantage: &Vantage, says: Says) -> Observation {
        let about = *sighting.addresses().first().unwrap();
        sighting.vantage = vantage.clone();
        sighting.claims = vec![Claim { about, source: "a test".to_owned(), dated: None, says }].into();
        sighting
    }

    #[test]
    fn misplaced_landmarks_and_addresses_that_are_not_abroad_are_told_once() {
        let (lahore, islamabad) = (at_home("lhe", 31.558, 74.3507), at_home("isb", 33.6844, 73.0479));
        let frankfurt = Some(Coordinates::new(50.1, 8.7).unwrap());
        let germany: CountryCode = "DE".parse().unwrap();
        let says = Says::Landmark { name: "slip".to_owned(), country: germany, coordinates: frankfurt };
        let slip = |vantage| claimed(seen("", ADDRESS, 0, 12.0), vantage, says.clone());
        let near = claimed(seen("", "88.198.9.9".parse().unwrap(), 0, 2.0), &lahore, Says::Country(germany));
        let [first, second] = remarks_on(&[slip(&lahore), slip(&islamabad), near]);
        let start = ["the landmark slip (88.198.1.2) is not where", "88.198.9.9 is said to be abroad and answered lhe"];
        let are_told = first.len() == 2 && first.iter().zip(start).all(|(remark, start)| remark.starts_with(start));
        assert!(are_told, "{first:?}");
        assert_eq!(second, Vec::<String>::new());
    }

    #[test]
    fn of_too_many_addresses_that_are_not_where_they_are_said_to_be_it_is_said_that_there_are_more() {
        let (lahore, germany) = (at_home("lhe", 31.558, 74.3507), "DE".parse().unwrap());
        let dropped = |at: usize| {
            let address = format!("88.{}.{}.1", 1 + at / 200, at % 200).parse().unwrap();
            claimed(seen("", address, 0, 2.0), &lahore, Says::Country(germany))
        };
        for (count, told) in [(MOST_ELSEWHERE, MOST_ELSEWHERE), (3 * MOST_ELSEWHERE, MOST_ELSEWHERE + 1)] {
            let [first, second] = remarks_on(&(0..count).map(dropped).collect::<Vec<_>>());
            let says_more = first.last().unwrap().starts_with("more than 100 addresses");
            assert_eq!((first.len(), says_more, second), (told, count > MOST_ELSEWHERE, Vec::new()));
        }
    }
}
