//! As written → as meant: text in, a validated configuration out.
//!
//! A [`Draft`] takes the texts one after the other (the configuration, then the policy and the inventories it names)
//! and gives a [`Config`], or every error of all of them at once. It reads no file: [`crate::edge::inventory`] does.
//! Each section of the file is one module here, read by hand rather than by a mirror type, since a mirror stops at its
//! first error.
//!
//! Everything has a default that works; `deploy/pehra.toml` shows them all.

use std::path::PathBuf;

use crate::place::Home;
use crate::vantage::Vantage;
use crate::verdict::policy::Policy;
use crate::workload::{DataClass, Workload};

mod damage;
mod declared;
pub(crate) mod denied;
mod document;
mod draft;
mod fault;
mod inventory;
mod outline;
mod policy;
mod section;
mod targets;
mod value;

pub mod alerting;
pub mod evidence;
pub mod geodb;
pub mod http;
pub mod landmark;
pub mod probing;
pub mod register;
pub mod resolver;
pub mod schedule;
pub mod settings;
mod vantage;
pub mod vantages;

pub use document::{LARGEST_FILE, Written};
pub use draft::{Draft, InventoryPlace, InventorySource};
pub use fault::{ConfigErrors, Fault, Spot};
pub use policy::{BUILT_IN_POLICY, built_in_policy};

use alerting::AlertConfig;
use evidence::EvidenceSource;
use geodb::GeodbConfig;
use http::HttpConfig;
use landmark::Landmark;
use probing::ProbingConfig;
use register::Asset;
use resolver::{ResolverConfig, ZoneConfig};
use schedule::ScheduleConfig;

/// A configuration that was found good, with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// This host, as a place to measure from.
    pub vantage: Vantage,
    /// What is judged by: the policy file with the home countries, the register of providers and the certificates.
    pub policy: Policy,
    /// What is watched, in the order of their names.
    pub workloads: Vec<Workload>,
    /// Who is asked for names, in the order of the file; `system` first unless it is switched off. Never empty.
    pub resolvers: Vec<ResolverConfig>,
    /// How zones are asked.
    pub zones: ZoneConfig,
    /// When endpoints are looked at.
    pub schedule: ScheduleConfig,
    /// How they are measured.
    pub probing: ProbingConfig,
    /// When somebody is told, and who.
    pub alerting: AlertConfig,
    /// The databases of places and networks.
    pub geodb: GeodbConfig,
    /// The operator's own register of where prefixes are.
    pub assets: Vec<Asset>,
    /// Addresses of which is known where they are, measured beside what is watched.
    pub landmarks: Vec<Landmark>,
    /// What other vantages measured.
    pub evidence: Vec<EvidenceSource>,
    /// The HTTP surface.
    pub http: HttpConfig,
    /// Where the daemon keeps what must survive a restart.
    pub state_directory: PathBuf,
    /// The size in bytes at which a journal segment is closed and the next begun.
    pub journal_segment_bytes: u64,
}

impl Config {
    /// The countries that count as home.
    pub fn home(&self) -> &Home {
        &self.policy.home
    }

    /// The directory of the journal.
    pub fn journal_directory(&self) -> PathBuf {
        self.state_directory.join("journal")
    }

    /// The file in which the alert book survives a restart.
    pub fn alert_book_file(&self) -> PathBuf {
        self.state_directory.join("alerts.json")
    }

    /// The files beside the configuration and its inventories that are read again with it.
    pub fn files(&self) -> Vec<PathBuf> {
        let resolvers = self.resolvers.iter().filter_map(ResolverConfig::file);
        self.geodb.files().into_iter().chain(resolvers.map(Into::into)).collect()
    }

    /// The workload of that name.
    pub fn workload(&self, id: &crate::workload::WorkloadId) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.id == *id)
    }

    /// How many seconds old the newest round of data of `class` may be before it is stale.
    pub fn freshness_seconds(&self, class: Option<&DataClass>) -> u64 {
        self.schedule.freshness_of(class).as_secs()
    }
}

#[cfg(test)]
mod tests;
