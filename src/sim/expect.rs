//! What was expected, held against what happened: every difference in words.

use std::net::IpAddr;

use crate::trace::multipath::{Assurance, MultipathHop, Multipaths};
use crate::trace::{AnswerKind, Ending, Hop, HopAnswer, Trace};

use super::topology::Topology;
use super::written::{MultipathExpected, TraceExpected};

/// Holds the traces of a step against what is expected of them.
pub(super) fn traces(expected: &[TraceExpected], seen: &[Trace], topology: &Topology) -> Vec<String> {
    let pairs = expected.iter().zip(seen).zip(1..);
    pairs.flat_map(|((expected, seen), number)| trace(number, expected, seen, topology)).collect()
}

fn trace(number: usize, expected: &TraceExpected, seen: &Trace, topology: &Topology) -> Vec<String> {
    let rtt = seen.target_rtt().map(|(rtt, _)| rtt.ms());
    let too_short = expected.rtt_ms_at_least.filter(|least| rtt.is_none_or(|rtt| rtt < *least));
    let too_long = expected.rtt_ms_at_most.filter(|most| rtt.is_none_or(|rtt| rtt > *most));
    let about = format!("{} trace to {} (trace {number})", seen.protocol, seen.target);
    let differences = [
        differs(&format!("ending of the {about}"), &expected.ending.as_str(), &ending(seen.ending)),
        differs(&format!("hops of the {about}"), &expected.hops, &hops(seen, topology)),
        too_short.map(|least| format!("best time of the {about}: at least {least} ms expected, {rtt:?} seen")),
        too_long.map(|most| format!("best time of the {about}: at most {most} ms expected, {rtt:?} seen")),
    ];
    differences.into_iter().flatten().collect()
}

/// Holds the ways of a step against what is expected of them.
pub(super) fn ways(expected: &[MultipathExpected], seen: &[Multipaths], topology: &Topology) -> Vec<String> {
    let pairs = expected.iter().zip(seen).zip(1..);
    let differences = pairs.flat_map(|((expected, seen), number)| {
        let about = format!("{} ways to {} (multipath {number})", seen.protocol, seen.target);
        let hops: Vec<_> = seen.hops.iter().map(|hop| vertices(hop, topology)).collect();
        [
            differs(&format!("ending of the {about}"), &expected.ending.as_str(), &ending(seen.ending)),
            differs(&format!("hops of the {about}"), &expected.hops, &hops),
        ]
    });
    differences.flatten().collect()
}

fn vertices(hop: &MultipathHop, topology: &Topology) -> Vec<String> {
    let doubt = match hop.assurance {
        Assurance::Stated => None,
        Assurance::Doubtful | Assurance::Silent | Assurance::Unfinished => Some("?".to_owned()),
    };
    hop.vertices.iter().map(|vertex| who(vertex.address, topology)).chain(doubt).collect()
}

/// The difference between what was expected and what was seen, if there is one.
pub(super) fn differs<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, seen: &T) -> Option<String> {
    (expected != seen).then(|| format!("{what}: {expected:?} expected, {seen:?} seen"))
}

/// What is said when there is more than there may be.
pub(super) fn at_most(what: &str, most: Option<usize>, seen: usize) -> Option<String> {
    most.filter(|most| seen > *most).map(|most| format!("{what}: at most {most} expected, {seen} seen"))
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Reached => "reached",
        Ending::Refused => "refused",
        Ending::Silent => "silent",
        Ending::Exhausted => "exhausted",
        Ending::Looped => "looped",
        Ending::Overdue => "overdue",
        Ending::Unsent => "unsent",
    }
}

/// The hops of a trace in words, by the names of the nodes; silence at the end is left out.
fn hops(trace: &Trace, topology: &Topology) -> Vec<String> {
    let mut words: Vec<_> = trace.hops.iter().map(|one| hop(one, trace.target, topology)).collect();
    while words.last().is_some_and(|last| last == "*") {
        words.pop();
    }
    words
}

fn hop(hop: &Hop, target: IpAddr, topology: &Topology) -> String {
    let mut answers: Vec<String> = Vec::new();
    for answer in &hop.answers {
        let words = answer_in_words(answer, target, topology);
        if !answers.contains(&words) {
            answers.push(words);
        }
    }
    match (answers.is_empty(), hop.silent) {
        (true, _) => "*".to_owned(),
        (false, 0) => answers.join(" | "),
        (false, silent) => format!("{} {silent} silent", answers.join(" | ")),
    }
}

fn answer_in_words(answer: &HopAnswer, target: IpAddr, topology: &Topology) -> String {
    let who = who(answer.from, topology);
    let what = match answer.kind {
        AnswerKind::Unreachable => " unreachable",
        AnswerKind::TimeExceeded if answer.from == target => " in its name",
        AnswerKind::TimeExceeded | AnswerKind::EchoReply | AnswerKind::PortUnreachable | AnswerKind::Unstated => "",
        AnswerKind::SynAck => " syn-ack",
        AnswerKind::Reset => " reset",
    };
    let sent_on = answer.rewritten().map_or_else(String::new, |to| format!(" sent on to {to}"));
    let late = if answer.late { " late" } else { "" };
    format!("{who}{what}{sent_on}{late}")
}

/// What somebody is called.
fn who(address: IpAddr, topology: &Topology) -> String {
    topology.name_of(address).map_or_else(|| address.to_string(), ToOwned::to_owned)
}
