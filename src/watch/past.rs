//! What rounds of before the start say of vantages: as much as if the daemon had never stopped.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calibration::{CALIBRATION_DAYS, Calibration};
use crate::location::disc::Borders;
use crate::observation::Observation;
use crate::place::Home;

/// How much is taken up at once, in hours. What was observed in the last of it is taken up by whoever judges, hour by hour
/// as it was observed.
const STEP: SignedDuration = SignedDuration::from_hours(24);

/// What the journal says of vantages. The watch asks for it empty; whoever keeps the journal fills it.
///
/// Nothing of an observation is kept but what a [`Calibration`] keeps: one time for each vantage, address and day.
#[derive(Clone, Debug)]
pub struct Past {
    /// For which home it was asked.
    pub(super) home: Home,
    pub(super) calibration: Calibration,
    borders: Borders,
    since: Timestamp,
    now: Timestamp,
    settled: Timestamp,
}

impl Past {
    /// Nothing yet, for what is judged from `now` on.
    pub(super) fn new(home: &Home, calibration: Calibration, borders: Borders, now: Timestamp) -> Self {
        let since = first_of_window(now);
        Self { home: home.clone(), calibration, borders, since, now, settled: Timestamp::MIN }
    }

    /// The first moment that counts: nothing that was observed before is needed.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Takes up an observation of the journal. Their order does not matter, but what comes in order takes less room.
    pub fn handle_observation(&mut self, observation: &Observation) {
        if observation.observed < self.since {
            return;
        }
        self.borders.meet(&observation.vantage);
        self.calibration.handle_observation(observation, &self.borders);
        let observed = observation.observed;
        if observed.duration_since(self.settled) >= STEP && self.now.duration_since(observed) >= STEP {
            self.calibration.settle(observed);
            self.settled = observed;
        }
    }
}

/// The beginning of the first day, in UTC, that counts for what is judged at `now`.
fn first_of_window(now: Timestamp) -> Timestamp {
    let week_before = now.checked_sub(SignedDuration::from_hours(24 * CALIBRATION_DAYS));
    let day = week_before.and_then(|at| at.to_zoned(TimeZone::UTC).start_of_day());
    day.map_or(Timestamp::MIN, |day| day.timestamp())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::calibration::{Hubs, Window};
    use crate::dossier::{Companions, Dossier, Instruments};
    use crate::entry::tests::observation;
    use crate::ledger::{Record, Seen};
    use crate::location::outlines::Outlines;
    use crate::location::{Claim, Says};
    use crate::moment::{Moment, Rtt};
    use crate::network::Asn;
    use crate::observation::{Ping, PingBest};
    use crate::place::{Coordinates, Distance};
    use crate::trace::Protocol;
    use crate::vantage::{Position, Vantage, VantageId};
    use crate::verdict::judge;
    use crate::watch::tests::{settings, start, watched, without_past};
    use crate::watch::{Settings, Watch};
    use crate::workload::Endpoint;

    const ENDPOINT: &str = "tcp://203.101.184.84:443";

    fn vantage() -> Vantage {
        let coordinates = Coordinates::new(31.558, 74.3507).unwrap();
        let position = Some(Position { coordinates, uncertainty: Distance::from_km(25.0) });
        Vantage { id: VantageId("lhe".to_owned()), position, asn: Some(Asn(23888)) }
    }

    fn in_lahore() -> Settings {
        let mut settings = settings(0);
        settings.borders = Borders::new(Arc::new(Outlines::decode(include_bytes!("../../geodb/borders.gz")).unwrap()));
        settings.vantage = vantage();
        settings.watched.insert(ENDPOINT.parse().unwrap(), watched("restricted"));
        settings
    }

    /// What was measured of an endpoint so many seconds before the start.
    fn seen(endpoint: &str, seconds: i64, ms: f64, says: Option<Says>) -> Observation {
        let mut seen = observation("", endpoint);
        (seen.vantage, seen.declared) = (vantage(), watched("restricted").declared);
        (seen.resolutions, seen.contacts) = Default::default();
        seen.observed = start().wall - SignedDuration::from_secs(seconds);
        let (address, started) = (*seen.addresses().first().unwrap(), seen.observed);
        let best = Some(PingBest { rtt_ns: Rtt::from_ms(ms).unwrap(), samples: 3 });
        seen.pings = vec![Ping { address, protocol: Protocol::Icmp, started, attempts: 3, resets: 0, best }];
        let claim = |says| Claim { about: address, source: "a test".to_owned(), dated: None, says };
        seen.claims = says.into_iter().map(claim).collect();
        seen
    }

    /// Five landmarks abroad, the fastest in 31 ms, measured from `days` before the start on; nine days before it they
    /// were nearer.
    fn journal() -> Vec<Observation> {
        let landmark = |at: u8, seconds: i64, ms: f64| {
            let (name, country) = (format!("landmark-{at}"), "AE".parse().unwrap());
            let says = Says::Landmark { name, country, coordinates: None };
            seen(&format!("185.1.8.{at}"), seconds, ms + f64::from(at), Some(says))
        };
        let day = |days: i64, ms: f64| (1..=5).map(move |at| landmark(at, days * 86_400 + i64::from(at), ms));
        let fine = (0..=6).rev().flat_map(|days| day(days, 30.0));
        day(9, 10.0).chain(fine).collect()
    }

    fn record(watch: &Watch) -> &Record {
        &watch.ledger().endpoints[&ENDPOINT.parse::<Endpoint>().unwrap()]
    }

    #[test]
    fn a_watch_that_was_restarted_judges_as_one_that_ran_on_and_as_the_journal_does() {
        let (journal, round) = (journal(), seen(ENDPOINT, -3600, 22.0, None));
        let begun = start();
        let later = begun.after(Duration::from_secs(3600));
        let mut ran_on = without_past(Watch::new(in_lahore(), None, 7, begun), begun);
        for observation in journal.iter().chain([&round]) {
            ran_on.handle_round(observation.clone(), later);
        }

        let mut restarted = Watch::new(in_lahore(), None, 8, later);
        let mut past = restarted.poll_past(later).unwrap();
        journal.iter().flat_map(Observation::sightings).for_each(|sighting| past.handle_observation(&sighting));
        restarted.handle_past(past, later);
        restarted.handle_round(round.clone(), later);
        assert_eq!(record(&restarted), record(&ran_on));

        let settings = in_lahore();
        let (mut borders, home) = (settings.borders, &settings.policy.home);
        borders.meet(&vantage());
        let observations = journal.iter().chain([&round]);
        let hubs = Arc::new(Hubs::shipped());
        let calibration = Calibration::survey(home, hubs, Window::Before, observations, &borders);
        let instruments = Instruments { borders: &borders, home, calibration: Some(&calibration) };
        let ended = round.observed + SignedDuration::try_from(round.elapsed_ns.duration()).unwrap();
        let dossier = Dossier::assemble(&round, &Companions::default(), instruments, ended, 900);
        assert_eq!(record(&restarted).verdict, Some(judge(&dossier, &settings.policy).in_words()));
        assert_eq!(record(&restarted).seen, Some(Seen::of(&dossier)));

        let mut without = without_past(Watch::new(in_lahore(), None, 9, later), later);
        without.handle_round(round, later);
        assert_ne!(record(&without).verdict, record(&ran_on).verdict, "the past matters");
    }

    #[test]
    fn nothing_is_due_and_nothing_is_judged_before_the_past_is_known() {
        let mut at: Moment = start();
        let mut watch = Watch::new(in_lahore(), None, 7, at);
        let past = watch.poll_past(at).unwrap();
        assert!(watch.poll_past(at).is_none(), "it is asked for once");
        at = at.after(Duration::from_secs(86_400));
        watch.handle_timeout(at);
        watch.handle_evidence(Arc::default(), at);
        watch.handle_reconfigured(in_lahore(), at);
        assert!(watch.poll_due(at).is_none() && watch.poll_timeout().is_none() && record(&watch).verdict.is_none());
        assert!(watch.ledger().vantages.is_empty(), "nor is anybody called trustworthy");

        watch.handle_past(past, at);
        assert!(watch.poll_due(at).is_some());
        assert_eq!(watch.ledger().vantages.len(), 1);
    }

    #[test]
    fn another_home_asks_for_another_past_and_rounds_that_end_meanwhile_are_judged_by_it() {
        let at = start();
        let mut watch = without_past(Watch::new(in_lahore(), None, 7, at), at);
        let mut abroad = in_lahore();
        abroad.policy.home = Home::of("IN".parse().unwrap());
        watch.handle_reconfigured(abroad, at);
        let of_india = watch.poll_past(at).unwrap();
        watch.handle_reconfigured(in_lahore(), at);
        let (journal, round) = (journal(), seen(ENDPOINT, 0, 22.0, None));
        let mut past = watch.poll_past(at).unwrap();
        watch.handle_past(of_india, at);
        assert!(!watch.judges(), "that was of another home");

        watch.handle_round(round.clone(), at);
        assert!(record(&watch).verdict.is_none());
        for observation in &journal {
            past.handle_observation(observation);
        }
        watch.handle_past(past, at);
        let mut ran_on = without_past(Watch::new(in_lahore(), None, 7, at), at);
        for observation in journal.into_iter().chain([round]) {
            ran_on.handle_round(observation, at);
        }
        assert_eq!(record(&watch).verdict, record(&ran_on).verdict);
    }
}
