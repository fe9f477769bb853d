//! `pehra trace --multipath`: what is wanted of all the ways, and one target's ways from its probes.

use clap::Args;
use tokio::task::JoinSet;

use crate::edge::prober::{Ended, ProberHandle};
use crate::trace::multipath::{Confidence, Method, Multipath, Multipaths, Wanted};
use crate::trace::plan::Plan;

/// What of the command line is about all the ways.
#[derive(Debug, Args)]
pub(super) struct MultipathArguments {
    /// Find all the ways: who is next at every hop, by many flows; better by udp or tcp than by icmp. lite (the default)
    /// looks router by router only where ways are seen to mesh or to be uneven, full everywhere
    #[arg(long, value_name = "METHOD", num_args = 0..=1, require_equals = true, default_missing_value = "lite",
        conflicts_with = "attempts")]
    multipath: Option<Method>,

    /// How sure each hop is to be that it has no more next hops than were found, a probability from 0.5 to 0.999. With
    /// --multipath 0.95 unless said otherwise, and 0.999 before --share takes a hop over
    #[arg(long, value_name = "PROBABILITY", requires = "many")]
    confidence: Option<Confidence>,

    /// The most probes for the ways to one target, 100 to 20000
    #[arg(long, value_name = "COUNT", default_value_t = 2000, requires = "multipath",
        value_parser = clap::value_parser!(u16).range(100..=20_000))]
    max_probes: u16,
}

impl MultipathArguments {
    /// How sure it is to be, if that was said.
    pub(super) fn confidence(&self) -> Option<Confidence> {
        self.confidence
    }

    /// What is wanted; `None` where one path is.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let (confidence, probes) = (self.confidence.unwrap_or_default(), usize::from(self.max_probes));
        self.multipath.map(|method| Wanted { confidence, method, probes })
    }
}

/// All the ways to the target of `plan`. When the prober stops, they are what was seen until then; `None` when a probe was
/// lost with its task.
pub(super) async fn ways(prober: &ProberHandle, plan: &Plan, wanted: Wanted, seed: u64) -> Option<Multipaths> {
    let mut machine = Multipath::new(plan, wanted, seed);
    let mut asked = JoinSet::new();
    loop {
        while let Some(plan) = machine.poll_ask() {
            let prober = prober.clone();
            asked.spawn(async move {
                let ended = prober.attempt(plan.clone()).await;
                (plan, ended)
            });
        }
        if let Some(paths) = machine.poll_paths() {
            return Some(paths);
        }
        let (plan, Ended { trace, is_broken_off }) = asked.join_next().await?.ok()?;
        machine.handle_trace(&plan, trace);
        if is_broken_off {
            machine.handle_stop();
        }
    }
}
