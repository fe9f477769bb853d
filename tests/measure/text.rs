//! A report for a person.

use std::fmt::Write;

use crate::labels::Label;
use crate::report::{Counted, Described, Kind, Measured, Report};
use crate::score::{Cut, Said, Scores, Side};
use crate::share::{Estimate, Share};

/// How wide a share with its interval is: `18 of 18, 100.0 % (82.4 to 100.0)`.
const WIDE: usize = 36;

/// The report as text. Writing to a string cannot fail.
pub(crate) fn of(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    for judge in report.of_kind(Kind::Judge) {
        let _ = match judge.name.as_str() {
            "alone" => writeln!(out, "\n# alone: each observation judged by itself"),
            _ => writeln!(out, "\n# {}: each address judged in the light of every vantage", judge.name),
        };
        for cut in Cut::ALL {
            grade(&mut out, judge, cut, report.base_rate);
        }
        table_of_labels(&mut out, judge);
        wrong(&mut out, judge);
    }
    let judges: Vec<_> = report.of_kind(Kind::Judge).collect();
    comparison(
        &mut out,
        "the judge, together, without some of the evidence",
        "without",
        report.of_kind(Kind::Ablation),
        &judges,
    );
    comparison(&mut out, "simpler methods", "method", report.of_kind(Kind::Baseline), &judges);
    out
}

fn head(out: &mut String, report: &Report) {
    let Described { lines, addresses, labels, observations, unlabelled_observations, vantages, vantages_abroad } =
        &report.corpus;
    let _ = writeln!(
        out,
        "{lines} label lines, {addresses} addresses; {observations} measurements from {vantages} vantages, {vantages_abroad} of them abroad"
    );
    if *unlabelled_observations > 0 {
        let _ = writeln!(
            out,
            "{unlabelled_observations} measurements bear no label: they are evidence, and count for nothing else"
        );
    }
    let counts =
        labels.iter().map(|(label, count)| format!("{} {} ({})", count.lines, label.as_str(), count.addresses));
    let _ = writeln!(out, "lines (addresses) by label: {}", counts.collect::<Vec<_>>().join(", "));
    let sources =
        report.sources.iter().map(|source| format!("{} of {}", source.name, source.built.strftime("%Y-%m-%d")));
    let _ = writeln!(out, "asked: {}; borders: {}", sources.collect::<Vec<_>>().join(", "), report.borders.name);
    let _ = writeln!(
        out,
        "shares with Wilson's 95 % intervals; only inside and outside have a true place, and count in precision, recall and coverage"
    );
}

fn grade(out: &mut String, judge: &Measured, cut: Cut, base_rate: f64) {
    let title = match cut {
        Cut::Proven => "proven",
        Cut::Attested => "at least attested",
        Cut::Probable => "at least probable",
    };
    let _ = writeln!(out, "\n{title:<40}{:<WIDE$}by address", "by label line");
    let (Some(lines), Some(addresses)) = (judge.lines.scores.get(&cut), judge.addresses.scores.get(&cut)) else {
        return;
    };
    side(out, "outside", &lines.outside, &addresses.outside, base_rate);
    side(out, "inside", &lines.inside, &addresses.inside, 1.0 - base_rate);
    row(out, "coverage: called inside or outside", &share(lines.coverage), &share(addresses.coverage));
    row(out, "conflicts, of all labels", &share(lines.conflicts), &share(addresses.conflicts));
}

fn side(out: &mut String, name: &str, lines: &Side, addresses: &Side, base_rate: f64) {
    let other = if name == "outside" { "inside" } else { "outside" };
    let missed = if name == "outside" { "missed violations" } else { "not called inside" };
    row(out, &format!("{name}: precision"), &share(lines.precision), &share(addresses.precision));
    let at = |side: &Side| side.precision_at_base_rate.map_or_else(none, estimate);
    row(out, &format!("  were {:.0} % of all {name}", 100.0 * base_rate), &at(lines), &at(addresses));
    row(out, "  recall", &share(lines.recall), &share(addresses.recall));
    row(out, &format!("  false alarms, of truly {other}"), &share(lines.false_alarms), &share(addresses.false_alarms));
    row(out, &format!("  {missed}"), &share(lines.missed), &share(addresses.missed));
}

fn row(out: &mut String, name: &str, lines: &str, addresses: &str) {
    let _ = writeln!(out, "  {name:<38}{lines:<WIDE$}{addresses}");
}

fn share(share: Share) -> String {
    let counts = format!("{} of {}", share.hits, share.of);
    share.estimate().map_or(counts.clone(), |found| format!("{counts}, {}", estimate(found)))
}

fn estimate(Estimate { value, low, high }: Estimate) -> String {
    format!("{:.1} % ({:.1} to {:.1})", 100.0 * value, 100.0 * low, 100.0 * high)
}

fn none() -> String {
    "none called so".to_owned()
}

fn table_of_labels(out: &mut String, judge: &Measured) {
    let _ = write!(out, "\n{:<40}", "lines (addresses) of each label, called");
    for said in Said::ALL {
        let _ = write!(out, "{:>12}", said.as_str());
    }
    out.push('\n');
    let count = |counted: &Counted, label, said| {
        counted.confusion.get(label).and_then(|calls| calls.get(said)).copied().unwrap_or_default()
    };
    for label in judge.lines.confusion.keys() {
        let _ = write!(out, "  {:<38}", label.as_str());
        for said in &Said::ALL {
            let (lines, addresses) = (count(&judge.lines, label, said), count(&judge.addresses, label, said));
            let _ = write!(out, "{:>12}", format!("{lines} ({addresses})"));
        }
        out.push('\n');
    }
}

fn wrong(out: &mut String, judge: &Measured) {
    if judge.lines.wrong.is_empty() {
        out.push_str("wrong: nothing\n");
    }
    for wrong in &judge.lines.wrong {
        let _ = writeln!(out, "wrong: {}: {} is called {}", wrong.name, wrong.label.as_str(), wrong.said.as_str());
    }
}

/// One row a way of judging, at probable or better, by label line.
fn comparison<'a>(
    out: &mut String,
    title: &str,
    column: &str,
    measured: impl Iterator<Item = &'a Measured>,
    judges: &[&'a Measured],
) {
    let _ = writeln!(out, "\n# {title}: label lines, at least probable\n");
    let columns = ["proven", "outside", "inside", "called out", "called in", "not edge", "cloud in", "silent"];
    let _ = writeln!(out, "{:<40}{:^26}    {:^40}", "", "right", "wrong");
    let _ = write!(out, "{column:<40}");
    for column in columns {
        let _ = write!(out, "{column:>11}");
    }
    out.push('\n');
    for measured in judges.iter().copied().filter(|judge| judge.name == "together").chain(measured) {
        let name = if measured.kind == Kind::Judge { "(the judge itself)" } else { &measured.name };
        compared(out, name, &measured.lines);
    }
}

fn compared(out: &mut String, name: &str, counted: &Counted) {
    let (Some(proven), Some(probable)) = (counted.scores.get(&Cut::Proven), counted.scores.get(&Cut::Probable)) else {
        return;
    };
    let Scores { outside, inside, .. } = probable;
    let wrong = |label| {
        let right = counted.not_wrong.get(&label).copied().unwrap_or_default();
        Share { hits: right.of - right.hits, of: right.of }
    };
    let shares = [
        proven.coverage,
        outside.recall,
        inside.recall,
        outside.false_alarms,
        inside.false_alarms,
        wrong(Label::Edge),
        wrong(Label::Cloud),
        wrong(Label::Silent),
    ];
    let _ = write!(out, "{name:<40}");
    for Share { hits, of } in shares {
        let _ = write!(out, "{:>11}", format!("{hits}/{of}"));
    }
    out.push('\n');
}
