//! The text of a file → its records, each with its place, and what can be wrong with one.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ImportError;
use crate::printable::Printable;

/// One result, as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    /// How many bytes of the file are before it.
    offset: usize,
    json: &'a str,
}

/// What is wrong with a record.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where below the record's beginning: lines from 0, columns from 1. `None` means the record as a whole.
    within: Option<(usize, usize)>,
    says: String,
}

/// The elements of an array, or the lines that hold anything.
pub(super) fn split(text: &str) -> Result<Vec<Record<'_>>, ImportError> {
    // Some shells begin every file with a byte order mark.
    let body = text.trim_start_matches('\u{feff}');
    let raw = if body.trim_start().starts_with('[') { elements(body)? } else { lines(body)? };
    let place = |json: &'_ RawValue| (json.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    Ok(raw.into_iter().map(|json| Record { offset: place(json), json: json.get() }).collect())
}

fn elements(text: &str) -> Result<Vec<&RawValue>, ImportError> {
    serde_json::from_str(text).map_err(|error| syntax(&error, text, 0, true))
}

fn lines(text: &str) -> Result<Vec<&RawValue>, ImportError> {
    let filled = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let last = filled().last().map(|(index, _)| index);
    let read =
        |(index, line)| serde_json::from_str(line).map_err(|error| syntax(&error, line, index, last == Some(index)));
    filled().map(read).collect()
}

/// What is wrong with `text`, beyond which there may be nothing.
fn syntax(error: &serde_json::Error, text: &str, lines_before: usize, is_last: bool) -> ImportError {
    // A number that the end of the file cuts may look like a wrong one.
    let ends_in_a_number = text.ends_with(|end: char| end.is_ascii_digit() || "+-.eE".contains(end));
    let is_cut = error.is_eof() || (ends_in_a_number && position(text, text.len()).0 == error.line());
    let cure = match (is_cut, is_last) {
        (true, true) => ": the file is cut short; fetch it again",
        (true, false) => ": the line ends before its result does; write each result in one line, or all in an array",
        (false, _) => "",
    };
    ImportError {
        line: lines_before + error.line().max(1),
        column: error.column().max(1),
        fault: format!("{}{cure}", words(error)),
    }
}

impl<'a> Record<'a> {
    /// As a value of its own kind. What has the wrong type is told by the name of its field.
    pub(super) fn read<T: Deserialize<'a>>(self) -> Result<T, Fault> {
        if !self.json.starts_with('{') {
            return Err(Fault::says("a result is an object: judge reads an array of them, or one a line".to_owned()));
        }
        serde_json::from_str(self.json).map_err(|error| {
            let within = Some((error.line().saturating_sub(1), error.column().max(1)));
            let says = match field::<T>(self.json) {
                Some(field) => format!("{}: {}", Printable(&field), words(&error)),
                None => words(&error),
            };
            Fault { within, says }
        })
    }
}

/// The field at which `json` stops being a `T`; reading it again is slower than reading it, and only done for this.
fn field<'a, T: Deserialize<'a>>(json: &'a str) -> Option<String> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err()?;
    Some(error.path().to_string()).filter(|path| path != ".")
}

/// What `error` says, without the place, which is told in front. It may quote the file.
fn words(error: &serde_json::Error) -> String {
    let (text, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    Printable(text.strip_suffix(&place).unwrap_or(&text)).to_string()
}

impl Fault {
    /// A fault of the record as a whole.
    pub(super) fn says(says: String) -> Self {
        Self { within: None, says }
    }

    /// The fault of `record` in the file that is `text`.
    pub(super) fn at(self, text: &str, record: Record<'_>) -> ImportError {
        let (first_line, first_column) = position(text, record.offset);
        let (line, column) = match self.within {
            None => (first_line, first_column),
            Some((0, column)) => (first_line, first_column.saturating_add(column - 1)),
            Some((lines, column)) => (first_line + lines, column),
        };
        ImportError { line, column, fault: self.says }
    }
}

impl From<String> for Fault {
    fn from(says: String) -> Self {
        Self::says(says)
    }
}

/// The line and column of a byte offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}
