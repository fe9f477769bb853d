use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::trace::Protocol;
use crate::trace::tests::{noon, router, target};

/// What happens to one probe.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered { from: IpAddr, kind: AnswerKind, after: Duration },
    Silent,
    Unsent,
}

impl Tracer {
    fn probe_at(&mut self, now: Instant) -> Option<Probe> {
        match self.poll_probe(now, Barred::NONE) {
            Next::Probe(probe) => Some(probe),
            Next::Held(_) | Next::Nothing => None,
        }
    }
}

fn plan() -> Plan {
    Plan { attempts: 2, window: 4, gap_limit: 3, last_ttl: 12, ..Plan::for_address(target(), Protocol::Icmp, 7) }
}

fn hop(from: IpAddr) -> Fate {
    Fate::Answered { from, kind: AnswerKind::TimeExceeded, after: Duration::from_millis(20) }
}

fn says(from: IpAddr, kind: AnswerKind) -> Fate {
    Fate::Answered { from, kind, after: Duration::from_millis(20) }
}

fn echo() -> Fate {
    says(target(), AnswerKind::EchoReply)
}

/// A trace in virtual time, and how many probes were sent at each TTL. The fate of a probe depends on its TTL and on
/// how many were sent there before.
fn traced(plan: &Plan, mut fate: impl FnMut(u8, u8) -> Fate) -> (Trace, BTreeMap<u8, u8>) {
    let mut now = noon();
    let mut tracer = Tracer::new(plan.clone(), now);
    let mut replies: BTreeMap<(Instant, usize), Reply> = BTreeMap::new();
    let mut waiting: VecDeque<(Instant, usize)> = VecDeque::new();
    let mut asked: BTreeMap<u8, u8> = BTreeMap::new();
    let mut sent: BTreeMap<u8, u8> = BTreeMap::new();
    for _ in 0..100_000 {
        while let Some(probe) = tracer.probe_at(now.mono) {
            let attempt = asked.entry(probe.ttl).or_default();
            *sent.entry(probe.ttl).or_default() += 1;
            match fate(probe.ttl, *attempt) {
                Fate::Answered { from, kind, after } => {
                    let at = now.mono + after;
                    replies.insert((at, probe.number), Reply { from, kind, at });
                    waiting.push_back((at.min(now.mono + plan.reply_timeout), probe.number));
                }
                Fate::Silent => waiting.push_back((now.mono + plan.reply_timeout, probe.number)),
                Fate::Unsent => {
                    *sent.entry(probe.ttl).or_default() -= 1;
                    tracer.handle_send_failure(probe.number);
                }
            }
            *attempt += 1;
            waiting.retain(|(until, _)| *until > now.mono);
            assert!(waiting.len() <= usize::from(plan.window.max(1)), "more in flight than the window");
        }
        if let Some(trace) = tracer.poll_trace() {
            assert_eq!(tracer.poll_timeout(), None);
            return (trace, sent);
        }
        let due = tracer.poll_timeout().expect("a running trace waits for something");
        if let Some(entry) = replies.first_entry().filter(|entry| entry.key().0 <= due) {
            let ((at, number), reply) = entry.remove_entry();
            now = now.after(at.saturating_duration_since(now.mono));
            assert!(tracer.handle_reply(number, reply));
            assert!(!tracer.handle_reply(number, reply), "a probe has one answer");
        } else {
            now = now.after(due.saturating_duration_since(now.mono));
            tracer.handle_timeout(now.mono);
        }
    }
    panic!("does not end");
}

fn ending(fate: impl FnMut(u8, u8) -> Fate) -> (Ending, usize) {
    let (trace, _) = traced(&plan(), fate);
    (trace.ending, trace.hops.len())
}

#[test]
fn a_path_is_followed_to_its_target_and_no_hop_beyond_is_kept() {
    let (trace, sent) = traced(&plan(), |ttl, _| if ttl < 5 { hop(router(ttl)) } else { echo() });
    assert_eq!(trace.ending, Ending::Reached);
    assert_eq!(trace.hops.iter().map(|hop| hop.ttl).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(trace.hops.iter().all(|hop| hop.answers.len() == 2 && hop.silent == 0));
    assert_eq!(trace.target_rtt(), Rtt::from_ms(20.0).map(|rtt| (rtt, 2)));
    assert!(sent.values().all(|&sent| sent <= 2));
    assert!(sent.keys().all(|&ttl| ttl <= 4 + 3), "nothing is asked beyond the gap limit: {sent:?}");
}

/// What is at each distance of a path: routers, some of them silent, and a target, which may be.
fn path(silent: u32, at: Option<u8>) -> impl FnMut(u8, u8) -> Fate {
    move |ttl, _| match at {
        _ if silent >> ttl & 1 == 1 => Fate::Silent,
        Some(at) if ttl >= at => echo(),
        Some(_) | None => hop(router(ttl)),
    }
}

#[test]
fn a_target_that_is_where_it_was_is_asked_nothing_beyond_itself() {
    let expecting = Plan { window: 8, gap_limit: 8, expected: Some(5), ..plan() };
    let (trace, sent) = traced(&expecting, path(0, Some(5)));
    assert_eq!((trace.distance(), sent), (Some(5), (1..=5).map(|ttl| (ttl, 2)).collect()));
    let (_, usually) = traced(&Plan { expected: None, ..expecting }, path(0, Some(5)));
    assert!(usually.keys().any(|ttl| *ttl > 5), "{usually:?}");
}

#[test]
fn a_target_that_moved_is_found_where_it_is_now() {
    let expecting = |expected| Plan { window: 8, gap_limit: 8, expected, ..plan() };
    for at in [3, 9] {
        let (trace, _) = traced(&expecting(Some(6)), path(0, Some(at)));
        assert_eq!((&trace, trace.distance()), (&traced(&expecting(None), path(0, Some(at))).0, Some(at)));
    }
}

#[test]
fn a_silent_hop_is_asked_every_attempt_and_written_down() {
    let (trace, _) = traced(&plan(), |ttl, _| match ttl {
        2 => Fate::Silent,
        1..=3 => hop(router(ttl)),
        _ => echo(),
    });
    assert_eq!((trace.ending, trace.hops.len()), (Ending::Reached, 4));
    assert_eq!((trace.hops[1].silent, trace.hops[1].answers.len()), (2, 0));
}

#[test]
fn silence_up_to_the_gap_limit_ends_the_trace() {
    assert_eq!(ending(|ttl, _| if ttl < 3 { hop(router(ttl)) } else { Fate::Silent }), (Ending::Silent, 2 + 3));
    assert_eq!(ending(|_, _| Fate::Silent), (Ending::Silent, 3));
}

#[test]
fn a_gap_below_the_limit_is_crossed() {
    let beyond = |ttl, _| match ttl {
        3 | 4 => Fate::Silent,
        1..=6 => hop(router(ttl)),
        _ => echo(),
    };
    assert_eq!(ending(beyond), (Ending::Reached, 7));
}

#[test]
fn the_last_ttl_exhausts_a_trace() {
    assert_eq!(ending(|ttl, _| hop(router(ttl))), (Ending::Exhausted, 12));
}

#[test]
fn a_router_that_says_there_is_no_way_ends_the_path_there() {
    let refused = |ttl, _| match ttl {
        1 | 2 => hop(router(ttl)),
        3 => says(router(3), AnswerKind::Unreachable),
        _ => Fate::Silent,
    };
    assert_eq!(ending(refused), (Ending::Refused, 3));
}

#[test]
fn a_firewall_that_answers_with_port_unreachable_is_not_the_target() {
    let rejected = |ttl, _| if ttl < 3 { hop(router(ttl)) } else { says(router(3), AnswerKind::PortUnreachable) };
    assert_eq!(ending(rejected), (Ending::Refused, 3));
}

#[test]
fn the_target_may_refuse_and_has_answered_all_the_same() {
    let prohibited = |ttl, _| if ttl < 3 { hop(router(ttl)) } else { says(target(), AnswerKind::Unreachable) };
    assert_eq!(ending(prohibited), (Ending::Reached, 3));
}

#[test]
fn only_what_the_target_alone_can_say_is_a_witness_of_its_distance() {
    for (protocol, kind, is_witness) in [
        (Protocol::Icmp, AnswerKind::EchoReply, true),
        (Protocol::Udp, AnswerKind::PortUnreachable, true),
        (Protocol::Icmp, AnswerKind::PortUnreachable, false),
        (Protocol::Icmp, AnswerKind::Unreachable, false),
        (Protocol::Udp, AnswerKind::Unreachable, false),
        (Protocol::Tcp, AnswerKind::SynAck, false),
        (Protocol::Tcp, AnswerKind::Reset, false),
        (Protocol::Tcp, AnswerKind::Unreachable, false),
        (Protocol::Tcp, AnswerKind::Unstated, true),
    ] {
        let (trace, _) = traced(&Plan { last_ttl: 1, ..plan() }, |_, _| says(target(), kind));
        let trace = Trace { protocol, ..trace };
        assert_eq!(trace.target_rtt().is_some(), is_witness, "{protocol} {kind:?}");
        assert_eq!(trace.ending, Ending::Reached);
    }
}

/// Who says that a probe ran out of hops is on its way, in whatever name.
fn exceeded_in_its_name() -> Fate {
    says(target(), AnswerKind::TimeExceeded)
}

#[test]
fn a_probe_that_ran_out_of_hops_in_the_name_of_the_target_has_not_arrived() {
    let translated = |ttl, _| match ttl {
        1..=2 => hop(router(ttl)),
        3..=4 => exceeded_in_its_name(),
        _ => Fate::Answered { from: target(), kind: AnswerKind::EchoReply, after: Duration::from_millis(90) },
    };
    let (trace, _) = traced(&plan(), translated);
    assert_eq!((trace.ending, trace.hops.len(), trace.distance()), (Ending::Reached, 5, Some(5)));
    assert_eq!(trace.target_rtt(), Rtt::from_ms(90.0).map(|rtt| (rtt, 2)), "not that of those before");
    for protocol in [Protocol::Icmp, Protocol::Udp, Protocol::Tcp] {
        let nothing_beyond = |ttl, _| match ttl {
            1..=2 => hop(router(ttl)),
            3 => exceeded_in_its_name(),
            _ => Fate::Silent,
        };
        let (trace, _) = traced(&Plan { protocol, ..plan() }, nothing_beyond);
        assert_eq!((trace.ending, trace.hops.len()), (Ending::Silent, 3 + 3), "{protocol}: asked up to the gap limit");
        assert_eq!((trace.distance(), trace.target_rtt(), trace.target_answered()), (None, None, false));
        let in_its_name = &trace.hops[2].answers[0];
        assert!(!trace.is_witness(in_its_name) && !trace.is_arrival(in_its_name));
    }
}

#[test]
fn those_who_answer_in_the_name_of_the_target_on_the_way_are_no_loop() {
    let by_turns = |ttl: u8, _| match ttl {
        1..=2 | 4 | 6 => hop(router(ttl)),
        3 | 5 | 7 => exceeded_in_its_name(),
        _ => echo(),
    };
    assert_eq!(ending(by_turns), (Ending::Reached, 8));
    assert_eq!(ending(|_, _| exceeded_in_its_name()), (Ending::Exhausted, 12));
}

#[test]
fn what_was_said_in_the_name_of_the_target_from_nearer_than_somebody_on_the_way_has_no_time() {
    let (trace, _) = traced(&plan(), |ttl, _| if ttl < 5 { hop(router(ttl)) } else { echo() });
    let mut doubted = trace.clone();
    for answer in &mut doubted.hops[2].answers {
        answer.kind = AnswerKind::EchoReply;
        answer.from = target();
    }
    doubted.hops.truncate(4);
    assert_eq!(doubted.target_rtt(), None, "a router was further on");
    for answer in &mut doubted.hops[3].answers {
        answer.from = target();
    }
    assert_eq!(doubted.target_rtt(), None, "and so is who answers in its name on the way");
}

#[test]
fn a_refusal_does_not_hide_a_target_that_answers_beyond_it() {
    let balanced = |ttl, attempt| match (ttl, attempt) {
        (3, 0) => says(router(9), AnswerKind::Unreachable),
        (1..=3, _) => hop(router(ttl)),
        _ => echo(),
    };
    assert_eq!(ending(balanced), (Ending::Reached, 4));
}

#[test]
fn a_target_that_answers_at_several_distances_is_at_the_nearest() {
    let (trace, _) = traced(&plan(), |ttl, _| {
        let after = Duration::from_millis(if ttl == 3 { 90 } else { 20 });
        match ttl {
            1 | 2 => hop(router(ttl)),
            _ => Fate::Answered { from: target(), kind: AnswerKind::EchoReply, after },
        }
    });
    assert_eq!((trace.ending, trace.hops.len()), (Ending::Reached, 3));
}

#[test]
fn a_path_that_goes_round_is_a_loop() {
    let round = |ttl: u8, _| hop(router(if ttl < 3 { ttl } else { 3 + ttl % 2 }));
    assert_eq!(ending(round), (Ending::Looped, 7));
    let round_in_silence = |ttl: u8, _| if ttl % 2 == 1 { hop(router(1)) } else { Fate::Silent };
    assert_eq!(ending(round_in_silence), (Ending::Looped, 5));
}

#[test]
fn an_address_that_two_networks_use_is_not_a_loop() {
    let reused = |ttl, _| match ttl {
        4 => hop(router(1)),
        1..=5 => hop(router(ttl)),
        _ => echo(),
    };
    assert_eq!(ending(reused), (Ending::Reached, 6));
}

#[test]
fn a_router_at_two_distances_running_is_not_a_loop() {
    let doubled = |ttl: u8, _| if ttl < 9 { hop(router(ttl / 2)) } else { echo() };
    assert_eq!(ending(doubled), (Ending::Reached, 9));
}

#[test]
fn an_answer_after_its_deadline_is_late_and_not_lost() {
    let (trace, _) = traced(&plan(), |ttl, attempt| match (ttl, attempt) {
        (2, 0) => {
            Fate::Answered { from: router(2), kind: AnswerKind::TimeExceeded, after: Duration::from_millis(1010) }
        }
        (2, _) => Fate::Silent,
        (1..=3, _) => hop(router(ttl)),
        _ => echo(),
    });
    let second = &trace.hops[1];
    assert_eq!((second.answers.len(), second.silent), (1, 1));
    assert!(second.answers[0].late);
    assert_eq!(second.answers[0].rtt_ns, Rtt::from_ms(1010.0).unwrap());
}

#[test]
fn an_answer_that_came_in_time_but_is_read_late_is_not_late() {
    let start = noon();
    let mut tracer = Tracer::new(plan(), start);
    let probe = tracer.probe_at(start.mono).unwrap();
    tracer.handle_timeout(start.mono + Duration::from_secs(2));
    let reply = Reply { from: router(1), kind: AnswerKind::TimeExceeded, at: start.mono + Duration::from_millis(5) };
    assert!(tracer.handle_reply(probe.number, reply));
    tracer.handle_timeout(start.mono + Duration::from_secs(60));
    let trace = tracer.poll_trace().unwrap();
    assert_eq!((trace.hops[0].silent, trace.hops[0].answers[0].late), (0, false));
}

#[test]
fn an_answer_from_before_its_probe_does_not_count() {
    let start = noon().after(Duration::from_secs(1));
    let mut tracer = Tracer::new(plan(), start);
    let probe = tracer.probe_at(start.mono).unwrap();
    let at = start.mono.checked_sub(Duration::from_nanos(1)).unwrap();
    assert!(!tracer.handle_reply(probe.number, Reply { from: router(1), kind: AnswerKind::TimeExceeded, at }));
}

#[test]
fn the_deadline_of_a_trace_ends_it_with_what_there_is() {
    let plan = Plan { deadline: Duration::from_millis(1500), ..plan() };
    let (trace, sent) = traced(&plan, |ttl, _| if ttl == 1 { hop(router(1)) } else { Fate::Silent });
    assert_eq!(trace.ending, Ending::Overdue);
    let booked: usize = trace.hops.iter().map(|hop| hop.answers.len() + usize::from(hop.silent)).sum();
    assert_eq!(booked, sent.values().map(|&sent| usize::from(sent)).sum::<usize>());
}

#[test]
fn probes_that_cannot_be_sent_leave_an_unsent_trace_after_a_few() {
    let mut tried = 0;
    let unsent = |_, _| {
        tried += 1;
        Fate::Unsent
    };
    assert_eq!((ending(unsent), tried), ((Ending::Unsent, 0), 2));
}

#[test]
fn a_failure_to_send_is_neither_an_answer_nor_silence() {
    let (trace, _) = traced(&plan(), |ttl, attempt| match (ttl, attempt) {
        (2, 0) => Fate::Unsent,
        (1..=2, _) => hop(router(ttl)),
        _ => echo(),
    });
    assert_eq!((trace.ending, trace.hops[1].answers.len(), trace.hops[1].silent), (Ending::Reached, 1, 0));
}

#[test]
fn a_plan_of_zeros_is_one_probe() {
    let zeros = Plan { first_ttl: 0, last_ttl: 0, attempts: 0, window: 0, gap_limit: 0, ..plan() };
    let (trace, sent) = traced(&zeros, |_, _| Fate::Silent);
    assert_eq!((trace.ending, sent), (Ending::Silent, BTreeMap::from([(1, 1)])));
}

#[test]
fn the_furthest_ttls_there_are_can_be_asked() {
    let far = Plan { first_ttl: 250, last_ttl: 255, gap_limit: 255, ..plan() };
    let (trace, _) = traced(&far, |_, _| Fate::Silent);
    assert_eq!((trace.ending, trace.hops.len()), (Ending::Exhausted, 6));
}

#[test]
fn a_reply_without_a_key_is_to_the_only_probe_in_flight_and_never_too_fast() {
    let start = noon();
    let mut tracer = Tracer::new(Plan { window: 1, ..plan() }, start);
    tracer.probe_at(start.mono).unwrap();
    let later = start.mono + Duration::from_secs(1);
    tracer.handle_timeout(later);
    tracer.probe_at(later).unwrap();
    let reply = Reply { from: router(2), kind: AnswerKind::TimeExceeded, at: later + Duration::from_millis(3) };
    assert!(tracer.handle_anonymous_reply(reply).is_some());
    assert!(tracer.handle_anonymous_reply(reply).is_none(), "nothing is in flight any more");
    tracer.handle_timeout(start.mono + Duration::from_secs(60));
    let hops = tracer.poll_trace().unwrap().hops;
    assert_eq!((hops[1].ttl, hops[1].answers[0].rtt_ns), (2, Rtt::from_ms(1003.0).unwrap()));
}

#[test]
fn a_repeated_reply_without_a_key_is_never_too_fast_and_proves_nothing_of_the_target() {
    let start = noon();
    let mut tracer = Tracer::new(Plan { window: 1, last_ttl: 1, ..plan() }, start);
    tracer.probe_at(start.mono).unwrap();
    let reply = |ms| {
        let at = start.mono + Duration::from_millis(ms);
        Reply { from: target(), kind: AnswerKind::PortUnreachable, at }
    };
    assert!(tracer.handle_anonymous_reply(reply(80)).is_some());
    tracer.probe_at(start.mono + Duration::from_millis(80)).unwrap();
    assert!(tracer.handle_anonymous_reply(reply(79)).is_none(), "it came before the probe in flight had left");
    assert!(tracer.handle_anonymous_reply(reply(81)).is_some());
    let trace = tracer.poll_trace().unwrap();
    let answers = &trace.hops[0].answers;
    assert_eq!(answers.iter().map(|answer| answer.rtt_ns.ms().round()).collect::<Vec<_>>(), [80.0, 81.0]);
    assert!(answers.iter().all(|answer| answer.unmatched));
    assert_eq!((trace.ending, trace.target_rtt()), (Ending::Reached, None));
}

#[test]
fn a_reply_without_a_key_is_to_none_of_several_probes() {
    let start = noon();
    let mut tracer = Tracer::new(plan(), start);
    tracer.probe_at(start.mono).unwrap();
    tracer.probe_at(start.mono).unwrap();
    let reply = Reply { from: router(1), kind: AnswerKind::TimeExceeded, at: start.mono };
    assert!(tracer.handle_anonymous_reply(reply).is_none());
}

fn any_fate() -> impl Strategy<Value = Fate> {
    let from = prop_oneof![4 => (0u8..6).prop_map(router), 1 => Just(target())];
    let kind = prop_oneof![
        6 => Just(AnswerKind::TimeExceeded),
        1 => Just(AnswerKind::EchoReply),
        1 => Just(AnswerKind::Unreachable),
    ];
    let answered = (from, kind, 0u64..2500).prop_map(|(from, kind, ms)| Fate::Answered {
        from,
        kind,
        after: Duration::from_millis(ms),
    });
    prop_oneof![6 => answered, 2 => Just(Fate::Silent), 1 => Just(Fate::Unsent)]
}

prop_compose! {
    fn any_plan()(
        first_ttl in 0u8..5, last_ttl in 0u8..20, attempts in 0u8..4, window in 0u8..10, gap_limit in 0u8..6,
        deadline in 0u64..20_000,
    ) -> Plan {
        let deadline = Duration::from_millis(deadline);
        Plan { first_ttl, last_ttl, attempts, window, gap_limit, deadline, ..plan() }
    }
}

proptest! {
    #[test]
    fn what_was_expected_changes_nothing_of_a_trace(
        silent in any::<u32>(), other in any::<u32>(), at in prop::option::of(1u8..14), expected in 1u8..16,
        window in 1u8..10, gap_limit in 1u8..9,
    ) {
        let usual = Plan { window, gap_limit, retries: 1, deadline: Duration::from_secs(600), ..plan() };
        let expecting = Plan { expected: Some(expected), ..usual.clone() };
        let (trace, sent) = traced(&expecting, path(silent & other, at));
        let (same, usually) = traced(&usual, path(silent & other, at));
        prop_assert_eq!(&trace, &same);
        let probes = |sent: &BTreeMap<u8, u8>| sent.values().map(|sent| usize::from(*sent)).sum::<usize>();
        // What was spared beyond where nobody turns out to be may be sent then.
        let is_there = same.distance().is_some_and(|at| at <= expected);
        let more = if is_there { 0 } else { usize::from(window) };
        prop_assert!(probes(&sent) <= probes(&usually) + more, "{:?} {:?}", sent, usually);
    }

    #[test]
    fn every_trace_ends_and_every_probe_sent_is_answered_or_silent(
        plan in any_plan(),
        fates in prop::collection::vec(any_fate(), 1..80),
    ) {
        let mut fates = fates.into_iter().cycle();
        let (trace, sent) = traced(&plan, |_, _| fates.next().unwrap_or(Fate::Silent));
        for hop in &trace.hops {
            let booked = hop.answers.len() + usize::from(hop.silent);
            prop_assert_eq!(booked, usize::from(sent[&hop.ttl]), "at {}", hop.ttl);
            prop_assert!(sent[&hop.ttl] <= plan.attempts.max(1));
        }
        prop_assert!(trace.hops.is_sorted_by(|near, far| near.ttl < far.ttl));
        let has_answered = trace.hops.iter().flat_map(|hop| &hop.answers).any(|answer| trace.is_arrival(answer));
        prop_assert_eq!(trace.ending == Ending::Reached, has_answered);
    }
}

#[test]
fn what_was_sent_before_a_sleep_is_silent_and_what_comes_for_it_counts_for_nothing() {
    let now = noon();
    let plan = Plan { attempts: 2, window: 3, gap_limit: 3, last_ttl: 3, ..plan() };
    let mut tracer = Tracer::new(plan.clone(), now);
    let sent =
        |tracer: &mut Tracer, now: Instant| -> Vec<Probe> { std::iter::from_fn(|| tracer.probe_at(now)).collect() };
    let first = sent(&mut tracer, now.mono);
    let answer = |ttl: u8, at| Reply { from: router(ttl), kind: AnswerKind::TimeExceeded, at };
    // The first is answered before, the second has fallen silent and is late, the third is in flight.
    let (soon, later) = (now.mono + Duration::from_millis(20), now.mono + plan.reply_timeout);
    assert!(tracer.handle_reply(first[0].number, answer(1, soon)));
    tracer.handle_timeout(later);
    let second = sent(&mut tracer, later);
    assert_eq!((first.len(), second.len()), (3, 3));

    tracer.handle_suspension();
    let awake = later + Duration::from_millis(1);
    for probe in first.iter().chain(&second) {
        assert!(!tracer.handle_reply(probe.number, answer(probe.ttl, awake)), "{probe:?}");
    }
    let trace = tracer.poll_trace().unwrap();
    let counts: Vec<_> = trace.hops.iter().map(|hop| (hop.answers.len(), hop.silent)).collect();
    assert_eq!((counts, trace.ending), (vec![(1, 1), (0, 2), (0, 2)], Ending::Exhausted));
    assert_eq!(trace.hops[0].answers[0].rtt_ns, Rtt::from_duration(Duration::from_millis(20)));
}

#[test]
fn a_trace_goes_on_after_a_sleep() {
    let now = noon();
    let mut tracer = Tracer::new(Plan { attempts: 2, window: 2, ..plan() }, now);
    while tracer.probe_at(now.mono).is_some() {}
    tracer.handle_suspension();
    let mut at = now.mono;
    let trace = loop {
        while let Some(probe) = tracer.probe_at(at) {
            let (from, kind) = match probe.ttl {
                1..=3 => (router(probe.ttl), AnswerKind::TimeExceeded),
                _ => (target(), AnswerKind::EchoReply),
            };
            at += Duration::from_millis(5);
            assert!(tracer.handle_reply(probe.number, Reply { from, kind, at }));
        }
        if let Some(trace) = tracer.poll_trace() {
            break trace;
        }
        at = tracer.poll_timeout().unwrap();
        tracer.handle_timeout(at);
    };
    assert_eq!((trace.ending, trace.hops.len()), (Ending::Reached, 4));
    let counts: Vec<_> = trace.hops.iter().map(|hop| (hop.answers.len(), hop.silent)).collect();
    assert_eq!(counts, [(1, 1), (1, 1), (2, 0), (2, 0)]);
}

#[test]
fn a_hop_is_asked_again_where_somebody_further_on_answered_and_only_then() {
    let plan = Plan { retries: 2, ..plan() };
    let (trace, sent) = traced(&plan, |ttl, attempt| match ttl {
        2 => Fate::Silent,
        3 if attempt < 3 => Fate::Silent,
        1..=4 => hop(router(ttl)),
        _ => echo(),
    });
    assert_eq!(trace.ending, Ending::Reached);
    assert_eq!((sent[&1], sent[&2], sent[&3], sent[&5]), (2, 4, 4, 2), "attempts, and so many retries where silent");
    assert_eq!((trace.hops[1].silent, trace.hops[2].silent, trace.hops[2].answers.len()), (4, 3, 1));
    let (trace, sent) = traced(&plan, |ttl, _| if ttl < 3 { hop(router(ttl)) } else { Fate::Silent });
    assert_eq!(trace.ending, Ending::Silent);
    assert!(sent.values().all(|sent| *sent == 2), "nobody is known to be further on: {sent:?}");
}

#[test]
fn one_retry_is_awaited_before_the_next() {
    let now = noon();
    let mut tracer = Tracer::new(Plan { retries: 3, attempts: 1, last_ttl: 2, ..plan() }, now);
    let (near, far) = (tracer.probe_at(now.mono).unwrap(), tracer.probe_at(now.mono).unwrap());
    assert!(!near.is_repeated && tracer.probe_at(now.mono).is_none());
    let reply = Reply { from: target(), kind: AnswerKind::EchoReply, at: now.mono };
    assert!(tracer.handle_reply(far.number, reply));
    let mut later = now.mono;
    for _ in 0..3 {
        assert_eq!(tracer.probe_at(later), None, "the one before may yet be answered");
        later += tracer.plan().reply_timeout;
        tracer.handle_timeout(later);
        assert!(tracer.probe_at(later).is_some_and(|probe| probe.ttl == 1 && probe.is_repeated));
    }
    tracer.handle_timeout(later + tracer.plan().reply_timeout);
    assert_eq!(tracer.poll_trace().map(|trace| (trace.ending, trace.hops[0].silent)), Some((Ending::Reached, 4)));
}

/// A guided tracer whose target is expected at that distance, with what it asks answered along a way to `distance`.
fn guided(expected: u8, distance: u8) -> (Tracer, Vec<u8>) {
    let now = noon();
    let mut tracer = Tracer::new(Plan { attempts: 1, ..plan() }, now);
    tracer.guide(expected);
    let mut asked = Vec::new();
    while let Some(probe) = tracer.probe_at(now.mono) {
        asked.push(probe.ttl);
        let (from, kind) = if probe.ttl < distance {
            (router(probe.ttl), AnswerKind::TimeExceeded)
        } else {
            (target(), AnswerKind::EchoReply)
        };
        assert!(tracer.handle_reply(probe.number, Reply { from, kind, at: now.mono }));
    }
    (tracer, asked)
}

#[test]
fn a_guided_trace_asks_for_its_target_and_the_hop_before_wherever_those_are() {
    for (expected, distance, asks) in [
        (6, 6, &[5, 6][..]),
        (6, 8, &[5, 6, 7, 8]),
        (6, 4, &[5, 4, 3]),
        (1, 2, &[1, 2]),
        (9, 1, &[8, 7, 6, 5, 4, 3, 2, 1]),
    ] {
        let (tracer, asked) = guided(expected, distance);
        assert_eq!((asked.as_slice(), tracer.reached_at()), (asks, Some(distance)), "{expected} {distance}");
    }
}

#[test]
fn a_guided_trace_is_over_when_it_knows_every_hop_and_says_which_it_took_over() {
    let (mut tracer, _) = guided(5, 5);
    let answer = tracer.measured(4).unwrap().1.unwrap();
    let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    tracer.inherit(3, Some(HopAnswer { from: router(3), ..answer }), at);
    tracer.inherit(2, None, at);
    tracer.inherit(4, None, at);
    assert_eq!(
        (tracer.known(3), tracer.known(2), tracer.known(1)),
        (Known::Answered(router(3)), Known::Silent, Known::Unasked)
    );
    assert!(
        !tracer.is_over() && tracer.measured(3).is_none() && !tracer.is_inherited(4),
        "what it asked stays its own"
    );
    tracer.want(1);
    let now = noon();
    let probe = tracer.probe_at(now.mono).unwrap();
    assert_eq!((probe.ttl, tracer.known(1)), (1, Known::Asked));
    tracer.handle_send_failure(probe.number);
    assert_eq!(tracer.known(1), Known::Unsent, "that is not silence");
    let trace = tracer.poll_trace().unwrap();
    let taken: Vec<_> = trace.hops.iter().map(|hop| (hop.ttl, hop.inherited, hop.silent, hop.answers.len())).collect();
    assert_eq!(taken, [(2, Some(at), 1, 0), (3, Some(at), 0, 1), (4, None, 0, 1), (5, None, 0, 1)]);
}

#[test]
fn who_answers_in_the_name_of_the_target_on_the_way_is_nobody_that_neighbours_would_meet() {
    let now = noon();
    let mut tracer = Tracer::new(Plan { attempts: 1, ..plan() }, now);
    tracer.guide(6);
    let (before, last) = (tracer.probe_at(now.mono).unwrap(), tracer.probe_at(now.mono).unwrap());
    let reply = |kind| Reply { from: target(), kind, at: now.mono };
    assert!(tracer.handle_reply(before.number, reply(AnswerKind::TimeExceeded)));
    assert!(tracer.handle_reply(last.number, reply(AnswerKind::EchoReply)));
    assert_eq!((tracer.known(5), tracer.known(6)), (Known::Several, Known::Answered(target())));
    assert_eq!(tracer.reached_at(), Some(6));
}

#[test]
fn a_hop_that_was_taken_over_is_asked_when_it_turns_out_to_be_the_one_before_the_target() {
    let now = noon();
    let mut tracer = Tracer::new(Plan { attempts: 1, ..plan() }, now);
    tracer.guide(6);
    let (before, last) = (tracer.probe_at(now.mono).unwrap(), tracer.probe_at(now.mono).unwrap());
    assert_eq!((before.ttl, last.ttl), (5, 6));
    tracer.inherit(4, None, Timestamp::UNIX_EPOCH);
    let reply = Reply { from: target(), kind: AnswerKind::EchoReply, at: now.mono };
    assert!(tracer.handle_reply(before.number, reply));
    assert_eq!((tracer.known(4), tracer.probe_at(now.mono).map(|probe| probe.ttl)), (Known::Asked, Some(4)));
}

#[test]
fn the_deadline_of_a_trace_that_waited_for_others_holds_from_its_start() {
    let now = noon();
    let mut tracer = Tracer::new(plan(), now);
    let (soon, deadline) = (now.mono + tracer.plan().deadline / 2, now.mono + tracer.plan().deadline);
    tracer.explore(8);
    assert!(tracer.probe_at(soon).is_some() && tracer.poll_timeout().is_some_and(|due| due <= deadline));
    tracer.handle_timeout(deadline);
    assert_eq!(tracer.poll_trace().map(|trace| trace.ending), Some(Ending::Overdue));
}
