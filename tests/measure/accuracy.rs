//! How often the judge is right: judges labelled traces with the library, as `pehra judge` does, and counts.
//!
//! `tests/accuracy` builds and runs it; `tests/README.md` says what it reads. Nothing is sent to anybody.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

mod baseline;
mod corpus;
mod judging;
mod labels;
mod report;
mod score;
mod share;
mod text;
mod without;

use corpus::{Corpus, Fault};
use judging::Bench;
use report::Report;

/// Judges labelled traces and counts how often that is right, beside what simpler methods make of them.
///
/// The directory holds traces.json (traceroutes and pings, as `pehra judge` reads them), vantages.toml (where they were
/// measured from) and labels.csv (host, address, vantage, label: inside, outside, edge, cloud or silent).
#[derive(Debug, Parser)]
#[command(name = "tests/accuracy", bin_name = "tests/accuracy")]
struct Arguments {
    /// Where traces.json, vantages.toml and labels.csv are
    #[arg(value_name = "CORPUS_DIRECTORY")]
    corpus: PathBuf,

    /// Print one JSON object, with every figure at every grade
    #[arg(long)]
    json: bool,

    /// An MMDB file to ask beside the embedded database of countries; may be given several times
    #[arg(long = "database", value_name = "FILE")]
    databases: Vec<PathBuf>,

    /// Addresses of which is known where they are, as for `pehra judge --landmarks`
    #[arg(long, value_name = "FILE")]
    landmarks: Option<PathBuf>,

    /// Of 100 addresses, how many are outside where the judge is put to use: precision is also told for that
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent)]
    base_rate: f64,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if percent > 0.0 && percent < 100.0 { Ok(percent) } else { Err("more than 0 and less than 100".to_owned()) }
}

/// The exit status for a command line that makes no sense, for input that cannot be used, and for output that cannot be
/// written (`sysexits.h`).
const USAGE: u8 = 64;
const UNUSABLE: u8 = 65;
const UNWRITABLE: u8 = 74;

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => ExitCode::from(run(&arguments, &mut io::stdout(), &mut io::stderr())),
        Err(error) => {
            let _ = error.print();
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            ExitCode::from(if asked_for { 0 } else { USAGE })
        }
    }
}

fn run(arguments: &Arguments, out: &mut impl Write, complaints: &mut impl Write) -> u8 {
    let report = measure(arguments);
    match report.and_then(|report| if arguments.json { report.json() } else { Ok(text::of(&report)) }) {
        Ok(printed) => out.write_all(printed.as_bytes()).map_or(UNWRITABLE, |()| 0),
        Err(Fault(why)) => {
            let _ = writeln!(complaints, "tests/accuracy: {why}");
            UNUSABLE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Report, Fault> {
    let corpus = Corpus::read(&arguments.corpus)?;
    let bench = Bench::open(&arguments.databases, arguments.landmarks.as_deref(), &corpus)?;
    Ok(Report::of(&corpus, &bench, arguments.base_rate / 100.0))
}

#[cfg(test)]
mod tests;
