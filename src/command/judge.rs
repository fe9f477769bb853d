//! `pehra judge`: judges what was observed before, and asks nobody.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;

use super::Exit;
use super::verdicts::{Form, Judged, Refusal, known_class};
use crate::config::built_in_policy;
use crate::dossier::{Companions, Dossier};
use crate::edge::geodb::Geodb;
use crate::edge::inventory;
use crate::edge::journal::read::read_entries;
use crate::import::atlas;
use crate::import::vantages::Vantages;
use crate::location::disc::Borders;
use crate::observation::{Declared, Observation};
use crate::place::Home;
use crate::trace::Trace;
use crate::verdict::policy::Policy;
use crate::workload::{Jurisdiction, WorkloadId};

/// The home country where no configuration is given.
const HOME: &str = "PK";

/// Judges observations made before: journals, and traceroutes of RIPE Atlas.
///
/// An address is judged in the light of every vantage in the input, unless --alone is given. Nothing is sent to anybody:
/// the databases are the ones built in, or those of the configuration.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pehra judge traces.json --vantages vantages.toml --class restricted
  pehra judge /var/lib/pehra/journal --json | jq 'select(.standing == \"breach\")'")]
pub struct Judge {
    /// Files to judge: a journal (its directory or a segment of it), or RIPE Atlas traceroute results (an array or lines)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Where imported vantages stood: `[[vantage]]` tables with id, latitude, longitude, `uncertainty_km`
    #[arg(long, value_name = "FILE")]
    vantages: Option<PathBuf>,

    /// Judge each observation by itself, not in the light of other vantages
    #[arg(long)]
    alone: bool,

    /// The class of data to judge by, in place of what was declared
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,

    /// Policy, register of providers and databases; without it the built-in ones
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Show the findings and the evidence under each line
    #[arg(long, conflicts_with = "json")]
    explain: bool,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Judge {
    /// Judges, prints, and exits by the worst standing.
    pub fn run(self) -> Exit {
        self.judge().unwrap_or_else(|refusal| refusal.say("judge"))
    }

    fn judge(&self) -> Result<Exit, Refusal> {
        let (policy, geodb) = self.instruments()?;
        let class = self.class.as_ref().map(|name| known_class(name, &policy)).transpose()?;
        let vantages = self.vantages()?;
        let mut observations = Vec::new();
        for file in &self.files {
            let read = read(file, &vantages, &geodb)?;
            if read.is_empty() {
                let why = format!("{}: holds nothing to judge", file.display());
                return Err(Refusal(Exit::Unreadable, why));
            }
            observations.extend(read);
        }
        if let Some(class) = class {
            for observation in &mut observations {
                observation.declared.class = Some(class.clone());
            }
        }
        let mut borders = Borders::new(geodb.outlines());
        for observation in &observations {
            borders.meet(&observation.vantage);
        }
        self.print(&observations, &borders, &policy)
    }

    fn instruments(&self) -> Result<(Policy, Geodb), Refusal> {
        if let Some(path) = &self.config {
            let (config, _) = inventory::load(path).map_err(|e| Refusal(Exit::BadConfiguration, e.to_string()))?;
            let geodb = Geodb::open(&config.geodb, &config.assets);
            return Ok((config.policy, geodb.map_err(|e| Refusal(Exit::BadConfiguration, e.to_string()))?));
        }
        let home = HOME.parse().map(Home::of).map_err(|e| Refusal(Exit::BadConfiguration, format!("{e}")))?;
        let policy = built_in_policy(home).map_err(|e| Refusal(Exit::BadConfiguration, e.to_string()))?;
        Ok((policy, Geodb::embedded()))
    }

    fn vantages(&self) -> Result<Vantages, Refusal> {
        let Some(path) = &self.vantages else { return Ok(Vantages::default()) };
        Vantages::parse(&text_of(path)?).map_err(|e| Refusal(Exit::Unreadable, format!("{}:{e}", path.display())))
    }

    fn print(&self, observations: &[Observation], borders: &Borders, policy: &Policy) -> Result<Exit, Refusal> {
        let companions = if self.alone { Companions::default() } else { Companions::new(observations) };
        let progress = ProgressBar::new(observations.len() as u64);
        let form = match (self.json, self.explain) {
            (true, _) => Form::Json,
            (false, true) => Form::Explained,
            (false, false) => Form::Rows,
        };
        let mut judged = Judged::new(io::BufWriter::new(anstream::stdout().lock()), form, policy);
        for subject in observations {
            let others = companions.of(subject);
            let as_of = subject.observed;
            judged.judge(&Dossier::assemble(subject.clone(), &others, borders, &policy.home, as_of, u64::MAX))?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        judged.finish()
    }
}

#[expect(clippy::disallowed_methods, reason = "the file the user names")]
fn text_of(path: &Path) -> Result<String, Refusal> {
    let unreadable = |why: String| Refusal(Exit::Unreadable, format!("{}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unreadable(format!("failed to read: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        unreadable(format!("byte {at} is not UTF-8: a journal and Atlas results are text"))
    })
}

/// The observations in a file, with the claims of today's databases where it brought none.
fn read(path: &Path, vantages: &Vantages, geodb: &Geodb) -> Result<Vec<Observation>, Refusal> {
    let unreadable = |why: String| Refusal(Exit::Unreadable, why);
    if path.is_dir() {
        return read_journal(path);
    }
    let text = text_of(path)?;
    if is_journal(&text) {
        return read_journal(path);
    }
    let parsed = atlas::parse(&text, vantages, &imported());
    let mut observations = parsed.map_err(|e| unreadable(format!("{}:{e}", path.display())))?;
    for observation in &mut observations {
        observation.claims = located(observation).into_iter().flat_map(|address| geodb.claims(address)).collect();
        observation.databases = geodb.digests();
    }
    Ok(observations)
}

/// A segment begins with its header, and every line of it names its vantage before anything else that Atlas has.
fn is_journal(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with("{\"segment\"") || first.starts_with("{\"entry\"")
}

fn read_journal(path: &Path) -> Result<Vec<Observation>, Refusal> {
    let unreadable = |why: String| Refusal(Exit::Unreadable, why);
    let mut entries = read_entries(path).map_err(|e| unreadable(e.to_string()))?;
    let mut observations = Vec::new();
    for entry in &mut entries {
        let (place, entry) = entry.map_err(|e| unreadable(e.to_string()))?;
        observations.push(entry.observation().map_err(|e| unreadable(format!("{place}: {e}")))?);
    }
    for place in entries.unfinished() {
        let _ = writeln!(anstream::stderr(), "{place}: the last line is unfinished and was left out");
    }
    Ok(observations)
}

/// Every address that a claim can say something of.
fn located(observation: &Observation) -> BTreeSet<IpAddr> {
    let hops = observation.traces.iter().flat_map(Trace::responders);
    observation.addresses().into_iter().chain(hops).collect()
}

/// What is known of the workload of an imported measurement: nothing.
fn imported() -> Declared {
    Declared {
        workload: WorkloadId("imported".to_owned()),
        entity: String::new(),
        jurisdiction: Jurisdiction(String::new()),
        class: None,
        provider: None,
    }
}
