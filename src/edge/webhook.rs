//! Alerts to a webhook, in the form that Alertmanager sends to its own webhooks (version 4), so that every receiver
//! written for it can be used:
//!
//! ```json
//! {"version": "4", "receiver": "…", "status": "firing", "groupKey": "pehra", "truncatedAlerts": 0,
//!  "groupLabels": {}, "commonLabels": {"rule": "…"}, "commonAnnotations": {"summary": "…"}, "externalURL": "",
//!  "alerts": [{"status": "firing", "labels": {…}, "annotations": {…}, "startsAt": "…", "endsAt": "…",
//!              "generatorURL": "", "fingerprint": "…"}]}
//! ```
//!
//! Each change of an alert comes once, and a reminder while it stands; it is posted again until the answer is 2xx. The
//! fingerprint is the one Alertmanager computes, so a receiver of both knows what is the same alert.

use std::fmt;

use reqwest::Client;
use serde::Serialize;
use tracing::warn;
use url::Url;

use super::client::post_json;
use crate::alert::{Alert, Labels, Outcome, SinkId};
use crate::printable::Printable;

/// One webhook.
#[derive(Clone, Debug)]
pub struct Webhook {
    client: Client,
    id: SinkId,
    url: Url,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    version: &'static str,
    receiver: &'a str,
    status: &'static str,
    group_key: &'static str,
    truncated_alerts: u32,
    group_labels: Labels,
    common_labels: Labels,
    common_annotations: Labels,
    #[serde(rename = "externalURL")]
    external_url: &'static str,
    alerts: Vec<Part<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    status: &'static str,
    labels: &'a Labels,
    annotations: &'a Labels,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'static str,
    fingerprint: String,
}

impl Webhook {
    /// The webhook at `url`.
    pub fn new(client: Client, id: SinkId, url: Url) -> Self {
        Self { client, id, url }
    }

    /// Posts the alerts; one outcome for each, in their order.
    pub async fn post(&self, alerts: &[Alert]) -> Vec<Outcome> {
        vec![self.post_message(alerts).await; alerts.len()]
    }

    async fn post_message(&self, alerts: &[Alert]) -> Outcome {
        let Ok(json) = serde_json::to_string(&Message::of(&self.id, alerts)) else { return Outcome::Refused };
        match post_json(self.client.post(self.url.clone()), json).await {
            Ok(answer) if answer.status.is_success() => Outcome::Accepted,
            Ok(answer) => {
                let (status, says) = (answer.status.as_u16(), Printable(&answer.says));
                warn!(sink = %self.id, status, %says, alerts = alerts.len(), "a webhook refused alerts");
                Outcome::Refused
            }
            Err(outcome) => outcome,
        }
    }
}

impl<'a> Message<'a> {
    fn of(receiver: &'a SinkId, alerts: &'a [Alert]) -> Self {
        Self {
            version: "4",
            receiver: &receiver.0,
            status: status(alerts.iter().all(|alert| alert.resolved)),
            group_key: "pehra",
            truncated_alerts: 0,
            group_labels: Labels::new(),
            common_labels: common(alerts.iter().map(|alert| &alert.labels)),
            common_annotations: common(alerts.iter().map(|alert| &alert.annotations)),
            external_url: "",
            alerts: alerts.iter().map(Part::from).collect(),
        }
    }
}

impl<'a> From<&'a Alert> for Part<'a> {
    fn from(alert: &'a Alert) -> Self {
        Self {
            status: status(alert.resolved),
            labels: &alert.labels,
            annotations: &alert.annotations,
            starts_at: format!("{:.3}", alert.starts_at),
            ends_at: format!("{:.3}", alert.ends_at),
            generator_url: "",
            fingerprint: Fingerprint::of(&alert.labels).to_string(),
        }
    }
}

fn status(resolved: bool) -> &'static str {
    if resolved { "resolved" } else { "firing" }
}

/// What all the sets have in common.
fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let mut common = sets.next().cloned().unwrap_or_default();
    for set in sets {
        common.retain(|name, value| set.get(name) == Some(value));
    }
    common
}

/// A label set in 64 bits: FNV-1a over names and values in order, each followed by a byte that is in no UTF-8 text
/// (prometheus/common, `model.LabelSet.Fingerprint`).
struct Fingerprint(u64);

impl Fingerprint {
    fn of(labels: &Labels) -> Self {
        let texts = labels.iter().flat_map(|(name, value)| [name, value]);
        let bytes = texts.flat_map(|text| text.bytes().chain([0xff]));
        Self(
            bytes
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)),
        )
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests;
