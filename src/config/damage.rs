//! What of a text is no TOML, found and cut out, so that the rest of it can be read.
//!
//! A value that is none (`2026-02-30`, a text without quotes) is passed over by itself. A line that is no statement is
//! blanked with what belongs to it, a header is closed where that is all it lacks, and the text is parsed again. Every
//! line keeps its number.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, Error};

use super::document::Document;
use super::fault::Faults;
use super::outline::{Outline, Statement};

/// How often a text is parsed again, at most.
const ROUNDS: usize = 64;

/// How many bytes that may come to.
const MOST_BYTES: usize = 64 << 20;

/// What cannot be read of a document, and was reported.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// Where the values begin and end that are none.
    values: BTreeSet<(usize, usize)>,
    /// Where statements were cut out, each with its key as far as that can be read.
    statements: Vec<(usize, Option<String>)>,
    /// Where headers were mended, or cut out with all that stood under them.
    headers: Vec<usize>,
    /// Where the headers that are left begin, in the order of the text.
    begins: Vec<usize>,
}

impl Damage {
    /// Whether the value at `span` is none.
    pub(super) fn holds(&self, span: &Range<usize>) -> bool {
        self.values.contains(&(span.start, span.end))
    }

    /// Whether `at` is in a header that was mended, and may be called something else than was meant.
    pub(super) fn has_mended(&self, at: usize, text: &str) -> bool {
        self.headers.binary_search(&line_at(text, at).start).is_ok()
    }

    /// Whether `key` may have been cut out of the section that begins at `begin`; `None` is the root of the document.
    pub(super) fn may_hide(&self, key: &str, begin: Option<usize>) -> bool {
        let next = begin.map_or(0, |begin| self.begins.partition_point(|header| *header <= begin));
        let extent = begin.unwrap_or(0)..self.begins.get(next).copied().unwrap_or(usize::MAX);
        let is_it = |named: &Option<String>| named.as_deref().is_none_or(|named| named == key);
        (begin.is_none() && !self.headers.is_empty())
            || self.statements.iter().any(|(at, named)| extent.contains(at) && is_it(named))
    }
}

/// Reports what of `document` is no TOML, and cuts it out; `None` where there is too much of it.
pub(super) fn cut_out(document: &mut Document<'_>, faults: &Faults) -> Option<()> {
    for _ in 0..(MOST_BYTES / document.text().len().max(1)).clamp(1, ROUNDS) {
        let (table, errors) = DeTable::parse_recoverable(document.text());
        let outline = Outline::of(table.get_ref());
        drop(table);
        let of_the_text = errors.iter().filter(|error| !is_of_one_value(error, &outline, document.text()));
        let Some(first) = of_the_text.min_by_key(|error| start(error)) else {
            pass_over_values(document, &errors, outline, faults);
            return Some(());
        };
        Cut::of(first, &errors, &outline, document.text()).make(document, faults);
    }
    faults.error(&document.whole(), "not TOML in many more places: correct those that are named first");
    None
}

/// Whether the rest of the text was read rightly in spite of `error`.
fn is_of_one_value(error: &Error, outline: &Outline, text: &str) -> bool {
    let is_within = |span: Range<usize>| {
        let Some(leaf) = outline.leaf_at(span.start).map(|leaf| leaf.span.clone()) else { return false };
        let has_swallowed = text.get(leaf.clone()).is_none_or(|value| value.contains('\n'));
        if span.start >= leaf.end && !leaf.is_empty() {
            return is_unclosed(error) && !has_swallowed;
        }
        let begins_within = span.start > leaf.start || !span.is_empty() || leaf.is_empty();
        begins_within && span.end <= leaf.end
    };
    error.message() == TWICE || error.span().is_some_and(is_within)
}

/// What is said of a key that is written for the second time, of which the first is taken.
const TWICE: &str = "duplicate key";

fn start(error: &Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

fn pass_over_values(document: &mut Document<'_>, errors: &[Error], outline: Outline, faults: &Faults) {
    let mut values = BTreeSet::new();
    for error in errors {
        let leaf = outline.leaf_at(start(error)).filter(|_| error.message() != TWICE);
        // A value that is wrong twice is one error.
        if leaf.is_some_and(|leaf| !values.insert((leaf.span.start, leaf.span.end))) {
            continue;
        }
        let path = leaf.map_or_else(|| path_at(start(error), &outline, document.text()), |leaf| leaf.path.to_string());
        faults.error(&document.spot(start(error)..start(error), path), worded(error, cure(error)));
    }
    document.damage.headers.sort_unstable();
    document.damage.values = values;
    document.damage.begins = outline.into_headers();
}

/// A part of the text that goes, so that the rest can be read.
struct Cut<'e> {
    error: &'e Error,
    region: Range<usize>,
    /// What stands in its place; blanks where there is nothing.
    instead: Option<String>,
    /// Where the error is shown, and of what key.
    shown: (usize, String),
    lost: Lost,
}

enum Lost {
    Header(What),
    Statement(Option<String>),
}

enum What {
    Brackets,
    All,
}

impl<'e> Cut<'e> {
    fn of(error: &'e Error, errors: &'e [Error], outline: &Outline, text: &str) -> Self {
        let at = start(error).min(text.len());
        match outline.statement_at(at) {
            Some(statement) => Self::of_statement(error, errors, statement, text),
            None => Self::of_line(error, at, outline, text),
        }
    }

    /// A statement with a value, up to the line that begins another. Where brackets or quotes stay open, that is the error.
    fn of_statement(error: &'e Error, errors: &'e [Error], statement: &Statement, text: &str) -> Self {
        let within = |error: &&Error| statement.value.start <= start(error) && start(error) <= statement.value.end;
        let unclosed = errors.iter().filter(within).find(|error| is_unclosed(error));
        let line = line_at(text, statement.key);
        let end = after(text, line.end).take_while(|next| !begins_statement(text, next, &line)).last();
        let at = if unclosed.is_some() { statement.key } else { start(error) };
        Self {
            error: unclosed.unwrap_or(error),
            region: line.start..end.map_or(line.end, |last| last.end),
            instead: None,
            shown: (at, statement.path.to_string()),
            lost: Lost::Statement(Some(statement.name.clone())),
        }
    }

    /// A line that is no statement; a header that cannot be mended goes with all that stands under it.
    fn of_line(error: &'e Error, at: usize, outline: &Outline, text: &str) -> Self {
        let line = line_at(text, at);
        let written = text.get(line.clone()).unwrap_or_default();
        let cut = |region, instead, key, lost| Self { error, region, instead, shown: (at, key), lost };
        if let Some((name, header)) = mended_header(written).filter(|(_, header)| header != written.trim()) {
            return cut(line, Some(header), name, Lost::Header(What::Brackets));
        }
        if !written.trim_start().starts_with('[') {
            return cut(line, None, path_at(at, outline, text), Lost::Statement(None));
        }
        let end =
            after(text, line.end).take_while(|next| !is_header(text.get(next.clone()).unwrap_or_default())).last();
        cut(line.start..end.map_or(line.end, |last| last.end), None, String::new(), Lost::Header(What::All))
    }

    fn make(self, document: &mut Document<'_>, faults: &Faults) {
        let (at, path) = self.shown;
        let cure = match self.lost {
            Lost::Header(What::All) => "write a name without spaces in it; what stands under it was not read",
            Lost::Header(What::Brackets) | Lost::Statement(_) => cure(self.error),
        };
        faults.error(&document.spot(at..at, path), worded(self.error, cure));
        match self.lost {
            Lost::Header(what) => {
                document.damage.headers.push(self.region.start);
                // What looked like a header may have been a statement of the section before it.
                document.damage.statements.extend(matches!(what, What::All).then_some((self.region.start, None)));
            }
            Lost::Statement(key) => document.damage.statements.push((self.region.start, key)),
        }
        let text = document.text();
        let (before, after) = (text.get(..self.region.start), text.get(self.region.end..));
        let instead = self.instead.unwrap_or_else(|| blanks(text.get(self.region).unwrap_or_default()));
        let text = [before.unwrap_or_default(), &instead, after.unwrap_or_default()].concat();
        document.replace(text);
    }
}

/// The key on the line round `at` with the sections around it, or the name in the header there.
fn path_at(at: usize, outline: &Outline, text: &str) -> String {
    let line = text.get(line_at(text, at)).unwrap_or_default();
    let name = mended_header(line).map(|(name, _)| name);
    name.unwrap_or_else(|| {
        let parts = [outline.section_at(at).map(str::to_owned), bare_key(line)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(".")
    })
}

/// The line round `at`, without its end.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let begin = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let end = text.get(at..).and_then(|after| after.find('\n')).map_or(text.len(), |length| at + length);
    begin..end
}

/// The lines after the one that ends at `end`.
fn after(text: &str, end: usize) -> impl Iterator<Item = Range<usize>> {
    let next = move |line: &Range<usize>| (line.end < text.len()).then(|| line_at(text, line.end + 1));
    std::iter::successors(next(&(end..end)), move |line| next(line))
}

/// Whether `line` begins a header or a statement that does not belong to the one that begins on the line `first`.
fn begins_statement(text: &str, line: &Range<usize>, first: &Range<usize>) -> bool {
    let written = |line: &Range<usize>| text.get(line.clone()).unwrap_or_default();
    let indented = |line: &str| line.len() - line.trim_start().len();
    let (line, first) = (written(line), written(first));
    let is_statement =
        || bare_key(line).is_some_and(|key| line.trim_start()[key.len()..].trim_start().starts_with('='));
    indented(line) <= indented(first) && (is_header(line) || is_statement())
}

/// Whether a line can be nothing but a header.
fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[') && mended_header(line).is_some()
}

/// The name in a line that was meant for a header, and the header as it should be; `None` where it is none, or something
/// else than brackets and quotes is wrong with it.
fn mended_header(line: &str) -> Option<(String, String)> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let brackets = line.starts_with("[[") || (!line.starts_with('[') && line.ends_with("]]"));
    let name = line.trim_matches(|c: char| !is_of_key(c) || c == '.');
    let is_header = (line.starts_with('[') || line.ends_with(']')) && !name.is_empty() && name.chars().all(is_of_key);
    let header = if brackets { format!("[[{name}]]") } else { format!("[{name}]") };
    is_header.then(|| (name.to_owned(), header))
}

/// The key that a line begins with.
fn bare_key(line: &str) -> Option<String> {
    let key = line.trim_start().split(|c| !is_of_key(c)).next().unwrap_or_default();
    (!key.is_empty()).then(|| key.to_owned())
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// As many blanks as `text` has bytes; its lines stay.
fn blanks(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// What to do about an error whose message holds the word on the left.
const CURES: [(&str, &str); 7] = [
    (TWICE, "leave one of them"),
    ("must be quoted", "write text in quotes"),
    ("escape", "write \\\\ for a backslash, or the text in single quotes"),
    ("unclosed", "close it"),
    ("string, expected", "close it"),
    ("no value", "write key = value"),
    ("date", "write a day such as 2027-06-30"),
];

fn is_unclosed(error: &Error) -> bool {
    error.message().starts_with("unclosed") || error.message().contains("string, expected")
}

fn cure(error: &Error) -> &'static str {
    CURES.iter().find(|(word, _)| error.message().contains(word)).map_or("correct it", |(_, cure)| cure)
}

fn worded(error: &Error, cure: &str) -> String {
    format!("not TOML, {}: {cure}", error.message().lines().collect::<Vec<_>>().join(", "))
}
