//! When a datagram really came: the kernel's receive stamp, on the monotonic clock.
//!
//! The kernel stamps with the wall clock, which can be stepped; both clocks are slewed alike. The difference between
//! them was read when the socket was last found empty and is read again now; a datagram came in between, so the
//! smaller difference gives an arrival that may be too late by a step, but is never too early. A round-trip time may
//! be overstated, never understated.
//!
//! Over a sleep of this host the monotonic clock stands still, and an answer seems quicker than it was: see
//! [`crate::edge::vigil`].

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::moment::Moment;

/// When the datagrams of one socket came.
#[derive(Debug)]
pub(super) struct Arrivals {
    emptied: Moment,
}

impl Arrivals {
    /// For a socket that was empty at this moment.
    pub(super) fn since(emptied: Moment) -> Self {
        Self { emptied }
    }

    /// The socket was found empty by a call that began at this moment.
    pub(super) fn mark(&mut self, emptied: Moment) {
        self.emptied = emptied;
    }

    /// When a datagram came that is read `now` and stamped `stamp`.
    pub(super) fn arrival(&self, stamp: Option<Timestamp>, now: Moment) -> Moment {
        let by = |reading: Moment| stamp.and_then(|stamp| translated(stamp, reading));
        let mono = by(now).zip(by(self.emptied)).map_or(now.mono, |(one, other)| one.max(other).min(now.mono));
        Moment { wall: now.wall, mono }
    }
}

/// The monotonic instant of `stamp`, by the difference between the clocks at `reading`.
fn translated(stamp: Timestamp, reading: Moment) -> Option<Instant> {
    let since = stamp.duration_since(reading.wall);
    let distance: Duration = since.unsigned_abs();
    if since.is_negative() { reading.mono.checked_sub(distance) } else { reading.mono.checked_add(distance) }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::edge::clock;

    fn after(reading: Moment, milliseconds: u64) -> Moment {
        reading.after(Duration::from_millis(milliseconds))
    }

    fn stepped(reading: Moment, milliseconds: i64) -> Moment {
        Moment { wall: reading.wall + SignedDuration::from_millis(milliseconds), ..reading }
    }

    #[test]
    fn a_datagram_came_when_it_was_stamped_however_late_it_is_read() {
        let emptied = clock::now();
        let came = after(emptied, 10);
        let arrival = Arrivals::since(emptied).arrival(Some(came.wall), after(emptied, 250));
        assert_eq!(arrival.mono, came.mono);
    }

    #[test]
    fn no_step_of_the_wall_clock_makes_an_arrival_too_early() {
        let emptied = clock::now();
        let (came, read) = (after(emptied, 10), after(emptied, 30));
        for step in [-86_400_000, -20, -1, 1, 5, 86_400_000] {
            let stamped_before = Arrivals::since(emptied).arrival(Some(came.wall), stepped(read, step));
            let stamped_after = Arrivals::since(emptied).arrival(Some(stepped(came, step).wall), stepped(read, step));
            for arrival in [stamped_before, stamped_after] {
                assert!((came.mono..=read.mono).contains(&arrival.mono), "{step}");
            }
        }
    }

    #[test]
    fn without_a_stamp_a_datagram_came_when_it_was_read() {
        let emptied = clock::now();
        assert_eq!(Arrivals::since(emptied).arrival(None, after(emptied, 7)).mono, after(emptied, 7).mono);
    }
}
