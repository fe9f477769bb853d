//! Time is distance: what is far takes long, and what answers too soon is not as far away as they say.

use super::network::{self, CABLE};
use crate::lab::{Instance, Lab, Settings, inspect};
use pehra::moment::Rtt;
use std::time::Duration;

pub(super) fn is_never_shorter_than_the_cable() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _cable = network::lay_cable(&lab);
    let endpoints =
        [format!("tcp://{}:443", net.v4("abroad", "sea")), format!("tcp://[{}]:443", net.v6("abroad", "sea"))];
    let endpoints = endpoints.each_ref().map(String::as_str);
    let settings = Settings { endpoints: &endpoints, interval: "1h", ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    for observation in pehra.wait_for_journal(2) {
        let address = observation.addresses().into_iter().next().expect("an address");
        let best = observation.best_rtt(address).expect("an answer");
        assert!(best.rtt >= Rtt::from_duration(Duration::from_millis(CABLE)), "{best:?}");
        let cable = &observation.traces[0];
        if address.is_ipv4() {
            let late = [("62.115.1.1", 24), ("62.115.1.2", 96)];
            for (router, milliseconds) in late {
                let router: std::net::IpAddr = router.parse().expect("an address");
                let answers = cable.hops.iter().flat_map(|hop| &hop.answers).filter(|answer| answer.from == router);
                let best = answers.map(|answer| answer.rtt_ns).min().expect("an answer of the cable");
                assert!(best >= Rtt::from_duration(Duration::from_millis(milliseconds)), "{best:?}");
            }
        }
    }
}

pub(super) fn refutes_a_claim_that_light_cannot_satisfy() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    // No cable: whoever answers for the German address does so within Karachi.
    let endpoint = format!("tcp://{}:443", net.v4("abroad", "sea"));
    let (lines, _) = inspect(&lab, "khi-1", &Settings { endpoints: &[&endpoint], ..Settings::default() });
    let evidence = lines[0]["evidence"].as_array().expect("a list");
    let refuted = |kind: &str| evidence.iter().any(|item| item["kind"] == kind && item["weight"] == "refuted");
    assert!(refuted("database"), "{:#}", lines[0]);
    assert_ne!(lines[0]["place"], "outside");
}
