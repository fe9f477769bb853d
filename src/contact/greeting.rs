//! SMTP: how a mail server greets (RFC 5321 section 3.1).

use serde::{Deserialize, Serialize};

pub mod reply;

/// The most characters of a greeting that are kept.
pub const MOST_GREETING: usize = 256;

/// What a mail server said before anything was asked of it but what it can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Greeting {
    /// It greeted.
    Heard {
        /// The code of its greeting: 220 where it takes mail.
        code: u16,
        /// The first line of it, cut at [`MOST_GREETING`] characters.
        text: String,
        /// Whether it offers STARTTLS.
        starttls: bool,
    },
    /// It did not.
    Failed(GreetingFailure),
}

/// Why there was no greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GreetingFailure {
    /// Nothing came in time.
    Timeout,
    /// The connection was closed.
    Closed,
    /// What came is no SMTP.
    Malformed,
}
