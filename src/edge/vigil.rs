//! Whether this host has slept.
//!
//! While it sleeps, the monotonic clock stands still, and what comes meanwhile or right after seems quicker than it was.
//! Whoever times something holds a vigil over it: what a sleep fell into has no time.
//!
//! Known limit: where a hypervisor pauses this host and stops all its clocks, nothing within it can tell. Where
//! they run on meanwhile, times come out too long, which harms nothing.

use std::time::Duration;

use tracing::info;

use super::clock::{self, Asleep};
use crate::trace::switchboard::Switchboard;

/// A sleep this short is none: light goes 15 km and back meanwhile, and falling asleep takes a host far longer.
const UNNOTICED: Duration = Duration::from_micros(100);

/// Since when it is watched that nobody sleeps.
#[derive(Debug)]
pub(super) struct Vigil {
    /// How long the host had slept at the least.
    asleep: Duration,
}

impl Vigil {
    /// From now on.
    pub(super) fn begin() -> Self {
        Self::since(clock::asleep())
    }

    fn since(asleep: Asleep) -> Self {
        Self { asleep: asleep.least }
    }

    /// Whether the host has slept since this was last asked, or since it began. When that cannot be excluded, it has.
    pub(super) fn has_slept(&mut self) -> bool {
        self.has_slept_by(clock::asleep())
    }

    /// Tells the switchboard when the host has slept, before it is told of anything that may have come meanwhile.
    pub(super) fn keep(&mut self, switchboard: &mut Switchboard) {
        self.keep_by(clock::asleep(), switchboard);
    }

    fn keep_by(&mut self, now: Asleep, switchboard: &mut Switchboard) {
        if self.has_slept_by(now) {
            info!("this host has slept: what probes in flight are answered counts for nothing");
            switchboard.handle_suspension(clock::now());
        }
    }

    fn has_slept_by(&mut self, now: Asleep) -> bool {
        let has_slept = now.most.saturating_sub(self.asleep) > UNNOTICED;
        if has_slept {
            self.asleep = self.asleep.max(now.least);
        }
        has_slept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::AnswerKind;
    use crate::trace::Protocol::Icmp;
    use crate::trace::pace::Pace;
    use crate::trace::packet::checksum::Sum;
    use crate::trace::plan::Plan;
    use crate::trace::switchboard::Receipt;

    /// A comparison of the clocks in microseconds.
    fn asleep(least: u64, most: u64) -> Asleep {
        Asleep { least: Duration::from_micros(least), most: Duration::from_micros(most) }
    }

    #[test]
    fn a_sleep_is_noticed_once() {
        let mut vigil = Vigil::since(asleep(1_000, 1_001));
        assert!(!vigil.has_slept_by(asleep(1_000, 1_002)));
        assert!(vigil.has_slept_by(asleep(9_000, 9_001)));
        assert!(!vigil.has_slept_by(asleep(9_000, 9_001)));
        assert!(vigil.has_slept_by(asleep(3_600_000_000, 3_600_000_001)));
    }

    #[test]
    fn short_sleeps_add_up() {
        let mut vigil = Vigil::since(asleep(0, 1));
        let noticed = (0..=1_000).filter(|sleeps| vigil.has_slept_by(asleep(sleeps * 30, sleeps * 30 + 1))).count();
        assert_eq!(noticed, 250);
    }

    #[test]
    fn who_was_put_aside_between_the_clocks_may_have_slept() {
        let mut vigil = Vigil::since(asleep(500, 501));
        assert!(vigil.has_slept_by(asleep(300, 4_000)), "no comparison shorter than 3.7 ms could be had");
        assert!(!vigil.has_slept_by(asleep(500, 501)), "it had not");
        let mut begun_badly = Vigil::since(asleep(300, 4_000));
        assert!(begun_badly.has_slept_by(asleep(500, 501)));
        assert!(!begun_badly.has_slept_by(asleep(500, 501)));
    }

    #[test]
    fn what_is_answered_over_a_sleep_is_no_time() {
        let plan = |last| Plan { attempts: 1, last_ttl: 2, ..Plan::for_address([192, 0, 2, last].into(), Icmp, 7) };
        for (slept, receipt) in [(0, Receipt::Booked(Icmp, AnswerKind::EchoReply)), (60_000_000, Receipt::Surplus)] {
            let mut switchboard = Switchboard::new(1, Pace::default());
            let mut vigil = Vigil::since(asleep(70, 71));
            switchboard.start(plan(9), clock::now());
            let probe = switchboard.poll_transmit(clock::now()).unwrap();
            let mut answer = probe.datagram([192, 0, 2, 1].into());
            answer[20..24].copy_from_slice(&[0; 4]);
            let sum = Sum::default().bytes(&answer[20..]).checksum().to_be_bytes();
            answer[22..24].copy_from_slice(&sum);
            vigil.keep_by(asleep(70 + slept, 71 + slept), &mut switchboard);
            assert_eq!(switchboard.handle_datagram(&answer, probe.target, clock::now()), receipt);
        }
    }

    #[test]
    fn this_host_does_not_sleep_while_it_is_tested() {
        let mut vigil = Vigil::begin();
        assert!((0..1_000).any(|_| !vigil.has_slept()));
    }
}
