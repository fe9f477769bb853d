//! Whom alerts are told to: names that may be shown for URLs that may hold secrets.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use crate::alert::{Delivery, Outcome, SinkId, SinkKind};
use crate::config::alerting::AlertConfig;
use crate::edge::alertmanager::Alertmanager;
use crate::edge::client::{self, ClientError};
use crate::edge::webhook::Webhook;

/// Every sink of a configuration, ready to be sent to.
#[derive(Clone, Debug)]
pub struct Sinks(BTreeMap<SinkId, Sink>);

/// One of them.
#[derive(Clone, Debug)]
enum Sink {
    Alertmanager(Alertmanager),
    Webhook(Webhook),
}

impl Sinks {
    /// The sinks of `config`.
    pub fn new(config: &AlertConfig) -> Result<Self, ClientError> {
        let client = client::build(config.timeout)?;
        let open = |(id, (kind, url)): (SinkId, (SinkKind, Url))| {
            let sink = match kind {
                SinkKind::Alertmanager => Sink::Alertmanager(Alertmanager::new(client.clone(), id.clone(), &url)),
                SinkKind::Webhook => Sink::Webhook(Webhook::new(client.clone(), id.clone(), url)),
            };
            (id, sink)
        };
        Ok(Self(config.sinks().into_iter().map(open).collect()))
    }

    /// The names of all.
    pub fn ids(&self) -> Vec<SinkId> {
        self.0.keys().cloned().collect()
    }

    /// Sends a delivery: one outcome for each of its alerts.
    pub async fn send(&self, delivery: &Delivery) -> Vec<Outcome> {
        match self.0.get(&delivery.sink) {
            Some(Sink::Alertmanager(alertmanager)) => alertmanager.post(&delivery.alerts).await,
            Some(Sink::Webhook(webhook)) => webhook.post(&delivery.alerts).await,
            None => vec![Outcome::Unreachable; delivery.alerts.len()],
        }
    }
}

/// Which sinks fail, so that each is told of once.
#[derive(Clone, Debug, Default)]
pub struct Failing(BTreeSet<SinkId>);

/// What is worth telling of a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It takes nothing any more, and why.
    Worse(Outcome),
    /// It takes alerts again.
    Better,
}

impl Failing {
    /// What came of a delivery. A sink fails while it takes none of the alerts it is sent.
    pub fn handle_outcomes(&mut self, sink: &SinkId, outcomes: &[Outcome]) -> Option<Turn> {
        let first = *outcomes.first()?;
        if outcomes.contains(&Outcome::Accepted) {
            self.0.remove(sink).then_some(Turn::Better)
        } else {
            self.0.insert(sink.clone()).then_some(Turn::Worse(first))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_that_fails_is_told_of_once_and_once_when_it_works_again() {
        let (one, other) = (SinkId("alertmanager-1".to_owned()), SinkId("webhook-1".to_owned()));
        let mut failing = Failing::default();
        assert_eq!(failing.handle_outcomes(&one, &[Outcome::Accepted]), None);
        assert_eq!(failing.handle_outcomes(&one, &[Outcome::Unreachable; 2]), Some(Turn::Worse(Outcome::Unreachable)));
        assert_eq!(failing.handle_outcomes(&one, &[Outcome::Timeout]), None);
        assert_eq!(failing.handle_outcomes(&other, &[Outcome::Refused, Outcome::Accepted]), None);
        assert_eq!(failing.handle_outcomes(&one, &[]), None);
        assert_eq!(failing.handle_outcomes(&one, &[Outcome::Accepted]), Some(Turn::Better));
        assert_eq!(failing.handle_outcomes(&one, &[Outcome::Timeout]), Some(Turn::Worse(Outcome::Timeout)));
    }
}
