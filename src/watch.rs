//! The daemon without the world: who is due, what a round means, who is told, and what is shown.
//!
//! A [`Watch`] owns the schedule, the alert book and the ledger. The agent drives it with the real world, the simulation
//! with an invented one, both in the same way:
//!
//! - fill what [`Watch::poll_past`] gives with what is in the journal, and hand it in by [`Watch::handle_past`]; until
//!   then nothing is due and nothing is judged, but alerts go on;
//! - begin a round for everything [`Watch::poll_due`] gives, and end it with [`Watch::handle_round`] (once its
//!   observation is in the journal), [`Watch::handle_unchanged`] or [`Watch::handle_round_failure`];
//! - send everything [`Watch::poll_delivery`] gives, and report it with [`Watch::handle_delivery`];
//! - hand in what other vantages saw by [`Watch::handle_evidence`], whenever that has changed;
//! - log what [`Watch::poll_event`] gives, keep what [`Watch::poll_save`] gives;
//! - call [`Watch::handle_timeout`] when [`Watch::poll_timeout`] has come.
//!
//! After any `handle_*` the polls are drained until they give nothing. Time does not go backwards between calls on the
//! monotonic clock; it may on the wall clock, and nothing depends on that but the dates that are shown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::alert::{
    AlertBook, AlertSettings, Counts, Delivery, DeliveryId, Occasion, Outcome, SavedAlerts, Sight, Subject, Transition,
};
use crate::dossier::{Dossier, Instruments};
use crate::ledger::{Ledger, Record, Seen};
use crate::location::disc::Borders;
use crate::moment::Moment;
use crate::observation::{DatabaseDigest, Declared, Observation};
use crate::resolution::baseline::Baseline;
use crate::schedule::{Pace, RoundEnd, Schedule};
use crate::trace::Distances;
use crate::vantage::Vantage;
use crate::verdict::policy::Policy;
use crate::verdict::{Finding, RuleId, Standing, Verdict, judge};
use crate::workload::Endpoint;

use others::{Others, nothing_seen};

pub use past::Past;

mod others;
mod past;

/// What the workload of a landmark is called in the journal.
const LANDMARK: &str = "landmark";

/// An observation is judged as stale once its age, in whole seconds, is beyond its freshness.
const BEYOND: Duration = Duration::from_secs(1);

/// What is watched, by which rules, and who is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where this host stands.
    pub vantage: Vantage,
    /// Every endpoint.
    pub watched: BTreeMap<Endpoint, Watched>,
    /// What is measured beside them and not judged, each with the longest time between two rounds.
    pub landmarks: BTreeMap<Endpoint, Duration>,
    /// What is judged by.
    pub policy: Policy,
    /// The borders of countries.
    pub borders: Borders,
    /// How fast rounds may follow one another.
    pub pace: Pace,
    /// How patient alerts are, and their sinks.
    pub alerts: AlertSettings,
    /// The databases in use, as they are shown.
    pub databases: Vec<DatabaseDigest>,
}

/// One endpoint that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// What the inventory says of it.
    pub declared: Declared,
    /// The longest time between two rounds.
    pub interval: Duration,
    /// How old its last observation may be before it is stale.
    pub freshness: Duration,
}

/// A round that should begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What to look at.
    pub endpoint: Endpoint,
    /// What the inventory says of it.
    pub declared: Declared,
    /// How far its addresses were in the round before.
    pub distances: Distances,
    /// Where its name was found to lead, if it is only to be asked whether that has changed.
    pub baseline: Option<Baseline>,
}

/// What is worth a line in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An endpoint stands otherwise than before, or was judged for the first time.
    Standing {
        /// Which.
        endpoint: Endpoint,
        /// How it stood; none when it was never judged.
        from: Option<Standing>,
        /// How it stands.
        to: Standing,
        /// The worst finding, if there is any.
        worst: Option<Finding>,
    },
    /// Something happened to an alert.
    Alert(Transition),
    /// Something contradicts where a vantage, a landmark or another address is said to be, in one sentence; told once.
    Vantage(String),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A round is due.
    Round,
    /// A delivery, a reminder or the end of an alert is due.
    Alert,
    /// An observation goes stale.
    Stale,
}

/// What is kept of an endpoint between rounds.
#[derive(Debug)]
struct File {
    last: Option<Last>,
    stale_at: Instant,
}

/// The last round of an endpoint.
#[derive(Debug)]
struct Last {
    observation: Observation,
    /// When it was handed in.
    seen: Instant,
    /// From when on it is time for the next whole round, even if its name leads nowhere else.
    whole_from: Instant,
}

impl Last {
    /// Where the name was found to lead, as long as that is all that needs to be asked.
    fn baseline(&self, now: Moment) -> Option<Baseline> {
        let resolutions = &self.observation.resolutions;
        (now.mono < self.whole_from && !resolutions.is_empty()).then(|| Baseline::of(resolutions))
    }
}

/// How far earlier rounds are known, in the light of which all others are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recall {
    Wanted,
    Asked,
    Done,
}

/// The daemon without the world.
#[derive(Debug)]
pub struct Watch {
    settings: Settings,
    schedule: Schedule,
    book: AlertBook,
    ledger: Arc<Ledger>,
    files: BTreeMap<Endpoint, File>,
    stale: BTreeSet<(Instant, Endpoint)>,
    others: Others,
    recall: Recall,
    /// What rounds saw that ended while the past is waited for: whoever reads the journal may be past them.
    meanwhile: Vec<Observation>,
    events: VecDeque<Event>,
}

impl Watch {
    /// Begins to watch, once [the past is known](Self::poll_past); `seed` fixes the order of first rounds and all jitter. `saved` is the alert book of an earlier
    /// run: alerts on what is no longer watched are cleared, the others go on.
    pub fn new(settings: Settings, saved: Option<SavedAlerts>, seed: u64, now: Moment) -> Self {
        let alerts = settings.alerts.clone();
        let book = match saved {
            Some(saved) => AlertBook::restore(alerts, saved, now),
            None => AlertBook::new(alerts),
        };
        let mut watch = Self {
            schedule: Schedule::new(settings.pace, seed),
            settings: settings.clone(),
            book,
            ledger: Arc::default(),
            files: BTreeMap::new(),
            stale: BTreeSet::new(),
            others: Others::new(&settings.policy.home),
            recall: Recall::Wanted,
            meanwhile: Vec::new(),
            events: VecDeque::new(),
        };
        watch.handle_reconfigured(settings, now);
        watch
    }

    /// Other settings. Endpoints that stay keep their due times, their alerts and what is known of them, judged again by
    /// the policy in force and what is declared now; one that is declared otherwise is looked at at once as well; one
    /// that is gone takes its alerts and its series with it.
    pub fn handle_reconfigured(&mut self, mut settings: Settings, now: Moment) {
        settings.borders.meet(&settings.vantage);
        for vantage in self.others.vantages() {
            settings.borders.meet(vantage);
        }
        let before = std::mem::replace(&mut self.settings, settings);
        if self.settings.policy.home != before.policy.home {
            self.others = self.others.at_home_in(&self.settings.policy.home, &self.settings.borders);
            self.recall = Recall::Wanted;
        }
        let rejudge = self.settings.policy != before.policy
            || self.settings.borders.outlines().id() != before.borders.outlines().id();
        let watched = &self.settings.watched;
        let landmarks = self.settings.landmarks.iter().map(|(endpoint, interval)| (endpoint.clone(), *interval));
        let intervals = watched.iter().map(|(endpoint, watched)| (endpoint.clone(), watched.interval));
        let intervals = landmarks.chain(intervals).collect();
        self.schedule.handle_reconfigured(self.settings.pace, &intervals, now);
        self.book.handle_reconfigured(self.settings.alerts.clone(), |endpoint| watched.contains_key(endpoint), now);
        self.files.retain(|endpoint, _| watched.contains_key(endpoint));
        let files = &self.files;
        self.stale.retain(|(_, endpoint)| files.contains_key(endpoint));

        let ledger = Arc::make_mut(&mut self.ledger);
        ledger.endpoints.retain(|endpoint, _| watched.contains_key(endpoint.as_ref()));
        ledger.set_register(&self.settings.policy, &self.settings.databases);
        for (endpoint, watched) in self.settings.watched.clone() {
            let before = before.watched.get(&endpoint);
            let redeclared = before.is_some_and(|before| before.declared != watched.declared);
            let was_judged = self.take_up(&endpoint, watched, before, now);
            if (rejudge || redeclared) && was_judged {
                self.judge_last(&endpoint, None, now);
            }
        }
    }

    /// What is to be known of earlier rounds before anything is judged, empty: at the beginning, and again for another
    /// home, in whose place whatever was asked for before is forgotten.
    pub fn poll_past(&mut self, now: Moment) -> Option<Past> {
        if self.recall != Recall::Wanted {
            return None;
        }
        self.recall = Recall::Asked;
        let Settings { policy, borders, .. } = &self.settings;
        Some(Past::new(&policy.home, nothing_seen(&policy.home), borders.clone(), now.wall))
    }

    /// What is known of earlier rounds. Rounds begin, and what was seen meanwhile is judged; one that was asked for another
    /// home is passed over.
    pub fn handle_past(&mut self, past: Past, now: Moment) {
        if self.recall != Recall::Asked || past.home != self.settings.policy.home {
            return;
        }
        self.recall = Recall::Done;
        self.others.recall(past.calibration, &self.settings.borders);
        for sighting in std::mem::take(&mut self.meanwhile) {
            self.others.add(&sighting, &self.settings.borders);
        }
        self.reconsider(now);
    }

    /// Whether earlier rounds are known, so that what is seen is judged.
    pub fn judges(&self) -> bool {
        self.recall == Recall::Done
    }

    /// A round to begin now. Each is ended by [`Self::handle_round`] or [`Self::handle_round_failure`].
    pub fn poll_due(&mut self, now: Moment) -> Option<Due> {
        if !self.judges() {
            return None;
        }
        loop {
            let endpoint = self.schedule.poll_due(now)?;
            if let Some(watched) = self.settings.watched.get(&endpoint) {
                let last = self.files.get(&endpoint).and_then(|file| file.last.as_ref());
                let distances = last.map(|last| last.observation.distances()).unwrap_or_default();
                // What is on its way to an alert, or back from one, is decided by rounds that see all of it.
                let last = last.filter(|_| self.book.is_settled(&endpoint));
                let baseline = last.and_then(|last| last.baseline(now));
                return Some(Due { declared: watched.declared.clone(), distances, baseline, endpoint });
            }
            if self.settings.landmarks.contains_key(&endpoint) {
                let (declared, distances) = (Declared::nothing(LANDMARK), Distances::new());
                return Some(Due { declared, distances, baseline: None, endpoint });
            }
            self.schedule.handle_done(&endpoint, RoundEnd::Fruitless, now);
        }
    }

    /// The observation of a round that is over, and that is in the journal already.
    ///
    /// It is judged by what is declared now, whatever was when the round began; that of a landmark is only remembered.
    pub fn handle_round(&mut self, mut observation: Observation, now: Moment) {
        let endpoint = observation.endpoint.clone();
        let learned = !observation.addresses().is_empty();
        let end = if learned { RoundEnd::Learned { ttl: observation.ttl() } } else { RoundEnd::Fruitless };
        self.schedule.handle_done(&endpoint, end, now);
        self.others.add(&observation, &self.settings.borders);
        if !self.judges() {
            self.meanwhile.extend(observation.sightings());
        }
        self.settle(observation.observed);
        let Some(watched) = self.settings.watched.get(&endpoint) else { return };
        let redeclared = observation.declared != watched.declared;
        if redeclared {
            observation.declared.clone_from(&watched.declared);
        }
        let stale_at = now.mono + watched.freshness + BEYOND;
        let last = self.last(observation, watched.interval, now);
        self.expect(&endpoint, stale_at, Some(last));
        if redeclared {
            self.hasten(&endpoint, now);
        }
        self.judge_last(&endpoint, Some(Occasion::Round), now);
    }

    /// A round that was begun with a baseline found that the name leads nowhere else, for `ttl` seconds; `None` where no
    /// view gave an address.
    pub fn handle_unchanged(&mut self, endpoint: &Endpoint, ttl: Option<u32>, now: Moment) {
        let end = ttl.map_or(RoundEnd::Fruitless, |ttl| RoundEnd::Learned { ttl: Some(ttl) });
        self.schedule.handle_done(endpoint, end, now);
    }

    /// What is kept of a round.
    fn last(&self, observation: Observation, interval: Duration, now: Moment) -> Last {
        let earliest = interval.mul_f64((1.0 - self.settings.pace.jitter).clamp(0.0, 1.0));
        let began = now.mono.checked_sub(observation.elapsed_ns.duration()).unwrap_or(now.mono);
        Last { observation, seen: now.mono, whole_from: began + earliest }
    }

    /// What other vantages saw, each of one address, in place of what was handed in before. What is known is judged again
    /// in its light; an endpoint whose verdict that changes is looked at at once, so that its alerts follow.
    pub fn handle_evidence(&mut self, others: Arc<[Observation]>, now: Moment) {
        for sighting in others.iter() {
            self.settings.borders.meet(&sighting.vantage);
        }
        self.others.set(others, &self.settings.borders);
        self.reconsider(now);
    }

    /// Judges again what is known, in the light of others or of another past.
    fn reconsider(&mut self, now: Moment) {
        let was_judged = |endpoint| self.ledger.endpoints.get(endpoint).is_some_and(|record| record.verdict.is_some());
        let known = self.files.iter().filter(|(endpoint, file)| file.last.is_some() || was_judged(*endpoint));
        let observed = |file: &File| file.last.as_ref().map(|last| last.observation.observed);
        let mut judged: Vec<_> = known.map(|(endpoint, file)| (observed(file), endpoint.clone())).collect();
        judged.sort();
        for observed in judged.iter().filter_map(|(observed, _)| *observed) {
            self.settle(observed);
        }
        self.settle(now.wall);
        for (_, endpoint) in judged {
            let before = self.ledger.endpoints.get(&endpoint).cloned();
            self.judge_last(&endpoint, None, now);
            let verdict = |record: Option<&Arc<Record>>| {
                record.and_then(|record| Some(record.verdict.as_ref()?.findings.clone()))
            };
            if verdict(self.ledger.endpoints.get(&endpoint)) != verdict(before.as_ref()) {
                self.hasten(&endpoint, now);
            }
        }
    }

    /// A round gave no observation, or it could not be kept in the journal. It is tried again, later each time.
    pub fn handle_round_failure(&mut self, endpoint: &Endpoint, now: Moment) {
        self.schedule.handle_done(endpoint, RoundEnd::Fruitless, now);
    }

    /// Alerts to send to one sink. Each delivery is ended by [`Self::handle_delivery`].
    pub fn poll_delivery(&mut self, now: Moment) -> Option<Delivery> {
        self.book.poll_delivery(now)
    }

    /// What came of a delivery: one outcome for each of its alerts, in their order.
    pub fn handle_delivery(&mut self, id: DeliveryId, outcomes: &[Outcome], now: Moment) {
        self.book.handle_delivery(id, outcomes, now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.book.handle_timeout(now);
        while self.judges() && self.stale.first().is_some_and(|(at, _)| *at <= now.mono) {
            if let Some((_, endpoint)) = self.stale.pop_first() {
                self.judge_last(&endpoint, Some(Occasion::Silence), now);
            }
        }
    }

    /// When something is due, and what.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        let alert = self.book.poll_timeout().map(|at| (at, Reason::Alert));
        if !self.judges() {
            return alert;
        }
        let round = self.schedule.poll_timeout().map(|at| (at, Reason::Round));
        let stale = self.stale.first().map(|(at, _)| (*at, Reason::Stale));
        [round, alert, stale].into_iter().flatten().min()
    }

    /// What happened, for the log.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| self.book.poll_transition().map(Event::Alert))
    }

    /// The alert book to keep over a restart, if something in it changed that should outlive one. It is the whole book
    /// each time: ask at most once in a second, and take [`Self::save`] at the end.
    pub fn poll_save(&mut self) -> Option<SavedAlerts> {
        self.book.poll_save()
    }

    /// The alert book to keep over a restart, as it is.
    pub fn save(&self) -> SavedAlerts {
        self.book.save()
    }

    /// What is known now. A clone of the `Arc` is a snapshot.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// How many alerts are pending, firing and resolved.
    pub fn alert_counts(&self) -> Counts {
        self.book.counts()
    }

    /// How many endpoints wait for a round beyond their time.
    pub fn overdue(&self, now: Moment) -> usize {
        self.schedule.overdue(now)
    }

    /// How many rounds are under way.
    pub fn running(&self) -> usize {
        self.schedule.running()
    }

    /// Brings what is known of vantages up to the moment of an observation that is judged, and shows it.
    fn settle(&mut self, moment: Timestamp) {
        if !self.judges() {
            return;
        }
        let Settings { vantage, borders, .. } = &self.settings;
        self.others.settle(vantage, borders, moment);
        self.events.extend(self.others.remarks().into_iter().map(Event::Vantage));
        let vantages = self.others.quarantined(vantage);
        if *self.ledger.vantages != vantages {
            Arc::make_mut(&mut self.ledger).vantages = Arc::new(vantages);
        }
    }

    /// Takes up an endpoint of new settings, which may have been watched before; whether there is a verdict on it.
    fn take_up(&mut self, endpoint: &Endpoint, watched: Watched, before: Option<&Watched>, now: Moment) -> bool {
        let seen = self.files.get(endpoint).map(|file| file.last.as_ref().map_or(now.mono, |last| last.seen));
        if before.is_none_or(|before| before.freshness != watched.freshness) || seen.is_none() {
            let last = self.files.remove(endpoint).and_then(|file| {
                self.stale.remove(&(file.stale_at, endpoint.clone()));
                file.last
            });
            self.expect(endpoint, seen.unwrap_or(now.mono) + watched.freshness + BEYOND, last);
        }
        if before.is_some_and(|before| before.declared != watched.declared) {
            self.hasten(endpoint, now);
            if let Some(last) = self.last_of(endpoint) {
                last.observation.declared.clone_from(&watched.declared);
            }
        }
        if let Some(last) = self.last_of(endpoint) {
            last.whole_from = last.whole_from.min(last.seen + watched.interval);
        }
        let known = self.ledger.endpoints.get(endpoint).map(|record| record.as_ref().clone());
        let (verdict, seen) = known.map_or((None, None), |record| (record.verdict, record.seen));
        let was_judged = verdict.is_some();
        Arc::make_mut(&mut self.ledger).set(endpoint, Record { declared: watched.declared, verdict, seen });
        was_judged
    }

    /// Looks at an endpoint as a whole now, unless that is under way.
    fn hasten(&mut self, endpoint: &Endpoint, now: Moment) {
        if let Some(last) = self.last_of(endpoint) {
            last.whole_from = now.mono;
        }
        self.schedule.hasten(endpoint, now);
    }

    fn last_of(&mut self, endpoint: &Endpoint) -> Option<&mut Last> {
        self.files.get_mut(endpoint).and_then(|file| file.last.as_mut())
    }

    /// Keeps the last round of an endpoint, and expects the next before `stale_at`.
    fn expect(&mut self, endpoint: &Endpoint, stale_at: Instant, last: Option<Last>) {
        if let Some(file) = self.files.insert(endpoint.clone(), File { last, stale_at }) {
            self.stale.remove(&(file.stale_at, endpoint.clone()));
        }
        self.stale.insert((stale_at, endpoint.clone()));
    }

    /// Judges what is known of an endpoint as of now, shows it, and on occasion tells the alert book.
    fn judge_last(&mut self, endpoint: &Endpoint, occasion: Option<Occasion>, now: Moment) {
        if !self.judges() {
            return;
        }
        let Some(watched) = self.settings.watched.get(endpoint) else { return };
        let Some(file) = self.files.get(endpoint) else { return };
        let (verdict, sight, seen) = match &file.last {
            Some(last) => {
                let (dossier, verdict) = appraise(last, watched, &self.settings, &self.others, now);
                (verdict, Sight::of(&dossier), Some(Seen::of(&dossier)))
            }
            None => (never_observed(endpoint, watched, &self.settings, now), Sight::default(), None),
        };
        if let Some(occasion) = occasion {
            let subject = Subject { declared: &watched.declared, interval: watched.interval, sight: &sight };
            self.book.handle_verdict(&verdict, subject, occasion, now);
        }
        let from = self.ledger.endpoints.get(endpoint).and_then(|record| Some(record.verdict.as_ref()?.standing));
        if from != Some(verdict.standing) {
            let (to, worst) = (verdict.standing, verdict.findings.first().cloned());
            self.events.push_back(Event::Standing { endpoint: endpoint.clone(), from, to, worst });
        }
        let record = Record { declared: watched.declared.clone(), verdict: Some(verdict), seen };
        Arc::make_mut(&mut self.ledger).set(endpoint, record);
    }
}

/// The verdict on a round, as of now. The age of the round is counted on the monotonic clock from its own end, so that a
/// stepped wall clock makes nothing stale and nothing fresh.
fn appraise<'a>(
    last: &'a Last,
    watched: &Watched,
    settings: &'a Settings,
    others: &'a Others,
    now: Moment,
) -> (Dossier<'a>, Verdict) {
    let since = last.observation.elapsed_ns.duration() + now.mono.saturating_duration_since(last.seen);
    let as_of = later(last.observation.observed, since);
    let freshness = watched.freshness.as_secs();
    let calibration = Some(others.calibration());
    let instruments = Instruments { borders: &settings.borders, home: &settings.policy.home, calibration };
    let companions = others.companions(&last.observation, &settings.borders, &settings.policy.home);
    let dossier = Dossier::assemble(&last.observation, &companions, instruments, as_of, freshness);
    let verdict = judge(&dossier, &settings.policy).in_words();
    (dossier, verdict)
}

/// The verdict on an endpoint whose first observation never came: stale, where the policy binds that rule, and unproven.
fn never_observed(endpoint: &Endpoint, watched: &Watched, settings: &Settings, now: Moment) -> Verdict {
    let binding = settings.policy.standings(RuleId::Stale, watched.declared.class.as_ref());
    let finding = binding.map(|standings| Finding {
        rule: RuleId::Stale,
        standing: standings.of(None),
        address: None,
        grade: None,
        because: vec![format!("not observed once in {} s since it is watched", watched.freshness.as_secs())],
    });
    Verdict {
        endpoint: endpoint.clone(),
        vantage: settings.vantage.id.clone(),
        observed: now.wall,
        standing: finding.as_ref().map_or(Standing::Unproven, |finding| finding.standing.max(Standing::Unproven)),
        findings: finding.into_iter().collect(),
        policy: settings.policy.sha256,
    }
}

fn later(at: Timestamp, elapsed: Duration) -> Timestamp {
    let signed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
    at.checked_add(signed).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
