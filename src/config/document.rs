//! Bytes → a TOML document whose every value knows its line.
//!
//! Whatever the bytes are, the outcome is a document or errors that name the line.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

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
    text: &'t str,
    lines: Vec<usize>,
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
        let breaks = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
        Some(Self { file: whole.file, text, lines: std::iter::once(0).chain(breaks).collect() })
    }

    /// The document as TOML; `None` once its syntax errors, all of them, were reported.
    pub(super) fn toml(&self, faults: &Faults) -> Option<Spanned<DeTable<'t>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let spot = self.spot(error.span().unwrap_or(0..0), String::new());
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            faults.error(&spot, format!("not TOML: {message}"));
        }
        errors.is_empty().then_some(table)
    }

    /// The text itself.
    pub(super) fn text(&self) -> &'t str {
        self.text
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

/// A file name as it is shown: as it is, unless it holds something that a terminal would obey.
fn quoted_name(name: &str) -> String {
    if name.chars().any(char::is_control) { quoted(name) } else { name.to_owned() }
}
