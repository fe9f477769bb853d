//! Whom alerts are told to: names that may be shown for URLs that may hold secrets.

use std::collections::BTreeMap;

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
