//! What is traced is what is there.

use super::network;
use crate::lab::{
    Instance, LIARS, Lab, LongWay, Process, START, Settings, Topology, forge, forge_knowing, judge, listen,
    start_with_inventory, state, wait_for,
};
use pehra::moment::Rtt;
use pehra::observation::Observation;
use pehra::trace::{Ending, Protocol, Trace};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How an instance may probe.
#[derive(Clone, Copy, Debug)]
enum Means {
    Capable(&'static str),
    Incapable,
}

pub(super) fn hops_are_the_routers_by_icmp() {
    hops_are_the_routers(Means::Capable("icmp"), Protocol::Icmp);
}

pub(super) fn hops_are_the_routers_by_udp() {
    hops_are_the_routers(Means::Capable("udp"), Protocol::Udp);
}

pub(super) fn hops_are_the_routers_by_tcp() {
    hops_are_the_routers(Means::Capable("tcp"), Protocol::Tcp);
}

pub(super) fn hops_are_the_routers_without_capabilities() {
    hops_are_the_routers(Means::Incapable, Protocol::Udp);
}

fn hops_are_the_routers(means: Means, protocol: Protocol) {
    let net = network::drawing();
    let lab = Lab::up(&net);
    for observation in start(&lab, &net, means).wait_for_journal(2) {
        let trace = only_trace(&observation);
        assert_eq!(trace.protocol, protocol);
        assert_eq!(responders(trace), truth(&net, trace.target), "{means:?}: {trace:#?}");
        assert_eq!(trace.ending, Ending::Reached);
    }
}

pub(super) fn forged_answers_change_nothing() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (IpAddr::V4(victim), IpAddr::V4(target)) = (net.v4("khi-1", "isp"), net.v4("portal", "ix")) else {
        unreachable!("IPv4 links")
    };
    let _distance = far_portal(&lab);
    let _forger = forge(&lab, "abroad", victim, target);
    for means in [Means::Capable("icmp"), Means::Capable("udp"), Means::Capable("tcp"), Means::Incapable] {
        let pehra = start(&lab, &net, means);
        for observation in pehra.wait_for_journal(2) {
            let trace = only_trace(&observation);
            assert_eq!(responders(trace), truth(&net, trace.target), "{means:?}: {trace:#?}");
            let lies = trace.responders().into_iter().filter(|address| is_lie(*address)).count();
            assert_eq!(lies, 0, "{trace:#?}");
            let is_timed = trace.protocol != Protocol::Tcp;
            assert!(is_far(trace) && trace.target_rtt().is_some() == is_timed, "{trace:#?}");
        }
        if matches!(means, Means::Capable(_)) {
            let seen_through = |kind| pehra.metric("pehra_replies_total", &[("kind", kind)]);
            assert!(
                seen_through("malformed") > Some(0.0) && seen_through("unrelated") > Some(0.0),
                "no forgery arrived"
            );
        }
    }
}

pub(super) fn forgeries_that_hit_prove_nothing() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (IpAddr::V4(victim), IpAddr::V4(target)) = (net.v4("khi-1", "isp"), net.v4("portal", "ix")) else {
        unreachable!("IPv4 links")
    };
    let _distance = far_portal(&lab);
    let pehra = start_every(&lab, &net, Means::Incapable, "2s");
    let traces = || pehra.journal().into_iter().flat_map(|seen| seen.traces).filter(|trace| trace.target == target);
    let port = wait_for("an honest trace", Duration::from_secs(30), || traces().find_map(|trace| trace.flow));
    let _forger = forge_knowing(&lab, "abroad", victim, target, 0x8000 | port);
    let is_hit = |trace: &Trace| trace.hops.iter().flat_map(|hop| &hop.answers).any(|answer| answer.unmatched);
    wait_for("forgeries that hit", Duration::from_secs(30), || (traces().filter(is_hit).count() >= 3).then_some(()));
    assert!(pehra.metric("pehra_replies_total", &[("kind", "forged")]) > Some(0.0), "no forged token arrived");
    for trace in traces() {
        assert!(is_far(&trace), "{trace:#?}");
        let answers = trace.hops.iter().flat_map(|hop| &hop.answers);
        let taken_in = answers.filter(|answer| is_lie(answer.from) && !answer.unmatched).count();
        assert_eq!(taken_in, 0, "{trace:#?}");
    }
}

/// How far away the government host is, there and back, in milliseconds.
const DISTANCE: u64 = 40;

fn far_portal(lab: &Lab) -> Process {
    let way = |toward| LongWay { toward, routers: &[], reached_after: DISTANCE };
    LongWay::start(lab, "ix", &[way("175.107.60.0/24"), way("2407:e700::/32")])
}

/// Whether nothing in a trace says that the government host is nearer than it is.
fn is_far(trace: &Trace) -> bool {
    trace.target_rtt().is_none_or(|(rtt, _)| rtt >= Rtt::from_duration(Duration::from_millis(DISTANCE)))
}

pub(super) fn a_detour_abroad_is_named() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    // From the exchange to the government host by way of Frankfurt and Amsterdam.
    let routers = [("80.81.192.1", 96), ("62.115.1.2", 110), ("80.249.208.1", 130)];
    let _detour =
        LongWay::start(&lab, "ix", &[LongWay { toward: "175.107.60.0/24", routers: &routers, reached_after: 236 }]);
    let endpoint = format!("tcp://{}:443", net.v4("portal", "ix"));
    let settings = Settings { endpoints: &[&endpoint], sections: network::REGISTER, ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    pehra.wait_for_standing(&endpoint, "suspect", Duration::from_secs(30));
    let about = [("endpoint", endpoint.as_str())];
    assert_eq!(pehra.metric("pehra_endpoint_path_outside", &about), Some(1.0));
    let finding = [about[0], ("rule", "path-outside"), ("standing", "suspect")];
    assert_eq!(pehra.metric("pehra_endpoint_finding", &finding), Some(1.0));
    assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));
    let (lines, code) = judge(&lab, "khi-1", "restricted");
    assert_eq!(code, Some(3), "{lines:#?}");
    let last = lines.last().expect("a line");
    assert_eq!(
        (&last["place"], &last["path"], &last["standing"]),
        (&"inside".into(), &"outside".into(), &"suspect".into())
    );
}

pub(super) fn the_capability_is_dropped() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let endpoint = format!("tcp://{}:443", net.v4("portal", "ix"));
    let pehra = Instance::start(&lab, "khi-1", &Settings { endpoints: &[&endpoint], ..Settings::default() });
    assert_holds_no_capability_to_probe(&pehra.process);
    assert_eq!(pehra.wait_for_journal(1)[0].traces[0].protocol, Protocol::Icmp);
}

pub(super) fn the_capability_is_dropped_before_an_inventory_is_fetched() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    let mut inventory = listen(&lab, "khi-1", server);
    let pehra = start_with_inventory(&lab, "khi-1", &format!("http://{server}/targets"));
    inventory.wait_for_line("connected", START);
    assert_holds_no_capability_to_probe(&pehra);
}

fn assert_holds_no_capability_to_probe(pehra: &Process) {
    const CAP_NET_RAW: u64 = 1 << 13;
    for key in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
        let threads = pehra.threads_say(key);
        assert!(!threads.is_empty());
        for held in threads {
            let held = u64::from_str_radix(&held, 16).expect("capabilities in hexadecimal");
            assert_eq!(held & CAP_NET_RAW, 0, "{key} {held:x}");
        }
    }
}

fn is_lie(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.octets()[..3] == LIARS)
}

/// A new daemon that looks at the government host, once over IPv4 and once over IPv6.
fn start<'a>(lab: &'a Lab, net: &Topology, means: Means) -> Instance<'a> {
    start_every(lab, net, means, "1h")
}

fn start_every<'a>(lab: &'a Lab, net: &Topology, means: Means, interval: &str) -> Instance<'a> {
    let [v4, v6] = [net.v4("portal", "ix"), net.v6("portal", "ix")];
    let endpoints = [format!("tcp://{v4}:443"), format!("tcp://[{v6}]:443")];
    let endpoints = endpoints.each_ref().map(String::as_str);
    let probing = match means {
        Means::Capable(protocol) => format!("protocols = [\"{protocol}\"]\nreply_timeout = \"500ms\""),
        Means::Incapable => "reply_timeout = \"500ms\"".to_owned(),
    };
    let settings = Settings { endpoints: &endpoints, probing: &probing, interval, ..Settings::default() };
    std::fs::remove_dir_all(state(lab, "khi-1")).ok();
    match means {
        Means::Capable(_) => Instance::start(lab, "khi-1", &settings),
        Means::Incapable => Instance::start_without_capabilities(lab, "khi-1", &settings),
    }
}

fn only_trace(observation: &Observation) -> &Trace {
    let [trace] = &observation.traces[..] else { panic!("one trace: {:#?}", observation.traces) };
    trace
}

/// Who answered at each distance, first to last; nobody twice.
fn responders(trace: &Trace) -> Vec<Vec<IpAddr>> {
    let unique = |hop: &pehra::trace::Hop| {
        let mut addresses: Vec<IpAddr> = hop.answers.iter().map(|answer| answer.from).collect();
        addresses.dedup();
        addresses
    };
    trace.hops.iter().map(unique).collect()
}

fn truth(net: &Topology, target: IpAddr) -> Vec<Vec<IpAddr>> {
    let facing = |node, peer| if target.is_ipv6() { net.v6(node, peer) } else { net.v4(node, peer) };
    vec![vec![facing("isp", "khi-1")], vec![facing("ix", "isp")], vec![target]]
}
