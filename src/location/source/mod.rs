//! What others publish of addresses as text: geofeeds, the regions of clouds, lists of anycast prefixes, the statistics
//! of the registries. One file a form; bytes in, a table of prefixes out, with what was wrong with the rest. And beside
//! them what the names of addresses say, by a table of our own.
//!
//! Real files are dirty. A line that cannot be used is counted and left out, and only a text of which nothing can be used
//! is refused. Nothing here decides what a claim weighs; that is [`super::fuse`].

use std::collections::BTreeMap;
use std::fmt;

use self::prefixes::PrefixTable;

pub mod airports;
pub mod anycast;
pub mod geofeed;
pub mod names;
pub mod operators;
pub mod prefixes;
pub mod regions;
pub mod registry;

/// The most entries that are taken of one text: several times what all the registries together hold.
pub const MOST_ENTRIES: usize = 2_000_000;

/// What can be wrong with a line or an entry. All but [`Flaw::HostBits`] and [`Flaw::Replaced`] leave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// It names no prefix.
    NoPrefix,
    /// Its prefix is broader than anything that is in one place: a slip, or worse.
    TooBroad,
    /// What it names as a country is none.
    NoCountry,
    /// Its country and its region, or two entries for one prefix, do not go together.
    Contradiction,
    /// It names a region whose country is not known here.
    UnknownRegion,
    /// It has fewer fields than its form asks for, or a number that is none.
    Malformed,
    /// It comes after the last entry that is taken.
    TooMany,
    /// Its prefix has host bits; the whole prefix is taken.
    HostBits,
    /// A later line is about the same prefix, and counts in its place.
    Replaced,
}

impl Flaw {
    /// What was done about it, and why, in words that follow a number.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPrefix => "left out: no prefix",
            Self::TooBroad => "left out: too broad a prefix",
            Self::NoCountry => "left out: no country",
            Self::Contradiction => "left out: at odds with itself",
            Self::UnknownRegion => "left out: a region whose country is not known",
            Self::Malformed => "left out: not in the form",
            Self::TooMany => "left out: too many",
            Self::HostBits => "masked: host bits were set",
            Self::Replaced => "replaced by a later line for the same prefix",
        }
    }
}

/// What was wrong with a text, counted, each with the first place where it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dirt(BTreeMap<Flaw, (usize, String)>);

impl Dirt {
    /// Counts a flaw; `place` says where.
    pub fn note(&mut self, flaw: Flaw, place: impl FnOnce() -> String) {
        self.0.entry(flaw).or_insert_with(|| (0, place())).0 += 1;
    }

    /// How often a flaw was seen.
    pub fn count(&self, flaw: Flaw) -> usize {
        self.0.get(&flaw).map_or(0, |(count, _)| *count)
    }

    /// One line a flaw: `3 left out: no prefix (the first is line 7)`.
    pub fn lines(&self) -> Vec<String> {
        let line = |(flaw, (count, first)): (&Flaw, &(usize, String))| {
            format!("{count} {} (the first is {first})", flaw.as_str())
        };
        self.0.iter().map(line).collect()
    }
}

/// Why nothing of a text can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// It holds nothing of the form.
    #[error("nothing in it can be used as {form}{}: see that it is the right file", seen(.dirt))]
    Nothing {
        /// What it should have been.
        form: &'static str,
        /// What was found instead.
        dirt: Dirt,
    },
    /// It is not even the right kind of document.
    #[error("it is not {form} ({why}): fetch it again, or name another file")]
    Foreign {
        /// What it should have been.
        form: &'static str,
        /// What the reader of that form said.
        why: String,
    },
}

fn seen(dirt: &Dirt) -> String {
    let lines = dirt.lines();
    if lines.is_empty() { String::new() } else { format!(", {}", lines.join(", ")) }
}

/// The lines of a text that say something, numbered from 1: without a byte order mark, comments and blanks. What is not
/// UTF-8 is taken as it can be read: the columns that matter are ASCII.
fn lines(bytes: &[u8]) -> Vec<(usize, String)> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let said = |(at, line): (usize, &str)| {
        let line = line.split('#').next().unwrap_or_default().trim();
        (!line.is_empty()).then(|| (at + 1, line.to_owned()))
    };
    text.lines().enumerate().filter_map(said).collect()
}

/// The table that `take` fills from the lines of a text, with what was wrong with some of them; refused where it stays
/// empty.
fn gather<V>(
    bytes: &[u8],
    form: &'static str,
    mut take: impl FnMut(&mut PrefixTable<V>, &mut Dirt, Line, &str) -> Result<(), Flaw>,
) -> Result<(PrefixTable<V>, Dirt), SourceFault> {
    let (mut entries, mut dirt) = (PrefixTable::default(), Dirt::default());
    for (at, line) in lines(bytes) {
        let flaw = if entries.len() < MOST_ENTRIES {
            take(&mut entries, &mut dirt, Line(at), &line).err()
        } else {
            Some(Flaw::TooMany)
        };
        if let Some(flaw) = flaw {
            dirt.note(flaw, || Line(at).to_string());
        }
    }
    if entries.is_empty() { Err(SourceFault::Nothing { form, dirt }) } else { Ok((entries, dirt)) }
}

/// A field without the blanks and quotes round it.
fn field(text: &str) -> &str {
    text.trim().trim_matches(['"', '\'']).trim()
}

/// Where a line is, in words.
#[derive(Clone, Copy)]
struct Line(usize);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.0)
    }
}
