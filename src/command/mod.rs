//! What a person at a shell, or systemd, can ask for: each command is a struct of its arguments and a `run`.

use std::io::Write;
use std::process::ExitCode;

use crate::edge::privileges;
use crate::verdict::Standing;

pub mod check;
pub mod inspect;
pub mod judge;
pub mod geodb;
pub mod logging;
pub mod run;
pub mod trace;
mod verdicts;

/// How a command ends. The numbers are those of product.md and `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done; for a verdict, compliant or exempt.
    Fine,
    /// The worst verdict is a breach.
    Breach,
    /// The worst verdict is unproven or suspect.
    Doubt,
    /// The command line makes no sense (`EX_USAGE`; clap's own 2 would read as a breach).
    Usage,
    /// Input that cannot be read (`EX_DATAERR`).
    Unreadable,
    /// A name has no address (`EX_NOHOST`).
    NoHost,
    /// A file, socket or directory that we need cannot be had (`EX_IOERR`).
    Failed,
    /// No permission (`EX_NOPERM`).
    NoPermission,
    /// The configuration is wrong (`EX_CONFIG`).
    BadConfiguration,
    /// A signal ended it before it was done (128 and the number of SIGINT, as shells have it).
    Stopped,
}

impl Exit {
    /// The exit of a command whose worst verdict is `standing`.
    pub fn of(standing: Standing) -> Self {
        match standing {
            Standing::Compliant | Standing::Notice | Standing::Exempt => Self::Fine,
            Standing::Unproven | Standing::Suspect => Self::Doubt,
            Standing::Breach => Self::Breach,
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Breach => 2,
            Self::Doubt => 3,
            Self::Usage => 64,
            Self::Unreadable => 65,
            Self::NoHost => 68,
            Self::Failed => 74,
            Self::NoPermission => 77,
            Self::BadConfiguration => 78,
            Self::Stopped => 130,
        }
    }
}

/// Runs a command that sends no probes: what foreigners wrote is read without the capability that only probes need.
pub fn without_probing(command: impl FnOnce() -> Exit) -> Exit {
    match privileges::drop_raw() {
        Ok(()) => command(),
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "pehra: {error}");
            Exit::NoPermission
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
