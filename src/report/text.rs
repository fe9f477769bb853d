//! Lines for a person: a table of one row a line, or a row with everything behind it.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Line, Said, names};
use crate::location::evidence::Evidence;
use crate::location::path::Way;
use crate::location::weigh::PROBABLE;
use crate::location::{Grade, Place, Weight};
use crate::printable::{Escaped, Printable};
use crate::verdict::{RuleId, Standing};

/// How wide the first columns are: the longest standing, place and grade.
const STANDING: usize = 9;
const PLACE_AND_GRADE: usize = 23;
const COUNTRIES: usize = 10;
const ADDRESS: usize = 15;

/// One row: standing, place (grade), countries, time, address, endpoint, vantage, and the worst finding.
pub fn row(line: &Line<'_>) -> String {
    let place = format!("{} ({})", line.place, line.grade);
    let address = line.address.map_or_else(|| "no address".to_owned(), |address| address.to_string());
    let untimed = match line.denied {
        Some(_) => "denied",
        None if line.answered => "no time",
        None => "silent",
    };
    let rtt = line.rtt_ms.map_or_else(|| untimed.to_owned(), |ms| format!("{ms:.3} ms"));
    let finding = line.findings.first().map_or_else(String::new, |said| format!("  {}", said.rule));
    format!(
        "{}  {}  {:COUNTRIES$}  {rtt:>11}  {address:ADDRESS$}  {}  {}{finding}",
        painted(style_of(line.standing), line.standing.as_str(), STANDING),
        painted(style_of_place(line.place), &place, PLACE_AND_GRADE),
        shortened(&line.countries.to_string()),
        Escaped(line.endpoint.as_str()),
        Printable(&line.vantage.0),
    )
}

/// A row, and below it the findings, the evidence and the path.
pub fn explained(line: &Line<'_>) -> String {
    let mut text = row(line);
    for said in &line.findings {
        let style = style_of(said.standing);
        let _ = write!(text, "\n    {}  {}", painted(style, said.standing.as_str(), STANDING), said.rule);
        let _ = write!(text, ": {}", Escaped(&facts(said).join("; ")));
    }
    let whole = if line.is_first { names::of_endpoint(line) } else { Vec::new() };
    for row in whole.iter().chain(&names::of_address(line)) {
        let _ = write!(text, "\n    {row}");
    }
    for evidence in line.evidence {
        let _ = write!(text, "\n    {}", evidence_line(evidence));
    }
    for sum in &line.groups {
        let _ = write!(text, "\n    group     {}: {sum}", sum.group.as_str());
    }
    if let Some(sum) = sum_line(line) {
        let _ = write!(text, "\n    together  {sum}");
    }
    for would in &line.would {
        let _ = write!(text, "\n    {}", Escaped(&would.to_string()));
    }
    if line.address.is_some() {
        let _ = write!(text, "\n    path {}", line.course.words());
        // A path that leaves is told of by its finding.
        if line.path != Way::Outside {
            let _ = write!(text, ": {}", line.path_because.join("; "));
        }
    }
    for suspicion in &line.suspicions {
        let _ = write!(text, "\n    suspicion {suspicion}");
    }
    for hop in &line.hops {
        let _ = write!(text, "\n    {}", hop.row());
    }
    text
}

/// The facts of a finding; where a place is meant, the first, since the evidence follows.
fn facts<'a>(said: &Said<'a>) -> &'a [String] {
    let shown = match said.rule {
        RuleId::DestinationOutside
        | RuleId::DestinationUnproven
        | RuleId::DestinationConflict
        | RuleId::EdgeOpaque
        | RuleId::EdgeOutside => 1,
        RuleId::PathOutside
        | RuleId::NameserverOutside
        | RuleId::MailOutside
        | RuleId::AliasOutside
        | RuleId::RedirectOutside
        | RuleId::ViewDivergence
        | RuleId::Unresolvable
        | RuleId::Unreachable
        | RuleId::Stale
        | RuleId::ProviderUnaccredited
        | RuleId::ProviderLapsed
        | RuleId::ProviderUnknown
        | RuleId::ClassMissing
        | RuleId::NocExpired
        | RuleId::NocExpiring => said.because.len(),
    };
    said.because.get(..shown).unwrap_or(said.because)
}

fn evidence_line(evidence: &Evidence<'_>) -> String {
    let weight = match evidence.weight {
        Weight::Hint if !evidence.tells() => "tells nothing".to_owned(),
        Weight::Hint => format!("{:+.2} nats", evidence.nats),
        Weight::Proof | Weight::Attested | Weight::Refuted => evidence.weight.as_str().to_owned(),
    };
    let (kind, says) = (evidence.kind().as_str(), evidence.to_string());
    // Whoever measured is named where it is said what.
    let source = if says.contains(&format!("from {}", evidence.source)) { "" } else { evidence.source };
    let colon = if source.is_empty() { "" } else { ": " };
    format!("{kind:<8}  {weight:<13}  {}{colon}{}", Escaped(source), Escaped(&says))
}

/// What several groups come to, or one that says enough and stands alone.
fn sum_line(line: &Line<'_>) -> Option<String> {
    let total: f64 = line.groups.iter().map(|sum| sum.after).sum();
    let is_open = line.place == Place::Unknown && line.grade == Grade::Indeterminate;
    let rule = format!("{total:+.2} nats; {PROBABLE:.0} make a place probable");
    if is_open && total.abs() >= PROBABLE {
        Some(format!("{rule} where two groups agree, and here only one says so"))
    } else {
        (line.groups.len() > 1 && line.place != Place::Edge).then_some(rule)
    }
}

fn shortened(countries: &str) -> String {
    if countries.len() <= COUNTRIES {
        return countries.to_owned();
    }
    let kept: String = countries.chars().take(COUNTRIES - 1).collect();
    format!("{}…", kept.trim_end_matches([',', ' ']))
}

fn painted(style: Style, text: &str, width: usize) -> String {
    format!("{style}{text}{style:#}{:pad$}", "", pad = width.saturating_sub(text.chars().count()))
}

/// The colour of a standing.
pub fn style_of(standing: Standing) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match standing {
        Standing::Compliant => colour(AnsiColor::Green),
        Standing::Exempt | Standing::Notice => colour(AnsiColor::Cyan),
        Standing::Unproven => Style::new().dimmed(),
        Standing::Suspect => colour(AnsiColor::Yellow),
        Standing::Breach => colour(AnsiColor::Red).bold(),
    }
}

fn style_of_place(place: Place) -> Style {
    match place {
        Place::Inside => Style::new().fg_color(Some(AnsiColor::Green.into())),
        Place::Outside => Style::new().fg_color(Some(AnsiColor::Red.into())),
        Place::Edge => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Place::Unknown => Style::new().dimmed(),
    }
}

/// What a number of lines come to, in one sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([usize; Place::ALL.len()]);

impl Tally {
    /// Counts a line.
    pub fn count(&mut self, line: &Line<'_>) {
        for (count, place) in self.0.iter_mut().zip(Place::ALL) {
            *count += usize::from(line.place == place);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize = self.0.iter().sum();
        let each: Vec<_> = Place::ALL.iter().zip(self.0).map(|(place, count)| format!("{count} {place}")).collect();
        write!(f, "{total} judged: {}", each.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::entry::tests::observation;
    use crate::entry::{encode, parse};
    use crate::location::derivation::GroupSum;
    use crate::location::evidence::{Statement, pop};
    use crate::location::path::Course;
    use crate::location::weigh::Group;
    use crate::observation::Observation;
    use crate::place::{CountryCode, CountrySet};
    use crate::trace::suspicion::Suspicion;

    const HOSTILE: &str = "x\u{1b}[2J\u{202e}\u{9b}31m\r\n";

    /// The line of a round that found nothing.
    fn line_of(seen: &Observation) -> Line<'_> {
        Line {
            endpoint: &seen.endpoint,
            address: None,
            vantage: &seen.vantage.id,
            observed: seen.observed,
            place: Place::Unknown,
            grade: Grade::Indeterminate,
            countries: CountrySet::default(),
            registered: CountrySet::default(),
            asn: None,
            provider: None,
            rtt_ms: None,
            denied: None,
            answered: false,
            path: Way::Unknown,
            course: Course::Unknown,
            path_because: Vec::new(),
            suspicions: Vec::new(),
            hops: Vec::new(),
            standing: Standing::Unproven,
            findings: Vec::new(),
            resolutions: &[],
            canaries: &[],
            operators: &[],
            zone: None,
            related: Vec::new(),
            contacts: Vec::new(),
            labels: Vec::new(),
            is_first: true,
            evidence: &[],
            groups: Vec::new(),
            would: Vec::new(),
        }
    }

    #[test]
    fn an_address_that_answered_without_a_time_is_not_called_silent() {
        let seen = observation("here", "https://portal.example.gov.pk");
        let row_of = |answered| row(&Line { answered, ..line_of(&seen) });
        assert!(row_of(true).contains("    no time  no address"), "{}", row_of(true));
        assert!(row_of(false).contains("     silent  no address"), "{}", row_of(false));
    }

    #[test]
    fn what_is_odd_about_the_way_is_told() {
        let seen = observation("here", "https://portal.example.gov.pk");
        let line = Line { suspicions: vec![Suspicion::Nearer { ttl: 2, way: 9 }], ..line_of(&seen) };
        let told = "suspicion TCP is answered from hop 2, and other probes go on to hop 9";
        assert!(explained(&line).contains(told), "{}", explained(&line));
        let json = serde_json::to_value(&line).unwrap();
        assert!(json["suspicions"][0].as_str().unwrap().starts_with("TCP is answered from hop 2"), "{json}");
        assert!(serde_json::to_value(line_of(&seen)).unwrap().get("suspicions").is_none());
    }

    #[test]
    fn why_one_group_that_says_enough_does_not_suffice_is_told() {
        let seen = observation("here", "https://portal.example.gov.pk");
        let sum = |group, nats| GroupSum { group, before: nats, after: nats, is_of_shared: false };
        let near = sum(Group::RttGap, 3.0);
        let together = |groups: &[GroupSum], place| {
            let text = explained(&Line { groups: groups.to_vec(), place, ..line_of(&seen) });
            text.lines().find(|line| line.contains("together")).map(|line| line.trim().to_owned())
        };
        let rule = "nats; 3 make a place probable";
        let alone = "where two groups agree, and here only one says so";
        assert_eq!(together(&[near], Place::Unknown), Some(format!("together  +3.00 {rule} {alone}")));
        let glass = [sum(Group::Registry, 0.85), sum(Group::Glass, -4.0)];
        assert_eq!(together(&glass, Place::Unknown), Some(format!("together  -3.15 {rule} {alone}")));
        assert_eq!(together(&[near, sum(Group::Path, 0.5)], Place::Inside), Some(format!("together  +3.50 {rule}")));
        assert_eq!(together(&[sum(Group::RttGap, 2.0)], Place::Unknown), None);
        assert_eq!(together(&glass[1..], Place::Outside), None, "it stands alone, and is enough");
    }

    /// Whoever can write a journal may not write to the terminal of whoever judges it.
    #[test]
    fn what_a_crafted_journal_says_is_shown_and_not_obeyed() {
        let line = encode(1, Digest::ZERO, &observation(HOSTILE, "https://portal.example.gov.pk")).unwrap().line;
        let seen = parse(line.as_bytes()).unwrap().observation().unwrap();
        assert_eq!(seen.vantage.id.0, HOSTILE);
        let because = [HOSTILE.to_owned()];
        let statement = Statement::Pop(pop::Statement {
            label: HOSTILE,
            place: HOSTILE,
            country: CountryCode::PAKISTAN,
            strangers: None,
        });
        let evidence = [Evidence::note(HOSTILE, statement)];
        let text = explained(&Line {
            findings: vec![Said { rule: RuleId::ClassMissing, standing: Standing::Unproven, because: &because }],
            evidence: &evidence,
            ..line_of(&seen)
        });
        assert_eq!(text.matches("x\\u{1b}[2J\\u{202e}\\u{9b}31m\\u{d}\\u{a}").count(), 5, "{text:?}");
        assert_eq!(text.lines().count(), 3, "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{9b}', '\r']) && !text.contains("\u{1b}[2J"), "{text:?}");
    }
}
