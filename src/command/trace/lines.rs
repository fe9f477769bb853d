//! A file that somebody names, read line by line; and how what is wrong with its lines is told.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use crate::command::Exit;
use crate::command::verdicts::Refusal;
use crate::edge::input;
use crate::edge::measurements::shown;
use crate::printable::Printable;

/// The most bytes of a file, unpacked: some three million addresses.
const MOST: u64 = 64 << 20;

/// How many faults and remarks are told before they are only counted.
const TOLD: usize = 20;

/// The lines of a file; none where none is named.
#[derive(Debug, Default)]
pub(super) struct Lines {
    file: String,
    text: Vec<u8>,
}

/// Where something was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    CommandLine,
    Line(&'a str, usize),
}

impl Lines {
    /// Those of the file at `path` (`-` is standard input).
    pub(super) fn read(path: Option<&Path>) -> Result<Self, Refusal> {
        let Some(path) = path else { return Ok(Self::default()) };
        let file = shown(path).display().to_string();
        match bytes(path) {
            Ok(text) => Ok(Self { file, text }),
            Err(error) => Err(Refusal(Exit::Unreadable, format!("{}: failed to read: {error}", Printable(&file)))),
        }
    }

    /// The name of the file.
    pub(super) fn file(&self) -> Printable<'_> {
        Printable(&self.file)
    }

    /// What is written on each line and where, without empty lines and without comments, which begin with a `#`; or
    /// what is wrong with it, and that `what` is to be written.
    pub(super) fn written(&self, what: &str) -> impl Iterator<Item = (Place<'_>, Result<&str, String>)> {
        let text = self.text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.text);
        let lines = text.split(|byte| *byte == b'\n').zip(1..);
        lines.filter_map(move |(line, number)| {
            let written = std::str::from_utf8(line)
                .map(|line| line.split('#').next().unwrap_or_default().trim())
                .map_err(|_| format!("is not UTF-8: write {what}"));
            (written != Ok("")).then(|| (Place::Line(&self.file, number), written))
        })
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input::open(path, MOST)?.reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first of many lines, and how many more there are.
pub(super) fn first(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(TOLD);
    lines.truncate(TOLD);
    lines.extend((more > 0).then(|| format!("and {more} more like these")));
    lines
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Line(file, line) => write!(f, "{}:{line}", Printable(file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_told_with_its_line_and_what_says_nothing_is_passed_over() {
        let text = b"\xef\xbb\xbf# none\none # first\r\n\n  two  \n\xff\n#three".to_vec();
        let lines = Lines { file: "file".to_owned(), text };
        let written: Vec<_> = lines.written("a word").map(|(place, written)| (place.to_string(), written)).collect();
        let at = |line: usize| format!("file:{line}");
        let expected = [(at(2), Ok("one")), (at(4), Ok("two")), (at(5), Err("is not UTF-8: write a word".to_owned()))];
        assert_eq!(written, expected);
        assert_eq!(Lines::default().written("a word").count(), 0);
    }

    #[test]
    fn of_many_lines_the_first_are_told_and_the_rest_counted() {
        let lines = first((0..100).map(|line| line.to_string()).collect());
        assert_eq!((lines.len(), lines[20].as_str()), (21, "and 80 more like these"));
    }
}
