//! Journals read back: every entry with its place, the chain verified on the way.
//!
//! A directory holds a chain from its first entry on: segments that were taken away from its beginning are missed like
//! any others. A segment that is named by itself is verified from where its header says that it begins.

use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::segment::{self, Lines, Next};
use super::{FileLine, JournalError};
use crate::entry::{self, Chain, Entry};

/// The entries of one segment, of a vantage's directory, or of a directory of those, in order.
///
/// The chain is verified on the way: after an error nothing more comes. An unfinished last line of the newest segment
/// is what a crash leaves, or what is being written just now: it ends the reading and is told by
/// [`Entries::unfinished`].
#[derive(Default)]
pub struct Entries {
    sources: std::vec::IntoIter<Source>,
    current: Option<(Lines, Source)>,
    chain: Option<Chain>,
    unfinished: Vec<FileLine>,
}

/// A segment to read.
struct Source {
    path: PathBuf,
    stands: Stands,
    /// Whether it is the newest of its chain.
    is_newest: bool,
}

/// Where a segment stands among those that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// It was named, and its neighbours were not.
    Alone,
    /// It is the oldest of its directory.
    First,
    /// Others are before it.
    Later,
}

/// The entries of one segment that comes out of `reader`; `name` is what its lines are told by.
pub fn read_segment(reader: Box<dyn BufRead + Send>, name: &Path) -> Entries {
    let source = Source { path: name.to_owned(), stands: Stands::Alone, is_newest: true };
    Entries { current: Some((Lines::of(reader, name), source)), ..Entries::default() }
}

/// The entries in the file or the directory at `path`. Segments may be packed by gzip.
pub fn read_entries(path: &Path) -> Result<Entries, JournalError> {
    let is_directory = fs::metadata(path).map_err(JournalError::io("open", path))?.is_dir();
    let alone = || vec![Source { path: path.to_owned(), stands: Stands::Alone, is_newest: true }];
    let sources = if is_directory { sources_below(path)? } else { alone() };
    Ok(Entries { sources: sources.into_iter(), ..Entries::default() })
}

fn sources_below(directory: &Path) -> Result<Vec<Source>, JournalError> {
    let mut sources = chained(segment::list(directory)?);
    if sources.is_empty() {
        for vantage in directories_in(directory)? {
            sources.extend(chained(segment::list(&vantage)?));
        }
    }
    Ok(sources)
}

fn chained(paths: Vec<PathBuf>) -> Vec<Source> {
    let newest = paths.len().saturating_sub(1);
    let source = |(index, path)| {
        let stands = if index == 0 { Stands::First } else { Stands::Later };
        Source { path, stands, is_newest: index == newest }
    };
    paths.into_iter().enumerate().map(source).collect()
}

fn directories_in(directory: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let failed = JournalError::io("list the directory", directory);
    let mut directories = Vec::new();
    for found in fs::read_dir(directory).map_err(&failed)? {
        let path = found.map_err(&failed)?.path();
        if path.is_dir() {
            directories.push(path);
        }
    }
    directories.sort();
    Ok(directories)
}

impl Entries {
    /// The unfinished last lines that were passed over so far.
    pub fn unfinished(&self) -> &[FileLine] {
        &self.unfinished
    }

    fn next_entry(&mut self) -> Result<Option<(FileLine, Entry)>, JournalError> {
        loop {
            let Some((lines, source)) = &mut self.current else {
                let Some(source) = self.sources.next() else { return Ok(None) };
                self.current = Some((Lines::unpacked(&source.path)?, source));
                continue;
            };
            match lines.next()? {
                Next::Line(line) => {
                    if let Some(entry) = follow(&mut self.chain, lines, source, &line)? {
                        return Ok(Some((lines.at(), entry)));
                    }
                }
                Next::Unfinished(_) if source.is_newest => self.unfinished.push(lines.at()),
                Next::Unfinished(_) => return Err(JournalError::Cut(lines.at())),
                Next::End => self.current = None,
            }
        }
    }
}

/// Follows the chain over a line: the header, which is none, or an entry.
fn follow(
    chain: &mut Option<Chain>,
    lines: &Lines,
    source: &Source,
    line: &[u8],
) -> Result<Option<Entry>, JournalError> {
    let failed = |why| JournalError::Entry { at: lines.at(), why };
    if lines.at().line == 1 {
        let header = lines.header(line)?;
        match (chain.as_ref(), source.stands) {
            (Some(chain), Stands::Later) => chain.handle_header(&header).map_err(failed)?,
            (None, Stands::Later) | (_, Stands::First) => {
                let beginning = Chain::new(header.vantage.clone()).handle_header(&header);
                beginning.map_err(|why| JournalError::Beginning { at: lines.at(), why })?;
                *chain = Some(Chain::resume(&header));
            }
            (_, Stands::Alone) => *chain = Some(Chain::resume(&header)),
        }
        return Ok(None);
    }
    let entry = entry::parse(line).map_err(failed)?;
    if let Some(chain) = chain {
        chain.handle_entry(&entry).map_err(failed)?;
    }
    Ok(Some(entry))
}

impl Iterator for Entries {
    type Item = Result<(FileLine, Entry), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_entry();
        if next.is_err() {
            (self.sources, self.current) = (Vec::new().into_iter(), None);
        }
        next.transpose()
    }
}
