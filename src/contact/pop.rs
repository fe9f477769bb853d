//! How the point of presence that answered calls itself: labels in headers, and in the answers of name servers.

use serde::{Deserialize, Serialize};

/// A label by which a point of presence names itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PopLabel {
    /// Where it was written: `cf-ray`, `x-amz-cf-pop`, `nsid`.
    pub source: String,
    /// What was written there.
    pub label: String,
}
