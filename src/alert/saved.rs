//! The alert book as it is kept over a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::patience::Recent;
use super::{Labels, Severity, SinkId};
use crate::verdict::RuleId;
use crate::workload::Endpoint;

/// The version of the form below.
pub(super) const VERSION: u32 = 1;

/// An alert book as data: what it had raised, for whom, and who has been told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedAlerts {
    pub(super) version: u32,
    pub(super) cases: Vec<SavedCase>,
    pub(super) postings: Vec<SavedPosting>,
}

/// What is known of one (endpoint, rule).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedCase {
    pub(super) endpoint: Endpoint,
    pub(super) rule: RuleId,
    pub(super) recent: Recent,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) open: Option<SavedOpen>,
    /// The addresses whose measurement the findings rest on.
    pub(super) rests_on: BTreeSet<IpAddr>,
    /// Those that other vantages had measured as well.
    #[serde(default)]
    pub(super) rests_on_others: BTreeSet<IpAddr>,
}

/// An alert that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedOpen {
    pub(super) severity: Severity,
    pub(super) starts_at: Timestamp,
    /// The label set under which it stands; one of the postings has it.
    pub(super) labels: Labels,
}

/// One label set on its way to the sinks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedPosting {
    pub(super) labels: Labels,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) starts_at: Timestamp,
    pub(super) interval_seconds: u64,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) taken_by: Vec<SinkId>,
}
