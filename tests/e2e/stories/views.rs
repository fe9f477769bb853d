//! What resolvers say differently: every view is asked, all of what they give is judged, and who diverges is named.

use super::network;
use crate::lab::{Authority, Lab, NameServer, Recursor, Settings, SteeringServer, Zone, inspect};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

const ENDPOINT: &str = "tcp://www.example.gov.pk:443";
const ZONE: &str = "example.gov.pk";

/// Knocks and traces are for other stories.
const NAMES_ALONE: &str = "protocols = []\ncontact_attempts = 0\nzone = false\nnames = false";

/// What is found by asking `resolver` and the views of `sections`, and the exit status.
fn look(lab: &Lab, resolver: IpAddr, sections: &str) -> (Vec<Value>, Option<i32>) {
    let endpoints = &[ENDPOINT];
    let probing = NAMES_ALONE;
    inspect(lab, "khi-1", &Settings { endpoints, resolver: Some(resolver), probing, sections, ..Settings::default() })
}

/// What each view said: the addresses that it gave, and why it gave none.
fn said(line: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut said: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for resolution in line["resolutions"].as_array().expect("resolutions") {
        let view = said.entry(resolution["view"].as_str().expect("a view")).or_default();
        let outcome = &resolution["outcome"];
        let given = outcome["answered"]["addresses"].as_array().into_iter().flatten();
        view.extend(given.map(|found| found["address"].as_str().expect("an address")));
        view.extend(outcome["failed"].as_str().filter(|failure| *failure != "no-data"));
    }
    said
}

/// The facts of the finding that views diverge, if there is one.
fn divergence(line: &Value) -> Option<Vec<&str>> {
    let findings = line["findings"].as_array().expect("findings");
    let finding = findings.iter().find(|finding| finding["rule"] == "view-divergence")?;
    Some(finding["because"].as_array().expect("facts").iter().map(|fact| fact.as_str().expect("text")).collect())
}

pub(super) fn see_a_cdn_that_answers_by_client_subnet() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (home, abroad) = (net.v4("portal", "ix"), net.v4("abroad", "sea"));
    let muscat = IpAddr::V4(Ipv4Addr::new(82, 178, 1, 2));
    let steering = [("203.0.113.0/24", home), ("198.51.100.0/24", abroad), ("192.0.2.0/24", muscat)];
    let _server = SteeringServer::start(&lab, "portal", home, ZONE, home, &steering);
    let mut sections = format!(
        "{}[[asset]]\nprefix = \"82.178.1.0/24\"\ncountry = \"OM\"\nsource = \"asset list of the lab\"\n\
         dated = 2026-01-01\n",
        network::REGISTER
    );
    for (view, (subnet, _)) in ["isp-a", "isp-b", "isp-c"].into_iter().zip(steering) {
        let _ =
            write!(sections, "[[resolver]]\nname = \"{view}\"\naddress = \"{home}\"\nclient_subnet = \"{subnet}\"\n");
    }
    let (lines, status) = look(&lab, home, &sections);
    let union: BTreeSet<&str> = lines.iter().map(|line| line["address"].as_str().expect("an address")).collect();
    assert_eq!(union, BTreeSet::from(["175.107.60.1", "82.178.1.2", "88.198.1.2"]));
    let gave = [("isp-a", "175.107.60.1"), ("isp-b", "88.198.1.2"), ("isp-c", "82.178.1.2"), ("lab", "175.107.60.1")];
    assert_eq!(said(&lines[0]), gave.map(|(view, address)| (view, BTreeSet::from([address]))).into());
    for line in &lines {
        let facts = divergence(line).unwrap_or_else(|| panic!("{line:#}"));
        let leads = |view: &str, to: &str| facts.contains(&format!("view {view} leads to {to}").as_str());
        assert!(leads("isp-a", "175.107.60.1, inside (attested): PK"), "{facts:#?}");
        assert!(leads("isp-b", "88.198.1.2, outside (attested): DE"), "{facts:#?}");
        assert!(leads("isp-c", "82.178.1.2, outside (attested): OM"), "{facts:#?}");
    }
    assert_eq!(status, Some(2), "two of the addresses are abroad");
}

pub(super) fn are_asked_by_tls_and_https() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (home, resolver) = (net.v4("portal", "ix"), net.v4("dns", "isp"));
    let _server =
        NameServer::start(&lab, "portal", home, &[Zone { name: ZONE, ttl: 30, records: "www A 175.107.60.1" }]);
    let (right, wrong) = (Authority::new(&lab, "right"), Authority::new(&lab, "wrong"));
    let identity = right.issue("dns.example.pk");
    let secured = format!(
        "  interface: {resolver}@853\n  interface: {resolver}@443\n  tls-port: 853\n  https-port: 443\n  \
         tls-service-pem: {}\n  tls-service-key: {}\n",
        identity.certificate.display(),
        identity.key.display()
    );
    let _recursor = Recursor::start_with(&lab, "dns", resolver, home, &[ZONE], &secured);
    let views = [
        ("dot", "tls", "dns.example.pk", &right),
        ("doh", "https", "dns.example.pk", &right),
        ("dot-of-another-ca", "tls", "dns.example.pk", &wrong),
        ("doh-of-another-ca", "https", "dns.example.pk", &wrong),
        ("dot-by-another-name", "tls", "dns.example.com", &right),
    ];
    let sections = views.map(|(view, transport, name, authority)| {
        format!(
            "[[resolver]]\nname = \"{view}\"\naddress = \"{resolver}\"\ntransport = \"{transport}\"\n\
             server_name = \"{name}\"\nca_file = \"{}\"\n",
            authority.file.display()
        )
    });
    let sections = format!("{}{}", network::REGISTER, sections.concat());
    let (lines, _) = look(&lab, resolver, &sections);
    let said = said(&lines[0]);
    for view in ["dot", "doh", "lab"] {
        assert_eq!(said[view], BTreeSet::from(["175.107.60.1"]), "{view}: {said:#?}");
    }
    for view in ["dot-of-another-ca", "doh-of-another-ca", "dot-by-another-name"] {
        assert_eq!(said[view], BTreeSet::from(["untrusted"]), "{view}: {said:#?}");
    }
    assert_eq!((lines.len(), divergence(&lines[0])), (1, None), "{:#}", lines[0]);
}

pub(super) fn name_who_leads_to_a_block_page() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (home, resolver) = (net.v4("portal", "ix"), net.v4("dns", "isp"));
    let _server =
        NameServer::start(&lab, "portal", home, &[Zone { name: ZONE, ttl: 30, records: "www A 175.107.60.1" }]);
    let injected = "  local-data: \"www.example.gov.pk. 30 A 10.10.34.36\"\n";
    let _recursor = Recursor::start_with(&lab, "dns", resolver, home, &[ZONE], injected);
    let sections = format!("{}[[resolver]]\nname = \"honest\"\naddress = \"{home}\"\n", network::REGISTER);
    let (lines, _) = look(&lab, resolver, &sections);
    let gave = [("honest", "175.107.60.1"), ("lab", "10.10.34.36")];
    assert_eq!(said(&lines[0]), gave.map(|(view, address)| (view, BTreeSet::from([address]))).into());
    let facts = divergence(&lines[0]).unwrap_or_else(|| panic!("{:#}", lines[0]));
    assert!(facts.iter().any(|fact| fact.starts_with("view lab gives 10.10.34.36, ")), "{facts:#?}");
    assert!(!facts.iter().any(|fact| fact.contains("honest")), "{facts:#?}");
}
