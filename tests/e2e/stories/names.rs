//! Names that lead nowhere: an outage is not a place. Names that lead to too much, and say what nobody should obey.

use super::network;
use crate::lab::{Instance, Lab, NameServer, Recursor, Settings, Zone, inspect, inspect_in_words, wait_for};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;

pub(super) fn failures_are_unproven_and_never_compliant() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (authority, resolver) = (net.v4("portal", "ix"), net.v4("dns", "isp"));
    let records = "loop CNAME pool\npool CNAME loop\ndangling CNAME nothing\nempty TXT text\nhere A 175.107.60.1";
    let zone = Zone { name: "example.gov.pk", ttl: 3, records };
    let _server = NameServer::start(&lab, "portal", authority, &[zone]);
    // The second zone is delegated to a server that does not have it: lame, which a recursor reports as SERVFAIL.
    let _recursor = Recursor::start(&lab, "dns", resolver, authority, &["example.gov.pk", "lame.gov.pk"]);
    lab.resolve_by(resolver);
    let good = "tcp://here.example.gov.pk:53";
    let bad = [
        "loop.example.gov.pk",
        "dangling.example.gov.pk",
        "empty.example.gov.pk",
        "nothing.example.gov.pk",
        "www.lame.gov.pk",
    ];
    let bad = bad.map(|name| format!("tcp://{name}:443"));
    let endpoints: Vec<&str> = bad.iter().map(String::as_str).chain([good]).collect();
    let settings = Settings { endpoints: &endpoints, sections: network::REGISTER, ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    pehra.wait_for_standing(good, "compliant", Duration::from_secs(30));
    for endpoint in &bad {
        pehra.wait_for_standing(endpoint, "unproven", Duration::from_secs(30));
        let finding = [("endpoint", endpoint.as_str()), ("rule", "unresolvable")];
        wait_for("the finding", Duration::from_secs(5), || pehra.metric("pehra_endpoint_finding", &finding));
    }
}

pub(super) fn are_told_within_bounds() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let authority = net.v4("portal", "ix");
    // What fits into one message of 64 KiB, and what does not.
    let mut records = String::from("here A 175.107.60.1\n");
    for (name, count) in [("many", 4000), ("most", 10_000)] {
        for index in 0..count {
            let _ = writeln!(records, "{name} A 175.107.{}.{}", 61 + index / 250, 1 + index % 250);
        }
    }
    for link in 0..40 {
        let _ = writeln!(records, "chain{link} CNAME chain{}", link + 1);
    }
    records += "chain40 A 175.107.60.1\n";
    let zone = Zone { name: "example.gov.pk", ttl: 30, records: &records };
    let hostile = "1 PTR <script>alert\\(1\\)</script>\\027[2J\\027]0\\;owned\\007\\226\\128\\174.example.gov.pk.";
    let pointers = Zone { name: "60.107.175.in-addr.arpa", ttl: 30, records: hostile };
    let _server = NameServer::start(&lab, "portal", authority, &[zone, pointers]);
    let endpoints = ["many", "most", "chain0"].map(|name| format!("tcp://{name}.example.gov.pk:53"));
    let endpoints = endpoints.each_ref().map(String::as_str);
    let probing = "protocols = []\ncontact_attempts = 0";
    let settings = Settings { endpoints: &endpoints, resolver: Some(authority), probing, ..Settings::default() };
    let (lines, status) = inspect(&lab, "khi-1", &settings);
    assert_eq!(status, Some(3), "too much is unproven");
    let of = |name: &str| {
        let is_meant = |line: &&Value| line["endpoint"].as_str().is_some_and(|endpoint| endpoint.contains(name));
        lines.iter().filter(is_meant).collect::<Vec<_>>()
    };
    let facts = |line: &Value| {
        let findings = line["findings"].as_array().expect("findings");
        let unresolvable = findings.iter().find(|finding| finding["rule"] == "unresolvable");
        unresolvable.map(|finding| finding["because"][0].as_str().expect("a fact").to_owned()).unwrap_or_default()
    };
    let (many, most, chain) = (of("many"), of("most"), of("chain0"));
    assert_eq!((many.len(), most.len(), chain.len()), (256, 1, 1));
    assert_eq!(facts(many[0]), "view lab: A many.example.gov.pk: 3744 addresses were left out");
    assert_eq!(facts(most[0]), "view lab: A most.example.gov.pk: truncated");
    assert_eq!(facts(chain[0]), "view lab: A chain0.example.gov.pk: alias-chain-too-long");
    let longest = lines.iter().map(|line| line.to_string().len()).max();
    assert!(longest.is_some_and(|bytes| bytes < 64 << 10), "{longest:?}");

    let text = inspect_in_words(&lab, "khi-1", &settings);
    assert!(text.len() < 512 << 10, "{} bytes", text.len());
    assert!(text.contains(", 175.107.61.8 and 248 more (3744 left out)"), "{text}");

    let settings = Settings { endpoints: &["tcp://here.example.gov.pk:53"], probing: "", ..settings };
    let text = inspect_in_words(&lab, "khi-1", &settings);
    let called = "<script>alert(1)</script>\\027[2j\\027]0;owned\\007\\226\\128\\174.example.gov.pk";
    assert!(text.contains(called), "what the address is called is told: {text}");
    let plain = without_colours(&text);
    assert!(plain.chars().all(|c| c == '\n' || !c.is_control()) && !plain.contains('\u{202e}'), "{plain:?}");
}

/// The text without the sequences that only choose a colour or weight.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let codes = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').len();
        match part[codes..].strip_prefix('m') {
            Some(rest) => plain += rest,
            None => plain.extend(["\x1b[", part]),
        }
    }
    plain
}
