//! Bytes → a text whose every place knows its line.
//!
//! Whatever the bytes are, the outcome is a text or an error that names the line.

use std::borrow::Cow;
use std::ops::Range;

use super::damage::Damage;
use super::fault::{Faults, Spot, quoted};

/// The largest file that is read, in bytes: about 40 000 workloads.
pub const LARGEST_FILE: usize = 8 << 20;

/// How far into a line columns are counted, in bytes, so that a file of one line is read in linear time.
const LONGEST_LINE: usize = 4096;

/// The bytes of a file or URL, and the name by which faults refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file or URL, as the operator named it.
    pub name: String,
    /// What was read of it.
    pub bytes: Vec<u8>,
}

/// The text of a file, and where its lines begin.
#[derive(Debug)]
pub(super) struct Document<'t> {
    file: String,
    text: Cow<'t, str>,
    lines: Vec<usize>,
    /// What of it is no TOML.
    pub(super) damage: Damage,
}

impl<'t> Document<'t> {
    /// The text of `written`; `None` once an error was reported.
    pub(super) fn open(written: &'t Written, faults: &Faults) -> Option<Self> {
        let whole = Spot::file(&quoted_name(&written.name));
        if written.bytes.len() > LARGEST_FILE {
            faults
                .error(&whole, "the file is larger than 8 MiB: split the inventory into several files of a directory");
            return None;
        }
        let bytes = written.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&written.bytes);
        let line_of = |at: usize| 1 + bytes.iter().take(at).filter(|b| **b == b'\n').count();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let spot = Spot { line: line_of(error.valid_up_to()), ..whole };
                faults.error(&spot, "not UTF-8 text: save the file in UTF-8");
                return None;
            }
        };
        if let Some(at) = bytes.iter().position(|b| *b == 0) {
            let spot = Spot { line: line_of(at), ..whole };
            faults
                .error(&spot, "a NUL byte: this is no text file; save it in UTF-8, not UTF-16, and without NUL bytes");
            return None;
        }
        let damage = Damage::default();
        Some(Self { file: whole.file, text: text.into(), lines: beginnings(text), damage })
    }

    /// The text itself.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes `text`, which has the same lines, for the text.
    pub(super) fn replace(&mut self, text: String) {
        self.lines = beginnings(&text);
        self.text = text.into();
    }

    /// The line and column at which `span` begins.
    pub(super) fn spot(&self, span: Range<usize>, key: String) -> Spot {
        let line = self.lines.partition_point(|begin| *begin <= span.start);
        let begin = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or(0);
        let before = self.text.get(begin..span.start).filter(|before| before.len() <= LONGEST_LINE);
        let column = before.map_or(0, |before| before.chars().count() + 1);
        Spot { file: self.file.clone(), line, column, key }
    }

    /// The file as a whole.
    pub(super) fn whole(&self) -> Spot {
        Spot { file: self.file.clone(), line: 0, column: 0, key: String::new() }
    }
}

/// Where the lines of `text` begin.
fn beginnings(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// A file name as it is shown: as it is, unless it holds something that a terminal would obey.
fn quoted_name(name: &str) -> String {
    if name.chars().any(char::is_control) { quoted(name) } else { name.to_owned() }
}
