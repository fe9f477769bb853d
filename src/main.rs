//! argv → command → exit code.

use std::process::ExitCode;

use pehra::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse_or_exit() {
        Ok(cli) => cli.command.run().into(),
        Err(exit) => exit.into(),
    }
}
