//! argv as a type. Each command declares its own arguments beside its `run`; this is their list.

use std::ffi::OsString;
use std::io::Write;

use clap::builder::Styles;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::command::check::Check;
use crate::command::geodb::GeodbCommand;
use crate::command::inspect::Inspect;
use crate::command::judge::Judge;
use crate::command::run::Run;
use crate::command::trace::TraceCommand;
use crate::command::{Exit, without_probing};
use crate::printable::{Printable, is_hostile};

/// Where the configuration is looked for.
pub const CONFIG: &str = "/etc/pehra/pehra.toml";

/// A data-residency watch: where government services really answer from, with the evidence.
#[derive(Debug, Parser)]
#[command(name = "pehra", version, arg_required_else_help = true, after_help = EXITS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXITS: &str = "\
Exit status:
  0   done; for inspect and judge: compliant or exempt
  2   inspect and judge: breach
  3   inspect and judge: unproven or suspect
  64  the command line makes no sense
  65  input that cannot be read
  68  trace: a name without an address
  74  a file, socket or directory that is needed cannot be had
  77  no permission
  78  the configuration is wrong
  130 trace: stopped before all was traced";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch the endpoints of the configuration, until told to stop
    Run(Run),
    /// Validate the configuration and everything it names; print every error as `file:line: key: fault: cure`
    Check(Check),
    /// Look at endpoints once, now
    Inspect(Inspect),
    /// Judge what was observed before: journals, and what RIPE Atlas and scamper measured
    Judge(Judge),
    /// Trace the paths to addresses and names, for a person or as RIPE Atlas results
    Trace(TraceCommand),
    /// What the databases of places and networks are, and what they say of an address
    Geodb(GeodbCommand),
}

impl Cli {
    /// What the command line asks for, or how to exit because it asks for help, for the version or for nothing known.
    pub fn parse_or_exit() -> Result<Self, Exit> {
        Self::try_parse().map_err(|error| {
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let printed = match printable(std::env::args_os()) {
                Some(said) if !asked_for => writeln!(anstream::stderr(), "{said}").is_ok(),
                Some(_) | None => error.print().is_ok(),
            };
            if asked_for && printed { Exit::Fine } else { Exit::Usage }
        })
    }
}

/// What is wrong with arguments that hold something that a terminal would obey, without colours and with that escaped;
/// `None` for all others.
fn printable(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let arguments: Vec<_> = arguments.collect();
    let is_plain = |argument: &OsString| !argument.to_string_lossy().chars().any(is_hostile);
    if arguments.iter().all(is_plain) {
        return None;
    }
    let error = Cli::command().styles(Styles::plain()).try_get_matches_from(arguments).err()?;
    let said = error.render().ansi().to_string();
    let lines: Vec<_> = said.lines().map(|line| Printable(line).to_string()).collect();
    Some(lines.join("\n"))
}

impl Command {
    /// Does it.
    pub fn run(self) -> Exit {
        match self {
            Self::Run(run) => run.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Trace(trace) => trace.run(),
            Self::Check(check) => without_probing(|| check.run()),
            Self::Judge(judge) => without_probing(|| judge.run()),
            Self::Geodb(geodb) => without_probing(|| geodb.run()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(arguments: &[&str]) -> Option<String> {
        printable(["pehra"].iter().chain(arguments).map(OsString::from))
    }

    #[test]
    fn what_is_typed_cannot_drive_the_terminal() {
        let hostile = "a\u{1b}[31m.gov.pk";
        for arguments in [["inspect", hostile], ["check", hostile], [hostile, ""], ["judge", "--\u{1b}]0;x\u{7}"]] {
            let said = said(&arguments).unwrap();
            assert!(said.contains("\\u{1b}") && !said.contains(['\u{1b}', '\u{7}']), "{said:?}");
        }
        assert_eq!(said(&["inspect", "a_b.gov.pk:x"]), None);
    }
}
