//! `[[evidence]]`: what other vantages measured, in files that somebody refreshes: results of other tools, and other
//! journals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::fault::{Spot, quoted};
use super::section::{Reading, Section};
use super::value;

/// What stands for other characters in the last part of a path.
const WILD: [char; 2] = ['*', '?'];

/// Measurements of other vantages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceSource {
    /// Its name in messages and metrics.
    pub name: String,
    /// A file, a directory, or a directory with a pattern of names behind it: `/var/lib/pehra/atlas/*.json.gz`.
    pub path: PathBuf,
    /// Where the vantages of other tools stood.
    pub vantages: Option<PathBuf>,
}

impl EvidenceSource {
    /// The directory and the pattern of names in it, where the path ends in one.
    pub fn pattern(&self) -> Option<(&Path, &str)> {
        let name = self.path.file_name()?.to_str().filter(|name| name.contains(WILD))?;
        Some((self.path.parent()?, name))
    }
}

/// Whether `name` fits `pattern`, in which `*` stands for any characters and `?` for one.
pub fn fits(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    let (mut at, mut part) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: one character further.
    let mut again = None;
    while at < name.len() {
        match pattern.get(part) {
            Some('*') => {
                again = Some((at, part));
                part += 1;
            }
            Some(wanted) if *wanted == '?' || name.get(at) == Some(wanted) => (at, part) = (at + 1, part + 1),
            Some(_) | None => {
                let Some((from, star)) = again else { return false };
                again = Some((from + 1, star));
                (at, part) = (from + 1, star + 1);
            }
        }
    }
    pattern.iter().skip(part).all(|rest| *rest == '*')
}

/// Reads the entries; relative paths start at `directory`.
pub(super) fn read(root: &Section<'_>, directory: &Path) -> Vec<EvidenceSource> {
    let mut names: BTreeMap<String, Spot> = BTreeMap::new();
    let mut sources = Vec::new();
    for entry in root.sections("evidence") {
        let name = entry.require("name", "its name in metrics, such as name = \"atlas\"", value::name);
        let example = "a file, a directory or a pattern, such as path = \"/var/lib/pehra/atlas/*.json.gz\"";
        let path = entry.require("path", example, |value| path(value, directory));
        let vantages = entry.read("vantages", value::text).map(|at| directory.join(at.value));
        let Some(name) = name else { continue };
        if let Some(first) = names.get(&name.value) {
            let message = format!("{} is the name of other evidence already ({first})", quoted(&name.value));
            entry.faults().error(&name.spot, format!("{message}: give it another"));
            continue;
        }
        names.insert(name.value.clone(), name.spot);
        if let Some(path) = path {
            sources.push(EvidenceSource { name: name.value, path: path.value, vantages });
        }
    }
    sources
}

fn path(value: &toml::de::DeValue<'_>, directory: &Path) -> Reading<PathBuf> {
    let text = value::text(value)?;
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    if text.get(..last).is_some_and(|before| before.contains(WILD)) {
        return Err(format!(
            "{} has * or ? in the name of a directory: write them in the last part only",
            quoted(&text)
        ));
    }
    Ok(directory.join(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_what_a_shell_would_find() {
        for (name, pattern, fits_it) in [
            ("traces.json", "*.json", true),
            ("traces.json.gz", "*.json", false),
            ("traces.json.gz", "*.json*", true),
            ("fra-1.json", "fra-?.json", true),
            ("fra-12.json", "fra-?.json", false),
            ("fra-.json", "fra-*.json", true),
            ("a.json.json", "*.json", true),
            ("abcabd", "*ab?", true),
            ("abcabde", "*ab?", false),
            ("لاہور.json", "?????.json", true),
            ("", "*", true),
            ("a", "", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*a*a*a*a*a*a*a*a*c", false),
        ] {
            assert_eq!(fits(name, pattern), fits_it, "{name} {pattern}");
        }
    }

    #[test]
    fn only_the_last_part_of_a_path_is_a_pattern() {
        let source = |path: &str| EvidenceSource { name: "a".to_owned(), path: path.into(), vantages: None };
        assert_eq!(source("/e/atlas/*.json").pattern(), Some((Path::new("/e/atlas"), "*.json")));
        assert_eq!(source("/e/atlas").pattern(), None);
    }
}
