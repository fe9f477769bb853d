use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::resolution::pointer::Names;
use crate::resolution::{Addressed, Answer};
use crate::trace::{AnswerKind, Hop, HopAnswer};
use crate::vantage::VantageId;
use crate::workload::{Jurisdiction, WorkloadId};

mod beyond;
mod checks;

#[expect(clippy::disallowed_methods, reason = "a test needs a first instant")]
fn start() -> Moment {
    Moment { wall: "2026-06-04T16:40:00Z".parse().unwrap(), mono: Instant::now() }
}

const DEADLINE: Duration = Duration::from_secs(45);

fn probing() -> Probing {
    Probing {
        protocols: vec![Protocol::Icmp, Protocol::Udp],
        attempts: 3,
        retries: 1,
        first_ttl: 1,
        last_ttl: 32,
        window: 8,
        gap_limit: 6,
        reply_timeout: Duration::from_secs(2),
        trace_timeout: Duration::from_secs(30),
        contact_attempts: 3,
        contact_timeout: Duration::from_secs(3),
        beyond: Beyond { converse: false, redirects: 5, resources: false, zone: false },
        max_addresses: 32,
        share: false,
        names: false,
        deadline: DEADLINE,
        allow: Vec::new(),
        deny: deny::DenyList::default(),
    }
}

fn settings(endpoint: &str, views: &[&str]) -> RoundSettings {
    RoundSettings {
        endpoint: endpoint.parse().unwrap(),
        declared: Declared {
            workload: WorkloadId("land-records".to_owned()),
            entity: "Land Records".to_owned(),
            jurisdiction: Jurisdiction("punjab".to_owned()),
            class: None,
            provider: None,
        },
        vantage: Vantage { id: VantageId("here".to_owned()), position: None, asn: None },
        views: views.iter().map(|view| View((*view).to_owned())).collect(),
        probing: probing(),
        flow: 7,
        distances: Distances::new(),
        canary: None,
        baseline: None,
    }
}

fn asks(round: &mut Round) -> Vec<Ask> {
    std::iter::from_fn(|| round.poll_ask()).collect()
}

/// What a round saw that is over.
fn observed(round: &mut Round) -> Observation {
    match round.poll_end() {
        Some(End::Observed(observation)) => *observation,
        other => panic!("no observation but {other:?}"),
    }
}

fn answer(ask: &Ask, addresses: &[&str]) -> Resolution {
    let Ask::Lookup { view, name, family } = ask else { panic!("{ask:?} is no lookup") };
    let addresses = addresses.iter().map(|a| Addressed { address: a.parse().unwrap(), ttl: 30 }).collect::<Vec<_>>();
    let outcome = if addresses.is_empty() {
        Outcome::Failed(NameFailure::NoData)
    } else {
        Outcome::Answered(Answer { chain: Vec::new(), addresses, authenticated: false, left_out: 0 })
    };
    Resolution {
        name: name.clone(),
        family: *family,
        view: view.clone(),
        server: None,
        asked: start().wall,
        elapsed_ns: Rtt::from_duration(Duration::from_millis(3)),
        outcome,
        followed: Vec::new(),
        subnet: None,
    }
}

fn trace(target: &str, protocol: Protocol, responders: &[&str]) -> Trace {
    let target: IpAddr = target.parse().unwrap();
    let hops = responders.iter().zip(1..).map(|(from, ttl)| {
        let rtt_ns = Rtt::from_duration(Duration::from_millis(4));
        let from = from.parse().unwrap();
        let kind = if from == target { AnswerKind::EchoReply } else { AnswerKind::TimeExceeded };
        let answer = HopAnswer { from, rtt_ns, kind, late: false, unmatched: false, extras: None };
        Hop { ttl, answers: vec![answer], silent: 0, inherited: None }
    });
    let hops = hops.collect();
    Trace { target, protocol, started: start().wall, port: None, flow: Some(7), hops, ending: Ending::Reached }
}

fn contact(address: &str) -> Contact {
    let outcome = ContactOutcome::Connected { rtt_ns: Rtt::from_duration(Duration::from_millis(5)), samples: 3 };
    Contact::silent(address.parse().unwrap(), 443, start().wall, 3, outcome)
}

fn targets(asks: &[Ask]) -> Vec<(&'static str, String)> {
    let short = |ask: &Ask| match ask {
        Ask::Lookup { view, family, .. } => ("lookup", format!("{view} {family:?}")),
        Ask::Trace(plan) => ("trace", format!("{} {}", plan.target, plan.protocol)),
        Ask::Contact(Call { address, port, .. }) | Ask::Visit(Call { address, port, .. }) => {
            ("contact", format!("{address} {port}"))
        }
        Ask::Zone { view, name } => ("zone", format!("{view} {name}")),
        Ask::Pointer { view, address } => ("pointer", format!("{view} {address}")),
        Ask::Claims { addresses, .. } => {
            ("claims", addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
    };
    asks.iter().map(short).collect()
}

#[test]
fn every_view_is_asked_for_both_families_at_once() {
    let mut round = Round::new(settings("https://a.example.gov.pk", &["system", "google"]), start());
    let expected = ["system A", "system Aaaa", "google A", "google Aaaa"];
    assert_eq!(targets(&asks(&mut round)), expected.map(|text| ("lookup", text.to_owned())));
    assert_eq!(round.poll_end(), None);
}

#[test]
fn a_round_is_complete_when_lookups_traces_contacts_and_claims_are_in() {
    let begun = start();
    let mut round = Round::new(settings("https://a.example.gov.pk", &["system"]), begun);
    let lookups = asks(&mut round);
    let later = begun.after(Duration::from_millis(10));
    round.handle_resolution(answer(&lookups[0], &["175.107.63.150"]), later);
    let probes = asks(&mut round);
    assert_eq!(
        targets(&probes),
        [("trace", "175.107.63.150 icmp".to_owned()), ("contact", "175.107.63.150 443".to_owned())]
    );
    round.handle_resolution(answer(&lookups[1], &[]), later);
    round.handle_trace(trace("175.107.63.150", Protocol::Icmp, &["203.101.184.84", "175.107.63.150"]), later);
    assert_eq!(asks(&mut round), []);
    round.handle_contact(contact("175.107.63.150"), start());
    assert_eq!(targets(&asks(&mut round)), [("claims", "175.107.63.150 203.101.184.84".to_owned())]);
    assert_eq!(round.poll_timeout(), None);
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), begun.after(Duration::from_secs(2)));
    let observation = observed(&mut round);
    assert_eq!((observation.resolutions.len(), observation.traces.len(), observation.contacts.len()), (2, 1, 1));
    assert_eq!(observation.elapsed_ns.duration(), Duration::from_secs(2));
    assert_eq!(observation.observed, begun.wall);
    assert_eq!(round.poll_end(), None, "an observation is given once");
}

#[test]
fn an_address_that_answers_no_echo_is_traced_by_udp_too() {
    let mut round = Round::new(settings("175.107.63.150", &["system"]), start());
    assert_eq!(targets(&asks(&mut round))[0].1, "175.107.63.150 icmp");
    round.handle_contact(contact("175.107.63.150"), start());
    round.handle_trace(trace("175.107.63.150", Protocol::Icmp, &["203.101.184.84"]), start());
    assert_eq!(targets(&asks(&mut round)), [("trace", "175.107.63.150 udp".to_owned())]);
    round.handle_trace(trace("175.107.63.150", Protocol::Udp, &[]), start());
    assert_eq!(targets(&asks(&mut round)), [("claims", "175.107.63.150 203.101.184.84".to_owned())]);
}

#[test]
fn tcp_knocks_at_the_port_of_the_endpoint() {
    for (endpoint, port) in [("https://175.107.63.150:8443", 8443), ("dns://175.107.63.150", 53)] {
        let mut settings = settings(endpoint, &["system"]);
        settings.probing.protocols = vec![Protocol::Icmp, Protocol::Tcp];
        let mut round = Round::new(settings, start());
        let _asks = asks(&mut round);
        round.handle_trace(trace("175.107.63.150", Protocol::Icmp, &["203.101.184.84"]), start());
        let [Ask::Trace(plan)] = &asks(&mut round)[..] else { panic!("one trace") };
        assert_eq!((plan.protocol, plan.port), (Protocol::Tcp, port));
        let mut knocked = trace("175.107.63.150", Protocol::Tcp, &["203.101.184.84", "175.107.63.150"]);
        knocked.hops[1].answers[0].kind = AnswerKind::SynAck;
        round.handle_trace(knocked, start());
        assert!(!targets(&asks(&mut round)).iter().any(|(what, _)| *what == "trace"), "there is no other");
    }
}

#[test]
fn a_prober_that_can_only_do_udp_is_not_asked_for_it_again() {
    let mut settings = settings("175.107.63.150", &["system"]);
    settings.probing.protocols.push(Protocol::Tcp);
    let mut round = Round::new(settings, start());
    let _asks = asks(&mut round);
    round.handle_contact(contact("175.107.63.150"), start());
    round.handle_trace(trace("175.107.63.150", Protocol::Udp, &["203.101.184.84"]), start());
    assert_eq!(targets(&asks(&mut round)), [("claims", "175.107.63.150 203.101.184.84".to_owned())]);
}

#[test]
fn a_name_that_leads_into_our_own_network_is_recorded_and_not_followed() {
    let mut round = Round::new(settings("https://rebind.example.gov.pk", &["system"]), start());
    let lookups = asks(&mut round);
    let inner = ["127.0.0.1", "10.0.0.8", "169.254.169.254", "224.0.0.1", "192.0.2.1", "100.64.0.1"];
    round.handle_resolution(answer(&lookups[0], &inner), start());
    round.handle_resolution(answer(&lookups[1], &["::1", "fd00::1", "fe80::1", "::ffff:10.0.0.8"]), start());
    let after = asks(&mut round);
    assert_eq!(after.len(), 1, "{after:?}");
    assert_eq!(
        after[0],
        Ask::Claims { addresses: round.known.clone(), names: Vec::new(), labels: Vec::new(), aliases: BTreeSet::new() }
    );
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), start());
    assert_eq!(observed(&mut round).addresses().len(), 10);
}

#[test]
fn an_allowed_prefix_is_followed_and_so_is_an_address_the_inventory_names_itself() {
    let mut allowing = settings("https://lab.example.gov.pk", &["system"]);
    allowing.probing.allow = vec!["10.0.0.0/8".parse().unwrap()];
    let mut round = Round::new(allowing, start());
    let lookups = asks(&mut round);
    round.handle_resolution(answer(&lookups[0], &["10.1.2.3", "192.168.1.1"]), start());
    let followed = targets(&asks(&mut round));
    assert_eq!(followed, [("trace", "10.1.2.3 icmp".to_owned()), ("contact", "10.1.2.3 443".to_owned())]);

    let mut literal = Round::new(settings("tcp://192.168.1.1:5432", &[]), start());
    let followed = targets(&asks(&mut literal));
    assert_eq!(followed, [("trace", "192.168.1.1 icmp".to_owned()), ("contact", "192.168.1.1 5432".to_owned())]);
}

#[test]
fn a_watched_zone_is_not_spoken_to() {
    let mut round = Round::new(settings("dns://175.107.63.150", &[]), start());
    assert_eq!(targets(&asks(&mut round)), [("trace", "175.107.63.150 icmp".to_owned())]);
}

/// What was asked for, and what was denied by the end of a round that nobody answered but the view, with `addresses`.
fn denied(endpoint: &str, addresses: &[&str], probing: Probing) -> (Vec<Ask>, Vec<String>) {
    let mut round = Round::new(RoundSettings { probing, ..settings(endpoint, &["system"]) }, start());
    let mut asked = asks(&mut round);
    if !addresses.is_empty() {
        round.handle_resolution(answer(&asked[0], addresses), start());
        round.handle_resolution(answer(&asked[1], &[]), start());
        asked = asks(&mut round);
    }
    round.handle_timeout(start().after(DEADLINE * 2));
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), start());
    let denied = observed(&mut round).denied;
    (asked, denied.iter().map(|Denied { address, by }| format!("{address} by {by}")).collect())
}

#[test]
fn what_is_denied_is_recorded_and_never_spoken_to_whatever_leads_there_and_whatever_else_allows_it() {
    let deny = |allow: &[&str]| Probing {
        allow: allow.iter().map(|prefix| prefix.parse().unwrap()).collect(),
        deny: ["203.0.113.0/24", "10.1.0.0/16"].map(|prefix| prefix.parse().unwrap()).into_iter().collect(),
        ..probing()
    };
    let name = "https://portal.example.gov.pk";
    let (asked, by) = denied(name, &["203.0.113.9", "10.1.0.9", "224.0.0.1", "10.2.0.9"], deny(&["10.0.0.0/8"]));
    assert_eq!(targets(&asked), [("trace", "10.2.0.9 icmp".to_owned()), ("contact", "10.2.0.9 443".to_owned())]);
    assert_eq!(by, ["10.1.0.9 by 10.1.0.0/16", "203.0.113.9 by 203.0.113.0/24", "224.0.0.1 by 224.0.0.0/4"]);
    for (endpoint, by) in [
        ("https://203.0.113.9", "203.0.113.9 by 203.0.113.0/24"),
        ("tcp://10.1.2.3:22", "10.1.2.3 by 10.1.0.0/16"),
        ("https://169.254.169.254", "169.254.169.254 by 169.254.0.0/16"),
        ("https://[ff02::1]", "ff02::1 by ff00::/8"),
    ] {
        let (asked, denied) = denied(endpoint, &[], deny(&["0.0.0.0/0", "::/0"]));
        assert!(matches!(&asked[..], [Ask::Claims { .. }]), "{asked:?}");
        assert_eq!(denied, [by]);
    }
    assert_eq!(denied("https://10.2.0.9", &[], deny(&[])).1, Vec::<String>::new());
}

#[test]
fn a_trace_ends_with_the_round_at_the_latest() {
    let begun = start();
    let mut round = Round::new(settings("https://a.example.gov.pk", &["system"]), begun);
    let lookups = asks(&mut round);
    round.handle_resolution(answer(&lookups[0], &["175.107.63.150"]), begun.after(Duration::from_secs(40)));
    let Ask::Trace(plan) = &asks(&mut round)[0] else { panic!("the first probe is a trace") };
    assert_eq!(plan.deadline, Duration::from_secs(5));
}

fn planned(settings: RoundSettings) -> Plan {
    let mut round = Round::new(settings, start());
    let Some(Ask::Trace(plan)) = round.poll_ask() else { panic!("the first probe is a trace") };
    plan
}

#[test]
fn a_trace_takes_over_nothing_unless_told_to_and_then_nothing_from_before_the_round() {
    let settings = settings("https://175.107.63.150", &[]);
    assert_eq!((planned(settings.clone()).sharing, planned(settings.clone()).retries), (None, 1));
    let probing = Probing { share: true, retries: 0, ..probing() };
    let begun = start();
    let mut round = Round::new(RoundSettings { probing, ..settings }, begun);
    let Some(Ask::Trace(plan)) = round.poll_ask() else { panic!("the first probe is a trace") };
    assert_eq!((plan.sharing.map(|sharing| sharing.since), plan.retries), (Some(begun.mono), 0));
}

#[test]
fn an_address_is_looked_for_where_that_protocol_found_it_last() {
    let address: IpAddr = "175.107.63.150".parse().unwrap();
    let known = |protocol| RoundSettings {
        distances: [((address, protocol), 7)].into(),
        ..settings("https://175.107.63.150", &[])
    };
    assert_eq!(planned(known(Protocol::Icmp)).expected, Some(7));
    assert_eq!(planned(known(Protocol::Udp)).expected, None);
}

#[test]
fn only_so_many_addresses_are_followed_and_all_are_claimed() {
    let mut few = settings("https://many.example.gov.pk", &["system"]);
    few.probing.max_addresses = 2;
    let mut round = Round::new(few, start());
    let lookups = asks(&mut round);
    round.handle_resolution(answer(&lookups[0], &["175.107.63.1", "175.107.63.2", "175.107.63.3"]), start());
    assert_eq!(asks(&mut round).len(), 4);
    assert_eq!(round.known.len(), 3);
}

#[test]
fn what_is_missing_at_the_deadline_is_recorded_as_missing() {
    let begun = start();
    let mut round = Round::new(settings("https://a.example.gov.pk", &["system", "slow"]), begun);
    let lookups = asks(&mut round);
    round.handle_resolution(answer(&lookups[0], &["175.107.63.150"]), begun);
    round.handle_resolution(answer(&lookups[1], &[]), begun);
    let _probes = asks(&mut round);
    let (deadline, Reason::Deadline) = round.poll_timeout().unwrap();
    assert_eq!(deadline, begun.mono + DEADLINE);
    round.handle_timeout(begun.after(Duration::from_secs(1)));
    assert_eq!(asks(&mut round), [], "a second is not the deadline");

    let end = begun.after(DEADLINE);
    round.handle_timeout(end);
    assert_eq!(targets(&asks(&mut round)), [("claims", "175.107.63.150".to_owned())]);
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), end);
    let observation = observed(&mut round);
    let words = observation.resolutions.iter().map(|r| (r.view.0.as_str(), r.outcome_word())).collect::<Vec<_>>();
    assert_eq!(words, [("slow", "timeout"), ("slow", "timeout"), ("system", "answered"), ("system", "no-data")]);
    assert_eq!(observation.traces[0].ending, Ending::Overdue);
    assert_eq!(observation.contacts[0].outcome, ContactOutcome::Failed(ContactFailure::Timeout));
}

#[test]
fn a_result_that_comes_late_twice_or_unasked_changes_nothing() {
    let begun = start();
    let mut round = Round::new(settings("175.107.63.150", &[]), begun);
    let _asks = asks(&mut round);
    round.handle_trace(trace("8.8.8.8", Protocol::Icmp, &["8.8.8.8"]), begun);
    round.handle_contact(contact("175.107.63.150"), start());
    round.handle_contact(contact("175.107.63.150"), start());
    round.handle_timeout(begun.after(DEADLINE));
    round.handle_trace(trace("175.107.63.150", Protocol::Icmp, &["175.107.63.150"]), begun);
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), begun);
    let observation = observed(&mut round);
    assert_eq!((observation.traces.len(), observation.contacts.len()), (1, 1));
    assert_eq!(observation.traces[0].ending, Ending::Overdue);
}

fn with_names(endpoint: &str) -> RoundSettings {
    let mut settings = settings(endpoint, &["system", "google"]);
    settings.probing.names = true;
    settings.probing.contact_attempts = 0;
    settings
}

fn pointer(address: &str, names: &[&str]) -> Pointer {
    let names = Names { names: names.iter().map(|name| (*name).to_owned()).collect(), ttl: 60, left_out: 0 };
    let (address, outcome) = (address.parse().unwrap(), Pointed::Named(names));
    Pointer { address, view: View("system".to_owned()), server: None, asked: start().wall, outcome }
}

#[test]
fn the_target_and_the_last_two_global_hops_are_asked_for_their_names_and_the_names_for_what_they_say() {
    let begun = start();
    let mut round = Round::new(with_names("https://175.107.63.150"), begun);
    let first = targets(&asks(&mut round));
    assert_eq!(first, [("trace", "175.107.63.150 icmp".to_owned()), ("pointer", "system 175.107.63.150".to_owned())]);
    let hops = ["10.0.0.1", "203.101.160.1", "202.125.128.157", "202.125.128.171", "192.168.7.1", "175.107.63.150"];
    round.handle_trace(trace("175.107.63.150", Protocol::Icmp, &hops), begun);
    let names = ["system 202.125.128.171", "system 202.125.128.157"].map(|asked| ("pointer", asked.to_owned()));
    assert_eq!(targets(&asks(&mut round)), names);
    round.handle_pointer(pointer("202.125.128.171", &["static.khi77.pie.net.pk"]));
    round.handle_pointer(pointer("202.125.128.171", &["told.twice"]));
    round.handle_pointer(pointer("9.9.9.9", &["nobody.asked"]));
    round.handle_pointer(pointer("202.125.128.157", &[]));
    assert_eq!(asks(&mut round), []);
    round.handle_pointer(pointer("175.107.63.150", &["a.example", "b.example"]));
    let [Ask::Claims { names, .. }] = &asks(&mut round)[..] else { panic!("the sources are asked") };
    let said: Vec<_> = names.iter().map(|(address, name)| format!("{address} {name}")).collect();
    assert_eq!(
        said,
        ["202.125.128.171 static.khi77.pie.net.pk", "175.107.63.150 a.example", "175.107.63.150 b.example"]
    );
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), begun);
    let seen = observed(&mut round);
    assert_eq!(seen.pointers.len(), 3);
    let names: Vec<_> = seen.names_of("175.107.63.150".parse().unwrap()).collect();
    assert_eq!(names, ["a.example", "b.example"]);
}

#[test]
fn private_addresses_have_no_names_and_a_name_that_does_not_come_is_recorded() {
    let begun = start();
    let mut private = Round::new(with_names("https://10.1.2.3"), begun);
    assert_eq!(targets(&asks(&mut private)), [("trace", "10.1.2.3 icmp".to_owned())]);
    let mut round = Round::new(with_names("https://175.107.63.150"), begun);
    asks(&mut round);
    round.handle_trace(trace("175.107.63.150", Protocol::Icmp, &["175.107.63.150"]), begun);
    round.handle_timeout(begun.after(DEADLINE));
    assert!(matches!(asks(&mut round)[..], [Ask::Claims { .. }]));
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), begun.after(DEADLINE));
    let seen = observed(&mut round);
    assert_eq!(seen.pointers[0].outcome, Pointed::Failed(NameFailure::Timeout));
}

#[test]
fn what_was_written_before_names_were_asked_for_can_be_read() {
    let mut round = Round::new(settings("https://10.1.2.3", &[]), start());
    round.handle_timeout(start().after(DEADLINE));
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), start());
    let seen = observed(&mut round);
    let written = serde_json::to_string(&seen).unwrap();
    assert!(!written.contains("pointers"), "{written}");
    assert_eq!(serde_json::from_str::<Observation>(&written).unwrap(), seen);
}
