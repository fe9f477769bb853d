//! What the journal says of earlier rounds, read back on a thread of its own while alerts go on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use crate::edge::journal::recent::{Recent, recent};
use crate::vantage::VantageId;
use crate::watch::Past;

/// How often it is told how far the reading is.
const TELL: Duration = Duration::from_secs(5);

/// How many damaged entries are told of before they are only counted.
const TOLD: u64 = 10;

/// The reading that is under way, if one is.
#[derive(Debug)]
pub struct Recall {
    directory: PathBuf,
    vantage: VantageId,
    reading: Option<Reading>,
}

#[derive(Debug)]
struct Reading {
    thread: JoinHandle<Past>,
    /// What is known if that breaks off.
    nothing: Past,
    _ends_with_us: DropGuard,
}

impl Recall {
    /// Reads nothing yet of the journal of `vantage` below `directory`.
    pub fn new(directory: PathBuf, vantage: VantageId) -> Self {
        Self { directory, vantage, reading: None }
    }

    /// Begins to fill `past`; what was being read before is given up.
    pub fn begin(&mut self, past: Past) {
        let (directory, vantage, nothing) = (self.directory.clone(), self.vantage.clone(), past.clone());
        let end = CancellationToken::new();
        let guard = end.clone().drop_guard();
        let thread = spawn_blocking(move || fill(past, &directory, &vantage, &end));
        self.reading = Some(Reading { thread, nothing, _ends_with_us: guard });
    }

    /// What was read; for ever under way when nothing is. May be dropped and called again.
    pub async fn done(&mut self) -> Past {
        let Some(reading) = &mut self.reading else { return std::future::pending().await };
        let done = (&mut reading.thread).await;
        let past = done.unwrap_or_else(|broken| {
            error!(%broken, "failed to read the journal back: vantages are known by rounds from now on");
            reading.nothing.clone()
        });
        self.reading = None;
        past
    }
}

/// Reads until the journal or we end. Nothing in it is fatal: the watch goes on with what can be read.
fn fill(mut past: Past, directory: &Path, vantage: &VantageId, end: &CancellationToken) -> Past {
    let begun = Instant::now();
    let mut entries = match recent(directory, vantage, past.since()) {
        Ok(entries) => entries,
        Err(error) => {
            error!("failed to read the journal back: {error}; vantages are known by rounds from now on");
            return past;
        }
    };
    let (mut count, mut damaged, mut told) = (0_u64, 0_u64, begun);
    while !end.is_cancelled() {
        match entries.next() {
            Some(Ok(observation)) => {
                past.handle_observation(&observation);
                count += 1;
            }
            Some(Err(error)) => {
                damaged += 1;
                if damaged <= TOLD {
                    warn!("failed to {error}; it is passed over");
                }
            }
            None => {
                if damaged > TOLD {
                    warn!("{} more entries of the journal were passed over", damaged - TOLD);
                }
                info!(entries = count, seconds = begun.elapsed().as_secs(), "the journal was read back");
                break;
            }
        }
        if told.elapsed() >= TELL {
            told = Instant::now();
            tell(&entries, count);
        }
    }
    past
}

fn tell(entries: &Recent, count: u64) {
    let (segment, of) = entries.progress();
    info!(entries = count, "reading the journal back: segment {segment} of {of}; rounds begin after that");
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::config::{Draft, Written, settings};
    use crate::edge::clock;
    use crate::edge::geodb::Geodb;
    use crate::edge::journal::Journal;
    use crate::entry::tests::observation;
    use crate::location::disc::Borders;
    use crate::observation::Observation;
    use crate::watch::Watch;

    const SOON: Duration = Duration::from_secs(20);

    fn here() -> VantageId {
        VantageId("here".to_owned())
    }

    fn watch() -> Watch {
        let bytes = b"[vantage]\nid = \"here\"\n".to_vec();
        let draft = Draft::open(&Written { name: "pehra.toml".to_owned(), bytes }, Path::new(""));
        let config = draft.finish().unwrap().0;
        let settings = settings::of_watch(&config, Borders::new(Geodb::embedded().outlines()), Vec::new());
        Watch::new(settings, None, 7, clock::now())
    }

    async fn recalled(directory: &Path, watch: &mut Watch) {
        let mut recall = Recall::new(directory.to_owned(), here());
        recall.begin(watch.poll_past(clock::now()).unwrap());
        let past = timeout(SOON, recall.done()).await.unwrap();
        watch.handle_past(past, clock::now());
    }

    #[tokio::test]
    async fn a_journal_that_is_missing_or_damaged_is_no_reason_not_to_watch() {
        let directory = tempfile::tempdir().unwrap();
        let mut with_nothing = watch();
        recalled(&directory.path().join("gone"), &mut with_nothing).await;
        assert!(with_nothing.judges());

        let (mut journal, _) = Journal::open(directory.path(), &here(), 1 << 20).unwrap();
        journal.append(&observation("here", "tcp://10.0.0.1:443")).unwrap();
        let path = directory.path().join("here/00000000000000000000.jsonl");
        std::os::unix::fs::symlink("/dev/null", path).unwrap();
        let mut with_something = watch();
        recalled(directory.path(), &mut with_something).await;
        assert!(with_something.judges());
    }

    #[tokio::test]
    async fn a_reading_that_is_given_up_ends() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(directory.path(), &here(), 1 << 30).unwrap().0;
        let now = Observation { observed: clock::now().wall, ..observation("here", "tcp://10.0.0.1:443") };
        journal.append_all(std::iter::repeat_n(&now, 20)).unwrap();
        let past = watch().poll_past(clock::now()).unwrap();
        let (end, given_up) = (CancellationToken::new(), CancellationToken::new());
        given_up.cancel();
        let nothing = fill(past.clone(), directory.path(), &here(), &given_up);
        let all = fill(past, directory.path(), &here(), &end);
        assert_ne!(format!("{nothing:?}"), format!("{all:?}"));
    }
}
