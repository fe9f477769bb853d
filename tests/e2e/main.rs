//! The real binary in a small internet of its own: real kernel routers, a real name server, a real Alertmanager.
//!
//! Each story builds one lab of network namespaces, which dies with it. What a story needs and this host lacks is
//! named: with `CI` set that fails every story, without it they are counted as ignored, never as passed.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a story fails by panicking, tells what it measured, reads the clock and writes the files of its lab"
)]

mod lab;
mod stories;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if let Some(role) = arguments.next().as_deref().and_then(lab::Role::parse) {
        return role.play(&arguments.collect::<Vec<_>>());
    }
    let options = Arguments::from_args();
    let missing = lab::missing_prerequisites();
    let must_run = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    if !missing.is_empty() && !options.list {
        let verdict = if must_run { "failed" } else { "skipped" };
        eprintln!("{verdict}: {} end-to-end stories: {}", stories::ALL.len(), missing.join("; "));
    }
    let trials = stories::ALL.iter().map(|&(name, story)| {
        let missing = missing.clone();
        let ignored = !missing.is_empty() && !must_run;
        Trial::test(name, move || {
            if !missing.is_empty() {
                return Err(format!("cannot run: {}", missing.join("; ")).into());
            }
            story();
            Ok(())
        })
        .with_ignored_flag(ignored)
    });
    libtest_mimic::run(&options, trials.collect()).exit_code()
}
