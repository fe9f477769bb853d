use jiff::SignedDuration;

use super::*;
use crate::alert::sight::Seen;
use crate::alert::{Alert, SinkId, SinkKind};
use crate::digest::Digest;
use crate::vantage::VantageId;
use crate::workload::{DataClass, Jurisdiction, WorkloadId};

const MINUTE: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
fn start() -> Moment {
    Moment { wall: "2026-11-21T10:00:00Z".parse().unwrap(), mono: Instant::now() }
}

fn endpoint() -> Endpoint {
    "https://portal.example.gov.pk".parse().unwrap()
}

fn declared() -> Declared {
    Declared {
        workload: WorkloadId("land-records".to_owned()),
        entity: "PLRA".to_owned(),
        jurisdiction: Jurisdiction("punjab".to_owned()),
        class: Some(DataClass("restricted".to_owned())),
        provider: None,
    }
}

fn finding(rule: RuleId, standing: Standing, grade: Option<Grade>) -> Finding {
    Finding { rule, standing, address: None, grade, because: vec!["a fact".to_owned()] }
}

fn breach() -> Vec<Finding> {
    vec![finding(RuleId::DestinationOutside, Standing::Breach, Some(Grade::Attested))]
}

fn suspect() -> Vec<Finding> {
    vec![finding(RuleId::DestinationOutside, Standing::Suspect, Some(Grade::Probable))]
}

fn unresolvable() -> Vec<Finding> {
    vec![finding(RuleId::Unresolvable, Standing::Unproven, None)]
}

const ADDRESS: &str = "203.0.113.9";

/// A round that was led to one address.
fn sight(measured: bool, way: bool) -> Sight {
    [(ADDRESS.parse().unwrap(), Seen { measured, way, others: false })].into_iter().collect()
}

/// A finding about that address.
fn at_address(rule: RuleId, standing: Standing) -> Vec<Finding> {
    vec![Finding { address: Some(ADDRESS.parse().unwrap()), ..finding(rule, standing, Some(Grade::Proven)) }]
}

/// A book, its sinks and the time.
struct Office {
    book: AlertBook,
    now: Moment,
    declared: Declared,
    interval: Duration,
    sight: Sight,
    /// What every sink answers to an alert.
    answer: fn(&Alert) -> Outcome,
    /// Every alert that a sink took, and when.
    taken: Vec<(SinkId, Moment, Alert)>,
    /// Every attempt, taken or not.
    attempts: usize,
    transitions: Vec<(Change, Severity)>,
}

fn sinks(kinds: &[(&str, SinkKind)]) -> BTreeMap<SinkId, SinkKind> {
    kinds.iter().map(|(name, kind)| (SinkId((*name).to_owned()), *kind)).collect()
}

impl Office {
    fn new(kinds: &[(&str, SinkKind)]) -> Self {
        let patience = Patience { raise: 2, of: 3, clear: 2 };
        let prompt = Patience { raise: 1, of: 1, clear: 2 };
        let settings = AlertSettings { patience, prompt, sinks: sinks(kinds), ..AlertSettings::default() };
        Self {
            book: AlertBook::new(settings),
            now: start(),
            declared: declared(),
            interval: MINUTE,
            sight: sight(true, true),
            answer: |_| Outcome::Accepted,
            taken: Vec::new(),
            attempts: 0,
            transitions: Vec::new(),
        }
    }

    fn with_alertmanager() -> Self {
        Self::new(&[("am", SinkKind::Alertmanager)])
    }

    fn with_webhook() -> Self {
        Self::new(&[("hook", SinkKind::Webhook)])
    }

    fn judge(&mut self, occasion: Occasion, findings: Vec<Finding>) {
        let standing = findings.iter().map(|f| f.standing).max().unwrap_or(Standing::Compliant);
        let verdict = Verdict {
            endpoint: endpoint(),
            vantage: VantageId("ntc-isb-1".to_owned()),
            observed: self.now.wall,
            standing,
            findings,
            policy: Digest::ZERO,
        };
        let subject = Subject { declared: &self.declared, interval: self.interval, sight: &self.sight };
        self.book.handle_verdict(&verdict, subject, occasion, self.now);
        self.settle();
    }

    /// A round with these findings, and a minute until the next.
    fn round(&mut self, findings: Vec<Finding>) {
        self.judge(Occasion::Round, findings);
        self.pass(MINUTE);
    }

    fn settle(&mut self) {
        while let Some(transition) = self.book.poll_transition() {
            self.transitions.push((transition.change, transition.severity));
        }
        while let Some(delivery) = self.book.poll_delivery(self.now) {
            assert!(!delivery.alerts.is_empty());
            let outcomes: Vec<Outcome> = delivery.alerts.iter().map(self.answer).collect();
            self.attempts += outcomes.len();
            for (alert, outcome) in delivery.alerts.iter().zip(&outcomes) {
                assert!(alert.ends_at >= alert.starts_at);
                if *outcome == Outcome::Accepted {
                    self.taken.push((delivery.sink.clone(), self.now, alert.clone()));
                }
            }
            self.book.handle_delivery(delivery.id, &outcomes, self.now);
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        while let Some(at) = self.book.poll_timeout().filter(|at| *at <= end.mono) {
            let step = at.saturating_duration_since(self.now.mono);
            self.now = self.now.after(step);
            self.book.handle_timeout(self.now);
            self.settle();
            assert!(self.book.poll_timeout().is_none_or(|next| next > at), "what was due is done");
        }
        self.now = self.now.after(end.mono - self.now.mono);
    }

    /// The process ends; whoever comes after it finds what was saved, that much later.
    fn restart(&mut self, downtime: Duration) {
        let text = serde_json::to_string(&self.book.save()).unwrap();
        self.now = self.now.after(downtime);
        let settings = self.book.settings.clone();
        self.book = AlertBook::restore(settings.clone(), serde_json::from_str(&text).unwrap(), self.now);
        self.book.handle_reconfigured(settings, |_| true, self.now);
        self.settle();
    }

    /// The label sets that an Alertmanager which saw everything holds for standing now.
    fn standing(&self) -> Vec<&Alert> {
        let mut last: BTreeMap<&Labels, &Alert> = BTreeMap::new();
        for (_, _, alert) in &self.taken {
            last.insert(&alert.labels, alert);
        }
        last.into_values().filter(|alert| alert.ends_at > self.now.wall).collect()
    }

    fn severities(&self) -> Vec<&str> {
        self.standing().iter().map(|alert| alert.labels["severity"].as_str()).collect()
    }
}

#[test]
fn a_proven_breach_is_raised_at_once_and_anything_less_after_two_of_three_rounds() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    assert_eq!(office.severities(), ["critical"]);

    let mut office = Office::with_alertmanager();
    office.round(suspect());
    assert!(office.taken.is_empty());
    assert_eq!(office.book.counts(), Counts { pending: 1, firing: 0, resolved: 0 });
    office.round(vec![]);
    office.round(suspect());
    assert_eq!(office.severities(), ["warning"]);
}

#[test]
fn a_flapping_finding_is_one_alert() {
    let mut office = Office::with_alertmanager();
    for _ in 0..30 {
        office.round(suspect());
        office.round(vec![]);
    }
    assert_eq!(office.transitions, [(Change::Raised, Severity::Warning)]);
    assert_eq!(office.severities(), ["warning"]);
}

#[test]
fn a_standing_alert_is_sent_again_each_minute_and_void_after_four_intervals() {
    let mut office = Office::with_alertmanager();
    office.judge(Occasion::Round, breach());
    office.pass(10 * MINUTE);
    assert_eq!(office.taken.len(), 11);
    let began = office.taken[0].1.wall;
    for (_, at, alert) in &office.taken {
        assert_eq!(alert.starts_at, began);
        assert_eq!(alert.ends_at, at.wall + SignedDuration::from_secs(240));
        assert!(!alert.resolved);
    }

    let mut office = Office::with_alertmanager();
    office.interval = 15 * MINUTE;
    office.judge(Occasion::Round, breach());
    assert_eq!(office.taken[0].2.ends_at, office.now.wall + SignedDuration::from_secs(3600));
}

#[test]
fn a_cleared_alert_is_sent_for_fifteen_minutes_and_then_forgotten() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    office.round(vec![]);
    assert_eq!(office.severities(), ["critical"]);
    office.judge(Occasion::Round, vec![]);
    let cleared = office.now.wall;
    assert!(office.standing().is_empty());
    let before = office.taken.len();
    office.pass(60 * MINUTE);
    let after = &office.taken[before..];
    assert_eq!(after.len(), 14, "each minute, and not once the fifteen minutes are over");
    assert!(after.iter().all(|(_, _, alert)| alert.resolved && alert.ends_at == cleared));
    assert_eq!(office.book.counts(), Counts::default());
    assert_eq!(office.book.poll_timeout(), None);
}

#[test]
fn with_alertmanager_down_for_ten_minutes_nothing_is_lost_and_one_alert_stands_after() {
    let mut office = Office::with_alertmanager();
    office.answer = |_| Outcome::Unreachable;
    office.judge(Occasion::Round, breach());
    let raised = office.now.wall;
    for _ in 0..10 {
        office.round(breach());
    }
    assert!(
        (10..=18).contains(&office.attempts),
        "{} attempts: backed off, and no slower than resend",
        office.attempts
    );
    assert!(office.taken.is_empty());

    office.answer = |_| Outcome::Accepted;
    office.pass(MINUTE);
    assert_eq!(office.standing().len(), 1);
    assert_eq!(office.standing()[0].starts_at, raised);
    assert_eq!(office.transitions.len(), 1);
}

#[test]
fn a_webhook_that_was_down_gets_each_change_once() {
    let mut office = Office::with_webhook();
    office.answer = |_| Outcome::Timeout;
    office.judge(Occasion::Round, breach());
    office.pass(10 * MINUTE);
    office.answer = |_| Outcome::Accepted;
    office.pass(30 * MINUTE);
    assert_eq!(office.taken.len(), 1);
    office.round(vec![]);
    office.round(vec![]);
    office.pass(30 * MINUTE);
    assert_eq!(office.taken.iter().map(|(_, _, alert)| alert.resolved).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_webhook_that_is_down_for_hours_still_gets_the_end_of_an_alert() {
    let mut office = Office::with_webhook();
    office.judge(Occasion::Round, breach());
    office.answer = |_| Outcome::Unreachable;
    office.round(vec![]);
    office.round(vec![]);
    office.pass(180 * MINUTE);
    office.answer = |_| Outcome::Accepted;
    office.pass(2 * MINUTE);
    assert!(office.taken.last().unwrap().2.resolved);
    office.pass(2 * MINUTE);
    assert_eq!(office.book.counts(), Counts::default());
}

#[test]
fn what_nobody_ever_takes_is_forgotten_after_a_day() {
    let mut office = Office::with_alertmanager();
    office.answer = |_| Outcome::Refused;
    office.round(breach());
    office.round(vec![]);
    office.round(vec![]);
    office.pass(30 * 60 * MINUTE);
    assert_eq!(office.book.counts(), Counts::default());
    assert_eq!(office.book.poll_timeout(), None);
}

#[test]
fn one_refused_alert_delays_no_other() {
    let mut office = Office::with_alertmanager();
    office.answer = |alert| match alert.labels["rule"].as_str() {
        "class-missing" => Outcome::Refused,
        _ => Outcome::Accepted,
    };
    let missing = || finding(RuleId::ClassMissing, Standing::Unproven, None);
    office.round(vec![missing()]);
    office.round(vec![missing()]);
    office.round(vec![missing()].into_iter().chain(breach()).collect());
    assert_eq!(office.severities(), ["critical"]);
    assert_eq!(office.taken[0].1.wall, office.taken[0].2.starts_at, "delivered when it was raised");
}

#[test]
fn a_worse_or_easier_alert_is_another_label_set_with_the_same_beginning() {
    let mut office = Office::with_alertmanager();
    office.round(suspect());
    office.judge(Occasion::Round, suspect());
    let raised = office.now.wall;
    office.pass(MINUTE);
    office.round(breach());
    assert_eq!(office.severities(), ["critical"]);
    assert_eq!(office.standing()[0].starts_at, raised);
    office.round(suspect());
    assert_eq!(office.severities(), ["critical"], "it eases with patience");
    office.round(suspect());
    assert_eq!(office.severities(), ["warning"]);
    assert_eq!(office.standing()[0].starts_at, raised);
    office.round(vec![]);
    office.round(vec![]);
    assert!(office.standing().is_empty());
    let course: Vec<String> = office.transitions.iter().map(|(c, s)| format!("{} {s}", c.as_str())).collect();
    assert_eq!(course, ["raised warning", "worsened critical", "eased warning", "cleared warning"]);
}

#[test]
fn another_class_of_data_is_another_label_set() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    office.declared.class = Some(DataClass("secret".to_owned()));
    office.round(breach());
    assert_eq!(office.standing().len(), 1);
    assert_eq!(office.standing()[0].labels["class"], "secret");
    assert_eq!(office.transitions.len(), 1);
}

#[test]
fn a_round_that_led_nowhere_clears_nothing_but_is_an_alert_of_its_own() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    for _ in 0..5 {
        office.round(unresolvable());
    }
    assert_eq!(office.severities(), ["critical", "info"]);
    office.round(vec![]);
    office.round(vec![]);
    assert!(office.standing().is_empty());
}

#[test]
fn silence_raises_stale_at_once_and_the_next_round_clears_it() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    let stale = || breach().into_iter().chain([finding(RuleId::Stale, Standing::Unproven, None)]).collect();
    office.judge(Occasion::Silence, stale());
    assert_eq!(office.severities(), ["critical", "info"]);
    office.round(breach());
    assert_eq!(office.severities(), ["critical"]);
}

#[test]
fn an_exempt_finding_is_no_alert() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    for _ in 0..3 {
        office.round(vec![finding(RuleId::DestinationOutside, Standing::Exempt, Some(Grade::Proven))]);
    }
    assert!(office.standing().is_empty());
}

#[test]
fn a_restart_neither_loses_nor_doubles_an_alert() {
    let mut office = Office::new(&[("am", SinkKind::Alertmanager), ("hook", SinkKind::Webhook)]);
    office.judge(Occasion::Round, breach());
    let raised = office.now.wall;
    office.pass(5 * MINUTE);
    office.restart(2 * MINUTE);
    assert_eq!(office.taken.last().unwrap().1, office.now, "an Alertmanager that lost it has it back at once");
    office.round(breach());
    assert_eq!(office.transitions, [(Change::Raised, Severity::Critical)]);
    assert!(office.taken.iter().all(|(_, _, alert)| alert.starts_at == raised));
    office.round(vec![]);
    office.restart(MINUTE);
    office.round(vec![]);
    assert!(office.standing().is_empty(), "patience goes on where it was");

    let to_hook = office.taken.iter().filter(|(sink, _, _)| sink.0 == "hook").count();
    assert_eq!(to_hook, 2, "raised and cleared, each once");
}

#[test]
fn what_was_resolved_before_a_restart_is_still_told_after_it() {
    let mut office = Office::new(&[("am", SinkKind::Alertmanager), ("hook", SinkKind::Webhook)]);
    office.round(breach());
    office.answer = |_| Outcome::Unreachable;
    office.round(vec![]);
    office.round(vec![]);
    office.restart(20 * MINUTE);
    office.answer = |_| Outcome::Accepted;
    office.pass(2 * MINUTE);
    let told: Vec<&str> = office.taken.iter().filter(|(_, _, a)| a.resolved).map(|(s, _, _)| s.0.as_str()).collect();
    assert_eq!(told, ["am", "hook"]);
    office.pass(2 * MINUTE);
    assert_eq!(office.book.counts(), Counts::default());
}

#[test]
fn a_saved_book_of_another_version_is_an_empty_book() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    let saved = SavedAlerts { version: VERSION + 1, ..office.book.save() };
    let book = AlertBook::restore(office.book.settings.clone(), saved, office.now);
    assert_eq!(book.counts(), Counts::default());
}

#[test]
fn an_endpoint_that_is_no_longer_watched_resolves_its_alerts() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    let settings = office.book.settings.clone();
    office.book.handle_reconfigured(settings, |_| false, office.now);
    office.settle();
    assert!(office.standing().is_empty());
    assert_eq!(office.transitions.last(), Some(&(Change::Cleared, Severity::Critical)));
}

#[test]
fn a_new_sink_is_told_what_stands_and_a_removed_one_nothing_more() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    office.taken.clear();
    let settings = AlertSettings { sinks: sinks(&[("other", SinkKind::Alertmanager)]), ..AlertSettings::default() };
    office.book.handle_reconfigured(settings, |_| true, office.now);
    office.settle();
    office.pass(5 * MINUTE);
    assert!(!office.taken.is_empty() && office.taken.iter().all(|(sink, _, _)| sink.0 == "other"));
}

#[test]
fn the_outcome_of_a_delivery_to_a_removed_sink_is_ignored() {
    let mut office = Office::with_alertmanager();
    office.answer = |_| Outcome::Refused;
    office.judge(Occasion::Round, breach());
    office.now = office.now.after(MINUTE);
    let delivery = office.book.poll_delivery(office.now).unwrap();
    assert_eq!(office.book.poll_delivery(office.now), None, "one at a time");
    office.book.handle_reconfigured(AlertSettings::default(), |_| true, office.now);
    office.book.handle_delivery(delivery.id, &[Outcome::Accepted], office.now);
    assert_eq!(office.book.counts().firing, 1);
}

#[test]
fn news_that_come_during_a_delivery_follow_it_at_once() {
    let mut office = Office::with_alertmanager();
    office.judge(Occasion::Round, breach());
    office.now = office.now.after(MINUTE);
    let delivery = office.book.poll_delivery(office.now).unwrap();
    assert!(!delivery.alerts[0].resolved);
    office.book.handle_reconfigured(office.book.settings.clone(), |_| false, office.now);
    office.book.handle_delivery(delivery.id, &[Outcome::Accepted], office.now);
    let next = office.book.poll_delivery(office.now).unwrap();
    assert!(next.alerts[0].resolved);
}

#[test]
fn a_wall_clock_that_is_set_back_or_forward_changes_no_alert() {
    let mut office = Office::with_alertmanager();
    office.round(breach());
    office.now.wall = "2026-11-20T10:00:00Z".parse().unwrap();
    office.pass(3 * MINUTE);
    assert_eq!(office.severities(), ["critical"]);
    office.round(vec![]);
    office.round(vec![]);
    office.now.wall = "2026-11-19T10:00:00Z".parse().unwrap();
    office.pass(MINUTE);
    assert!(office.taken.last().unwrap().2.ends_at <= office.now.wall, "what is resolved never ends in the future");
    office.now.wall = "2027-11-19T10:00:00Z".parse().unwrap();
    office.pass(5 * MINUTE);
    assert_eq!(office.book.counts().resolved, 1, "fifteen minutes are counted on the other clock");
}

#[test]
fn a_webhook_is_reminded_of_what_stands() {
    let mut office = Office::with_webhook();
    office.judge(Occasion::Round, breach());
    office.pass(9 * 60 * MINUTE);
    assert_eq!(office.taken.len(), 3, "raised, and reminded after four and eight hours");
    assert_eq!(office.transitions[1..], [(Change::Reminded, Severity::Critical); 2]);
}

#[test]
fn the_book_asks_to_be_saved_when_something_changed() {
    let mut office = Office::with_webhook();
    assert_eq!(office.book.poll_save(), None);
    office.round(suspect());
    assert!(office.book.poll_save().is_some(), "patience is counted on after a restart");
    office.round(suspect());
    assert!(office.book.poll_save().is_some());
    office.round(suspect());
    assert!(office.book.poll_save().is_some(), "three rounds are looked back on");
    office.round(suspect());
    assert_eq!(office.book.poll_save(), None);
}

#[test]
fn a_book_in_which_alerts_only_stand_and_are_sent_again_is_not_saved() {
    let mut office = Office::with_alertmanager();
    for _ in 0..3 {
        office.round(breach());
    }
    assert!(office.book.poll_save().is_some());
    let sent = office.taken.len();
    for _ in 0..10 {
        office.round(breach());
        assert_eq!(office.book.poll_save(), None);
    }
    assert!(office.taken.len() >= sent + 10, "resent each minute");
}

#[test]
fn rounds_that_measure_nothing_clear_and_ease_nothing_that_rests_on_measurement() {
    let dark = |also: &[Finding]| {
        let unreachable = finding(RuleId::Unreachable, Standing::Unproven, None);
        also.iter().cloned().chain([unreachable]).collect::<Vec<_>>()
    };
    let outside = at_address(RuleId::DestinationOutside, Standing::Breach);
    let by_claims = at_address(RuleId::DestinationOutside, Standing::Suspect);
    let path = at_address(RuleId::PathOutside, Standing::Breach);
    let mut office = Office::with_alertmanager();
    office.round(outside.iter().chain(&path).cloned().collect());
    assert_eq!(office.severities(), ["critical", "critical"]);
    office.sight = sight(false, false);
    for _ in 0..5 {
        office.round(dark(&[]));
        office.round(dark(&by_claims));
    }
    assert_eq!(office.severities(), ["critical", "critical", "info"], "unreachable joins what stands");
    office.sight = sight(true, false);
    for _ in 0..5 {
        office.round(vec![]);
    }
    let standing: Vec<_> = office.standing().iter().map(|alert| alert.labels["rule"].clone()).collect();
    assert_eq!(standing, ["path-outside"], "its way is still unknown");
    office.sight = sight(true, true);
    office.round(vec![]);
    office.restart(MINUTE);
    office.sight = sight(true, false);
    office.round(vec![]);
    assert_eq!(office.severities(), ["critical"]);
    office.sight = sight(true, true);
    office.round(vec![]);
    assert!(office.standing().is_empty());
}

#[test]
fn one_silent_address_keeps_what_rests_on_it_until_the_name_leads_elsewhere() {
    let mut office = Office::with_alertmanager();
    office.round(at_address(RuleId::DestinationOutside, Standing::Breach));
    let other = ("203.0.113.10".parse().unwrap(), Seen { measured: true, way: true, others: false });
    let silent = (ADDRESS.parse().unwrap(), Seen { measured: false, way: true, others: false });
    office.sight = [other, silent].into_iter().collect();
    for _ in 0..3 {
        office.round(vec![]);
    }
    assert_eq!(office.severities(), ["critical"]);
    office.sight = [other].into_iter().collect();
    office.round(vec![]);
    office.round(vec![]);
    assert!(office.standing().is_empty());
}

#[test]
fn what_others_measured_grows_old_and_clears_no_alert() {
    let seen = |others| [(ADDRESS.parse().unwrap(), Seen { measured: true, way: true, others })].into_iter().collect();
    let mut office = Office::with_alertmanager();
    office.sight = seen(true);
    office.round(at_address(RuleId::DestinationOutside, Standing::Breach));
    office.sight = seen(false);
    for _ in 0..3 {
        office.round(vec![]);
        office.restart(MINUTE);
    }
    assert_eq!(office.severities(), ["critical"], "nobody abroad has said otherwise");
    office.sight = seen(true);
    office.round(vec![]);
    office.round(vec![]);
    assert!(office.standing().is_empty());
}

#[test]
fn what_was_never_measured_is_raised_and_cleared_by_what_is_claimed() {
    let mut office = Office::with_alertmanager();
    office.sight = sight(false, false);
    office.round(at_address(RuleId::DestinationOutside, Standing::Breach));
    assert_eq!(office.severities(), ["critical"]);
    office.round(vec![]);
    office.round(vec![]);
    assert!(office.standing().is_empty());
}

#[test]
fn an_uplink_that_is_dark_raises_no_doubt_about_every_place() {
    let mut office = Office::with_alertmanager();
    office.sight = sight(false, false);
    for _ in 0..4 {
        let unproven = at_address(RuleId::DestinationUnproven, Standing::Unproven);
        office.round(unproven.into_iter().chain([finding(RuleId::Unreachable, Standing::Unproven, None)]).collect());
    }
    let standing: Vec<_> = office.standing().iter().map(|alert| alert.labels["rule"].clone()).collect();
    assert_eq!(standing, ["unreachable"]);
}

#[test]
fn a_view_that_failed_keeps_places_and_providers_but_lets_what_answers_be_reachable() {
    let mut office = Office::with_alertmanager();
    let unaccredited = finding(RuleId::ProviderUnaccredited, Standing::Breach, None);
    let unreachable = finding(RuleId::Unreachable, Standing::Unproven, None);
    for _ in 0..2 {
        office.round(vec![unaccredited.clone(), unreachable.clone()]);
    }
    for _ in 0..3 {
        office.round(unresolvable());
    }
    let standing: Vec<_> = office.standing().iter().map(|alert| alert.labels["rule"].clone()).collect();
    assert_eq!(standing, ["provider-unaccredited", "unresolvable"]);
}

#[test]
fn external_labels_are_on_every_alert_and_change_none_of_its_own() {
    let mut office = Office::with_alertmanager();
    let extra = [("site", "isb"), ("severity", "none")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    office.book.settings.external_labels = extra.into();
    office.round(breach());
    let labels = &office.standing()[0].labels;
    assert_eq!((labels["site"].as_str(), labels["severity"].as_str()), ("isb", "critical"));
}

#[test]
fn an_alert_on_a_name_server_is_cleared_only_by_a_round_that_asked_for_it() {
    let mut office = Office::with_alertmanager();
    let server = ADDRESS.parse().unwrap();
    let found = || at_address(RuleId::NameserverOutside, Standing::Suspect);
    office.sight = sight(true, true).with_name_server(server, true);
    for _ in 0..3 {
        office.round(found());
    }
    assert_eq!(office.transitions, [(Change::Raised, Severity::Warning)]);
    for unseeing in [sight(true, true), sight(true, true).with_name_server(server, false)] {
        office.sight = unseeing;
        for _ in 0..5 {
            office.round(Vec::new());
        }
        assert_eq!(office.transitions.len(), 1, "the zone was not asked, or its server did not answer");
    }
    office.sight = sight(true, true).with_name_server("203.0.113.53".parse().unwrap(), true);
    for _ in 0..3 {
        office.round(Vec::new());
    }
    assert_eq!(office.transitions.last(), Some(&(Change::Cleared, Severity::Warning)));
}
