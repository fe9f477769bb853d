//! Configuration changed, or SIGHUP: a new configuration with its databases, or the old one and a metric.
//!
//! Escaped or not at all: everything is read and checked on a blocking thread before anything is exchanged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::config::evidence::EvidenceSource;
use crate::config::{Config, ConfigErrors, Fault, Spot};
use crate::edge::client::ClientError;
use crate::edge::clock;
use crate::edge::dns::Resolvers;
use crate::edge::evidence::Evidence;
use crate::edge::geodb::{Geodb, GeodbError};
use crate::edge::input::{Stamp, stamp};
use crate::edge::inventory;
use crate::vantage::VantageId;

use super::sinks::Sinks;

/// How often the files of the configuration are looked at.
const LOOK: Duration = Duration::from_secs(30);
/// How often inventories behind URLs are fetched.
const FETCH: Duration = Duration::from_secs(5 * 60);

/// A configuration with what it names, read and found good.
#[derive(Debug)]
pub struct Prepared {
    /// The configuration.
    pub config: Config,
    /// What may not mean what the operator thinks.
    pub warnings: Vec<Fault>,
    /// Its databases.
    pub geodb: Geodb,
    /// What other vantages measured.
    pub evidence: Evidence,
    /// Its views.
    pub resolvers: Arc<Resolvers>,
}

/// Why a configuration was not taken up.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// A database that it names is.
    #[error("failed to {0}")]
    Geodb(#[from] GeodbError),
    /// Whom to tell cannot be spoken to.
    #[error("failed to {0}")]
    Client(#[from] ClientError),
    /// The thread that read it is gone.
    #[error("failed to read the configuration: the thread that read it broke off")]
    Broken,
}

/// Reads the configuration at `path` and everything that it names; `state` takes the place of its state directory. Of what
/// was in use `before`, feeds that were fetched are used again while they are young, and so is evidence that is as it was.
pub fn prepare(
    path: &Path,
    state: Option<&Path>,
    before: Option<(&Geodb, &Evidence)>,
) -> Result<Prepared, PrepareError> {
    let (mut config, mut warnings) = inventory::load(path)?;
    let resolvers = Arc::new(Resolvers::open(&config.resolvers, &config.probing.round)?);
    if let Some(state) = state {
        state.clone_into(&mut config.state_directory);
    }
    let geodb = Geodb::open_and_fetch(&config.geodb, &config.assets, before.map(|(geodb, _)| geodb))?;
    let geodb = geodb.with_landmarks(&config.landmarks)?;
    let spot = Spot { key: "geodb.geofeed".to_owned(), ..Spot::file(&path.display().to_string()) };
    warnings.extend(geodb.troubles().into_iter().map(|message| Fault { spot: spot.clone(), message }));
    let evidence = before.map(|(_, evidence)| evidence.clone()).unwrap_or_default();
    let evidence = Evidence::read(&config.evidence, &evidence, &geodb, &config.vantage.id, clock::now().wall);
    Ok(Prepared { config, warnings, geodb, evidence, resolvers })
}

/// A configuration to take up, and whom it tells: that takes the host's certificates, which are files as well.
#[derive(Debug)]
pub struct Ready {
    /// The configuration with its databases.
    pub prepared: Prepared,
    /// Its sinks.
    pub sinks: Sinks,
}

/// What a reload is waited for by.
pub type Reply = oneshot::Sender<Result<(), String>>;

/// What was read.
#[derive(Debug)]
pub enum News {
    /// A configuration, because it was told to or because a file of it has changed.
    Config(Box<Result<Ready, PrepareError>>),
    /// What other vantages measured, because a file of that has changed.
    Evidence(Evidence),
}

/// Reads the configuration again when it is told to, or when a file of it has changed, and evidence when that has.
#[derive(Debug)]
pub struct Reload {
    path: PathBuf,
    state: Option<PathBuf>,
    own: VantageId,
    geodb: Geodb,
    databases: Vec<PathBuf>,
    sources: Vec<EvidenceSource>,
    evidence: Evidence,
    seen: Fingerprint,
    look: Interval,
    task: Option<JoinHandle<Task>>,
    /// Told again meanwhile: what is being read may be older than what is meant.
    again: bool,
    read_at: Instant,
    waiting: Vec<Reply>,
}

/// What a thread came back with.
#[derive(Debug)]
enum Task {
    /// What the files are like, and what other vantages measured if that has changed.
    Looked(Fingerprint, Option<Evidence>),
    /// The configuration with its sinks, and what its files were like before it was read.
    Read(Box<Result<Ready, PrepareError>>, Fingerprint),
}

impl Reload {
    /// Watches the files of `config`, which was read from `path` with `state`, the feeds of its databases, and evidence.
    pub fn new(path: PathBuf, state: Option<PathBuf>, config: &Config, geodb: Geodb, evidence: Evidence) -> Self {
        let databases = config.files();
        let seen = Fingerprint::of(&path, &databases);
        let now = Instant::now();
        let mut look = interval_at(now + LOOK, LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            path,
            state,
            own: config.vantage.id.clone(),
            geodb,
            databases,
            sources: config.evidence.clone(),
            evidence,
            seen,
            look,
            task: None,
            again: false,
            read_at: now,
            waiting: Vec::new(),
        }
    }

    /// Reads again; `reply` is told what came of it.
    pub fn begin(&mut self, reply: Option<Reply>) {
        self.waiting.extend(reply);
        if self.task.is_some() {
            self.again = true;
        } else {
            self.read();
        }
    }

    /// Whoever waits for a reload that is over.
    pub fn answered(&mut self) -> Vec<Reply> {
        if self.task.is_some() { Vec::new() } else { std::mem::take(&mut self.waiting) }
    }

    /// What was read. May be dropped and called again.
    pub async fn news(&mut self) -> News {
        loop {
            let Some(task) = self.task.as_mut() else {
                self.look.tick().await;
                self.look();
                continue;
            };
            let done = task.await;
            self.task = None;
            if let Some(news) = self.handle(done) {
                return news;
            }
        }
    }

    fn handle(&mut self, done: Result<Task, JoinError>) -> Option<News> {
        let news = match done {
            Ok(Task::Looked(now, evidence)) => {
                let fetch = now.names_urls && self.read_at.elapsed() >= FETCH;
                self.again |= fetch || now != self.seen || self.geodb.feeds_are_due(clock::now().wall);
                evidence.map(News::Evidence)
            }
            Ok(Task::Read(prepared, seen)) => {
                self.seen = seen;
                Some(News::Config(prepared))
            }
            Err(_) => Some(News::Config(Box::new(Err(PrepareError::Broken)))),
        };
        match &news {
            Some(News::Config(prepared)) => self.watch(prepared),
            Some(News::Evidence(evidence)) => self.evidence = evidence.clone(),
            None => {}
        }
        if self.again {
            self.read();
        }
        news
    }

    /// Watches from now on what a good configuration names.
    fn watch(&mut self, prepared: &Result<Ready, PrepareError>) {
        if let Ok(Ready { prepared, .. }) = prepared {
            self.databases = prepared.config.files();
            self.geodb = prepared.geodb.clone();
            self.sources.clone_from(&prepared.config.evidence);
            self.evidence = prepared.evidence.clone();
        }
    }

    fn look(&mut self) {
        let (path, databases, sources) = (self.path.clone(), self.databases.clone(), self.sources.clone());
        let (own, geodb, evidence) = (self.own.clone(), self.geodb.clone(), self.evidence.clone());
        self.task = Some(spawn_blocking(move || {
            let now = clock::now().wall;
            let changed = !evidence.is_current(&sources, now);
            let evidence = changed.then(|| Evidence::read(&sources, &evidence, &geodb, &own, now));
            Task::Looked(Fingerprint::of(&path, &databases), evidence)
        }));
    }

    fn read(&mut self) {
        self.again = false;
        self.read_at = Instant::now();
        let (path, state, before) = (self.path.clone(), self.state.clone(), self.databases.clone());
        let (geodb, evidence) = (self.geodb.clone(), self.evidence.clone());
        self.task = Some(spawn_blocking(move || {
            let mut seen = Fingerprint::of(&path, &before);
            let ready = prepare(&path, state.as_deref(), Some((&geodb, &evidence))).and_then(Ready::of);
            if let Ok(ready) = &ready {
                seen.exchange(&before, &ready.prepared.config.files());
            }
            Task::Read(Box::new(ready), seen)
        }));
    }
}

impl Ready {
    fn of(prepared: Prepared) -> Result<Self, PrepareError> {
        let sinks = Sinks::new(&prepared.config.alerting)?;
        Ok(Self { prepared, sinks })
    }
}

/// What the files of a configuration are like: size and time of change, or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fingerprint {
    files: BTreeMap<PathBuf, Option<Stamp>>,
    /// Whether there are inventories whose changes no file shows.
    names_urls: bool,
}

impl Fingerprint {
    /// What the files that the configuration at `path` names, and `databases`, are like now.
    fn of(path: &Path, databases: &[PathBuf]) -> Self {
        let sources = inventory::sources(path);
        let files = sources.files.into_iter().chain(databases.iter().cloned());
        Self { files: files.map(|file| (file.clone(), stamp(&file))).collect(), names_urls: sources.names_urls }
    }

    /// Takes other databases in the place of those `before`; what was looked at already stays as it was found.
    fn exchange(&mut self, before: &[PathBuf], after: &[PathBuf]) {
        self.files.retain(|file, _| !before.contains(file) || after.contains(file));
        for file in after {
            self.files.entry(file.clone()).or_insert_with(|| stamp(file));
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes the configurations it reads")]
mod tests {
    use std::fs;

    use super::*;

    const GOOD: &str =
        "inventory = [\"more\"]\n[vantage]\nid = \"here\"\n[alerting]\nwebhooks = [\"http://127.0.0.1:9/hook\"]\n";

    fn workload(class: &str) -> String {
        format!(
            "[[workload]]\nid = \"a\"\nentity = \"A\"\njurisdiction = \"federal\"\nclass = \"{class}\"\n\
             endpoints = [\"https://a.example.gov.pk\"]\n"
        )
    }

    fn configuration() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pehra.toml");
        fs::write(&path, GOOD).unwrap();
        fs::create_dir(directory.path().join("more")).unwrap();
        fs::write(directory.path().join("more/a.toml"), workload("restricted")).unwrap();
        (directory, path)
    }

    async fn prepared(reload: &mut Reload) -> Result<Ready, PrepareError> {
        match reload.news().await {
            News::Config(prepared) => *prepared,
            News::Evidence(evidence) => panic!("no configuration, but {evidence:?}"),
        }
    }

    #[test]
    fn a_change_anywhere_in_the_configuration_is_seen() {
        let (directory, path) = configuration();
        let before = Fingerprint::of(&path, &[]);
        assert_eq!(Fingerprint::of(&path, &[]), before);
        fs::write(directory.path().join("more/b.toml"), "").unwrap();
        let with_another_file = Fingerprint::of(&path, &[]);
        assert_ne!(with_another_file, before);
        fs::write(directory.path().join("more/a.toml"), workload("open")).unwrap();
        assert_ne!(Fingerprint::of(&path, &[]), with_another_file);
    }

    #[test]
    fn a_landmark_that_the_borders_contradict_is_refused() {
        let (_directory, path) = configuration();
        let landmark = "[[landmark]]\naddress = \"185.1.8.1\"\nname = \"ix\"\nsource = \"its page\"\ncountry = \"DE\"\n\
                        latitude = 24.86\nlongitude = 67.0\n";
        fs::write(&path, format!("{GOOD}{landmark}")).unwrap();
        let error = prepare(&path, None, None).unwrap_err().to_string();
        assert!(error.contains("pehra.toml:10: landmark.country: DE is "), "{error}");
    }

    #[tokio::test]
    async fn what_is_read_is_whole_or_an_error_and_everyone_who_waits_is_answered() {
        let (directory, path) = configuration();
        let Prepared { config, geodb, evidence, .. } = prepare(&path, None, None).unwrap();
        let mut reload = Reload::new(path, None, &config, geodb, evidence);
        let (reply, _answer) = oneshot::channel();
        reload.begin(Some(reply));
        let ready = prepared(&mut reload).await.unwrap();
        assert_eq!(ready.prepared.config, config);
        assert_eq!(ready.sinks.ids(), config.alerting.sinks().into_keys().collect::<Vec<_>>());
        assert_eq!(reload.answered().len(), 1);

        fs::write(directory.path().join("more/a.toml"), workload("no-such-class")).unwrap();
        reload.begin(None);
        reload.begin(None);
        assert!(matches!(prepared(&mut reload).await, Err(PrepareError::Config(_))));
        assert!(matches!(prepared(&mut reload).await, Err(PrepareError::Config(_))), "told twice, read twice");
    }
}
