//! Whom alerts are told to: names that may be shown for URLs that may hold secrets.

use std::collections::BTreeMap;

use url::Url;

use crate::alert::{Alert, Delivery, Labels, Outcome, SinkId, SinkKind};
use crate::config::alerting::AlertConfig;
use crate::edge::alertmanager::Alertmanager;
use crate::edge::client::{self, ClientError};
use crate::edge::webhook::Webhook;

/// Every sink of a configuration, ready to be sent to.
#[derive(Clone, Debug)]
pub struct Sinks {
    sinks: BTreeMap<SinkId, Sink>,
    external_labels: Labels,
}

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
        let sinks = named(config).into_iter().map(open).collect();
        Ok(Self { sinks, external_labels: config.external_labels.clone() })
    }

    /// The names of all.
    pub fn ids(&self) -> Vec<SinkId> {
        self.sinks.keys().cloned().collect()
    }

    /// Sends a delivery: one outcome for each of its alerts.
    pub async fn send(&self, delivery: &Delivery) -> Vec<Outcome> {
        let labelled = |alert: &Alert| {
            let mut alert = alert.clone();
            alert.labels.extend(self.external_labels.clone());
            alert
        };
        let alerts: Vec<Alert> = delivery.alerts.iter().map(labelled).collect();
        match self.sinks.get(&delivery.sink) {
            Some(Sink::Alertmanager(alertmanager)) => alertmanager.post(&alerts).await,
            Some(Sink::Webhook(webhook)) => webhook.post(&alerts).await,
            None => vec![Outcome::Unreachable; alerts.len()],
        }
    }
}

/// The name, the kind and the URL of every sink of `config`.
pub fn named(config: &AlertConfig) -> BTreeMap<SinkId, (SinkKind, Url)> {
    let alertmanagers = config.alertmanagers.iter().map(|url| (SinkKind::Alertmanager, url));
    let webhooks = config.webhooks.iter().map(|url| (SinkKind::Webhook, url));
    let mut sinks = BTreeMap::new();
    for (kind, url) in alertmanagers.chain(webhooks) {
        let name = name(kind, url);
        let names = (2..).map(|nth| SinkId(format!("{name}#{nth}")));
        let free = std::iter::once(SinkId(name.clone())).chain(names).find(|name| !sinks.contains_key(name));
        sinks.extend(free.map(|name| (name, (kind, url.clone()))));
    }
    sinks
}

/// The kind, the host and the port; a path or a query may be a secret.
fn name(kind: SinkKind, url: &Url) -> String {
    let kind = match kind {
        SinkKind::Alertmanager => "alertmanager",
        SinkKind::Webhook => "webhook",
    };
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    format!("{kind}:{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_is_named_without_its_secrets_and_never_twice_the_same() {
        let urls = ["https://user:pass@hooks.example/T0/secret?token=x", "https://hooks.example/other"];
        let webhooks = urls.iter().map(|url| url.parse().unwrap()).collect();
        let alertmanagers = vec!["http://127.0.0.1:9093".parse().unwrap()];
        let config = AlertConfig { alertmanagers, webhooks, ..AlertConfig::default() };
        let names = named(&config).into_keys().map(|name| name.0).collect::<Vec<_>>();
        assert_eq!(names, ["alertmanager:127.0.0.1:9093", "webhook:hooks.example:443", "webhook:hooks.example:443#2"]);
    }
}
