//! Verdicts over time → alerts.
//!
//! One alert an (endpoint, rule). The [`AlertBook`] decides when it is raised, worsens, eases and is cleared, and owns
//! its delivery to every sink until that sink has taken it: a failed delivery is state in the book, retried by the
//! book's own timer. The book is a value that can be saved and restored, so an alert outlives a restart.
//!
//! How deliveries are worded for one kind of sink, and the sockets, are in [`crate::edge`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::verdict::{RuleId, Standing};
use crate::workload::Endpoint;

mod book;
mod line;
mod outbox;
pub mod patience;
mod saved;
mod sight;
mod wording;

pub use book::{AlertBook, Counts, Occasion, Subject};
pub use outbox::{Delivery, DeliveryId};
pub use saved::SavedAlerts;
pub use sight::Sight;

use patience::Patience;

/// How urgent an alert is, in the words of the Prometheus mixins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing: unproven, or a notice.
    Info,
    /// Something looks wrong: suspect.
    Warning,
    /// Something is wrong: breach.
    Critical,
}

impl Severity {
    /// How urgent a finding of that standing is; `None` when it needs no alert.
    pub fn of(standing: Standing) -> Option<Self> {
        match standing {
            Standing::Breach => Some(Self::Critical),
            Standing::Suspect => Some(Self::Warning),
            Standing::Unproven | Standing::Notice => Some(Self::Info),
            Standing::Exempt | Standing::Compliant => None,
        }
    }

    /// The value of the label `severity`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What identifies an alert to its receivers: label names and values.
pub type Labels = BTreeMap<String, String>;

/// An alert as it goes to a sink, true at the moment it was polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its identity; `alertname` and `severity` among them.
    pub labels: Labels,
    /// `summary`, `description` and, where configured, `runbook_url`.
    pub annotations: BTreeMap<String, String>,
    /// When it was raised; the same over its whole life.
    pub starts_at: Timestamp,
    /// When it was cleared; while it stands, the time after which it is void unless sent again.
    pub ends_at: Timestamp,
    /// Whether it was cleared.
    pub resolved: bool,
}

/// The name of a sink in the configuration; the label of its metrics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SinkId(pub String);

impl fmt::Display for SinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a sink expects to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SinkKind {
    /// Keeps nothing over a restart and joins what is the same: every standing alert again and again, cleared ones for
    /// a while.
    Alertmanager,
    /// Acts on what it gets: each change once, and reminders.
    Webhook,
}

/// What came of sending one alert to one sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The sink has it.
    Accepted,
    /// The sink answered, and did not take it.
    Refused,
    /// Nobody answered.
    Unreachable,
    /// No answer came in time.
    Timeout,
}

impl Outcome {
    /// Every outcome, in the order of the metric `pehra_alert_deliveries_total`.
    pub const ALL: [Self; 4] = [Self::Accepted, Self::Refused, Self::Unreachable, Self::Timeout];

    /// The word used in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
        }
    }
}

/// How patient the book is, and whom it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    /// For findings that one odd packet could cause.
    pub patience: Patience,
    /// For breaches that are proven or attested.
    pub prompt: Patience,
    /// How often standing alerts are sent again; also the longest wait before a failed delivery is repeated.
    pub resend: Duration,
    /// How long a cleared alert is still sent.
    pub resolved_for: Duration,
    /// After which time a standing alert is brought to mind again.
    pub remind_after: Duration,
    /// The URL to which the rule's name is appended for `runbook_url`; without it there is no such annotation.
    pub runbook_base: Option<String>,
    /// Labels added to every alert; its own labels win.
    pub external_labels: Labels,
    /// Whom to tell.
    pub sinks: BTreeMap<SinkId, SinkKind>,
}

impl Default for AlertSettings {
    /// Prometheus' own numbers for sending (rules/alerting.go: one minute, fifteen minutes), Alertmanager's
    /// `repeat_interval` for reminders, no sinks.
    fn default() -> Self {
        Self {
            patience: Patience { raise: 2, of: 3, clear: 3 },
            prompt: Patience { raise: 1, of: 1, clear: 3 },
            resend: Duration::from_secs(60),
            resolved_for: Duration::from_secs(15 * 60),
            remind_after: Duration::from_secs(4 * 3600),
            runbook_base: None,
            external_labels: Labels::new(),
            sinks: BTreeMap::new(),
        }
    }
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is new.
    Raised,
    /// It still stands.
    Reminded,
    /// It became more severe.
    Worsened,
    /// It became less severe.
    Eased,
    /// It is over.
    Cleared,
}

impl Change {
    /// The word used in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Reminded => "reminded",
            Self::Worsened => "worsened",
            Self::Eased => "eased",
            Self::Cleared => "cleared",
        }
    }
}

/// One step in the life of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// About which endpoint.
    pub endpoint: Endpoint,
    /// By which rule.
    pub rule: RuleId,
    /// What happened.
    pub change: Change,
    /// How urgent it is now; for a cleared alert, was.
    pub severity: Severity,
    /// The evidence in words.
    pub description: String,
}
