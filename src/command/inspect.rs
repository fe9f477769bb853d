//! `pehra inspect`: one round of each endpoint, now, for a person.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::verdicts::{Form, Judged, Refusal, known_class};
use super::{Exit, logging};
use crate::agent::reload::{Prepared, prepare};
use crate::agent::round::inspect;
use crate::agent::world::World;
use crate::calibration::{Calibration, Hubs, Window};
use crate::cli::CONFIG;
use crate::config::{Config, Draft, Written};
use crate::dossier::{Companions, Dossier, Instruments};
use crate::edge::dns::Resolvers;
use crate::edge::evidence::Evidence;
use crate::edge::geodb::Geodb;
use crate::edge::prober::{ProbeSockets, Prober};
use crate::edge::{clock, privileges};
use crate::location::disc::Borders;
use crate::observation::{Declared, Observation};
use crate::printable::Escaped;
use crate::round::{End, RoundSettings, canary};
use crate::trace::Distances;
use crate::workload::{DataClass, Endpoint};

/// How many endpoints are looked at at once.
const AT_ONCE: usize = 16;

/// Look at endpoints once, now: where their addresses are, which way packets go, and what the policy says.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Inspect {
    /// `https://host[:port][/path]`, `tcp://host:port`, `dns://host`, `smtp://host`, a host name (taken as https) or an address
    #[arg(value_name = "ENDPOINT", required = true)]
    endpoints: Vec<Endpoint>,
    /// The class of data to judge by; without it the one that the inventory declares
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// Vantage, policy, inventory, resolvers, databases and evidence of other vantages; without it the built-in ones
    #[arg(long, value_name = "FILE", env = "PEHRA_CONFIG")]
    config: Option<PathBuf>,
    /// What is logged: error, warn, info, debug or trace
    #[arg(long, value_name = "FILTER", env = "PEHRA_LOG", default_value = "error")]
    log: String,
}

const EXAMPLES: &str = "\
Examples:
  pehra inspect pbs.gov.pk --class restricted
  pehra inspect tcp://db.example.gov.pk:5432 175.107.63.150 --json | jq .place

Exit status: 0 compliant or exempt, 3 unproven or suspect, 2 breach; 64 wrong command line, 77 no permission to probe,
78 wrong configuration.";

impl Inspect {
    /// Does it.
    pub fn run(self) -> Exit {
        logging::start(&self.log);
        self.inspect().unwrap_or_else(|refusal| refusal.say("inspect"))
    }

    fn inspect(&self) -> Result<Exit, Refusal> {
        let refused = |error: String| Refusal(Exit::NoPermission, error);
        let sockets = ProbeSockets::open().map_err(|error| refused(error.to_string()))?;
        privileges::drop_raw().map_err(|error| refused(error.to_string()))?;
        // Inventories behind URLs are written by others: nothing of them is read with the capability.
        let prepared = self.prepare()?;
        let class = self.class.as_ref().map(|name| known_class(name, &prepared.config.policy)).transpose()?;
        warn(&prepared, &sockets);
        let outcomes = observe(self.endpoints.clone(), class.as_ref(), &prepared, sockets)
            .map_err(|error| Refusal(Exit::Failed, format!("failed to begin threads or sockets: {error}")))?;
        self.show(outcomes, &prepared)
    }

    /// The configuration that was named, or the one in its usual place, or what there is without one.
    fn prepare(&self) -> Result<Prepared, Refusal> {
        let usual = || Path::new(CONFIG).exists().then(|| PathBuf::from(CONFIG));
        let refused = |error: String| Refusal(Exit::BadConfiguration, error);
        if let Some(path) = self.config.clone().or_else(usual) {
            return prepare(&path, None, None).map_err(|error| refused(error.to_string()));
        }
        let bytes = b"[vantage]\nid = \"here\"\n".to_vec();
        let built_in = Draft::open(&Written { name: "built-in configuration".to_owned(), bytes }, Path::new(""));
        let (config, warnings) = built_in.finish().map_err(|errors| refused(errors.to_string()))?;
        let resolvers = Resolvers::open(&config.resolvers, &config.probing.round);
        let resolvers = Arc::new(resolvers.map_err(|errors| refused(errors.to_string()))?);
        Ok(Prepared { config, warnings, geodb: Geodb::embedded(), evidence: Evidence::default(), resolvers })
    }

    fn show(&self, outcomes: Vec<Result<Observation, Endpoint>>, prepared: &Prepared) -> Result<Exit, Refusal> {
        let policy = &prepared.config.policy;
        let mut borders = Borders::new(prepared.geodb.outlines());
        borders.meet(&prepared.config.vantage);
        let evidence = prepared.evidence.observations();
        for sighting in evidence.iter() {
            borders.meet(&sighting.vantage);
        }
        let companions = Companions::new(evidence.iter(), &borders, &policy.home);
        // By what the times are measured: of what is inspected, and of what other vantages saw.
        let seen = outcomes.iter().flatten().chain(evidence.iter());
        let hubs = Arc::new(Hubs::shipped());
        let calibration = Calibration::survey(&policy.home, hubs, Window::Around, seen, &borders);
        let instruments = Instruments { borders: &borders, home: &policy.home, calibration: Some(&calibration) };
        let form = if self.json { Form::Json { explained: true } } else { Form::Explained };
        let mut judged = Judged::new(io::BufWriter::new(anstream::stdout().lock()), form, policy);
        for outcome in outcomes {
            match outcome {
                Ok(seen) => {
                    judged.judge(&Dossier::assemble(&seen, &companions, instruments, seen.observed, u64::MAX))?;
                }
                Err(endpoint) => judged.broke_off(&endpoint),
            }
        }
        judged.finish()
    }
}

/// What the verdicts below cannot rest on.
fn warn(prepared: &Prepared, sockets: &ProbeSockets) {
    let mut err = anstream::stderr().lock();
    for trouble in prepared.evidence.troubles() {
        let _ = writeln!(err, "note: {}", Escaped(&trouble));
    }
    // What is missing here is in the report as well.
    if prepared.config.vantage.position.is_none() {
        let _ = writeln!(
            err,
            "note: the coordinates of this host are not known ([vantage] in a configuration), so that no time proves a place"
        );
    }
    if !sockets.are_raw() {
        let _ = writeln!(err, "note: no CAP_NET_RAW: paths are traced by UDP alone");
    }
}

/// One round of each endpoint, in their order: what it saw, or the endpoint of one that broke off.
fn observe(
    endpoints: Vec<Endpoint>,
    class: Option<&DataClass>,
    prepared: &Prepared,
    sockets: ProbeSockets,
) -> io::Result<Vec<Result<Observation, Endpoint>>> {
    let config = &prepared.config;
    let rounds = endpoints.into_iter().map(|endpoint| settings_for(endpoint, class, config)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcomes = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let courtesy = config.probing.courtesy();
        let (handle, prober) = Prober::spawn(sockets, clock::seed(), courtesy, shutdown.clone())?;
        let (resolvers, geodb) = (Arc::clone(&prepared.resolvers), prepared.geodb.clone());
        let world = World::open(config, resolvers, handle, geodb).map_err(io::Error::other)?;
        let outcomes = inspect_all(rounds, world).await;
        shutdown.cancel();
        prober.await.map_err(io::Error::other)?;
        io::Result::Ok(outcomes)
    });
    runtime.shutdown_background();
    outcomes
}

async fn inspect_all(rounds: Vec<RoundSettings>, world: World) -> Vec<Result<Observation, Endpoint>> {
    let progress = ProgressBar::new(rounds.len() as u64).with_message("looking");
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {bar:30} {pos}/{len} {elapsed}") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(std::time::Duration::from_millis(120));
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut outcomes: Vec<Result<Observation, Endpoint>> =
        rounds.iter().map(|round| Err(round.endpoint.clone())).collect();
    for (index, settings) in rounds.into_iter().enumerate() {
        let (world, slots) = (world.clone(), Arc::clone(&slots));
        running.spawn(async move {
            let _slot = slots.acquire_owned().await;
            (index, inspect(settings, &world).await)
        });
    }
    while let Some(done) = running.join_next().await {
        progress.inc(1);
        if let Ok((index, Some(End::Observed(observation)))) = done
            && let Some(outcome) = outcomes.get_mut(index)
        {
            *outcome = Ok(*observation);
        }
    }
    progress.finish_and_clear();
    outcomes
}

fn settings_for(endpoint: Endpoint, class: Option<&DataClass>, config: &Config) -> RoundSettings {
    let mut declared = declared(&endpoint, config);
    declared.class = class.cloned().or(declared.class);
    RoundSettings {
        declared,
        vantage: config.vantage.clone(),
        views: config.resolvers.iter().map(|resolver| resolver.view.clone()).collect(),
        probing: config.probing.round.clone(),
        canary: canary(&endpoint, clock::seed()),
        endpoint,
        baseline: None,
        distances: Distances::new(),
        flow: clock::seed().to_le_bytes().first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes)),
    }
}

/// What the inventory says of an endpoint, or of one that it does not know: nothing.
fn declared(endpoint: &Endpoint, config: &Config) -> Declared {
    let names_it = |known: &Endpoint| known.reaches_the_same_as(endpoint);
    let known = config.workloads.iter().find(|workload| workload.endpoints.iter().any(names_it));
    known.map_or_else(|| Declared::nothing("inspected"), Declared::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inventory_knows_an_endpoint_however_it_is_written() {
        let text = "[vantage]\nid = \"here\"\n[[workload]]\nid = \"statistics\"\nentity = \"Bureau of Statistics\"\n\
                    jurisdiction = \"federal\"\nclass = \"confidential\"\nendpoints = [\"https://pbs.gov.pk\"]\n";
        let written = Written { name: "pehra.toml".to_owned(), bytes: text.as_bytes().to_vec() };
        let (config, _) = Draft::open(&written, Path::new("")).finish().unwrap();
        let of = |endpoint: &str| declared(&endpoint.parse().unwrap(), &config).workload.0;
        assert_eq!((of("pbs.gov.pk"), of("PBS.gov.pk:443/")), ("statistics".to_owned(), "statistics".to_owned()));
        assert_eq!(of("http://pbs.gov.pk"), "inspected");
    }
}
