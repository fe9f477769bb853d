//! Name → zone: who serves it, who takes its mail, and what its signatures are worth.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{NameFailure, Outcome, View};
use crate::moment::Rtt;
use crate::workload::HostName;

pub mod fold;

/// The most name servers of a zone, addresses of one, and mail exchangers that are looked at.
pub const MOST_SERVERS: usize = 16;

/// What the zone of a name says of itself, asked of one view, and of its servers directly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// The name that was asked about.
    pub name: HostName,
    /// The zone that holds it; `None` where nobody said.
    pub apex: Option<HostName>,
    /// Who was asked.
    pub view: View,
    /// When.
    pub asked: Timestamp,
    /// Its name servers, in order, [`MOST_SERVERS`] at most.
    pub servers: Vec<NameServer>,
    /// Who takes its mail, the most preferred first, [`MOST_SERVERS`] at most. Empty too where it says that it takes none
    /// (RFC 7505).
    pub mail: Vec<MailExchanger>,
    /// HTTPS records of the name (RFC 9460).
    pub services: Vec<ServiceBinding>,
    /// Who may issue certificates for it (CAA, RFC 8659), as written.
    pub issuers: Vec<String>,
    /// What its signatures are worth.
    pub security: Security,
    /// What could not be found out, each by the type of record.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub failures: Vec<(String, NameFailure)>,
}

impl Zone {
    /// One of which nothing could be found out.
    pub fn unknown(name: HostName, view: View, asked: Timestamp, why: NameFailure) -> Self {
        Self {
            name,
            apex: None,
            view,
            asked,
            servers: Vec::new(),
            mail: Vec::new(),
            services: Vec::new(),
            issuers: Vec::new(),
            security: Security::Indeterminate,
            failures: vec![("SOA".to_owned(), why)],
        }
    }
}

/// A name server of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServer {
    /// Its name.
    pub name: HostName,
    /// What it answered at each of its addresses, [`MOST_SERVERS`] at most.
    pub answers: Vec<ServerAnswer>,
}

/// What one address of a name server answered when it was asked directly. Addresses that must not be spoken to are not
/// asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerAnswer {
    /// The address.
    pub address: IpAddr,
    /// The name that it was asked for: that of the endpoint, or another of the same zone, whose servers are asked once for
    /// all of them.
    pub asked_for: HostName,
    /// How long it took. No bound on any distance: many networks answer DNS in the name of others.
    pub elapsed_ns: Rtt,
    /// The addresses it gave, or why it gave none.
    pub outcome: Outcome,
    /// Whether it says that it serves the zone (AA).
    pub authoritative: bool,
    /// How it calls itself: NSID (RFC 5001), else `id.server` (RFC 4892); escaped as in a zone file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calls_itself: Option<String>,
}

/// A mail exchanger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MailExchanger {
    /// Lower is preferred.
    pub preference: u16,
    /// Its name.
    pub name: HostName,
}

/// An HTTPS record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceBinding {
    /// 0 for an alias.
    pub priority: u16,
    /// Who serves it; the name itself where the record says `.`.
    pub target: HostName,
    /// Addresses that browsers may go to without asking further.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub hints: Vec<IpAddr>,
}

/// What the signatures of a zone are worth (RFC 4035 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// Signed, all the way from the trust anchor.
    Secure,
    /// Shown to be unsigned.
    Insecure,
    /// Signed, and the signatures do not hold.
    Bogus,
    /// Nobody can tell.
    Indeterminate,
}

impl Security {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Bogus => "bogus",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// What a view answered when it was asked for a name that nobody has: by it, views that make answers up and zones that
/// answer everything are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Who was asked.
    pub view: View,
    /// The name: random, beside the name of the endpoint.
    pub name: HostName,
    /// What came.
    pub outcome: Outcome,
}
