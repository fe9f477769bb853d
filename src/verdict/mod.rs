//! Dossier × policy → verdict.
//!
//! `judge` is total and pure: it asks nobody, reads no clock and cannot fail, so that any verdict can be derived again
//! from the journal and the policy that was in force.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::location::Grade;
use crate::vantage::VantageId;
use crate::workload::Endpoint;

pub mod policy;
pub mod rules;

mod judge;
mod judgement;

pub use judge::judge;
pub use judgement::Judgement;

/// How an endpoint, or a finding about it, stands with the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nothing is wrong, and we saw enough to say so.
    Compliant,
    /// Worth knowing; it changes no endpoint's standing.
    Notice,
    /// Something is wrong, and a dated certificate covers it.
    Exempt,
    /// We cannot tell. Never compliant.
    Unproven,
    /// Something looks wrong.
    Suspect,
    /// Something is wrong.
    Breach,
}

impl Standing {
    /// What an endpoint as a whole can be, in the order of metrics: every standing but a notice.
    pub const OF_ENDPOINTS: [Self; 5] = [Self::Compliant, Self::Exempt, Self::Unproven, Self::Suspect, Self::Breach];

    /// The word used in the policy file, in JSON, metrics and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::Notice => "notice",
            Self::Exempt => "exempt",
            Self::Unproven => "unproven",
            Self::Suspect => "suspect",
            Self::Breach => "breach",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The rules, by the names that the policy file, alerts and metrics use; of findings that count alike, the first says the
/// most about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleId {
    /// An address of the endpoint is outside.
    DestinationOutside,
    /// Cannot tell where an address is.
    DestinationUnproven,
    /// The evidence about an address contradicts itself.
    DestinationConflict,
    /// Served by a shared edge whose place is unknown.
    EdgeOpaque,
    /// Served by a shared edge that says it is abroad.
    EdgeOutside,
    /// Traffic leaves home on its way.
    PathOutside,
    /// A name server of the zone is outside.
    NameserverOutside,
    /// A server that takes the mail of the zone is outside.
    MailOutside,
    /// The name is an alias of one that a foreign operator serves.
    AliasOutside,
    /// Its pages send people to a host that is outside.
    RedirectOutside,
    /// Resolvers lead to different countries, or to where nobody can follow.
    ViewDivergence,
    /// The name leads nowhere.
    Unresolvable,
    /// No address answers in any way.
    Unreachable,
    /// The last observation is too old.
    Stale,
    /// Who runs it may not.
    ProviderUnaccredited,
    /// Who runs it no longer may.
    ProviderLapsed,
    /// Who runs it is not in the register, or is not known.
    ProviderUnknown,
    /// The workload declares no class.
    ClassMissing,
    /// An exemption ended.
    NocExpired,
    /// An exemption ends soon.
    NocExpiring,
}

impl RuleId {
    /// Every rule, in the order they are judged and reported.
    pub const ALL: [Self; 20] = [
        Self::DestinationOutside,
        Self::DestinationUnproven,
        Self::DestinationConflict,
        Self::EdgeOpaque,
        Self::EdgeOutside,
        Self::PathOutside,
        Self::NameserverOutside,
        Self::MailOutside,
        Self::AliasOutside,
        Self::RedirectOutside,
        Self::ViewDivergence,
        Self::Unresolvable,
        Self::Unreachable,
        Self::Stale,
        Self::ProviderUnaccredited,
        Self::ProviderLapsed,
        Self::ProviderUnknown,
        Self::ClassMissing,
        Self::NocExpired,
        Self::NocExpiring,
    ];

    /// The name used in the policy file, in JSON, metrics and alerts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DestinationOutside => "destination-outside",
            Self::DestinationUnproven => "destination-unproven",
            Self::DestinationConflict => "destination-conflict",
            Self::EdgeOpaque => "edge-opaque",
            Self::EdgeOutside => "edge-outside",
            Self::PathOutside => "path-outside",
            Self::NameserverOutside => "nameserver-outside",
            Self::MailOutside => "mail-outside",
            Self::AliasOutside => "alias-outside",
            Self::RedirectOutside => "redirect-outside",
            Self::ViewDivergence => "view-divergence",
            Self::ProviderUnaccredited => "provider-unaccredited",
            Self::ProviderLapsed => "provider-lapsed",
            Self::ProviderUnknown => "provider-unknown",
            Self::ClassMissing => "class-missing",
            Self::NocExpired => "noc-expired",
            Self::NocExpiring => "noc-expiring",
            Self::Unresolvable => "unresolvable",
            Self::Unreachable => "unreachable",
            Self::Stale => "stale",
        }
    }

    /// The rule of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that a rule has to say, with the facts that made it say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// What the policy makes of it.
    pub standing: Standing,
    /// The address it is about; `None` when it is about the endpoint as a whole.
    pub address: Option<IpAddr>,
    /// The grade of the location it rests on, where it rests on one.
    pub grade: Option<Grade>,
    /// The facts, in words, each of which can be found in the observation. Never empty.
    pub because: Vec<String>,
}

/// What the policy makes of one endpoint, seen from one vantage at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Who looked.
    pub vantage: VantageId,
    /// When the round that was judged began.
    pub observed: Timestamp,
    /// The worst of the findings, a notice counting as nothing.
    pub standing: Standing,
    /// The findings, worst first, then in the order of [`RuleId::ALL`] and of addresses.
    pub findings: Vec<Finding>,
    /// The digest of the policy file in force.
    pub policy: Digest,
}
