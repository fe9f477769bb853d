//! Names of addresses → places: how the operators of networks write their cities into the names of their routers.
//!
//! The codes are read by operator, never by what they look like: `lhr` is Lahore where PTCL writes it and says nothing
//! anywhere else. The table (`geodb/rdns.csv`) has, for each suffix, the forms that names under it have, the networks that
//! its operator announces, and the codes, each with its place and where that is known from. What is not in it says nothing.
//!
//! A form describes the labels in front of the suffix, from left to right and all of them:
//! - `if`: an interface, such as `ae7`, `te0-3-0-6-9` or `100ge16-1`: words, then numbers. It keeps the names of customers
//!   out, whose routers may stand anywhere.
//! - `any`: any label.
//! - `@`: the code, alone or with a digit, letters and digits after it: `pal`, `frnkge04`.
//! - `@9`: the code with at least one digit after it: `khi77`, `lhr63d1`.
//! - `@-*`, `*-@`, `*-@9`: the same for what stands in front of the first hyphen of a label, or behind it.
//! - `each-@9`: any pieces between hyphens, of which all that are codes are the same one.
//! - `cc`: two letters that belong to the code: `frnkge04.de` is `frnkge.de` in the table.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::network::Asn;
use crate::place::CountryCode;

/// The longest name that is read: 255 octets are at most 253 characters (RFC 1035), and an escaped octet is in no form.
const LONGEST: usize = 253;

/// The most rows of a table.
const MOST_ROWS: usize = 100_000;

/// How operators write places into names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameTable {
    operators: BTreeMap<String, Operator>,
}

/// One operator's way to do it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Operator {
    forms: Vec<Form>,
    networks: Vec<Asn>,
    codes: BTreeMap<String, Spot>,
}

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spot {
    place: String,
    country: CountryCode,
}

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<'a> {
    /// The code, as it is in the table.
    pub code: &'a str,
    /// The city that it stands for.
    pub place: &'a str,
    /// Where that is.
    pub country: CountryCode,
    /// The networks of the operator: anybody may write such a name, and only theirs count.
    pub operator: &'a [Asn],
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameTableFault {
    /// It is no such table at all.
    #[error("it is no table of names (suffix,form,networks,code,place,country,source): {0}")]
    Foreign(String),
    /// A suffix without a code says nothing.
    #[error("{0} has a form and no code: write its codes, or leave it out")]
    Codeless(String),
    /// A row cannot be used.
    #[error("line {0}: {1}")]
    Row(u64, &'static str),
}

/// One row: with a form it opens a suffix, with a code it adds to one.
#[derive(Deserialize)]
struct Row {
    suffix: String,
    form: String,
    networks: String,
    code: String,
    place: String,
    country: String,
    source: String,
}

impl NameTable {
    /// Reads a table: CSV of suffix, form, networks, code, place, country, source. Unlike what others publish it is made
    /// for us, and read whole or not at all.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameTableFault> {
        let mut table = Self::default();
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(bytes);
        let headers = reader.headers().map_err(|error| NameTableFault::Foreign(error.to_string()))?.clone();
        for (count, record) in reader.records().enumerate() {
            let record = record.map_err(|error| NameTableFault::Foreign(error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let row = record.deserialize(Some(&headers)).map_err(|error| NameTableFault::Foreign(error.to_string()))?;
            let taken = if count < MOST_ROWS { table.take(row) } else { Err("is one too many: write at most 100000") };
            taken.map_err(|what| NameTableFault::Row(line, what))?;
        }
        if table.operators.is_empty() {
            return Err(NameTableFault::Foreign("it is empty".to_owned()));
        }
        match table.operators.iter().find(|(_, operator)| operator.codes.is_empty()) {
            Some((suffix, _)) => Err(NameTableFault::Codeless(suffix.clone())),
            None => Ok(table),
        }
    }

    fn take(&mut self, row: Row) -> Result<(), &'static str> {
        let suffix = row.suffix.to_ascii_lowercase();
        if suffix.is_empty() || !suffix.split('.').all(is_label) {
            return Err("no suffix: write the end of the names, such as pie.net.pk");
        }
        if row.source.is_empty() {
            return Err("no source: write where that is known from");
        }
        if row.form.is_empty() { self.take_code(&suffix, row) } else { self.take_forms(suffix, &row) }
    }

    fn take_forms(&mut self, suffix: String, row: &Row) -> Result<(), &'static str> {
        let forms = row.form.split_ascii_whitespace().map(Form::parse).collect::<Option<_>>();
        let forms = forms.ok_or("no form: write labels such as if.any.@9, with the code in one of them")?;
        let networks: Option<Vec<Asn>> = row.networks.split_ascii_whitespace().map(|asn| asn.parse().ok()).collect();
        let networks = networks.filter(|networks| !networks.is_empty());
        let networks = networks.ok_or("no networks: write those of the operator, such as 17557 45595")?;
        if !(row.code.is_empty() && row.place.is_empty() && row.country.is_empty()) {
            return Err("a form beside a code: write the codes of a suffix on lines of their own");
        }
        let operator = Operator { forms, networks, codes: BTreeMap::new() };
        match self.operators.insert(suffix, operator) {
            Some(_) => Err("a suffix whose form was told before: write all its forms on one line"),
            None => Ok(()),
        }
    }

    fn take_code(&mut self, suffix: &str, row: Row) -> Result<(), &'static str> {
        let operator = self.operators.get_mut(suffix).ok_or("a code of a suffix whose form comes later, or never")?;
        let country = row.country.parse().ok().filter(|country: &CountryCode| country.is_assigned());
        let country = country.ok_or("no country: write two letters, such as PK")?;
        let code = row.code.to_ascii_lowercase();
        if code.is_empty() || !code.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'-') {
            return Err("no code: write letters, such as khi");
        }
        if row.place.is_empty() || !row.networks.is_empty() {
            return Err("a code has a place, and the networks of its suffix");
        }
        match operator.codes.insert(code, Spot { place: row.place, country }) {
            Some(_) => Err("a code that its suffix has already"),
            None => Ok(()),
        }
    }

    /// What `name` says, if its operator is known, it has one of the operator's forms, and its code is in the table.
    pub fn read(&self, name: &str) -> Option<Reading<'_>> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if name.len() > LONGEST || !name.split('.').all(is_label) {
            return None;
        }
        let (labels, operator) = self.operator(&name)?;
        let labels: Vec<&str> = labels.split('.').collect();
        let (code, spot) = operator.forms.iter().find_map(|form| form.find(&labels, &operator.codes))?;
        Some(Reading { code, place: &spot.place, country: spot.country, operator: &operator.networks })
    }

    /// The labels in front of the longest suffix that is known, and whose it is.
    fn operator<'n>(&self, name: &'n str) -> Option<(&'n str, &Operator)> {
        name.match_indices('.').find_map(|(dot, _)| {
            let (labels, suffix) = (name.get(..dot)?, name.get(dot + 1..)?);
            Some((labels, self.operators.get(suffix)?))
        })
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        self.operators.values().map(|operator| operator.codes.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether a label is one of the ordinary kind.
fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What the labels in front of a suffix look like, from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form(Vec<Part>);

/// What one label looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Interface,
    Any,
    Code { piece: Piece, digit: bool },
    Country,
}

/// Which piece of a label a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Whole,
    First,
    Rest,
    Each,
}

impl Form {
    /// Exactly one label has the code, and at most one says the country.
    fn parse(text: &str) -> Option<Self> {
        let code = |piece, digit| Part::Code { piece, digit };
        let part = |word: &str| {
            Some(match word {
                "if" => Part::Interface,
                "any" => Part::Any,
                "cc" => Part::Country,
                "@" => code(Piece::Whole, false),
                "@9" => code(Piece::Whole, true),
                "@-*" => code(Piece::First, false),
                "*-@" => code(Piece::Rest, false),
                "*-@9" => code(Piece::Rest, true),
                "each-@9" => code(Piece::Each, true),
                _ => return None,
            })
        };
        let parts: Vec<Part> = text.split('.').map(part).collect::<Option<_>>()?;
        let codes = parts.iter().filter(|part| matches!(part, Part::Code { .. })).count();
        let countries = parts.iter().filter(|part| **part == Part::Country).count();
        (codes == 1 && countries <= 1).then_some(Self(parts))
    }

    fn find<'t>(&self, labels: &[&str], codes: &'t BTreeMap<String, Spot>) -> Option<(&'t str, &'t Spot)> {
        if labels.len() != self.0.len() {
            return None;
        }
        let (mut candidates, mut country) = (BTreeSet::new(), None);
        for (part, label) in self.0.iter().zip(labels) {
            match part {
                Part::Any => {}
                Part::Interface if is_interface(label) => {}
                Part::Country if label.len() == 2 => country = Some(*label),
                Part::Interface | Part::Country => return None,
                Part::Code { piece, digit } => candidates.extend(pieces(label, *piece).filter_map(|p| code(p, *digit))),
            }
        }
        let key = |code: &str| country.map_or_else(|| code.to_owned(), |country| format!("{code}.{country}"));
        let mut known = candidates.into_iter().filter_map(|code| codes.get_key_value(&key(code)));
        let (code, spot) = known.next()?;
        known.next().is_none().then_some((code, spot))
    }
}

fn pieces(label: &str, piece: Piece) -> impl Iterator<Item = &str> {
    let taken = match piece {
        Piece::Whole => Some(label),
        Piece::First => label.split_once('-').map(|(first, _)| first),
        Piece::Rest => label.split_once('-').map(|(_, rest)| rest),
        Piece::Each => None,
    };
    let each = (piece == Piece::Each).then(|| label.split('-'));
    taken.into_iter().chain(each.into_iter().flatten())
}

/// The letters and hyphens at the beginning of a piece, if nothing but a digit, and letters and digits behind it, follows.
fn code(piece: &str, digit: bool) -> Option<&str> {
    let end = piece.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(piece.len());
    let (code, rest) = piece.split_at_checked(end)?;
    let numbered = rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.contains(['-', '_']);
    let fits = if rest.is_empty() { !digit } else { numbered };
    (fits && !code.is_empty()).then_some(code)
}

/// Whether a label is the name of an interface: perhaps a speed, words of letters, and then numbers to the end.
fn is_interface(label: &str) -> bool {
    let words = label.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbers = words.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '-');
    let are_numbers = numbers.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'_');
    words.starts_with(|c: char| c.is_ascii_lowercase()) && !numbers.is_empty() && are_numbers
}

#[cfg(test)]
mod tests;
