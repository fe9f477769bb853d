//! argv as a type. Each command declares its own arguments beside its `run`; this is their list.

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::command::check::Check;
use crate::command::geodb::GeodbCommand;
use crate::command::inspect::Inspect;
use crate::command::judge::Judge;
use crate::command::run::Run;
use crate::command::{Exit, without_probing};

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
  74  a file, socket or directory that is needed cannot be had
  77  no permission
  78  the configuration is wrong";

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
    /// What the databases of places and networks are, and what they say of an address
    Geodb(GeodbCommand),
}

impl Cli {
    /// What the command line asks for, or how to exit because it asks for help, for the version or for nothing known.
    pub fn parse_or_exit() -> Result<Self, Exit> {
        Self::try_parse().map_err(|error| {
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let printed = error.print().is_ok();
            if asked_for && printed { Exit::Fine } else { Exit::Usage }
        })
    }
}

impl Command {
    /// Does it.
    pub fn run(self) -> Exit {
        match self {
            Self::Run(run) => run.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Check(check) => without_probing(|| check.run()),
            Self::Judge(judge) => without_probing(|| judge.run()),
            Self::Geodb(geodb) => without_probing(|| geodb.run()),
        }
    }
}
