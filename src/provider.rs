//! Who runs a service, and whether they may: providers and their accreditation.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::network::Asn;

/// The name of a provider in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderId(pub String);

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a provider stands with the body that accredits providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accreditation {
    /// Asked to be accredited; nothing decided.
    Applied,
    /// On the register: enough for open data.
    Registered,
    /// Accredited: enough for every class.
    Accredited,
    /// Was accredited, may not serve for now.
    Suspended,
    /// Was accredited, may not serve any more.
    Revoked,
}

impl Accreditation {
    /// Every status, in the order of the metric `pehra_provider_status`.
    pub const ALL: [Self; 5] = [Self::Applied, Self::Registered, Self::Accredited, Self::Suspended, Self::Revoked];

    /// The word used in the configuration, in JSON and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Registered => "registered",
            Self::Accredited => "accredited",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for Accreditation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of the register of providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// How workloads refer to it.
    pub id: ProviderId,
    /// Its name for people.
    pub name: String,
    /// Its status.
    pub status: Accreditation,
    /// The last day on which that status holds; `None` when the register gives no end.
    pub valid_until: Option<Date>,
    /// The networks it announces.
    pub asns: Vec<Asn>,
}
