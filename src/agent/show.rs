//! Verdicts for a person who watches the terminal: a line for each endpoint whose standing changed.

use std::io::{self, Write};

use crate::ledger::Record;
use crate::printable::Printable;
use crate::report::text::style_of;
use crate::verdict::Finding;
use crate::workload::Endpoint;

/// What the daemon watches, in a few lines.
pub fn greet(lines: &[String]) {
    let mut out = anstream::stdout().lock();
    let mut greet = || lines.iter().try_for_each(|line| writeln!(out, "{line}"));
    forgive(greet());
}

/// How `endpoint` stands now.
pub fn standing(endpoint: &Endpoint, record: &Record, worst: Option<&Finding>) {
    let standing = record.standing();
    let style = style_of(standing);
    let places = record.seen.as_ref().map_or_else(
        || "not seen yet".to_owned(),
        |seen| {
            let places = seen.places.keys().map(|(place, grade)| format!("{place} ({grade})"));
            let places = places.collect::<Vec<_>>().join(", ");
            if places.is_empty() { "no address".to_owned() } else { places }
        },
    );
    let why = worst.map_or_else(String::new, |finding| {
        let because = finding.because.first().map_or("", String::as_str);
        format!("  {}: {}", finding.rule, Printable(because))
    });
    let line = format!("{style}{standing:<10}{style:#} {:<40} {places}{why}", endpoint.as_str());
    forgive(writeln!(anstream::stdout().lock(), "{line}"));
}

/// A terminal that is gone is no reason to stop watching.
fn forgive(shown: io::Result<()>) {
    if let Err(error) = shown {
        tracing::debug!(%error, "nobody reads what is shown");
    }
}
