//! `[alerting]`: when somebody is told, and who.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeValue;
use url::Url;

use crate::alert::{SinkId, SinkKind};
use crate::digest::Digest;

use super::fault::quoted;
use super::section::{Reading, Section};
use super::value;
use crate::alert::patience::ROUNDS_AT_MOST;

/// When somebody is told, and who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertConfig {
    /// An alert is raised once its finding was in `raise_after` of the last `raise_of` rounds.
    pub raise_after: u32,
    /// The rounds that are looked back on for raising; never fewer than `raise_after`.
    pub raise_of: u32,
    /// A breach that is proven or attested is raised once its finding was in so many of them; at most `raise_after`.
    pub prompt_raise_after: u32,
    /// An alert is cleared once its finding was absent for so many rounds in a row.
    pub clear_after: u32,
    /// How often an alert is sent again while it lasts.
    pub resend: Duration,
    /// After what time a lasting alert is brought to mind again.
    pub remind_after: Duration,
    /// How long a cleared alert is still sent as resolved.
    pub resolved_for: Duration,
    /// How long a sink may take to accept an alert.
    pub timeout: Duration,
    /// Alertmanagers, by the URL in front of `/api/v2/alerts`.
    pub alertmanagers: Vec<Url>,
    /// Webhooks, by their whole URL.
    pub webhooks: Vec<Url>,
    /// Labels added to every alert.
    pub external_labels: BTreeMap<String, String>,
    /// What stands in front of the rule's name in `runbook_url`; none for no such annotation.
    pub runbook_base_url: Option<Url>,
}

impl Default for AlertConfig {
    fn default() -> Self {
        Self {
            raise_after: 2,
            raise_of: 3,
            prompt_raise_after: 1,
            clear_after: 3,
            resend: Duration::from_secs(60),
            remind_after: Duration::from_secs(4 * 60 * 60),
            resolved_for: Duration::from_secs(15 * 60),
            timeout: Duration::from_secs(10),
            alertmanagers: Vec::new(),
            webhooks: Vec::new(),
            external_labels: BTreeMap::new(),
            runbook_base_url: None,
        }
    }
}

impl AlertConfig {
    /// Every sink by a name that may be shown, with its kind and its URL, which may hold secrets. A name depends on its
    /// own URL alone, so that a sink keeps what it has been told when others come and go.
    pub fn sinks(&self) -> BTreeMap<SinkId, (SinkKind, Url)> {
        let alertmanagers = self.alertmanagers.iter().map(|url| (SinkKind::Alertmanager, url));
        let webhooks = self.webhooks.iter().map(|url| (SinkKind::Webhook, url));
        alertmanagers.chain(webhooks).map(|(kind, url)| (sink_name(kind, url), (kind, url.clone()))).collect()
    }
}

/// The kind, the host and the port; where the URL says more, which may be a secret, 32 bits of its SHA-256 in hexadecimal
/// digits.
fn sink_name(kind: SinkKind, url: &Url) -> SinkId {
    let kind = match kind {
        SinkKind::Alertmanager => "alertmanager",
        SinkKind::Webhook => "webhook",
    };
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let name = format!("{kind}:{host}:{port}");
    let says_no_more = match (url.scheme(), url.port()) {
        ("http", None) => url.as_str() == format!("http://{host}/"),
        ("http", Some(port)) => url.as_str() == format!("http://{host}:{port}/"),
        ("https", None) => url.as_str() == format!("https://{host}/"),
        (_, _) => false,
    };
    if says_no_more {
        return SinkId(name);
    }
    let digest = Digest::of_bytes(url.as_str().as_bytes()).to_string();
    SinkId(format!("{name}#{digest:.8}"))
}

/// Labels that an alert has already; an external label may not change its meaning.
const TAKEN_LABELS: [&str; 9] =
    ["alertname", "severity", "workload", "entity", "jurisdiction", "class", "endpoint", "rule", "vantage"];

/// Reads the section.
pub(super) fn read(root: &Section<'_>) -> AlertConfig {
    let default = AlertConfig::default();
    let section = root.section("alerting");
    let urls = |key| section.list(key, value::web_url).unwrap_or_default().into_iter().map(|at| at.value).collect();
    let config = AlertConfig {
        raise_after: section.or("raise_after", default.raise_after, value::whole(1, i64::from(ROUNDS_AT_MOST))),
        raise_of: section.or("raise_of", default.raise_of, value::whole(1, i64::from(ROUNDS_AT_MOST))),
        prompt_raise_after: section.or(
            "prompt_raise_after",
            default.prompt_raise_after,
            value::whole(1, i64::from(ROUNDS_AT_MOST)),
        ),
        clear_after: section.or("clear_after", default.clear_after, value::whole(1, i64::from(ROUNDS_AT_MOST))),
        resend: section.or("resend", default.resend, value::duration(Duration::from_secs(1))),
        remind_after: section.or("remind_after", default.remind_after, value::duration(Duration::from_secs(60))),
        resolved_for: section.or("resolved_for", default.resolved_for, value::duration(Duration::ZERO)),
        timeout: section.or("timeout", default.timeout, value::duration(Duration::from_millis(100))),
        alertmanagers: urls("alertmanagers"),
        webhooks: urls("webhooks"),
        external_labels: labels(&section),
        runbook_base_url: section.read("runbook_base_url", value::web_url).map(|at| at.value),
    };
    if config.raise_after > config.raise_of {
        let message =
            format!("{} rounds are not among {}: write at most raise_of", config.raise_after, config.raise_of);
        section.faults().error(&section.spot_of("raise_after"), message);
    }
    if config.prompt_raise_after > config.raise_after {
        let message = format!("{} is less prompt than raise_after: write at most that", config.prompt_raise_after);
        section.faults().error(&section.spot_of("prompt_raise_after"), message);
    }
    if config.alertmanagers.is_empty() && config.webhooks.is_empty() {
        let message = "no Alertmanager and no webhook: alerts show in the log and the metrics only";
        section.faults().warn(&section.spot(""), message);
    }
    config
}

fn labels(section: &Section<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, text) in section.section("external_labels").entries(label_value) {
        let first = name.value.chars().next();
        let is_label = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_label {
            let message = format!("{} is not a label name: write letters, digits and _", quoted(&name.value));
            section.faults().error(&name.spot, message);
        } else if TAKEN_LABELS.contains(&name.value.as_str()) {
            section.faults().error(&name.spot, "every alert has that label already: choose another name");
        } else {
            labels.insert(name.value, text);
        }
    }
    labels
}

fn label_value(value: &DeValue<'_>) -> Reading<String> {
    value::text(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(alertmanagers: &[&str], webhooks: &[&str]) -> Vec<String> {
        let urls = |texts: &[&str]| texts.iter().map(|url| url.parse().unwrap()).collect();
        let (alertmanagers, webhooks) = (urls(alertmanagers), urls(webhooks));
        let config = AlertConfig { alertmanagers, webhooks, ..AlertConfig::default() };
        config.sinks().into_keys().map(|name| name.0).collect()
    }

    #[test]
    fn a_sink_is_named_without_its_secrets() {
        let urls = ["https://user:pass@hooks.example/T0/secret?token=x", "https://hooks.example"];
        assert_eq!(
            names(&["http://127.0.0.1:9093", "https://127.0.0.1:9093", "http://[::1]:9093"], &urls),
            [
                "alertmanager:127.0.0.1:9093",
                "alertmanager:127.0.0.1:9093#be091599",
                "alertmanager:[::1]:9093",
                "webhook:hooks.example:443",
                "webhook:hooks.example:443#fe60c3ad",
            ]
        );
    }

    #[test]
    fn a_sink_keeps_its_name_when_another_on_the_same_host_is_removed() {
        let (first, second) = ("https://hooks.example/first", "https://hooks.example/second");
        let both = names(&[], &[first, second]);
        assert_eq!(both.len(), 2);
        assert!(both.contains(&names(&[], &[second])[0]));
        assert_eq!(names(&[], &[first, first]).len(), 1);
    }
}
