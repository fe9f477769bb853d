use std::net::IpAddr;

use crate::config::{self, Written};
use crate::import::tests::observed;
use crate::import::vantages::Vantages;
use crate::import::{ImportError, parse};
use crate::moment::Rtt;
use crate::observation::Observation;
use crate::trace::{AnswerKind, Ending, Protocol};

/// What scamper 20211212 measured over one router, printed by its `sc_warts2json`: six traces (to a host by ICMP, UDP
/// and TCP to an open and to a closed port, to nobody, and by IPv6 to nobody), and six pings (by ICMP, TCP SYN, TCP ACK,
/// to nobody, with a TTL of 1, and by IPv6).
pub(in crate::import) const SAMPLE: &str = include_str!("sample.jsonl");

const HOST: &str = "203.101.2.2";

fn sample() -> Vec<Observation> {
    observed(SAMPLE).unwrap()
}

fn best_ms(observation: &Observation, address: &str) -> Option<f64> {
    observation.best_rtt(address.parse().unwrap()).map(|best| best.rtt.ms())
}

#[test]
fn a_trace_has_every_attempt_at_every_hop() {
    let trace = &sample()[0].traces[0];
    let kinds: Vec<Vec<_>> = trace.hops.iter().map(|hop| hop.answers.iter().map(|a| a.kind).collect()).collect();
    assert_eq!(kinds, [[AnswerKind::TimeExceeded; 2], [AnswerKind::EchoReply; 2]]);
    assert_eq!(trace.target_rtt(), Rtt::from_ms(0.050).map(|rtt| (rtt, 2)));
    assert_eq!((trace.protocol, trace.ending), (Protocol::Icmp, Ending::Reached));
    assert_eq!(trace.started.to_string(), "2026-11-21T23:42:56.329373Z");
}

#[test]
fn udp_ends_at_a_port_and_tcp_at_a_handshake() {
    let sample = sample();
    assert_eq!(sample[1].traces[0].hops[1].answers[0].kind, AnswerKind::PortUnreachable);
    assert_eq!(sample[1].traces[0].flow, Some(60307));
    assert_eq!(best_ms(&sample[2], HOST), Some(0.053));
    assert_eq!(sample[2].best_rtt(HOST.parse().unwrap()).unwrap().protocol, Protocol::Tcp);
}

#[test]
fn times_that_nothing_takes_are_silence() {
    let hops = |rtt: &str| {
        let observations = observed(&SAMPLE.replace("\"rtt\":0.051,", &format!("\"rtt\":{rtt},"))).unwrap();
        let hops = observations.iter().flat_map(|seen| &seen.traces).flat_map(|trace| &trace.hops);
        hops.fold((0, 0), |(answers, silent), hop| (answers + hop.answers.len(), silent + usize::from(hop.silent)))
    };
    let (answers, silent) = hops("0.051");
    for wrong in ["0", "0.0004", "-1.5", "3600001"] {
        assert_eq!(hops(wrong), (answers - 1, silent + 1), "{wrong}");
    }
}

#[test]
fn a_reset_is_an_answer_but_no_time() {
    let sample = sample();
    assert_eq!(sample[3].traces[0].hops[1].answers[0].kind, AnswerKind::Reset);
    assert!(sample[3].traces[0].target_answered());
    assert_eq!(best_ms(&sample[3], HOST), None);
    let by_ack = &sample[8].pings[0];
    assert_eq!((by_ack.attempts, by_ack.resets, by_ack.best), (2, 2, None));
}

#[test]
fn hops_that_nobody_answered_are_there_and_silent() {
    let trace = &sample()[4].traces[0];
    let silent: Vec<_> = trace.hops.iter().map(|hop| (hop.ttl, hop.answers.len(), hop.silent)).collect();
    assert_eq!(silent, [(1, 1, 0), (2, 0, 1), (3, 0, 1)]);
    assert_eq!(trace.ending, Ending::Silent);
    let nobody = &sample()[5].traces[0];
    assert_eq!((nobody.hops.len(), nobody.hops[0].silent, nobody.ending), (5, 2, Ending::Silent));
}

#[test]
fn a_ping_has_a_time_and_no_path() {
    let sample = sample();
    for (index, address, ms, samples) in [(6, HOST, 0.053, 3), (7, HOST, 0.107, 2), (11, "2400:adc0:2::2", 0.065, 2)] {
        let observation = &sample[index];
        assert!(observation.traces.is_empty());
        assert_eq!(observation.pings[0].rtt(), Rtt::from_ms(ms).map(|rtt| (rtt, samples)));
        assert_eq!(best_ms(observation, address), Some(ms));
    }
    assert_eq!(sample[9].pings[0].best, None, "nobody there");
    assert_eq!(sample[10].pings[0].best, None, "a router's answer is not the target's");
}

#[test]
fn a_second_answer_to_a_probe_and_times_that_are_none_do_not_count() {
    let reply =
        |seq: u8, rtt: &str| format!(r#"{{"from":"{HOST}","seq":{seq},"rtt":{rtt},"icmp_type":0,"icmp_code":0}}"#);
    let ping = |flags: &str| {
        let responses =
            [reply(0, "0"), reply(0, "0.1"), reply(1, "-4"), reply(2, "90000"), reply(3, "7.5"), reply(4, "0.0004")]
                .join(",");
        format!(
            r#"{{"type":"ping","method":"icmp-echo","src":"203.101.1.1","dst":"{HOST}","start":{{"sec":1}},"ping_sent":4,
            "flags":[{flags}],"responses":[{responses}]}}"#
        )
        .replace('\n', " ")
    };
    assert_eq!(best_ms(&observed(&ping("")).unwrap()[0], HOST), Some(7.5));
    assert_eq!(best_ms(&observed(&ping("\"spoof\"")).unwrap()[0], HOST), None, "sent in another's name");
}

#[test]
fn the_vantage_is_the_monitor_or_the_host_of_the_cycle_or_the_source() {
    let vantages = "[[vantage]]\nid = \"203.101.1.1\"\nlatitude = 24.86\nlongitude = 67.0\nuncertainty_km = 5\n";
    let written = Written { name: "vantages.toml".to_owned(), bytes: vantages.into() };
    let vantages = config::vantages::parse(&written).unwrap();
    let who = |text: &str, vantages: &Vantages| parse(text, vantages).unwrap().observations[0].vantage.id.0.clone();
    let monitored = SAMPLE.replace("\"dst\"", "\"monitor\":\"khi-pk\", \"dst\"");
    let (_, without_cycle) = SAMPLE.split_once('\n').unwrap();
    assert_eq!(who(&monitored, &Vantages::default()), "khi-pk");
    assert_eq!(who(SAMPLE, &Vantages::default()), "khi-ark");
    assert_eq!(who(without_cycle, &Vantages::default()), "203.101.1.1");
    assert_eq!(who(&monitored, &vantages), "203.101.1.1", "the one that is described");
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_field() {
    let traces: Vec<&str> = SAMPLE.lines().collect();
    let refused = |line: String| -> ImportError { observed(&format!("{}\n{line}\n", traces[0])).unwrap_err() };
    for (wrong, words) in [
        (traces[1].replace("\"rtt\":0.051", "\"rtt\":\"fast\""), "hops[0].rtt: invalid type"),
        (traces[1].replace("\"dst\":\"203.101.2.2\"", "\"dst\":\"nowhere\""), "dst: nowhere is not an address"),
        (traces[1].replace("icmp-echo-paris", "pigeon"), "method: pigeon"),
        (traces[1].replace("\"method\":\"icmp-echo-paris\", ", ""), "missing field `method`"),
        (traces[1].replace("\"src\":\"203.101.1.1\"", "\"monitor\":\"a\\u001b[2Jb\""), "monitor: "),
        (traces[1].replace("\"sec\":1795304576, \"usec\":329373", "\"sec\":99999999999999"), "start: "),
        (traces[1][..traces[1].len() - 9].to_owned(), "cut short"),
    ] {
        let error = refused(wrong);
        assert!(error.line == 2 && error.fault.contains(words), "{words}: {error}");
    }
}

#[test]
fn other_kinds_are_passed_over_and_counted() {
    let text = format!("{SAMPLE}{{\"type\":\"dealias\",\"version\":\"0.2\"}}\n{{\"type\":\"tracelb\"}}\n");
    let imported = parse(&text, &Vantages::default()).unwrap();
    assert_eq!(imported.observations.len(), 12);
    assert_eq!(imported.remarks.skipped.keys().collect::<Vec<_>>(), ["scamper dealias", "scamper tracelb"]);
}

#[test]
fn an_ipv6_target_is_an_endpoint() {
    let last = sample().pop().unwrap();
    let address: IpAddr = "2400:adc0:2::2".parse().unwrap();
    assert_eq!(last.addresses().into_iter().collect::<Vec<_>>(), [address]);
}
