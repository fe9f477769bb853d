use std::net::IpAddr;

use super::*;
use crate::alert::{Alert, Change, Severity, SinkId, SinkKind};
use crate::config::built_in_policy;
use crate::location::disc::tests::without_land;
use crate::location::{Claim, Says};
use crate::moment::Rtt;
use crate::network::{Asn, NetworkKind};
use crate::observation::SCHEMA;
use crate::place::{CountrySet, Home};
use crate::provider::{Accreditation, Provider, ProviderId};
use crate::resolution::{AddressFamily, Addressed, Answer, Outcome as Resolved, Resolution, View};
use crate::trace::{AnswerKind, Ending, Hop, HopAnswer, Protocol, Trace};
use crate::vantage::VantageId;
use crate::workload::{DataClass, Host, Jurisdiction, WorkloadId};

const INTERVAL: Duration = Duration::from_secs(300);
const FRESHNESS: Duration = Duration::from_secs(900);
const ADDRESS: &str = "203.101.184.84";

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
pub(super) fn start() -> Moment {
    Moment { wall: "2026-11-21T10:00:00Z".parse().unwrap(), mono: Instant::now() }
}

fn endpoint(number: usize) -> Endpoint {
    format!("https://host-{number:05}.example.gov.pk").parse().unwrap()
}

pub(super) fn watched(class: &str) -> Watched {
    let declared = Declared {
        workload: WorkloadId("land-records".to_owned()),
        entity: "PLRA".to_owned(),
        jurisdiction: Jurisdiction("punjab".to_owned()),
        class: Some(DataClass(class.to_owned())),
        provider: Some(ProviderId("ntc".to_owned())),
    };
    Watched { declared, interval: INTERVAL, freshness: FRESHNESS }
}

pub(super) fn settings(endpoints: usize) -> Settings {
    let mut policy = built_in_policy(Home::of("PK".parse().unwrap())).unwrap();
    let ntc = Provider {
        id: ProviderId("ntc".to_owned()),
        name: "NTC".to_owned(),
        status: Accreditation::Accredited,
        valid_until: None,
        asns: vec![Asn(23888)],
    };
    policy.providers.insert(ntc.id.clone(), ntc);
    Settings {
        vantage: Vantage { id: VantageId("ntc-isb-1".to_owned()), position: None, asn: None },
        watched: (0..endpoints).map(|number| (endpoint(number), watched("restricted"))).collect(),
        landmarks: BTreeMap::new(),
        policy,
        borders: without_land(),
        pace: Pace {
            floor: Duration::from_secs(10),
            jitter: 0.1,
            start_window: Duration::from_secs(60),
            in_flight: 32,
        },
        alerts: AlertSettings {
            sinks: [(SinkId("am".to_owned()), SinkKind::Alertmanager)].into(),
            ..AlertSettings::default()
        },
        databases: Vec::new(),
    }
}

/// A watch whose journal is empty.
pub(super) fn without_past(mut watch: Watch, now: Moment) -> Watch {
    let past = watch.poll_past(now).unwrap();
    watch.handle_past(past, now);
    watch
}

/// A daemon in a world where every name leads to one address, and a register says in which country that is.
struct World {
    watch: Watch,
    now: Moment,
    country: &'static str,
    ttl: u32,
    /// Whether rounds give observations.
    journal_is_full: bool,
    rounds: BTreeMap<Endpoint, usize>,
    delivered: Vec<Alert>,
    log: Vec<String>,
}

impl World {
    fn new(settings: Settings) -> Self {
        let now = start();
        let watch = without_past(Watch::new(settings, None, 7, now), now);
        let (rounds, delivered, log) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { watch, now, country: "PK", ttl: 60, journal_is_full: false, rounds, delivered, log }
    }

    fn observe(&self, due: &Due, began: Moment) -> Observation {
        let address: IpAddr = ADDRESS.parse().unwrap();
        let name = match due.endpoint.host() {
            Host::Name(name) => name.clone(),
            Host::Address(address) => format!("landmark-{address}").parse().unwrap(),
        };
        let answer = Answer {
            chain: Vec::new(),
            addresses: vec![Addressed { address, ttl: self.ttl }],
            authenticated: false,
            left_out: 0,
        };
        let resolution = Resolution {
            name,
            family: AddressFamily::A,
            view: View("system".to_owned()),
            server: None,
            asked: began.wall,
            elapsed_ns: Rtt::from_duration(Duration::from_millis(3)),
            outcome: Resolved::Answered(answer),
            followed: Vec::new(),
            subnet: None,
        };
        let says =
            Says::Registered { prefix: "203.101.184.0/24".parse().unwrap(), country: self.country.parse().unwrap() };
        let (name, kind, countries) = ("NTC".to_owned(), NetworkKind::Ordinary, CountrySet::default());
        let announced = Says::Announced { asn: Asn(23888), name, kind, country: None, countries };
        let claim = |source: &str, says| Claim { about: address, source: source.to_owned(), dated: None, says };
        Observation {
            schema: SCHEMA,
            endpoint: due.endpoint.clone(),
            declared: due.declared.clone(),
            vantage: self.watch.settings.vantage.clone(),
            observed: began.wall,
            elapsed_ns: Rtt::from_duration(Duration::from_secs(1)),
            resolutions: vec![resolution],
            denied: Vec::new(),
            traces: Vec::new(),
            contacts: Vec::new(),
            pings: Vec::new(),
            pointers: Vec::new(),
            zone: None,
            canaries: Vec::new(),
            related: Vec::new(),
            operators: Vec::new(),
            claims: [claim("asset-register", says), claim("routed-asn", announced)].into_iter().collect(),
            databases: Vec::new(),
        }
    }

    /// Does everything that is due now. Rounds take no time on the clock.
    fn settle(&mut self) {
        while let Some(due) = self.watch.poll_due(self.now) {
            *self.rounds.entry(due.endpoint.clone()).or_default() += 1;
            if self.journal_is_full {
                self.watch.handle_round_failure(&due.endpoint, self.now);
            } else {
                let observation = self.observe(&due, self.now);
                self.watch.handle_round(observation, self.now);
            }
        }
        while let Some(delivery) = self.watch.poll_delivery(self.now) {
            let outcomes = vec![Outcome::Accepted; delivery.alerts.len()];
            self.delivered.extend(delivery.alerts);
            self.watch.handle_delivery(delivery.id, &outcomes, self.now);
        }
        while let Some(event) = self.watch.poll_event() {
            self.log.push(match event {
                Event::Standing { from, to, .. } => format!("{} -> {to}", from.map_or("new", Standing::as_str)),
                Event::Alert(step) => format!("{} {} {}", step.rule, step.change.as_str(), step.severity),
                Event::Vantage(remark) => remark,
            });
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        self.settle();
        while let Some((at, _)) = self.watch.poll_timeout().filter(|(at, _)| *at <= end.mono) {
            let step = at.saturating_duration_since(self.now.mono);
            self.now = self.now.after(step);
            self.watch.handle_timeout(self.now);
            self.settle();
        }
        self.now = self.now.after(end.mono - self.now.mono);
    }

    fn record(&self) -> &Record {
        &self.watch.ledger().endpoints[&endpoint(0)]
    }

    fn standing(&self) -> Standing {
        self.record().standing()
    }
}

#[test]
fn an_endpoint_is_unproven_until_it_was_observed() {
    let mut world = World::new(settings(1));
    assert_eq!((world.standing(), world.record().verdict.is_none()), (Standing::Unproven, true));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.standing(), Standing::Compliant);
    assert_eq!(world.log, ["new -> compliant"]);
}

#[test]
fn a_move_abroad_is_a_breach_and_one_critical_alert_within_its_ttl_and_is_over_when_it_moves_back() {
    let mut world = World::new(settings(1));
    world.pass(Duration::from_secs(600));
    world.country = "DE";
    world.pass(Duration::from_secs(63));
    assert_eq!(world.standing(), Standing::Breach);
    let raised = world.delivered.last().unwrap();
    assert_eq!(raised.labels["alertname"], "PehraDestinationOutside");
    assert_eq!(raised.labels["severity"], "critical");
    assert_eq!(world.watch.alert_counts().firing, 1);

    world.pass(Duration::from_secs(1200));
    world.country = "PK";
    world.pass(Duration::from_secs(300));
    assert_eq!(world.standing(), Standing::Compliant);
    assert_eq!(world.watch.alert_counts().firing, 0);
    assert_eq!(
        world.log,
        [
            "new -> compliant",
            "compliant -> breach",
            "destination-outside raised critical",
            "breach -> compliant",
            "destination-outside cleared critical",
        ]
    );
}

#[test]
fn silence_makes_an_observation_stale_and_a_full_journal_is_silence() {
    let mut world = World::new(settings(1));
    world.pass(Duration::from_secs(1));
    world.journal_is_full = true;
    world.pass(FRESHNESS.saturating_sub(Duration::from_secs(5)));
    assert_eq!(world.standing(), Standing::Compliant);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.standing(), Standing::Unproven);
    assert_eq!(world.log[1..], ["compliant -> unproven", "stale raised info"]);
    assert!(world.record().seen.is_some(), "what was seen is still shown");

    world.journal_is_full = false;
    world.pass(2 * INTERVAL);
    assert_eq!(world.standing(), Standing::Compliant);
    assert_eq!(world.log[3..], ["unproven -> compliant", "stale cleared info"]);
}

#[test]
fn an_endpoint_that_was_never_observed_goes_stale_too() {
    let mut world = World::new(settings(1));
    world.journal_is_full = true;
    world.pass(FRESHNESS + Duration::from_secs(5));
    assert_eq!(world.standing(), Standing::Unproven);
    assert_eq!(world.log, ["new -> unproven", "stale raised info"]);
    assert!(world.record().seen.is_none());
    assert!((5..30).contains(&world.rounds[&endpoint(0)]), "{:?} rounds, with growing waits", world.rounds);
}

#[test]
fn a_stepped_wall_clock_makes_nothing_stale_and_raises_nothing() {
    let mut world = World::new(settings(1));
    world.pass(Duration::from_secs(1000));
    for step in ["2027-05-01T00:00:00Z", "2020-01-01T00:00:00Z"] {
        world.now.wall = step.parse().unwrap();
        world.pass(Duration::from_secs(1000));
        assert_eq!(world.standing(), Standing::Compliant);
    }
    assert_eq!(world.log, ["new -> compliant"]);
    assert!(world.delivered.is_empty());
}

#[test]
fn a_stale_observation_is_stale_although_the_wall_clock_was_set_back() {
    let mut world = World::new(settings(1));
    world.pass(Duration::from_secs(1));
    world.journal_is_full = true;
    world.now.wall = "2020-01-01T00:00:00Z".parse().unwrap();
    world.pass(FRESHNESS + Duration::from_secs(30));
    assert_eq!(world.standing(), Standing::Unproven);
}

#[test]
fn an_endpoint_that_is_gone_takes_its_alerts_and_its_series_with_it() {
    let mut world = World::new(settings(2));
    world.country = "DE";
    world.pass(Duration::from_secs(100));
    assert_eq!(world.watch.alert_counts().firing, 2);
    world.watch.handle_reconfigured(settings(1), world.now);
    world.settle();
    assert_eq!(world.watch.alert_counts().firing, 1);
    assert_eq!(world.watch.ledger().endpoints.len(), 1);
    assert!(world.delivered.iter().any(|alert| alert.resolved));
    world.pass(FRESHNESS * 2);
    assert_eq!(world.watch.ledger().endpoints.len(), 1);
    assert!(world.log.iter().all(|line| !line.starts_with("stale")));
}

#[test]
fn the_round_of_an_endpoint_that_is_gone_meanwhile_changes_nothing() {
    let mut world = World::new(settings(1));
    let due = world.watch.poll_due(world.now).unwrap();
    world.watch.handle_reconfigured(settings(0), world.now);
    let observation = world.observe(&due, world.now);
    world.watch.handle_round(observation, world.now);
    assert!(world.watch.ledger().endpoints.is_empty());
    assert_eq!((world.watch.running(), world.watch.poll_timeout()), (0, None));
}

#[test]
fn another_class_is_looked_at_at_once_and_another_policy_judged_at_once() {
    let mut world = World::new(settings(1));
    world.country = "DE";
    world.ttl = 3600;
    world.pass(Duration::from_secs(10));
    assert_eq!(world.standing(), Standing::Breach);

    let mut lenient = settings(1);
    lenient.policy.bindings.retain(|binding| binding.rule != RuleId::DestinationOutside);
    world.watch.handle_reconfigured(lenient, world.now);
    assert_eq!(world.standing(), Standing::Compliant, "no new round is needed");
    world.watch.handle_reconfigured(settings(1), world.now);
    assert_eq!(world.standing(), Standing::Breach);

    let mut public = settings(1);
    public.watched.insert(endpoint(0), watched("public"));
    let rounds = world.rounds.clone();
    world.watch.handle_reconfigured(public, world.now);
    assert_eq!(world.standing(), Standing::Compliant, "what was seen is judged by the new class");
    assert_eq!(world.rounds, rounds);
    world.watch.handle_reconfigured(settings(1), world.now);
    assert_eq!(world.standing(), Standing::Breach);
    world.pass(Duration::from_secs(1));
    assert!(world.rounds[&endpoint(0)] > rounds[&endpoint(0)], "and it is looked at at once");
}

#[test]
fn a_round_under_way_when_the_class_changes_is_judged_by_the_new_one() {
    let mut open = settings(1);
    open.watched.insert(endpoint(0), watched("public"));
    let mut world = World::new(open);
    world.country = "DE";
    let due = world.watch.poll_due(world.now).unwrap();
    world.watch.handle_reconfigured(settings(1), world.now);
    let observation = world.observe(&due, world.now);
    world.watch.handle_round(observation, world.now);
    assert_eq!(world.standing(), Standing::Breach);
}

#[test]
fn an_endpoint_that_was_never_observed_is_judged_by_its_new_class_too() {
    let mut world = World::new(settings(1));
    world.journal_is_full = true;
    world.pass(FRESHNESS + Duration::from_secs(5));
    let mut unbound = settings(1);
    unbound.policy.bindings.retain(|binding| binding.rule != RuleId::Stale);
    world.watch.handle_reconfigured(unbound, world.now);
    let verdict = world.record().verdict.clone().unwrap();
    assert_eq!((verdict.standing, verdict.findings.len()), (Standing::Unproven, 0));
}

#[test]
fn alerts_outlive_a_restart() {
    let mut world = World::new(settings(1));
    world.country = "DE";
    world.pass(Duration::from_secs(10));
    let saved = world.watch.poll_save().unwrap();
    world.now = world.now.after(Duration::from_secs(120));
    world.watch = without_past(Watch::new(settings(1), Some(saved.clone()), 8, world.now), world.now);
    world.pass(Duration::from_secs(600));
    assert_eq!(world.watch.alert_counts().firing, 1);
    let beginnings: BTreeSet<_> = world.delivered.iter().map(|alert| alert.starts_at).collect();
    assert_eq!(beginnings.len(), 1);
    assert_eq!(world.log.iter().filter(|line| line.contains("raised")).count(), 1);

    world.watch = without_past(Watch::new(settings(0), Some(saved), 9, world.now), world.now);
    world.settle();
    assert_eq!(world.watch.alert_counts().firing, 0, "what is no longer watched is cleared");
}

#[test]
fn a_snapshot_of_the_ledger_does_not_change() {
    let mut world = World::new(settings(1));
    let before = Arc::clone(world.watch.ledger());
    world.pass(Duration::from_secs(1));
    assert_eq!(before.endpoints[&endpoint(0)].standing(), Standing::Unproven);
    assert_eq!(world.standing(), Standing::Compliant);
}

#[test]
fn an_event_tells_the_worst_finding() {
    let mut world = World::new(settings(1));
    world.country = "DE";
    let due = world.watch.poll_due(world.now).unwrap();
    let observation = world.observe(&due, world.now);
    world.watch.handle_round(observation, world.now);
    let Some(Event::Standing { worst: Some(worst), .. }) = world.watch.poll_event() else { panic!("no event") };
    assert_eq!((worst.rule, worst.standing), (RuleId::DestinationOutside, Standing::Breach));
    let Some(Event::Alert(step)) = world.watch.poll_event() else { panic!("no alert") };
    assert_eq!((step.change, step.severity), (Change::Raised, Severity::Critical));
    assert!(step.description.contains(ADDRESS), "{}", step.description);
}

#[test]
fn what_is_due_says_how_far_its_addresses_were_in_the_round_before() {
    let mut world = World::new(settings(1));
    let first = world.watch.poll_due(world.now).unwrap();
    assert_eq!(first.distances, Distances::new());
    let target: IpAddr = ADDRESS.parse().unwrap();
    let answer = |from, kind| HopAnswer {
        from,
        rtt_ns: Rtt::from_duration(Duration::from_millis(4)),
        kind,
        late: false,
        unmatched: false,
        extras: None,
    };
    let router = answer([198, 18, 0, 1].into(), AnswerKind::TimeExceeded);
    let trace = |protocol, answers: Vec<HopAnswer>| {
        let hops =
            (1..).zip(answers).map(|(ttl, answer)| Hop { ttl, answers: vec![answer], silent: 0, inherited: None });
        let (started, port, flow, ending) = (world.now.wall, None, None, Ending::Exhausted);
        Trace { target, protocol, started, port, flow, hops: hops.collect(), ending }
    };
    let mut observation = world.observe(&first, world.now);
    observation.traces = vec![
        trace(Protocol::Icmp, vec![router.clone(), answer(target, AnswerKind::EchoReply)]),
        trace(Protocol::Udp, vec![router]),
    ];
    world.watch.handle_round(observation, world.now);
    world.now = world.now.after(2 * INTERVAL);
    world.watch.handle_timeout(world.now);
    assert_eq!(world.watch.poll_due(world.now).unwrap().distances, [((target, Protocol::Icmp), 2)].into());
}

#[test]
fn a_landmark_is_measured_like_an_endpoint_and_nothing_is_said_of_it() {
    let mut settings = settings(1);
    let landmark: Endpoint = "185.1.8.1".parse().unwrap();
    settings.landmarks.insert(landmark.clone(), INTERVAL);
    let mut world = World::new(settings.clone());
    (world.country, world.ttl) = ("DE", 3600);
    world.pass(4 * INTERVAL);
    assert!((3..=6).contains(&world.rounds[&landmark]), "{:?}", world.rounds);
    assert!(!world.watch.ledger().endpoints.contains_key(&landmark));
    assert_eq!(world.watch.alert_counts().firing, 1, "that of the endpoint");
    assert!(world.delivered.iter().all(|alert| alert.labels["endpoint"] != landmark.as_str()));

    settings.landmarks.clear();
    world.watch.handle_reconfigured(settings, world.now);
    let rounds = world.rounds[&landmark];
    world.pass(4 * INTERVAL);
    assert_eq!(world.rounds[&landmark], rounds, "one that is gone is left in peace");
}
