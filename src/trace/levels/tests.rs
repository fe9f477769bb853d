use std::time::Duration;

use super::*;
use crate::trace::Ending;
use crate::trace::tests::noon;
use crate::trace::tests::world::{Lab, Manner, Weather, World};

const MANNER: Manner = Manner { at_once: 1000, attempts: 1, retries: 1, witnesses: 0 };

/// Two thousand hosts at the ends of one trunk of five routers and more.
fn world() -> World {
    World {
        depth: 9,
        networks: 50,
        hosts: 40,
        silent: 0,
        dead: 0,
        wide: 0,
        is_halved: false,
        is_deep: false,
        is_private: false,
        salt: 1,
    }
}

fn restrained(lab: &Lab<'_>) -> usize {
    let levels = lab.switchboard.levels();
    levels.levels.iter().filter(|level| matches!(level.silence, Silence::TooFast(_))).count()
}

/// Questions to the first distance at a rate, from `now` on and for so long, of which those are answered that `answers`
/// says, told their number; what is not is asked once more a second later. How many were held back.
fn asked(
    levels: &mut Levels,
    now: &mut Instant,
    per_second: u32,
    lasts: Duration,
    mut answers: impl FnMut(u32, bool) -> bool,
) -> u32 {
    let (end, mut held, mut repeats) = (*now + lasts, 0, VecDeque::new());
    for number in 0.. {
        levels.handle_timeout(*now);
        let mut ask = |is_repeated: bool| {
            if levels.barred(*now).holds(1, is_repeated) {
                return None;
            }
            let probe = Probe { number: 0, ttl: 1, is_repeated };
            levels.handle_sent(probe, *now);
            let is_answered = answers(number, is_repeated);
            if is_answered {
                levels.handle_answer(probe, *now);
            }
            Some(is_answered)
        };
        if repeats.front().is_some_and(|at| *at <= *now) && ask(true).is_some() {
            repeats.pop_front();
        }
        match ask(false) {
            None => held += 1,
            Some(true) => {}
            Some(false) => repeats.push_back(*now + Duration::from_secs(1)),
        }
        *now += Duration::from_secs(1) / per_second;
        if *now >= end {
            break;
        }
    }
    held
}

#[test]
fn routers_that_answer_only_so_many_a_second_are_asked_so_that_nearly_all_hops_are_found() {
    let world = world();
    let lab = Lab::run(&world, Weather { limit: 500, ..Weather::default() }, MANNER);
    lab.assert_right();
    assert!(lab.named() >= 970, "{}", lab.named());
    assert!(restrained(&lab) >= 3, "{}", restrained(&lab));
}

#[test]
fn answers_that_get_lost_and_routers_that_never_speak_are_no_reason_to_ask_more_slowly() {
    for (lost, silent) in [(1, 0), (0, 40), (1, 15), (3, 15)] {
        let world = World { silent, ..world() };
        let lab = Lab::run(&world, Weather { lost, ..Weather::default() }, MANNER);
        lab.assert_right();
        assert_eq!(restrained(&lab), 0, "{lost} {silent}");
        assert!(lab.named() >= 995, "{}", lab.named());
    }
}

#[test]
fn an_outage_is_no_reason_to_ask_more_slowly() {
    let world = world();
    for (from, until) in [(500, 2000), (0, 1500)] {
        let outage = (Duration::from_millis(from), Duration::from_millis(until));
        let lab = Lab::run(&world, Weather { outage, ..Weather::default() }, MANNER);
        assert_eq!(restrained(&lab), 0, "{from} to {until}");
        assert!(lab.traces.iter().all(|trace| trace.ending != Ending::Overdue));
    }
}

#[test]
fn probes_that_could_not_be_sent_are_no_reason_to_ask_more_slowly() {
    let world = world();
    let lab = Lab::run(&world, Weather { unsent: 20, ..Weather::default() }, MANNER);
    assert_eq!(restrained(&lab), 0);
}

#[test]
fn a_distance_that_answers_again_is_soon_asked_at_full_speed() {
    let (mut levels, mut now) = (Levels::default(), noon().mono);
    // Some four in ten are answered.
    let held =
        asked(&mut levels, &mut now, 400, Duration::from_secs(6), |number, _| number % 8 == 0 || number % 3 == 0);
    assert!(held > 100, "{held}");
    asked(&mut levels, &mut now, 400, Duration::from_secs(30), |_, _| true);
    assert_eq!(asked(&mut levels, &mut now, 400, Duration::from_secs(5), |_, _| true), 0);
}

#[test]
fn an_outage_too_short_to_be_known_as_one_is_soon_forgotten() {
    let (mut levels, mut now) = (Levels::default(), noon().mono);
    // 300 ms out of the first two seconds.
    asked(&mut levels, &mut now, 400, Duration::from_secs(5), |number, _| !(100..220).contains(&number));
    asked(&mut levels, &mut now, 400, Duration::from_secs(15), |_, _| true);
    assert_eq!(asked(&mut levels, &mut now, 400, Duration::from_secs(5), |_, _| true), 0);
}

#[test]
fn where_asking_more_slowly_changes_nothing_it_is_not_done() {
    let (mut levels, mut now) = (Levels::default(), noon().mono);
    // One in seven is lost at any rate.
    let mut dice = 0_u32;
    let mut lossy = |_, _| {
        dice = dice.wrapping_add(1);
        !dice.is_multiple_of(7)
    };
    asked(&mut levels, &mut now, 400, Duration::from_secs(20), &mut lossy);
    let held = asked(&mut levels, &mut now, 400, Duration::from_secs(120), &mut lossy);
    assert!(held < 120 * 400 / 10, "{held}");
}
