//! How many observations are judged in a second, on one core: `cargo bench --bench judging`.
//!
//! Each has a name with one address, a trace of twelve hops with three answers each, a handshake, and what three databases
//! and the table of networks say of the target and of every hop. A thousand addresses are seen from five vantages, and each
//! is judged in the light of all five, after the vantages were calibrated by all of it. What is counted is the time of the
//! processor, not of the clock, so that a busy machine gives the same figures.

#![expect(clippy::unwrap_used, reason = "a benchmark may fail on what it made itself")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]
#![expect(clippy::disallowed_methods, reason = "it reads what the kernel says of it and of the machine")]

use std::fs;
use std::hint::black_box;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use pehra::calibration::{Calibration, Hubs, Window};
use pehra::config::built_in_policy;
use pehra::config::geodb::{GeodbConfig, SourceFile};
use pehra::dossier::{Companions, Dossier, Instruments};
use pehra::edge::geodb::Geodb;
use pehra::location::disc::Borders;
use pehra::observation::Observation;
use pehra::place::{CountryCode, Home};
use pehra::report;
use pehra::verdict::judge;
use pehra::verdict::policy::Policy;

mod world;

/// How many sets of rounds are judged: the first tenth shows how much memory it takes, the rest whether it grows.
const SETS: u64 = 10;

fn main() {
    let bench = Bench::new();
    let mut cost = Cost::default();
    let mut memory = Vec::new();
    for set in 0..SETS {
        bench.judge_all(&world::rounds(set), &mut cost);
        memory.push(resident_mib());
    }
    println!("{}", machine());
    cost.print();
    let (first, last) = (memory.first().unwrap(), memory.last().unwrap());
    println!(
        "resident memory: {first} MiB after the first {} observations, {last} MiB after {}",
        cost.observations / SETS,
        cost.observations
    );
}

/// What is judged with.
struct Bench {
    policy: Policy,
    borders: Borders,
    hubs: Arc<Hubs>,
    geodb: Geodb,
}

/// The time of the processor that each part took.
#[derive(Default)]
struct Cost {
    observations: u64,
    surveyed: Duration,
    judged: Duration,
    looked_up: Duration,
    rendered: Duration,
}

impl Bench {
    fn new() -> Self {
        let home = Home::of(CountryCode::PAKISTAN);
        let geodb = three_databases();
        let mut borders = Borders::new(geodb.outlines());
        for vantage in world::vantages() {
            borders.meet(&vantage);
        }
        Self { policy: built_in_policy(home).unwrap(), borders, hubs: Arc::new(Hubs::shipped()), geodb }
    }

    fn judge_all(&self, observations: &[Observation], cost: &mut Cost) {
        cost.observations += observations.len() as u64;
        let begun = processor_time();
        let companions = Companions::new(observations, &self.borders, &self.policy.home);
        let mut calibration = Calibration::new(&self.policy.home, Arc::clone(&self.hubs), Window::Around);
        for observation in observations {
            calibration.handle_vantage(&observation.vantage, &self.borders);
            calibration.handle_observation(observation, &self.borders);
        }
        calibration.finish();
        cost.surveyed += since(begun);

        let begun = processor_time();
        for observation in observations {
            let dossier = self.dossier(observation, &companions, &calibration);
            black_box(judge(&dossier, &self.policy));
        }
        cost.judged += since(begun);

        let begun = processor_time();
        for observation in observations {
            for address in observation.addresses() {
                black_box(self.geodb.claims(address));
            }
        }
        cost.looked_up += since(begun);

        let begun = processor_time();
        for observation in observations.iter().step_by(10) {
            let dossier = self.dossier(observation, &companions, &calibration);
            let verdict = judge(&dossier, &self.policy).in_words();
            for line in report::lines(&dossier, &verdict, &self.policy) {
                black_box(serde_json::to_string(&line).unwrap());
            }
        }
        cost.rendered += since(begun) * 10;
    }

    fn dossier<'a>(
        &'a self,
        observation: &'a Observation,
        companions: &Companions<'a>,
        calibration: &'a Calibration,
    ) -> Dossier<'a> {
        let instruments =
            Instruments { borders: &self.borders, home: &self.policy.home, calibration: Some(calibration) };
        Dossier::assemble(observation, companions, instruments, observation.observed, u64::MAX)
    }
}

impl Cost {
    fn print(&self) {
        let rate = |label: &str, took: Duration| {
            #[expect(clippy::cast_precision_loss, reason = "a few hundred thousand")]
            let count = self.observations as f64;
            println!(
                "{label:62} {:>9.0} a second, {:>7.2} µs each",
                count / took.as_secs_f64(),
                took.as_secs_f64() * 1e6 / count
            );
        };
        rate("judged (claims at hand, in the light of five vantages)", self.judged);
        rate("indexed and calibrated", self.surveyed);
        rate("indexed, calibrated and judged", self.surveyed + self.judged);
        rate("target looked up in three databases and the other sources", self.looked_up);
        rate("indexed, calibrated, looked up and judged", self.surveyed + self.looked_up + self.judged);
        rate("judged and written as JSON with all words (every tenth)", self.rendered);
    }
}

/// The embedded database, and two more that are copies of it.
fn three_databases() -> Geodb {
    let directory = tempfile::tempdir().unwrap();
    let packed = fs::read("geodb/dbip-country.mmdb.gz").unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    let [_, others @ ..] = world::DATABASES;
    let copy = |name: &str| {
        let path = directory.path().join(name);
        fs::write(&path, &bytes).unwrap();
        SourceFile { name: name.to_owned(), path }
    };
    let config = GeodbConfig { databases: others.map(copy).into(), ..GeodbConfig::default() };
    Geodb::open(&config, &[]).unwrap()
}

fn since(begun: Duration) -> Duration {
    processor_time().saturating_sub(begun)
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap().into()
}

fn resident_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

fn machine() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("one core of {cores}, {}", model.trim_start_matches([' ', '\t', ':']))
}
