//! Silence is never evidence.

use super::network;
use crate::lab::{Instance, Lab, Settings, Topology, wait_for};
use std::time::Duration;

pub(super) fn is_unproven_and_never_compliant() {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").silent_router("dark").silent_host("portal");
    net.link("khi-1", "isp", &["39.32.0.0/30"]);
    net.link("isp", "dark", &["39.32.0.4/30"]);
    net.link("portal", "dark", &["175.107.60.0/30"]);
    let lab = Lab::up(&net);
    let endpoint = format!("tcp://{}:443", net.v4("portal", "dark"));
    let settings = Settings { endpoints: &[&endpoint], ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    let observations = pehra.wait_for_journal(1);
    let trace = &observations[0].traces[0];
    assert_eq!(trace.responders(), [net.v4("isp", "khi-1")]);
    assert!(trace.hops[1].answers.is_empty() && trace.hops[1].silent > 0, "{trace:#?}");
    wait_for("a standing", Duration::from_secs(10), || pehra.standing(&endpoint));
    assert_eq!(pehra.standing(&endpoint), Some("unproven"));
    let located =
        |place| pehra.metric("pehra_endpoint_addresses", &[("endpoint", endpoint.as_str()), ("place", place)]);
    assert_eq!((located("unknown"), located("inside")), (Some(1.0), None));
    for rule in ["destination-unproven", "unreachable"] {
        let finding = [("endpoint", endpoint.as_str()), ("rule", rule)];
        assert_eq!(pehra.metric("pehra_endpoint_finding", &finding), Some(1.0), "{rule}");
    }
}

pub(super) fn no_network_at_all_is_unproven() {
    let mut net = Topology::default();
    net.host("khi-1");
    let lab = Lab::up(&net);
    let literal = "tcp://175.107.60.2:443";
    let name = "tcp://portal.example.gov.pk:443";
    let resolver = "39.32.0.6".parse().ok();
    let settings =
        Settings { endpoints: &[literal, name], resolver, sections: network::REGISTER, ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    for endpoint in [literal, name] {
        pehra.wait_for_standing(endpoint, "unproven", Duration::from_secs(30));
    }
    assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));
}
