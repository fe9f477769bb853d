//! A configuration as it comes together: texts in, one after the other; a [`Config`] or all errors out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;
use url::Url;

use crate::place::{CountryCode, CountrySet, Home};
use crate::verdict::policy::Policy;

use super::declared::Declared;
use super::document::Written;
use super::fault::{ConfigErrors, Fault, Faults, Spot};
use super::inventory::Entries;
use super::policy::{self, PolicyTable};
use super::section::{At, Reading, Section};
use super::{
    Config, alerting, evidence, geodb, http, landmark, probing, register, resolver, schedule, section, targets, value,
    vantage,
};

/// Where the daemon keeps what must survive a restart, unless the file says otherwise.
const DEFAULT_STATE: &str = "/var/lib/pehra";

/// The size of a journal segment, unless the file says otherwise.
const DEFAULT_SEGMENT: u64 = 64 << 20;

/// A configuration as it comes together.
#[derive(Debug)]
pub struct Draft {
    /// The name of the configuration file.
    name: String,
    faults: Faults,
    /// Whether a text was missing or unreadable, so that what refers to it cannot be held against it.
    torn: bool,
    body: Option<Body>,
    home: Home,
    policy_file: Option<At<PathBuf>>,
    inventory: Vec<InventorySource>,
    policy: Option<PolicyTable>,
    entries: Entries,
    intervals: Vec<(At<String>, Duration)>,
}

/// Somewhere workloads are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventorySource {
    /// Where the configuration names it.
    pub spot: Spot,
    /// Where it is.
    pub place: InventoryPlace,
}

/// Where workloads are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventoryPlace {
    /// A TOML file, or a directory of them.
    Path(PathBuf),
    /// A URL that answers with the JSON of Prometheus `http_sd`.
    Url(Url),
}

/// The sections that refer to nothing else.
#[derive(Debug)]
struct Body {
    vantage: Option<crate::vantage::Vantage>,
    resolution: resolver::Resolution,
    schedule: schedule::ScheduleConfig,
    probing: probing::ProbingConfig,
    alerting: alerting::AlertConfig,
    geodb: geodb::GeodbConfig,
    assets: Vec<register::Asset>,
    landmarks: Vec<At<landmark::Landmark>>,
    evidence: Vec<evidence::EvidenceSource>,
    http: http::HttpConfig,
    state_directory: PathBuf,
    journal_segment_bytes: u64,
}

impl Draft {
    /// Begins with the configuration file itself; relative paths in it start at `directory`.
    pub fn open(written: &Written, directory: &Path) -> Self {
        let mut draft = Self {
            name: written.name.clone(),
            faults: Faults::default(),
            torn: true,
            body: None,
            home: Home::of(CountryCode::PAKISTAN),
            policy_file: None,
            inventory: Vec::new(),
            policy: None,
            entries: Entries::default(),
            intervals: Vec::new(),
        };
        let faults = std::mem::take(&mut draft.faults);
        section::read_document(written, &faults, |root| {
            draft.torn = false;
            draft.read_root(root, directory);
        });
        draft.faults = faults;
        draft
    }

    fn read_root(&mut self, root: &Section<'_>, directory: &Path) {
        if root.is_list("home") {
            let listed = root.list("home", value::country).unwrap_or_default();
            let countries: CountrySet = listed.into_iter().map(|at| at.value).collect();
            if countries.is_empty() && !root.is_faulty("home") {
                root.faults().error(&root.spot_of("home"), "names no country: write home = \"PK\"");
            }
            self.home = Home::of_all(countries);
        } else if let Some(country) = root.read("home", value::country) {
            self.home = Home::of(country.value);
        }
        self.policy_file = root.read("policy", value::text).map(|at| at.map(|path| directory.join(path)));
        if !root.has("policy") {
            self.policy = policy::read(&policy::built_in(), root.faults());
        }
        let inventory = root.list("inventory", |v| inventory_place(v, directory)).unwrap_or_default();
        self.torn |= inventory.len() < root.length("inventory") || root.may_be_lost("inventory");
        self.inventory = inventory.into_iter().map(|at| InventorySource { spot: at.spot, place: at.value }).collect();
        self.add_entries(Some(Entries::read(root)));
        let when = root.section("schedule");
        let (schedule, intervals) = schedule::read(&when);
        self.intervals = intervals;
        let segment = root.section("journal").or("segment_size", DEFAULT_SEGMENT, value::size(1 << 20, 1 << 30));
        let state = root.read("state_directory", value::text).map(|at| directory.join(at.value));
        let probing = probing::read(root, &when);
        self.body = Some(Body {
            vantage: vantage::read(root),
            resolution: resolver::read(root, directory, &probing.round.deny),
            schedule,
            probing,
            alerting: alerting::read(root),
            geodb: geodb::read(root, directory),
            assets: register::read(root),
            landmarks: landmark::read(root),
            evidence: evidence::read(root, directory),
            http: http::read(root),
            state_directory: state.unwrap_or_else(|| DEFAULT_STATE.into()),
            journal_segment_bytes: segment,
        });
    }

    /// The policy file that the configuration names, and where; `None` when the built-in one is meant.
    pub fn policy_file(&self) -> Option<(PathBuf, Spot)> {
        self.policy_file.as_ref().map(|at| (at.value.clone(), at.spot.clone()))
    }

    /// The file with the keys that signatures are checked from, and where it is named; `None` where those of the root are.
    pub fn trust_anchor(&self) -> Option<(PathBuf, Spot)> {
        let named = self.body.as_ref().and_then(|body| body.resolution.trust_anchor.as_ref());
        named.map(|at| (at.value.clone(), at.spot.clone()))
    }

    /// The inventories that the configuration names, in order.
    pub fn inventory(&self) -> Vec<InventorySource> {
        self.inventory.clone()
    }

    /// Adds the text of the policy file.
    pub fn add_policy(&mut self, written: &Written) {
        self.policy = policy::read(written, &self.faults);
    }

    /// Adds the text of one inventory file.
    pub fn add_inventory(&mut self, written: &Written) {
        let entries = section::read_document(written, &self.faults, Entries::read);
        self.add_entries(entries);
    }

    fn add_entries(&mut self, entries: Option<Entries>) {
        self.torn |= entries.as_ref().is_none_or(|entries| entries.torn);
        self.entries.append(entries.unwrap_or_default());
    }

    /// Adds the answer of one inventory URL.
    pub fn add_targets(&mut self, written: &Written) {
        let workloads = targets::read(written, &self.faults);
        self.torn |= workloads.is_none();
        self.entries.workloads.append(&mut workloads.unwrap_or_default());
    }

    /// Notes that what is named at `spot` could not be read, and why; the reason says what to do.
    pub fn refuse(&mut self, spot: &Spot, why: impl Into<String>) {
        self.torn = true;
        self.faults.error(spot, why);
    }

    /// Notes that a file that is named at `spot` and that nothing else rests on cannot be used, and why.
    pub fn object(&self, spot: &Spot, why: impl Into<String>) {
        self.faults.error(spot, why);
    }

    /// The keys that the parser asked for so far, with the sections around them: `vantage.latitude`.
    pub fn known_keys(&self) -> BTreeSet<String> {
        self.faults.known()
    }

    /// The configuration with its warnings, or every error of every text.
    pub fn finish(mut self) -> Result<(Config, Vec<Fault>), ConfigErrors> {
        let entries = std::mem::take(&mut self.entries);
        let intervals = std::mem::take(&mut self.intervals);
        let mut declared = Declared::new(&self.faults, self.policy.as_ref(), self.torn);
        let intervals = intervals.into_iter().filter_map(|(class, interval)| Some((declared.class(&class)?, interval)));
        let intervals: BTreeMap<_, _> = intervals.collect();
        let providers = entries.providers.into_iter().filter_map(|entry| declared.provider(entry));
        let providers: BTreeMap<_, _> = providers.map(|provider| (provider.id.clone(), provider)).collect();
        let workloads = entries.workloads.into_iter().filter_map(|entry| declared.workload(entry));
        let mut workloads: Vec<_> = workloads.collect();
        workloads.sort_by(|one, other| one.id.cmp(&other.id));
        let deny = self.body.as_ref().map(|body| body.probing.round.deny.clone()).unwrap_or_default();
        declared.warn_of_denied(&deny);
        let landmarks = self.body.iter_mut().flat_map(|body| std::mem::take(&mut body.landmarks));
        let landmarks: Vec<_> = landmarks.filter_map(|landmark| declared.landmark(landmark, &deny)).collect();
        let nocs: Vec<_> = entries.nocs.into_iter().filter_map(|entry| declared.noc(entry)).collect();
        if workloads.is_empty() {
            let message = "no workload is declared: add a [[workload]] or an inventory, or nothing is watched";
            self.faults.warn(&Spot::file(&self.name), message);
        }
        let warnings = self.faults.verdict()?;
        let missing = || ConfigErrors(Vec::new());
        let body = self.body.ok_or_else(missing)?;
        let policy = self.policy.ok_or_else(missing)?.into_policy(self.home);
        let config = Config {
            vantage: body.vantage.ok_or_else(missing)?,
            policy: Policy { providers, nocs, ..policy },
            workloads,
            resolvers: body.resolution.resolvers,
            zones: body.resolution.zones,
            schedule: schedule::ScheduleConfig { intervals, ..body.schedule },
            probing: body.probing,
            alerting: body.alerting,
            geodb: body.geodb,
            assets: body.assets,
            landmarks,
            evidence: body.evidence,
            http: body.http,
            state_directory: body.state_directory,
            journal_segment_bytes: body.journal_segment_bytes,
        };
        Ok((config, warnings))
    }
}

fn inventory_place(value: &DeValue<'_>, directory: &Path) -> Reading<InventoryPlace> {
    let text = value::text(value)?;
    if text.contains("://") {
        return value::web_url_from(&text).map(InventoryPlace::Url);
    }
    Ok(InventoryPlace::Path(directory.join(text)))
}
