//! What a prober has done so far, as plain numbers.

use std::collections::BTreeMap;

use super::Protocol;
use super::switchboard::Receipt;

/// What the prober has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Probes sent.
    pub sent: BTreeMap<Protocol, u64>,
    /// Probes that could not be sent.
    pub unsent: BTreeMap<Protocol, u64>,
    /// What was received, and what became of it.
    pub received: BTreeMap<Receipt, u64>,
    /// What came and was thrown away by the kernel, as its buffer was full. It tells with the next message that it has
    /// room for, and for raw sockets alone.
    pub lost: u64,
}
