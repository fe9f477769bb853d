//! Endpoint → observation: drives a [`Round`] against the world.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use crate::contact::Contact;
use crate::edge::clock;
use crate::resolution::Resolution;
use crate::resolution::pointer::Pointer;
use crate::resolution::zone::Zone;
use crate::round::{Ask, End, Reason, Round, RoundSettings};
use crate::trace::Trace;

use super::world::World;

enum Answer {
    Resolution(Resolution),
    Trace(Trace),
    Contact(Contact),
    Pointer(Pointer),
    Zone(Zone),
}

/// One round of one endpoint, now. Tasks still under way when it is over are dropped with it.
pub async fn inspect(settings: RoundSettings, world: &World) -> Option<End> {
    let mut round = Round::new(settings, clock::now());
    let mut answers = JoinSet::new();
    loop {
        while let Some(ask) = round.poll_ask() {
            world.put(ask, &mut round, &mut answers);
        }
        if let Some(end) = round.poll_end() {
            return Some(end);
        }
        let (deadline, Reason::Deadline) = round.poll_timeout()?;
        tokio::select! {
            Some(answered) = answers.join_next() => match answered {
                Ok(answer) => hand_in(&mut round, answer),
                // The deadline records what this task would have told.
                Err(error) => error!(%error, "a measurement broke off"),
            },
            () = sleep_until(Instant::from_std(deadline)) => round.handle_timeout(clock::now()),
        }
    }
}

impl World {
    fn put(&self, ask: Ask, round: &mut Round, answers: &mut JoinSet<Answer>) {
        match ask {
            Ask::Lookup { view, name, family } => {
                let resolvers = Arc::clone(&self.resolvers);
                answers.spawn(async move { Answer::Resolution(resolvers.lookup(&view, &name, family).await) });
            }
            Ask::Trace(plan) => {
                let prober = self.prober.clone();
                answers.spawn(async move { Answer::Trace(prober.trace(plan).await) });
            }
            Ask::Contact(call) => {
                let (caller, turns) = (Arc::clone(&self.caller), Arc::clone(&self.turns));
                answers.spawn(async move { Answer::Contact(caller.call(&call, &turns).await) });
            }
            Ask::Pointer { view, address } => {
                let (resolvers, pointers) = (Arc::clone(&self.resolvers), Arc::clone(&self.pointers));
                answers.spawn(async move { Answer::Pointer(pointers.point(&resolvers, &view, address).await) });
            }
            Ask::Visit(call) => {
                let (caller, turns) = (Arc::clone(&self.caller), Arc::clone(&self.turns));
                let recent = Arc::clone(&self.recent);
                answers.spawn(async move { Answer::Contact(recent.call(&caller, &call, &turns).await) });
            }
            Ask::Zone { view, name } => {
                let (resolvers, zones) = (Arc::clone(&self.resolvers), Arc::clone(&self.zones));
                let probing = round.probing().clone();
                answers.spawn(async move {
                    let permits = |address| probing.admits(address);
                    Answer::Zone(zones.zone(&resolvers, &view, &name, &permits).await)
                });
            }
            Ask::Claims { addresses, names, labels, aliases } => {
                let of_addresses = addresses.into_iter().flat_map(|address| self.geodb.claims(address));
                let of_names = names.iter().filter_map(|(address, name)| self.geodb.named(*address, name));
                let of_labels = labels.iter().filter_map(|(address, label)| self.geodb.serving(*address, label));
                let claims = of_addresses.chain(of_names).chain(of_labels).collect();
                let operators = aliases.iter().filter_map(|name| self.geodb.operator_of(name)).collect();
                round.handle_claims(claims, operators, self.geodb.digests(), clock::now());
            }
        }
    }
}

fn hand_in(round: &mut Round, answer: Answer) {
    match answer {
        Answer::Resolution(resolution) => round.handle_resolution(resolution, clock::now()),
        Answer::Trace(trace) => round.handle_trace(trace, clock::now()),
        Answer::Contact(contact) => round.handle_contact(contact, clock::now()),
        Answer::Pointer(pointer) => round.handle_pointer(pointer),
        Answer::Zone(zone) => round.handle_zone(zone, clock::now()),
    }
}
