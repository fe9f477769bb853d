//! The fresh observations of one endpoint, and where its addresses are in the light of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::location::Location;
use crate::location::path::PathReading;
use crate::observation::Observation;

/// Which borders were used: where a line is drawn is policy, and must be reproducible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlinesId {
    /// The name of the borders.
    pub name: String,
    /// The digest of the file they were read from.
    pub sha256: Digest,
}

/// What a verdict is reached on: one vantage's observation, and the locations fused from every vantage's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dossier {
    /// The round that is judged.
    pub subject: Observation,
    /// The moment for which it is judged: the round's own end, or later when nothing newer came.
    pub as_of: Timestamp,
    /// How old the round may be at that moment before it is stale, in seconds.
    pub freshness_seconds: u64,
    /// Where each address is, seen from the subject's vantage.
    pub locations: BTreeMap<IpAddr, Location>,
    /// Which way packets to each address go, seen from the subject's vantage.
    pub paths: BTreeMap<IpAddr, PathReading>,
    /// The borders used, and the digest of the file they were read from.
    pub outlines: OutlinesId,
}

impl Dossier {
    /// The addresses the endpoint led to.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        self.subject.addresses()
    }

    /// How old the round is at the moment of judging, in seconds.
    pub fn age_seconds(&self) -> u64 {
        let age = self.as_of.duration_since(self.subject.observed);
        u64::try_from(age.as_secs()).unwrap_or(0)
    }
}
