//! What a journal holds since a moment, to begin with what was known before.
//!
//! Unlike [`super::read`], which others are to trust, nothing here is refused: an entry that is damaged is told and passed
//! over, and the chain is not followed. Of the segments only those are read that can hold something as new.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::segment::{self, Lines, Next};
use super::{FileLine, JournalError, directory_name};
use crate::entry::{self, EntryError};
use crate::observation::Observation;
use crate::vantage::VantageId;

/// By how much an entry may be older than one before it: rounds take minutes, and clocks are set by less.
const DISORDER: SignedDuration = SignedDuration::from_hours(1);

/// The observations of a journal's newest segments, in their order; an error is what was passed over.
pub struct Recent {
    vantage: VantageId,
    segments: VecDeque<PathBuf>,
    all: usize,
    lines: Option<Lines>,
}

/// The observations of `vantage` below `directory` that were made since a moment, and perhaps some before.
pub fn recent(directory: &Path, vantage: &VantageId, since: Timestamp) -> Result<Recent, JournalError> {
    let mut segments = VecDeque::new();
    let oldest = since.checked_sub(DISORDER).unwrap_or(Timestamp::MIN);
    for path in segment::list(&directory.join(directory_name(vantage)?))?.into_iter().rev() {
        let begins_before = first_observed(&path, vantage).is_some_and(|first| first < oldest);
        segments.push_front(path);
        if begins_before {
            break;
        }
    }
    Ok(Recent { vantage: vantage.clone(), all: segments.len(), segments, lines: None })
}

/// When the first observation of a segment was made that can be read; `None` where none can.
fn first_observed(path: &Path, vantage: &VantageId) -> Option<Timestamp> {
    let mut lines = Lines::unpacked(path).ok()?;
    loop {
        match lines.next().ok()? {
            Next::Line(line) => {
                if let Ok(observation) = observation(&line, vantage) {
                    return Some(observation.observed);
                }
            }
            Next::Unfinished(_) | Next::End => return None,
        }
    }
}

fn observation(line: &[u8], vantage: &VantageId) -> Result<Observation, EntryError> {
    let entry = entry::parse(line)?;
    if entry.vantage == *vantage {
        entry.observation()
    } else {
        Err(EntryError::Vantage { expected: vantage.clone(), found: entry.vantage })
    }
}

impl Recent {
    /// How many segments were begun, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        (self.all - self.segments.len(), self.all)
    }

    /// The next line of a segment that is no header, and where it is.
    fn next_line(&mut self) -> Result<Option<(FileLine, Vec<u8>)>, JournalError> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(path) = self.segments.pop_front() else { return Ok(None) };
                self.lines = Some(Lines::unpacked(&path)?);
                continue;
            };
            match lines.next()? {
                Next::Line(line) if lines.at().line > 1 => return Ok(Some((lines.at(), line))),
                Next::Line(_) => {}
                // The newest segment may be written just now.
                Next::Unfinished(_) if self.segments.is_empty() => self.lines = None,
                Next::Unfinished(_) => return Err(JournalError::Cut(lines.at())),
                Next::End => self.lines = None,
            }
        }
    }
}

impl Iterator for Recent {
    type Item = Result<Observation, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_line() {
            Ok(Some((at, line))) => {
                let read = observation(&line, &self.vantage);
                Some(read.map_err(|why| JournalError::Entry { at, why }))
            }
            Ok(None) => None,
            Err(error) => {
                // What follows in this segment cannot be told apart.
                self.lines = None;
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tempfile::TempDir;

    use super::super::tests::{SMALL, VANTAGE, edit, journal, open, seen, segments};
    use super::*;

    fn read(directory: &TempDir, since: Timestamp) -> Recent {
        recent(directory.path(), &VantageId(VANTAGE.to_owned()), since).unwrap()
    }

    /// An observation on a day of November.
    fn on(day: i8, number: usize) -> Observation {
        Observation { observed: format!("2026-11-{day:02}T12:00:00Z").parse().unwrap(), ..seen(number) }
    }

    /// A journal of two entries a day for the first twenty days of November.
    fn november() -> (TempDir, Vec<Observation>) {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = open(directory.path(), SMALL).unwrap();
        let observations: Vec<_> = (1..=20).flat_map(|day| [on(day, 1), on(day, 2)]).collect();
        for observation in &observations {
            journal.append(observation).unwrap();
        }
        (directory, observations)
    }

    #[test]
    fn only_segments_that_can_hold_something_as_new_are_read() {
        let (directory, observations) = november();
        let since = "2026-11-15T00:00:00Z".parse().unwrap();
        edit(&segments(&directory)[0], Vec::clear);
        let mut entries = read(&directory, since);
        let (begun, all) = entries.progress();
        assert!(begun == 0 && (2..segments(&directory).len() / 2).contains(&all), "{all} segments");
        let found: Vec<_> = entries.by_ref().map(Result::unwrap).collect();
        assert_eq!(entries.progress(), (all, all));
        assert!(observations.ends_with(&found), "all of the newest, in order");
        assert!(found.first().unwrap().observed < since, "and so none as new is missed");
    }

    #[test]
    fn a_damaged_entry_is_told_with_its_place_and_passed_over() {
        let (directory, observations) = november();
        let paths = segments(&directory);
        edit(&paths[1], |bytes| {
            let at = bytes.len() - 200;
            bytes[at] ^= 1;
        });
        edit(&paths[2], |bytes| bytes.truncate(bytes.len() - 10));
        edit(&paths[3], |bytes| bytes[0] = 0);
        edit(&paths[4], |bytes| bytes.extend(b"\0\xff\n{}\n"));
        let (found, damaged): (Vec<_>, Vec<_>) = read(&directory, Timestamp::MIN).partition(Result::is_ok);
        assert_eq!(found.len(), observations.len() - 2, "a damaged header hides nothing");
        let damaged: Vec<_> = damaged.into_iter().map(|error| error.unwrap_err().to_string()).collect();
        assert_eq!(damaged.len(), 4, "{damaged:#?}");
        assert!(
            damaged[0].contains(&format!("{}:", paths[1].display())) && damaged[0].contains("hash"),
            "{damaged:#?}"
        );
        assert!(damaged[1].contains("cut off") && damaged[3].contains(paths[4].to_str().unwrap()), "{damaged:#?}");
    }

    #[test]
    fn what_is_packed_counts_and_what_is_being_written_or_of_another_vantage_does_not() {
        let directory = journal(10);
        let paths = segments(&directory);
        edit(&paths[0], |bytes| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(bytes).unwrap();
            *bytes = packed.finish().unwrap();
        });
        fs::rename(&paths[0], paths[0].with_extension("jsonl.gz")).unwrap();
        edit(paths.last().unwrap(), |bytes| bytes.extend(b"{\"entry\":1,\"vant"));
        assert_eq!(read(&directory, Timestamp::MIN).filter_map(Result::ok).count(), 10);
        assert!(read(&directory, Timestamp::MIN).all(|entry| entry.is_ok()));

        fs::rename(directory.path().join(VANTAGE), directory.path().join("khi-1")).unwrap();
        let of_another = recent(directory.path(), &VantageId("khi-1".to_owned()), Timestamp::MIN).unwrap();
        assert!(of_another.map(Result::unwrap_err).all(|error| error.to_string().contains("this is of ntc-isb-1")));
    }
}
