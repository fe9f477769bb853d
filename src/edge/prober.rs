//! Drives the switchboard over real sockets: the one task that sends probes.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::edge::clock;
use crate::edge::errqueue::ErrorQueues;
use crate::edge::icmp::RawSockets;
use crate::edge::outbox::AT_ONCE;
use crate::edge::privileges::is_denied;
use crate::edge::vigil::Vigil;
use crate::moment::Moment;
use crate::trace::courtesy::Courtesy;
use crate::trace::plan::Plan;
use crate::trace::switchboard::{ProbeKey, Receipt, Switchboard, TraceId, Transmit};
use crate::trace::tally::Tally;
use crate::trace::{Protocol, Trace};

/// How many plans may wait for the prober to take them up.
const WAITING: usize = 256;

/// How many traces raw sockets carry at once.
const MOST_RAW: usize = 4096;

/// How many traces have a socket of their own at once, well below the common limit of 1024 descriptors.
const MOST_QUEUES: usize = 256;

/// How long replies gather before they are read, once something was sent or has come, and with them what is to be sent
/// next: waking costs more than either, and the kernel stamps what comes.
const GATHER: Duration = Duration::from_millis(2);

/// The sockets that probes leave by.
#[derive(Debug)]
pub struct ProbeSockets(Way);

#[derive(Debug)]
enum Way {
    Raw(RawSockets),
    Unprivileged(ErrorQueues),
}

/// No sockets could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither family gives a raw socket, for another reason than a missing capability.
    #[error("failed to open raw sockets: {0}; is this kernel built without IPv4 and IPv6?")]
    Raw(#[source] io::Error),
    /// Not even a descriptor to watch sockets by.
    #[error("failed to watch sockets: {0}; raise the limit of open files")]
    Watch(#[source] io::Error),
}

impl ProbeSockets {
    /// Opens raw sockets where `CAP_NET_RAW` allows it, and prepares for error queues where it does not.
    ///
    /// To be called before there are threads, so that [`crate::edge::privileges::drop_raw`] can follow.
    pub fn open() -> Result<Self, OpenError> {
        match RawSockets::open() {
            Ok(raw) => Ok(Self(Way::Raw(raw))),
            Err(error) if is_denied(&error) => {
                ErrorQueues::open().map(|queues| Self(Way::Unprivileged(queues))).map_err(OpenError::Watch)
            }
            Err(error) => Err(OpenError::Raw(error)),
        }
    }

    /// Whether they are raw sockets. Otherwise every trace is done by UDP, whatever its plan says.
    pub fn are_raw(&self) -> bool {
        matches!(self.0, Way::Raw(_))
    }

    fn descriptor(&self) -> io::Result<OwnedFd> {
        match &self.0 {
            Way::Raw(raw) => raw.watched().descriptor(),
            Way::Unprivileged(queues) => queues.watched().descriptor(),
        }
    }

    fn most(&self) -> usize {
        match self.0 {
            Way::Raw(_) => MOST_RAW,
            Way::Unprivileged(_) => MOST_QUEUES,
        }
    }

    fn start(&mut self, plan: Plan, switchboard: &mut Switchboard, now: Moment) -> Result<TraceId, Trace> {
        match &mut self.0 {
            Way::Raw(_) => Ok(switchboard.start(plan, now)),
            Way::Unprivileged(queues) => queues.start(&plan, switchboard, now),
        }
    }

    /// Sends the probes, and says which could not be sent.
    fn send(&mut self, transmits: &[Transmit]) -> Vec<ProbeKey> {
        match &mut self.0 {
            Way::Raw(raw) => raw.send(transmits).into_iter().map(|transmit| transmit.key).collect(),
            Way::Unprivileged(queues) => {
                let unsent = transmits.iter().filter(|transmit| queues.send(transmit).is_err());
                unsent.map(|transmit| transmit.key).collect()
            }
        }
    }

    /// Hands what has been received to the switchboard. Whether there may be more.
    fn receive(&mut self, switchboard: &mut Switchboard, vigil: &mut Vigil, receipts: &mut Vec<Receipt>) -> bool {
        match &mut self.0 {
            Way::Raw(raw) => raw.receive(switchboard, vigil, receipts),
            Way::Unprivileged(queues) => queues.receive(switchboard, vigil, receipts),
        }
    }

    /// Has the descriptor become readable with what comes next, or not.
    fn watch(&self, is_wanted: bool) -> io::Result<()> {
        match &self.0 {
            Way::Raw(raw) => raw.watch(is_wanted),
            Way::Unprivileged(_) => Ok(()),
        }
    }

    fn lost(&self) -> u64 {
        match &self.0 {
            Way::Raw(raw) => raw.lost(),
            Way::Unprivileged(_) => 0,
        }
    }

    fn forget(&mut self, trace: TraceId) {
        match &mut self.0 {
            Way::Raw(raw) => raw.forget(trace),
            Way::Unprivileged(queues) => queues.forget(trace),
        }
    }
}

/// Where plans are handed in.
#[derive(Clone, Debug)]
pub struct ProberHandle {
    requests: mpsc::Sender<Request>,
    tally: watch::Receiver<Tally>,
}

/// A trace, and what became of asking for it.
#[derive(Debug)]
pub struct Ended {
    /// What was measured.
    pub trace: Trace,
    /// Whether the prober stopped before all was asked, however much was answered until then.
    pub is_broken_off: bool,
}

#[derive(Debug)]
struct Request {
    plan: Plan,
    /// Since when it waits for room.
    asked: Moment,
    answer: oneshot::Sender<Ended>,
}

impl ProberHandle {
    /// Carries out `plan`. When the prober stops, the trace ends with what it has; once it has stopped, every trace is
    /// unsent.
    pub async fn trace(&self, plan: Plan) -> Trace {
        self.attempt(plan).await.trace
    }

    /// The same, with whether the prober stopped before it was over.
    pub async fn attempt(&self, plan: Plan) -> Ended {
        let (answer, ended) = oneshot::channel();
        let unsent = || Ended { trace: plan.unsent(clock::now()), is_broken_off: true };
        if self.requests.send(Request { plan: plan.clone(), asked: clock::now(), answer }).await.is_err() {
            return unsent();
        }
        ended.await.unwrap_or_else(|_| unsent())
    }

    /// What the prober has done so far.
    pub fn tally(&self) -> Tally {
        self.tally.borrow().clone()
    }
}

/// The task.
#[derive(Debug)]
pub struct Prober {
    sockets: ProbeSockets,
    readiness: AsyncFd<OwnedFd>,
    switchboard: Switchboard,
    /// Held over what is in flight.
    vigil: Vigil,
    requests: mpsc::Receiver<Request>,
    awaited: BTreeMap<TraceId, oneshot::Sender<Ended>>,
    tally: watch::Sender<Tally>,
    /// Room for what leaves by one call.
    batch: Vec<Transmit>,
    /// When replies that gather are read; `None` while the next one wakes us.
    read_at: Option<Instant>,
}

#[derive(Debug)]
enum Event {
    Readable,
    Requested(Request),
    Due,
    Shutdown,
}

impl Prober {
    /// Starts it, with keys that follow from `seed`, which nobody outside must know. It stops when `shutdown` is
    /// cancelled, and then the task can be joined.
    pub fn spawn(
        sockets: ProbeSockets,
        seed: u64,
        courtesy: impl Into<Courtesy>,
        shutdown: CancellationToken,
    ) -> io::Result<(ProberHandle, JoinHandle<()>)> {
        #[expect(deprecated, reason = "the replacement is unsafe, for types that may change or close their descriptor")]
        let readiness = AsyncFd::with_interest(sockets.descriptor()?, Interest::READABLE)?;
        let (sender, requests) = mpsc::channel(WAITING);
        let (tally, tallied) = watch::channel(Tally::default());
        let switchboard = Switchboard::new(seed, courtesy);
        let (vigil, awaited, batch) = (Vigil::begin(), BTreeMap::new(), Vec::with_capacity(AT_ONCE));
        let prober = Self { sockets, readiness, switchboard, vigil, requests, awaited, tally, batch, read_at: None };
        Ok((ProberHandle { requests: sender, tally: tallied }, tokio::spawn(prober.run(shutdown))))
    }

    async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let event = self.next(&shutdown).await;
            self.vigil.keep(&mut self.switchboard);
            match event {
                Event::Readable => self.receive(),
                Event::Requested(request) => self.start(request),
                Event::Due => {}
                Event::Shutdown => {
                    self.report(false);
                    self.switchboard.handle_stop(clock::now());
                    self.report(true);
                    return;
                }
            }
            self.start_waiting();
            self.switchboard.handle_timeout(clock::now());
            self.transmit();
            self.report(false);
        }
    }

    async fn next(&mut self, shutdown: &CancellationToken) -> Event {
        let read_at = self.read_at;
        // While replies gather, so does all the rest.
        let due = self.switchboard.poll_timeout().map(Instant::from_std).filter(|_| read_at.is_none());
        let has_room = self.has_room() && read_at.is_none();
        tokio::select! {
            () = shutdown.cancelled() => Event::Shutdown,
            ready = self.readiness.readable(), if read_at.is_none() => {
                // Cleared before reading, so that what comes while we read is seen next time.
                if let Ok(mut ready) = ready { ready.clear_ready(); }
                Event::Readable
            }
            () = sleep_until(read_at.unwrap_or_else(Instant::now)), if read_at.is_some() => Event::Readable,
            Some(request) = self.requests.recv(), if has_room => Event::Requested(request),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Event::Due,
        }
    }

    fn has_room(&self) -> bool {
        self.switchboard.running() < self.sockets.most()
    }

    /// Reads what there is. When there was something, what follows gathers for a while.
    fn receive(&mut self) {
        let mut receipts = Vec::new();
        let is_more = self.sockets.receive(&mut self.switchboard, &mut self.vigil, &mut receipts);
        if is_more {
            self.read_at = Some(Instant::now());
        } else if !receipts.is_empty() || self.read_at.is_none() {
            self.gather();
        } else if self.sockets.watch(true).is_ok() {
            self.read_at = None;
        }
        let lost = self.sockets.lost();
        self.tally.send_if_modified(|tally| {
            let is_news = !receipts.is_empty() || tally.lost != lost;
            tally.lost = lost;
            for one in receipts {
                *tally.received.entry(one).or_default() += 1;
            }
            is_news
        });
    }

    /// Lets what comes gather for a while, from now on.
    fn gather(&mut self) {
        // Nobody is harmed where it wakes us all the same.
        if self.read_at.is_none() {
            drop(self.sockets.watch(false));
        }
        self.read_at = Some(Instant::now() + GATHER);
    }

    /// Starts what is waiting, as far as there is room.
    fn start_waiting(&mut self) {
        while self.has_room()
            && let Ok(request) = self.requests.try_recv()
        {
            self.start(request);
        }
    }

    fn start(&mut self, Request { mut plan, asked, answer }: Request) {
        // Nobody waits for it any longer.
        if answer.is_closed() {
            return;
        }
        let now = clock::now();
        plan.deadline = plan.deadline.saturating_sub(now.mono.saturating_duration_since(asked.mono));
        match self.sockets.start(plan, &mut self.switchboard, now) {
            Ok(trace) => drop(self.awaited.insert(trace, answer)),
            Err(trace) => drop(answer.send(Ended { trace, is_broken_off: false })),
        }
    }

    fn transmit(&mut self) {
        let mut sent: BTreeMap<Protocol, u64> = BTreeMap::new();
        let mut unsent: BTreeMap<Protocol, u64> = BTreeMap::new();
        let mut batch = std::mem::take(&mut self.batch);
        loop {
            let now = clock::now();
            batch.clear();
            batch.extend(std::iter::from_fn(|| self.switchboard.poll_transmit(now)).take(AT_ONCE));
            for transmit in &batch {
                *sent.entry(transmit.protocol()).or_default() += 1;
            }
            for key in self.sockets.send(&batch) {
                self.switchboard.handle_send_failure(key, now);
                *sent.entry(key.protocol()).or_default() -= 1;
                *unsent.entry(key.protocol()).or_default() += 1;
            }
            // What has become due meanwhile gathers as well.
            if batch.len() < AT_ONCE {
                break;
            }
        }
        self.batch = batch;
        if !sent.is_empty() {
            self.gather();
            self.tally.send_modify(|tally| {
                for (counted, total) in [(sent, &mut tally.sent), (unsent, &mut tally.unsent)] {
                    for (protocol, count) in counted {
                        *total.entry(protocol).or_default() += count;
                    }
                }
            });
        }
    }

    /// Hands over the traces that are over, as they were broken off or came to their end.
    fn report(&mut self, is_broken_off: bool) {
        while let Some((id, trace)) = self.switchboard.poll_trace() {
            self.sockets.forget(id);
            if let Some(answer) = self.awaited.remove(&id) {
                // Whoever asked may have stopped waiting.
                drop(answer.send(Ended { trace, is_broken_off }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::trace::pace::Pace;
    use crate::trace::{AnswerKind, Ending, Protocol};

    fn unprivileged() -> (ProberHandle, JoinHandle<()>, CancellationToken) {
        prober_at(Pace::default())
    }

    fn prober_at(pace: Pace) -> (ProberHandle, JoinHandle<()>, CancellationToken) {
        let sockets = ProbeSockets(Way::Unprivileged(ErrorQueues::open().unwrap()));
        let shutdown = CancellationToken::new();
        let (handle, task) = Prober::spawn(sockets, 1, pace, shutdown.clone()).unwrap();
        (handle, task, shutdown)
    }

    fn to(target: impl Into<IpAddr>) -> Plan {
        Plan::for_address(target.into(), Protocol::Icmp, 0x2b3c)
    }

    #[tokio::test]
    async fn without_privileges_this_host_is_traced_by_udp_and_the_trace_says_so() {
        let (prober, task, shutdown) = unprivileged();
        let traces = tokio::join!(prober.trace(to(Ipv4Addr::LOCALHOST)), prober.trace(to(Ipv4Addr::LOCALHOST)));
        for trace in [&traces.0, &traces.1] {
            assert_eq!((trace.ending, trace.protocol, trace.hops.len()), (Ending::Reached, Protocol::Udp, 1));
            assert!(trace.hops[0].answers.iter().all(|answer| answer.kind == AnswerKind::PortUnreachable));
        }
        assert_ne!(traces.0.flow, traces.1.flow, "two sockets cannot share a flow");
        assert_eq!(prober.tally().sent, BTreeMap::from([(Protocol::Udp, 6)]));
        shutdown.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_plan_that_waited_for_room_has_the_less_time() {
        let (prober, task, shutdown) = unprivileged();
        let (answer, ended) = oneshot::channel();
        let (plan, now) = (to(Ipv4Addr::LOCALHOST), clock::now());
        let asked = Moment { mono: now.mono.checked_sub(plan.deadline).unwrap(), ..now };
        prober.requests.send(Request { plan, asked, answer }).await.unwrap();
        assert_eq!((ended.await.unwrap().trace.ending, prober.tally().sent), (Ending::Overdue, BTreeMap::new()));
        shutdown.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_trace_that_the_stop_broke_off_says_so_even_where_its_target_had_answered() {
        let (prober, task, shutdown) = prober_at(Pace::per_second(1));
        let plan = Plan { attempts: 10, ..to(Ipv4Addr::LOCALHOST) };
        let stop = async {
            prober.tally.clone().wait_for(|tally| !tally.received.is_empty()).await.unwrap();
            shutdown.cancel();
        };
        let (ended, ()) = tokio::join!(prober.attempt(plan.clone()), stop);
        assert!(ended.is_broken_off && ended.trace.ending == Ending::Reached, "{ended:?}");
        task.await.unwrap();
        assert!(prober.attempt(plan).await.is_broken_off);
        let (prober, ..) = unprivileged();
        assert!(!prober.attempt(to(Ipv4Addr::LOCALHOST)).await.is_broken_off);
    }

    #[tokio::test]
    async fn a_prober_that_has_stopped_leaves_traces_unsent() {
        let (prober, task, shutdown) = unprivileged();
        shutdown.cancel();
        task.await.unwrap();
        assert_eq!(prober.trace(to(Ipv4Addr::LOCALHOST)).await.ending, Ending::Unsent);
    }
}
