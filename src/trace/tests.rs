use jiff::Timestamp;

use crate::moment::Moment;

/// The first moment of a test.
#[expect(clippy::disallowed_methods, reason = "a monotonic instant can only be had from the clock")]
pub(super) fn noon() -> Moment {
    Moment { wall: Timestamp::UNIX_EPOCH, mono: std::time::Instant::now() }
}
