//! The real daemon without its shell: the watch, the rounds under way, the journal's disk and those who are told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::alert::{Delivery, DeliveryId, Outcome, SavedAlerts, SinkId};
use crate::config::{Config, settings};
use crate::contact::Contact;
use crate::location::disc::Borders;
use crate::moment::Moment;
use crate::observation::Observation;
use crate::resolution::pointer::Pointer;
use crate::resolution::zone::Zone;
use crate::resolution::{self, Resolution, View};
use crate::round::{Ask, End, Round, RoundSettings, canary};
use crate::trace::Trace;
use crate::watch::{Due, Watch};

use super::alertmanager::Sink;
use super::diary::Diary;
use super::topology::mix;
use super::written::{JournalState, SinkState};

/// How long a sink takes to answer.
const PROMPT: Duration = Duration::from_millis(50);

/// A round under way. Its number is never used again, so that an answer that comes too late finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoundId(u64);

/// The answer to something a round asked.
#[derive(Debug)]
pub(super) enum Answer {
    Resolution(Resolution),
    Contact(Contact),
    Trace(Trace),
    Pointer(Pointer),
    Zone(Zone),
}

/// The daemon, as far as it is pure, and what the shell would keep for it.
#[derive(Debug)]
pub(super) struct Daemon {
    config: Config,
    borders: Borders,
    watch: Watch,
    seed: u64,
    rounds: BTreeMap<RoundId, Round>,
    begun: u64,
    sinks: BTreeMap<SinkId, Sink>,
    pub(super) journal: JournalState,
    /// The alert book as it was last written to disk, and what the journal says of distances.
    saved: Option<SavedAlerts>,
    sightings: Vec<Observation>,
    pub(super) diary: Diary,
}

impl Daemon {
    pub(super) fn new(config: Config, borders: Borders, seed: u64, now: Moment) -> Self {
        let settings = settings::of_watch(&config, borders.clone(), Vec::new());
        let sinks = settings.alerts.sinks.iter().map(|(id, kind)| (id.clone(), Sink::new(*kind))).collect();
        let mut daemon = Self {
            watch: Watch::new(settings, None, seed, now),
            config,
            borders,
            seed,
            rounds: BTreeMap::new(),
            begun: 0,
            sinks,
            journal: JournalState::Working,
            saved: None,
            sightings: Vec::new(),
            diary: Diary::default(),
        };
        daemon.recall(now);
        daemon
    }

    /// A new configuration was read.
    pub(super) fn handle_config(&mut self, config: Config, now: Moment) {
        let settings = settings::of_watch(&config, self.borders.clone(), Vec::new());
        for (id, kind) in &settings.alerts.sinks {
            self.sinks.entry(id.clone()).or_insert_with(|| Sink::new(*kind));
        }
        self.config = config;
        self.watch.handle_reconfigured(settings, now);
        self.recall(now);
    }

    /// The process ends and another begins, with what is on disk.
    pub(super) fn handle_restart(&mut self, now: Moment) {
        self.keep();
        let on_disk = serde_json::to_vec(&self.saved);
        let saved = on_disk.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).flatten();
        self.rounds.clear();
        self.seed = mix(self.seed);
        let settings = settings::of_watch(&self.config, self.borders.clone(), Vec::new());
        self.watch = Watch::new(settings, saved, self.seed, now);
        self.recall(now);
    }

    /// Reads the journal back, which takes no time.
    fn recall(&mut self, now: Moment) {
        while let Some(mut past) = self.watch.poll_past(now) {
            self.sightings.iter().for_each(|sighting| past.handle_observation(sighting));
            self.watch.handle_past(past, now);
        }
    }

    /// Something happens to somebody who is told; `false` when nobody is called so.
    pub(super) fn handle_sink(&mut self, id: &str, state: SinkState, now: Moment) -> bool {
        let sink = self.sinks.get_mut(&SinkId(id.to_owned()));
        sink.map(|sink| sink.handle_state(state, now.wall)).is_some()
    }

    pub(super) fn handle_answer(&mut self, id: RoundId, answer: Answer, now: Moment) {
        let Some(round) = self.rounds.get_mut(&id) else { return };
        match answer {
            Answer::Resolution(resolution) => round.handle_resolution(resolution, now),
            Answer::Contact(contact) => round.handle_contact(contact, now),
            Answer::Trace(trace) => round.handle_trace(trace, now),
            Answer::Pointer(pointer) => round.handle_pointer(pointer),
            Answer::Zone(zone) => round.handle_zone(zone, now),
        }
    }

    pub(super) fn handle_delivery(&mut self, id: DeliveryId, outcomes: &[Outcome], now: Moment) {
        self.watch.handle_delivery(id, outcomes, now);
    }

    pub(super) fn handle_timeout(&mut self, now: Moment) {
        for round in self.rounds.values_mut() {
            round.handle_timeout(now);
        }
        self.watch.handle_timeout(now);
        for sink in self.sinks.values_mut() {
            sink.handle_time(now.wall);
        }
    }

    /// Begins what is due; whether anything was.
    pub(super) fn begin_rounds(&mut self, elapsed: Duration, now: Moment) -> bool {
        let before = self.begun;
        while let Some(Due { endpoint, declared, distances, baseline }) = self.watch.poll_due(now) {
            self.diary.begin(&endpoint, elapsed);
            self.begun += 1;
            let settings = RoundSettings {
                canary: canary(&endpoint, mix(self.begun)),
                baseline,
                endpoint,
                declared,
                vantage: self.config.vantage.clone(),
                views: self.config.resolvers.iter().map(|resolver| resolver.view.clone()).collect::<Vec<View>>(),
                probing: self.config.probing.round.clone(),
                distances,
                flow: u16::try_from(mix(self.begun) & 0xffff).unwrap_or(0),
            };
            self.rounds.insert(RoundId(self.begun), Round::new(settings, now));
        }
        self.begun > before
    }

    /// Something that a round wants to know.
    pub(super) fn poll_ask(&mut self) -> Option<(RoundId, Ask)> {
        self.rounds.iter_mut().find_map(|(id, round)| Some((*id, round.poll_ask()?)))
    }

    pub(super) fn round_mut(&mut self, id: RoundId) -> Option<&mut Round> {
        self.rounds.get_mut(&id)
    }

    /// Journals and hands over the rounds that are complete; whether there were any.
    pub(super) fn end_rounds(&mut self, now: Moment) -> bool {
        let ended = |(id, round): (&RoundId, &mut Round)| Some((*id, round.endpoint().clone(), round.poll_end()?));
        let over: Vec<_> = self.rounds.iter_mut().filter_map(ended).collect();
        let is_any = !over.is_empty();
        for (id, endpoint, end) in over {
            self.rounds.remove(&id);
            match (end, self.journal) {
                (End::Observed(observation), JournalState::Working) => {
                    self.diary.end(&endpoint);
                    self.sightings.extend(observation.sightings());
                    self.watch.handle_round(*observation, now);
                }
                (End::Observed(_), JournalState::Full) => self.watch.handle_round_failure(&endpoint, now),
                (End::Unchanged(resolutions), JournalState::Working | JournalState::Full) => {
                    self.diary.end(&endpoint);
                    self.watch.handle_unchanged(&endpoint, resolution::ttl(&resolutions), now);
                }
            }
        }
        self.keep();
        is_any
    }

    fn keep(&mut self) {
        self.saved = self.watch.poll_save().or(self.saved.take());
    }

    /// Sends the next alerts. Yields what came of it, and after how long that is known.
    pub(super) fn poll_delivery(&mut self, now: Moment) -> Option<(Duration, DeliveryId, Vec<Outcome>)> {
        let Delivery { id, sink, alerts } = self.watch.poll_delivery(now)?;
        let timeout = self.config.alerting.timeout;
        let outcomes: Vec<_> = match self.sinks.get_mut(&sink) {
            Some(sink) => alerts.iter().map(|alert| sink.handle_alert(alert, now.wall)).collect(),
            None => alerts.iter().map(|_| Outcome::Unreachable).collect(),
        };
        let after = if outcomes.contains(&Outcome::Timeout) { timeout } else { PROMPT };
        Some((after, id, outcomes))
    }

    pub(super) fn poll_event(&mut self) -> Option<crate::watch::Event> {
        self.watch.poll_event()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let rounds = self.rounds.values().filter_map(|round| round.poll_timeout().map(|(at, _)| at));
        rounds.chain(self.watch.poll_timeout().map(|(at, _)| at)).min()
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Those who are told of alerts.
    pub(super) fn sinks(&self) -> impl Iterator<Item = &Sink> {
        self.sinks.values()
    }
}
