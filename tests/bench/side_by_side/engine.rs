//! The tracers, each at its best setting, and how to read what they print.

use std::fs::{create_dir, read_to_string};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use super::measured::{Cost, Measured};
use super::seen::Seen;

/// A tracer and how it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Engine {
    /// `-P icmp-paris -q 1 -w 1 -N 4`: four hops in flight, its quickest
    Scamper,
    /// `-P icmp-paris -q 1 -w 1`: one hop in flight, its thriftiest
    ScamperOneByOne,
    /// `-n -q 1 -N 32 -w 1`, a process for each destination and 250 at once
    Traceroute,
    /// `pehra trace --attempts 1`, with `--retries 0` unless answers get lost, and what `--pehra-argument` adds
    Pehra,
    /// The same with `--share`: hops that neighbours have found alike are not asked again
    PehraSharing,
}

/// How many processes of traceroute run at once.
const AT_ONCE: u32 = 250;

/// What every tracer is told.
pub(crate) struct Task<'a> {
    pub(crate) destinations: &'a [Ipv4Addr],
    /// Probes a second, where a tracer can be told.
    pub(crate) rate: u32,
    pub(crate) pehra: &'a Path,
    /// Whether answers get lost, so that what was not answered is asked again by a tracer that can be told so.
    pub(crate) is_lossy: bool,
    /// Further arguments for pehra.
    pub(crate) further: &'a [String],
    /// An empty directory.
    pub(crate) directory: &'a Path,
}

impl Engine {
    pub(crate) const ALL: [Self; 5] =
        [Self::Scamper, Self::ScamperOneByOne, Self::Traceroute, Self::Pehra, Self::PehraSharing];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scamper => "scamper -N 4",
            Self::ScamperOneByOne => "scamper",
            Self::Traceroute => "traceroute",
            Self::Pehra => "pehra",
            Self::PehraSharing => "pehra --share",
        }
    }

    /// Runs it, and then reads what it wrote.
    pub(crate) fn trace(self, task: &Task<'_>) -> io::Result<Cost> {
        let (targets, output) = (task.directory.join("targets"), task.directory.join("output"));
        let lines: Vec<String> = task.destinations.iter().map(Ipv4Addr::to_string).collect();
        std::fs::write(&targets, lines.join("\n") + "\n")?;
        let targets_text = targets.display().to_string();
        let mut measured = Measured { output, each: None, at_once: 1, command: Vec::new() };
        match self {
            Self::Scamper | Self::ScamperOneByOne => {
                let in_flight = if self == Self::Scamper { " -N 4" } else { "" };
                let trace = format!("trace -P icmp-paris -q 1 -w 1{in_flight}");
                let warts = task.directory.join("warts").display().to_string();
                let rate = task.rate.min(scamper_limit()?).to_string();
                let command = ["scamper", "-O", "warts", "-o", &warts, "-p", &rate, "-c", &trace, "-f", &targets_text];
                measured.command = command.map(str::to_owned).into();
            }
            Self::Traceroute => {
                create_dir(&measured.output)?;
                measured.each = Some(targets);
                measured.at_once = AT_ONCE;
                measured.command = ["traceroute", "-n", "-q", "1", "-N", "32", "-w", "1"].map(str::to_owned).into();
            }
            Self::Pehra | Self::PehraSharing => {
                let (pehra, rate) = (task.pehra.display().to_string(), task.rate.to_string());
                let command =
                    [&pehra, "trace", "--json", "--targets", &targets_text, "--rate", &rate, "--network-rate", &rate];
                measured.command = command.map(str::to_owned).into();
                let questions = ["--attempts", "1", "--retries", if task.is_lossy { "1" } else { "0" }];
                measured.command.extend(questions.map(str::to_owned));
                measured.command.extend((self == Self::PehraSharing).then(|| "--share".to_owned()));
                measured.command.extend_from_slice(task.further);
            }
        }
        measured.run()
    }

    /// What it saw, from what it wrote.
    pub(crate) fn seen(self, task: &Task<'_>) -> io::Result<Seen> {
        let output = task.directory.join("output");
        match self {
            Self::Scamper | Self::ScamperOneByOne => {
                let converted = Command::new("sc_warts2json").arg(task.directory.join("warts")).output()?;
                Ok(Seen::from_scamper(&String::from_utf8_lossy(&converted.stdout))?)
            }
            Self::Traceroute => {
                let mut seen = Seen::default();
                for host in task.destinations {
                    seen.add_traceroute(*host, &read_to_string(output.join(host.to_string()))?);
                }
                Ok(seen)
            }
            Self::Pehra | Self::PehraSharing => Ok(Seen::from_atlas(&read_to_string(output)?)?),
        }
    }
}

/// The most packets a second that this scamper sends, by its own words: `1 <= pps <= 10000`.
fn scamper_limit() -> io::Result<u32> {
    let said = Command::new("scamper").arg("-?").output()?;
    let said = [said.stdout, said.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let limit = said.split_once("<= pps <= ").map(|(_, rest)| rest.trim_start());
    let digits = limit.and_then(|rest| rest.split(|letter: char| !letter.is_ascii_digit()).next());
    digits.and_then(|digits| digits.parse().ok()).ok_or(io::Error::other("scamper does not tell its largest rate"))
}
