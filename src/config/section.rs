//! One table of a TOML document, read key by key.
//!
//! What was no TOML is reported once, and neither missed nor held against anything else. Each reading reports its own
//! fault and goes on, so that one pass finds all of them. When a section is dropped, the keys nobody asked for are
//! reported as unknown.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::printable::Printable;

use super::damage;
use super::document::{Document, Written};
use super::fault::{Faults, Spot, did_you_mean};

/// A value, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    /// The value.
    pub(super) value: T,
    /// Where it is written.
    pub(super) spot: Spot,
}

impl<T> At<T> {
    /// The value as something else, at the same spot.
    pub(super) fn map<U>(self, into: impl FnOnce(T) -> U) -> At<U> {
        At { value: into(self.value), spot: self.spot }
    }
}

/// What a reading of a value comes to: the value, or `what is wrong: what to do`.
pub(super) type Reading<T> = Result<T, String>;

/// What `read` makes of a TOML document, as far as it is one; `None` once it was reported that it is none at all.
pub(super) fn read_document<T>(written: &Written, faults: &Faults, read: impl FnOnce(&Section<'_>) -> T) -> Option<T> {
    let mut document = Document::open(written, faults)?;
    let (table, errors) = DeTable::parse_recoverable(document.text());
    if errors.is_empty() {
        return Some(read(&Section::root(&document, &table, faults)));
    }
    drop(table);
    damage::cut_out(&mut document, faults)?;
    let (table, _) = DeTable::parse_recoverable(document.text());
    Some(read(&Section::root(&document, &table, faults)))
}

/// One table of a document; empty when the document does not have it.
#[derive(Debug)]
pub(super) struct Section<'d> {
    document: &'d Document<'d>,
    faults: &'d Faults,
    path: String,
    table: Option<&'d DeTable<'d>>,
    span: Range<usize>,
    /// Whether something else than a table is written here, which was reported.
    misshapen: bool,
    asked: RefCell<Vec<&'static str>>,
}

impl<'d> Section<'d> {
    /// The whole document.
    fn root(document: &'d Document<'d>, table: &'d Spanned<DeTable<'d>>, faults: &'d Faults) -> Self {
        Self::new(document, faults, String::new(), Some(table.get_ref()), 0..0)
    }

    fn new(
        document: &'d Document<'d>,
        faults: &'d Faults,
        path: String,
        table: Option<&'d DeTable<'d>>,
        span: Range<usize>,
    ) -> Self {
        Self { document, faults, path, table, span, misshapen: false, asked: RefCell::default() }
    }

    /// The faults found so far.
    pub(super) fn faults(&self) -> &'d Faults {
        self.faults
    }

    /// Where the section begins; `key` may be empty.
    pub(super) fn spot(&self, key: &str) -> Spot {
        self.document.spot(self.span.clone(), self.path_of(key))
    }

    /// The file as a whole.
    pub(super) fn document(&self) -> Spot {
        self.document.whole()
    }

    /// Whether `key` is written at all, as far as that can be known.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key)) || self.may_be_lost(key)
    }

    /// Whether something was written at `key` that was no TOML, which was reported.
    pub(super) fn may_be_lost(&self, key: &str) -> bool {
        let written = self.table.and_then(|table| table.get(key));
        let begin = (!self.path.is_empty()).then_some(self.span.start);
        let damage = &self.document.damage;
        self.misshapen || written.map_or_else(|| damage.may_hide(key, begin), |value| damage.holds(&value.span()))
    }

    /// Whether a text is written at `key`.
    pub(super) fn is_text(&self, key: &str) -> bool {
        self.written(key).is_some_and(DeValue::is_str)
    }

    /// Whether a list is written at `key`.
    pub(super) fn is_list(&self, key: &str) -> bool {
        self.written(key).is_some_and(DeValue::is_array)
    }

    /// Whether a table is written at `key`.
    pub(super) fn is_table(&self, key: &str) -> bool {
        self.written(key).is_some_and(DeValue::is_table)
    }

    /// Whether something is written at `key` that cannot be read as an empty list: its fault is reported elsewhere.
    pub(super) fn is_faulty(&self, key: &str) -> bool {
        let is_no_empty_list = |value: &DeValue<'_>| value.as_array().is_none_or(|array| !array.is_empty());
        self.may_be_lost(key) || self.written(key).is_some_and(is_no_empty_list)
    }

    /// How many elements the list at `key` has.
    pub(super) fn length(&self, key: &str) -> usize {
        self.written(key).and_then(DeValue::as_array).map_or(0, |array| array.len())
    }

    fn written(&self, key: &str) -> Option<&DeValue<'d>> {
        self.table.and_then(|table| table.get(key)).map(Spanned::get_ref)
    }

    /// Where the value of `key` is written, or the section when it is absent.
    pub(super) fn spot_of(&self, key: &str) -> Spot {
        let span = self.table.and_then(|table| table.get(key)).map_or(self.span.clone(), Spanned::span);
        self.document.spot(span, self.path_of(key))
    }

    /// The value of `key`; `None` when it is absent or was reported.
    pub(super) fn read<T>(&self, key: &'static str, reading: impl Fn(&DeValue<'_>) -> Reading<T>) -> Option<At<T>> {
        let value = self.ask(key)?;
        self.take(value, self.path_of(key), reading)
    }

    /// The value of `key`; an error where it is absent, saying what to `add`.
    pub(super) fn require<T>(
        &self,
        key: &'static str,
        add: &str,
        reading: impl Fn(&DeValue<'_>) -> Reading<T>,
    ) -> Option<At<T>> {
        if self.ask(key).is_none() && !self.may_be_lost(key) {
            self.faults.error(&self.spot(key), format!("is missing: add {add}"));
        }
        self.read(key, reading)
    }

    /// The value of `key`, or `default` when it is absent.
    pub(super) fn or<T>(&self, key: &'static str, default: T, reading: impl Fn(&DeValue<'_>) -> Reading<T>) -> T {
        self.read(key, reading).map_or(default, |at| at.value)
    }

    /// The elements of the array at `key`, those that can be read; `None` when it is absent or no array.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        reading: impl Fn(&DeValue<'_>) -> Reading<T>,
    ) -> Option<Vec<At<T>>> {
        let value = self.ask(key)?;
        let path = self.path_of(key);
        let Some(array) = value.get_ref().as_array() else {
            let found = value.get_ref().type_str();
            let spot = self.document.spot(value.span(), path);
            self.faults.error(&spot, format!("must be a list, not {found}: write [ ] around the values"));
            return None;
        };
        Some(array.iter().filter_map(|element| self.take(element, path.clone(), &reading)).collect())
    }

    /// The table at `key`; one without keys when it is absent or was reported.
    pub(super) fn section(&self, key: &'static str) -> Self {
        let path = self.path_of(key);
        let Some(value) = self.ask(key) else {
            let mut section = Self::new(self.document, self.faults, path, None, self.span.clone());
            section.misshapen = self.may_be_lost(key);
            return section;
        };
        let table = value.get_ref().as_table();
        let mut section = Self::new(self.document, self.faults, path, table, value.span());
        if table.is_none() {
            section.misshapen = true;
            self.faults
                .error(&section.spot(""), format!("must be a table: write [{}] on a line of its own", section.path));
        }
        section
    }

    /// The tables at `[[key]]`, in order.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.ask(key) else { return Vec::new() };
        let path = self.path_of(key);
        let complain = |span| {
            let spot = self.document.spot(span, path.clone());
            self.faults.error(&spot, format!("must be a list of tables: write [[{path}]] on a line of its own"));
        };
        let Some(array) = value.get_ref().as_array() else {
            complain(value.span());
            return Vec::new();
        };
        let open = |element: &'d Spanned<DeValue<'d>>| {
            let table = element.get_ref().as_table();
            if table.is_none() {
                complain(element.span());
            }
            table.map(|table| Self::new(self.document, self.faults, path.clone(), Some(table), element.span()))
        };
        array.iter().filter_map(open).collect()
    }

    /// The keys and values of a table whose keys are names of the operator's own.
    pub(super) fn entries<T>(&self, reading: impl Fn(&DeValue<'_>) -> Reading<T>) -> Vec<(At<String>, T)> {
        let mut read = Vec::new();
        for (key, value) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            let path = self.path_of(name);
            let name = At { value: name.to_owned(), spot: self.document.spot(key.span(), path.clone()) };
            read.extend(self.take(value, path, &reading).map(|at| (name, at.value)));
        }
        self.asked.borrow_mut().push(EVERY_KEY);
        read
    }

    fn ask(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.borrow_mut().push(key);
        self.faults.know(self.path_of(key));
        self.table.and_then(|table| table.get(key)).filter(|value| !self.document.damage.holds(&value.span()))
    }

    fn take<T>(
        &self,
        value: &Spanned<DeValue<'_>>,
        path: String,
        reading: impl Fn(&DeValue<'_>) -> Reading<T>,
    ) -> Option<At<T>> {
        if self.document.damage.holds(&value.span()) {
            return None;
        }
        let spot = self.document.spot(value.span(), path);
        match reading(value.get_ref()) {
            Ok(value) => Some(At { value, spot }),
            Err(message) => {
                self.faults.error(&spot, message);
                None
            }
        }
    }

    /// The key with the sections around it; a key of the operator's own is made safe to show.
    fn path_of(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => Printable(key).to_string(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{}", Printable(key)),
        }
    }
}

/// Stands among the asked keys for all of them.
const EVERY_KEY: &str = "*";

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let asked = self.asked.borrow();
        if asked.contains(&EVERY_KEY) {
            return;
        }
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let name: &str = key.get_ref();
            if asked.contains(&name) || self.document.damage.has_mended(key.span().start, self.document.text()) {
                continue;
            }
            let spot = self.document.spot(key.span(), self.path_of(name));
            let hint = did_you_mean(name, asked.iter().copied());
            let cure = if hint.is_empty() {
                let mut known: Vec<_> = asked.clone();
                known.sort_unstable();
                known.dedup();
                format!("leave it out; the keys here are {}", known.join(", "))
            } else {
                "correct it or leave it out".to_owned()
            };
            self.faults.error(&spot, format!("unknown key{hint}: {cure}"));
        }
    }
}
