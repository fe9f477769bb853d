//! The alert book: which alert stands, and what becomes of it with each verdict.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::outbox::{Outbox, PostingId};
use super::patience::{Patience, Recent};
use super::saved::{SavedAlerts, SavedCase, SavedOpen, VERSION};
use super::sight::{Basis, Sight};
use super::{AlertSettings, Change, Delivery, DeliveryId, Labels, Outcome, Severity, Transition, wording};
use crate::location::Grade;
use crate::moment::Moment;
use crate::observation::Declared;
use crate::verdict::{Finding, RuleId, Standing, Verdict};
use crate::workload::Endpoint;

/// Being overdue is patience enough: one verdict raises it, the next round clears it.
const FOR_SILENCE: Patience = Patience { raise: 1, of: 1, clear: 1 };

/// Whose verdict it is, how often there is one, and what it was reached on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What the inventory says of the endpoint.
    pub declared: &'a Declared,
    /// The longest time between two rounds.
    pub interval: Duration,
    /// What the round saw.
    pub sight: &'a Sight,
}

/// What a verdict was reached on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A new round.
    Round,
    /// Nothing new for too long: only `stale` has something to say.
    Silence,
}

/// How many alerts there are in each state of the metric `pehra_alerts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Seen in the last round, and not often enough to be raised.
    pub pending: usize,
    /// Raised.
    pub firing: usize,
    /// Cleared and still being sent.
    pub resolved: usize,
}

/// What is known of one (endpoint, rule).
#[derive(Debug, Default)]
struct Case {
    recent: Recent,
    annotations: BTreeMap<String, String>,
    open: Option<Open>,
    /// The addresses whose measurement the findings rest on.
    rests_on: BTreeSet<IpAddr>,
    /// Those that other vantages had measured as well.
    rests_on_others: BTreeSet<IpAddr>,
}

/// An alert that stands.
#[derive(Debug)]
struct Open {
    severity: Severity,
    starts_at: Timestamp,
    posting: PostingId,
    remind_at: Instant,
}

/// Verdicts in, transitions and deliveries out.
///
/// After any `handle_*`, drain [`Self::poll_transition`] and [`Self::poll_delivery`]; call [`Self::handle_timeout`] when
/// [`Self::poll_timeout`] has come.
#[derive(Debug)]
pub struct AlertBook {
    settings: AlertSettings,
    cases: BTreeMap<Endpoint, BTreeMap<RuleId, Case>>,
    outbox: Outbox,
    reminders: BTreeSet<(Instant, Endpoint, RuleId)>,
    transitions: VecDeque<Transition>,
    unsaved: bool,
}

impl AlertBook {
    /// An empty book.
    pub fn new(settings: AlertSettings) -> Self {
        let outbox = Outbox::new(&settings);
        Self {
            settings,
            cases: BTreeMap::new(),
            outbox,
            reminders: BTreeSet::new(),
            transitions: VecDeque::new(),
            unsaved: false,
        }
    }

    /// The book that was saved; one of an unknown version is an empty book. Follow it with
    /// [`Self::handle_reconfigured`], which clears what is no longer watched.
    pub fn restore(settings: AlertSettings, saved: SavedAlerts, now: Moment) -> Self {
        let mut book = Self::new(settings);
        if saved.version != VERSION {
            return book;
        }
        book.outbox.restore(saved.postings, now);
        for case in saved.cases {
            let remind_at = now.mono + book.settings.remind_after;
            let open = case.open.and_then(|open| {
                let posting = book.outbox.standing(&open.labels)?;
                Some(Open { severity: open.severity, starts_at: open.starts_at, posting, remind_at })
            });
            if open.is_some() {
                book.reminders.insert((remind_at, case.endpoint.clone(), case.rule));
            }
            let restored = Case {
                recent: case.recent,
                annotations: case.annotations,
                open,
                rests_on: case.rests_on,
                rests_on_others: case.rests_on_others,
            };
            book.cases.entry(case.endpoint).or_default().insert(case.rule, restored);
        }
        book
    }

    /// The book as data.
    pub fn save(&self) -> SavedAlerts {
        let each = self.cases.iter().flat_map(|(endpoint, rules)| rules.iter().map(move |(r, c)| (endpoint, *r, c)));
        let cases = each.map(|(endpoint, rule, case)| SavedCase {
            endpoint: endpoint.clone(),
            rule,
            recent: case.recent.clone(),
            annotations: case.annotations.clone(),
            open: case.open.as_ref().and_then(|open| {
                let labels = self.outbox.labels(open.posting)?.clone();
                Some(SavedOpen { severity: open.severity, starts_at: open.starts_at, labels })
            }),
            rests_on: case.rests_on.clone(),
            rests_on_others: case.rests_on_others.clone(),
        });
        SavedAlerts { version: VERSION, cases: cases.collect(), postings: self.outbox.save() }
    }

    /// The book as data, if something changed since this was last asked that should outlive a restart: an alert was
    /// raised, changed, cleared or newly delivered, or the rounds that count for or against one did. What is sent again
    /// is no change, nor is another wording.
    pub fn poll_save(&mut self) -> Option<SavedAlerts> {
        std::mem::take(&mut self.unsaved).then(|| self.save())
    }

    /// Takes note of a verdict.
    ///
    /// A round clears or eases an alert only if it saw what the finding rests on; otherwise it says nothing of it, for
    /// or against. Silence never clears an alert.
    pub fn handle_verdict(&mut self, verdict: &Verdict, subject: Subject<'_>, occasion: Occasion, now: Moment) {
        let found: BTreeSet<RuleId> = verdict.findings.iter().map(|finding| finding.rule).collect();
        let known = self.cases.get(&verdict.endpoint).into_iter().flat_map(BTreeMap::keys).copied();
        let rules: BTreeSet<RuleId> = known.chain(found.iter().copied()).collect();
        for rule in rules {
            let speaks = match occasion {
                Occasion::Round => self.speaks(verdict, subject.sight, &found, rule),
                Occasion::Silence => rule == RuleId::Stale,
            };
            if speaks {
                self.handle_rule(verdict, subject, rule, now);
            }
        }
        if let Some(cases) = self.cases.get_mut(&verdict.endpoint) {
            cases.retain(|_, case| case.open.is_some() || !case.recent.is_quiet());
            if cases.is_empty() {
                self.cases.remove(&verdict.endpoint);
            }
        }
    }

    /// Other settings, and the endpoints watched from now on; alerts on others are cleared at once.
    pub fn handle_reconfigured(
        &mut self,
        settings: AlertSettings,
        is_watched: impl Fn(&Endpoint) -> bool,
        now: Moment,
    ) {
        self.outbox.handle_reconfigured(&settings, now);
        self.settings = settings;
        let gone: Vec<Endpoint> = self.cases.keys().filter(|endpoint| !is_watched(endpoint)).cloned().collect();
        for endpoint in gone {
            for (rule, mut case) in self.cases.remove(&endpoint).unwrap_or_default() {
                self.set(&mut case, &endpoint, rule, None, now);
            }
        }
    }

    /// The outcome of a delivery, one for each of its alerts, in their order.
    pub fn handle_delivery(&mut self, id: DeliveryId, outcomes: &[Outcome], now: Moment) {
        self.unsaved |= self.outbox.handle_delivery(id, outcomes, now);
    }

    /// Time has passed: reminds of what still stands, forgets what is over.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.unsaved |= self.outbox.handle_timeout(now);
        while self.reminders.first().is_some_and(|(at, _, _)| *at <= now.mono) {
            let Some((at, endpoint, rule)) = self.reminders.pop_first() else { return };
            let Some(case) = self.cases.get_mut(&endpoint).and_then(|cases| cases.get_mut(&rule)) else { continue };
            let Some(open) = case.open.as_mut().filter(|open| open.remind_at == at) else { continue };
            open.remind_at = now.mono + self.settings.remind_after.max(self.settings.resend);
            self.reminders.insert((open.remind_at, endpoint.clone(), rule));
            self.outbox.remind(open.posting, now);
            let (severity, description) = (open.severity, description(&case.annotations));
            self.note(Transition { endpoint, rule, change: Change::Reminded, severity, description });
        }
    }

    /// What happened to an alert since this was last asked.
    pub fn poll_transition(&mut self) -> Option<Transition> {
        self.transitions.pop_front()
    }

    /// Alerts to send to one sink now. Its outcome must come back by [`Self::handle_delivery`]: until then that sink
    /// gets nothing else.
    pub fn poll_delivery(&mut self, now: Moment) -> Option<Delivery> {
        self.outbox.poll_delivery(now)
    }

    /// When something is due: a delivery, a reminder, a resolved alert to forget.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let reminder = self.reminders.first().map(|(at, _, _)| *at);
        self.outbox.poll_timeout().into_iter().chain(reminder).min()
    }

    /// How many alerts are pending, firing and resolved.
    pub fn counts(&self) -> Counts {
        let cases = self.cases.values().flat_map(BTreeMap::values);
        let pending = cases.filter(|case| case.open.is_none() && case.recent.is_present()).count();
        let (firing, resolved) = self.outbox.count();
        Counts { pending, firing, resolved }
    }

    /// Whether more rounds like the last one would change nothing about the alerts of an endpoint.
    pub fn is_settled(&self, endpoint: &Endpoint) -> bool {
        let mut cases = self.cases.get(endpoint).into_iter().flat_map(BTreeMap::values);
        cases.all(|case| case.recent.last() == case.open.as_ref().map(|open| open.severity))
    }

    /// Whether a round that `found` findings by these rules has something to say of `rule`.
    fn speaks(&self, verdict: &Verdict, sight: &Sight, found: &BTreeSet<RuleId>, rule: RuleId) -> bool {
        if found.contains(&rule) {
            if found.contains(&RuleId::Unreachable) && is_ignorance(rule) {
                return false;
            }
            let severity = severity(verdict, rule);
            let eases = severity.is_some() && severity < self.severity(&verdict.endpoint, rule);
            !eases || !self.is_blind(verdict, sight, found, rule)
        } else {
            !self.is_blind(verdict, sight, found, rule)
        }
    }

    /// Whether a round missed something that the alert on `rule` rests on.
    fn is_blind(&self, verdict: &Verdict, sight: &Sight, found: &BTreeSet<RuleId>, rule: RuleId) -> bool {
        let basis = Basis::of(rule);
        let case = self.cases.get(&verdict.endpoint).and_then(|cases| cases.get(&rule));
        match basis {
            Basis::Nothing => false,
            Basis::Address => sight.is_empty(),
            Basis::Related(what) => {
                let lost = |address: &IpAddr| sight.shows(basis, *address) == Some(false);
                !sight.knows_all(what) || case.is_some_and(|case| case.rests_on.iter().any(lost))
            }
            Basis::Addresses | Basis::Distance | Basis::Way => {
                let lost = |address: &IpAddr| sight.shows(basis, *address) == Some(false);
                let lost_by_others = |address: &IpAddr| sight.shows_others(*address) == Some(false);
                let is_lost =
                    |case: &Case| case.rests_on.iter().any(lost) || case.rests_on_others.iter().any(lost_by_others);
                sight.is_empty() || found.contains(&RuleId::Unresolvable) || case.is_some_and(is_lost)
            }
        }
    }

    /// The severity of the alert that stands.
    fn severity(&self, endpoint: &Endpoint, rule: RuleId) -> Option<Severity> {
        Some(self.cases.get(endpoint)?.get(&rule)?.open.as_ref()?.severity)
    }

    fn handle_rule(&mut self, verdict: &Verdict, subject: Subject<'_>, rule: RuleId, now: Moment) {
        let findings = || verdict.findings.iter().filter(|finding| finding.rule == rule);
        let seen = severity(verdict, rule);
        let mut case = self.cases.entry(verdict.endpoint.clone()).or_default().remove(&rule).unwrap_or_default();
        if seen.is_some() {
            let runbook = self.settings.runbook_base.as_deref();
            case.annotations = wording::annotations(verdict, rule, subject.declared, runbook);
            self.unsaved |= case.rest(findings(), Basis::of(rule), subject.sight);
        }
        let patience = if rule == RuleId::Stale {
            FOR_SILENCE
        } else if findings().any(is_certain) {
            self.settings.prompt
        } else {
            self.settings.patience
        };
        self.unsaved |= case.recent.note(seen, patience);
        let severity = case.recent.decide(case.open.as_ref().map(|open| open.severity), patience);
        let target = severity.map(|severity| {
            let mut labels = self.settings.external_labels.clone();
            labels.extend(wording::labels(&verdict.endpoint, rule, severity, subject.declared, &verdict.vantage));
            Target { severity, labels, interval: subject.interval }
        });
        self.set(&mut case, &verdict.endpoint, rule, target, now);
        if seen.is_none() && case.open.is_none() {
            case.rests_on.clear();
            case.rests_on_others.clear();
        }
        self.cases.entry(verdict.endpoint.clone()).or_default().insert(rule, case);
    }

    /// Brings the alert of a case to where it should be. A label set is an identity: when it changes, the old one is
    /// resolved and the new one fired, with the beginning they share.
    fn set(&mut self, case: &mut Case, endpoint: &Endpoint, rule: RuleId, target: Option<Target>, now: Moment) {
        let before = case.open.take();
        let change = change(before.as_ref().map(|open| open.severity), target.as_ref().map(|to| to.severity));
        let severity = target.as_ref().map(|to| to.severity).or(before.as_ref().map(|open| open.severity));
        case.open = match (before, target) {
            (None, None) => None,
            (None, Some(to)) => Some(self.open(case, endpoint, rule, &to, now)),
            (Some(open), None) => {
                self.reminders.remove(&(open.remind_at, endpoint.clone(), rule));
                self.outbox.resolve(open.posting, now);
                None
            }
            (Some(open), Some(to)) if self.outbox.labels(open.posting) == Some(&to.labels) => {
                self.outbox.amend(open.posting, &case.annotations, to.interval);
                Some(open)
            }
            (Some(open), Some(to)) => {
                self.unsaved = true;
                self.outbox.resolve(open.posting, now);
                let posting = self.outbox.fire(&to.labels, &case.annotations, open.starts_at, to.interval, now);
                Some(Open { severity: to.severity, posting, ..open })
            }
        };
        if let (Some(change), Some(severity)) = (change, severity) {
            let description = description(&case.annotations);
            self.note(Transition { endpoint: endpoint.clone(), rule, change, severity, description });
        }
    }

    fn open(&mut self, case: &Case, endpoint: &Endpoint, rule: RuleId, to: &Target, now: Moment) -> Open {
        let remind_at = now.mono + self.settings.remind_after.max(self.settings.resend);
        self.reminders.insert((remind_at, endpoint.clone(), rule));
        let posting = self.outbox.fire(&to.labels, &case.annotations, now.wall, to.interval, now);
        Open { severity: to.severity, starts_at: now.wall, posting, remind_at }
    }

    fn note(&mut self, transition: Transition) {
        self.unsaved = true;
        self.transitions.push_back(transition);
    }
}

/// Where an alert should be.
struct Target {
    severity: Severity,
    labels: Labels,
    interval: Duration,
}

fn change(before: Option<Severity>, after: Option<Severity>) -> Option<Change> {
    match (before, after) {
        (None, Some(_)) => Some(Change::Raised),
        (Some(_), None) => Some(Change::Cleared),
        (Some(before), Some(after)) if after > before => Some(Change::Worsened),
        (Some(before), Some(after)) if after < before => Some(Change::Eased),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn description(annotations: &BTreeMap<String, String>) -> String {
    annotations.get("description").cloned().unwrap_or_default()
}

/// A breach that rests on proof or attestation needs no second look.
fn is_certain(finding: &Finding) -> bool {
    finding.standing == Standing::Breach && finding.grade >= Some(Grade::Attested)
}

/// How urgent what `rule` found is.
fn severity(verdict: &Verdict, rule: RuleId) -> Option<Severity> {
    let findings = verdict.findings.iter().filter(|finding| finding.rule == rule);
    findings.filter_map(|finding| Severity::of(finding.standing)).max()
}

/// Whether the rule says that nothing can be said: where no address answers, [`RuleId::Unreachable`] says so already.
fn is_ignorance(rule: RuleId) -> bool {
    matches!(rule, RuleId::DestinationUnproven | RuleId::EdgeOpaque)
}

impl Case {
    /// Takes note of what the findings of a round rest on, next to what the round has lost sight of. Whether that is
    /// something new.
    fn rest<'a>(&mut self, findings: impl Iterator<Item = &'a Finding>, basis: Basis, sight: &Sight) -> bool {
        if matches!(basis, Basis::Nothing | Basis::Address | Basis::Addresses) {
            return false;
        }
        let addresses: BTreeSet<IpAddr> = findings.filter_map(|finding| finding.address).collect();
        let changed = rest_on(&mut self.rests_on, &addresses, |address| sight.shows(basis, address));
        let rests_on_others = basis == Basis::Distance;
        rests_on_others && rest_on(&mut self.rests_on_others, &addresses, |address| sight.shows_others(address))
            || changed
    }
}

/// Brings what is rested on to what is shown of `addresses`, next to what was lost sight of; whether that changed it.
fn rest_on(known: &mut BTreeSet<IpAddr>, addresses: &BTreeSet<IpAddr>, sees: impl Fn(IpAddr) -> Option<bool>) -> bool {
    let lost = known.iter().filter(|address| sees(**address) == Some(false));
    let found = addresses.iter().filter(|address| sees(**address) == Some(true));
    let rests_on: BTreeSet<IpAddr> = lost.chain(found).copied().collect();
    let changed = rests_on != *known;
    *known = rests_on;
    changed
}

#[cfg(test)]
mod tests;
