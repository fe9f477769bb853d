//! Connects the core to the edge.
//!
//! The [`Agent`] owns the [`Watch`] and everything that lives as long as the daemon. Its loop only chooses an event; the
//! methods act on it. Rounds and deliveries are tasks that give back a value; the journal and the sockets have owners of
//! their own and are asked through bounded channels.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::alert::{Change, DeliveryId, Outcome, Severity, SinkId};
use crate::config::{Config, settings};
use crate::digest::Digest;
use crate::edge::client::ClientError;
use crate::edge::evidence::Evidence;
use crate::edge::http::{self, Question, Scrape, Surface};
use crate::edge::journal::writer::{self, JournalThread, JournalWriter};
use crate::edge::journal::{Journal, JournalError};
use crate::edge::prober::{ProbeSockets, Prober};
use crate::edge::signals::{Signal, Signals};
use crate::edge::{clock, notify};
use crate::location::disc::Borders;
use crate::moment::Moment;
use crate::observation::Observation;
use crate::resolution::{self, Resolution, View};
use crate::round::{End, RoundSettings, canary};
use crate::vitals::{RoundOutcome, Vitals};
use crate::watch::{Due, Event as Happening, Past, Watch};
use crate::workload::Endpoint;

use memory::Memory;
use past::Recall;
use reload::{News, PrepareError, Prepared, Ready, Reload};
use show::Screen;
use sinks::{Failing, Sinks, Turn};
use world::{World, WorldError};

pub mod memory;
pub mod past;
pub mod reload;
pub mod round;
pub mod show;
pub mod sinks;
pub mod world;

/// How long running rounds and deliveries are given when the daemon stops.
const GRACE: Duration = Duration::from_millis(2500);
/// How long the whole end may take, before five seconds are over.
const END: Duration = Duration::from_millis(4500);
/// How many deliveries are under way at once.
const DELIVERIES: usize = 8;
/// How many questions of the HTTP surface may wait.
const QUESTIONS: usize = 16;
/// How often the status that systemd shows is renewed.
const STATUS: Duration = Duration::from_secs(10);

/// What `main` opened before there were threads.
#[derive(Debug)]
pub struct Parts {
    /// The file of the configuration.
    pub path: PathBuf,
    /// The state directory, where it is not the one of the configuration.
    pub state: Option<PathBuf>,
    /// What was read from it.
    pub prepared: Prepared,
    /// Where the HTTP surface listens.
    pub listener: std::net::TcpListener,
    /// Where probes leave by.
    pub sockets: ProbeSockets,
    /// The journal, open.
    pub journal: Journal,
    /// Whether verdicts are shown on standard output.
    pub show: bool,
}

/// Why the daemon could not begin, or could not end in order.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// An operation of the system failed.
    #[error("failed to {0}: {1}")]
    Io(&'static str, #[source] io::Error),
    /// The journal's thread.
    #[error("failed to {0}")]
    Journal(#[from] JournalError),
    /// The daemon's own metrics.
    #[error("failed to register metrics: {0}")]
    Vitals(#[from] prometheus::Error),
    /// Whom to ask cannot be asked.
    #[error("failed to {0}")]
    World(#[from] WorldError),
    /// Whom to tell cannot be spoken to.
    #[error("failed to {0}")]
    Client(#[from] ClientError),
    /// The disk does not take what was handed over.
    #[error(
        "failed to finish the journal in time: observations of the last seconds may be missing from it; see the disk"
    )]
    JournalLate,
}

/// The daemon.
#[derive(Debug)]
pub struct Agent {
    config: Config,
    watch: Watch,
    world: World,
    screen: Option<Screen>,
    /// Makes flow identities that nobody outside can guess, the same for an endpoint as long as we run.
    secret: u64,
    rounds: JoinSet<Ended>,
    journal: JournalWriter,
    journal_thread: JournalThread,
    journal_fails: bool,
    sinks: Sinks,
    sinks_failing: Failing,
    deliveries: JoinSet<Sent>,
    memory: Memory,
    recall: Recall,
    reload: Reload,
    evidence: Evidence,
    vitals: Vitals,
    questions: mpsc::Receiver<Question>,
    ready: watch::Sender<bool>,
    http: JoinHandle<()>,
    http_ends: CancellationToken,
    prober: JoinHandle<()>,
    shutdown: CancellationToken,
    signals: Signals,
    status: Interval,
    watchdog: Option<Interval>,
}

/// How a round ended.
#[derive(Debug)]
struct Ended {
    endpoint: Endpoint,
    came: Came,
}

/// What came of a round.
#[derive(Debug)]
enum Came {
    /// What it saw, and whether that is in the journal.
    Observed(Arc<Observation>, Result<(), JournalError>),
    /// The name leads where it led before.
    Unchanged(Vec<Resolution>),
    /// It broke off.
    Nothing,
}

/// What came of a delivery.
#[derive(Debug)]
struct Sent {
    id: DeliveryId,
    sink: SinkId,
    outcomes: Vec<Outcome>,
}

/// What the loop wakes up for.
enum Event {
    Signal(Signal),
    Round(Result<Ended, JoinError>),
    Sent(Result<Sent, JoinError>),
    Read(News),
    Recalled(Box<Past>),
    Asked(Question),
    Kept,
    Due,
    Status,
    Alive,
}

impl Agent {
    /// Opens what needs a runtime, and begins to watch.
    pub fn start(parts: Parts) -> Result<Self, AgentError> {
        let Prepared { config, geodb, evidence, resolvers, .. } = parts.prepared;
        let shutdown = CancellationToken::new();
        let courtesy = config.probing.courtesy();
        let (prober_handle, prober) = Prober::spawn(parts.sockets, clock::seed(), courtesy, shutdown.clone())
            .map_err(|error| AgentError::Io("watch the probe sockets", error))?;
        let signals = Signals::open().map_err(|error| AgentError::Io("take over signals", error))?;
        let (journal, journal_thread) = writer::spawn(parts.journal)?;
        let memory = Memory::new(config.alert_book_file());
        let borders = Borders::new(geodb.outlines());
        let settings = settings::of_watch(&config, borders, geodb.digests());
        let watch = Watch::new(settings, memory.recall(), clock::seed(), clock::now());
        let sinks = Sinks::new(&config.alerting)?;
        let vitals = Vitals::new()?;
        vitals.expect(&views(&config), &sinks.ids());
        vitals.set_reload(true, clock::now().wall.as_second());
        let (questions_in, questions) = mpsc::channel(QUESTIONS);
        let (ready, is_ready) = watch::channel(false);
        let surface = Surface { questions: questions_in, ready: is_ready, reload: config.http.reload };
        let listener = listen(parts.listener).map_err(|error| AgentError::Io("listen for HTTP", error))?;
        let http_ends = CancellationToken::new();
        let http = tokio::spawn(http::serve(listener, surface, http_ends.clone()));
        let screen = parts.show.then(Screen::open).transpose();
        let screen = screen.map_err(|error| AgentError::Io("begin a thread for standard output", error))?;
        let world = World::open(&config, resolvers, prober_handle, geodb.clone())?;
        let mut agent = Self {
            recall: Recall::new(config.journal_directory(), config.vantage.id.clone()),
            reload: Reload::new(parts.path, parts.state, &config, geodb.clone(), evidence.clone()),
            config,
            evidence: Evidence::default(),
            watch,
            world,
            screen,
            secret: clock::seed(),
            rounds: JoinSet::new(),
            journal,
            journal_thread,
            journal_fails: false,
            sinks,
            sinks_failing: Failing::default(),
            deliveries: JoinSet::new(),
            memory,
            vitals,
            questions,
            ready,
            http,
            http_ends,
            prober,
            shutdown,
            signals,
            status: ticks(STATUS),
            watchdog: notify::watchdog_interval().map(ticks),
        };
        agent.take_up_evidence(evidence);
        Ok(agent)
    }

    /// Watches until it is told to stop, and then ends in order.
    pub async fn run(mut self) -> Result<(), AgentError> {
        // Whoever supervises us need not wait for the journal; whoever asks whether there are verdicts has to.
        notify::ready(&self.condition());
        loop {
            self.settle();
            match self.next().await {
                Event::Signal(Signal::Stop) => break,
                Event::Signal(Signal::Reload) => self.begin_reload(None),
                Event::Round(ended) => self.handle_round(ended),
                Event::Sent(sent) => self.handle_sent(sent),
                Event::Read(News::Config(prepared)) => self.handle_prepared(*prepared),
                Event::Read(News::Evidence(evidence)) => self.take_up_evidence(evidence),
                Event::Recalled(past) => self.handle_past(*past),
                Event::Asked(question) => self.handle_question(question),
                Event::Kept => {}
                Event::Due => self.watch.handle_timeout(clock::now()),
                Event::Status => notify::status(&self.condition()),
                Event::Alive => notify::alive(),
            }
        }
        self.stop().await
    }

    /// Chooses what to do next.
    async fn next(&mut self) -> Event {
        let due = self.watch.poll_timeout().map(|(at, _)| Instant::from_std(at));
        tokio::select! {
            signal = self.signals.next() => Event::Signal(signal),
            Some(ended) = self.rounds.join_next() => Event::Round(ended),
            Some(sent) = self.deliveries.join_next() => Event::Sent(sent),
            news = self.reload.news() => Event::Read(news),
            past = self.recall.done() => Event::Recalled(Box::new(past)),
            Some(question) = self.questions.recv() => Event::Asked(question),
            () = self.memory.settled() => Event::Kept,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Event::Due,
            _ = self.status.tick() => Event::Status,
            () = tick(self.watchdog.as_mut()) => Event::Alive,
        }
    }

    /// Does what the watch wants done now.
    fn settle(&mut self) {
        let now = clock::now();
        while let Some(happening) = self.watch.poll_event() {
            self.tell(&happening);
        }
        while let Some(past) = self.watch.poll_past(now) {
            self.recall.begin(past);
        }
        while let Some(due) = self.watch.poll_due(now) {
            self.begin_round(due);
        }
        self.begin_deliveries();
        if self.memory.is_free()
            && let Some(saved) = self.watch.poll_save()
        {
            self.memory.keep(saved);
        }
    }

    /// What the journal says of earlier rounds is known: from now on there are verdicts.
    fn handle_past(&mut self, past: Past) {
        self.watch.handle_past(past, clock::now());
        self.ready.send_replace(true);
        notify::status(&self.condition());
        info!(endpoints = self.watch.ledger().endpoints.len(), "watching");
    }

    fn begin_round(&mut self, due: Due) {
        let Due { endpoint, declared, distances, baseline } = due;
        debug!(%endpoint, "a round begins");
        let settings = RoundSettings {
            flow: self.flow(&endpoint),
            canary: canary(&endpoint, clock::seed()),
            baseline,
            endpoint: endpoint.clone(),
            declared,
            distances,
            vantage: self.config.vantage.clone(),
            views: views(&self.config),
            probing: self.config.probing.round.clone(),
        };
        let (world, journal) = (self.world.clone(), self.journal.clone());
        self.rounds.spawn(async move {
            let came = match apart(async move { round::inspect(settings, &world).await }).await.flatten() {
                Some(End::Observed(observation)) => {
                    let observation = Arc::new(*observation);
                    let written = journal.append(Arc::clone(&observation)).await.map(|_| ());
                    Came::Observed(observation, written)
                }
                Some(End::Unchanged(resolutions)) => Came::Unchanged(resolutions),
                None => Came::Nothing,
            };
            Ended { endpoint, came }
        });
    }

    /// The same for an endpoint as long as we run, so that its packets take the same way.
    fn flow(&self, endpoint: &Endpoint) -> u16 {
        let digest = Digest::of([self.secret.to_le_bytes().as_slice(), endpoint.as_str().as_bytes()]);
        digest.low_bits()
    }

    fn handle_round(&mut self, ended: Result<Ended, JoinError>) {
        let now = clock::now();
        let Ended { endpoint, came } = match ended {
            Ok(ended) => ended,
            Err(error) => return error!(%error, "a round broke off and cannot be named"),
        };
        match came {
            Came::Observed(observation, Ok(())) => self.handle_observed(observation, now),
            Came::Observed(observation, Err(failure)) => {
                self.note_journal(Some(&failure));
                self.vitals.count_round(RoundOutcome::Unjournaled, &observation.resolutions);
                self.watch.handle_round_failure(&endpoint, now);
            }
            Came::Unchanged(resolutions) => {
                debug!(%endpoint, "its name leads where it led before");
                self.vitals.count_round(RoundOutcome::Unchanged, &resolutions);
                self.watch.handle_unchanged(&endpoint, resolution::ttl(&resolutions), now);
            }
            Came::Nothing => {
                error!("a round broke off");
                self.vitals.count_round(RoundOutcome::Failed, &[]);
                self.watch.handle_round_failure(&endpoint, now);
            }
        }
    }

    fn handle_observed(&mut self, observation: Arc<Observation>, now: Moment) {
        self.note_journal(None);
        let (endpoint, addresses) = (&observation.endpoint, observation.addresses().len());
        debug!(%endpoint, addresses, took = %observation.elapsed_ns, "a round is over");
        self.vitals.count_round(RoundOutcome::Judged, &observation.resolutions);
        self.watch.handle_round(Arc::unwrap_or_clone(observation), now);
    }

    /// A disk that stays full is one line in the log.
    fn note_journal(&mut self, failure: Option<&JournalError>) {
        match failure {
            Some(failure) if !self.journal_fails => error!("failed to {failure}; nothing is judged until it can be"),
            None if self.journal_fails => info!("the journal can be written again"),
            Some(_) | None => {}
        }
        self.journal_fails = failure.is_some();
    }

    fn begin_deliveries(&mut self) {
        while self.deliveries.len() < DELIVERIES {
            let Some(delivery) = self.watch.poll_delivery(clock::now()) else { return };
            let sinks = self.sinks.clone();
            self.deliveries.spawn(async move {
                let (id, sink, count) = (delivery.id, delivery.sink.clone(), delivery.alerts.len());
                let outcomes = apart(async move { sinks.send(&delivery).await }).await;
                Sent { id, sink, outcomes: outcomes.unwrap_or_else(|| vec![Outcome::Unreachable; count]) }
            });
        }
    }

    fn handle_sent(&mut self, sent: Result<Sent, JoinError>) {
        match sent {
            Ok(Sent { id, sink, outcomes }) => {
                for outcome in &outcomes {
                    self.vitals.count_delivery(&sink, *outcome);
                }
                match self.sinks_failing.handle_outcomes(&sink, &outcomes) {
                    Some(Turn::Worse(why)) => {
                        warn!(%sink, outcome = why.as_str(), "alerts cannot be delivered; they are kept and sent again");
                    }
                    Some(Turn::Better) => info!(%sink, "alerts are delivered again"),
                    None => {}
                }
                self.watch.handle_delivery(id, &outcomes, clock::now());
            }
            Err(error) => error!(%error, "a delivery broke off"),
        }
    }

    fn begin_reload(&mut self, reply: Option<reload::Reply>) {
        notify::reloading();
        self.reload.begin(reply);
    }

    /// Takes up what was read, or says why not.
    fn handle_prepared(&mut self, prepared: Result<Ready, PrepareError>) {
        let outcome = prepared.map(|ready| self.take_up(ready)).map_err(|error| error.to_string());
        if let Err(why) = &outcome {
            error!("the configuration in force stays in force:\n{why}");
        }
        self.vitals.set_reload(outcome.is_ok(), clock::now().wall.as_second());
        for reply in self.reload.answered() {
            // Whoever asked may have gone.
            let _ = reply.send(outcome.clone());
        }
        notify::ready(&self.condition());
    }

    fn take_up(&mut self, ready: Ready) {
        let Ready { prepared: Prepared { mut config, warnings, geodb, evidence, resolvers }, sinks } = ready;
        for warning in warnings {
            warn!("{warning}");
        }
        keep_what_is_fixed(&mut config, &self.config);
        let changed = config != self.config;
        let borders = Borders::new(geodb.outlines());
        self.watch.handle_reconfigured(settings::of_watch(&config, borders, geodb.digests()), clock::now());
        self.vitals.expect(&views(&config), &sinks.ids());
        // The keys were read before, when the configuration was.
        if let Err(error) = self.world.reconfigure(&config, resolvers, geodb) {
            error!("failed to {error}; names are asked as before");
        }
        self.sinks = sinks;
        self.config = config;
        self.take_up_evidence(evidence);
        let endpoints = self.watch.ledger().endpoints.len();
        if changed {
            info!(endpoints, "another configuration is in force");
        } else {
            debug!(endpoints, "the configuration was read again and is the same");
        }
    }

    /// Judges from now on in the light of `evidence`, and says what is wrong with it that was not before.
    fn take_up_evidence(&mut self, evidence: Evidence) {
        let before: BTreeSet<String> = self.evidence.troubles().collect();
        let now: BTreeSet<String> = evidence.troubles().collect();
        for trouble in now.difference(&before) {
            warn!("{trouble}");
        }
        if now.is_empty() && !before.is_empty() {
            info!("all evidence can be read again");
        }
        self.vitals.set_evidence(evidence.conditions());
        self.watch.handle_evidence(evidence.observations(), clock::now());
        self.evidence = evidence;
    }

    fn handle_question(&mut self, question: Question) {
        match question {
            Question::Scrape(reply) => {
                self.vitals.set_alerts(self.watch.alert_counts());
                self.vitals.set_overdue(self.watch.overdue(clock::now()));
                self.vitals.set_probes(&self.world.prober.tally());
                self.vitals.set_pointers(&self.world.pointers.tally());
                let scrape = Scrape { ledger: Arc::clone(self.watch.ledger()), vitals: self.vitals.families() };
                // Whoever asked may have gone.
                let _ = reply.send(scrape);
            }
            Question::Reload(reply) => self.begin_reload(Some(reply)),
        }
    }

    fn tell(&mut self, happening: &Happening) {
        match happening {
            Happening::Standing { endpoint, from, to, worst } => {
                let record = self.watch.ledger().endpoints.get(endpoint);
                if let (Some(screen), Some(record)) = (&mut self.screen, record) {
                    screen.show(show::standing(endpoint, record, worst.as_ref()));
                }
                let workload = record.map_or_else(String::new, |record| record.declared.workload.to_string());
                let from = from.map_or("new", |standing| standing.as_str());
                info!(workload, from, to = to.as_str(), "an endpoint of this workload stands otherwise");
                debug!(%endpoint, from, to = to.as_str(), "it is this endpoint");
            }
            Happening::Vantage(remark) => warn!("{remark}"),
            Happening::Alert(alert) => {
                let (rule, severity) = (alert.rule.as_str(), alert.severity.as_str());
                let (endpoint, change) = (&alert.endpoint, alert.change.as_str());
                let is_news = matches!(alert.change, Change::Raised | Change::Worsened);
                if is_news && alert.severity > Severity::Info {
                    warn!(%endpoint, rule, severity, "alert {change}: {}", alert.description);
                } else {
                    info!(%endpoint, rule, severity, "alert {change}: {}", alert.description);
                }
            }
        }
    }

    /// What `systemctl status` shows.
    fn condition(&self) -> String {
        if !self.watch.judges() {
            return "reading the journal back: rounds begin after that".to_owned();
        }
        let endpoints = self.watch.ledger().endpoints.len();
        let firing = self.watch.alert_counts().firing;
        format!("watching {endpoints} endpoints, {} rounds running, {firing} alerts firing", self.watch.running())
    }

    /// Gives what is under way a moment, keeps what must survive, and waits for every helper, but not for ever.
    async fn stop(mut self) -> Result<(), AgentError> {
        let end = Instant::now() + END;
        info!("stopping");
        notify::stopping();
        self.ready.send_replace(false);
        self.http_ends.cancel();
        if timeout(GRACE, self.finish()).await.is_err() {
            debug!("rounds or deliveries that took too long are given up");
        }
        self.memory.keep(self.watch.save());
        let Self { mut rounds, mut deliveries, journal, journal_thread, .. } = self;
        self.shutdown.cancel();
        // Whoever still asks has an answer: none.
        drop(self.questions);
        let journal = async {
            rounds.shutdown().await;
            drop(journal);
            journal_thread.ended().await
        };
        let screen = async {
            if let Some(screen) = self.screen {
                screen.ended().await;
            }
        };
        let helpers = async {
            deliveries.shutdown().await;
            // A helper that broke off has said so.
            let _ = tokio::join!(self.memory.finish(), screen, self.http, self.prober);
        };
        conclude(end, journal, helpers).await
    }

    /// Rounds and deliveries that end by themselves; nothing new is begun but the deliveries that come of them.
    async fn finish(&mut self) {
        loop {
            while let Some(happening) = self.watch.poll_event() {
                self.tell(&happening);
            }
            self.begin_deliveries();
            if self.rounds.is_empty() && self.deliveries.is_empty() {
                return;
            }
            tokio::select! {
                Some(ended) = self.rounds.join_next() => self.handle_round(ended),
                Some(sent) = self.deliveries.join_next() => self.handle_sent(sent),
                Some(question) = self.questions.recv() => self.handle_question(question),
            }
        }
    }
}

/// Waits for the journal and the helpers until `end`. A journal that is not closed by then is an error; a helper that
/// still holds on to something is left behind.
async fn conclude(
    end: Instant,
    journal: impl Future<Output = Result<(), JournalError>>,
    helpers: impl Future<Output = ()>,
) -> Result<(), AgentError> {
    let (journal, helpers) = tokio::join!(timeout_at(end, journal), timeout_at(end, helpers));
    if helpers.is_err() {
        error!("failed to end in time: what had not ended is left behind, the state of the alerts may be a little old");
    }
    journal.map_err(|_| AgentError::JournalLate)?.map_err(AgentError::Journal)
}

/// Does `work` in a task of its own, so that what asked for it still has a name when it breaks off; it ends with us.
async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let mut one = JoinSet::new();
    one.spawn(work);
    one.join_next().await?.inspect_err(|error| error!(%error, "a task broke off")).ok()
}

/// What cannot be changed while we run is as it was, and that is said.
fn keep_what_is_fixed(config: &mut Config, before: &Config) {
    keep("vantage.id", &mut config.vantage.id, &before.vantage.id);
    keep("state_directory", &mut config.state_directory, &before.state_directory);
    keep("journal.segment_size", &mut config.journal_segment_bytes, &before.journal_segment_bytes);
    keep("http", &mut config.http, &before.http);
    let packets = &before.probing.packets_per_second;
    keep("probing.packets_per_second", &mut config.probing.packets_per_second, packets);
    let packets = &before.probing.network_packets_per_second;
    keep("probing.network_packets_per_second", &mut config.probing.network_packets_per_second, packets);
}

fn keep<T: Clone + PartialEq>(key: &str, value: &mut T, before: &T) {
    if value != before {
        warn!("{key} was changed: that takes effect at the next start");
        value.clone_from(before);
    }
}

fn views(config: &Config) -> Vec<View> {
    config.resolvers.iter().map(|resolver| resolver.view.clone()).collect()
}

fn listen(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn tick(ticks: Option<&mut Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::config::{Draft, Written};

    fn config(text: &str) -> Config {
        let written = Written { name: "pehra.toml".to_owned(), bytes: text.as_bytes().to_vec() };
        Draft::open(&written, std::path::Path::new("")).finish().unwrap().0
    }

    #[test]
    fn everything_that_cannot_change_is_as_it_was() {
        let before = config("[vantage]\nid = \"here\"\n");
        let mut after = config(
            "state_directory = \"/elsewhere\"\n[vantage]\nid = \"there\"\n[journal]\nsegment_size = \"1MiB\"\n\
             [http]\nlisten = \"127.0.0.1:1\"\nreload = true\n[probing]\npackets_per_second = 7\n\
             network_packets_per_second = 3\n",
        );
        assert_ne!(after.journal_segment_bytes, before.journal_segment_bytes);
        assert_ne!(after.probing, before.probing);
        keep_what_is_fixed(&mut after, &before);
        assert_eq!(after, before);
    }

    #[tokio::test]
    async fn a_disk_that_hangs_is_not_waited_for_beyond_the_end() {
        let end = Instant::now();
        let late = conclude(end, pending(), ready(())).await;
        assert!(matches!(late, Err(AgentError::JournalLate)), "{late:?}");
        let fine = conclude(end, ready(Ok(())), pending()).await;
        assert!(fine.is_ok(), "the journal is whole");
    }
}
