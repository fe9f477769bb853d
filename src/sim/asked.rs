//! What comes of it when a round asks the simulated world, and how long it takes.

use std::net::IpAddr;
use std::time::Duration;

use crate::contact::call::Call;
use crate::contact::{Contact, ContactFailure, ContactOutcome};
use crate::moment::{Moment, Rtt};
use crate::resolution::chain::Resolved;
use crate::resolution::pointer::{Pointed, Pointer};
use crate::resolution::{AddressFamily, NameFailure, Outcome, Resolution, View};
use crate::workload::HostName;

use super::internet::Knock;
use super::world::World;
use super::written::Connection;

/// How long a resolver in the next room takes.
const LOOKUP: Duration = Duration::from_millis(20);

/// How long a resolver is waited for that says nothing: two attempts of five seconds (resolv.conf(5)).
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the name of an address is waited for.
const POINTER_TIMEOUT: Duration = Duration::from_secs(2);

impl World {
    /// What a view answers, and after how long.
    pub(super) fn resolve(
        &self,
        view: View,
        name: HostName,
        family: AddressFamily,
        now: Moment,
    ) -> (Duration, Resolution) {
        let Resolved { outcome, followed } = match self.internet.connection {
            Connection::Up => self.names.answer(&view, &name, family),
            Connection::Down => NameFailure::Unreachable.into(),
            Connection::Dark => NameFailure::Timeout.into(),
        };
        let elapsed = match (&outcome, self.internet.connection) {
            (_, Connection::Down) => Duration::ZERO,
            (Outcome::Failed(NameFailure::Timeout), _) => LOOKUP_TIMEOUT,
            (Outcome::Failed(_) | Outcome::Answered(_), _) => LOOKUP,
        };
        let elapsed_ns = Rtt::from_duration(elapsed);
        (
            elapsed,
            Resolution {
                name,
                family,
                view,
                server: None,
                asked: now.wall,
                elapsed_ns,
                outcome,
                followed,
                subnet: None,
            },
        )
    }

    /// What an address is called, and after how long that is known.
    pub(super) fn point(&self, view: View, address: IpAddr, now: Moment) -> (Duration, Pointer) {
        let (elapsed, outcome) = match self.internet.connection {
            Connection::Up => (LOOKUP, self.names.point(address)),
            Connection::Down => (Duration::ZERO, Pointed::Failed(NameFailure::Unreachable)),
            Connection::Dark => (POINTER_TIMEOUT, Pointed::Failed(NameFailure::Timeout)),
        };
        (elapsed, Pointer { address, view, server: None, asked: now.wall, outcome })
    }

    /// What comes of attempts to connect, one after the other, and after how long.
    pub(super) fn contact(&mut self, call: &Call, now: Moment) -> (Duration, Contact) {
        let Call { address, port, attempts, timeout, .. } = *call;
        let vantage = self.vantage;
        let knocks: Vec<_> = (0..attempts).map(|_| self.internet.knock(vantage, address, port)).collect();
        let elapsed = knocks.iter().map(|knock| duration(*knock, timeout)).sum();
        let outcome = outcome(&knocks, timeout);
        (
            elapsed,
            Contact { speech: call.speech.clone(), ..Contact::silent(address, port, now.wall, attempts, outcome) },
        )
    }
}

fn duration(knock: Knock, timeout: Duration) -> Duration {
    match knock {
        Knock::Open(rtt) | Knock::Reset(rtt) | Knock::Unreachable(rtt) => rtt.min(timeout),
        Knock::Nothing => timeout,
        Knock::Unsent => Duration::ZERO,
    }
}

fn outcome(knocks: &[Knock], timeout: Duration) -> ContactOutcome {
    let within = |wanted: fn(&Knock) -> Option<Duration>| {
        let times: Vec<_> = knocks.iter().filter_map(wanted).filter(|rtt| *rtt <= timeout).collect();
        let best = times.iter().min().map(|rtt| Rtt::from_duration(*rtt));
        best.map(|rtt_ns| (rtt_ns, u8::try_from(times.len()).unwrap_or(u8::MAX)))
    };
    let opened = within(|knock| match knock {
        Knock::Open(rtt) => Some(*rtt),
        Knock::Reset(_) | Knock::Unreachable(_) | Knock::Nothing | Knock::Unsent => None,
    });
    let reset = within(|knock| match knock {
        Knock::Reset(rtt) => Some(*rtt),
        Knock::Open(_) | Knock::Unreachable(_) | Knock::Nothing | Knock::Unsent => None,
    });
    if let Some((rtt_ns, samples)) = opened {
        ContactOutcome::Connected { rtt_ns, samples }
    } else if let Some((rtt_ns, samples)) = reset {
        ContactOutcome::Refused { rtt_ns, samples }
    } else if knocks.contains(&Knock::Unsent) {
        ContactOutcome::Failed(ContactFailure::Unsent)
    } else if knocks.iter().any(|knock| matches!(knock, Knock::Unreachable(_))) {
        ContactOutcome::Failed(ContactFailure::Unreachable)
    } else {
        ContactOutcome::Failed(ContactFailure::Timeout)
    }
}
