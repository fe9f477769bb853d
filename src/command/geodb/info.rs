//! What the databases are.

use std::io::{self, Write};

use serde::Serialize;

use crate::edge::geodb::{Origin, Source};
use crate::printable::Printable;

/// A source as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    holds: &'a str,
    entries: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    built: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

impl<'a> From<&'a Source> for Line<'a> {
    fn from(source: &'a Source) -> Self {
        let (origin, path, url, terms) = match &source.origin {
            Origin::Embedded { licence, attribution } => ("embedded", None, None, Some((*licence, *attribution))),
            Origin::File(path) => ("file", Some(path.display().to_string()), None, None),
            Origin::Url(url) => ("url", None, Some(url.as_str()), None),
            Origin::Configuration => ("configuration", None, None, None),
        };
        Self {
            name: &source.name,
            holds: source.holds,
            entries: source.entries,
            built: source.built.map(|built| built.to_string()),
            sha256: source.sha256.map(|sha256| sha256.to_string()),
            origin,
            path,
            url,
            licence: terms.map(|(licence, _)| licence),
            attribution: terms.map(|(_, attribution)| attribution),
            notes: &source.notes,
        }
    }
}

pub(super) fn print_json(sources: &[Source], out: &mut dyn Write) -> io::Result<()> {
    sources.iter().try_for_each(|source| writeln!(out, "{}", serde_json::to_string(&Line::from(source))?))
}

pub(super) fn print(sources: &[Source], out: &mut dyn Write) -> io::Result<()> {
    for (index, source) in sources.iter().enumerate() {
        let line = Line::from(source);
        let gap = if index == 0 { "" } else { "\n" };
        writeln!(out, "{gap}{}", line.name)?;
        writeln!(out, "  holds        {} ({} entries)", line.holds, line.entries)?;
        let facts = [
            ("built", line.built.as_deref()),
            ("sha256", line.sha256.as_deref()),
            ("file", line.path.as_deref()),
            ("url", line.url),
            ("licence", line.licence),
            ("attribution", line.attribution),
        ];
        for (what, fact) in facts {
            if let Some(fact) = fact {
                writeln!(out, "  {what:<11}  {fact}")?;
            }
        }
        for note in line.notes {
            writeln!(out, "  note         {}", Printable(note))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::geodb::Geodb;

    #[test]
    fn every_embedded_database_is_shown_with_its_age_its_terms_and_whom_to_name() {
        let mut out = Vec::new();
        print(&Geodb::embedded().sources(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for wanted in [
            "dbip-country\n  holds        countries (",
            "  built        2026-06-01T",
            "  licence      CC BY 4.0\n  attribution  IP Geolocation by DB-IP (https://db-ip.com)",
            "\n\nrouted-asn\n  holds        networks (",
            "bugs",
            "natural-earth-4.1.0-10m\n  holds        borders (",
        ] {
            assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
        }
    }

    #[test]
    fn json_is_one_object_a_line() {
        let mut out = Vec::new();
        print_json(&Geodb::embedded().sources(), &mut out).unwrap();
        let lines: Vec<serde_json::Value> =
            String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 7);
        assert_eq!(lines[0]["name"], "dbip-country");
        assert_eq!(lines[0]["origin"], "embedded");
        assert!(lines[0]["entries"].as_u64().unwrap() > 400_000);
        assert_eq!(lines[2]["name"], "rdns");
        assert_eq!(lines[6].get("built"), None);
    }
}
