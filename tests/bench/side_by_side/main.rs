//! Tracers side by side: the same destinations, behind the same internet, one after the other.
//!
//! `tests/bench/tracing` builds and runs it; `tests/README.md` says what it measures and how. The internet is one of its
//! own, in a network namespace of its own, behind a TUN device: nothing leaves this machine.

#![expect(clippy::unwrap_used, reason = "the lab may fail on what it made itself")]
#![expect(clippy::disallowed_methods, reason = "it writes files for the tracers and reads theirs")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use clap::{Args, Parser, Subcommand};

mod device;
mod engine;
mod first_hop;
mod flood;
mod internet;
mod measured;
mod packet;
mod score;
mod seen;
mod table;
mod world;

use device::Device;
use engine::{Engine, Task};
use first_hop::Spread;
use internet::Weather;
use measured::Measured;
use score::{Score, float};
use table::Row;
use world::World;

/// Compares tracers on one internet of this program's own: cost, packets, and how much of the truth each finds.
#[derive(Debug, Parser)]
#[command(name = "tests/bench/tracing", bin_name = "tests/bench/tracing", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    comparison: Comparison,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Runs one tracer and prints what it cost, as JSON (this program calls itself so)
    #[command(hide = true)]
    Measured(Measured),
}

#[derive(Debug, Args)]
struct Comparison {
    /// How many destinations are traced: a table for each
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 5_000, 20_000])]
    destinations: Vec<u32>,

    /// Which tracers
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Engine::ALL)]
    tracers: Vec<Engine>,

    /// Probes a second, for tracers that can be told
    #[arg(long, default_value_t = 50_000)]
    rate: u32,

    /// How many answers a second each router of the first levels gives; as many as it is asked for by default
    #[arg(long, value_name = "PER_SECOND")]
    limit: Option<u32>,

    /// How many levels of routers are limited
    #[arg(long, default_value_t = 5)]
    limited_levels: u8,

    /// How many answers are lost, in percent
    #[arg(long, default_value_t = 0.0, value_parser = percent)]
    loss: f64,

    /// Every tracer is run so often in turn, and each run is printed
    #[arg(long, default_value_t = 1)]
    runs: u32,

    /// How many destinations every tracer traces at leisure before all others, a probe each ten milliseconds: what it tells
    /// of the first hop then stands beside what it tells under load. 0 for none
    #[arg(long, default_value_t = 100)]
    leisure: u32,

    /// Another internet
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// The pehra that is compared
    #[arg(long, default_value = "target/release/pehra")]
    pehra: PathBuf,

    /// A further argument for `pehra trace`; may be given several times
    #[arg(long = "pehra-argument", value_name = "ARGUMENT", allow_hyphen_values = true)]
    further: Vec<String>,

    /// Run here: this is a network namespace that may be changed
    #[arg(long, hide = true)]
    inside: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=100.0).contains(&percent) { Ok(percent) } else { Err("0 to 100".to_owned()) }
}

/// The exit status when something that is needed cannot be had (`sysexits.h`).
const UNAVAILABLE: u8 = 69;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (&arguments.role, arguments.comparison.inside) {
        (Some(Role::Measured(measured)), _) => {
            measured.measure().and_then(|cost| Ok(serde_json::to_writer(io::stdout(), &cost)?))
        }
        (None, true) => arguments.comparison.run(&mut io::stdout()),
        (None, false) => isolated(),
    };
    done.map_or_else(
        |error| {
            let _ = writeln!(io::stderr(), "tests/bench/tracing: {error}");
            ExitCode::from(UNAVAILABLE)
        },
        |()| ExitCode::SUCCESS,
    )
}

/// Runs this again in namespaces of its own, which end with it.
fn isolated() -> io::Result<()> {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.arg(std::env::current_exe()?).arg("--inside").args(std::env::args_os().skip(1));
    let mut inside = command.stdin(Stdio::piped()).spawn()?;
    let held = inside.stdin.take();
    let status = inside.wait()?;
    drop(held);
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("unshare: {status} (it has to be root)"))) }
}

/// Ends this, and with it the namespaces and all that runs in them, when whoever started it has ended.
fn end_with_standard_input() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(UNAVAILABLE.into());
    });
}

impl Comparison {
    fn weather(&self) -> Weather {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million")]
        let lost_of_a_million = (self.loss * 10_000.0).round() as u32;
        Weather { replies_a_second: self.limit, limited_levels: self.limited_levels, lost_of_a_million }
    }

    fn run(&self, out: &mut impl Write) -> io::Result<()> {
        let world = World::new(self.seed);
        end_with_standard_input();
        device::hurry()?;
        let device = Device::open()?;
        writeln!(out, "{}", self.describe(&world))?;
        writeln!(out, "{}", capacity(&device, &world)?)?;
        let leisure = self.at_leisure(&world, &device)?;
        for &count in &self.destinations {
            writeln!(out)?;
            Row::head(out)?;
            let mut first_hops = Vec::new();
            for _ in 0..self.runs.max(1) {
                let mut scamper = None;
                for &engine in &self.tracers {
                    let row = self.compare(engine, count, &world, &device)?;
                    row.write(scamper.as_ref(), out)?;
                    first_hops.push((engine, row.first_hop));
                    if engine == Engine::Scamper {
                        scamper = Some(row);
                    }
                }
            }
            first_hop::head(out)?;
            for (engine, load) in first_hops {
                first_hop::write(engine, &load, leisure.get(&engine), out)?;
            }
        }
        Ok(())
    }

    /// What each tracer tells of the first hop when nothing hurries it.
    fn at_leisure(&self, world: &World, device: &Device) -> io::Result<BTreeMap<Engine, Spread>> {
        let destinations = world.destinations(self.leisure);
        let tracers = self.tracers.iter().filter(|_| !destinations.is_empty());
        let spread = |engine| first_hop::at_leisure(engine, &destinations, &self.pehra, (world, device));
        tracers.map(|&engine| Ok((engine, spread(engine)?))).collect()
    }

    fn compare(&self, engine: Engine, count: u32, world: &World, device: &Device) -> io::Result<Row> {
        let directory = tempfile::Builder::new().prefix("pehra-tracing-").tempdir()?;
        let destinations = world.destinations(count);
        let task = Task {
            destinations: &destinations,
            rate: self.rate,
            pehra: &self.pehra,
            is_lossy: self.limit.is_some() || self.loss > 0.0,
            further: &self.further,
            directory: directory.path(),
        };
        let (cost, ran) = device.run(world, self.weather(), || engine.trace(&task))?;
        let seen = engine.seen(&task)?;
        let score = Score::of(world, &destinations, &ran.flows, &seen);
        let first_hop = Spread::of(world, (&ran.flows, &ran.first_hop_late), &seen);
        Ok(Row { engine, destinations: count, cost: cost?, score, first_hop, ran })
    }

    fn describe(&self, world: &World) -> String {
        let mut text = format!("{}\n{}", machine(), world.describe());
        let weather = self.weather();
        if let Some(rate) = weather.replies_a_second {
            let _ = write!(text, "\nrouters of the first {} levels give {rate} answers a second", self.limited_levels);
        }
        if weather.lost_of_a_million > 0 {
            let _ = write!(text, "\n{} % of all answers are lost", self.loss);
        }
        let _ = write!(text, "\n{} probes a second", self.rate);
        text
    }
}

/// Floods the lab, and says what it can bear.
fn capacity(device: &Device, world: &World) -> io::Result<String> {
    let destinations = world.destinations(1_000);
    let (sent, ran) = device.run(world, Weather::default(), || flood::flood(&destinations))?;
    let read = float(ran.counts.probes) / ran.lasted.as_secs_f64();
    let each = ran.busy.as_secs_f64() / float(ran.counts.probes);
    Ok(format!(
        "the lab read {read:.0} of {:.0} probes a second when flooded, and takes {:.2} µs of a processor for each",
        float(sent?) / ran.lasted.as_secs_f64(),
        each * 1e6,
    ))
}

fn machine() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    format!("{} processors, {}", device::processors(), model.trim_start_matches([' ', '\t', ':']))
}

#[cfg(test)]
mod tests;
