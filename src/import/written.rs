//! Files that people write beside measurements: their tables, and the places of their faults.

use serde::de::DeserializeOwned;

use super::ImportError;

/// Reads a file of tables.
pub(super) fn tables<T: DeserializeOwned>(text: &str) -> Result<T, ImportError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        at(text, start, error.message().to_owned())
    })
}

/// A fault at a byte offset.
pub(super) fn at(text: &str, offset: usize, fault: String) -> ImportError {
    let (line, column) = position(text, offset);
    ImportError { line, column, fault }
}

/// The line and column of a byte offset, both from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}
