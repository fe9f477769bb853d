//! Files of what other vantages measured → observations that ours are judged in the light of.
//!
//! They are somebody else's, as feeds behind URLs are: without them we begin and go on. A file is read whole or refused
//! with its line, and what was read of it before then stays. Of each observation only what bounds distances is kept
//! ([`Observation::sightings`]), of the last [`KEPT_DAYS`] days, up to a bound. Blocking.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::geodb::Geodb;
use super::input::{Stamp, stamp};
use super::measurements::{self, Origin};
use crate::config::evidence::{EvidenceSource, fits};
use crate::dossier::COMPANION_DAYS;
use crate::import::vantages::Vantages;
use crate::location::Claim;
use crate::observation::Observation;
use crate::vantage::VantageId;

/// How old what is kept may be, in days: as old as what judges, and a day for the latest rounds to be judged again.
const KEPT_DAYS: i64 = COMPANION_DAYS + 1;

/// The most bytes that are read of one file, unpacked: twice a segment of a journal, some 25 000 traceroutes.
const MOST_BYTES: u64 = 128 << 20;

/// The most files that are read of one source; the newest, and of those only as many as it takes for [`MOST_SIGHTINGS`].
const MOST_FILES: usize = 1000;

/// The most that is kept of one source: sightings of an address by a vantage, the newest; some 60 MB.
const MOST_SIGHTINGS: usize = 50_000;

/// What the files of a directory are called that are read, packed or not.
const ENDINGS: [&str; 3] = ["*.json", "*.jsonl", "*.ndjson"];

/// What other vantages measured, and how each source is. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    sources: Arc<[Source]>,
    observations: Arc<[Observation]>,
}

/// One source, as it was read last.
#[derive(Clone, Debug)]
struct Source {
    name: String,
    vantages: Option<Stamp>,
    listing: Listing,
    files: BTreeMap<PathBuf, File>,
    troubles: Vec<String>,
    kept: usize,
    newest: Option<Timestamp>,
}

/// Which files there are, and what each is like; or why nobody can tell.
type Listing = Result<BTreeMap<PathBuf, Option<Stamp>>, String>;

/// One file, as it was read last.
#[derive(Clone, Debug)]
struct File {
    stamp: Option<Stamp>,
    content: Arc<Content>,
    trouble: Option<String>,
}

/// What a good file held.
#[derive(Debug, Default)]
struct Content {
    sightings: Vec<Observation>,
    are_imported: bool,
    /// Whether it held more than is ever used.
    is_cut: bool,
}

/// How a source is, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many sightings of it are in use.
    pub observations: usize,
    /// When the newest of them began.
    pub newest: Option<Timestamp>,
    /// Whether all of it could be read as it is now.
    pub is_whole: bool,
}

impl Evidence {
    /// Reads every source, but for the files that are as they were `before`. Claims of imported observations are those
    /// of `geodb`; what bears the name of `own` is not another vantage's, and left out.
    pub fn read(config: &[EvidenceSource], before: &Self, geodb: &Geodb, own: &VantageId, now: Timestamp) -> Self {
        let read = |source: &EvidenceSource| {
            let earlier = before.sources.iter().find(|earlier| earlier.name == source.name);
            Source::read(source, earlier, now)
        };
        let mut sources: Vec<Source> = config.iter().map(read).collect();
        let observations = sources.iter_mut().flat_map(|source| source.kept(geodb, own, now)).collect();
        Self { sources: sources.into(), observations }
    }

    /// Whether every file is as it was when it was read, and no other is there.
    pub fn is_current(&self, config: &[EvidenceSource], now: Timestamp) -> bool {
        config.len() == self.sources.len()
            && config.iter().zip(self.sources.iter()).all(|(one, read)| read.is_of(one, now))
    }

    /// What other vantages saw, in the order of the configuration: each of one address.
    pub fn observations(&self) -> Arc<[Observation]> {
        Arc::clone(&self.observations)
    }

    /// What is wrong with it, each with the name of the source and the file.
    pub fn troubles(&self) -> impl Iterator<Item = String> {
        self.sources
            .iter()
            .flat_map(|source| source.troubles().map(|trouble| format!("evidence {}: {trouble}", source.name)))
    }

    /// How each source is.
    pub fn conditions(&self) -> impl Iterator<Item = Condition<'_>> {
        self.sources.iter().map(|source| Condition {
            name: &source.name,
            observations: source.kept,
            newest: source.newest,
            is_whole: source.troubles().next().is_none(),
        })
    }
}

impl Source {
    fn read(config: &EvidenceSource, before: Option<&Self>, now: Timestamp) -> Self {
        let vantages = config.vantages.as_deref().and_then(stamp);
        let mut source = Self {
            name: config.name.clone(),
            vantages,
            listing: recent_files(config, now),
            files: before.map(|before| before.files.clone()).unwrap_or_default(),
            troubles: Vec::new(),
            kept: 0,
            newest: None,
        };
        let described = config.vantages.as_deref().map_or_else(|| Ok(Vantages::default()), vantages_of);
        match (&source.listing, described) {
            (Ok(found), Ok(described)) => {
                if found.is_empty() {
                    let path = config.path.display();
                    source
                        .troubles
                        .push(format!("{path}: holds nothing of the last {KEPT_DAYS} days: bring newer files"));
                }
                let same_vantages = before.is_some_and(|before| before.vantages == vantages);
                let mut known = std::mem::take(&mut source.files);
                let (mut room, mut left_out) = (MOST_SIGHTINGS, 0_usize);
                for (path, stamp) in newest_first(found) {
                    if room == 0 || source.files.len() == MOST_FILES {
                        left_out += 1;
                        continue;
                    }
                    let file = match known.remove(path) {
                        Some(earlier) if earlier.stamp == stamp && same_vantages => earlier,
                        earlier => File::read(path, stamp, &described, earlier, now),
                    };
                    room = room.saturating_sub(file.content.sightings.len());
                    source.files.insert(path.clone(), file);
                }
                if left_out > 0 {
                    let (path, read) = (config.path.display(), source.files.len());
                    source.troubles.push(format!(
                        "{path}: holds more than {MOST_FILES} files or {MOST_SIGHTINGS} sightings: of its files only the \
                         newest {read} are read"
                    ));
                }
            }
            (Err(trouble), _) => source.troubles.push(trouble.clone()),
            (_, Err(error)) => {
                let error = error.replace('\n', "; ");
                source.troubles.push(format!("{error}; nothing is read without it"));
            }
        }
        source
    }

    fn is_of(&self, config: &EvidenceSource, now: Timestamp) -> bool {
        self.name == config.name
            && self.vantages == config.vantages.as_deref().and_then(stamp)
            && self.listing == recent_files(config, now)
    }

    fn troubles(&self) -> impl Iterator<Item = &String> {
        self.troubles.iter().chain(self.files.values().filter_map(|file| file.trouble.as_ref()))
    }

    /// What is young enough, with its claims; the newest of too many.
    fn kept(&mut self, geodb: &Geodb, own: &VantageId, now: Timestamp) -> Vec<Observation> {
        let oldest = oldest(now);
        let is_kept = |sighting: &&Observation| sighting.observed >= oldest && sighting.vantage_id() != own;
        let mut claims: BTreeMap<IpAddr, Vec<Claim>> = BTreeMap::new();
        let mut claimed = |mut sighting: Observation| {
            let about = |address: IpAddr| claims.entry(address).or_insert_with(|| geodb.claims(address)).clone();
            sighting.claims = sighting.addresses().into_iter().flat_map(about).collect();
            sighting
        };
        let mut of = |content: &Content| -> Vec<_> {
            let young = content.sightings.iter().filter(is_kept).cloned();
            if content.are_imported { young.map(&mut claimed).collect() } else { young.collect() }
        };
        let mut kept: Vec<Observation> = self.files.values().flat_map(|file| of(&file.content)).collect();
        kept.sort_by_key(|sighting| std::cmp::Reverse(sighting.observed));
        if kept.len() > MOST_SIGHTINGS || self.files.values().any(|file| file.content.is_cut) {
            let most = MOST_SIGHTINGS;
            self.troubles.push(format!("holds more than {most} sightings of addresses: the newest {most} are used"));
            kept.truncate(most);
        }
        (self.kept, self.newest) = (kept.len(), kept.first().map(|newest| newest.observed));
        kept
    }
}

impl File {
    fn read(path: &Path, stamp: Option<Stamp>, vantages: &Vantages, earlier: Option<Self>, now: Timestamp) -> Self {
        let (mut content, oldest) = (Content::default(), oldest(now));
        let add = |seen: Observation| content.add(&seen, oldest);
        match measurements::read_each(path, vantages, MOST_BYTES, add) {
            Ok(Origin { are_imported, .. }) => {
                content.cut_to(MOST_SIGHTINGS);
                content.are_imported = are_imported;
                Self { stamp, content: Arc::new(content), trouble: None }
            }
            Err(error) => {
                let fate = if earlier.is_some() { "; what was read of it before stays in use" } else { "" };
                let content = earlier.map(|earlier| earlier.content).unwrap_or_default();
                Self { stamp, content, trouble: Some(format!("{error}{fate}")) }
            }
        }
    }
}

impl Content {
    /// Takes up what an observation says of distances, if it is young enough. Never more than twice of what is used is held.
    fn add(&mut self, observation: &Observation, oldest: Timestamp) {
        if observation.observed >= oldest {
            self.sightings.extend(observation.sightings());
        }
        if self.sightings.len() >= 2 * MOST_SIGHTINGS {
            self.cut_to(MOST_SIGHTINGS);
        }
    }

    /// Keeps the newest, `most` of them.
    fn cut_to(&mut self, most: usize) {
        if self.sightings.len() > most {
            self.sightings.sort_by_key(|sighting| std::cmp::Reverse(sighting.observed));
            self.sightings.truncate(most);
            self.is_cut = true;
        }
    }
}

fn vantages_of(path: &Path) -> Result<Vantages, String> {
    measurements::read_vantages_file(path).map_err(|error| error.to_string())
}

/// The files of a listing, those that were changed last first.
fn newest_first(found: &BTreeMap<PathBuf, Option<Stamp>>) -> Vec<(&PathBuf, Option<Stamp>)> {
    let mut files: Vec<_> = found.iter().map(|(path, stamp)| (path, *stamp)).collect();
    files.sort_by_key(|(_, stamp)| std::cmp::Reverse(stamp.map(Stamp::changed)));
    files
}

fn oldest(now: Timestamp) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * KEPT_DAYS)).unwrap_or(Timestamp::MIN)
}

/// The files of a source, as they are now. What was changed before all that is kept holds nothing to keep.
fn recent_files(config: &EvidenceSource, now: Timestamp) -> Listing {
    let path = &config.path;
    let found = match config.pattern() {
        Some((directory, pattern)) => files_in(directory, &[pattern]),
        None if path.is_dir() => measurements_in(path),
        None => return Ok([(path.clone(), stamp(path))].into()),
    };
    let found = found.map_err(|error| format!("{}: failed to list: {error}: correct the path", path.display()))?;
    let oldest = oldest(now);
    let stamped = found.into_iter().map(|path| (path.clone(), stamp(&path)));
    Ok(stamped.filter(|(_, stamp)| stamp.is_some_and(|it| it.changed() >= oldest)).collect())
}

/// The measurements in a directory; where it has none, those in the directories in it, as journals are kept.
fn measurements_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let patterns: Vec<String> =
        ENDINGS.iter().flat_map(|ending| [(*ending).to_owned(), format!("{ending}.gz")]).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let files = files_in(directory, &patterns)?;
    if !files.is_empty() {
        return Ok(files);
    }
    let mut below = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            below.extend(files_in(&path, &patterns)?);
        }
    }
    Ok(below)
}

/// The files of a directory that fit one of the patterns; hidden ones are left out, as they may be on their way.
fn files_in(directory: &Path, patterns: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with('.') && patterns.iter().any(|pattern| fits(&name, pattern)) && path.is_file() {
            files.insert(path);
        }
    }
    Ok(files.into_iter().collect())
}

#[cfg(test)]
mod tests;
