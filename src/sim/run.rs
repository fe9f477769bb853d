//! The virtual clock: hops from wake-up to wake-up of the real machines and carries what passes between them and the
//! simulated world.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::alert::{DeliveryId, Outcome};
use crate::location::disc::Borders;
use crate::moment::Moment;
use crate::resolution::NameFailure;
use crate::resolution::zone::Zone;
use crate::round::Ask;
use crate::trace::multipath::{Multipath, Multipaths, Wanted};
use crate::trace::pace::Pace;
use crate::trace::plan::Plan;
use crate::trace::{Protocol, Trace};
use crate::verdict::Standing;
use crate::watch;

use super::agenda::Agenda;
use super::daemon::{Answer, Daemon, RoundId};
use super::expect;
use super::internet::Datagram;
use super::judged::daemon_as_expected;
use super::log::Log;
use super::outgoing::Outgoing;
use super::prober::Prober;
use super::scenario::{Scenario, Step};
use super::topology::NodeId;
use super::world::World;
use super::written::TraceWritten;

/// How long a trace that a step asks for may take before the run is given up.
const LONGEST_TRACE: Duration = Duration::from_secs(300);

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

/// Plays `scenario` on a map with these `borders`; its clock begins at `first`, which only the caller can take from a
/// real one.
pub fn run(scenario: &Scenario, borders: &Borders, first: Instant) -> Report {
    let mut simulation = Simulation::new(scenario, borders, first);
    for step in &scenario.steps {
        simulation.play(step);
    }
    let (log, digest) = simulation.log.finish();
    Report { failures: simulation.failures, log, digest }
}

/// Something that will arrive.
#[derive(Debug)]
enum Event {
    Datagram { vantage: NodeId, protocol: Protocol, from: IpAddr, bytes: Vec<u8> },
    Answer(RoundId, Box<Answer>),
    Delivered(DeliveryId, Vec<Outcome>),
}

/// Who waits for a trace.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Step,
    /// A step that looks for all the ways, by the number of what it asked.
    Ways(usize),
    Round(RoundId),
}

struct Simulation<'s> {
    scenario: &'s Scenario,
    world: World,
    first: Moment,
    now: Moment,
    agenda: Agenda<Event>,
    probers: BTreeMap<NodeId, Prober<Waiting>>,
    daemon: Option<Daemon>,
    outgoing: Outgoing,
    /// The traces of the step being played.
    traces: Vec<Trace>,
    /// What came of what a search for all the ways asked.
    probed: Vec<(usize, Trace)>,
    log: Log,
    failures: Vec<String>,
}

impl<'s> Simulation<'s> {
    fn new(scenario: &'s Scenario, borders: &Borders, first: Instant) -> Self {
        let first = Moment { wall: scenario.start, mono: first };
        let mut world = scenario.world.clone();
        let config = scenario.config.as_ref();
        if let Some(config) = config {
            world.claims.set_register(config);
        }
        Self {
            scenario,
            world,
            first,
            now: first,
            agenda: Agenda::new(),
            probers: BTreeMap::new(),
            daemon: config.map(|config| Daemon::new(config.clone(), borders.clone(), scenario.seed, first)),
            outgoing: Outgoing::default(),
            traces: Vec::new(),
            probed: Vec::new(),
            log: Log::default(),
            failures: Vec::new(),
        }
    }

    fn play(&mut self, step: &Step) {
        let sent = self.sent();
        self.pass_until(self.first.mono + step.at, |_| false);
        self.change(step);
        self.traces.clear();
        for asked in &step.written.trace {
            self.trace(step, asked);
        }
        let expected = &step.written.expect;
        let mut failures = expect::traces(&expected.trace, &self.traces, &self.world.internet.topology);
        let ways: Vec<_> = step.written.multipath.iter().filter_map(|asked| self.ways(step, asked)).collect();
        failures.extend(expect::ways(&expected.multipath, &ways, &self.world.internet.topology));
        failures.extend(expect::at_most("probes sent", expected.probes_at_most, self.sent() - sent));
        let outgoing = std::mem::take(&mut self.outgoing);
        failures.extend(outgoing.as_expected(expected.spoken_to.as_ref(), &expected.per_second_at_most));
        failures.extend(self.daemon.iter().flat_map(|daemon| daemon_as_expected(expected, daemon)));
        for failure in failures {
            self.fail(&step.key, &failure);
        }
    }

    fn change(&mut self, step: &Step) {
        let change = &step.written.change;
        if let Err(invalid) = self.world.change(&step.key, change) {
            self.fail(&step.key, &invalid.to_string());
        }
        let now = self.now;
        let Some(daemon) = &mut self.daemon else { return };
        daemon.journal = change.journal.unwrap_or(daemon.journal);
        if let Some(config) = &step.config {
            self.world.claims.set_register(config);
            daemon.handle_config(config.clone(), now);
        }
        if change.restart {
            daemon.handle_restart(now);
        }
        let unknown: Vec<_> =
            change.sink.iter().filter(|(id, state)| !daemon.handle_sink(id, **state, now)).map(|(id, _)| id).collect();
        for id in unknown {
            self.fail(&step.key, &format!("change.sink: nobody who is told of alerts is called {id:?}"));
        }
    }

    /// Takes the trace that a step asks for, to its end.
    fn trace(&mut self, step: &Step, asked: &TraceWritten) {
        let Some(vantage) = self.vantage(step, asked) else { return };
        let usual = Plan::for_address(asked.to, asked.protocol, asked.flow);
        let plan = Plan { port: asked.port.unwrap_or(usual.port), ..usual };
        let now = self.now;
        self.prober(vantage).start(plan, Waiting::Step, now);
        let wanted = self.traces.len() + 1;
        self.pass_until(now.mono + LONGEST_TRACE, |simulation| simulation.traces.len() == wanted);
        if self.traces.len() < wanted {
            self.fail(&step.key, &format!("the trace to {} has not ended after {LONGEST_TRACE:?}", asked.to));
        }
    }

    /// Finds all the ways that a step asks for.
    fn ways(&mut self, step: &Step, asked: &TraceWritten) -> Option<Multipaths> {
        let vantage = self.vantage(step, asked)?;
        let base = Plan::for_address(asked.to, asked.protocol, 0);
        let mut machine = Multipath::new(&base, Wanted::default(), asked.flow.into());
        let mut plans = Vec::new();
        loop {
            while let Some(plan) = machine.poll_ask() {
                let now = self.now;
                self.prober(vantage).start(plan.clone(), Waiting::Ways(plans.len()), now);
                plans.push(plan);
            }
            if let Some(paths) = machine.poll_paths() {
                return Some(paths);
            }
            self.pass_until(self.now.mono + LONGEST_TRACE, |simulation| !simulation.probed.is_empty());
            if self.probed.is_empty() {
                self.fail(&step.key, &format!("a probe of the ways to {} has not ended", asked.to));
                return None;
            }
            for (number, trace) in std::mem::take(&mut self.probed) {
                if let Some(plan) = plans.get(number) {
                    machine.handle_trace(plan, trace);
                }
            }
        }
    }

    /// Where a trace is to be taken from.
    fn vantage(&mut self, step: &Step, asked: &TraceWritten) -> Option<NodeId> {
        match asked.from.as_deref().map(|name| self.world.internet.topology.find(&step.key, name)) {
            None => Some(self.world.vantage),
            Some(Ok(node)) => Some(node),
            Some(Err(invalid)) => {
                self.fail(&step.key, &invalid.to_string());
                None
            }
        }
    }

    fn prober(&mut self, vantage: NodeId) -> &mut Prober<Waiting> {
        let Scenario { seed, config, .. } = self.scenario;
        let courtesy = || config.as_ref().map_or_else(|| Pace::default().into(), |config| config.probing.courtesy());
        self.probers.entry(vantage).or_insert_with(|| Prober::new(vantage, *seed, courtesy()))
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
        let daemon = self.daemon.iter().filter_map(Daemon::poll_timeout);
        probers.chain(daemon).chain(self.agenda.poll_timeout()).min()
    }

    /// Hands over what has arrived, and tells everybody that time has passed.
    fn wake(&mut self) {
        let now = self.now;
        while let Some(event) = self.agenda.poll(now.mono) {
            match event {
                Event::Datagram { vantage, protocol, from, bytes } => {
                    self.log.packet(self.elapsed(), &bytes);
                    self.prober(vantage).handle_datagram(protocol, &bytes, from, now);
                }
                Event::Answer(round, answer) => self.answer(round, *answer),
                Event::Delivered(id, outcomes) => {
                    if let Some(daemon) = &mut self.daemon {
                        daemon.handle_delivery(id, &outcomes, now);
                    }
                }
            }
        }
        for prober in self.probers.values_mut() {
            prober.handle_timeout(now);
        }
        if let Some(daemon) = &mut self.daemon {
            daemon.handle_timeout(now);
        }
    }

    fn answer(&mut self, round: RoundId, answer: Answer) {
        if let Some(daemon) = &mut self.daemon {
            daemon.handle_answer(round, answer, self.now);
        }
    }

    /// Carries everything between the machines until none of them has anything to say.
    fn settle(&mut self) {
        loop {
            self.settle_probers();
            if !self.settle_daemon() {
                break;
            }
        }
        self.settle_probers();
    }

    fn settle_probers(&mut self) {
        let (now, elapsed) = (self.now, self.elapsed());
        let mut traced = Vec::new();
        for (vantage, prober) in &mut self.probers {
            while let Some(answers) = prober.poll_answers(&mut self.world.internet, &mut self.outgoing, elapsed, now) {
                for answer in answers {
                    let Datagram { protocol, after, from, bytes } = answer;
                    let arrives = Event::Datagram { vantage: *vantage, protocol, from, bytes };
                    self.agenda.put(now.mono + after, arrives);
                }
            }
            traced.extend(std::iter::from_fn(|| prober.poll_trace()));
        }
        for (waiting, trace) in traced {
            match waiting {
                Waiting::Step => self.traces.push(trace),
                Waiting::Ways(number) => self.probed.push((number, trace)),
                Waiting::Round(round) => self.answer(round, Answer::Trace(trace)),
            }
        }
    }

    /// Begins and ends rounds, asks what they want to know, sends alerts; whether any round began, asked or ended.
    fn settle_daemon(&mut self) -> bool {
        let (now, elapsed) = (self.now, self.elapsed());
        let Some(daemon) = &mut self.daemon else { return false };
        let mut moved = daemon.begin_rounds(elapsed, now);
        let asks: Vec<_> = std::iter::from_fn(|| daemon.poll_ask()).collect();
        moved |= !asks.is_empty();
        for (round, ask) in asks {
            self.ask(round, ask);
        }
        let Some(daemon) = &mut self.daemon else { return false };
        moved |= daemon.end_rounds(now);
        while let Some((after, id, outcomes)) = daemon.poll_delivery(now) {
            self.agenda.put(now.mono + after, Event::Delivered(id, outcomes));
        }
        while let Some(event) = daemon.poll_event() {
            self.log.note(elapsed, format_args!("{}", in_words(&event)));
        }
        moved
    }

    fn ask(&mut self, round: RoundId, ask: Ask) {
        let (now, elapsed) = (self.now, self.elapsed());
        let (after, answer) = match ask {
            Ask::Lookup { view, name, family } => {
                self.outgoing.ask("lookups", 1, elapsed);
                let (after, resolution) = self.world.resolve(view, name, family, now);
                (after, Answer::Resolution(resolution))
            }
            Ask::Contact(call) | Ask::Visit(call) => {
                self.outgoing.send("connections", call.address, call.attempts.into(), elapsed);
                let (after, contact) = self.world.contact(&call, now);
                (after, Answer::Contact(contact))
            }
            Ask::Trace(plan) => {
                let vantage = self.world.vantage;
                return self.prober(vantage).start(plan, Waiting::Round(round), now);
            }
            Ask::Pointer { view, address } => {
                self.outgoing.ask("lookups", 1, elapsed);
                let (after, pointer) = self.world.point(view, address, now);
                (after, Answer::Pointer(pointer))
            }
            Ask::Zone { view, name } => {
                self.outgoing.ask("lookups", 1, elapsed);
                // No zone of the simulation has servers of its own.
                let zone = Zone::unknown(name, view, now.wall, NameFailure::Refused);
                (Duration::ZERO, Answer::Zone(zone))
            }
            Ask::Claims { addresses, names, .. } => {
                let of_addresses = addresses.into_iter().flat_map(|address| self.world.claims.about(address));
                let of_names = names.into_iter().filter_map(|(address, name)| self.world.claims.named(address, name));
                let claims = of_addresses.chain(of_names).collect();
                if let Some(round) = self.daemon.as_mut().and_then(|daemon| daemon.round_mut(round)) {
                    round.handle_claims(claims, Vec::new(), Vec::new(), now);
                }
                return;
            }
        };
        self.agenda.put(now.mono + after, Event::Answer(round, Box::new(answer)));
    }
}

fn in_words(event: &watch::Event) -> String {
    match event {
        watch::Event::Standing { endpoint, from, to, worst } => {
            let from = from.map_or("-", Standing::as_str);
            let why = worst.as_ref().and_then(|finding| finding.because.first()).map_or("", String::as_str);
            format!("{endpoint}: {from} > {to} {why}")
        }
        watch::Event::Alert(transition) => {
            let (change, severity) = (transition.change.as_str(), transition.severity);
            format!("{}: {} {change} ({severity})", transition.endpoint, transition.rule)
        }
        watch::Event::Vantage(remark) => remark.clone(),
    }
}
