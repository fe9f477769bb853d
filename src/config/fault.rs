//! What is wrong with a configuration: where it is written, and what to do about it.
//!
//! A fault is complete in itself, so that faults of several files can be shown together in the order of the text.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::printable::Escaped;

/// Where something is written. Ordered by file, line and column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Spot {
    /// The file or URL, as the operator named it.
    pub file: String,
    /// The line, counted from 1; 0 is the file as a whole.
    pub line: usize,
    /// The column in characters, counted from 1; 0 is the line as a whole.
    pub column: usize,
    /// The key, with the sections around it: `vantage.latitude`. Empty for the file as a whole.
    pub key: String,
}

impl Spot {
    /// A file as a whole.
    pub fn file(name: &str) -> Self {
        Self { file: name.into(), line: 0, column: 0, key: String::new() }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Something wrong or doubtful at one spot. Displayed as `file:line: key: what is wrong: what to do`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// Where.
    #[serde(flatten)]
    pub spot: Spot,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spot, message) = (&self.spot, Escaped(&self.message));
        match spot.key.as_str() {
            "" => write!(f, "{spot}: {message}"),
            key => write!(f, "{spot}: {}: {message}", Escaped(key)),
        }
    }
}

/// Every error of a configuration, in the order of files and lines. Never empty. Displayed one a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigErrors(pub Vec<Fault>);

/// What the reading of a configuration has found so far, shared by everything that reads a part of it.
#[derive(Debug, Default)]
pub(super) struct Faults {
    errors: RefCell<BTreeSet<Fault>>,
    warnings: RefCell<BTreeSet<Fault>>,
    known: RefCell<BTreeSet<String>>,
}

impl Faults {
    /// Adds an error.
    pub(super) fn error(&self, spot: &Spot, message: impl Into<String>) {
        self.errors.borrow_mut().insert(Fault { spot: spot.clone(), message: message.into() });
    }

    /// Adds a warning: the configuration is good, but may not mean what the operator thinks.
    pub(super) fn warn(&self, spot: &Spot, message: impl Into<String>) {
        self.warnings.borrow_mut().insert(Fault { spot: spot.clone(), message: message.into() });
    }

    /// Notes that `key` is one that the parser knows.
    pub(super) fn know(&self, key: String) {
        self.known.borrow_mut().insert(key);
    }

    /// The keys that the parser asked for, with the sections around them.
    pub(super) fn known(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }

    /// The errors if there are any, the warnings otherwise.
    pub(super) fn verdict(self) -> Result<Vec<Fault>, ConfigErrors> {
        let errors = self.errors.into_inner();
        if errors.is_empty() {
            Ok(self.warnings.into_inner().into_iter().collect())
        } else {
            Err(ConfigErrors(errors.into_iter().collect()))
        }
    }
}

/// A text of the operator as it is quoted in a message: escaped, and cut at 60 characters.
pub(super) fn quoted(text: &str) -> String {
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(60).collect();
    format!("{shown:?}{}", if characters.next().is_some() { "…" } else { "" })
}

/// `, did you mean "latitude"?` for a word close to one of `known`, nothing otherwise.
pub(super) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let word: String = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&word, candidate);
    let near = known.into_iter().filter(|k| distance(k) <= 1 + k.chars().count() / 4).min_by_key(distance);
    near.map_or_else(String::new, |k| format!(", did you mean \"{k}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_different_word_is_not() {
        let known = ["latitude", "longitude", "id"];
        assert_eq!(did_you_mean("lattitude", known), ", did you mean \"latitude\"?");
        assert_eq!(did_you_mean("Longitude", known), ", did you mean \"longitude\"?");
        assert_eq!(did_you_mean("colour", known), "");
    }

    #[test]
    fn what_a_stranger_wrote_is_escaped_and_cut() {
        assert_eq!(quoted("a\u{1b}[31m\u{202e}"), r#""a\u{1b}[31m\u{202e}""#);
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 63);
    }

    #[test]
    fn faults_are_kept_in_the_order_of_the_text() {
        let faults = Faults::default();
        let at = |line| Spot { line, key: "k".into(), ..Spot::file("f.toml") };
        faults.error(&at(10), "later: do this");
        faults.error(&at(9), "sooner: do that");
        let errors = faults.verdict().unwrap_err();
        assert_eq!(errors.to_string(), "f.toml:9: k: sooner: do that\nf.toml:10: k: later: do this");
    }
}
