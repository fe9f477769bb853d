//! `pehra trace`: paths for a person and for tools.

use super::network;
use crate::lab::{Lab, NameServer, Recursor, Topology, Zone, trace};
use pehra::import::{self, vantages::Vantages};
use pehra::trace::{Ending, Protocol};
use std::net::IpAddr;
use std::time::{Duration, Instant};

const PORTAL: &str = "portal.example.gov.pk";

pub(super) fn are_told_to_a_person_and_to_a_tool() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (authority, resolver) = (net.v4("portal", "ix"), net.v4("dns", "isp"));
    let records = format!("portal A {authority}\nportal AAAA {}\ninner A 10.0.0.1", net.v6("portal", "ix"));
    let forward = Zone { name: "example.gov.pk", ttl: 60, records: &records };
    let reverse = Zone { name: "60.107.175.in-addr.arpa", ttl: 60, records: "1 PTR portal.example.gov.pk." };
    let zones = [forward.name, reverse.name];
    let _server = NameServer::start(&lab, "portal", authority, &[forward, reverse]);
    let _recursor = Recursor::start(&lab, "dns", resolver, authority, &zones);
    lab.resolve_by(resolver);

    let told = lab.output("khi-1", &trace(true, &[PORTAL]));
    let told: Vec<_> = told.lines().collect();
    let [title, first, second, third, ending, ""] = told[..] else { panic!("{told:#?}") };
    assert_eq!(title, format!("{PORTAL} ({authority}) by icmp"));
    assert!(first.starts_with("      1  ") && first.ends_with(&net.v4("isp", "khi-1").to_string()), "{first}");
    assert!(second.starts_with("      2  ") && second.ends_with(&net.v4("ix", "isp").to_string()), "{second}");
    assert!(third.starts_with("      3  ") && third.ends_with(&format!("{authority}  {PORTAL}")), "{third}");
    assert!(ending.starts_with("reached at hop 3, "), "{ending}");

    for (is_capable, protocol) in [(true, Protocol::Icmp), (false, Protocol::Udp)] {
        let lines = lab.output("khi-1", &trace(is_capable, &[PORTAL, "--all", "--json", "--vantage", "khi-1"]));
        let seen = import::parse(&lines, &Vantages::default()).expect("what judge reads").observations;
        let targets: Vec<_> = seen.iter().flat_map(|seen| &seen.traces).map(|trace| trace.target).collect();
        assert_eq!(targets, [authority, net.v6("portal", "ix")]);
        for observation in seen {
            assert_eq!((observation.vantage.id.0.as_str(), observation.endpoint.as_str()), ("khi-1", PORTAL));
            let trace = &observation.traces[0];
            assert_eq!((trace.ending, trace.protocol), (Ending::Reached, protocol));
            assert_eq!(trace.responders(), truth(&net, trace.target), "{trace:#?}");
            assert!(trace.target_rtt().is_some(), "{trace:#?}");
        }
    }

    let refused = lab.run("khi-1", &trace(true, &["inner.example.gov.pk", "nothing.example.gov.pk"]));
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(68), 0));
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("leads to 10.0.0.1, which is an address of a private network"), "{said}");
    assert!(said.contains("nothing.example.gov.pk has no address to trace: no-such-name"), "{said}");
}

fn truth(net: &Topology, target: IpAddr) -> [IpAddr; 3] {
    let facing = |node, peer| if target.is_ipv6() { net.v6(node, peer) } else { net.v4(node, peer) };
    [facing("isp", "khi-1"), facing("ix", "isp"), target]
}

pub(super) fn are_traced_at_the_rate() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let targets = [
        net.v4("portal", "ix"),
        net.v6("portal", "ix"),
        net.v4("abroad", "sea"),
        net.v6("abroad", "sea"),
        net.v4("ix", "isp"),
        net.v6("ix", "isp"),
    ];
    let file = targets.map(|target| target.to_string()).join("\n");
    let file = lab.write("targets", &file).display().to_string();
    let begun = Instant::now();
    let lines = lab.output("khi-1", &trace(true, &["--targets", &file, "--rate", "40", "--json"]));
    let took = begun.elapsed();
    let seen = import::parse(&lines, &Vantages::default()).expect("what judge reads").observations;
    let traces: Vec<_> = seen.iter().flat_map(|seen| &seen.traces).collect();
    assert!(traces.len() == 6 && traces.iter().all(|trace| trace.ending == Ending::Reached), "{traces:#?}");
    // What was asked beyond a target is not in its trace, and was sent as well.
    let hops = traces.iter().flat_map(|trace| &trace.hops);
    let probes: usize = hops.map(|hop| hop.answers.len() + usize::from(hop.silent)).sum();
    assert!(probes >= 6 * 2 * 3, "{traces:#?}");
    let least = Duration::from_secs(1) * u32::try_from(probes - 2).expect("few") / 40;
    assert!(took >= least, "{probes} probes in {took:?}");
}

pub(super) fn are_printed_as_far_as_they_were_measured() {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").silent_host("dark");
    net.link("khi-1", "isp", &["39.32.0.0/30"]).link("isp", "dark", &["175.107.60.0/30"]);
    let lab = Lab::up(&net);
    // What is named first is begun first: some of it is measured when the second path is told.
    let targets = [net.v4("dark", "isp"), net.v4("isp", "khi-1")].map(|target| target.to_string());
    let command = trace(true, &["--rate", "20", "--attempts", "1", "--numeric", &targets[0], &targets[1]]);
    let mut pehra = lab.spawn("khi-1", &command);
    pehra.wait_for_line("reached at hop 1", Duration::from_secs(10));
    pehra.signal("INT");
    pehra.wait_for_line(&format!("{} by icmp", targets[0]), Duration::from_secs(5));
    pehra.wait_for_line("broken off at hop", Duration::from_secs(5));
    pehra.wait_for_line("stopped: 1 paths traced, 1 in part, 0 not begun", Duration::from_secs(5));
    assert_eq!(pehra.wait(Duration::from_secs(5)).code(), Some(130));
}
