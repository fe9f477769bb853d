use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::trace::Ending;
use crate::trace::pace::Pace;
use crate::trace::plan::Plan;
use crate::trace::switchboard::Switchboard;
use crate::trace::tests::noon;
use crate::trace::tests::world::{Lab, Manner, Weather, World};

const MANNER: Manner = Manner { at_once: 16, attempts: 1, retries: 1, witnesses: 4 };
const ALONE: Manner = Manner { witnesses: 0, ..MANNER };

fn world() -> World {
    World {
        depth: 11,
        networks: 4,
        hosts: 30,
        silent: 15,
        dead: 5,
        wide: 0,
        is_halved: false,
        is_deep: false,
        is_private: false,
        salt: 3,
    }
}

#[test]
fn what_is_taken_over_is_what_the_trace_would_have_met_and_costs_fewer_packets() {
    let world = world();
    let (shared, alone) = (Lab::run(&world, Weather::default(), MANNER), Lab::run(&world, Weather::default(), ALONE));
    let inherited = shared.assert_right();
    assert!(inherited.len() > 120 * 6, "{}", inherited.len());
    assert!(inherited.iter().any(|(_, hop)| hop.answers.is_empty()), "silence as well");
    assert_eq!(alone.assert_right(), []);
    assert_eq!((shared.traces.len(), shared.named(), alone.named()), (120, 1000, 1000));
    assert!(shared.sent * 2 < alone.sent, "{} and {}", shared.sent, alone.sent);
}

#[test]
fn routers_that_share_flows_are_asked_by_every_trace() {
    for salt in 0..4 {
        let world = World { wide: 20, salt, hosts: 60, ..world() };
        let lab = Lab::run(&world, Weather::default(), Manner { witnesses: 14, ..MANNER });
        let inherited = lab.assert_right();
        assert!(inherited.len() > 300, "{}", inherited.len());
        assert_eq!(lab.named(), 1000);
    }
}

#[test]
fn halves_of_a_network_with_ways_of_their_own_are_not_mixed_up() {
    for salt in 0..20 {
        let world = World { is_halved: true, is_deep: true, silent: 35, hosts: 36, salt, ..world() };
        let lab = Lab::run(&world, Weather::default(), Manner { witnesses: 2, ..MANNER });
        assert!(!lab.assert_right().is_empty());
    }
}

/// The routers before them are not the same for all.
#[test]
fn routers_of_unrelated_networks_with_one_private_address_are_not_mixed_up() {
    let world = World { depth: 5, is_private: true, silent: 0, dead: 0, networks: 9, ..world() };
    let lab = Lab::run(&world, Weather::default(), Manner { witnesses: 2, ..MANNER });
    assert!(!lab.assert_right().is_empty());
}

#[test]
fn what_gets_lost_is_made_up_for() {
    let world = World { dead: 0, ..world() };
    let lab = Lab::run(&world, Weather { lost: 1, ..Weather::default() }, MANNER);
    assert!(!lab.assert_right().is_empty());
    assert!(lab.named() >= 995, "{}", lab.named());
}

#[test]
fn a_network_where_nobody_answers_is_traced_in_time() {
    for (depth, silent) in [(4, 0), (11, 100), (4, 100), (7, 0)] {
        let world = World { depth, silent, dead: 100, networks: 1, ..world() };
        let lab = Lab::run(&world, Weather::default(), Manner { attempts: 3, ..MANNER });
        lab.assert_right();
        assert_eq!(lab.traces.len(), 30);
        assert_eq!(lab.named(), if silent == 0 { 1000 } else { 0 }, "{depth}");
    }
}

#[test]
fn a_probe_that_could_not_be_sent_is_not_silence() {
    let world = World { silent: 0, dead: 0, ..world() };
    let lab = Lab::run(&world, Weather { unsent: 30, ..Weather::default() }, MANNER);
    // Neither is what was taken over ever silent.
    lab.assert_right();
    assert_eq!(lab.traces.len(), 120);
}

#[test]
fn nothing_is_taken_over_that_was_measured_before_the_round() {
    let world = world();
    let mut lab = Lab::new(&world, Weather::default());
    lab.trace_all(MANNER, 150);
    // The second round begins while the first is still under way.
    let begun = lab.now.wall;
    lab.traces.clear();
    lab.trace_all(MANNER, usize::MAX);
    let inherited = lab.assert_right();
    let of_the_second = inherited.iter().filter(|(trace, _)| trace.started >= begun);
    assert!(of_the_second.clone().count() > 100);
    let first: Vec<_> = lab.traces.iter().filter(|trace| trace.started < begun).map(|trace| trace.target).collect();
    assert!(!first.is_empty());
    let mut second: Vec<_> = lab.traces.iter().filter(|trace| trace.started >= begun).collect();
    second.sort_by_key(|trace| trace.started);
    // The last hundred and twenty are those of the second round; all others were begun in the first.
    for trace in second.iter().rev().take(120) {
        assert!(trace.hops.iter().filter_map(|hop| hop.inherited).all(|at| at >= begun), "{trace:#?}");
    }
}

#[test]
fn traces_that_are_stopped_leave_nothing_behind_that_others_wait_for() {
    for steps in [1, 20, 100, 300] {
        let world = world();
        let mut lab = Lab::new(&world, Weather::default());
        lab.trace_all(MANNER, steps);
        lab.switchboard.handle_stop(lab.now);
        lab.finish();
        lab.traces.clear();
        lab.trace_all(MANNER, usize::MAX);
        assert!(!lab.assert_right().is_empty());
        assert_eq!((lab.traces.len(), lab.named()), (120, 1000));
    }
}

#[test]
fn what_was_measured_before_a_sleep_is_not_taken_over_after_it() {
    for steps in [20, 100, 300] {
        let world = world();
        let mut lab = Lab::new(&world, Weather::default());
        // The round begins before.
        lab.since = Some(lab.now.mono);
        lab.trace_all(MANNER, steps);
        // The monotonic clock has stood still.
        lab.now.wall += SignedDuration::from_hours(3);
        let woke = lab.now.wall;
        lab.switchboard.handle_suspension(lab.now);
        lab.finish();
        lab.traces.clear();
        lab.trace_all(MANNER, usize::MAX);
        assert!(lab.traces.iter().flat_map(|trace| &trace.hops).filter_map(|hop| hop.inherited).all(|at| at >= woke));
        assert!(lab.traces.iter().all(|trace| trace.ending != Ending::Overdue));
        assert_eq!((lab.traces.len(), lab.named()), (120, 1000));
    }
}

#[test]
fn no_more_is_remembered_than_has_its_use() {
    let (mut commons, now) = (Commons::default(), noon());
    let id =
        Switchboard::new(1, Pace::default()).start(Plan::for_address([45, 1, 2, 3].into(), Protocol::Icmp, 1), now);
    let sharing = Sharing { since: now.mono, witnesses: 2 };
    for number in 0..u32::try_from(MOST).unwrap() + 10 {
        let target = Ipv4Addr::from_bits(0x2d00_0000 + (number << 8)).into();
        let plan = Plan { sharing: Some(sharing), ..Plan::for_address(target, Protocol::Icmp, 1) };
        let mut tracer = Tracer::new(plan, now);
        let mut pupil = Pupil::new(&tracer, sharing);
        commons.guide(id, &mut pupil, &mut tracer, now);
        tracer.handle_stop();
        commons.leave(&mut pupil, &tracer);
    }
    assert!(commons.networks.len() <= MOST + 1 && commons.before.len() <= MOST + 1);
}

fn worlds() -> impl Strategy<Value = World> {
    let shape = (1..14_u8, 1..5_u8, 1..30_u8, any::<[bool; 3]>());
    let shares = (prop_oneof![Just(0), 1..60_u64], prop_oneof![Just(0), 1..80_u64, Just(100)], any::<u64>());
    (shape, shares).prop_map(|((depth, networks, hosts, [is_halved, is_deep, is_private]), (silent, dead, salt))| {
        World { depth, networks, hosts, silent, dead, wide: 0, is_halved, is_deep, is_private, salt }
    })
}

fn manners() -> impl Strategy<Value = Manner> {
    let manner = (1..40_usize, 1..4_u8, 0..3_u8, 2..6_u8);
    manner.prop_map(|(at_once, attempts, retries, witnesses)| Manner { at_once, attempts, retries, witnesses })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn where_no_load_is_shared_every_trace_ends_and_no_hop_is_wrong(world in worlds(), manner in manners()) {
        let shared = Lab::run(&world, Weather::default(), manner);
        shared.assert_right();
        let alone = Lab::run(&world, Weather::default(), Manner { witnesses: 0, ..manner });
        prop_assert_eq!(shared.traces.len(), alone.traces.len());
        prop_assert!(shared.named() >= alone.named(), "{} and {}", shared.named(), alone.named());
    }

    #[test]
    fn whatever_is_lost_every_trace_ends(world in worlds(), manner in manners(), lost in 0..30_u32, unsent in 0..30_u32) {
        let lab = Lab::run(&world, Weather { lost, unsent, ..Weather::default() }, manner);
        prop_assert_eq!(lab.traces.len(), world.targets().len());
        prop_assert!(lab.traces.iter().all(|trace| trace.ending != Ending::Overdue));
    }
}
