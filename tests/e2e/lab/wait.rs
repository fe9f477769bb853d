//! Waiting for an event, with a deadline: nothing in a story sleeps for a time that somebody guessed.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a condition that cannot wake us is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Looks again and again until `look` yields something, and fails the story when `within` has passed before that.
pub(crate) fn wait_for<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {within:?} for {what}");
        sleep(LOOK_EVERY);
    }
}
