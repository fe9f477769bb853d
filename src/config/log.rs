//! `[log]`: what is logged, and where.

use super::section::Section;
use super::value;

/// What is logged, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// The least severity that is logged.
    pub level: LogLevel,
    /// Where it goes.
    pub target: LogTarget,
}

/// The least severity that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What stops us from doing our job.
    Error,
    /// What is worth waking someone.
    Warn,
    /// Changes of standing, start and stop.
    #[default]
    Info,
    /// Each round, with the names and addresses in it.
    Debug,
    /// Each packet.
    Trace,
}

impl LogLevel {
    /// The word used in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Where the log goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// The journal of systemd when it started us, standard error otherwise.
    #[default]
    Auto,
    /// Standard error.
    Stderr,
    /// The journal of systemd.
    Journald,
}

/// Reads the section.
pub(super) fn read(root: &Section<'_>) -> LogConfig {
    let section = root.section("log");
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let levels = levels.map(|level| (level.as_str(), level));
    let targets = [("auto", LogTarget::Auto), ("stderr", LogTarget::Stderr), ("journald", LogTarget::Journald)];
    LogConfig {
        level: section.or("level", LogLevel::default(), |v| value::word(v, &levels)),
        target: section.or("target", LogTarget::default(), |v| value::word(v, &targets)),
    }
}
