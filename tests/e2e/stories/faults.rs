//! What goes wrong on networks and hosts leaves traces true, and is counted.

use super::network;
use crate::lab::{Instance, LIARS, Lab, Lie, LongWay, Process, Settings, Topology, Water, flood, lie, trace, wait_for};
use pehra::import::{self, vantages::Vantages};
use pehra::moment::Rtt;
use pehra::observation::Observation;
use pehra::trace::{Ending, Protocol, Trace};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// How long a story waits for what comes within seconds.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn replies_that_find_no_room_are_counted() {
    const FLOOD: u32 = 60_000;
    let net = network::drawing();
    let lab = Lab::up(&net);
    let pehra = watch_portal(&lab, &net);
    pehra.wait_for_journal(2);
    let received = || replies(&pehra, "unrelated") + replies(&pehra, "forged");
    let before = received();
    pehra.process.pause();
    flood_with(&lab, &net, Water::Alike, (FLOOD, 0));
    pehra.process.resume();
    // The kernel tells with the next message there is room for: an answer to a probe.
    let lost = wait_for("lost replies to be counted", PATIENCE, || {
        pehra.metric("pehra_replies_lost_total", &[]).filter(|lost| *lost > 0.0)
    });
    let counted = lost + received() - before;
    println!("of {FLOOD} replies {lost} were lost");
    assert!((0.99..1.01).contains(&(counted / f64::from(FLOOD))), "{counted} of {FLOOD} are accounted for");
    let seen = pehra.journal().len();
    for observation in &pehra.wait_for_journal(seen + 4)[seen + 2..] {
        assert_sees_the_routers(&net, observation);
    }
}

pub(super) fn trace_says_that_replies_were_lost() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    // What is named first is begun first: the other still runs when its path is told.
    let targets = [net.v4("isp", "khi-1"), net.v4("portal", "ix")].map(|target| target.to_string());
    let command = trace(true, &["--rate", "20", "--attempts", "10", "--numeric", &targets[0], &targets[1]]);
    let mut pehra = lab.spawn("khi-1", &command);
    pehra.wait_for_line("reached at hop 1", PATIENCE);
    pehra.pause();
    flood_with(&lab, &net, Water::Alike, (60_000, 0));
    pehra.resume();
    pehra.wait_for_line("replies were lost as they came faster than they were read", PATIENCE);
    assert_eq!(pehra.wait(PATIENCE).code(), Some(0));
}

pub(super) fn an_interface_that_goes_down_leaves_probes_unsent() {
    interface_goes_down(Protocol::Icmp);
}

pub(super) fn an_interface_that_goes_down_leaves_probes_unsent_without_capabilities() {
    interface_goes_down(Protocol::Udp);
}

/// By raw sockets for ICMP, and by error queues for UDP.
fn interface_goes_down(protocol: Protocol) {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").router("ix").silent_host("dark");
    net.link("khi-1", "isp", &["39.32.0.0/30"]).link("isp", "ix", &["39.32.0.8/30"]);
    net.link("ix", "dark", &["175.107.60.0/30"]);
    let lab = Lab::up(&net);
    let endpoint = format!("tcp://{}:443", net.v4("dark", "ix"));
    let settings = Settings { endpoints: &[&endpoint], probing: QUICK, interval: "1s", ..Settings::default() };
    let pehra = match protocol {
        Protocol::Icmp => Instance::start(&lab, "khi-1", &settings),
        Protocol::Udp | Protocol::Tcp => Instance::start_without_capabilities(&lab, "khi-1", &settings),
    };
    let about = [("protocol", protocol.as_str())];
    let routers = [net.v4("isp", "khi-1"), net.v4("ix", "isp")];
    let sees_the_routers = |seen: &Observation| seen.traces.iter().any(|trace| trace.responders() == routers);
    // A trace takes seconds, as nobody answers for the host: probes are always on their way.
    let sent = || pehra.metric("pehra_probes_sent_total", &about).unwrap_or(0.0);
    wait_for("a trace under way", PATIENCE, || (sent() > 0.0).then_some(()));
    lab.output("khi-1", &["ip", "link", "set", "isp", "down"]);
    let unsent = || pehra.metric("pehra_probes_unsent_total", &about).unwrap_or(0.0);
    wait_for("probes that cannot be sent", PATIENCE, || (unsent() > 0.0).then_some(()));
    wait_for("a trace that could not be sent", PATIENCE, || {
        let ended =
            pehra.journal().into_iter().flat_map(|seen| seen.traces).any(|trace| trace.ending == Ending::Unsent);
        ended.then_some(())
    });
    let gateway = routers[0].to_string();
    lab.output("khi-1", &["ip", "link", "set", "isp", "up"]);
    lab.output("khi-1", &["ip", "route", "add", "default", "via", &gateway]);
    let before = pehra.journal().len();
    wait_for("the routers to be seen again", PATIENCE, || {
        pehra.journal().iter().skip(before).any(sees_the_routers).then_some(())
    });
}

pub(super) fn a_changed_address_is_taken_up() {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").host("portal");
    net.link("isp", "khi-1", &["39.32.0.0/24", "2400:adc0:0:1::/64"]);
    net.link("portal", "isp", &["175.107.60.0/30", "2407:e700:0:1::/126"]);
    let lab = Lab::up(&net);
    for protocol in [Protocol::Icmp, Protocol::Udp] {
        std::fs::remove_dir_all(crate::lab::state(&lab, "khi-1")).ok();
        let endpoints = [net.v4("portal", "isp"), net.v6("portal", "isp")].map(endpoint);
        let endpoints = endpoints.each_ref().map(String::as_str);
        let probing = format!("protocols = [\"{protocol}\"]\nreply_timeout = \"200ms\"\ncontact_attempts = 0");
        let settings = Settings { endpoints: &endpoints, probing: &probing, interval: "1s", ..Settings::default() };
        let pehra = Instance::start(&lab, "khi-1", &settings);
        pehra.wait_for_journal(2);
        let at = if protocol == Protocol::Icmp { 77 } else { 78 };
        let renumber = format!(
            "ip addr flush dev isp scope global
             ip addr add 39.32.0.{at}/24 dev isp
             ip addr add 2400:adc0:0:1::{at}/64 dev isp nodad
             ip route replace default via {}
             ip route replace default via {}",
            net.v4("isp", "khi-1"),
            net.v6("isp", "khi-1"),
        );
        lab.output("khi-1", &["sh", "-ec", &renumber]);
        let before = pehra.journal().len();
        let reached = |target: IpAddr| {
            let journal = pehra.journal();
            let mut traces = journal.iter().skip(before).flat_map(|seen| &seen.traces);
            traces.any(|trace| {
                trace.target == target
                    && trace.ending == Ending::Reached
                    && trace.hops.iter().all(|hop| hop.silent == 0)
            })
        };
        for target in [net.v4("portal", "isp"), net.v6("portal", "isp")] {
            let what = format!("{target} to be reached by {protocol} from the new address");
            wait_for(&what, PATIENCE, || reached(target).then_some(()));
        }
        assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));
    }
}

pub(super) fn a_route_that_changes_during_a_trace_is_no_loop() {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").router("long").router("ix").host("portal");
    net.link("khi-1", "isp", &["39.32.0.0/30"]).link("isp", "ix", &["39.32.0.8/30"]);
    net.link("isp", "long", &["39.32.0.16/30"]).link("long", "ix", &["39.32.0.20/30"]);
    net.link("portal", "ix", &["175.107.60.0/30"]);
    let lab = Lab::up(&net);
    let (direct, around) = (net.v4("ix", "isp"), net.v4("long", "isp"));
    // From one to the other and back, some hundred times a second.
    let flap = format!(
        "while ip route replace 175.107.60.0/30 via {around}; do ip route replace 175.107.60.0/30 via {direct}; done"
    );
    let _flapping = lab.spawn("isp", &["sh", "-ec", &flap]);
    let target = net.v4("portal", "ix");
    let text = target.to_string();
    let mut met = BTreeSet::new();
    for _ in 0..5 {
        let lines = lab.output("khi-1", &trace(true, &["--attempts", "10", "--json", "--vantage", "khi-1", &text]));
        let seen = import::parse(&lines, &Vantages::default()).expect("what judge reads").observations;
        let [Observation { traces, .. }] = &seen[..] else { panic!("one observation: {seen:#?}") };
        let [trace] = &traces[..] else { panic!("one trace: {traces:#?}") };
        assert_eq!(trace.ending, Ending::Reached, "{trace:#?}");
        let there = [net.v4("isp", "khi-1"), around, direct, net.v4("ix", "long"), target];
        assert!(trace.responders().iter().all(|address| there.contains(address)), "{trace:#?}");
        assert!((3..=4).contains(&trace.hops.len()), "{trace:#?}");
        met.extend(trace.responders());
    }
    assert!(met.contains(&around) && met.contains(&direct), "the route did not change: {met:?}");
}

pub(super) fn a_router_on_the_way_that_guesses_changes_nothing() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _liar = lie(&lab, "isp", portal(&net), Lie::Guesses);
    let pehra = watch_portal(&lab, &net);
    let journal = pehra.wait_for_journal(4);
    for observation in &journal {
        assert_sees_the_routers(&net, observation);
    }
    let probes: usize = journal.iter().flat_map(|seen| &seen.traces).filter(|t| t.target.is_ipv4()).map(answers).sum();
    // Three of six lies about each probe that gets to the router name its flow, and are told apart by key or token.
    let forged = replies(&pehra, "forged");
    assert!(forged >= 3.0 * f64::from(u32::try_from(probes * 2 / 3).expect("few")), "{forged} of {probes}");
    assert!(replies(&pehra, "unrelated") > 0.0);
}

pub(super) fn what_a_router_on_the_way_says_in_the_name_of_the_target_proves_nothing() {
    const DISTANCE: u64 = 40;
    let net = network::drawing();
    let lab = Lab::up(&net);
    let way = LongWay { toward: "175.107.60.0/24", routers: &[], reached_after: DISTANCE };
    let _distance = LongWay::start(&lab, "ix", &[way]);
    let _liar = lie(&lab, "isp", portal(&net), Lie::InItsName);
    let endpoint = endpoint(net.v4("portal", "ix"));
    let settings = Settings { endpoints: &[&endpoint], probing: QUICK, interval: "1s", ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    pehra.wait_for_standing(&endpoint, "unproven", PATIENCE);
    let distance = Rtt::from_duration(Duration::from_millis(DISTANCE));
    let mut lies = 0;
    for trace in pehra.wait_for_journal(3).iter().flat_map(|seen| &seen.traces) {
        assert!(trace.target_rtt().is_none_or(|(rtt, _)| rtt >= distance), "{trace:#?}");
        let in_its_name = |answer: &&pehra::trace::HopAnswer| answer.from == trace.target && answer.rtt_ns < distance;
        lies += trace.hops.iter().flat_map(|hop| &hop.answers).filter(in_its_name).count();
    }
    assert!(lies > 0, "nothing was said in the name of the target");
    for grade in ["proven", "attested"] {
        let inside = [("endpoint", endpoint.as_str()), ("place", "inside"), ("grade", grade)];
        assert_ne!(pehra.metric("pehra_endpoint_addresses", &inside), Some(1.0), "{grade}");
    }
}

pub(super) fn a_flood_of_unrelated_messages_hurts_no_trace() {
    const RATE: u32 = 50_000;
    let net = network::drawing();
    let lab = Lab::up(&net);
    let pehra = watch_portal(&lab, &net);
    let mut seen = pehra.wait_for_journal(2).len();
    let (began, before) = (Instant::now(), pehra.process.processor_seconds());
    seen = pehra.wait_for_journal(seen + 4).len();
    let idle = (pehra.process.processor_seconds() - before) / began.elapsed().as_secs_f64();
    for water in [Water::Unrelated, Water::Alike] {
        let heard =
            || ["unrelated", "forged", "malformed", "surplus"].map(|kind| replies(&pehra, kind)).iter().sum::<f64>();
        let (heard_before, before, began) = (heard(), pehra.process.processor_seconds(), Instant::now());
        let said = flood_with(&lab, &net, water, (2 * RATE, RATE));
        let share = (pehra.process.processor_seconds() - before) / began.elapsed().as_secs_f64();
        let (heard, lost) = (heard() - heard_before, replies_lost(&pehra));
        println!(
            "{water:?}: {said}; pehra had {:.1} % of a processor, {:.1} % without; {heard} heard, {lost} lost",
            share * 100.0,
            idle * 100.0
        );
        let journal = pehra.journal();
        assert!(journal.len() > seen, "no round ended meanwhile");
        for observation in &journal[seen..] {
            assert_sees_the_routers(&net, observation);
        }
        seen = journal.len();
        assert!(lost < 1.0, "{lost} replies were lost");
        match water {
            Water::Unrelated => assert!(heard < 100.0 && share < idle + 0.2, "{heard} got past the kernel, {share}"),
            Water::Alike => assert!(heard > f64::from(RATE), "the flood did not arrive"),
        }
    }
}

/// Traces by ICMP alone, one probe a hop, no handshakes, and no long waits.
const QUICK: &str = "reply_timeout = \"200ms\"\nprotocols = [\"icmp\"]\ncontact_attempts = 0\nattempts = 1";

fn endpoint(address: IpAddr) -> String {
    if address.is_ipv6() { format!("tcp://[{address}]:443") } else { format!("tcp://{address}:443") }
}

fn portal(net: &Topology) -> Ipv4Addr {
    let IpAddr::V4(portal) = net.v4("portal", "ix") else { unreachable!("an IPv4 link") };
    portal
}

/// A daemon that looks at the government host every second, over IPv4 and IPv6.
fn watch_portal<'a>(lab: &'a Lab, net: &Topology) -> Instance<'a> {
    let endpoints = [net.v4("portal", "ix"), net.v6("portal", "ix")].map(endpoint);
    let endpoints = endpoints.each_ref().map(String::as_str);
    let settings = Settings { endpoints: &endpoints, interval: "1s", ..Settings::default() };
    Instance::start(lab, "khi-1", &settings)
}

/// Floods the vantage from next door; what the flooder said at its end.
fn flood_with(lab: &Lab, net: &Topology, water: Water, flow: (u32, u32)) -> String {
    let IpAddr::V4(victim) = net.v4("khi-1", "isp") else { unreachable!("an IPv4 link") };
    let mut flooder: Process = flood(lab, "isp", victim, water, flow);
    flooder.wait_for_line("flooded", PATIENCE)
}

fn replies(pehra: &Instance<'_>, kind: &str) -> f64 {
    pehra.metric("pehra_replies_total", &[("kind", kind)]).unwrap_or(0.0)
}

fn replies_lost(pehra: &Instance<'_>) -> f64 {
    pehra.metric("pehra_replies_lost_total", &[]).expect("a counter")
}

fn answers(trace: &Trace) -> usize {
    trace.hops.iter().map(|hop| hop.answers.len()).sum()
}

fn assert_sees_the_routers(net: &Topology, observation: &Observation) {
    for trace in &observation.traces {
        let facing = |node, peer| if trace.target.is_ipv6() { net.v6(node, peer) } else { net.v4(node, peer) };
        let truth = [facing("isp", "khi-1"), facing("ix", "isp"), trace.target];
        assert_eq!((trace.responders(), trace.ending), (truth.to_vec(), Ending::Reached), "{trace:#?}");
        assert!(trace.target_rtt().is_some(), "{trace:#?}");
        let lies =
            trace.responders().into_iter().filter(|from| matches!(from, IpAddr::V4(v4) if v4.octets()[..3] == LIARS));
        assert_eq!(lies.count(), 0, "{trace:#?}");
    }
}
