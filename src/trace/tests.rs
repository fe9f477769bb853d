//! What the tests of the tracer and of the switchboard share.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::moment::Moment;

pub(super) mod world;

/// The first moment of a test.
#[expect(clippy::disallowed_methods, reason = "a monotonic instant can only be had from the clock")]
pub(super) fn noon() -> Moment {
    Moment { wall: Timestamp::UNIX_EPOCH, mono: std::time::Instant::now() }
}

/// The target of the tests.
pub(super) fn target() -> IpAddr {
    [203, 101, 184, 84].into()
}

/// The `n`th router of the tests.
pub(super) fn router(n: u8) -> IpAddr {
    [198, 18, 0, n].into()
}
