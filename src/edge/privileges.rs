//! Drops `CAP_NET_RAW` once the sockets are open: whoever breaks in afterwards cannot open another.

use std::io;

use caps::errors::CapsError;
use caps::{CapSet, Capability};

/// The capability could not be given up.
#[derive(Debug, thiserror::Error)]
#[error("failed to drop CAP_NET_RAW: {0}; run without it, and probing is done by the error queue")]
pub struct DropError(#[from] CapsError);

/// Whether this thread holds `CAP_NET_RAW` in any set from which it could be used or come back.
pub fn holds_raw() -> bool {
    [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable, CapSet::Ambient]
        .into_iter()
        .any(|set| caps::has_cap(None, set, Capability::CAP_NET_RAW).unwrap_or(false))
}

/// Drops `CAP_NET_RAW` from every set of this thread and of all threads it will start.
///
/// Capabilities belong to threads, so this is called before there is a second one. The bounding set, which only
/// matters to programs that are executed later, needs `CAP_SETPCAP` and is left alone without it.
pub fn drop_raw() -> Result<(), DropError> {
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        caps::drop(None, CapSet::Bounding, Capability::CAP_NET_RAW)?;
    }
    for set in [CapSet::Ambient, CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        if caps::has_cap(None, set, Capability::CAP_NET_RAW)? {
            caps::drop(None, set, Capability::CAP_NET_RAW)?;
        }
    }
    Ok(())
}

/// Whether an error says that a capability is missing.
pub(super) fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_dropped_it_holds_it_no_more() {
        std::thread::spawn(|| {
            drop_raw().unwrap();
            assert!(!holds_raw());
            drop_raw().unwrap();
        })
        .join()
        .unwrap();
    }
}
