//! A simulated Alertmanager and a simulated webhook: whom the daemon tells, and what people hear of it.
//!
//! Alertmanager's API v2 as it behaves: an alert is what its labels say; it is firing until `endsAt`, and somebody is told
//! once when it begins and once when it is over. A process that restarts has forgotten its alerts and remembers whom it
//! told (its notification log is on disk). Groups, routes and repeats are left out: they would only hide how often the
//! daemon gave a reason to page.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::alert::{Alert, Labels, Outcome, SinkKind};

use super::written::SinkState;

/// Somebody who is told of alerts.
#[derive(Debug)]
pub(super) struct Sink {
    kind: SinkKind,
    state: SinkState,
    /// Until when each alert is firing.
    held: BTreeMap<Labels, Timestamp>,
    endings: BTreeSet<(Timestamp, Labels)>,
    told: BTreeSet<Labels>,
    pages: Vec<String>,
    all_clears: Vec<String>,
    posts: Vec<String>,
}

impl Sink {
    pub(super) fn new(kind: SinkKind) -> Self {
        Self {
            kind,
            state: SinkState::Up,
            held: BTreeMap::new(),
            endings: BTreeSet::new(),
            told: BTreeSet::new(),
            pages: Vec::new(),
            all_clears: Vec::new(),
            posts: Vec::new(),
        }
    }

    pub(super) fn kind(&self) -> SinkKind {
        self.kind
    }

    /// Something happens to it.
    pub(super) fn handle_state(&mut self, state: SinkState, now: Timestamp) {
        self.handle_time(now);
        if state == SinkState::Down {
            self.held.clear();
            self.endings.clear();
        }
        self.state = state;
    }

    /// An alert is sent to it.
    pub(super) fn handle_alert(&mut self, alert: &Alert, now: Timestamp) -> Outcome {
        match self.state {
            SinkState::Down => return Outcome::Unreachable,
            SinkState::Unreachable => return Outcome::Timeout,
            SinkState::Failing => return Outcome::Refused,
            SinkState::Up => {}
        }
        match self.kind {
            SinkKind::Alertmanager => self.hold(&alert.labels, alert.ends_at, now),
            SinkKind::Webhook => {
                let over = if alert.resolved { "over: " } else { "" };
                self.posts.push(format!("{over}{}", in_words(&alert.labels)));
            }
        }
        Outcome::Accepted
    }

    fn hold(&mut self, labels: &Labels, ends_at: Timestamp, now: Timestamp) {
        if let Some(before) = self.held.insert(labels.clone(), ends_at) {
            self.endings.remove(&(before, labels.clone()));
        }
        self.endings.insert((ends_at, labels.clone()));
        if ends_at > now && self.told.insert(labels.clone()) {
            self.pages.push(in_words(labels));
        }
        self.handle_time(now);
    }

    /// Time has passed: what has ended is over, and people who were told of it are told so.
    pub(super) fn handle_time(&mut self, now: Timestamp) {
        while self.endings.first().is_some_and(|(ends_at, _)| *ends_at <= now) {
            let Some((_, labels)) = self.endings.pop_first() else { return };
            self.held.remove(&labels);
            if self.told.remove(&labels) {
                self.all_clears.push(in_words(&labels));
            }
        }
    }

    /// The alerts it holds, in words.
    pub(super) fn firing(&self) -> Vec<String> {
        self.held.keys().map(in_words).collect()
    }

    /// Every time it told somebody of a new alert.
    pub(super) fn pages(&self) -> &[String] {
        &self.pages
    }

    /// Every time it told somebody that one was over.
    pub(super) fn all_clears(&self) -> &[String] {
        &self.all_clears
    }

    /// Everything a webhook was told, in order.
    pub(super) fn posts(&self) -> &[String] {
        &self.posts
    }
}

/// `critical PehraDestinationOutside https://…`
fn in_words(labels: &Labels) -> String {
    let label = |name: &str| labels.get(name).map_or("?", String::as_str);
    format!("{} {} {}", label("severity"), label("alertname"), label("endpoint"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_272_000 + second).unwrap()
    }

    fn alert(ends: i64) -> Alert {
        let labels = [("alertname", "PehraDestinationOutside"), ("severity", "critical"), ("endpoint", "a.gov.pk")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Alert { labels, annotations: BTreeMap::new(), starts_at: at(0), ends_at: at(ends), resolved: false }
    }

    #[test]
    fn an_alert_sent_again_in_time_pages_once() {
        let mut sink = Sink::new(SinkKind::Alertmanager);
        for minute in 0..5 {
            assert_eq!(sink.handle_alert(&alert(minute * 60 + 240), at(minute * 60)), Outcome::Accepted);
        }
        assert_eq!((sink.pages().len(), sink.all_clears().len()), (1, 0));
        assert_eq!(sink.firing(), ["critical PehraDestinationOutside a.gov.pk"]);
        sink.handle_time(at(1000));
        assert_eq!((sink.pages().len(), sink.all_clears().len(), sink.firing().len()), (1, 1, 0));
    }

    #[test]
    fn a_restarted_process_remembers_whom_it_told() {
        let mut sink = Sink::new(SinkKind::Alertmanager);
        sink.handle_alert(&alert(240), at(0));
        sink.handle_state(SinkState::Down, at(60));
        assert_eq!(sink.handle_alert(&alert(360), at(120)), Outcome::Unreachable);
        sink.handle_state(SinkState::Up, at(660));
        assert_eq!(sink.firing().len(), 0);
        sink.handle_alert(&alert(900), at(661));
        assert_eq!((sink.pages().len(), sink.all_clears().len(), sink.firing().len()), (1, 0, 1));
    }
}
