//! Rounds that only look whether a name leads where it led before.

use super::*;
use crate::resolution;

const NAME: &str = "https://a.example.gov.pk";

/// A round that is told that the name led to `addresses`, and its lookups.
fn check(addresses: &[&str], now: Moment) -> (Round, Vec<Ask>) {
    let mut first = Round::new(settings(NAME, &["system"]), now);
    let lookups = asks(&mut first);
    let baseline = Baseline::of(&[answer(&lookups[0], addresses), answer(&lookups[1], &[])]);
    let mut settings = settings(NAME, &["system"]);
    settings.probing.beyond.zone = true;
    settings.canary = canary(&settings.endpoint, 1);
    settings.baseline = Some(baseline);
    let mut round = Round::new(settings, now);
    let lookups = asks(&mut round);
    (round, lookups)
}

#[test]
fn a_name_that_leads_where_it_led_is_asked_for_and_nothing_else() {
    let (mut round, lookups) = check(&["175.107.63.150", "175.107.63.151"], start());
    assert_eq!(targets(&lookups).len(), 2, "neither zone nor canary");
    round.handle_resolution(answer(&lookups[0], &["175.107.63.151", "175.107.63.150"]), start());
    assert_eq!((asks(&mut round), round.poll_end()), (Vec::new(), None));
    round.handle_resolution(answer(&lookups[1], &[]), start());
    assert_eq!(asks(&mut round), []);
    let Some(End::Unchanged(resolutions)) = round.poll_end() else { panic!("nothing has changed") };
    assert_eq!((resolutions.len(), resolution::ttl(&resolutions)), (2, Some(30)));
    assert_eq!((round.poll_end(), round.poll_timeout()), (None, None));
}

#[test]
fn a_name_that_leads_elsewhere_is_looked_at_as_a_whole_with_what_was_answered() {
    let begun = start();
    let (mut round, lookups) = check(&["175.107.63.150"], begun);
    round.handle_resolution(answer(&lookups[1], &[]), begun);
    let later = begun.after(Duration::from_secs(4));
    round.handle_resolution(answer(&lookups[0], &["175.107.63.150", "198.41.0.4"]), later);
    let asked: Vec<_> = targets(&asks(&mut round)).into_iter().map(|(what, _)| what).collect();
    assert_eq!(asked, ["lookup", "zone", "trace", "contact", "trace", "contact"]);
    let (deadline, _) = round.poll_timeout().unwrap();
    assert_eq!(deadline, later.mono + DEADLINE, "it has all its time from then on");
    round.handle_timeout(later.after(DEADLINE));
    let _claims = asks(&mut round);
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), later.after(DEADLINE));
    let seen = observed(&mut round);
    assert_eq!((seen.resolutions.len(), seen.traces.len(), seen.canaries.len()), (2, 2, 1));
    assert_eq!(seen.observed, begun.wall);
}

#[test]
fn a_view_that_falls_silent_is_news() {
    let begun = start();
    let (mut round, lookups) = check(&["175.107.63.150"], begun);
    round.handle_resolution(answer(&lookups[1], &[]), begun);
    round.handle_timeout(begun.after(DEADLINE));
    let asked: Vec<_> = targets(&asks(&mut round)).into_iter().map(|(what, _)| what).collect();
    assert_eq!((asked, round.poll_end()), (vec!["lookup", "zone"], None));
}
