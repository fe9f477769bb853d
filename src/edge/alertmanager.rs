//! Alerts to an Alertmanager, by its API v2.
//!
//! An Alertmanager stores the good alerts of a batch in which one is bad, and answers 400 for the whole. So after such
//! an answer each alert is posted by itself, and the one that is refused is known.

use reqwest::{Client, StatusCode};
use serde::Serialize;
use tracing::warn;
use url::Url;

use super::client::post_json;
use crate::alert::{Alert, Labels, Outcome, SinkId};
use crate::printable::Printable;

/// One Alertmanager. Of a cluster, every member is a sink of its own: they agree among themselves.
#[derive(Clone, Debug)]
pub struct Alertmanager {
    client: Client,
    id: SinkId,
    url: Url,
}

/// An alert as the API wants it (`postableAlert`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Post<'a> {
    labels: &'a Labels,
    annotations: &'a Labels,
    starts_at: String,
    ends_at: String,
}

impl Alertmanager {
    /// The Alertmanager whose address, with a path prefix where it has one, is `base`.
    pub fn new(client: Client, id: SinkId, base: &Url) -> Self {
        let mut url = base.clone();
        url.set_path(&format!("{}/api/v2/alerts", base.path().trim_end_matches('/')));
        url.set_query(None);
        Self { client, id, url }
    }

    /// Posts the alerts; one outcome for each, in their order.
    pub async fn post(&self, alerts: &[Alert]) -> Vec<Outcome> {
        let outcome = self.post_batch(alerts).await;
        match outcome {
            Ok(()) => vec![Outcome::Accepted; alerts.len()],
            Err(Refusal::Content) if alerts.len() > 1 => self.post_singly(alerts).await,
            Err(Refusal::Content) => vec![Outcome::Refused; alerts.len()],
            Err(Refusal::Other(outcome)) => vec![outcome; alerts.len()],
        }
    }

    /// Posts each by itself, as long as somebody answers.
    async fn post_singly(&self, alerts: &[Alert]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for alert in alerts {
            let outcome = match self.post_batch(std::slice::from_ref(alert)).await {
                Ok(()) => Outcome::Accepted,
                Err(Refusal::Content) => Outcome::Refused,
                Err(Refusal::Other(outcome)) => outcome,
            };
            outcomes.push(outcome);
            if matches!(outcome, Outcome::Unreachable | Outcome::Timeout) {
                outcomes.resize(alerts.len(), outcome);
            }
            if outcomes.len() == alerts.len() {
                break;
            }
        }
        outcomes
    }

    async fn post_batch(&self, alerts: &[Alert]) -> Result<(), Refusal> {
        let posts: Vec<Post<'_>> = alerts.iter().map(Post::from).collect();
        let json = serde_json::to_string(&posts).map_err(|_| Refusal::Content)?;
        let answer = post_json(self.client.post(self.url.clone()), json).await.map_err(Refusal::Other)?;
        if answer.status.is_success() {
            return Ok(());
        }
        let (status, says) = (answer.status.as_u16(), Printable(&answer.says));
        warn!(sink = %self.id, status, %says, alerts = alerts.len(), "an Alertmanager refused alerts");
        let content = answer.status == StatusCode::BAD_REQUEST;
        Err(if content { Refusal::Content } else { Refusal::Other(Outcome::Refused) })
    }
}

/// Why a batch was not taken.
enum Refusal {
    /// Something in it is wrong; the rest of it may have been stored.
    Content,
    /// It has nothing to do with what is in it.
    Other(Outcome),
}

impl<'a> From<&'a Alert> for Post<'a> {
    fn from(alert: &'a Alert) -> Self {
        Self {
            labels: &alert.labels,
            annotations: &alert.annotations,
            starts_at: format!("{:.3}", alert.starts_at),
            ends_at: format!("{:.3}", alert.ends_at),
        }
    }
}

#[cfg(test)]
mod tests;
