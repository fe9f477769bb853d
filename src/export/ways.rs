//! All the ways to an address as a person reads them: who is at each hop, behind whom, and how sure it is that nobody
//! else is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use super::Mapped;
use super::text::fate;
use crate::printable::Printable;
use crate::trace::AnswerKind;
use crate::trace::Ending;
use crate::trace::multipath::{Assurance, Completion, Diamond, MultipathHop, Multipaths, Vertex};

/// The ways: where to, every hop, where they part and meet, how they end, and how sure it is. `names` are what addresses
/// are called, where that is known.
///
/// A hop is its TTL and a line for everyone there: the shortest time, by how many flows, a letter where there are several,
/// address, name, and what is to be remarked; `<-` are the letters of those of several at the hop before whom flows met
/// before, with `?` where none was seen.
pub fn ways(mapped: &Mapped, names: &BTreeMap<IpAddr, String>) -> String {
    let paths = &mapped.paths;
    let (method, confidence) = (paths.method, paths.confidence);
    let mut text = format!("{} by {}, all ways ({method}, {confidence} a hop)\n", mapped.title(), paths.protocol);
    let mut before = None;
    for hop in &paths.hops {
        describe(&mut text, hop, before, paths.target, names);
        before = Some(hop);
    }
    for diamond in &paths.diamonds {
        let _ = writeln!(text, "{}", shape(diamond));
    }
    let last = paths.hops.last().map(|hop| hop.ttl);
    let fate = fate(paths.ending, last.unwrap_or(0), last, paths.target_rtt());
    let _ = writeln!(text, "{fate}; {} probes", paths.probes);
    for line in assurances(paths) {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn describe(
    text: &mut String,
    hop: &MultipathHop,
    before: Option<&MultipathHop>,
    target: IpAddr,
    names: &BTreeMap<IpAddr, String>,
) {
    let mut ttl = hop.ttl.to_string();
    if hop.vertices.is_empty() {
        row(text, &ttl, "silent", &hop.silent.to_string(), "");
    }
    for (place, vertex) in hop.vertices.iter().enumerate() {
        let mut who = String::new();
        if hop.vertices.len() > 1 {
            let _ = write!(who, "{:<3}", letters(place));
        }
        let _ = write!(who, "{}", vertex.address);
        if let Some(name) = names.get(&vertex.address) {
            let _ = write!(who, "  {}", Printable(name));
        }
        for remark in remarks(vertex, target) {
            let _ = write!(who, "  ({remark})");
        }
        if let Some(before) = before.filter(|before| before.vertices.len() > 1) {
            let _ = write!(who, "  <- {}", predecessors(vertex.address, hop, before));
        }
        row(text, &std::mem::take(&mut ttl), &vertex.rtt.to_string(), &vertex.flows.to_string(), &who);
    }
}

fn row(text: &mut String, ttl: &str, time: &str, flows: &str, who: &str) {
    let row = format!("{ttl:>7}  {time:>12}  {flows:>4}  {who}");
    text.push_str(row.trim_end());
    text.push('\n');
}

/// The letters of whom flows met at the hop before, before they met `who`.
fn predecessors(who: IpAddr, hop: &MultipathHop, before: &MultipathHop) -> String {
    let is_before = |vertex: &Vertex| hop.edges.iter().any(|edge| (edge.from, edge.to) == (vertex.address, who));
    let found = before.vertices.iter().enumerate().filter(|(_, vertex)| is_before(vertex));
    let found: Vec<_> = found.map(|(place, _)| letters(place)).collect();
    if found.is_empty() { "?".to_owned() } else { found.join(" ") }
}

/// `a` to `z`, then `aa` and on.
fn letters(place: usize) -> String {
    let letter = u8::try_from(place % 26).map_or('?', |place| char::from(b'a' + place));
    let before = if place < 26 { String::new() } else { letters(place / 26 - 1) };
    format!("{before}{letter}")
}

fn remarks(vertex: &Vertex, target: IpAddr) -> Vec<&'static str> {
    let is_target = vertex.address == target;
    let is_usual = match vertex.kind {
        AnswerKind::TimeExceeded => !is_target,
        AnswerKind::EchoReply | AnswerKind::Unstated => true,
        AnswerKind::PortUnreachable => is_target,
        AnswerKind::Unreachable | AnswerKind::SynAck | AnswerKind::Reset => false,
    };
    let said = (!is_usual).then(|| vertex.kind.as_str());
    said.into_iter().chain(vertex.unmatched.then_some("unmatched")).collect()
}

/// A diamond in words.
fn shape(diamond: &Diamond) -> String {
    let from = if diamond.parts_at == 0 { "this host".to_owned() } else { format!("hop {}", diamond.parts_at) };
    let (length, width) = (diamond.length(), diamond.width);
    let mut said = format!("ways part at {from}, and meet by hop {}: {width} wide, {length} long", diamond.meets_at);
    said.push_str(if diamond.meshed { ", meshed" } else { ", not meshed" });
    match diamond.asymmetry {
        0 => said.push_str(", even"),
        asymmetry => drop(write!(said, ", uneven by {asymmetry}")),
    }
    said.push_str(if diamond.thorough { "; looked at router by router" } else { "" });
    said
}

/// How sure it is that nobody else is at the hops.
fn assurances(paths: &Multipaths) -> Vec<String> {
    let of = |assurance| paths.hops.iter().filter(move |hop| hop.assurance == assurance);
    let ttls = |assurance| of(assurance).map(|hop| hop.ttl.to_string()).collect::<Vec<_>>().join(" ");
    let mut said = Vec::new();
    let stated = of(Assurance::Stated).count();
    if stated > 0 {
        let which = if stated == paths.hops.len() && paths.ending == Ending::Reached {
            "every hop".to_owned()
        } else {
            format!("hop {}", ttls(Assurance::Stated))
        };
        said.push(format!(
            "{which}: nobody else on ways that {} can tell apart, with {} at least, if flows are spread evenly",
            paths.protocol, paths.confidence
        ));
    }
    for hop in of(Assurance::Doubtful) {
        said.push(format!("hop {}: could not be told, {} of {} flows got no answer", hop.ttl, hop.silent, hop.flows));
    }
    if of(Assurance::Silent).count() > 0 {
        said.push(format!("hop {}: could not be told, nobody answered", ttls(Assurance::Silent)));
    }
    if of(Assurance::Unfinished).count() > 0 {
        said.push(format!("hop {}: not asked to the end", ttls(Assurance::Unfinished)));
    }
    let is_open = paths.completion == Completion::Whole && paths.ending != Ending::Reached;
    if let Some(last) = paths.hops.last().filter(|_| is_open) {
        said.push(format!("behind hop {}: nothing is known, as the target was not reached", last.ttl));
    }
    match paths.completion {
        Completion::Whole => {}
        Completion::Spent => said.push("incomplete: as many probes as are allowed were sent (--max-probes)".to_owned()),
        Completion::Stopped => said.push("incomplete: broken off".to_owned()),
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::multipath::tests::example;

    fn told(mapped: &Mapped) -> Vec<String> {
        ways(mapped, &BTreeMap::new()).lines().map(str::to_owned).collect()
    }

    #[test]
    fn ways_are_told_hop_by_hop() {
        let names = [([203, 101, 184, 1].into(), "gateway\u{1b}[31m".to_owned())].into();
        let expected = "\
pakistan.gov.pk (203.101.184.84) by udp, all ways (lite, 95 % a hop)
      1      0.412 ms     6  203.101.184.1  gateway\\u{1b}[31m
      2      3.201 ms     9  a  203.101.184.2
             3.310 ms     8  b  203.101.184.3
      3      4.500 ms     9  a  203.101.184.4  <- a b
             4.700 ms     6  b  203.101.184.5  (unmatched)  <- b
      4        silent     6
      5     41.932 ms     6  203.101.184.84
ways part at hop 1, and meet by hop 4: 2 wide, 3 long, meshed, uneven by 1; looked at router by router
reached at hop 5, 41.932 ms at best; 61 probes
hop 1 2 5: nobody else on ways that udp can tell apart, with 95 % at least, if flows are spread evenly
hop 3: could not be told, 2 of 17 flows got no answer
hop 4: could not be told, nobody answered
";
        assert_eq!(ways(&example(), &names), expected);
    }

    #[test]
    fn what_was_broken_off_says_so() {
        let mut mapped = example();
        mapped.paths.hops[0].vertices[0].kind = AnswerKind::Unreachable;
        assert!(told(&mapped)[1].ends_with("203.101.184.1  (unreachable)"), "{:#?}", told(&mapped));
        (mapped.paths.completion, mapped.paths.ending) = (Completion::Spent, Ending::Exhausted);
        mapped.paths.hops.truncate(1);
        mapped.paths.hops[0].assurance = Assurance::Unfinished;
        assert_eq!(
            told(&mapped)[4..],
            ["hop 1: not asked to the end", "incomplete: as many probes as are allowed were sent (--max-probes)"]
        );
        mapped.paths.hops[0].assurance = Assurance::Stated;
        mapped.paths.completion = Completion::Stopped;
        assert!(told(&mapped)[4].starts_with("hop 1: nobody else"), "{:#?}", told(&mapped));
        assert_eq!(told(&mapped)[5], "incomplete: broken off");
        (mapped.paths.completion, mapped.paths.ending) = (Completion::Whole, Ending::Silent);
        assert_eq!(told(&mapped)[5], "behind hop 1: nothing is known, as the target was not reached");
    }

    #[test]
    fn letters_do_not_run_out() {
        assert_eq!([0, 25, 26, 27, 701, 702].map(letters), ["a", "z", "aa", "ab", "zz", "aaa"]);
    }
}
