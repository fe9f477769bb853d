use std::collections::VecDeque;

use jiff::Timestamp;

use super::*;

const PACE: Pace =
    Pace { floor: Duration::from_secs(10), jitter: 0.0, start_window: Duration::from_secs(60), in_flight: 4 };
const HOUR: Duration = Duration::from_secs(3600);

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
fn start() -> Moment {
    Moment { wall: Timestamp::UNIX_EPOCH, mono: Instant::now() }
}

fn endpoint(number: usize) -> Endpoint {
    format!("host-{number:05}.example.gov.pk").parse().unwrap()
}

fn intervals(count: usize, interval: Duration) -> BTreeMap<Endpoint, Duration> {
    (0..count).map(|number| (endpoint(number), interval)).collect()
}

fn schedule(pace: Pace, count: usize, now: Moment) -> Schedule {
    let mut schedule = Schedule::new(pace, 7);
    schedule.handle_reconfigured(pace, &intervals(count, HOUR), now);
    schedule
}

/// When the only endpoint is due after a round that took `took` and ended with `end`.
fn wait_after(end: RoundEnd, took: Duration) -> Duration {
    let now = start();
    let mut schedule = schedule(PACE, 1, now);
    let due = schedule.poll_due(now).unwrap();
    schedule.handle_done(&due, end, now.after(took));
    schedule.poll_timeout().unwrap() - now.mono
}

fn assert_about(wait: Duration, seconds: u64) {
    let at_least = Duration::from_secs(seconds);
    assert!(wait >= at_least && wait <= at_least + LATE_AT_MOST, "{wait:?} is not about {seconds} s");
}

#[test]
fn a_name_is_due_again_when_its_ttl_runs_out_between_floor_and_interval() {
    let quick = Duration::from_secs(1);
    assert_about(wait_after(RoundEnd::Learned { ttl: Some(60) }, quick), 60);
    assert_about(wait_after(RoundEnd::Learned { ttl: Some(0) }, quick), 10);
    assert_about(wait_after(RoundEnd::Learned { ttl: Some(86_400) }, quick), 3600);
    assert_about(wait_after(RoundEnd::Learned { ttl: None }, quick), 3600);
}

#[test]
fn the_ttl_counts_from_the_beginning_of_the_round_and_a_long_round_is_followed_at_once() {
    assert_about(wait_after(RoundEnd::Learned { ttl: Some(60) }, Duration::from_secs(45)), 60);
    assert_eq!(wait_after(RoundEnd::Learned { ttl: Some(60) }, Duration::from_secs(90)), Duration::from_secs(90));
}

#[test]
fn fruitless_rounds_are_repeated_with_growing_waits_up_to_the_interval() {
    let mut now = start();
    let mut schedule = schedule(PACE, 1, now);
    let mut waits = Vec::new();
    for _ in 0..12 {
        let due = schedule.poll_due(now).unwrap();
        schedule.handle_done(&due, RoundEnd::Fruitless, now);
        let wait = schedule.poll_timeout().unwrap() - now.mono;
        waits.push(wait.as_secs());
        now = now.after(wait);
    }
    for (wait, seconds) in waits.iter().zip([10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]) {
        assert_about(Duration::from_secs(*wait), seconds);
    }
    let due = schedule.poll_due(now).unwrap();
    schedule.handle_done(&due, RoundEnd::Learned { ttl: Some(30) }, now);
    assert_about(schedule.poll_timeout().unwrap() - now.mono, 30);
}

#[test]
fn a_single_endpoint_begins_at_once_and_many_are_spread_over_the_window() {
    let now = start();
    assert_eq!(schedule(PACE, 1, now).poll_timeout(), Some(now.mono));

    let many = schedule(PACE, 1000, now);
    let last = many.queue.last().unwrap().0 - now.mono;
    assert!(last <= PACE.start_window && last > PACE.start_window * 9 / 10, "{last:?}");
    let in_any_second = many.queue.iter().filter(|(due, _)| *due < now.mono + Duration::from_secs(1)).count();
    assert!(in_any_second <= 17, "{in_any_second} in the first second");
}

#[test]
fn no_more_than_the_allowed_number_of_rounds_run_at_once() {
    let now = start().after(HOUR);
    let mut schedule = schedule(PACE, 10, start());
    let begun: Vec<Endpoint> = std::iter::from_fn(|| schedule.poll_due(now)).collect();
    assert_eq!(begun.len(), 4);
    assert_eq!(schedule.poll_timeout(), None, "nothing can begin before a round ends");
    assert_eq!(schedule.overdue(now), 6);
    schedule.handle_done(&begun[0], RoundEnd::Learned { ttl: None }, now);
    assert!(schedule.poll_due(now).is_some());
    assert!(schedule.poll_due(now).is_none());
}

/// Runs `schedule` for `span` of virtual time; a round of `slow` takes an hour, any other one second.
fn run(schedule: &mut Schedule, mut now: Moment, span: Duration, slow: &Endpoint) -> BTreeMap<Endpoint, usize> {
    let end = now.mono + span;
    let mut done = BTreeMap::new();
    let mut running: BTreeSet<(Instant, Endpoint)> = BTreeSet::new();
    loop {
        while let Some(endpoint) = schedule.poll_due(now) {
            let took = if endpoint == *slow { HOUR } else { Duration::from_secs(1) };
            running.insert((now.mono + took, endpoint));
        }
        let ends = running.first().map(|(at, _)| *at);
        let next = ends.into_iter().chain(schedule.poll_timeout()).min().unwrap();
        if next > end {
            return done;
        }
        now = now.after(next - now.mono);
        while running.first().is_some_and(|(at, _)| *at <= now.mono) {
            let (_, endpoint) = running.pop_first().unwrap();
            schedule.handle_done(&endpoint, RoundEnd::Learned { ttl: Some(300) }, now);
            *done.entry(endpoint).or_default() += 1;
        }
    }
}

#[test]
fn ten_thousand_endpoints_get_equal_turns_and_a_slow_one_delays_none() {
    let now = start();
    let pace = Pace { in_flight: 64, ..PACE };
    let mut schedule = schedule(pace, 10_000, now);
    let slow = endpoint(4711);
    let done = run(&mut schedule, now, Duration::from_secs(2000), &slow);
    assert_eq!(done.len(), 9_999, "everybody but the slow one had a turn");
    let (fewest, most) = (done.values().min().unwrap(), done.values().max().unwrap());
    assert!(most - fewest <= 1, "{fewest} to {most} rounds");
    assert!(*fewest >= 6, "{fewest} rounds in 2000 s with a TTL of 300 s");
}

#[test]
fn a_new_configuration_keeps_the_due_times_of_those_that_stay() {
    let now = start();
    let mut schedule = schedule(PACE, 3, now);
    let later = now.after(Duration::from_secs(60));
    while let Some(due) = schedule.poll_due(later) {
        schedule.handle_done(&due, RoundEnd::Learned { ttl: Some(600) }, later);
    }
    let before = schedule.queue.clone();
    schedule.handle_reconfigured(PACE, &intervals(2, HOUR), later.after(Duration::from_secs(5)));
    assert!(schedule.queue.iter().all(|entry| before.contains(entry)));
    assert_eq!(schedule.queue.len(), 2);

    let soon = later.after(Duration::from_secs(10));
    schedule.handle_reconfigured(PACE, &intervals(2, Duration::from_secs(30)), soon);
    assert!(schedule.queue.iter().all(|(due, _)| *due == soon.mono + Duration::from_secs(30)));
}

#[test]
fn an_endpoint_removed_and_added_back_during_its_round_does_not_run_twice() {
    let now = start();
    let mut schedule = schedule(PACE, 1, now);
    let running = schedule.poll_due(now).unwrap();
    schedule.handle_reconfigured(PACE, &BTreeMap::new(), now);
    assert_eq!(schedule.running(), 1);
    schedule.handle_reconfigured(PACE, &intervals(1, HOUR), now);
    assert_eq!(schedule.poll_due(now.after(HOUR)), None);
    schedule.handle_done(&running, RoundEnd::Learned { ttl: Some(60) }, now);
    assert_eq!(schedule.poll_due(now.after(HOUR)), Some(running));
}

#[test]
fn the_end_of_a_round_that_nobody_began_changes_nothing() {
    let now = start();
    let mut schedule = schedule(PACE, 1, now);
    schedule.handle_done(&endpoint(0), RoundEnd::Fruitless, now);
    schedule.handle_done(&endpoint(99), RoundEnd::Fruitless, now);
    assert_eq!(schedule.poll_timeout(), Some(now.mono));
}

#[test]
fn hastening_brings_a_round_forward() {
    let now = start();
    let mut schedule = schedule(PACE, 1, now);
    let due = schedule.poll_due(now).unwrap();
    schedule.hasten(&due, now);
    schedule.handle_done(&due, RoundEnd::Learned { ttl: None }, now);
    schedule.hasten(&due, now);
    assert_eq!(schedule.poll_timeout(), Some(now.mono + APART_AT_MOST), "but not in a burst");
}

#[test]
fn an_interval_may_end_early_by_its_jitter_and_a_ttl_never() {
    let now = start();
    let pace = Pace { jitter: 0.5, in_flight: 1000, ..PACE };
    let mut schedule = schedule(pace, 1000, now);
    let later = now.after(HOUR);
    let begun: Vec<Endpoint> = std::iter::from_fn(|| schedule.poll_due(later)).collect();
    schedule.slots.values_mut().for_each(|slot| slot.place = None);
    for (number, endpoint) in begun.iter().enumerate() {
        let ttl = if number % 2 == 0 { None } else { Some(60) };
        schedule.handle_done(endpoint, RoundEnd::Learned { ttl }, later);
    }
    for (number, endpoint) in begun.iter().enumerate() {
        let wait = schedule.slots[endpoint].due.unwrap() - later.mono;
        let allowed = if number % 2 == 0 { HOUR / 2..=HOUR } else { Duration::from_secs(60)..=Duration::from_secs(62) };
        assert!(allowed.contains(&wait), "{wait:?}");
    }
}

#[test]
fn a_stepped_wall_clock_moves_no_round() {
    let begun = start();
    let rounds = |step: i64| {
        let mut schedule = schedule(Pace { jitter: 0.3, ..PACE }, 20, begun);
        let mut now = begun;
        let mut rounds = Vec::new();
        for round in 0..100 {
            while let Some(due) = schedule.poll_due(now) {
                rounds.push((now.mono, due.clone()));
                schedule.handle_done(&due, RoundEnd::Learned { ttl: Some(60) }, now);
            }
            now = now.after(schedule.poll_timeout().unwrap().saturating_duration_since(now.mono));
            if round % 10 == 5 {
                now.wall = now.wall.checked_add(jiff::SignedDuration::from_secs(step)).unwrap();
            }
        }
        rounds
    };
    let untouched = rounds(0);
    assert_eq!(untouched.len(), 100);
    for step in [-86_400, -3, 3, 86_400] {
        assert_eq!(rounds(step), untouched, "{step} s");
    }
}

/// When rounds begin within `span` of virtual time, in order; each takes a second and ends with `ttl`.
fn beginnings(
    count: usize,
    pace: Pace,
    interval: Duration,
    ttl: Option<u32>,
    span: Duration,
) -> Vec<(Duration, Endpoint)> {
    let first = start();
    let mut schedule = Schedule::new(pace, 7);
    schedule.handle_reconfigured(pace, &intervals(count, interval), first);
    let (mut begun, mut now) = (Vec::new(), first);
    let mut running: VecDeque<(Instant, Endpoint)> = VecDeque::new();
    while now.mono < first.mono + span {
        while let Some(endpoint) = schedule.poll_due(now) {
            begun.push((now.mono - first.mono, endpoint.clone()));
            running.push_back((now.mono + Duration::from_secs(1), endpoint));
        }
        let ends = running.front().map(|(at, _)| *at);
        let next = ends.into_iter().chain(schedule.poll_timeout()).min().unwrap();
        assert!(next > now.mono, "time stands still");
        now = now.after(next - now.mono);
        while running.front().is_some_and(|(at, _)| *at <= now.mono) {
            let (_, endpoint) = running.pop_front().unwrap();
            schedule.handle_done(&endpoint, RoundEnd::Learned { ttl }, now);
        }
    }
    begun
}

#[test]
fn once_everything_was_looked_at_rounds_are_spread_over_the_interval() {
    let shipped =
        Pace { floor: Duration::from_secs(30), jitter: 0.1, start_window: Duration::from_secs(30), in_flight: 64 };
    let interval = Duration::from_secs(300);
    for (count, ttl) in [(500, None), (500, Some(300)), (500, Some(120)), (1500, Some(150))] {
        let begun = beginnings(count, shipped, interval, ttl, interval * 8);
        let period = Duration::from_secs(ttl.unwrap_or(300).min(300).into());
        let start = begun[count - 1].0.as_secs() + 1;
        let mut seconds = vec![0_usize; 2401];
        for (at, _) in &begun {
            seconds[usize::try_from(at.as_secs()).unwrap()] += 1;
        }
        let seconds = &seconds[usize::try_from(start).unwrap()..2400];
        let mean = f64::from(u32::try_from(count).unwrap()) / period.as_secs_f64();
        let busiest = u32::try_from(*seconds.iter().max().unwrap()).unwrap();
        assert!(f64::from(busiest) <= (2.0 * mean).ceil(), "{count} {ttl:?}: {busiest} a second, {mean} on average");
        let mut last = BTreeMap::new();
        for (at, endpoint) in begun {
            let before: Option<Duration> = last.insert(endpoint, at);
            let wait = before.map_or(Duration::ZERO, |before| at.saturating_sub(before));
            assert!(wait <= period + Duration::from_secs(5), "{count} {ttl:?}: {wait:?} between two rounds");
        }
    }
}
