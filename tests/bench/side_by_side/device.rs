//! The internet behind a TUN device: one thread that reads probes in batches, and writes each answer when it is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl::set_timerslack;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, getpid, setsid};
use tappers::{Interface, Tun};

use super::first_hop::Late;
use super::internet::{Counts, Flows, Internet, Weather};
use super::packet::LONGEST;
use super::world::{VANTAGE, World};

/// The name of the device in its namespace.
const DEVICE: &str = "internet";

/// How many probes are read before answers that are due get their turn.
const BATCH: usize = 64;

/// How many probes the kernel keeps for us before it drops some.
const QUEUE: u32 = 50_000;

/// How long the thread waits at most before it looks whether it should end.
const PATIENCE_NS: u64 = 20_000_000;

/// How long the thread looks for more before it sleeps, and how long before an answer is due it wakes: being woken takes
/// long, and longer yet for the tracer, who would pay for it.
const RESTLESS_NS: u64 = 100_000;

/// A probe that may have waited longer than this to be read has no time of the first hop: it would be the lab's, which was
/// busy, or whose processor somebody else had.
const WAITED_NS: u64 = 300_000;

/// What one run of the internet was like.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) counts: Counts,
    pub(crate) flows: Flows,
    /// Probes that the kernel dropped because the thread did not read them in time.
    pub(crate) dropped: u64,
    /// How long the thread had something to do, and how long it was there.
    pub(crate) busy: Duration,
    pub(crate) lasted: Duration,
    /// How late answers were, in microseconds: half of them, and one in a hundred, were later.
    pub(crate) median_late_us: u32,
    pub(crate) late_one_in_a_hundred_us: u32,
    /// How late answers of the first hop were.
    pub(crate) first_hop_late: Late,
}

/// The device of this network namespace.
pub(crate) struct Device(Tun);

impl Device {
    /// Makes it and leads everything through it.
    pub(crate) fn open() -> io::Result<Self> {
        let mut tun = Tun::new_named(Interface::new(DEVICE)?)?;
        tun.set_nonblocking(true)?;
        let script = format!(
            "ip link set lo up
             ip link set {DEVICE} txqueuelen {QUEUE} mtu 1500 up
             ip addr add {VANTAGE}/30 dev {DEVICE}
             ip route add default dev {DEVICE}"
        );
        let status = Command::new("sh").args(["-ec", &script]).status()?;
        if !status.success() {
            return Err(io::Error::other("failed to set the device up with ip (Debian: iproute2)"));
        }
        Ok(Self(tun))
    }

    /// Probes that the kernel has dropped since the device was made.
    fn dropped() -> io::Result<u64> {
        let text = std::fs::read_to_string("/proc/self/net/dev")?;
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(DEVICE)?.strip_prefix(':'));
        // Eight figures of what was received, then bytes, packets, errors and drops of what was sent.
        let dropped = line.and_then(|line| line.split_whitespace().nth(11));
        dropped.and_then(|text| text.parse().ok()).ok_or(io::Error::other("the kernel does not know the device"))
    }

    /// Throws away what the last run left.
    fn drain(&self) -> io::Result<()> {
        while receive(&self.0, &mut [0; 2048])?.is_some() {}
        Ok(())
    }

    /// Lets `what` run beside the internet, and says how both did.
    pub(crate) fn run<T>(&self, world: &World, weather: Weather, what: impl FnOnce() -> T) -> io::Result<(T, Ran)> {
        self.run_beside(Carrier::new(&self.0, Internet::new(world, weather)), what)
    }

    /// The same with an internet that never sleeps, and is not late because it has to wake.
    pub(crate) fn run_sleepless<T>(
        &self,
        world: &World,
        weather: Weather,
        what: impl FnOnce() -> T,
    ) -> io::Result<(T, Ran)> {
        let carrier = Carrier::new(&self.0, Internet::new(world, weather));
        self.run_beside(Carrier { restless_ns: u64::MAX, ..carrier }, what)
    }

    fn run_beside<T>(&self, carrier: Carrier<'_>, what: impl FnOnce() -> T) -> io::Result<(T, Ran)> {
        self.drain()?;
        let before = Self::dropped()?;
        let ends = AtomicBool::new(false);
        thread::scope(|scope| {
            let thread: ScopedJoinHandle<'_, io::Result<Ran>> = scope.spawn(|| carrier.carry(&ends));
            let result = what();
            ends.store(true, Ordering::Release);
            let mut ran = thread.join().map_err(|_| io::Error::other("the internet broke"))??;
            ran.dropped = Self::dropped()? - before;
            Ok((result, ran))
        })
    }
}

struct Carrier<'a> {
    tun: &'a Tun,
    internet: Internet<'a>,
    /// Answers that wait, by when they are due; the number is their place in `answers`.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    answers: Vec<Vec<u8>>,
    /// To whom the probe was whose answer is at the same place, if it asked the first hop and was read at once.
    to_first_hop: Vec<Option<Ipv4Addr>>,
    first_hop_late: Late,
    free: Vec<usize>,
    restless_ns: u64,
    /// When there was last nothing to read, or that was waited for.
    emptied_at: u64,
    /// How many answers were so many microseconds late; the last one counts all that were later.
    late_us: Vec<u64>,
}

impl<'a> Carrier<'a> {
    fn new(tun: &'a Tun, internet: Internet<'a>) -> Self {
        Self {
            tun,
            internet,
            due: BinaryHeap::new(),
            answers: Vec::new(),
            to_first_hop: Vec::new(),
            first_hop_late: Late::new(),
            free: Vec::new(),
            restless_ns: RESTLESS_NS,
            emptied_at: now_ns(),
            late_us: vec![0; 10_000],
        }
    }

    fn carry(mut self, ends: &AtomicBool) -> io::Result<Ran> {
        set_timerslack(1)?;
        let is_alone = processors() == 1;
        keep_to_the_last_processor()?;
        let begun = now_ns();
        let (mut worked_at, mut busy_ns) = (begun, 0);
        while !ends.load(Ordering::Acquire) {
            let now = now_ns();
            let written = self.write_due(now)?;
            let read = self.read_some()?;
            if written + read > 0 {
                worked_at = now_ns();
                busy_ns += worked_at - now;
            } else if is_alone || now - worked_at > self.restless_ns {
                self.wait()?;
                self.emptied_at = now_ns();
            }
        }
        let lasted = Duration::from_nanos(now_ns() - begun);
        let busy = Duration::from_nanos(busy_ns);
        let (median_late_us, late_one_in_a_hundred_us) = (self.later_than(2), self.later_than(100));
        let (counts, flows) = self.internet.finish();
        let first_hop_late = self.first_hop_late;
        Ok(Ran { counts, flows, dropped: 0, busy, lasted, median_late_us, late_one_in_a_hundred_us, first_hop_late })
    }

    /// Until there is something to read, or almost until something is due.
    fn wait(&self) -> io::Result<()> {
        let now = now_ns();
        let until = self.due.peek().map_or(PATIENCE_NS, |Reverse((at, _))| at.saturating_sub(now));
        if until > RESTLESS_NS {
            let patience = Duration::from_nanos(until.min(PATIENCE_NS) - RESTLESS_NS);
            let mut waited_for = [PollFd::new(self.tun.as_fd(), PollFlags::POLLIN)];
            ppoll(&mut waited_for, Some(patience.into()), None)?;
        }
        Ok(())
    }

    fn write_due(&mut self, now: u64) -> io::Result<usize> {
        let mut written = 0;
        while let Some(&Reverse((at, place))) = self.due.peek().filter(|Reverse((at, _))| *at <= now) {
            self.due.pop();
            if let Some(host) = self.to_first_hop[place] {
                self.first_hop_late.insert(host, now_ns() - at);
            }
            self.tun.send(&self.answers[place])?;
            self.free.push(place);
            written += 1;
            let late = usize::try_from((now_ns() - at) / 1000).unwrap().min(self.late_us.len() - 1);
            self.late_us[late] += 1;
            if written == BATCH {
                break;
            }
        }
        Ok(written)
    }

    fn read_some(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 2048];
        for read in 0..BATCH {
            let Some(length) = receive(self.tun, &mut buffer)? else {
                self.emptied_at = now_ns();
                return Ok(read);
            };
            let now = now_ns();
            let place = self.free.pop().unwrap_or_else(|| {
                self.answers.push(Vec::with_capacity(LONGEST));
                self.to_first_hop.push(None);
                self.answers.len() - 1
            });
            let is_timed = buffer[8] == 1 && now - self.emptied_at <= WAITED_NS;
            let host = Ipv4Addr::new(buffer[16], buffer[17], buffer[18], buffer[19]);
            self.to_first_hop[place] = is_timed.then_some(host);
            match self.internet.answer(&buffer[..length], now, &mut self.answers[place]) {
                Some(delay) => self.due.push(Reverse((now + delay, place))),
                None => self.free.push(place),
            }
        }
        Ok(BATCH)
    }

    /// How late, in microseconds, one answer of `one_in` at least was.
    fn later_than(&self, one_in: u64) -> u32 {
        let mut left = self.late_us.iter().sum::<u64>() / one_in;
        let worst = self.late_us.iter().enumerate().rev().find(|(_, count)| {
            let is_it = **count > left;
            left = left.saturating_sub(**count);
            is_it
        });
        u32::try_from(worst.map_or(0, |(late, _)| late)).unwrap()
    }
}

/// The length of a packet, when there is one.
fn receive(tun: &Tun, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match tun.recv(buffer) {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Goes before everything else that runs on this machine, with all that is started from here: so that neither the lab nor
/// a tracer is late because somebody else is busy.
pub(crate) fn hurry() -> io::Result<()> {
    // Where sessions are scheduled against one another, a process's own niceness counts within its session alone.
    setsid()?;
    match std::fs::write("/proc/self/autogroup", "-20") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let renice = ["-n", "-20", "-p", &getpid().to_string()];
    let status = Command::new("renice").args(renice).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("failed to go before others (renice)")) }
}

/// The processors of this machine, and which of them is the internet's: the last, where there are two or more.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn keep_to_the_last_processor() -> io::Result<()> {
    if processors() < 2 {
        return Ok(());
    }
    let mut last = CpuSet::new();
    last.set(processors() - 1)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &last)?)
}

/// Keeps this process, and all that it starts, away from the processor of the internet.
pub(crate) fn keep_to_the_other_processors() -> io::Result<()> {
    if processors() < 2 {
        return Ok(());
    }
    let mut others = CpuSet::new();
    for processor in 0..processors() - 1 {
        others.set(processor)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &others)?)
}

fn now_ns() -> u64 {
    let now: Duration = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into();
    u64::try_from(now.as_nanos()).unwrap()
}
