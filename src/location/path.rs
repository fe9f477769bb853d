//! Which way packets go: whether a path leaves home, stays in, or cannot be told.

use serde::{Deserialize, Serialize};

/// Which way a path goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// It stays at home.
    Inside,
    /// It leaves home.
    Outside,
    /// It cannot be told; an invisible path is never domestic.
    Unknown,
}

impl Way {
    /// The word used in JSON and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Unknown => "unknown",
        }
    }
}

/// Which way a path goes, and why we think so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathReading {
    /// The way.
    pub way: Way,
    /// The facts, in words.
    pub because: Vec<String>,
    /// How many hops were asked, up to the target or the last that answered.
    pub hops: u8,
}
