//! Where the log goes: to the journal when standard error is the journal's, else to standard error.
//!
//! Levels: per packet TRACE; names and addresses of watched systems never above DEBUG unless they are the subject of an
//! alert; changes of standing INFO or WARN; ERROR is what somebody has to mend.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log at the levels `filter` names; what is no filter counts as `error`.
pub fn start(filter: &str) {
    let filter = quietened(EnvFilter::builder().parse(filter).unwrap_or_else(|_| EnvFilter::new("error")), filter);
    let registry = tracing_subscriber::registry().with(filter);
    let journal = if stderr_is_the_journal() { tracing_journald::layer().ok() } else { None };
    let started = match journal {
        Some(journal) => registry.with(journal.with_syslog_identifier("pehra".to_owned())).try_init(),
        None => registry.with(to_stderr()).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "the log was started before");
    }
}

/// What the validator of signatures finds wrong with the zones of strangers is for the verdict to tell, not for the log,
/// unless the filter asks for it.
fn quietened(filter: EnvFilter, text: &str) -> EnvFilter {
    match "hickory_net=off".parse() {
        Ok(silence) if !text.contains("hickory") => filter.add_directive(silence),
        Ok(_) | Err(_) => filter,
    }
}

fn to_stderr<S>() -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let colours = stderr().is_terminal() && variable("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(colours).with_target(false)
}

/// Whether standard error is the stream that systemd describes in `JOURNAL_STREAM` (`device:inode`, systemd.exec(5)).
fn stderr_is_the_journal() -> bool {
    let Some(described) = variable("JOURNAL_STREAM") else { return false };
    nix::sys::stat::fstat(stderr()).is_ok_and(|stat| described == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[expect(clippy::disallowed_methods, reason = "where the log goes is a matter of how we were started")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
