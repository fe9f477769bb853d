//! The state of the alerts on disk, so that a restart neither loses nor repeats one.
//!
//! It is written when something in it changed, at most once in [`PAUSE`], and at the end. A kill loses what happened to
//! alerts since the last write began: one raised meanwhile is raised again, with a later beginning; one cleared is
//! cleared again, after as many rounds as it takes; a webhook may hear of either twice; and rounds that counted for or
//! against an alert are counted anew. No observation is lost: those are in the journal before they are judged.

use std::fs::{File, OpenOptions, remove_file, rename};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use crate::alert::SavedAlerts;

/// How far apart writes begin, those at the end excepted.
const PAUSE: Duration = Duration::from_secs(1);

/// The file, and the write that is under way.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    writing: Option<JoinHandle<io::Result<()>>>,
    waiting: Option<SavedAlerts>,
    /// When the next write may begin; `None` once that time has come.
    pause: Option<Instant>,
    fails: bool,
}

impl Memory {
    /// The alerts kept in `path`. Nothing is written before [`Memory::keep`].
    pub fn new(path: PathBuf) -> Self {
        Self { path, writing: None, waiting: None, pause: None, fails: false }
    }

    /// What was kept: `None` when nothing was, or when it cannot be read; it is then moved aside and said.
    pub fn recall(&self) -> Option<SavedAlerts> {
        let reason = match read(&self.path) {
            Ok(None) => return None,
            Ok(Some(text)) => match serde_json::from_slice(&text) {
                Ok(saved) => return Some(saved),
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        let aside = self.path.with_extension("unreadable");
        let kept = rename(&self.path, &aside).is_ok();
        let fate = if kept { format!(": it is now {}", aside.display()) } else { String::new() };
        warn!("failed to read {}: {reason}{fate}; alerts that still hold will be raised again", self.path.display());
        None
    }

    /// Whether the next state should be kept now: no write is under way, and the last began a while ago.
    pub fn is_free(&self) -> bool {
        self.writing.is_none() && self.pause.is_none()
    }

    /// Replaces what is kept. While a write is under way the newest state waits, older ones are forgotten.
    pub fn keep(&mut self, alerts: SavedAlerts) {
        self.waiting = Some(alerts);
        self.begin();
    }

    /// Waits for the write that is under way, then for the pause after it; for ever when there is neither.
    pub async fn settled(&mut self) {
        if self.writing.is_some() {
            return self.written().await;
        }
        match self.pause {
            Some(end) => {
                sleep_until(end).await;
                self.pause = None;
            }
            None => std::future::pending().await,
        }
    }

    async fn written(&mut self) {
        if let Some(writing) = self.writing.as_mut() {
            let result = writing.await.unwrap_or_else(|broken| Err(io::Error::other(broken)));
            self.writing = None;
            self.note(result);
            self.begin();
        }
    }

    /// Waits until everything is written.
    pub async fn finish(mut self) {
        while self.writing.is_some() {
            self.written().await;
        }
    }

    fn begin(&mut self) {
        if self.writing.is_some() {
            return;
        }
        if let Some(alerts) = self.waiting.take() {
            let path = self.path.clone();
            self.pause = Some(Instant::now() + PAUSE);
            self.writing = Some(spawn_blocking(move || replace(&path, &serde_json::to_vec(&alerts)?)));
        }
    }

    /// A disk that stays full is one line in the log.
    fn note(&mut self, result: io::Result<()>) {
        let failed = result.is_err();
        match result {
            Ok(()) if self.fails => info!("the state of the alerts can be written again"),
            Err(error) if !self.fails => error!("failed to write {}: {error}", self.path.display()),
            Ok(()) | Err(_) => {}
        }
        self.fails = failed;
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    match OpenOptions::new().read(true).open(path) {
        Ok(mut file) => file.read_to_end(&mut text).map(|_| Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file whole: a reader, or we after a crash, see the old one or the new one. A draft that cannot be finished
/// takes no room from the journal.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let written = write(&draft, bytes).and_then(|()| rename(&draft, path));
    if written.is_err() {
        // There is a reason to report already.
        let _ = remove_file(&draft);
    }
    written
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::alert::{AlertBook, AlertSettings};

    #[tokio::test]
    async fn what_is_kept_is_recalled_and_the_newest_wins() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("alerts.json");
        let mut memory = Memory::new(path.clone());
        assert_eq!(memory.recall(), None);
        let saved = AlertBook::new(AlertSettings::default()).save();
        for _ in 0..3 {
            memory.keep(saved.clone());
        }
        memory.finish().await;
        assert_eq!(Memory::new(path).recall(), Some(saved));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no draft is left behind");
    }

    #[tokio::test]
    async fn writes_are_a_pause_apart() {
        let directory = tempfile::tempdir().unwrap();
        let mut memory = Memory::new(directory.path().join("alerts.json"));
        assert!(memory.is_free());
        memory.keep(AlertBook::new(AlertSettings::default()).save());
        assert!(!memory.is_free(), "it is being written");
        memory.settled().await;
        assert!(!memory.is_free(), "there is a pause after it");
        memory.pause = Some(Instant::now());
        memory.settled().await;
        assert!(memory.is_free());
    }

    #[test]
    fn a_damaged_file_is_moved_aside_and_not_obeyed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("alerts.json");
        replace(&path, b"{\"version\": 1, \"cas").unwrap();
        assert_eq!(Memory::new(path.clone()).recall(), None);
        assert!(!path.exists());
        assert!(directory.path().join("alerts.unreadable").exists());
    }
}
