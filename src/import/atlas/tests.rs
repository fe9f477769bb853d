use crate::import::tests::{imported, observed};
use crate::moment::Rtt;
use crate::observation::Observation;
use crate::trace::{AnswerKind, Ending};

pub(in crate::import) const TRACEROUTE: &str = r#"{"af":4,"proto":"ICMP","type":"traceroute","prb_id":7613,
    "timestamp":1780682730,"dst_name":"pbs.gov.pk","dst_addr":"113.197.54.86","result":[
    {"hop":1,"result":[{"from":"192.168.1.1","rtt":0.4},{"x":"*"},{"late":2}]},
    {"hop":2,"result":[{"from":"113.197.54.86","rtt":41.932}]},{"error":"x"}]}"#;

pub(in crate::import) const PING: &str = r#"{"fw":5080,"mver":"2.6.2","lts":43,"dst_name":"pbs.gov.pk","af":4,
    "dst_addr":"113.197.54.86","src_addr":"192.168.1.6","proto":"ICMP","ttl":55,"size":48,"result":[{"rtt":41.469868},
    {"rtt":3.5,"dup":1},{"x":"*"},{"rtt":41.909145},{"error":"sendto failed: Network unreachable"},{"rtt":2.5,"late":1}],
    "dup":1,"rcvd":2,"sent":4,"min":3.5,"max":41.909145,"avg":36.2,"msm_id":1,"prb_id":7613,"timestamp":1780682731,
    "msm_name":"Ping","from":"203.0.113.9","type":"ping","step":240}"#;

const TARGET: &str = "113.197.54.86";

fn only(text: &str) -> Observation {
    let mut observations = observed(&format!("[{text}]")).unwrap();
    assert_eq!(observations.len(), 1);
    observations.remove(0)
}

fn best_ms(text: &str) -> Option<f64> {
    only(text).best_rtt(TARGET.parse().unwrap()).map(|best| best.rtt.ms())
}

#[test]
fn a_traceroute_becomes_an_observation() {
    let observation = only(TRACEROUTE);
    assert_eq!(best_ms(TRACEROUTE), Some(41.932));
    assert_eq!(observation.vantage.id.0, "atlas-7613");
    assert_eq!(observation.traces[0].hops[0].silent, 1);
    assert_eq!(observation.traces[0].ending, Ending::Reached);
}

#[test]
fn a_ping_becomes_times_without_a_path() {
    let observation = only(PING);
    assert!(observation.traces.is_empty());
    let ping = &observation.pings[0];
    assert_eq!((ping.attempts, ping.rtt()), (4, Rtt::from_ms(41.469_868).map(|rtt| (rtt, 2))));
    assert_eq!(best_ms(PING), Some(41.469_868), "neither the duplicate, nor the late one, nor their minimum");
    assert_eq!(observation.addresses().len(), 1);
}

#[test]
fn what_another_host_answered_is_no_time_of_the_target() {
    let with = |first: &str, last: &str| {
        let text = PING.replace("{\"rtt\":41.469868}", &format!("{{\"rtt\":0.3{first}}}"));
        best_ms(&text.replace("{\"rtt\":41.909145}", &format!("{{\"rtt\":41.909145{last}}}")))
    };
    let (elsewhere, target) = (",\"src_addr\":\"192.168.1.1\"", ",\"src_addr\":\"113.197.54.86\"");
    assert_eq!(with(elsewhere, ""), Some(41.909_145));
    assert_eq!(with(",\"src_Addr\":\"192.168.1.1\"", ""), Some(41.909_145), "as its documentation has it");
    assert_eq!(with(",\"src_addr\":\"nowhere\"", elsewhere), None);
    assert_eq!(with("", target), Some(41.909_145), "the first came from elsewhere, since this one differs from it");
    assert_eq!(with(",\"src_addr\":\"::ffff:113.197.54.86\"", target), Some(0.3));
}

#[test]
fn an_answer_to_a_probe_that_was_sent_elsewhere_on_the_way_is_no_witness() {
    let changed = TRACEROUTE.replace("41.932", "41.932,\"edst\":\"192.168.1.9\"");
    assert_eq!(best_ms(&changed), None);
    let trace = &only(&changed).traces[0];
    assert_eq!(trace.hops[1].answers[0].rewritten(), Some("192.168.1.9".parse().unwrap()));
    assert!(!trace.hops[1].answers[0].unmatched && trace.target_answered());
    let unreadable = only(&changed.replace("192.168.1.9", "elsewhere"));
    assert!(unreadable.traces[0].hops[1].answers[0].unmatched, "wherever that is");
}

#[test]
fn labels_are_read_and_other_extensions_passed_over() {
    let with = |extension: &str| {
        only(&TRACEROUTE.replace("41.932", &format!("41.932,\"icmpext\":{extension}"))).traces[0].hops[1].answers[0]
            .clone()
    };
    let mpls =
        r#"{"class":1,"type":1,"mpls":[{"exp":0,"label":16001,"s":0,"ttl":1},{"exp":2,"label":24012,"s":1,"ttl":1}]}"#;
    let answer = with(&format!(r#"{{"version":2,"rfc4884":1,"obj":[{{"class":2,"type":14}},{mpls}]}}"#));
    assert_eq!(
        answer.labelled().unwrap().iter().map(|label| (label.label, label.exp, label.s)).collect::<Vec<_>>(),
        [(16001, 0, 0), (24012, 2, 1)]
    );
    assert!(!answer.extras.unwrap().unannounced);
    assert!(with(&format!(r#"{{"version":2,"rfc4884":0,"obj":[{mpls}]}}"#)).extras.unwrap().unannounced);
    assert_eq!(with(r#"{"version":2,"rfc4884":0,"obj":[{"class":2,"type":14}]}"#).extras, None);
}

#[test]
fn an_address_of_ipv4_that_is_written_as_ipv6_is_that() {
    for text in [PING, TRACEROUTE] {
        let mapped = only(&text.replace("113.197.54.86", "::ffff:113.197.54.86"));
        assert_eq!(mapped, only(text));
    }
    assert_eq!(best_ms(&TRACEROUTE.replace("_addr\":\"", "_addr\":\"::ffff:")), Some(41.932));
}

#[test]
fn where_the_name_is_another_address_what_was_measured_counts_and_is_remarked() {
    let misnamed = PING.replace("pbs.gov.pk", "5.9.0.1");
    let read = imported(&format!("[{misnamed},{PING}]")).unwrap();
    assert_eq!((read.remarks.misnamed, read.observations.len()), (1, 2));
    assert_eq!(read.observations[0].endpoint.as_str(), TARGET);
    assert_eq!(best_ms(&misnamed), Some(41.469_868));
    assert_eq!(only(&misnamed).addresses().len(), 1);
}

#[test]
fn silence_is_silence() {
    let text = PING.replace("\"rtt\":", "\"x\":");
    assert_eq!(best_ms(&text), None);
}

#[test]
fn a_result_without_an_address_is_passed_over_and_no_failure_of_the_name_is_made_up() {
    let without = |text: &str, by: &str| text.replace("\"dst_addr\":\"113.197.54.86\",", by);
    let unresolved = [without(PING, "\"dst_addr\":\"\","), without(PING, ""), without(TRACEROUTE, "")];
    let imported = imported(&format!("[{TRACEROUTE},{}]", unresolved.join(","))).unwrap();
    assert_eq!(imported.observations.len(), 1);
    let skipped: Vec<_> = imported.remarks.skipped.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(skipped, [("RIPE Atlas ping without an address", 2), ("RIPE Atlas traceroute without an address", 1)]);
    let nowhere = without(PING, "").replace("\"dst_name\":\"pbs.gov.pk\",", "");
    assert!(observed(&nowhere.replace('\n', " ")).unwrap_err().fault.contains("it names no destination"));
}

#[test]
fn times_that_are_no_times_are_silence() {
    for wrong in ["-3.0", "0", "0.0", "-0.0", "0.0004", "1e-300", "60000.1", "3600000", "4294967295.9", "1e300"] {
        assert_eq!(best_ms(&TRACEROUTE.replace("41.932", wrong)), None, "{wrong}");
        let ping = PING.replace("41.469868", wrong).replace("41.909145", wrong);
        assert_eq!(best_ms(&ping), None, "{wrong}");
        let hop = &only(&TRACEROUTE.replace("0.4", wrong)).traces[0].hops[0];
        assert_eq!((hop.answers.len(), hop.silent), (0, 2), "{wrong}");
    }
    assert_eq!(best_ms(&TRACEROUTE.replace("41.932", "0.001")), Some(0.001));
}

#[test]
fn a_reset_is_an_answer_but_no_time() {
    let tcp = TRACEROUTE.replace("ICMP", "TCP");
    assert_eq!(best_ms(&tcp.replace("\"rtt\":41.932", "\"rtt\":41.932,\"flags\":\"SA\"")), Some(41.932));
    let reset = tcp.replace("\"rtt\":41.932", "\"rtt\":41.932,\"flags\":\"RA\"");
    assert_eq!(best_ms(&reset), None);
    let trace = &only(&reset).traces[0];
    assert_eq!((trace.hops[1].answers[0].kind, trace.ending), (AnswerKind::Reset, Ending::Reached));
}

#[test]
fn lines_are_read_as_well_as_an_array() {
    let line = TRACEROUTE.replace('\n', " ");
    assert_eq!(observed(&format!("{line}\n\n{line}\r\n")).unwrap().len(), 2);
}

#[test]
fn a_file_cut_in_half_is_refused_with_the_line() {
    let whole = format!("[\n{TRACEROUTE},\n{TRACEROUTE}\n]");
    let error = observed(&whole[..whole.len() / 2 + 40]).unwrap_err();
    assert!(error.line >= 5 && error.fault.contains("cut short"), "{error}");
}

#[test]
fn a_fault_inside_a_result_names_the_line_and_the_field() {
    for (right, wrong, line, words) in [
        ("113.197.54.86\",\"result", "nowhere\",\"result", 6, "dst_addr: nowhere is not an address"),
        ("1780682730", "\"now\"", 7, "timestamp: invalid type"),
        ("\"rtt\":0.4", "\"rtt\":[]", 8, "result[0].result[0].rtt: invalid type"),
        ("\"hop\":2", "\"hop\":300", 9, "result[1].hop: invalid value"),
        ("\"ICMP\"", "\"SCTP\"", 6, "proto: SCTP"),
        ("pbs.gov.pk", "pbs gov pk", 6, "dst_name: "),
        ("7613", "-7", 6, "prb_id: "),
    ] {
        let error = observed(&format!("[\n{TRACEROUTE},\n{}\n]", TRACEROUTE.replacen(right, wrong, 1))).unwrap_err();
        assert!(error.line == line && error.fault.contains(words), "{wrong}: {error}");
    }
    let error = observed(&format!("[{}]", PING.replace("\"result\"", "\"results\""))).unwrap_err();
    assert!(error.fault.contains("missing field `result`"), "{error}");
}

#[test]
fn results_of_other_types_are_passed_over_and_counted() {
    let other = |kind: &str| TRACEROUTE.replace("\"traceroute\"", kind);
    let text = format!("[{TRACEROUTE},{},{},{}]", other("\"dns\""), other("\"dns\""), other("\"sslcert\""));
    let imported = imported(&text).unwrap();
    assert_eq!(imported.observations.len(), 1);
    let skipped: Vec<_> = imported.remarks.skipped.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(skipped, [("RIPE Atlas dns", 2), ("RIPE Atlas sslcert", 1)]);
}

#[test]
fn an_old_result_without_a_type_is_a_traceroute() {
    assert_eq!(best_ms(&TRACEROUTE.replace("\"type\":\"traceroute\",", "")), Some(41.932));
}
