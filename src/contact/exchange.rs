//! HTTP: what was asked, what the answer says of itself, and where it sends us.

use serde::{Deserialize, Serialize};

use crate::moment::Rtt;
use crate::workload::HostName;

/// The most bytes of a body that are read.
pub const MOST_BODY: u64 = 512 << 10;

/// The most hosts of resources that are kept of one page.
pub const MOST_RESOURCES: usize = 64;

/// The most characters of a header's value that are kept.
pub const MOST_VALUE: usize = 512;

/// One request, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked for.
    pub url: String,
    /// What came of it.
    pub outcome: HttpOutcome,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpOutcome {
    /// An answer.
    Answered(Answer),
    /// None.
    Failed(HttpFailure),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// From the request to the end of the answer's head. The page may have been made meanwhile: no bound worth having.
    pub took_ns: Rtt,
    /// The headers that say something of who answers (see [`super::pop`]), `server`, `via` and `location`, each name in
    /// lower case; values are cut at [`MOST_VALUE`] characters.
    pub headers: Vec<(String, String)>,
    /// How many bytes of the body were read.
    pub body_bytes: u64,
    /// Whether it went on beyond [`MOST_BODY`], or beyond the time we had.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub body_cut: bool,
    /// Where it sends us: an absolute URL of `http` or `https`, where it sends us anywhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub redirect: Option<String>,
    /// Other hosts that a browser is sent to by the page, in order; none where that was not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub resources: Vec<HostName>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub resources_left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpFailure {
    /// Its head did not come in time.
    Timeout,
    /// The connection was closed before its head was complete.
    Closed,
    /// Its head is no HTTP, or too long.
    Malformed,
}
