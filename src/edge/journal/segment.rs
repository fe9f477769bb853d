//! One segment file: its lines, how it ends, and how it grows.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::{FileLine, JournalError};
use crate::edge::input;
use crate::entry::{self, Chain, Header};
use crate::vantage::VantageId;

/// The longest line that is read, in bytes. An entry has some 10 kB; one of a name with 256 addresses some megabytes.
pub(super) const MAX_LINE: usize = 64 << 20;

/// The digits of a segment's name.
const DIGITS: usize = 20;

/// What the name of a segment gets that somebody has packed.
const PACKED: &str = ".gz";

/// The segments in `directory`, in order; of a segment that is there plain and packed, the plain one.
pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let failed = JournalError::io("list the directory", directory);
    let mut segments = BTreeMap::new();
    for found in fs::read_dir(directory).map_err(&failed)? {
        let path = found.map_err(&failed)?.path();
        let Some(sequence) = first_sequence(&path) else { continue };
        if !is_packed(&path) || !segments.contains_key(&sequence) {
            segments.insert(sequence, path);
        }
    }
    Ok(segments.into_values().collect())
}

/// Whether the name of a segment says that it is packed.
pub(super) fn is_packed(path: &Path) -> bool {
    path.to_str().is_some_and(|name| name.ends_with(PACKED))
}

/// The sequence that a segment's name promises; `None` for other files.
pub(super) fn first_sequence(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_suffix(PACKED).unwrap_or(name).strip_suffix(".jsonl")?;
    let is_name = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_name { digits.parse().ok() } else { None }
}

/// Moves a segment that never got its first line out of the way.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, JournalError> {
    let aside = free_name(path);
    fs::rename(path, &aside).map_err(JournalError::io("move aside", path))?;
    sync_directory_of(path)?;
    Ok(aside)
}

/// A segment read line by line.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    path: PathBuf,
    number: u64,
    whole_bytes: u64,
}

/// What comes next in a segment.
pub(super) enum Next {
    /// A line, without its line feed.
    Line(Vec<u8>),
    /// Bytes after the last line feed.
    Unfinished(Vec<u8>),
    /// Nothing.
    End,
}

impl Lines {
    /// The lines of a segment as it lies on the disk.
    pub(super) fn plain(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new().read(true).open(path).map_err(JournalError::io("open", path))?;
        Ok(Self::of(Box::new(BufReader::new(file)), path))
    }

    /// The lines of a segment, unpacked where somebody has packed it.
    pub(super) fn unpacked(path: &Path) -> Result<Self, JournalError> {
        let input = input::open(path, input::MOST).map_err(JournalError::io("read", path))?;
        Ok(Self::of(input.reader, path))
    }

    /// What comes out of `reader`, by the name of `path`.
    pub(super) fn of(reader: Box<dyn BufRead + Send>, path: &Path) -> Self {
        Self { reader, path: path.to_owned(), number: 0, whole_bytes: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Next, JournalError> {
        let mut line = Vec::new();
        let failed = JournalError::io("read", &self.path);
        let read = (&mut self.reader).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 {
            return Ok(Next::End);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
            self.whole_bytes += read as u64;
            Ok(Next::Line(line))
        } else if read > MAX_LINE {
            Err(JournalError::LongLine(self.at()))
        } else {
            Ok(Next::Unfinished(line))
        }
    }

    /// Where the line that came last is.
    pub(super) fn at(&self) -> FileLine {
        FileLine { file: self.path.clone(), line: self.number }
    }

    /// The header on the line that came last, checked against the name of the file.
    pub(super) fn header(&self, line: &[u8]) -> Result<Header, JournalError> {
        let failed = |why| JournalError::Entry { at: self.at(), why };
        let header = Header::parse(line).map_err(failed)?;
        match first_sequence(&self.path) {
            Some(expected) if expected != header.first => {
                Err(failed(entry::EntryError::Sequence { expected, found: header.first }))
            }
            Some(_) | None => Ok(header),
        }
    }
}

/// How a segment ends.
pub(super) struct Tail {
    /// The chain at its last entry.
    pub(super) chain: Chain,
    whole_bytes: u64,
    torn: Vec<u8>,
}

impl Tail {
    /// Verifies the segment at `path` from its header to its end; `None` if not even the header was finished.
    pub(super) fn of(path: &Path, vantage: &VantageId) -> Result<Option<Self>, JournalError> {
        let mut lines = Lines::plain(path)?;
        let Next::Line(first) = lines.next()? else { return Ok(None) };
        let header = lines.header(&first)?;
        let mut chain = Chain::resume(&header);
        if header.vantage != *vantage {
            let why = entry::EntryError::Vantage { expected: vantage.clone(), found: header.vantage };
            return Err(JournalError::Entry { at: lines.at(), why });
        }
        loop {
            let torn = match lines.next()? {
                Next::Line(line) => {
                    let handled = entry::parse(&line).and_then(|entry| chain.handle_entry(&entry));
                    handled.map_err(|why| JournalError::Entry { at: lines.at(), why })?;
                    continue;
                }
                Next::Unfinished(torn) => torn,
                Next::End => Vec::new(),
            };
            return Ok(Some(Self { chain, whole_bytes: lines.whole_bytes, torn }));
        }
    }
}

/// The segment that is being written.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    bytes: u64,
    ends_whole: bool,
    is_listed: bool,
}

impl Segment {
    /// Begins the segment whose first entry is `first`.
    pub(super) fn begin(directory: &Path, first: u64) -> Result<Self, JournalError> {
        let path = directory.join(format!("{first:0DIGITS$}.jsonl"));
        let file = OpenOptions::new().create_new(true).append(true).open(&path);
        let file = file.map_err(JournalError::io("begin", &path))?;
        Ok(Self { path, file, bytes: 0, ends_whole: true, is_listed: false })
    }

    /// Goes on with the segment at `path`, after moving what is torn off its end into a file of its own.
    pub(super) fn reopen(path: &Path, tail: &Tail) -> Result<(Self, Option<PathBuf>), JournalError> {
        let file = OpenOptions::new().append(true).open(path).map_err(JournalError::io("open", path))?;
        let aside = if tail.torn.is_empty() { None } else { Some(keep_aside(path, &tail.torn)?) };
        let mended = file.set_len(tail.whole_bytes).and_then(|()| file.sync_all());
        mended.map_err(JournalError::io("mend", path))?;
        let segment = Self { path: path.to_owned(), file, bytes: tail.whole_bytes, ends_whole: true, is_listed: true };
        Ok((segment, aside))
    }

    /// How long it is, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether its header is still to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Appends `lines` for good, or not at all.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), JournalError> {
        self.take_back()?;
        self.ends_whole = false;
        if let Err(failed) = self.append_durably(lines) {
            // The first failure is the one to tell; what could not be taken back now is taken back before the next.
            let _ = self.take_back();
            return Err(failed);
        }
        self.bytes += lines.len() as u64;
        self.ends_whole = true;
        Ok(())
    }

    fn append_durably(&mut self, lines: &[u8]) -> Result<(), JournalError> {
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        written.map_err(JournalError::io("write", &self.path))?;
        if !self.is_listed {
            sync_directory_of(&self.path)?;
            self.is_listed = true;
        }
        Ok(())
    }

    /// Cuts off whatever an earlier write that failed has left.
    fn take_back(&mut self) -> Result<(), JournalError> {
        if !self.ends_whole {
            self.file.set_len(self.bytes).map_err(JournalError::io("take back a failed write to", &self.path))?;
            self.ends_whole = true;
        }
        Ok(())
    }
}

/// Writes what is torn off the end of `path` into a file beside it.
fn keep_aside(path: &Path, torn: &[u8]) -> Result<PathBuf, JournalError> {
    let aside = free_name(path);
    let kept = OpenOptions::new().create_new(true).write(true).open(&aside);
    let kept = kept.and_then(|mut file| file.write_all(torn).and_then(|()| file.sync_all()));
    kept.map_err(JournalError::io("write", &aside))?;
    sync_directory_of(path)?;
    Ok(aside)
}

/// The first of `x.torn`, `x.2.torn`, `x.3.torn` … that is not taken.
fn free_name(path: &Path) -> PathBuf {
    let mut number = 1_u32;
    loop {
        let mut name = path.to_owned().into_os_string();
        name.push(if number == 1 { ".torn".to_owned() } else { format!(".{number}.torn") });
        let name = PathBuf::from(name);
        if !name.exists() {
            return name;
        }
        number += 1;
    }
}

fn sync_directory_of(path: &Path) -> Result<(), JournalError> {
    let directory = path.parent().unwrap_or(path);
    let synced = OpenOptions::new().read(true).open(directory).and_then(|directory| directory.sync_all());
    synced.or_else(tolerate_no_directory_sync).map_err(JournalError::io("sync the directory", directory))
}

/// Some network file systems cannot sync a directory (`EINVAL`); they do not need it either.
fn tolerate_no_directory_sync(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::InvalidInput { Ok(()) } else { Err(error) }
}
