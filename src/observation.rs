//! One round of one endpoint from one vantage: complete, dated, immutable. The unit of audit.
//!
//! Nothing later may ask the world: whatever [`crate::verdict::judge`] needs of a round is in here, and it is in the
//! journal before anyone has an opinion on it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contact::Contact;
use crate::digest::Digest;
use crate::location::Claim;
use crate::moment::Rtt;
use crate::provider::ProviderId;
use crate::resolution::Resolution;
use crate::trace::{Protocol, Trace};
use crate::vantage::{Vantage, VantageId};
use crate::workload::{DataClass, Endpoint, Host, Jurisdiction, Workload, WorkloadId};

/// The version of the JSON form below. A reader refuses a higher one.
pub const SCHEMA: u32 = 1;

/// What the inventory said of the endpoint when the round began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The workload.
    pub workload: WorkloadId,
    /// The body that answers for it.
    pub entity: String,
    /// Who is told about it.
    pub jurisdiction: Jurisdiction,
    /// The class of its data, if one was declared.
    pub class: Option<DataClass>,
    /// Who is said to run it.
    pub provider: Option<ProviderId>,
}

impl From<&Workload> for Declared {
    fn from(workload: &Workload) -> Self {
        Self {
            workload: workload.id.clone(),
            entity: workload.entity.clone(),
            jurisdiction: workload.jurisdiction.clone(),
            class: workload.class.clone(),
            provider: workload.provider.clone(),
        }
    }
}

/// A database that was asked, by what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseDigest {
    /// Its name, as in the claims.
    pub name: String,
    /// Of its bytes, as they were read.
    pub sha256: Digest,
    /// When it was built.
    pub built: Timestamp,
}

/// Everything one round saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// What was looked at.
    pub endpoint: Endpoint,
    /// What the inventory said of it.
    pub declared: Declared,
    /// Who looked, and from where.
    pub vantage: Vantage,
    /// When the round began.
    pub observed: Timestamp,
    /// How long it took.
    pub elapsed_ns: Rtt,
    /// Every answer of every view; empty for an endpoint that is an address.
    pub resolutions: Vec<Resolution>,
    /// A path to each address, where one was measured.
    pub traces: Vec<Trace>,
    /// A conversation with each address, where one was tried.
    pub contacts: Vec<Contact>,
    /// What every source says of the addresses and of the hops on the way to them.
    pub claims: Vec<Claim>,
    /// The databases that were asked.
    pub databases: Vec<DatabaseDigest>,
}

/// The best round-trip time of one address by one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// The smallest of the samples.
    pub rtt: Rtt,
    /// How many samples.
    pub samples: usize,
    /// How it was measured.
    pub protocol: Protocol,
}

impl Observation {
    /// Every address the endpoint led to, by any view, in order.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let looked_up = self.resolutions.iter().flat_map(Resolution::addresses);
        let literal = match self.endpoint.host() {
            Host::Address(address) => Some(*address),
            Host::Name(_) => None,
        };
        looked_up.chain(literal).collect()
    }

    /// The best round-trip time of an answer from `address` itself, by any method.
    pub fn best_rtt(&self, address: IpAddr) -> Option<Best> {
        let traced = self.traces.iter().filter(|t| t.target == address).filter_map(|t| {
            let (rtt, samples) = t.target_rtt()?;
            Some(Best { rtt, samples, protocol: t.protocol })
        });
        let contacted = self.contacts.iter().filter(|c| c.address == address).filter_map(|c| {
            let (rtt, samples) = c.rtt()?;
            Some(Best { rtt, samples, protocol: Protocol::Tcp })
        });
        traced.chain(contacted).min_by_key(|best| best.rtt)
    }

    /// What was claimed of `address`.
    pub fn claims_about(&self, address: IpAddr) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(move |claim| claim.about == address)
    }

    /// Who looked.
    pub fn vantage_id(&self) -> &VantageId {
        &self.vantage.id
    }

    /// The smallest TTL of any answer, in seconds: when the name may lead elsewhere.
    pub fn ttl(&self) -> Option<u32> {
        self.resolutions.iter().filter_map(Resolution::ttl).min()
    }
}
