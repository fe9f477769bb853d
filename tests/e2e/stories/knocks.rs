//! What begins a connection and completes none, and what is seen on the way to it.

use super::network;
use crate::lab::{Lab, LongWay, Settings, Topology, inspect, listen, trace};
use pehra::import::{self, vantages::Vantages};
use pehra::trace::{AnswerKind, Ending, Protocol, Trace};
use std::net::{IpAddr, SocketAddr};

/// The paths that `pehra trace` finds.
fn traced(lab: &Lab, protocol: &str, targets: [IpAddr; 2]) -> Vec<Trace> {
    let targets = targets.map(|target| target.to_string());
    let arguments = ["--json", "--protocol", protocol, &targets[0], &targets[1]];
    let lines = lab.output("khi-1", &trace(true, &arguments));
    let seen = import::parse(&lines, &Vantages::default()).expect("what judge reads").observations;
    let mut traces: Vec<Trace> = seen.into_iter().flat_map(|seen| seen.traces).collect();
    traces.sort_by_key(|trace| trace.target);
    assert_eq!(traces.len(), 2, "{traces:#?}");
    traces
}

pub(super) fn pass_and_leave_nothing_half_open() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let targets = [net.v4("portal", "ix"), net.v6("portal", "ix")];
    let _workloads = targets.map(|address| listen(&lab, "portal", SocketAddr::new(address, 443)));
    let eats = "add table inet fence; add chain inet fence way { type filter hook forward priority 0; }; \
        add rule inet fence way meta l4proto udp drop; add rule inet fence way icmp type echo-request drop; \
        add rule inet fence way icmpv6 type echo-request drop";
    lab.output("ix", &["nft", eats]);
    for protocol in ["icmp", "udp"] {
        for trace in traced(&lab, protocol, targets) {
            assert!(trace.ending == Ending::Silent && !trace.target_answered(), "{trace:#?}");
        }
    }
    for (protocol, port, kind) in [("tcp", 443, AnswerKind::SynAck), ("tcp:80", 80, AnswerKind::Reset)] {
        for trace in traced(&lab, protocol, targets) {
            assert_eq!((trace.protocol, trace.port, trace.ending), (Protocol::Tcp, Some(port), Ending::Reached));
            let facing = |node, peer| if trace.target.is_ipv4() { net.v4(node, peer) } else { net.v6(node, peer) };
            assert_eq!(trace.responders(), [facing("isp", "khi-1"), facing("ix", "isp"), trace.target], "{trace:#?}");
            let last = &trace.hops[2];
            assert!(last.silent == 0 && last.answers.iter().all(|answer| answer.kind == kind), "{trace:#?}");
            assert_eq!(trace.target_rtt(), None, "whoever stands in the way may say so");
        }
    }
    // State 03 is a connection of which half is open (tcp(7), /proc/net/tcp).
    let half_open = lab.output("portal", &["sh", "-c", "cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"03\"'"]);
    assert_eq!(half_open, "");
}

pub(super) fn see_labels_and_translators() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let targets = [net.v4("abroad", "sea"), net.v6("abroad", "sea")];
    let four = [("62.115.1.1", 4), ("62.115.1.2+24012", 6), ("62.115.1.3>10.9.9.9", 8)];
    let six = [("2001:2034::1", 4), ("2001:2034::2+24012", 6), ("2001:2034::3>fd00::9", 8)];
    let ways = [
        LongWay { toward: "88.198.0.0/16", routers: &four, reached_after: 10 },
        LongWay { toward: "2a01:4f8::/32", routers: &six, reached_after: 10 },
    ];
    let _way = LongWay::start(&lab, "sea", &ways);
    let _workloads = targets.map(|address| listen(&lab, "abroad", SocketAddr::new(address, 443)));
    for (protocol, last) in
        [("icmp", AnswerKind::EchoReply), ("udp", AnswerKind::PortUnreachable), ("tcp", AnswerKind::SynAck)]
    {
        for trace in traced(&lab, protocol, targets) {
            assert_eq!((trace.ending, trace.hops.len()), (Ending::Reached, 7), "{trace:#?}");
            let end = &trace.hops[6];
            assert!(end.silent == 0 && end.answers.iter().all(|answer| answer.kind == last), "{trace:#?}");
            let is_v4 = trace.target.is_ipv4();
            let expected = if is_v4 {
                ["62.115.1.1", "62.115.1.2", "62.115.1.3"]
            } else {
                ["2001:2034::1", "2001:2034::2", "2001:2034::3"]
            };
            let translated: IpAddr = if is_v4 { [10, 9, 9, 9].into() } else { "fd00::9".parse().expect("an address") };
            for (hop, (number, router)) in trace.hops[3..].iter().zip(expected.iter().enumerate()) {
                assert!(!hop.answers.is_empty() && hop.silent == 0, "{trace:#?}");
                for answer in &hop.answers {
                    assert_eq!(answer.from, router.parse::<IpAddr>().expect("an address"), "{trace:#?}");
                    let labels: Vec<_> = answer
                        .labelled()
                        .unwrap_or_default()
                        .iter()
                        .map(|label| (label.label, label.s, label.ttl))
                        .collect();
                    assert_eq!(labels, if number == 1 { vec![(24_012, 1, 1)] } else { Vec::new() }, "{trace:#?}");
                    assert_eq!(answer.rewritten(), (number == 2).then_some(translated), "{trace:#?}");
                    assert_eq!(trace.is_witness(answer), number != 2, "{trace:#?}");
                }
            }
        }
    }
    let told = lab.output("khi-1", &trace(true, &["--numeric", &targets[0].to_string()]));
    assert!(told.contains("62.115.1.2  [MPLS 24012]"), "{told}");
    assert!(told.contains("probes arrive at hop 6 with 10.9.9.9 as their destination"), "{told}");
}

pub(super) fn raise_suspicion() {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").router("sea").host("abroad");
    net.link("khi-1", "isp", &["39.32.0.0/30"]).link("isp", "sea", &["39.32.0.12/30"]);
    net.link("sea", "abroad", &["88.198.1.0/30"]);
    let lab = Lab::up(&net);
    let routers = [("62.115.1.1", 4), ("62.115.1.2", 6), ("62.115.1.3", 8)];
    let _way =
        LongWay::start(&lab, "sea", &[LongWay { toward: "88.198.0.0/16", routers: &routers, reached_after: 40 }]);
    // The provider takes every connection itself.
    let _proxy = listen(&lab, "isp", SocketAddr::new(net.v4("isp", "khi-1"), 443));
    let redirect = "add table ip proxy; add chain ip proxy in { type nat hook prerouting priority -100; }; \
        add rule ip proxy in tcp dport 443 redirect to :443";
    lab.output("isp", &["nft", redirect]);
    // And the host answers nothing else.
    let mute = "add table ip mute; add chain ip mute in { type filter hook input priority 0; }; \
        add rule ip mute in icmp type echo-request drop";
    lab.output("abroad", &["nft", mute]);
    let endpoint = format!("tcp://{}:443", net.v4("abroad", "sea"));
    let probing = "protocols = [\"icmp\", \"tcp\"]\nreply_timeout = \"500ms\"";
    let (lines, _) = inspect(&lab, "khi-1", &Settings { endpoints: &[&endpoint], probing, ..Settings::default() });
    let told = "TCP is answered from hop 1, and other probes go on to hop 5: by a proxy or firewall on the way";
    assert_eq!(lines[0]["suspicions"], serde_json::json!([told]), "{:#}", lines[0]);
}

pub(super) fn leave_from_the_address_of_their_way() {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").router("cable").host("portal").host("abroad");
    net.link("khi-1", "isp", &["39.32.0.0/30", "2400:adc0:0:1::/126"]);
    net.link("khi-1", "cable", &["39.33.0.0/30", "2400:adc0:0:2::/126"]);
    net.link("isp", "portal", &["175.107.60.0/30", "2407:e700:0:1::/126"]);
    net.link("cable", "abroad", &["88.198.1.0/30", "2a01:4f8:0:1::/126"]);
    let lab = Lab::up(&net);
    // Either provider drops what is from another network than its own.
    for (provider, v4, v6) in
        [("isp", "39.32.0.0/30", "2400:adc0:0:1::/126"), ("cable", "39.33.0.0/30", "2400:adc0:0:2::/126")]
    {
        let guard = format!(
            "add table inet guard; add chain inet guard way {{ type filter hook prerouting priority 0; }}; \
             add rule inet guard way iifname khi-1 ip saddr != {v4} drop; \
             add rule inet guard way iifname khi-1 ip6 saddr != {{ {v6}, fe80::/10 }} drop"
        );
        lab.output(provider, &["nft", &guard]);
    }
    for protocol in ["icmp", "udp", "tcp"] {
        for targets in
            [[net.v4("portal", "isp"), net.v4("abroad", "cable")], [net.v6("portal", "isp"), net.v6("abroad", "cable")]]
        {
            for trace in traced(&lab, protocol, targets) {
                assert_eq!((trace.ending, trace.hops.len()), (Ending::Reached, 2), "{trace:#?}");
            }
        }
    }
}
