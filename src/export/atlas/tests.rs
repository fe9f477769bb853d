use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::import::vantages::Vantages;
use crate::observation::Observation;
use crate::trace::Trace;

fn read_back(text: &str) -> Observation {
    let mut observations = crate::import::parse(text, &Vantages::default()).unwrap().observations;
    assert_eq!(observations.len(), 1, "{text}");
    observations.remove(0)
}

fn written(traced: &Traced, vantage: Option<&str>) -> String {
    serde_json::to_string(&AtlasResult::new(traced, vantage)).unwrap()
}

fn kinds() -> impl Strategy<Value = AnswerKind> {
    use AnswerKind::{EchoReply, PortUnreachable, Reset, SynAck, TimeExceeded, Unreachable, Unstated};
    prop::sample::select(vec![TimeExceeded, EchoReply, PortUnreachable, Unreachable, SynAck, Reset, Unstated])
}

fn endings() -> impl Strategy<Value = Ending> {
    use Ending::{Exhausted, Looped, Overdue, Reached, Refused, Silent, Unsent};
    prop::sample::select(vec![Reached, Refused, Silent, Exhausted, Looped, Overdue, Unsent])
}

/// As they are measured: IPv4 is never dressed as IPv6.
fn addresses() -> impl Strategy<Value = IpAddr> {
    any::<IpAddr>().prop_map(|address| address.to_canonical())
}

fn answers() -> impl Strategy<Value = HopAnswer> {
    // What the import takes for a time: a microsecond to a minute.
    let rtt = (1_000..=60_000_000_000_u64).prop_map(|ns| Rtt::from_duration(Duration::from_nanos(ns)));
    (addresses(), rtt, kinds(), any::<bool>(), any::<bool>(), extras()).prop_map(
        |(from, rtt_ns, kind, late, unmatched, mut extras)| {
            // Every refusal has a code, and nothing else has.
            extras.code = extras.code.filter(|_| kind == AnswerKind::Unreachable);
            let extras = Some(Box::new(extras)).filter(|extras| **extras != Extras::default());
            HopAnswer { from, rtt_ns, kind, late, unmatched, extras }
        },
    )
}

fn extras() -> impl Strategy<Value = Extras> {
    let label = any::<[u8; 4]>().prop_map(Label::of);
    (prop::collection::vec(label, 0..4), any::<bool>(), prop::option::of(addresses()), any::<u8>()).prop_map(
        |(labels, unannounced, rewritten, code)| {
            let unannounced = unannounced && !labels.is_empty();
            Extras { unannounced, labels, rewritten, code: Some(code) }
        },
    )
}

fn traces() -> impl Strategy<Value = Trace> {
    let replies = (prop::collection::vec(answers(), 0..4), any::<u8>(), prop::option::of(0..4_000_000_000_i64));
    let hops = prop::collection::btree_map(1..=255_u8, replies, 0..12).prop_map(|hops| {
        let at = |second| Timestamp::from_second(second).unwrap();
        hops.into_iter()
            .map(|(ttl, (answers, silent, measured))| Hop { ttl, answers, silent, inherited: measured.map(at) })
            .collect::<Vec<_>>()
    });
    let protocols = prop::sample::select(vec![Protocol::Icmp, Protocol::Udp, Protocol::Tcp]);
    let started = (0..4_000_000_000_i64, 0..1_000_000_000_i32)
        .prop_map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).unwrap());
    (addresses(), protocols, started, any::<[Option<u16>; 2]>(), hops, endings()).prop_map(
        |(target, protocol, started, [port, flow], hops, ending)| Trace {
            target,
            protocol,
            started,
            port,
            flow,
            hops,
            ending,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_as_it_was_measured(trace in traces(), is_named: bool, seconds in 0..600_i64) {
        let name = is_named.then(|| "portal.example.gov.pk".parse().unwrap());
        let ended = trace.started + jiff::SignedDuration::from_secs(seconds);
        let traced = Traced { name, trace, ended, is_broken_off: false };
        let seen = read_back(&written(&traced, Some("khi-1")));
        prop_assert_eq!(&seen.traces[..], std::slice::from_ref(&traced.trace));
        prop_assert_eq!(&seen.vantage.id.0, "khi-1");
        prop_assert_eq!(seen.observed, traced.trace.started);
        if is_named {
            prop_assert_eq!(seen.endpoint.as_str(), "portal.example.gov.pk");
        }
    }
}

fn answer(from: [u8; 4], microseconds: u64, kind: AnswerKind) -> HopAnswer {
    let rtt_ns = Rtt::from_duration(Duration::from_micros(microseconds));
    HopAnswer { from: from.into(), rtt_ns, kind, late: false, unmatched: false, extras: None }
}

pub(in crate::export) fn example() -> Traced {
    let near = Hop {
        ttl: 1,
        answers: vec![answer([192, 168, 1, 1], 412, AnswerKind::TimeExceeded)],
        silent: 1,
        inherited: None,
    };
    let dark = Hop { ttl: 2, answers: Vec::new(), silent: 2, inherited: None };
    let late = HopAnswer { late: true, ..answer([203, 101, 184, 84], 41_932, AnswerKind::PortUnreachable) };
    let far = Hop { ttl: 3, answers: vec![late], silent: 0, inherited: None };
    let trace = Trace {
        target: [203, 101, 184, 84].into(),
        protocol: Protocol::Udp,
        started: "2026-06-04T16:40:01.25Z".parse().unwrap(),
        port: None,
        flow: Some(7),
        hops: vec![near, dark, far],
        ending: Ending::Reached,
    };
    Traced {
        name: Some("pakistan.gov.pk".parse().unwrap()),
        trace,
        ended: "2026-06-04T16:40:04Z".parse().unwrap(),
        is_broken_off: false,
    }
}

#[test]
fn a_line_is_what_other_readers_of_the_form_expect() {
    let line: serde_json::Value = serde_json::from_str(&written(&example(), None)).unwrap();
    let expected = json!({
        "fw": 5000, "lts": -1, "msm_id": 0, "msm_name": "Traceroute", "prb_id": 0, "type": "traceroute",
        "af": 4, "proto": "UDP", "dst_name": "pakistan.gov.pk", "dst_addr": "203.101.184.84",
        "timestamp": 1_780_591_201, "endtime": 1_780_591_204, "paris_id": 7,
        "result": [
            {"hop": 1, "result": [{"from": "192.168.1.1", "rtt": 0.412, "kind": "time-exceeded"}, {"x": "*"}]},
            {"hop": 2, "result": [{"x": "*"}, {"x": "*"}]},
            {"hop": 3, "result": [{"from": "203.101.184.84", "rtt": 41.932, "kind": "port-unreachable",
                                   "after_timeout": true}]},
        ],
        "started": "2026-06-04T16:40:01.25Z", "ending": "reached",
    });
    assert_eq!(line, expected);
}

#[test]
fn labels_and_a_changed_destination_stand_where_other_readers_look_for_them() {
    let mut traced = example();
    let labels = vec![Label { label: 24_012, exp: 5, s: 1, ttl: 1 }];
    let to = "10.0.0.5".parse().unwrap();
    let written = |traced: &Traced| {
        let line: serde_json::Value = serde_json::from_str(&written(traced, None)).unwrap();
        let answer = &line["result"][0]["result"][0];
        (answer["icmpext"].clone(), answer["edst"].clone())
    };
    let obj = json!([{"class": 1, "type": 1, "mpls": [{"label": 24_012, "exp": 5, "s": 1, "ttl": 1}]}]);
    let mut extras = Extras { labels, ..Extras::default() };
    traced.trace.hops[0].answers[0].extras = Some(Box::new(extras.clone()));
    assert_eq!(written(&traced), (json!({"version": 2, "rfc4884": 1, "obj": obj}), json!(null)));
    (extras.unannounced, extras.rewritten) = (true, Some(to));
    traced.trace.hops[0].answers[0].extras = Some(Box::new(extras));
    assert_eq!(written(&traced), (json!({"version": 2, "rfc4884": 0, "obj": obj}), json!("10.0.0.5")));
}

#[test]
fn without_a_name_the_vantage_is_that_of_probe_0() {
    assert_eq!(read_back(&written(&example(), None)).vantage.id.0, "atlas-0");
}

#[test]
fn what_was_broken_off_says_so_and_is_read_back_all_the_same() {
    let traced = Traced { is_broken_off: true, ..example() };
    let line = written(&traced, None);
    assert!(line.ends_with(r#""ending":"reached","broken_off":true}"#), "{line}");
    assert_eq!(read_back(&line).traces[0], traced.trace);
}

#[test]
fn only_a_failure_has_an_error() {
    let by = |protocol, kind| {
        let mut traced = example();
        traced.trace.protocol = protocol;
        traced.trace.hops =
            vec![Hop { ttl: 1, answers: vec![answer([9, 9, 9, 9], 400, kind)], silent: 0, inherited: None }];
        let line: serde_json::Value = serde_json::from_str(&written(&traced, None)).unwrap();
        let answer = &line["result"][0]["result"][0];
        (answer["err"].as_str().map(str::to_owned), answer["flags"].as_str().map(str::to_owned))
    };
    let said = |err: Option<&str>, flags: Option<&str>| (err.map(str::to_owned), flags.map(str::to_owned));
    assert_eq!(by(Protocol::Udp, AnswerKind::PortUnreachable), said(None, None));
    assert_eq!(by(Protocol::Icmp, AnswerKind::PortUnreachable), said(Some("p"), None));
    assert_eq!(by(Protocol::Udp, AnswerKind::Unreachable), said(Some("H"), None));
    assert_eq!(by(Protocol::Tcp, AnswerKind::Reset), said(None, Some("RA")));
    assert_eq!(by(Protocol::Tcp, AnswerKind::SynAck), said(None, Some("SA")));
    assert_eq!(by(Protocol::Icmp, AnswerKind::EchoReply), said(None, None));
}

#[test]
fn a_refusal_says_why_as_the_probes_of_ripe_atlas_do_and_is_read_back() {
    for (from, code, err) in [
        ("9.9.9.9", 0, json!("N")),
        ("9.9.9.9", 1, json!("H")),
        ("9.9.9.9", 2, json!("P")),
        ("9.9.9.9", 3, json!("p")),
        ("9.9.9.9", 13, json!("A")),
        ("9.9.9.9", 10, json!(10)),
        ("2620:fe::9", 0, json!("N")),
        ("2620:fe::9", 1, json!("A")),
        ("2620:fe::9", 2, json!("h")),
        ("2620:fe::9", 3, json!("H")),
        ("2620:fe::9", 4, json!("p")),
        ("2620:fe::9", 6, json!(6)),
    ] {
        let mut traced = example();
        let refused = &mut traced.trace.hops[0].answers[0];
        (refused.from, refused.kind) = (from.parse().unwrap(), AnswerKind::Unreachable);
        refused.extras = Some(Box::new(Extras { code: Some(code), ..Extras::default() }));
        let line = written(&traced, None);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["result"][0]["result"][0]["err"], err, "{from} {code}");
        assert_eq!(read_back(&line).traces[0].hops[0].answers, traced.trace.hops[0].answers, "{from} {code}");
    }
}
