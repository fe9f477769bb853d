//! What a trace that is over has found.

use super::Tracer;
use crate::trace::{Ending, Hop, Trace};

impl Tracer {
    pub(super) fn trace(&mut self) -> Trace {
        let end = self.end().unwrap_or(u8::MAX);
        let hops: Vec<Hop> = (self.plan.first_ttl..=end)
            .zip(std::mem::take(&mut self.hops))
            .map(|(ttl, hop)| {
                let silent = hop.silent + hop.in_flight;
                Hop { ttl, answers: hop.answers, silent, inherited: hop.inherited }
            })
            .filter(|hop| hop.silent > 0 || !hop.answers.is_empty())
            .collect();
        Trace {
            target: self.plan.target,
            protocol: self.plan.protocol,
            started: self.started.wall,
            port: self.plan.stated_port(),
            flow: Some(self.plan.flow),
            ending: self.ending(&hops),
            hops,
        }
    }

    fn ending(&self, hops: &[Hop]) -> Ending {
        let silent = hops.iter().rev().take_while(|hop| hop.answers.is_empty()).count();
        match self.blocked_at {
            _ if self.reached_at.is_some() => Ending::Reached,
            Some((_, ending)) => ending,
            None if hops.is_empty() && !self.probes.is_empty() => Ending::Unsent,
            None if self.overdue => Ending::Overdue,
            None if silent >= usize::from(self.plan.gap_limit) => Ending::Silent,
            None => Ending::Exhausted,
        }
    }
}
