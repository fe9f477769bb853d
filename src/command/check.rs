//! `pehra check`: is the configuration good, and what does it come to?

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::CONFIG;
use crate::config::geodb::GeodbConfig;
use crate::config::resolver::ResolverAddress;
use crate::config::{Config, ConfigErrors, Fault, Spot, denied};
use crate::edge::clock;
use crate::edge::dns::{Resolvers, servers_of_this_host};
use crate::edge::evidence::Evidence;
use crate::edge::geodb::Geodb;
use crate::edge::inventory;

use super::Exit;

/// Arguments of `pehra check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "PEHRA_CONFIG", default_value = CONFIG)]
    config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What came of it, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Report {
    valid: bool,
    errors: Vec<Fault>,
    warnings: Vec<Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary>,
}

/// What a good configuration comes to, in short.
#[derive(Debug, Serialize)]
struct Summary {
    vantage: String,
    position: Option<String>,
    home: String,
    policy: String,
    policy_sha256: String,
    classes: Vec<String>,
    workloads: usize,
    endpoints: usize,
    endpoints_by_class: BTreeMap<String, usize>,
    providers: usize,
    certificates: usize,
    views: Vec<String>,
    databases: Vec<String>,
    assets: usize,
    landmarks: usize,
    evidence: Vec<String>,
    alertmanagers: usize,
    webhooks: usize,
}

impl Check {
    /// Does it.
    pub fn run(self) -> Exit {
        let loaded = inventory::load(&self.config).and_then(|(config, warnings)| {
            let mut faults = database_faults(&config);
            faults.extend(view_faults(&config));
            let faults = if faults.is_empty() { landmark_faults(&config) } else { faults };
            if faults.is_empty() { Ok((config, warnings)) } else { Err(ConfigErrors(faults)) }
        });
        let report = match loaded {
            Ok((config, mut warnings)) => {
                warnings.extend(self.evidence_faults(&config));
                warnings.extend(self.resolver_faults(&config));
                Report { valid: true, errors: Vec::new(), warnings, summary: Some(Summary::of(&config)) }
            }
            Err(errors) => Report { valid: false, errors: errors.0, warnings: Vec::new(), summary: None },
        };
        // A reader that went away has seen enough.
        let _gone = if self.json { print_json(&report) } else { self.print(&report) };
        if report.valid { Exit::Fine } else { Exit::BadConfiguration }
    }

    /// What is wrong with the evidence of other vantages, without which the daemon goes on.
    fn evidence_faults(&self, config: &Config) -> Vec<Fault> {
        let nothing = Evidence::default();
        let now = clock::now().wall;
        let evidence = Evidence::read(&config.evidence, &nothing, &Geodb::embedded(), &config.vantage.id, now);
        let spot = Spot { key: "evidence".to_owned(), ..Spot::file(&self.config.display().to_string()) };
        evidence.troubles().map(|message| Fault { spot: spot.clone(), message }).collect()
    }

    /// What is odd about the servers that this host's own configuration names.
    fn resolver_faults(&self, config: &Config) -> Vec<Fault> {
        let is_asked = config.resolvers.iter().any(|resolver| resolver.server == ResolverAddress::System);
        let servers = if is_asked { servers_of_this_host() } else { Vec::new() };
        let spot = Spot { key: "probing.deny".to_owned(), ..Spot::file(&self.config.display().to_string()) };
        let odd = servers.iter().filter_map(|server| denied::asked(server.ip(), &config.probing.round.deny));
        odd.map(|message| Fault { spot: spot.clone(), message }).collect()
    }

    /// Faults to standard error, the summary to standard output.
    fn print(&self, report: &Report) -> io::Result<()> {
        let mut err = anstream::stderr().lock();
        for error in &report.errors {
            writeln!(err, "{error}")?;
        }
        for warning in &report.warnings {
            writeln!(err, "warning: {warning}")?;
        }
        let (errors, warnings) = (count(report.errors.len(), "error"), count(report.warnings.len(), "warning"));
        match &report.summary {
            Some(summary) => {
                writeln!(anstream::stdout(), "{} is good, with {warnings}\n{summary}", self.config.display())
            }
            None => writeln!(err, "{} is refused, with {errors}", self.config.display()),
        }
    }
}

/// What is wrong with the databases and borders, each opened by itself so that one fault does not hide another.
fn database_faults(config: &Config) -> Vec<Fault> {
    let faults = alone(&config.geodb).into_iter().filter_map(|(name, geodb)| {
        let error = Geodb::open(&geodb, &config.assets).err()?;
        let spot = config.geodb.spots.get(name).cloned().unwrap_or_else(|| Spot::file(name));
        Some(Fault { spot, message: format!("failed to {error}") })
    });
    faults.collect()
}

/// What is wrong with the files that views name.
fn view_faults(config: &Config) -> Vec<Fault> {
    let opened = Resolvers::open(&config.resolvers, &config.probing.round);
    opened.err().map_or_else(Vec::new, |errors| errors.0)
}

/// What is wrong with the landmarks by the borders in use, which can be read.
fn landmark_faults(config: &Config) -> Vec<Fault> {
    let borders = GeodbConfig { outlines: config.geodb.outlines.clone(), ..GeodbConfig::default() };
    let Ok(geodb) = Geodb::open(&borders, &[]) else { return Vec::new() };
    geodb.with_landmarks(&config.landmarks).err().map_or_else(Vec::new, |errors| errors.0)
}

/// A configuration for each source of `whole`, with nothing else in it, and the name by which it is found in the file.
fn alone(whole: &GeodbConfig) -> Vec<(&str, GeodbConfig)> {
    let none = GeodbConfig::default;
    let databases =
        whole.databases.iter().map(|it| (it.name.as_str(), GeodbConfig { databases: vec![it.clone()], ..none() }));
    let feeds =
        whole.geofeeds.iter().map(|it| (it.name.as_str(), GeodbConfig { geofeeds: vec![it.clone()], ..none() }));
    let regions =
        whole.regions.iter().map(|it| (it.name.as_str(), GeodbConfig { regions: vec![it.clone()], ..none() }));
    let anycast =
        whole.anycast.iter().map(|it| (it.name.as_str(), GeodbConfig { anycast: vec![it.clone()], ..none() }));
    let registries =
        whole.registries.iter().map(|it| (it.name.as_str(), GeodbConfig { registries: vec![it.clone()], ..none() }));
    let borders =
        whole.outlines.iter().map(|it| ("geodb.outlines", GeodbConfig { outlines: Some(it.clone()), ..none() }));
    let names = whole.rdns.iter().map(|it| ("geodb.rdns", GeodbConfig { rdns: Some(it.clone()), ..none() }));
    databases.chain(feeds).chain(regions).chain(anycast).chain(registries).chain(borders).chain(names).collect()
}

fn print_json(report: &Report) -> io::Result<()> {
    writeln!(anstream::stdout(), "{}", serde_json::to_string(report)?)
}

impl Summary {
    fn of(config: &Config) -> Self {
        let mut endpoints_by_class = BTreeMap::new();
        for workload in &config.workloads {
            let class = workload.class.as_ref().map_or("none", |class| class.0.as_str());
            *endpoints_by_class.entry(class.to_owned()).or_default() += workload.endpoints.len();
        }
        Self {
            vantage: config.vantage.id.to_string(),
            position: config.vantage.position.map(|at| format!("{} ± {}", at.coordinates, at.uncertainty)),
            home: config.home().to_string(),
            policy: config.policy.title.clone(),
            policy_sha256: config.policy.sha256.to_string(),
            classes: config.policy.classes.keys().map(ToString::to_string).collect(),
            workloads: config.workloads.len(),
            endpoints: config.workloads.iter().map(|workload| workload.endpoints.len()).sum(),
            endpoints_by_class,
            providers: config.policy.providers.len(),
            certificates: config.policy.nocs.len(),
            views: config.resolvers.iter().map(|resolver| resolver.view.to_string()).collect(),
            databases: config.geodb.names(),
            assets: config.assets.len(),
            landmarks: config.landmarks.len(),
            evidence: config.evidence.iter().map(|source| source.name.clone()).collect(),
            alertmanagers: config.alerting.alertmanagers.len(),
            webhooks: config.alerting.webhooks.len(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position.as_deref().unwrap_or("a place not stated");
        let databases = if self.databases.is_empty() { "none".to_owned() } else { self.databases.join(", ") };
        let by_class: Vec<_> = self.endpoints_by_class.iter().map(|(class, n)| format!("{n} {class}")).collect();
        let by_class = if by_class.is_empty() { String::new() } else { format!(" ({})", by_class.join(", ")) };
        writeln!(f, "vantage      {} at {position}", self.vantage)?;
        writeln!(f, "home         {}", self.home)?;
        writeln!(f, "policy       {} (sha256 {:.12}…)", self.policy, self.policy_sha256)?;
        writeln!(f, "classes      {}", self.classes.join(", "))?;
        writeln!(
            f,
            "watched      {}, {}{by_class}",
            count(self.workloads, "workload"),
            count(self.endpoints, "endpoint")
        )?;
        writeln!(f, "declared     {}, {}", count(self.providers, "provider"), count(self.certificates, "certificate"))?;
        writeln!(f, "views        {}", self.views.join(", "))?;
        let evidence = if self.evidence.is_empty() { "none".to_owned() } else { self.evidence.join(", ") };
        writeln!(f, "evidence     of other vantages: {evidence}; {}", count(self.landmarks, "landmark"))?;
        writeln!(f, "databases    {databases}; {} of your own register", count_of(self.assets, "entry", "entries"))?;
        write!(f, "alerts to    {}, {}", count(self.alertmanagers, "Alertmanager"), count(self.webhooks, "webhook"))
    }
}

fn count(n: usize, noun: &str) -> String {
    count_of(n, noun, &format!("{noun}s"))
}

fn count_of(n: usize, one: &str, many: &str) -> String {
    match n {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Draft, Written};

    #[test]
    fn a_landmark_outside_of_its_country_is_named_with_its_line() {
        let text = "[vantage]\nid = \"here\"\n[[landmark]]\naddress = \"185.1.8.1\"\nname = \"de-cix\"\n\
                    source = \"its page\"\ncountry = \"DE\"\nlatitude = 24.86\nlongitude = 67.0\n";
        let written = Written { name: "pehra.toml".to_owned(), bytes: text.into() };
        let (config, _) = Draft::open(&written, Path::new("")).finish().unwrap();
        let found = landmark_faults(&config);
        let found: Vec<_> = found.iter().map(|fault| (fault.spot.line, fault.spot.key.as_str())).collect();
        assert_eq!(found, [(7, "landmark.country")]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "writes the file that is read")]
    fn every_file_of_a_view_that_cannot_be_used_is_named_with_its_line() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("named.root"), "<!DOCTYPE html>\n").unwrap();
        let text = "[vantage]\nid = \"here\"\n[resolution]\nauthoritative = true\nhints = \"named.root\"\n\
                    [[resolver]]\nname = \"one\"\naddress = \"203.0.113.53\"\ntransport = \"tls\"\nca_file = \"gone.pem\"\n";
        let written = Written { name: "pehra.toml".to_owned(), bytes: text.into() };
        let (config, _) = Draft::open(&written, directory.path()).finish().unwrap();
        let found: Vec<_> = view_faults(&config).iter().map(ToString::to_string).collect();
        let [ca_file, hints] = found.as_slice() else { panic!("{found:?}") };
        assert!(ca_file.starts_with("pehra.toml:10: resolver.ca_file: failed to read "), "{ca_file}");
        assert!(hints.starts_with("pehra.toml:5: resolution.hints: ") && hints.contains("line 1"), "{hints}");
    }

    #[test]
    fn a_source_that_cannot_be_opened_is_named_with_its_line() {
        let text = "[vantage]\nid = \"here\"\n[geodb]\noutlines = \"/no/borders\"\n\
                    [[geodb.database]]\nname = \"one\"\npath = \"/no/one\"\n\
                    [[geodb.anycast]]\npath = \"/no/two\"\nname = \"two\"\n\
                    [[geodb.regions]]\nname = \"three\"\nprovider = \"aws\"\npath = \"/no/three\"\n\
                    [[geodb.geofeed]]\nname = \"four\"\nasns = [9541]\npath = \"/no/four\"\n\
                    [[geodb.registry]]\nname = \"five\"\npath = \"/no/five\"\n";
        let written = Written { name: "pehra.toml".to_owned(), bytes: text.into() };
        let (config, _) = Draft::open(&written, Path::new("")).finish().unwrap();
        let found = database_faults(&config);
        let found: Vec<_> = found.iter().map(|fault| (fault.spot.line, fault.spot.key.as_str())).collect();
        let expected = [
            (6, "geodb.database.name"),
            (16, "geodb.geofeed.name"),
            (12, "geodb.regions.name"),
            (10, "geodb.anycast.name"),
            (20, "geodb.registry.name"),
            (4, "geodb.outlines"),
        ];
        assert_eq!(found, expected);
    }
}
