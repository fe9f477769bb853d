//! A trace as a person reads it: the way hop by hop, with the best time of whoever answered, and how it ended.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use super::Traced;
use crate::moment::Rtt;
use crate::printable::Printable;
use crate::trace::extras::Stack;
use crate::trace::suspicion::suspicions;
use crate::trace::{AnswerKind, Ending, Hop, HopAnswer, Trace};

/// The most marks of silence in a row.
const SILENT: u8 = 10;

/// How the line ends of a trace that came to some end before all was asked.
const BROKEN_OFF: &str = "; broken off before all was asked\n";

/// The trace, a line each: where to, every hop, how it ended. `names` are what addresses are called, where that is known.
///
/// A hop is its TTL, the best time, a `*` for each probe that nobody answered, who answered, by name, and what they
/// said if it is not what a router on the way or the target says: `late` is who answered in time never, `unmatched`
/// who never said to which probe, so that the time is the longest it can have been, `inherited` who was measured for a
/// neighbour; after them stand the MPLS labels that the probe had there. What is odd about the way as a whole is told
/// below it. Who else answered at that TTL stands below. Hops in a row of which nobody answered are one line.
pub fn path(traced: &Traced, names: &BTreeMap<IpAddr, String>) -> String {
    let trace = &traced.trace;
    let port = trace.port.map_or_else(String::new, |port| format!(" to port {port}"));
    let mut text = format!("{} by {}{port}\n", traced.title(), trace.protocol);
    let mut hops = &trace.hops[..];
    while let Some((hop, behind)) = hops.split_first() {
        let silent = hops.iter().take_while(|hop| hop.answers.is_empty()).count();
        hops = if silent > 1 {
            let (dark, behind) = hops.split_at(silent);
            let last = dark.last().map_or(hop.ttl, |last| last.ttl);
            row(&mut text, &format!("{}-{last}", hop.ttl), "silent", "", "");
            behind
        } else {
            describe(&mut text, hop, trace, names);
            behind
        };
    }
    text.push_str(&ending(trace));
    text.push_str(if traced.is_broken_off && trace.ending != Ending::Overdue { BROKEN_OFF } else { "\n" });
    for suspicion in suspicions([trace], trace.target, None) {
        let _ = writeln!(text, "{suspicion}");
    }
    text
}

fn describe(text: &mut String, hop: &Hop, trace: &Trace, names: &BTreeMap<IpAddr, String>) {
    let (mut ttl, mut silent) = (hop.ttl.to_string(), "*".repeat(usize::from(hop.silent.min(SILENT))));
    let mut told = Vec::new();
    for from in hop.answers.iter().map(|answer| answer.from) {
        if told.contains(&from) {
            continue;
        }
        told.push(from);
        let theirs: Vec<_> = hop.answers.iter().filter(|answer| answer.from == from).collect();
        let best = theirs.iter().map(|answer| answer.rtt_ns).min().unwrap_or_default();
        let mut who = from.to_string();
        if let Some(name) = names.get(&from) {
            let _ = write!(who, "  {}", Printable(name));
        }
        for remark in remarks(&theirs, trace).into_iter().chain(hop.inherited.map(|_| "inherited".into())) {
            let _ = write!(who, "  ({remark})");
        }
        if let Some(labels) = theirs.iter().find_map(|answer| answer.labelled()) {
            let _ = write!(who, "  {}", Stack(labels));
        }
        row(text, &std::mem::take(&mut ttl), &best.to_string(), &std::mem::take(&mut silent), &who);
    }
    if told.is_empty() {
        row(text, &ttl, "silent", &silent, "");
    }
}

fn row(text: &mut String, ttl: &str, time: &str, silent: &str, who: &str) {
    let row = format!("{ttl:>7}  {time:>12}  {silent:<3}  {who}");
    text.push_str(row.trim_end());
    text.push('\n');
}

/// What is to be said of the answers of one address.
fn remarks(answers: &[&HopAnswer], trace: &Trace) -> Vec<Cow<'static, str>> {
    let any = |is: &dyn Fn(&HopAnswer) -> bool| answers.iter().any(|answer| is(answer));
    let all = |is: &dyn Fn(&HopAnswer) -> bool| answers.iter().all(|answer| is(answer));
    let says = |kind| move |answer: &HopAnswer| answer.kind == kind;
    let stray = |answer: &HopAnswer| answer.kind == AnswerKind::PortUnreachable && answer.from != trace.target;
    let in_its_name = |answer: &HopAnswer| answer.from == trace.target && answer.kind.is_on_the_way();
    let refused = answers.iter().find(|answer| answer.kind == AnswerKind::Unreachable);
    let refusal = refused.map(|answer| answer.refusal().map_or("unreachable".into(), |why| why.to_string().into()));
    let words = [
        (any(&in_its_name), "on the way to it"),
        (any(&says(AnswerKind::SynAck)), "syn-ack"),
        (any(&says(AnswerKind::Reset)), "reset"),
        (any(&stray), "port unreachable"),
        (all(&|answer| answer.late), "late"),
        (all(&|answer| answer.unmatched), "unmatched"),
    ];
    let words = words.into_iter().filter_map(|(is_so, remark)| is_so.then_some(remark.into()));
    refusal.into_iter().chain(words).collect()
}

/// How it ended, in words.
fn ending(trace: &Trace) -> String {
    let last = trace.hops.last().map_or(0, |hop| hop.ttl);
    let answered = trace.hops.iter().rev().find(|hop| !hop.answers.is_empty());
    fate(trace.ending, last, answered.map(|hop| hop.ttl), trace.target_rtt().map(|(best, _)| best))
}

/// How something ended that was asked up to the hop `last`, of which `answered` was the last that answered, in words.
pub(super) fn fate(ending: Ending, last: u8, answered: Option<u8>, best: Option<Rtt>) -> String {
    let beyond = answered.map_or_else(|| "nobody answered".to_owned(), |hop| format!("nobody beyond hop {hop}"));
    match ending {
        Ending::Reached => {
            let time = best.map(|best| format!(", {best} at best"));
            let other = || ", or a proxy or firewall on the way answered in its name".to_owned();
            format!("reached at hop {last}{}", time.unwrap_or_else(other))
        }
        Ending::Refused => format!("refused at hop {last}: there is no way on, says who answered there"),
        Ending::Silent if answered.is_none() => format!("not reached: {beyond}"),
        Ending::Silent => format!("not reached: {beyond} answered"),
        Ending::Exhausted => format!("not reached within {last} hops"),
        Ending::Looped => format!("not reached: the path came back to a router it had left, at hop {last}"),
        Ending::Overdue => format!("broken off at hop {last}"),
        Ending::Unsent => {
            "nothing could be sent: this host has no route there, or no address of that family".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::export::atlas::tests::example;
    use crate::trace::Protocol;
    use crate::trace::extras::{Extras, Label};

    fn answer(last: u8, microseconds: u64, kind: AnswerKind) -> HopAnswer {
        let rtt_ns = Rtt::from_duration(Duration::from_micros(microseconds));
        HopAnswer { from: [203, 101, 184, last].into(), rtt_ns, kind, late: false, unmatched: false, extras: None }
    }

    fn hop(ttl: u8, answers: Vec<HopAnswer>, silent: u8) -> Hop {
        Hop { ttl, answers, silent, inherited: None }
    }

    fn told(traced: &Traced) -> Vec<String> {
        path(traced, &BTreeMap::new()).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_path_is_told_hop_by_hop() {
        let names = [("192.168.1.1".parse().unwrap(), "gateway\u{1b}[31m".to_owned())].into();
        assert_eq!(
            path(&example(), &names),
            "pakistan.gov.pk (203.101.184.84) by udp\n      1      0.412 ms  *    192.168.1.1  gateway\\u{1b}[31m\n      \
             2        silent  **\n      3     41.932 ms       203.101.184.84  (late)\n\
             reached at hop 3, 41.932 ms at best\n"
        );
    }

    #[test]
    fn silence_in_a_row_is_one_line_and_several_routers_of_a_hop_are_several() {
        let mut traced = example();
        let exceeded = AnswerKind::TimeExceeded;
        let both = vec![answer(1, 2000, exceeded), answer(2, 5000, exceeded), answer(1, 1000, exceeded)];
        traced.trace.hops = vec![hop(1, both, 1), hop(2, vec![], 3), hop(3, vec![], 3), hop(4, vec![], 3)];
        traced.trace.ending = Ending::Silent;
        assert_eq!(
            told(&traced)[1..],
            [
                "      1      1.000 ms  *    203.101.184.1",
                "             5.000 ms       203.101.184.2",
                "    2-4        silent",
                "not reached: nobody beyond hop 1 answered",
            ]
        );
    }

    #[test]
    fn what_somebody_said_is_told_where_it_is_not_the_usual() {
        let mut traced = example();
        let unmatched = HopAnswer { unmatched: true, ..answer(3, 1000, AnswerKind::TimeExceeded) };
        traced.trace.hops = vec![
            hop(1, vec![unmatched], 0),
            hop(2, vec![answer(4, 1000, AnswerKind::PortUnreachable)], 0),
            hop(3, vec![answer(5, 1000, AnswerKind::Unreachable)], 0),
            hop(4, vec![answer(84, 1000, AnswerKind::SynAck), answer(84, 1000, AnswerKind::Reset)], 0),
        ];
        let said = told(&traced);
        for (line, remark) in
            [(1, "(unmatched"), (2, "(port unreachable)"), (3, "(unreachable)"), (4, "(syn-ack)  (reset)")]
        {
            assert!(said[line].contains(remark), "{said:#?}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_its_reason() {
        let mut traced = example();
        let refused = |code| {
            let extras = Some(Box::new(Extras { code: Some(code), ..Extras::default() }));
            HopAnswer { extras, ..answer(5, 1000, AnswerKind::Unreachable) }
        };
        traced.trace.hops =
            [13, 0, 9].into_iter().zip(1..).map(|(code, ttl)| hop(ttl, vec![refused(code)], 0)).collect();
        let said = told(&traced);
        for (line, remark) in [(1, "(prohibited)"), (2, "(network unreachable)"), (3, "(unreachable, code 9)")] {
            assert!(said[line].ends_with(remark), "{said:#?}");
        }
    }

    #[test]
    fn labels_ports_and_translators_are_told() {
        let mut traced = example();
        (traced.trace.protocol, traced.trace.port) = (Protocol::Tcp, Some(8443));
        let in_its_name = answer(84, 4000, AnswerKind::TimeExceeded);
        let labels = [[0, 0, 0x10, 1], [0x05, 0xdc, 0xd1, 1]].map(Label::of).to_vec();
        let to = Some([10, 0, 0, 5].into());
        let extras = Some(Box::new(Extras { labels, rewritten: to, ..Extras::default() }));
        traced.trace.hops = vec![hop(2, vec![HopAnswer { extras, ..answer(9, 2000, AnswerKind::TimeExceeded) }], 0)];
        traced.trace.hops.push(hop(3, vec![in_its_name], 0));
        let said = told(&traced);
        assert_eq!(said[0], "pakistan.gov.pk (203.101.184.84) by tcp to port 8443");
        assert!(said[1].ends_with("203.101.184.9  [MPLS 1 24013]"), "{said:#?}");
        assert!(said[2].ends_with("203.101.184.84  (on the way to it)"), "{said:#?}");
        assert!(said[4].contains("at hop 2 with 10.0.0.5 as their destination"), "{said:#?}");
        assert!(said[5].contains("at hop 3 in the name of the target"), "{said:#?}");
    }

    #[test]
    fn every_ending_is_told_in_its_own_words() {
        let mut traced = example();
        let endings =
            [Ending::Refused, Ending::Silent, Ending::Exhausted, Ending::Looped, Ending::Overdue, Ending::Unsent];
        let mut said = Vec::new();
        for ending in endings {
            traced.trace.ending = ending;
            said.extend(told(&traced).pop());
        }
        traced.is_broken_off = true;
        assert_eq!(told(&traced).pop(), said.last().map(|unsent| format!("{unsent}{}", BROKEN_OFF.trim_end())));
        traced.trace.ending = Ending::Overdue;
        assert_eq!(told(&traced).pop().unwrap(), "broken off at hop 3");
        traced.is_broken_off = false;
        said.sort();
        said.dedup();
        assert_eq!(said.len(), endings.len(), "{said:?}");
        traced.trace.hops = vec![hop(1, vec![answer(84, 1000, AnswerKind::Reset)], 0)];
        traced.trace.ending = Ending::Reached;
        assert!(told(&traced).pop().unwrap().contains("in its name"), "a refusal has no time of the target's");
    }
}
