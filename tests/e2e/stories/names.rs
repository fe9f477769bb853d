//! Names that lead nowhere: an outage is not a place.

use super::network;
use crate::lab::{Instance, Lab, NameServer, Recursor, Settings, Zone, wait_for};
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
