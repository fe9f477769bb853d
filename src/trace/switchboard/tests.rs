use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::trace::Ending;
use crate::trace::packet::checksum::Sum;
use crate::trace::packet::ip;
use crate::trace::plan::Sharing;
use crate::trace::refusal::Refusal;
use crate::trace::tests::{noon, router, target};

const HERE: [u8; 4] = [10, 1, 2, 3];

fn switchboard() -> Switchboard {
    Switchboard::new(1, Pace::per_second(1_000_000))
}

fn plan(protocol: Protocol) -> Plan {
    Plan { attempts: 1, gap_limit: 2, window: 2, last_ttl: 2, ..Plan::for_address(target(), protocol, 0x1267) }
}

/// The ICMP message that `kind` and `code` make of `rest`, as a raw IPv4 socket receives it.
fn icmp(kind: u8, code: u8, rest: &[u8]) -> Vec<u8> {
    let checksum = Sum::default().bytes(&[kind, code]).bytes(rest).checksum().to_be_bytes();
    let message = [&[kind, code][..], &checksum, rest].concat();
    ip::datagram(router(1), HERE.into(), 60, ip::ICMP, &message)
}

fn time_exceeded(transmit: &Transmit) -> Vec<u8> {
    icmp(11, 0, &[&[0; 4][..], &transmit.datagram(HERE.into())[..28]].concat())
}

fn echo_reply(transmit: &Transmit) -> Vec<u8> {
    let Content::Icmp(message) = transmit.content else { panic!("not an echo request") };
    icmp(0, 0, &message[4..])
}

/// What a raw IPv4 socket receives when the port that `transmit` knocks at says this.
fn segment(transmit: &Transmit, flags: u8) -> Vec<u8> {
    let Content::Tcp { source_port, destination_port, sequence } = transmit.content else { panic!("not a SYN") };
    let ports = [destination_port, source_port].map(u16::to_be_bytes).concat();
    let numbers = [7, sequence.wrapping_add(1)].map(u32::to_be_bytes).concat();
    let segment = [&ports[..], &numbers, &[0x50, flags, 0, 0, 0, 0, 0, 0]].concat();
    ip::datagram(target(), HERE.into(), 60, ip::TCP, &segment)
}

const SYN_ACK: u8 = 0x12;
const RESET: u8 = 0x14;

#[test]
fn a_trace_goes_out_and_comes_back_as_bytes() {
    for (protocol, kind) in [
        (Protocol::Icmp, AnswerKind::EchoReply),
        (Protocol::Udp, AnswerKind::PortUnreachable),
        (Protocol::Tcp, AnswerKind::SynAck),
        (Protocol::Tcp, AnswerKind::Reset),
        (Protocol::Tcp, AnswerKind::Unreachable),
    ] {
        let (mut switchboard, now) = (switchboard(), noon());
        let id = switchboard.start(plan(protocol), now);
        let near = switchboard.poll_transmit(now).unwrap();
        let far = switchboard.poll_transmit(now).unwrap();
        assert_eq!((near.ttl, far.ttl, switchboard.poll_transmit(now)), (1, 2, None));
        let soon = now.after(Duration::from_millis(4));
        let booked = Receipt::Booked(protocol, AnswerKind::TimeExceeded);
        assert_eq!(switchboard.handle_datagram(&time_exceeded(&near), router(1), soon), booked);
        let receipt = match kind {
            AnswerKind::EchoReply => switchboard.handle_datagram(&echo_reply(&far), target(), soon),
            AnswerKind::SynAck => switchboard.handle_segment(&segment(&far, SYN_ACK), target(), soon),
            AnswerKind::Reset => switchboard.handle_segment(&segment(&far, RESET), target(), soon),
            AnswerKind::PortUnreachable | AnswerKind::Unreachable | AnswerKind::TimeExceeded | AnswerKind::Unstated => {
                let refusal = icmp(3, 3, &[&[0; 4][..], &far.datagram(HERE.into())[..28]].concat());
                switchboard.handle_datagram(&refusal, target(), soon)
            }
        };
        assert_eq!(receipt, Receipt::Booked(protocol, kind));
        let (ended, trace) = switchboard.poll_trace().unwrap();
        assert_eq!((ended, trace.ending, trace.protocol, trace.flow), (id, Ending::Reached, protocol, Some(0x1267)));
        assert_eq!(trace.port, (protocol == Protocol::Tcp).then_some(443));
        assert_eq!((trace.hops[0].answers[0].from, trace.hops[1].answers[0].kind), (router(1), kind));
        assert_eq!((switchboard.poll_transmit(soon), switchboard.poll_timeout()), (None, None));
        assert!(switchboard.deadlines.is_empty());
    }
}

#[test]
fn a_forged_key_is_dropped() {
    for protocol in [Protocol::Icmp, Protocol::Udp, Protocol::Tcp] {
        let (mut switchboard, now) = (switchboard(), noon());
        switchboard.start(plan(protocol), now);
        let probe = switchboard.poll_transmit(now).unwrap();
        let mut datagram = probe.datagram(HERE.into());
        // The last byte of sequence number or checksum.
        datagram[27] ^= 0x40;
        let forged = icmp(11, 0, &[&[0; 4][..], &datagram[..28]].concat());
        assert_eq!(switchboard.handle_datagram(&forged, router(1), now), Receipt::Forged, "{protocol}");
        assert_eq!(
            switchboard.handle_datagram(&time_exceeded(&probe), router(1), now),
            Receipt::Booked(protocol, AnswerKind::TimeExceeded)
        );
    }
}

#[test]
fn a_long_quote_must_hold_the_token() {
    for protocol in [Protocol::Icmp, Protocol::Udp] {
        let (mut switchboard, now) = (switchboard(), noon());
        switchboard.start(plan(protocol), now);
        let datagram = switchboard.poll_transmit(now).unwrap().datagram(HERE.into());
        let quoting = |datagram: &[u8]| icmp(11, 0, &[&[0; 4][..], datagram].concat());
        let mut other = datagram.clone();
        other[30] ^= 1;
        assert_eq!(switchboard.handle_datagram(&quoting(&other), router(1), now), Receipt::Forged, "{protocol}");
        let booked = Receipt::Booked(protocol, AnswerKind::TimeExceeded);
        assert_eq!(switchboard.handle_datagram(&quoting(&datagram), router(1), now), booked, "{protocol}");
    }
}

/// Whoever forges a quote of another target need not know ours, and so has to know more of the probe.
#[test]
fn a_quote_of_another_target_or_port_that_proves_nothing_is_unrelated() {
    for (protocol, places) in [
        (Protocol::Icmp, &[19, 22][..]),
        (Protocol::Icmp, &[19, 25]),
        (Protocol::Icmp, &[19, 27]),
        (Protocol::Udp, &[19]),
        (Protocol::Udp, &[21]),
        (Protocol::Udp, &[23]),
        (Protocol::Tcp, &[21]),
        (Protocol::Tcp, &[19, 24]),
        (Protocol::Tcp, &[19, 27]),
    ] {
        let (mut switchboard, now) = (switchboard(), noon());
        switchboard.start(plan(protocol), now);
        let mut datagram = switchboard.poll_transmit(now).unwrap().datagram(HERE.into());
        for place in places {
            datagram[*place] ^= 1;
        }
        let strange = icmp(11, 0, &[&[0; 4][..], &datagram[..28]].concat());
        assert_eq!(switchboard.handle_datagram(&strange, router(1), now), Receipt::Unrelated, "{protocol} {places:?}");
    }
}

/// The datagram of the probe after somebody has translated its destination.
fn sent_on(transmit: &Transmit) -> Vec<u8> {
    let to = router(77);
    let segment = match &transmit.content {
        Content::Icmp(message) => *message,
        Content::Udp { source_port, destination_port, payload } => {
            probe::udp_segment((HERE.into(), *source_port), (to, *destination_port), payload)
        }
        Content::Tcp { source_port, destination_port, sequence } => {
            tcp::syn((HERE.into(), *source_port), (to, *destination_port), *sequence)
        }
    };
    ip::datagram(HERE.into(), to, 1, transmit.datagram(HERE.into())[9], &segment)
}

#[test]
fn a_probe_that_was_sent_on_elsewhere_is_known_by_what_it_proves_and_is_no_witness() {
    for (protocol, quoted) in [(Protocol::Icmp, 28), (Protocol::Icmp, 44), (Protocol::Udp, 44), (Protocol::Tcp, 28)] {
        let (mut switchboard, now) = (switchboard(), noon());
        // Others of the same flow, which are not meant.
        let others = (1..4).map(|last| Plan { target: [9, 9, 9, last].into(), ..plan(protocol) });
        for plan in others.chain([plan(protocol)]) {
            switchboard.start(plan, now);
        }
        let probes: Vec<_> = std::iter::from_fn(|| switchboard.poll_transmit(now)).collect();
        let probe = probes.iter().find(|probe| probe.target == target()).unwrap();
        let soon = now.after(Duration::from_millis(4));
        let answer = icmp(11, 0, &[&[0; 4][..], &sent_on(probe)[..quoted]].concat());
        let booked = Receipt::Booked(protocol, AnswerKind::TimeExceeded);
        assert_eq!(switchboard.handle_datagram(&answer, router(1), soon), booked, "{protocol} {quoted}");
        switchboard.handle_stop(now);
        let traces = std::iter::from_fn(|| switchboard.poll_trace()).map(|(_, trace)| trace);
        let trace = traces.into_iter().find(|trace| trace.target == target()).unwrap();
        let answer = &trace.hops[0].answers[0];
        assert_eq!(answer.rewritten(), Some(router(77)));
        assert!(!trace.is_witness(answer));
    }
}

#[test]
fn a_segment_that_acknowledges_another_number_is_forged_and_one_of_another_port_or_host_unrelated() {
    let (mut switchboard, now) = (switchboard(), noon());
    switchboard.start(Plan { port: 8443, ..plan(Protocol::Tcp) }, now);
    let probe = switchboard.poll_transmit(now).unwrap();
    let answer = segment(&probe, SYN_ACK);
    let changed = |place: usize| {
        let mut other = answer.clone();
        other[place] ^= 1;
        other
    };
    for (bytes, from, receipt) in [
        (changed(28), target(), Receipt::Forged),
        (changed(31), target(), Receipt::Forged),
        (changed(21), target(), Receipt::Unrelated),
        (changed(23), target(), Receipt::Unrelated),
        (answer.clone(), router(1), Receipt::Unrelated),
        (segment(&probe, 0x10), target(), Receipt::Unrelated),
        (segment(&probe, 0x02), target(), Receipt::Unrelated),
        (segment(&probe, 0x04), target(), Receipt::Unrelated),
        (segment(&probe, 0x16), target(), Receipt::Unrelated),
        (answer[..39].to_vec(), target(), Receipt::Malformed),
        (answer.clone(), target(), Receipt::Booked(Protocol::Tcp, AnswerKind::SynAck)),
        (answer.clone(), target(), Receipt::Surplus),
    ] {
        assert_eq!(switchboard.handle_segment(&bytes, from, now), receipt, "{bytes:?}");
    }
}

#[test]
fn labels_stand_with_the_answer_that_told_them() {
    let (mut switchboard, now) = (switchboard(), noon());
    switchboard.start(plan(Protocol::Icmp), now);
    let mut quoted = switchboard.poll_transmit(now).unwrap().datagram(HERE.into());
    quoted.resize(128, 0);
    let extension = [0x20, 0, 0, 0, 0, 8, 1, 1, 0x05, 0xdc, 0x8f, 1];
    let answer = icmp(11, 0, &[&[0, 32, 0, 0][..], &quoted, &extension].concat());
    switchboard.handle_datagram(&answer, router(1), now);
    switchboard.handle_stop(now);
    let labels: Vec<_> = switchboard.poll_trace().unwrap().1.hops[0].answers[0].labelled().unwrap().to_vec();
    assert_eq!(labels.iter().map(|label| label.label).collect::<Vec<_>>(), [24_008]);
}

#[test]
fn an_echo_reply_from_the_wrong_place_is_dropped() {
    let (mut switchboard, now) = (switchboard(), noon());
    switchboard.start(plan(Protocol::Icmp), now);
    let probe = switchboard.poll_transmit(now).unwrap();
    assert_eq!(switchboard.handle_datagram(&echo_reply(&probe), router(1), now), Receipt::Unrelated);
}

#[test]
fn an_echo_reply_without_its_token_is_forged() {
    let (mut switchboard, now) = (switchboard(), noon());
    switchboard.start(plan(Protocol::Icmp), now);
    let Content::Icmp(message) = switchboard.poll_transmit(now).unwrap().content else { panic!("not ICMP") };
    let mut other = message;
    other[15] ^= 1;
    for forged in [icmp(0, 0, &message[4..8]), icmp(0, 0, &other[4..])] {
        assert_eq!(switchboard.handle_datagram(&forged, target(), now), Receipt::Forged);
    }
}

#[test]
fn a_second_answer_is_surplus_and_so_is_one_to_an_ended_trace() {
    let (mut switchboard, now) = (switchboard(), noon());
    switchboard.start(plan(Protocol::Icmp), now);
    let near = switchboard.poll_transmit(now).unwrap();
    let far = switchboard.poll_transmit(now).unwrap();
    switchboard.handle_datagram(&time_exceeded(&near), router(1), now);
    assert_eq!(switchboard.handle_datagram(&time_exceeded(&near), router(1), now), Receipt::Surplus);
    switchboard.handle_datagram(&echo_reply(&far), target(), now);
    assert_eq!(switchboard.handle_datagram(&echo_reply(&far), target(), now), Receipt::Surplus);
}

#[test]
fn ended_traces_are_forgotten_in_time() {
    let (mut switchboard, now) = (switchboard(), noon());
    for _ in 0..=2 * REMEMBERED {
        switchboard.start(plan(Protocol::Icmp), now);
    }
    while let Some(transmit) = switchboard.poll_transmit(now) {
        switchboard.handle_send_failure(transmit.key, now);
    }
    assert_eq!((switchboard.running(), switchboard.flows.probes()), (0, REMEMBERED));
}

#[test]
fn truncated_bytes_are_malformed_at_every_length() {
    let (mut switchboard, now) = (switchboard(), noon());
    switchboard.start(plan(Protocol::Udp), now);
    let whole = time_exceeded(&switchboard.poll_transmit(now).unwrap());
    for length in 0..whole.len() {
        let receipt = switchboard.handle_datagram(&whole[..length], router(1), now);
        assert_eq!(receipt, Receipt::Malformed, "{length}");
    }
}

#[test]
fn two_traces_of_one_flow_are_told_apart() {
    for protocol in [Protocol::Icmp, Protocol::Udp] {
        let (mut switchboard, now) = (switchboard(), noon());
        let one = switchboard.start(plan(protocol), now);
        let other = switchboard.start(plan(protocol), now);
        let probes: Vec<_> = std::iter::from_fn(|| switchboard.poll_transmit(now)).collect();
        assert_eq!(probes.iter().map(|probe| probe.trace).collect::<Vec<_>>(), [one, other, one, other], "in turn");
        switchboard.handle_datagram(&time_exceeded(&probes[1]), router(1), now);
        switchboard.handle_timeout(now.after(Duration::from_secs(2)));
        let traces: BTreeMap<_, _> = std::iter::from_fn(|| switchboard.poll_trace()).collect();
        assert_eq!((traces[&one].hops[0].answers.len(), traces[&other].hops[0].answers.len()), (0, 1));
    }
}

#[test]
fn the_queue_of_a_socket_tells_the_probe_by_its_token_or_by_being_the_only_one() {
    let (mut switchboard, now) = (switchboard(), noon());
    let id = switchboard.start(Plan { window: 1, ..plan(Protocol::Udp) }, now);
    let error = |payload| QueuedError { from: router(1), kind: 11, code: 0, payload };
    let near = switchboard.poll_transmit(now).unwrap();
    let Content::Udp { payload, .. } = near.content else { panic!("not UDP") };
    let mut other = payload;
    other[5] ^= 1;
    assert_eq!(switchboard.handle_error(id, error(&other), now), Receipt::Forged);
    let booked = Receipt::Booked(Protocol::Udp, AnswerKind::TimeExceeded);
    assert_eq!(switchboard.handle_error(id, error(&payload), now), booked);
    assert_eq!(switchboard.handle_error(id, error(&[]), now), Receipt::Surplus, "nothing is in flight");
    switchboard.poll_transmit(now).unwrap();
    assert_eq!(switchboard.handle_error(id, error(&[0; 16]), now), booked, "padding is no token");
    assert_eq!(switchboard.poll_trace().unwrap().1.hops.len(), 2);
}

#[test]
fn why_there_is_no_way_on_is_kept_however_it_was_heard() {
    let why = |switchboard: &mut Switchboard| {
        switchboard.handle_stop(noon());
        switchboard.poll_trace().unwrap().1.hops[0].answers[0].refusal()
    };
    let (mut heard, now) = (switchboard(), noon());
    heard.start(plan(Protocol::Icmp), now);
    let datagram = heard.poll_transmit(now).unwrap().datagram(HERE.into());
    heard.poll_transmit(now).unwrap();
    heard.handle_datagram(&icmp(3, 13, &[&[0; 4][..], &datagram[..28]].concat()), router(1), now);
    assert_eq!(why(&mut heard), Some(Refusal::Prohibited));
    for quotes in [true, false] {
        let mut queued = switchboard();
        let id = queued.start(Plan { window: 1, ..plan(Protocol::Udp) }, now);
        let Content::Udp { payload, .. } = queued.poll_transmit(now).unwrap().content else { panic!("not UDP") };
        let payload = if quotes { &payload[..] } else { &[] };
        queued.handle_error(id, QueuedError { from: router(1), kind: 3, code: 0, payload }, now);
        assert_eq!(why(&mut queued), Some(Refusal::Network), "{quotes}");
    }
}

#[test]
fn probes_that_cannot_be_sent_are_forgotten() {
    let (mut switchboard, now) = (switchboard(), noon());
    switchboard.start(plan(Protocol::Icmp), now);
    while let Some(transmit) = switchboard.poll_transmit(now) {
        switchboard.handle_send_failure(transmit.key, now);
    }
    assert_eq!(switchboard.poll_trace().unwrap().1.ending, Ending::Unsent);
}

#[test]
fn when_nobody_waits_any_longer_every_trace_ends_with_what_it_has() {
    let (mut switchboard, now) = (switchboard(), noon());
    let begun = switchboard.start(plan(Protocol::Icmp), now);
    let near = switchboard.poll_transmit(now).unwrap();
    let _far = switchboard.poll_transmit(now).unwrap();
    let never_begun = switchboard.start(plan(Protocol::Udp), now);
    let soon = now.after(Duration::from_millis(4));
    switchboard.handle_datagram(&time_exceeded(&near), router(1), soon);
    switchboard.handle_stop(now);
    let ended: Vec<_> = std::iter::from_fn(|| switchboard.poll_trace()).collect();
    assert_eq!(ended.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [begun, never_begun]);
    let [(_, partial), (_, empty)] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!((partial.ending, empty.ending, empty.hops.len()), (Ending::Overdue, Ending::Overdue, 0));
    assert_eq!((partial.hops[0].answers[0].from, partial.hops[1].silent), (router(1), 1));
    assert_eq!((switchboard.running(), switchboard.poll_transmit(soon), switchboard.poll_timeout()), (0, None, None));
}

#[test]
fn a_trace_that_waits_for_what_another_finds_ends_by_its_own_deadline() {
    let (mut switchboard, start) = (switchboard(), noon());
    let (deadline, reply_timeout) = (Duration::from_secs(15), Duration::from_secs(10));
    let sharing = Some(Sharing { since: start.mono, witnesses: 2 });
    let patient = Plan { attempts: 9, reply_timeout, deadline, sharing, ..plan(Protocol::Icmp) };
    switchboard.start(Plan { target: [9, 9, 9, 1].into(), ..patient.clone() }, start);
    switchboard.start(Plan { target: [9, 9, 9, 2].into(), ..patient }, start);
    let mut now = start;
    while switchboard.running() > 0 {
        while switchboard.poll_transmit(now).is_some() {}
        let next = switchboard.poll_timeout().unwrap();
        now = now.after(next.saturating_duration_since(now.mono));
        switchboard.handle_timeout(now);
    }
    assert_eq!(now.mono.duration_since(start.mono), deadline);
    let endings = std::iter::from_fn(|| switchboard.poll_trace()).map(|(_, trace)| trace.ending);
    assert_eq!(endings.collect::<Vec<_>>(), [Ending::Overdue; 2]);
}

#[test]
fn all_traces_together_keep_to_the_pace() {
    let mut switchboard = Switchboard::new(1, Pace::per_second(100));
    let start = noon();
    for _ in 0..200 {
        switchboard.start(plan(Protocol::Icmp), start);
    }
    let mut sent = 0;
    let mut now = start;
    while now.mono < start.mono + Duration::from_secs(1) {
        sent += std::iter::from_fn(|| switchboard.poll_transmit(now)).count();
        let next = switchboard.poll_timeout().unwrap();
        assert!(next > now.mono, "a drained switchboard has something to wait for");
        now = now.after(next.saturating_duration_since(now.mono));
        switchboard.handle_timeout(now);
    }
    assert!((95..=105).contains(&sent), "{sent}");
}

/// How many probes left for each target within a second from `start`, of traces with one target each.
fn sent_in_a_second(switchboard: &mut Switchboard, start: Moment) -> BTreeMap<IpAddr, usize> {
    let mut sent = BTreeMap::new();
    let mut now = start;
    while now.mono < start.mono + Duration::from_secs(1) {
        while let Some(transmit) = switchboard.poll_transmit(now) {
            *sent.entry(transmit.target).or_default() += 1;
        }
        let next = switchboard.poll_timeout().unwrap();
        assert!(next > now.mono, "a drained switchboard has something to wait for");
        now = now.after(next.saturating_duration_since(now.mono));
        switchboard.handle_timeout(now);
    }
    sent
}

#[test]
fn a_network_is_sent_its_budget_and_holds_up_nobody_else() {
    let mut switchboard = Switchboard::new(1, Courtesy::per_second(10_000, 50));
    let start = noon();
    let eager = Plan { attempts: 9, window: 99, gap_limit: 30, last_ttl: 30, ..plan(Protocol::Icmp) };
    let to = |target: [u8; 4]| Plan { target: target.into(), ..eager.clone() };
    for host in 0..200 {
        switchboard.start(to([203, 0, 113, host]), start);
    }
    switchboard.start(to([198, 51, 100, 1]), start);
    let sent = sent_in_a_second(&mut switchboard, start);
    let (alone, all) = (sent[&IpAddr::from([198, 51, 100, 1])], sent.values().sum::<usize>());
    assert!([alone, all - alone].iter().all(|sent| (50..=53).contains(sent)), "{alone} of {all}");
    switchboard.handle_stop(start);
    assert_eq!((switchboard.poll_transmit(start), switchboard.poll_timeout()), (None, None), "nobody waits");
}

#[test]
fn the_budget_of_the_host_is_shared_evenly_by_the_networks_that_want_more_than_their_share() {
    let mut switchboard = Switchboard::new(1, Courtesy::per_second(200, 100));
    let start = noon();
    for network in 0..20_u8 {
        for host in 0..=network {
            switchboard.start(Plan { target: [10, 0, network, host].into(), ..plan(Protocol::Icmp) }, start);
        }
    }
    let mut networks = BTreeMap::<_, usize>::new();
    for (target, sent) in sent_in_a_second(&mut switchboard, start) {
        let IpAddr::V4(target) = target else { panic!("{target}") };
        *networks.entry(target.octets()[2]).or_default() += sent;
    }
    assert!((195..=205).contains(&networks.values().sum::<usize>()), "{networks:?}");
    for (network, sent) in &networks {
        let wanted = 2 * (usize::from(*network) + 1);
        assert!(*sent == wanted || (wanted > 12 && (11..=13).contains(sent)), "{networks:?}");
    }
}

#[test]
fn ten_thousand_traces_end_in_silence() {
    let mut switchboard = switchboard();
    let mut now = noon();
    for _ in 0..10_000 {
        switchboard.start(plan(Protocol::Udp), now);
    }
    let mut ended = 0;
    while switchboard.running() > 0 {
        while switchboard.poll_transmit(now).is_some() {}
        let next = switchboard.poll_timeout().unwrap();
        now = now.after(next.saturating_duration_since(now.mono));
        switchboard.handle_timeout(now);
        ended +=
            std::iter::from_fn(|| switchboard.poll_trace()).filter(|(_, trace)| trace.ending == Ending::Silent).count();
    }
    assert_eq!(ended, 10_000);
}

#[test]
fn keys_follow_from_the_seed_and_from_nothing_else() {
    let now = noon();
    let first = |seed| {
        let mut switchboard = Switchboard::new(seed, Pace::default());
        switchboard.start(plan(Protocol::Icmp), now);
        switchboard.poll_transmit(now).unwrap().content
    };
    assert_eq!(first(7), first(7));
    assert_ne!(first(7), first(8));
}

#[test]
fn a_trace_is_not_taken_for_the_one_that_had_its_place() {
    let (mut switchboard, now) = (switchboard(), noon());
    let first = switchboard.start(plan(Protocol::Udp), now);
    while let Some(transmit) = switchboard.poll_transmit(now) {
        switchboard.handle_send_failure(transmit.key, now);
    }
    let second = switchboard.start(plan(Protocol::Udp), now);
    assert!(first != second && first.slot == second.slot);
    switchboard.poll_transmit(now).unwrap();
    let error = QueuedError { from: router(1), kind: 11, code: 0, payload: &[] };
    assert_eq!(switchboard.handle_error(first, error, now), Receipt::Unrelated);
    assert_eq!(switchboard.running(), 1);
}

#[test]
fn answers_put_no_deadline_in_order_anew_and_silence_is_seen_on_time() {
    let (mut switchboard, start) = (switchboard(), noon());
    switchboard.start(Plan { last_ttl: 3, gap_limit: 3, window: 1, ..plan(Protocol::Icmp) }, start);
    let first = switchboard.poll_transmit(start).unwrap();
    let deadline = |switchboard: &Switchboard| switchboard.deadlines.first().map(|(at, _)| *at);
    let due = deadline(&switchboard);
    let later = start.after(Duration::from_millis(400));
    switchboard.handle_datagram(&time_exceeded(&first), router(1), later);
    assert_eq!(deadline(&switchboard), due, "it is looked at when it comes");
    switchboard.poll_transmit(later).unwrap();
    switchboard.handle_timeout(start.after(Duration::from_secs(1)));
    let silence = later.after(Duration::from_secs(1));
    assert_eq!(deadline(&switchboard), Some(silence.mono));
    switchboard.handle_timeout(silence);
    assert_eq!(switchboard.poll_transmit(silence).unwrap().ttl, 3, "the second is no longer awaited");
}

#[test]
fn identifiers_are_where_the_kernel_is_told_to_look_for_them() {
    let (mut switchboard, now) = (switchboard(), noon());
    for _ in 0..1000 {
        switchboard.start(plan(Protocol::Icmp), now);
        let Content::Icmp([_, _, _, _, i0, i1, ..]) = switchboard.poll_transmit(now).unwrap().content else {
            panic!("not ICMP")
        };
        assert!(u16::from_be_bytes([i0, i1]) >= probe::FIRST_IDENTIFIER);
    }
}

#[test]
fn what_every_trace_has_in_flight_over_a_sleep_is_surplus() {
    let (mut switchboard, now) = (switchboard(), noon());
    let going = switchboard.start(Plan { attempts: 2, ..plan(Protocol::Icmp) }, now);
    let over = switchboard.start(Plan { last_ttl: 1, ..plan(Protocol::Udp) }, now);
    let before: Vec<_> = std::iter::from_fn(|| switchboard.poll_transmit(now)).collect();
    switchboard.handle_suspension(now);
    let (ended, trace) = switchboard.poll_trace().unwrap();
    assert_eq!((ended, trace.hops[0].silent), (over, 1), "nothing is left to be asked");
    let soon = now.after(Duration::from_millis(4));
    for probe in &before {
        assert_eq!(switchboard.handle_datagram(&time_exceeded(probe), router(1), soon), Receipt::Surplus);
    }
    let after = switchboard.poll_transmit(soon).unwrap();
    assert_eq!((after.trace, after.ttl), (going, 1), "asked a second time");
    let booked = Receipt::Booked(Protocol::Icmp, AnswerKind::TimeExceeded);
    assert_eq!(switchboard.handle_datagram(&time_exceeded(&after), router(1), soon), booked);
}

#[test]
fn a_stepped_wall_clock_changes_no_time_and_no_order() {
    let traced = |step: i64| {
        let (mut switchboard, start) = (switchboard(), noon());
        let moment = |milliseconds: u64| {
            let moment = start.after(Duration::from_millis(milliseconds));
            let wall = moment.wall + jiff::SignedDuration::from_secs(if milliseconds > 0 { step } else { 0 });
            Moment { wall, ..moment }
        };
        switchboard.start(Plan { last_ttl: 4, ..plan(Protocol::Icmp) }, moment(0));
        let near = switchboard.poll_transmit(moment(0)).unwrap();
        let _lost = switchboard.poll_transmit(moment(0)).unwrap();
        switchboard.handle_datagram(&time_exceeded(&near), router(1), moment(7));
        let third = switchboard.poll_transmit(moment(7)).unwrap();
        switchboard.handle_timeout(moment(1_000));
        let far = switchboard.poll_transmit(moment(1_000));
        switchboard.handle_datagram(&echo_reply(&third), target(), moment(1_003));
        let due = switchboard.poll_timeout().map(|due| due.duration_since(start.mono));
        (far.map(|far| far.ttl), due, switchboard.poll_trace().map(|(_, trace)| trace))
    };
    let untouched = traced(0);
    let rtts = |trace: &Trace| -> Vec<f64> {
        trace.hops.iter().flat_map(|hop| &hop.answers).map(|answer| answer.rtt_ns.ms()).collect()
    };
    assert_eq!(untouched.2.as_ref().map(rtts), Some(vec![7.0, 996.0]));
    for step in [-86_400, -1, 1, 86_400] {
        assert_eq!(traced(step), untouched, "{step} s");
    }
}

/// What a router translates on its way back, the identifier, is in the checksum: not all translators mend that (RFC 5508, 4.2).
#[test]
fn a_short_quote_of_an_echo_request_is_a_witness_where_its_checksum_is_that_of_the_flow() {
    for target in [target(), "2407:e700::84".parse().unwrap()] {
        for (changed, length, receipt, is_witness) in [
            (None, 8, Receipt::Booked(Protocol::Icmp, AnswerKind::TimeExceeded), Some(true)),
            (Some(2), 8, Receipt::Booked(Protocol::Icmp, AnswerKind::TimeExceeded), Some(false)),
            (Some(3), 17, Receipt::Booked(Protocol::Icmp, AnswerKind::TimeExceeded), Some(false)),
            (Some(3), 18, Receipt::Booked(Protocol::Icmp, AnswerKind::TimeExceeded), Some(true)),
            (Some(7), 8, Receipt::Forged, None),
        ] {
            let (mut switchboard, now) = (switchboard(), noon());
            switchboard.start(Plan { target, last_ttl: 1, ..plan(Protocol::Icmp) }, now);
            let here = if target.is_ipv4() { IpAddr::from(HERE) } else { "2400:adc0::10".parse().unwrap() };
            let header = if target.is_ipv4() { 20 } else { 40 };
            let mut datagram = switchboard.poll_transmit(now).unwrap().datagram(here);
            if let Some(place) = changed {
                datagram[header + place] ^= 1;
            }
            let quote = [&[0; 4][..], &datagram[..header + length]].concat();
            let (from, answer) = if target.is_ipv4() {
                (router(1), icmp(11, 0, &quote))
            } else {
                ("2400:adc0::1".parse().unwrap(), [&[3, 0, 0, 0][..], &quote].concat())
            };
            let soon = now.after(Duration::from_millis(9));
            assert_eq!(switchboard.handle_datagram(&answer, from, soon), receipt, "{target} {changed:?} {length}");
            switchboard.handle_stop(soon);
            let trace = switchboard.poll_trace().unwrap().1;
            let answer = trace.hops[0].answers.first();
            assert_eq!(answer.map(|answer| trace.is_witness(answer)), is_witness, "{target} {changed:?} {length}");
        }
    }
}

#[test]
fn a_short_quote_of_a_udp_probe_in_the_name_of_its_target_is_no_witness() {
    for (length, is_doubtful) in [(28, true), (44, false)] {
        let now = noon();
        let mut switchboard = Switchboard::new(1, Pace::default());
        switchboard.start(Plan { last_ttl: 1, ..plan(Protocol::Udp) }, now);
        let datagram = switchboard.poll_transmit(now).unwrap().datagram(HERE.into());
        let answer = icmp(3, 3, &[&[0; 4][..], &datagram[..length]].concat());
        let receipt = switchboard.handle_datagram(&answer, target(), now.after(Duration::from_millis(9)));
        assert_eq!(receipt, Receipt::Booked(Protocol::Udp, AnswerKind::PortUnreachable));
        let trace = switchboard.poll_trace().unwrap().1;
        assert_eq!((trace.ending, trace.hops[0].answers[0].unmatched), (Ending::Reached, is_doubtful), "{length}");
        assert_eq!(trace.target_rtt().is_none(), is_doubtful, "{length}");
    }
}
