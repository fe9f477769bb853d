//! Paths on standard output, in a thread of their own: a reader that takes its time delays no probe.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::thread::{self, JoinHandle};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use super::session::Found;
use crate::export::atlas::AtlasResult;
use crate::export::multipath::MultipathResult;
use crate::export::{text, ways};

/// How many times paths may wait to be printed before no more are begun.
const WAITING: usize = 16;

/// How paths are printed.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// For a person.
    Paths,
    /// As RIPE Atlas results, and ways as objects of our own form, from the vantage of that name.
    Json(Option<String>),
}

impl Form {
    /// Adds what was found as it is printed, with the names of addresses, where they are known.
    pub(super) fn render(&self, found: &Found, names: &BTreeMap<IpAddr, String>, to: &mut Vec<u8>) -> io::Result<()> {
        match (self, found) {
            (Self::Paths, Found::Path(traced)) => to.extend_from_slice(text::path(traced, names).as_bytes()),
            (Self::Paths, Found::Ways(mapped)) => to.extend_from_slice(ways::ways(mapped, names).as_bytes()),
            (Self::Json(vantage), Found::Path(traced)) => {
                serde_json::to_writer(&mut *to, &AtlasResult::new(traced, vantage.as_deref()))?;
            }
            (Self::Json(vantage), Found::Ways(mapped)) => {
                serde_json::to_writer(&mut *to, &MultipathResult::new(mapped, vantage.as_deref()))?;
            }
        }
        to.push(b'\n');
        Ok(())
    }
}

/// The thread that prints. It ends when its sender is dropped or when nobody reads any more.
pub(super) struct Printer {
    pub(super) sender: mpsc::Sender<Vec<u8>>,
    pub(super) thread: JoinHandle<io::Result<()>>,
}

impl Printer {
    /// Starts it. What it prints does not run into `progress`.
    pub(super) fn start(form: &Form, progress: ProgressBar) -> io::Result<Self> {
        let (sender, paths) = mpsc::channel(WAITING);
        // JSON has no colours to take away.
        let out: fn() -> Box<dyn Write> = match form {
            Form::Paths => || Box::new(anstream::stdout()),
            Form::Json(_) => || Box::new(io::stdout()),
        };
        let thread = thread::Builder::new().name("printer".to_owned());
        let thread = thread.spawn(move || print(out(), paths, &progress))?;
        Ok(Self { sender, thread })
    }
}

fn print(out: impl Write, mut paths: mpsc::Receiver<Vec<u8>>, progress: &ProgressBar) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    while let Some(path) = paths.blocking_recv() {
        let written = progress.suspend(|| {
            out.write_all(&path)?;
            while let Ok(path) = paths.try_recv() {
                out.write_all(&path)?;
            }
            out.flush()
        });
        match written {
            // The reader went away, as `head` does: it has what it wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
    Ok(())
}

/// A bar on the terminal, if there is one and more than one target.
pub(super) fn progress(targets: usize) -> ProgressBar {
    if targets < 2 {
        return ProgressBar::hidden();
    }
    let progress = ProgressBar::new(targets as u64).with_message("tracing");
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {bar:30} {pos}/{len} {per_sec} {eta}") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(std::time::Duration::from_millis(120));
    progress
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe of which nobody holds the other end, or a full disk.
    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    fn printed(out: impl Write) -> io::Result<()> {
        let (sender, paths) = mpsc::channel(2);
        sender.try_send(b"one\n".to_vec()).unwrap();
        sender.try_send(b"two\n".to_vec()).unwrap();
        drop(sender);
        print(out, paths, &ProgressBar::hidden())
    }

    #[test]
    fn paths_are_printed_in_their_order() {
        let mut out = Vec::new();
        printed(&mut out).unwrap();
        assert_eq!(out, b"one\ntwo\n");
    }

    #[test]
    fn a_reader_that_went_away_has_what_it_wanted_and_a_full_disk_is_told() {
        printed(Broken(io::ErrorKind::BrokenPipe)).unwrap();
        assert_eq!(printed(Broken(io::ErrorKind::StorageFull)).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
