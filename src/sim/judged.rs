//! What the daemon was expected to know, show and tell, held against what it does.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::alert::SinkKind;
use crate::exposition::families;
use crate::exposition::text::encode;
use crate::ledger::Record;
use crate::workload::Endpoint;

use super::alertmanager::Sink;
use super::daemon::Daemon;
use super::expect::{at_most, differs};
use super::written::ExpectWritten;

/// Holds what is expected of the daemon against it: every difference in words.
pub(super) fn daemon_as_expected(expected: &ExpectWritten, daemon: &Daemon) -> Vec<String> {
    let mut differences = endpoints(expected, daemon);
    differences.extend(places(&expected.place, daemon));
    differences.extend(alerts(expected, daemon));
    differences.extend(metrics(&expected.metrics, daemon));
    differences.extend(rounds(expected, daemon));
    differences
}

fn endpoints(expected: &ExpectWritten, daemon: &Daemon) -> Vec<String> {
    let record = |name: &str| name.parse().ok().and_then(|endpoint: Endpoint| record(daemon, &endpoint));
    let standing = |name: &str| record(name).map_or("not watched", |record| record.standing().as_str());
    let standings = expected
        .standing
        .iter()
        .filter_map(|(name, expected)| differs(&format!("standing of {name}"), &expected.as_str(), &standing(name)));
    let findings = expected.findings.iter().filter_map(|(name, expected)| {
        let findings = record(name).and_then(|record| record.verdict.as_ref()).map(|verdict| &verdict.findings);
        let rules = findings.into_iter().flatten().map(|finding| finding.rule.as_str().to_owned());
        differs(&format!("findings of {name}"), &sorted(expected.clone()), &sorted(rules.collect()))
    });
    let counts = expected.count.iter().filter_map(|(standing, expected)| {
        let records = daemon.watch().ledger().endpoints.values();
        let seen = records.filter(|record| record.standing().as_str() == standing).count();
        differs(&format!("number of endpoints that are {standing}"), expected, &seen)
    });
    standings.chain(findings).chain(counts).collect()
}

fn record<'d>(daemon: &'d Daemon, endpoint: &Endpoint) -> Option<&'d Record> {
    daemon.watch().ledger().endpoints.get(endpoint).map(AsRef::as_ref)
}

/// The places as the daemon found them, in the light of all that it knew when it judged.
fn places(expected: &BTreeMap<IpAddr, String>, daemon: &Daemon) -> Vec<String> {
    let records = daemon.watch().ledger().endpoints.values();
    let found: BTreeMap<&IpAddr, _> =
        records.filter_map(|record| record.seen.as_ref()).flat_map(|seen| &seen.places).collect();
    let differences = expected.iter().filter_map(|(address, expected)| {
        let found = found.get(address);
        let seen = found.map_or_else(|| "not seen".to_owned(), |(place, grade)| format!("{place} {grade}"));
        differs(&format!("place of {address}"), expected, &seen)
    });
    differences.collect()
}

fn alerts(expected: &ExpectWritten, daemon: &Daemon) -> Vec<String> {
    let alertmanagers = || daemon.sinks().filter(|sink| sink.kind() == SinkKind::Alertmanager);
    let firing = sorted(alertmanagers().flat_map(Sink::firing).collect());
    let pages = alertmanagers().flat_map(Sink::pages).count();
    let posts = daemon.sinks().flat_map(Sink::posts).cloned().collect();
    let all_clears = alertmanagers().flat_map(Sink::all_clears).count();
    let differences = [
        expected.alerts.clone().and_then(|expected| differs("alerts held", &sorted(expected), &firing)),
        expected.webhook.as_ref().and_then(|expected| differs("webhook", expected, &posts)),
        expected.pages.and_then(|expected| differs("pages", &expected, &pages)),
        expected.all_clears.and_then(|expected| differs("all-clears", &expected, &all_clears)),
    ];
    differences.into_iter().flatten().collect()
}

fn metrics(expected: &[String], daemon: &Daemon) -> Vec<String> {
    if expected.is_empty() {
        return Vec::new();
    }
    let text = encode(&families(daemon.watch().ledger()));
    let differs = |line: &&String| match line.strip_prefix('!') {
        Some(absent) => text.lines().any(|seen| seen.starts_with(absent)),
        None => text.lines().all(|seen| seen != *line),
    };
    let wrong = expected.iter().filter(differs);
    wrong.map(|line| format!("metrics: expected {line}\n{text}")).collect()
}

fn rounds(expected: &ExpectWritten, daemon: &Daemon) -> Vec<String> {
    let diary = &daemon.diary;
    let counts = expected.rounds.iter().filter_map(|(name, expected)| {
        let seen = name.parse().map_or(0, |endpoint| diary.ended(&endpoint));
        let holds = match expected.split_once(' ') {
            Some((">=", least)) => least.parse().is_ok_and(|least| seen >= least),
            Some(("<=", most)) => most.parse().is_ok_and(|most| seen <= most),
            Some(_) | None => expected.parse() == Ok(seen),
        };
        (!holds).then(|| format!("rounds of {name}: {expected} expected, {seen} seen"))
    });
    let shortest = expected.rounds_apart_at_least.and_then(|least| {
        let (endpoint, gap) = diary.gaps().min_by_key(|(_, gap)| *gap)?;
        (gap < least.0).then(|| format!("rounds of {endpoint} are {gap:?} apart, at least {:?} expected", least.0))
    });
    let longest = expected.rounds_apart_at_most.and_then(|most| {
        let (endpoint, gap) = diary.gaps().max_by_key(|(_, gap)| *gap)?;
        (gap > most.0).then(|| format!("rounds of {endpoint} are {gap:?} apart, at most {:?} expected", most.0))
    });
    let burst = at_most("rounds begun in one second", expected.rounds_per_second_at_most, diary.most_in_a_second());
    counts.chain(shortest).chain(longest).chain(burst).collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}
