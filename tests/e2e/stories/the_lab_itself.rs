//! The lab is true to its drawing; without that no other story means anything. Measured with other people's tools.

use crate::lab::{Alertmanager, Lab, LongWay, NameServer, Recursor, Topology, Zone};
use std::net::IpAddr;

fn three_routers() -> Topology {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").silent_router("dark").router("ix").host("web");
    net.link("khi-1", "isp", &["175.107.60.0/30", "2407:e700:0:1::/126"]);
    net.link("isp", "dark", &["175.107.60.4/30", "2407:e700:0:2::/126"]);
    net.link("dark", "ix", &["175.107.60.8/30", "2407:e700:0:3::/126"]);
    net.link("ix", "web", &["175.107.61.0/30", "2407:e700:0:4::/126"]);
    net
}

pub(super) fn routes_packets() {
    let net = three_routers();
    let lab = Lab::up(&net);
    for (node, peer) in [("khi-1", "isp"), ("isp", "dark"), ("dark", "ix"), ("ix", "web"), ("web", "ix")] {
        let detection = format!("net.ipv6.conf.{peer}.accept_dad");
        assert_eq!(lab.output(node, &["sysctl", "-n", &detection]), "0\n", "{node}: its addresses work at once");
    }
    for (family, target) in [("-4", net.v4("web", "ix")), ("-6", net.v6("web", "ix"))] {
        let facing = |node, peer| if target.is_ipv6() { net.v6(node, peer) } else { net.v4(node, peer) };
        let hops = traced(&lab, family, target);
        let truth =
            [facing("isp", "khi-1").to_string(), "*".to_owned(), facing("ix", "dark").to_string(), target.to_string()];
        assert_eq!(hops, truth);
    }
}

/// The hops that the system's traceroute sees.
fn traced(lab: &Lab, family: &str, target: IpAddr) -> Vec<String> {
    let output = lab.output("khi-1", &["traceroute", family, "-n", "-q1", "-w1", "-N1", &target.to_string()]);
    output.lines().skip(1).filter_map(|line| Some(line.split_whitespace().nth(1)?.to_owned())).collect()
}

pub(super) fn serves_names_and_takes_alerts() {
    let net = three_routers();
    let lab = Lab::up(&net);
    let (authority, recursor) = (net.v4("web", "ix"), net.v4("isp", "khi-1"));
    let zone = |records| Zone { name: "example.gov.pk", ttl: 2, records };
    let server = NameServer::start(&lab, "web", authority, &[zone("portal A 175.107.61.2")]);
    let _recursor = Recursor::start(&lab, "isp", recursor, authority, &["example.gov.pk"]);
    let ask = || lab.output("khi-1", &["dig", "+short", &format!("@{recursor}"), "portal.example.gov.pk"]);
    assert_eq!(ask(), "175.107.61.2\n");
    server.publish(&zone("portal A 88.198.1.2"));
    crate::lab::wait_for("the recursor to forget", std::time::Duration::from_secs(10), || {
        (ask() == "88.198.1.2\n").then_some(())
    });
    let alertmanager = Alertmanager::start(&lab, "khi-1");
    assert_eq!(alertmanager.alerts(), Vec::<serde_json::Value>::new());
}

pub(super) fn long_way_is_long() {
    let mut net = Topology::default();
    net.host("khi-1").router("sea").host("web");
    net.link("khi-1", "sea", &["175.107.60.0/30", "2407:e700:0:1::/126"]);
    net.link("sea", "web", &["88.198.1.0/30", "2a01:4f8:0:1::/126"]);
    let lab = Lab::up(&net);
    let ways = [
        LongWay { toward: "88.198.0.0/16", routers: &[("62.115.1.1", 40), ("62.115.1.2", 110)], reached_after: 120 },
        LongWay { toward: "2a01:4f8::/32", routers: &[("2001:2000::1", 60)], reached_after: 130 },
    ];
    let _sea = LongWay::start(&lab, "sea", &ways);
    for (target, milliseconds) in [(net.v4("web", "sea"), 120.0), (net.v6("web", "sea"), 130.0)] {
        let output = lab.output("khi-1", &["ping", "-n", "-c1", &target.to_string()]);
        let took = output.split("time=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a round trip");
        assert!(took.parse::<f64>().expect("a number") >= milliseconds, "{took} ms to {target}");
    }
    let [sea, web] = [net.v4("sea", "khi-1"), net.v4("web", "sea")].map(|address| address.to_string());
    assert_eq!(traced(&lab, "-4", net.v4("web", "sea")), [sea.as_str(), "62.115.1.1", "62.115.1.2", &web]);
}
