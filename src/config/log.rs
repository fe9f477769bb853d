//! `[log]`: what is logged.

use super::section::Section;
use super::value;

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

/// Reads the section.
pub(super) fn read(root: &Section<'_>) -> LogLevel {
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let levels = levels.map(|level| (level.as_str(), level));
    root.section("log").or("level", LogLevel::default(), |v| value::word(v, &levels))
}
