use proptest::prelude::*;

use super::scamper;
use super::vantages::Vantages;
use super::{ImportError, Imported, parse};
use crate::observation::Observation;

pub(super) fn imported(text: &str) -> Result<Imported, ImportError> {
    parse(text, &Vantages::default())
}

pub(super) fn observed(text: &str) -> Result<Vec<Observation>, ImportError> {
    imported(text).map(|imported| imported.observations)
}

/// One result of every kind that is read, a line each.
fn mixture() -> String {
    let atlas = [super::atlas::tests::TRACEROUTE, super::atlas::tests::PING].map(|text| text.replace('\n', " "));
    format!("{}\n{}", atlas.join("\n"), scamper::tests::SAMPLE)
}

#[test]
fn results_of_both_tools_may_be_mixed_in_one_file() {
    let text = mixture();
    let observations = observed(&text).unwrap();
    assert_eq!(observations.len(), 14);
    let array = format!("[{}]", text.trim_end().replace('\n', ","));
    assert_eq!(observed(&array).unwrap(), observations);
    assert_eq!(observed(&format!("\u{feff}{text}")).unwrap(), observations, "some shells write a mark in front");
}

#[test]
fn a_file_with_nothing_to_judge_is_refused_and_says_what_it_holds() {
    let error = observed("{\"prb_id\":1,\"type\":\"dns\"}\n{\"prb_id\":1,\"type\":\"sslcert\"}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "1:1: nothing but RIPE Atlas dns, RIPE Atlas sslcert: only traceroutes and pings of addresses can be judged: fetch those"
    );
    let ways = format!("{{\"type\":\"{}\",\"hops\":[]}}", crate::export::multipath::KIND);
    assert!(observed(&ways).unwrap_err().fault.starts_with("nothing but pehra trace --multipath: "));
    let beside_a_trace = imported(&format!("{ways}\n{}", mixture())).unwrap();
    assert_eq!((beside_a_trace.observations.len(), beside_a_trace.remarks.skipped.len()), (14, 1));
    let error = observed("[{\"a\":1}]").unwrap_err();
    assert!(error.fault.contains("neither a prb_id"), "{error}");
    assert_eq!(observed(""), Ok(Vec::new()));
    assert_eq!(observed(" [ ] "), Ok(Vec::new()));
}

#[test]
fn what_is_no_result_is_refused_in_its_line() {
    for (text, line) in [("[1,2]", 1), ("\n\n\"a\"", 3), ("null", 1), ("{}\n{\"type\":3}", 1), ("[\n[\n]]", 2)] {
        let error = observed(text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_unless_whole_lines_are_left() {
    let text = mixture();
    for (index, _) in text.char_indices().skip(1).step_by(7) {
        let (kept, _) = text.split_at(index);
        let last_line = kept.lines().count();
        match observed(kept) {
            Ok(_) => assert!(kept.ends_with('\n') || text[index..].starts_with('\n'), "{kept}"),
            Err(error) => assert!(error.line == last_line && error.fault.contains("cut short"), "{last_line}: {error}"),
        }
    }
}

#[test]
fn a_line_broken_in_the_middle_of_a_file_is_no_cut_file() {
    for broken in ["{\"prb_id\":1,", "{", "{\"prb_id\":1"] {
        let error = observed(&format!("{broken}\n\n{}", mixture())).unwrap_err();
        assert!(error.line == 1 && error.fault.contains("the line ends before its result does"), "{error}");
        let error = observed(&format!("{}\n{broken}\n\n", mixture())).unwrap_err();
        assert!(error.fault.contains("the file is cut short"), "{error}");
    }
}

#[test]
fn an_old_observation_without_pings_is_read_and_written_as_it_was() {
    let mut observation = observed(&mixture()).unwrap().remove(0);
    let written = serde_json::to_string(&observation).unwrap();
    assert!(!written.contains("pings"));
    assert_eq!(serde_json::from_str::<Observation>(&written).unwrap(), observation);
    observation.pings = observed(&mixture()).unwrap().remove(1).pings;
    let written = serde_json::to_string(&observation).unwrap();
    assert_eq!(serde_json::from_str::<Observation>(&written).unwrap(), observation);
}

/// A fault that every caller can show: on a line of the text, in words without control characters.
fn is_fit_to_show(error: &ImportError, text: &str) -> bool {
    let lines = text.lines().count().max(1);
    (1..=lines + 1).contains(&error.line) && error.column > 0 && !error.fault.chars().any(char::is_control)
}

/// JSON that is made of the words of results.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,9}".prop_map(Into::into),
        prop::sample::select(vec![
            "traceroute",
            "ping",
            "trace",
            "cycle-start",
            "192.0.2.1",
            "::1",
            "TCP",
            "udp-paris"
        ])
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let names = prop::sample::select(vec![
            "type",
            "prb_id",
            "timestamp",
            "dst_addr",
            "dst_name",
            "result",
            "hop",
            "from",
            "rtt",
            "src",
            "dst",
            "method",
            "start",
            "sec",
            "usec",
            "hops",
            "addr",
            "probe_ttl",
            "probe_id",
            "hop_count",
            "responses",
            "seq",
            "proto",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((names, inner), 0..9)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_that_a_stranger_writes_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        let error = observed(&text).err();
        prop_assert!(error.is_none_or(|error| is_fit_to_show(&error, &text)));
    }

    #[test]
    fn nor_does_json_made_of_the_right_words(value in value()) {
        let text = value.to_string();
        let error = observed(&text).err();
        prop_assert!(error.clone().is_none_or(|error| is_fit_to_show(&error, &text)), "{error:?}");
    }

    #[test]
    fn nor_does_a_true_file_with_bytes_replaced(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = mixture().into_bytes();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let text = String::from_utf8_lossy(&bytes);
        let error = observed(&text).err();
        prop_assert!(error.clone().is_none_or(|error| is_fit_to_show(&error, &text)), "{error:?}");
    }
}
