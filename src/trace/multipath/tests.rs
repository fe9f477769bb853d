//! Simulated routers that spread flows: what is found is there, what is there is found as often as stated, and it ends.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use world::{Run, TARGET, World};

mod world;

fn wanted(method: Method) -> Wanted {
    Wanted { method, ..Wanted::default() }
}

fn sure(probability: f64) -> Wanted {
    Wanted { confidence: Confidence::new(probability).unwrap(), ..Wanted::default() }
}

/// Whether every hop has everyone who is there.
fn has_all(world: &World, paths: &Multipaths) -> bool {
    let found = |ttl: usize| paths.hops.get(ttl).map_or(BTreeSet::new(), addresses);
    (0..=world.levels.len()).all(|level| found(level) == world.level(level))
}

fn addresses(hop: &MultipathHop) -> BTreeSet<std::net::IpAddr> {
    hop.vertices.iter().map(|vertex| vertex.address).collect()
}

/// The share of `runs` that find everyone.
fn share_that_finds_all(world: &World, wanted: Wanted, runs: u64) -> f64 {
    let found = (0..runs).filter(|&seed| has_all(world, &world.clone().salted(seed).run(wanted, seed).paths)).count();
    f64::from(u32::try_from(found).unwrap()) / f64::from(u32::try_from(runs).unwrap())
}

fn average_sent(world: &World, wanted: Wanted) -> f64 {
    let sent: usize = (0..20).map(|seed| world.clone().salted(seed).run(wanted, seed).sent).sum();
    f64::from(u32::try_from(sent).unwrap()) / 20.0
}

#[test]
fn a_path_that_nobody_spreads_takes_six_flows_a_hop_and_says_how_sure_it_is() {
    let world = World::meshed(&[1; 11]);
    let Run { sent, paths } = world.run(Wanted::default(), 1);
    assert_eq!((sent, paths.hops.len(), paths.ending, paths.completion), (72, 12, Ending::Reached, Completion::Whole));
    assert!(
        paths.hops.iter().all(|hop| hop.assurance == Assurance::Stated && (hop.flows, hop.vertices.len()) == (6, 1))
    );
    assert!(paths.diamonds.is_empty() && paths.probes >= sent);
    assert_eq!(paths.responders().len(), 12);
    assert!(paths.target_rtt().unwrap().ms() >= 12.0);
}

#[test]
fn a_plain_diamond_is_found_with_its_edges_and_no_more_flows_than_its_hops_take() {
    let world = World::plain(&[1, 4, 2, 1]);
    let Run { sent, paths } = world.run(Wanted::default(), 1);
    assert!(has_all(&world, &paths));
    let edges: Vec<_> = paths.hops.iter().map(|hop| hop.edges.len()).collect();
    assert_eq!(edges, [0, 4, 4, 2, 1]);
    let diamond = Diamond { parts_at: 1, meets_at: 4, width: 4, meshed: false, asymmetry: 0, thorough: false };
    assert_eq!((&paths.diamonds[..], diamond.length()), (&[diamond][..], 3));
    // 6 + 21 + 11 + 6 + 6 by the stopping rule, and a few for edges and tests.
    assert!((50..=60).contains(&sent), "{sent}");
}

#[test]
fn a_meshed_diamond_and_an_asymmetric_one_are_seen_to_be_and_looked_at_vertex_by_vertex() {
    let meshed = World::meshed(&[1, 3, 3, 1]);
    let uneven = World::of(vec![vec![vec![0, 1]], vec![vec![0], vec![1, 2, 3]], vec![vec![0]; 4], vec![vec![0]]]);
    for (world, is_meshed, asymmetry) in [(meshed, true, 0), (uneven, false, 2)] {
        let paths = world.run(Wanted::default(), 3).paths;
        let [diamond] = paths.diamonds[..] else { panic!("{paths:#?}") };
        assert_eq!((diamond.meshed, diamond.asymmetry, diamond.thorough), (is_meshed, asymmetry, true));
        assert!(has_all(&world, &paths), "{paths:#?}");
    }
}

#[test]
fn whichever_the_method_everybody_is_linked_on_both_sides() {
    let world = World::plain(&[1, 9, 3, 1]);
    for method in [Method::Lite, Method::Full] {
        let hops = world.run(wanted(method), 3).paths.hops;
        let edges: Vec<_> = hops.iter().map(|hop| hop.edges.len()).collect();
        assert_eq!(edges, [0, 9, 9, 3, 1], "{method}");
    }
}

#[test]
fn every_method_takes_the_more_flows_the_surer_it_is_to_be_and_lite_the_fewer() {
    let world = World::plain(&[1, 10, 5, 1]);
    let (lite, full) = (average_sent(&world, wanted(Method::Lite)), average_sent(&world, wanted(Method::Full)));
    assert!(lite < 0.7 * full, "{lite} {full}");
    assert!(average_sent(&world, sure(0.99)) > 1.1 * lite);
    assert!(average_sent(&world, sure(0.6)) < 0.8 * lite);
}

/// With fixed seeds the shares are what they are. The points leave hardly anything over, so that a share of so many runs
/// may by chance be a little below; what each point fails with, exactly, is a test beside them.
#[test]
fn all_next_hops_are_found_as_often_as_stated() {
    const RUNS: u32 = 300;
    for (width, probability) in [(2, 0.95), (3, 0.95), (4, 0.95), (8, 0.95), (2, 0.8), (3, 0.8), (8, 0.6)] {
        let share = share_that_finds_all(&World::plain(&[1, width, 1]), sure(probability), RUNS.into());
        let chance = 2.0 * (probability * (1.0 - probability) / f64::from(RUNS)).sqrt();
        assert!(share >= probability - chance, "{width} at {probability}: {share}");
        assert!(share < 1.0, "{width} at {probability}: nothing was left to chance, so that this shows nothing");
    }
}

#[test]
fn behind_uneven_routers_all_next_hops_are_found_as_often_as_stated_by_the_full_method() {
    let uneven = World::of(vec![vec![vec![0, 1]], vec![vec![0], vec![1, 2, 3]], vec![vec![0]; 4]]);
    let full = Wanted { confidence: Confidence::new(0.95).unwrap(), ..wanted(Method::Full) };
    // Two routers that spread: what each finds holds with 95 %.
    let share = share_that_finds_all(&uneven, full, 200);
    assert!(share >= 0.95 * 0.95, "{share}");
}

#[test]
fn a_hop_that_nobody_answers_for_is_silent_and_the_ones_behind_it_are_found() {
    let mut world = World::plain(&[1, 1, 2, 1]);
    world.silent.insert((1, 0));
    let paths = world.run(Wanted::default(), 8).paths;
    assert_eq!(paths.hops[1].assurance, Assurance::Silent);
    assert_eq!((paths.hops[1].vertices.len(), paths.hops[1].flows, paths.hops[1].silent), (0, 6, 6));
    assert_eq!((paths.hops[2].vertices.len(), paths.hops[2].assurance), (2, Assurance::Stated));
    assert!(paths.hops[2].edges.is_empty(), "nobody was seen before them");
}

#[test]
fn silence_of_some_flows_is_doubt_and_a_lost_packet_is_none() {
    let mut world = World::plain(&[1, 2, 1]);
    world.silent.insert((1, 1));
    let paths = world.run(Wanted::default(), 2).paths;
    assert_eq!((paths.hops[1].vertices.len(), paths.hops[1].assurance), (1, Assurance::Doubtful));
    assert!(paths.hops[1].silent > 0);

    let mut lossy = World::plain(&[1, 2, 1]);
    lossy.loss = 3;
    let doubtful = (0..100).flat_map(|seed| lossy.run(Wanted::default(), seed).paths.hops).filter(|hop| hop.silent > 0);
    assert!(doubtful.count() <= 2, "of 400 hops");
}

#[test]
fn a_silent_target_is_not_reached_and_no_hop_behind_the_last_is_made_up() {
    let mut world = World::plain(&[1, 2, 1]);
    world.silent.insert((3, 0));
    let paths = world.run(Wanted::default(), 2).paths;
    assert_eq!((paths.ending, paths.hops.len(), paths.target_rtt()), (Ending::Silent, 3, None));
}

#[test]
fn ways_go_on_behind_a_translator_that_answers_in_the_name_of_the_target() {
    let mut world = World::plain(&[1, 1, 2, 1]);
    world.fronted = Some(3);
    let paths = world.run(Wanted::default(), 3).paths;
    assert_eq!((paths.ending, paths.hops.len(), paths.hops[2].vertices.len()), (Ending::Reached, 5, 2), "{paths:#?}");
    assert!(paths.target_rtt().unwrap().ms() >= 5.0, "the translator's time is not the target's");
    world.silent.insert((4, 0));
    let paths = world.run(Wanted::default(), 3).paths;
    assert_eq!((paths.ending, paths.hops.len(), paths.target_rtt()), (Ending::Silent, 4, None), "{paths:#?}");
}

#[test]
fn ways_of_different_length_end_where_the_target_is() {
    // The one goes straight to the target, the other by way of two routers more.
    let mut world = World::of(vec![vec![vec![0, 1]], vec![vec![0], vec![1]], vec![vec![0], vec![0]]]);
    let long = |paths: &Multipaths| paths.hops.iter().map(|hop| hop.vertices.len()).collect::<Vec<_>>();
    assert_eq!(long(&world.run(Wanted::default(), 4).paths), [1, 2, 2, 1]);
    world.silent.insert((2, 0));
    assert_eq!(long(&world.run(Wanted::default(), 4).paths), [1, 2, 1, 1]);
}

#[test]
fn without_privileges_answers_are_marked_and_no_flow_is_used_after_silence() {
    let mut world = World::plain(&[1, 3, 1]);
    (world.is_unprivileged, world.loss) = (true, 5);
    let paths = world.run(Wanted::default(), 6).paths;
    assert!(has_all(&world, &paths), "{paths:#?}");
    assert!(paths.hops.iter().flat_map(|hop| &hop.vertices).all(|vertex| vertex.unmatched));
    assert_eq!(paths.target_rtt(), None);
}

#[test]
fn whoever_makes_up_a_router_for_every_flow_is_asked_no_more_than_the_bound() {
    let liars = World::meshed(&[1, 250, 250, 1]);
    let bound = Wanted { probes: 300, ..Wanted::default() };
    let Run { sent, paths } = liars.run(bound, 1);
    assert!(sent <= 300 && paths.probes <= 300);
    assert_eq!(paths.completion, Completion::Spent);
    assert!(paths.hops.iter().any(|hop| hop.assurance == Assurance::Unfinished));
}

#[test]
fn flows_do_not_run_out_before_the_probes_and_are_never_drawn_twice() {
    let base = Plan::for_address(TARGET.into(), Protocol::Udp, 0);
    let mut machine = Multipath::new(&base, Wanted::default(), 1);
    let mut ports = BTreeSet::new();
    for _ in 0..1000 {
        let flow = machine.new_flow().unwrap();
        machine.known.handle_asked(flow, 1);
        assert!(ports.insert(Plan { flow, ..base.clone() }.udp_source_port()));
    }
    let others: Vec<u16> = (1..0x7fff).filter(|flow| !machine.known.drawn().contains(flow)).collect();
    assert!(others.len() + 1000 > Wanted::MOST_PROBES);
    for flow in &others[1..] {
        machine.known.handle_asked(*flow, 1);
    }
    assert_eq!(machine.new_flow(), Some(others[0]));
    machine.known.handle_asked(others[0], 1);
    assert_eq!(machine.new_flow(), None);
}

#[test]
fn what_is_stopped_says_so() {
    let world = World::plain(&[1, 2, 1]);
    let base = Plan::for_address(TARGET.into(), Protocol::Icmp, 0);
    let mut machine = Multipath::new(&base, Wanted::default(), 1);
    let first = machine.poll_ask().unwrap();
    assert_eq!((first.attempts, first.last_ttl, machine.poll_ask()), (1, 30, None));
    let mut dice = StdRng::seed_from_u64(1);
    machine.handle_trace(&first, world.trace(&first, &mut dice));
    let plan = machine.poll_ask().unwrap();
    assert_eq!((plan.first_ttl, plan.last_ttl, plan.attempts), (1, 1, 1));
    machine.handle_stop();
    assert_eq!((machine.poll_ask(), machine.poll_paths()), (None, None), "a probe is out");
    let overdue = Trace { ending: Ending::Overdue, ..world.trace(&plan, &mut dice) };
    machine.handle_trace(&plan, overdue);
    let paths = machine.poll_paths().unwrap();
    assert_eq!((paths.completion, paths.hops.len()), (Completion::Stopped, 4));
    assert!(paths.hops.iter().all(|hop| hop.assurance == Assurance::Unfinished && hop.flows == 1));
}

#[test]
fn what_cannot_be_sent_is_not_tried_for_ever() {
    let base = Plan::for_address(TARGET.into(), Protocol::Icmp, 0);
    let unsent = |plan: &Plan| plan.unsent(crate::trace::tests::noon());
    let mut nothing = Multipath::new(&base, Wanted::default(), 1);
    let first = nothing.poll_ask().unwrap();
    nothing.handle_trace(&first, unsent(&first));
    assert_eq!(nothing.poll_paths().map(|paths| (paths.ending, paths.hops.len())), Some((Ending::Unsent, 0)));

    let world = World::plain(&[1, 2, 1]);
    let mut machine = Multipath::new(&base, Wanted::default(), 1);
    let first = machine.poll_ask().unwrap();
    machine.handle_trace(&first, world.trace(&first, &mut StdRng::seed_from_u64(1)));
    let mut tried = 0;
    let paths = loop {
        match machine.poll_ask() {
            Some(plan) => machine.handle_trace(&plan, unsent(&plan)),
            None => break machine.poll_paths(),
        }
        tried += 1;
    };
    assert_eq!((tried, paths.map(|paths| paths.completion)), (FAILURES, Some(Completion::Stopped)));
}

fn worlds() -> impl Strategy<Value = World> {
    let levels = prop::collection::vec(1..7_usize, 1..6).prop_flat_map(|widths| {
        let level = |at: usize| {
            let next = widths.get(at + 1).copied().unwrap_or(1);
            prop::collection::vec(prop::collection::vec(0..next, 1..5), widths[at])
        };
        (0..widths.len()).map(level).collect::<Vec<_>>()
    });
    let silent = prop::collection::btree_set((0..6_usize, 0..6_usize), 0..4);
    (levels, silent, 0..40_u32, any::<u64>(), any::<bool>()).prop_map(
        |(mut levels, silent, loss, salt, is_unprivileged)| {
            levels[0].truncate(1);
            World { silent, loss, salt, is_unprivileged, ..World::of(levels) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn it_ends_within_the_bound_and_everything_it_says_is_there(
        world in worlds(),
        seed in any::<u64>(),
        probes in 40..600_usize,
        is_full in any::<bool>(),
    ) {
        let method = if is_full { Method::Full } else { Method::Lite };
        let Run { sent, paths } = world.run(Wanted { probes, ..wanted(method) }, seed);
        prop_assert!(sent <= paths.probes && paths.probes <= probes, "{} {} {}", sent, paths.probes, probes);
        for hop in &paths.hops {
            let level = usize::from(hop.ttl) - 1;
            prop_assert!(addresses(hop).is_subset(&world.level(level.min(world.levels.len()))), "{:?}", hop);
            prop_assert_eq!(hop.vertices.iter().map(|vertex| vertex.flows).sum::<usize>() + hop.silent, hop.flows);
            prop_assert!(hop.edges.iter().all(|edge| world.is_linked(level - 1, edge.from, edge.to)), "{:?}", hop);
            let is_stated = hop.assurance == Assurance::Stated;
            prop_assert!(!is_stated || (hop.silent == 0 && !hop.vertices.is_empty()));
        }
    }
}
