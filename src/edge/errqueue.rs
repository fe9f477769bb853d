//! Unprivileged probing by the error queue: a connected UDP socket for each trace, to which the kernel reports what
//! ICMP says of its datagrams (`IP_RECVERR`, ip(7)).
//!
//! The kernel leaves the quoted UDP header out. Where a router quotes 28 bytes, nothing is left that tells probes
//! apart; so only one of them is in flight at a time.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, setsockopt, sockopt};
use socket2::{Domain, Socket, Type};

use crate::edge::arrival::Arrivals;
use crate::edge::clock;
use crate::edge::socket::{Reader, Watched, send};
use crate::edge::vigil::Vigil;
use crate::moment::Moment;
use crate::trace::plan::{Plan, UDP_DESTINATION};
use crate::trace::switchboard::{Content, QueuedError, Receipt, Switchboard, TraceId, Transmit};
use crate::trace::{Protocol, Trace};

/// How many flows are tried, as other sockets of this host may have their ports.
const FLOWS: u16 = 16;

/// How many errors are read from one queue before something else gets its turn: more than one probe at a time can cause,
/// as strangers may send any number.
const BATCH: usize = 32;

/// One socket for each trace.
#[derive(Debug)]
pub(super) struct ErrorQueues {
    queues: BTreeMap<u64, Queue>,
    numbers: BTreeMap<TraceId, u64>,
    next: u64,
    watched: Watched,
    reader: Reader,
}

#[derive(Debug)]
struct Queue {
    trace: TraceId,
    socket: Socket,
    arrivals: Arrivals,
}

impl ErrorQueues {
    pub(super) fn open() -> io::Result<Self> {
        let watched = Watched::new()?;
        let reader = Reader::new();
        Ok(Self { queues: BTreeMap::new(), numbers: BTreeMap::new(), next: 0, watched, reader })
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Starts the trace of `plan` as it can be done here: by UDP, one probe at a time, in the first flow whose port is
    /// free. A trace that cannot be begun is returned.
    pub(super) fn start(&mut self, plan: &Plan, switchboard: &mut Switchboard, now: Moment) -> Result<TraceId, Trace> {
        let plan = Plan { protocol: Protocol::Udp, window: 1, ..plan.clone() };
        let opened =
            (0..FLOWS).map(|step| Plan { flow: plan.flow.wrapping_add(step), ..plan.clone() }).find_map(|plan| {
                let socket = connected(&plan);
                let is_taken = socket.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
                (!is_taken).then_some((plan, socket))
            });
        let Some((plan, Ok(socket))) = opened else { return Err(plan.unsent(now)) };
        let number = self.next;
        if self.watched.errors(&socket, number).is_err() {
            return Err(plan.unsent(now));
        }
        let trace = switchboard.start(plan, now);
        self.next += 1;
        self.numbers.insert(trace, number);
        self.queues.insert(number, Queue { trace, socket, arrivals: Arrivals::since(now) });
        Ok(trace)
    }

    pub(super) fn send(&mut self, transmit: &Transmit) -> Result<(), Errno> {
        let number = self.numbers.get(&transmit.trace).ok_or(Errno::EBADF)?;
        let queue = self.queues.get(number).ok_or(Errno::EBADF)?;
        let Content::Udp { payload, .. } = &transmit.content else { return Err(Errno::EPROTONOSUPPORT) };
        // What ICMP says of an earlier probe is reported by the next send as well, once, in place of sending.
        let send = || send(&queue.socket, payload, transmit.ttl);
        send().or_else(|_| send()).or_else(|_| send())
    }

    pub(super) fn forget(&mut self, trace: TraceId) {
        if let Some(number) = self.numbers.remove(&trace) {
            self.queues.remove(&number);
        }
    }

    /// Hands what has been received to the switchboard; whether there was anything.
    pub(super) fn receive(
        &mut self,
        switchboard: &mut Switchboard,
        vigil: &mut Vigil,
        receipts: &mut Vec<Receipt>,
    ) -> bool {
        let ready = self.watched.ready();
        for number in &ready {
            if let Some(queue) = self.queues.get_mut(number) {
                queue.receive(&mut self.reader, switchboard, vigil, receipts);
            }
        }
        !ready.is_empty()
    }
}

impl Queue {
    fn receive(
        &mut self,
        reader: &mut Reader,
        switchboard: &mut Switchboard,
        vigil: &mut Vigil,
        receipts: &mut Vec<Receipt>,
    ) {
        let mut before = clock::now();
        for _ in 0..BATCH {
            let Ok(Some(message)) = reader.read(&self.socket, MsgFlags::MSG_ERRQUEUE) else {
                self.arrivals.mark(before);
                // An error that is still pending on the socket itself would be reported as readiness for ever.
                drop(self.socket.take_error());
                return;
            };
            let now = clock::now();
            vigil.keep(switchboard);
            let at = self.arrivals.arrival(message.stamp, now);
            if let Some(error) = message.error {
                let (from, kind, code) = (error.offender, error.kind, error.code);
                let error = QueuedError { from, kind, code, payload: message.bytes };
                receipts.push(switchboard.handle_error(self.trace, error, at));
            }
            before = now;
        }
    }
}

/// A socket for the probes of `plan`.
fn connected(plan: &Plan) -> io::Result<Socket> {
    let (domain, any) = match plan.target {
        IpAddr::V4(_) => (Domain::IPV4, IpAddr::from(Ipv4Addr::UNSPECIFIED)),
        IpAddr::V6(_) => (Domain::IPV6, IpAddr::from(Ipv6Addr::UNSPECIFIED)),
    };
    let socket = Socket::new(domain, Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    match plan.target {
        IpAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?,
        IpAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?,
    }
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    socket.bind(&SocketAddr::new(any, plan.udp_source_port()).into())?;
    socket.connect(&SocketAddr::new(plan.target, UDP_DESTINATION).into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::pace::Pace;

    #[test]
    fn a_flood_is_read_in_batches() {
        let mut queues = ErrorQueues::open().unwrap();
        let mut switchboard = Switchboard::new(1, Pace::default());
        let plan = Plan::for_address(Ipv4Addr::LOCALHOST.into(), Protocol::Udp, 0x3f17);
        queues.start(&plan, &mut switchboard, clock::now()).unwrap();
        let probe = switchboard.poll_transmit(clock::now()).unwrap();
        for _ in 0..BATCH + 8 {
            queues.send(&probe).unwrap();
        }
        let mut vigil = Vigil::begin();
        for expected in [BATCH, 8] {
            let mut receipts = Vec::new();
            assert!(queues.receive(&mut switchboard, &mut vigil, &mut receipts));
            assert_eq!(receipts.len(), expected);
        }
        assert!(!queues.receive(&mut switchboard, &mut vigil, &mut Vec::new()));
    }
}
