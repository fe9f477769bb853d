//! The journal on disk: one directory a vantage, in it append-only segments of hash-chained lines (see
//! [`crate::entry`]), named after the sequence of their first entry.
//!
//! ```text
//! /var/lib/pehra/journal/ntc-isb-1/00000000000000000001.jsonl
//!                                  00000000000000004711.jsonl
//!                                  lock
//! ```
//!
//! 1. What [`Journal::append`] has acknowledged is on the disk (`fdatasync`), and nothing is written over it, ever.
//! 2. A write that fails, on a full disk say, is taken back whole: the segment ends where it ended before, and the next
//!    call tries anew.
//! 3. A crash may leave the last line unfinished. It was never acknowledged; on opening it is moved aside into a
//!    `.torn` file, not deleted.
//! 4. Anything else that does not verify is not a crash: nothing is appended to it.
//!
//! All calls block; [`writer`] runs them on a thread of their own.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use self::segment::{MAX_LINE, Segment, Tail};
use crate::digest::Digest;
use crate::entry::{Chain, EntryError};
use crate::observation::Observation;
use crate::vantage::VantageId;

pub mod read;
pub mod recent;
mod segment;
pub mod writer;

#[cfg(test)]
mod tests;

/// Where a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLine {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why the journal could not be written or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The vantage's name cannot be the name of a directory.
    #[error("name a journal after the vantage {0:?}: use letters, digits, hyphens, underscores and dots, 100 at most")]
    Name(String),
    /// Another process writes it.
    #[error("lock {0}: another pehra writes this journal: stop it, or give this one another vantage or directory")]
    Locked(PathBuf),
    /// The disk is full.
    #[error("write {0}: the disk is full: free some space; what was written before is whole")]
    Full(PathBuf),
    /// The operating system refused.
    #[error("{operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: Arc<io::Error>,
    },
    /// A line is not the next entry.
    #[error("verify {at}: failed to {why}")]
    Entry {
        /// Where.
        at: FileLine,
        /// What is wrong.
        why: EntryError,
    },
    /// The oldest segment that is there is not the first there was.
    #[error(
        "verify {at}: failed to {why}; a journal begins with entry 1: put the segments before this one back, or name \
         those that are left one by one"
    )]
    Beginning {
        /// Where.
        at: FileLine,
        /// What is wrong.
        why: EntryError,
    },
    /// An observation could not be encoded.
    #[error("encode an observation: failed to {0}")]
    Encode(EntryError),
    /// An observation is longer than any that would be read back.
    #[error("append an observation of {0} bytes: an entry has {MAX_LINE} at most")]
    TooLong(usize),
    /// A line is longer than any entry.
    #[error("read {0}: the line is longer than {MAX_LINE} bytes: this is not a journal")]
    LongLine(FileLine),
    /// A segment that others follow ends in the middle of a line.
    #[error("verify {0}: the file was cut off in the middle of this line")]
    Cut(FileLine),
    /// The segment that has to be gone on with is packed.
    #[error("append to {0}: the newest segment is packed, and the chain goes on from it: unpack it (gunzip)")]
    Packed(PathBuf),
    /// What is there does not verify.
    #[error(
        "append to the journal {directory}: failed to {why}; nothing is appended to a chain that does not verify: \
         move the directory away, keep it, and a new chain is begun"
    )]
    Unverified {
        /// The journal's directory.
        directory: PathBuf,
        /// What is wrong.
        why: Box<JournalError>,
    },
    /// The thread of the journal has ended.
    #[error("hand an observation to the journal: its thread has ended")]
    Ended,
}

impl JournalError {
    fn io(operation: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| {
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
                Self::Full(path.to_owned())
            } else {
                Self::Io { operation, path: path.to_owned(), source: Arc::new(source) }
            }
        }
    }
}

/// What was found on opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The sequence of the last entry; zero for a new journal.
    pub sequence: u64,
    /// The hash of the last entry.
    pub head: Digest,
    /// How many segments there are.
    pub segments: usize,
    /// Where unfinished lines were moved to.
    pub torn: Vec<PathBuf>,
}

/// The journal of one vantage, open for appending; nobody else can open it meanwhile.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    chain: Chain,
    current: Option<Segment>,
    segment_bytes: u64,
    _lock: Flock<File>,
}

impl Journal {
    /// Opens the journal of `vantage` below `directory`, and makes it where there is none: verifies its last segment
    /// and moves an unfinished last line aside. A segment that has reached `segment_bytes` is followed by a new one.
    pub fn open(directory: &Path, vantage: &VantageId, segment_bytes: u64) -> Result<(Self, Opened), JournalError> {
        let directory = directory.join(directory_name(vantage)?);
        fs::create_dir_all(&directory).map_err(JournalError::io("make the directory", &directory))?;
        let lock = lock(&directory.join("lock"))?;
        let unverified = |why| JournalError::Unverified { directory: directory.clone(), why: Box::new(why) };
        let mut segments = segment::list(&directory)?;
        let mut torn = Vec::new();
        let mut chain = Chain::new(vantage.clone());
        let mut current = None;
        while let Some(path) = segments.last() {
            if segment::is_packed(path) {
                return Err(JournalError::Packed(path.clone()));
            }
            if let Some(tail) = Tail::of(path, vantage).map_err(unverified)? {
                let (segment, moved) = Segment::reopen(path, &tail)?;
                torn.extend(moved);
                (chain, current) = (tail.chain, Some(segment));
                break;
            }
            torn.push(segment::set_aside(path)?);
            segments.pop();
        }
        let opened = Opened { sequence: chain.sequence(), head: chain.hash(), segments: segments.len(), torn };
        Ok((Self { directory, chain, current, segment_bytes, _lock: lock }, opened))
    }

    /// Appends `observation`; when this returns its hash, it is on the disk.
    pub fn append(&mut self, observation: &Observation) -> Result<Digest, JournalError> {
        self.append_all([observation])?;
        Ok(self.chain.hash())
    }

    /// Appends all of `observations` with one write and one `fdatasync`, or none of them. Yields their hashes.
    pub fn append_all<'a>(
        &mut self,
        observations: impl IntoIterator<Item = &'a Observation>,
    ) -> Result<Vec<Digest>, JournalError> {
        let mut chain = self.chain.clone();
        let mut hashes = Vec::new();
        let mut lines = String::new();
        for observation in observations {
            let encoded = chain.encode_next(observation).map_err(JournalError::Encode)?;
            if encoded.line.len() > MAX_LINE {
                return Err(JournalError::TooLong(encoded.line.len()));
            }
            chain.handle_encoded(&encoded);
            hashes.push(encoded.hash);
            lines.push_str(&encoded.line);
            lines.push('\n');
        }
        if !hashes.is_empty() {
            self.write(&lines)?;
            self.chain = chain;
        }
        Ok(hashes)
    }

    /// The sequence of the last entry; zero before the first.
    pub fn sequence(&self) -> u64 {
        self.chain.sequence()
    }

    /// The hash of the last entry.
    pub fn head(&self) -> Digest {
        self.chain.hash()
    }

    fn write(&mut self, lines: &str) -> Result<(), JournalError> {
        let segment_bytes = self.segment_bytes;
        let has_room = |segment: &Segment| segment.is_empty() || segment.bytes() < segment_bytes;
        let mut segment = match self.current.take_if(|segment| has_room(segment)) {
            Some(segment) => segment,
            None => Segment::begin(&self.directory, self.chain.header().first)?,
        };
        let written = if segment.is_empty() {
            let header = self.chain.header().encode().map_err(JournalError::Encode)?;
            segment.append(format!("{header}\n{lines}").as_bytes())
        } else {
            segment.append(lines.as_bytes())
        };
        self.current = Some(segment);
        written
    }
}

/// The name of a vantage as the name of a directory that stays where it belongs.
fn directory_name(vantage: &VantageId) -> Result<&str, JournalError> {
    let name = vantage.0.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=100).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain) {
        Ok(name)
    } else {
        Err(JournalError::Name(name.chars().take(100).collect()))
    }
}

fn lock(path: &Path) -> Result<Flock<File>, JournalError> {
    let failed = JournalError::io("open the lock", path);
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(&failed)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| {
        if errno == Errno::EWOULDBLOCK { JournalError::Locked(path.to_owned()) } else { failed(errno.into()) }
    })
}
