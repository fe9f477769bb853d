//! The virtual clock: hops from wake-up to wake-up of the real machines and carries what passes between them and the
//! simulated world.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::moment::Moment;
use crate::trace::Trace;
use crate::trace::pace::Pace;
use crate::trace::plan::Plan;

use super::agenda::Agenda;
use super::expect;
use super::log::Log;
use super::prober::Prober;
use super::scenario::{Scenario, Step};
use super::topology::NodeId;
use super::world::World;
use super::written::TraceWritten;

/// How long a trace that a step asks for may take before the run is given up.
const LONGEST_TRACE: Duration = Duration::from_mins(5);

/// How often machines may be woken at one and the same instant before something is wrong with them.
const MOST_WAKINGS: u32 = 10_000;

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was not as the scenario expects, step by step; empty when all was.
    pub failures: Vec<String>,
    /// What happened, in order, each line with the seconds since the beginning.
    pub log: Vec<String>,
    /// The SHA-256 of everything that happened, every packet included: equal runs have equal digests.
    pub digest: String,
}

/// Plays `scenario`; its clock begins at `first`, which only the caller can take from a real one.
pub fn run(scenario: &Scenario, first: Instant) -> Report {
    let mut simulation = Simulation::new(scenario, first);
    for step in &scenario.steps {
        simulation.play(step);
    }
    let (log, digest) = simulation.log.finish();
    Report { failures: simulation.failures, log, digest }
}

/// Something that will arrive.
#[derive(Debug)]
enum Event {
    Datagram { vantage: NodeId, from: IpAddr, bytes: Vec<u8> },
}

/// Who waits for a trace.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Step,
}

struct Simulation<'s> {
    scenario: &'s Scenario,
    world: World,
    first: Moment,
    now: Moment,
    agenda: Agenda<Event>,
    probers: BTreeMap<NodeId, Prober<Waiting>>,
    /// The traces of the step being played.
    traces: Vec<Trace>,
    log: Log,
    failures: Vec<String>,
}

impl<'s> Simulation<'s> {
    fn new(scenario: &'s Scenario, first: Instant) -> Self {
        let first = Moment { wall: scenario.start, mono: first };
        Self {
            scenario,
            world: scenario.world.clone(),
            first,
            now: first,
            agenda: Agenda::new(),
            probers: BTreeMap::new(),
            traces: Vec::new(),
            log: Log::default(),
            failures: Vec::new(),
        }
    }

    fn play(&mut self, step: &Step) {
        self.pass_until(self.first.mono + step.at, |_| false);
        if let Err(invalid) = self.world.change(&step.key, &step.written.change) {
            self.fail(&step.key, &invalid.to_string());
        }
        let sent = self.sent();
        self.traces.clear();
        for asked in &step.written.trace {
            self.trace(step, asked);
        }
        let expected = &step.written.expect;
        let mut failures = expect::traces(&expected.trace, &self.traces, &self.world.internet.topology);
        failures.extend(expect::at_most("probes sent", expected.probes_at_most, self.sent() - sent));
        for failure in failures {
            self.fail(&step.key, &failure);
        }
    }

    /// Takes the trace that a step asks for, to its end.
    fn trace(&mut self, step: &Step, asked: &TraceWritten) {
        let vantage = match asked.from.as_deref().map(|name| self.world.internet.topology.find(&step.key, name)) {
            None => self.world.vantage,
            Some(Ok(node)) => node,
            Some(Err(invalid)) => return self.fail(&step.key, &invalid.to_string()),
        };
        let plan = Plan::for_address(asked.to, asked.protocol, asked.flow);
        let now = self.now;
        self.prober(vantage).start(plan, Waiting::Step, now);
        let wanted = self.traces.len() + 1;
        self.pass_until(now.mono + LONGEST_TRACE, |simulation| simulation.traces.len() == wanted);
        if self.traces.len() < wanted {
            self.fail(&step.key, &format!("the trace to {} has not ended after {LONGEST_TRACE:?}", asked.to));
        }
    }

    fn prober(&mut self, vantage: NodeId) -> &mut Prober<Waiting> {
        let seed = self.scenario.seed;
        self.probers.entry(vantage).or_insert_with(|| Prober::new(vantage, seed, Pace::default()))
    }

    fn sent(&self) -> usize {
        self.probers.values().map(Prober::sent).sum()
    }

    fn fail(&mut self, key: &str, what: &str) {
        let elapsed = self.elapsed();
        self.log.note(elapsed, format_args!("NOT AS EXPECTED: {key}: {what}"));
        self.failures.push(format!("{key} (at {:.3} s): {what}", elapsed.as_secs_f64()));
    }

    fn elapsed(&self) -> Duration {
        self.now.mono.saturating_duration_since(self.first.mono)
    }

    /// Lets time pass, from one wake-up to the next, until `end` or until `done`.
    fn pass_until(&mut self, end: Instant, done: impl Fn(&Self) -> bool) {
        let mut wakings = 0;
        loop {
            self.settle();
            if done(self) {
                return;
            }
            let Some(next) = self.next_waking().filter(|next| *next <= end) else { break };
            wakings = if next > self.now.mono { 0 } else { wakings + 1 };
            if wakings > MOST_WAKINGS {
                self.fail("time", "stands still: a machine asks to be woken again and again at one instant");
                break;
            }
            self.advance(next);
            self.wake();
        }
        self.advance(end);
    }

    fn advance(&mut self, to: Instant) {
        self.now = self.first.after(to.max(self.now.mono).saturating_duration_since(self.first.mono));
    }

    fn next_waking(&self) -> Option<Instant> {
        let probers = self.probers.values().filter_map(Prober::poll_timeout);
        probers.chain(self.agenda.poll_timeout()).min()
    }

    /// Hands over what has arrived, and tells everybody that time has passed.
    fn wake(&mut self) {
        while let Some(event) = self.agenda.poll(self.now.mono) {
            match event {
                Event::Datagram { vantage, from, bytes } => {
                    let now = self.now;
                    self.log.packet(self.elapsed(), &bytes);
                    self.prober(vantage).handle_datagram(&bytes, from, now);
                }
            }
        }
        for prober in self.probers.values_mut() {
            prober.handle_timeout(self.now);
        }
    }

    /// Carries everything between the machines until none of them has anything to say.
    fn settle(&mut self) {
        let (now, elapsed) = (self.now, self.elapsed());
        for (vantage, prober) in &mut self.probers {
            while let Some(answers) = prober.poll_answers(&mut self.world.internet, elapsed, now) {
                for answer in answers {
                    let (from, bytes) = (answer.from, answer.bytes);
                    self.agenda.put(now.mono + answer.after, Event::Datagram { vantage: *vantage, from, bytes });
                }
            }
            while let Some((waiting, trace)) = prober.poll_trace() {
                match waiting {
                    Waiting::Step => self.traces.push(trace),
                }
            }
        }
    }
}
