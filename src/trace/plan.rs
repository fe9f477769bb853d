//! What one trace is asked to do: target, protocol, TTL range, attempts, window, deadlines, flow identity.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::moment::Moment;
use crate::trace::multipath::Confidence;
use crate::trace::{Ending, Protocol, Trace};

/// The destination port of UDP probes: the first of the ports that traceroute made customary.
pub(crate) const UDP_DESTINATION: u16 = 33434;

/// The source ports of UDP probes are this and above.
pub(crate) const FIRST_UDP_SOURCE: u16 = 0x8000;

/// The source ports of TCP probes are this and above, 61440: beyond those that Linux gives to connections unless told
/// otherwise (`net.ipv4.ip_local_port_range`, 32768 to 60999), so that no answer to a probe is one to a connection.
pub(crate) const FIRST_TCP_SOURCE: u16 = 0xf000;

/// Where TCP probes knock unless told otherwise: the port of HTTPS.
pub const TCP_DESTINATION: u16 = 443;

/// The longest a plan may wait for anything.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What one trace is asked to do. [`Plan::for_address`] fills in what is customary.
///
/// A count of 0 means 1, a wait of more than a day means a day, and a `last_ttl` below `first_ttl` means `first_ttl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where to.
    pub target: IpAddr,
    /// What the probes are.
    pub protocol: Protocol,
    /// The port of the target at which TCP probes knock, 1 to 65535. UDP probes go to the customary one.
    pub port: u16,
    /// The first TTL asked, 1 to 255.
    pub first_ttl: u8,
    /// The last TTL that may be asked, 1 to 255.
    pub last_ttl: u8,
    /// How many probes every hop is sent.
    pub attempts: u8,
    /// How many more probes a hop is sent, one after the other, when nobody answered its attempts although somebody
    /// further on did: answers get lost, and routers give only so many a second.
    pub retries: u8,
    /// How many probes may be unanswered at once.
    pub window: u8,
    /// How long an answer is awaited before a probe counts as silent.
    pub reply_timeout: Duration,
    /// How many silent hops in a row end the trace. Nothing further than this beyond the last answer is ever asked.
    pub gap_limit: u8,
    /// How long the whole trace may take, waiting for its turn and for others included.
    pub deadline: Duration,
    /// The flow identity: fixes what load balancers look at, so that all probes take one path, and the same path next
    /// time. Others should not be able to guess it.
    pub flow: u16,
    /// How far the target was when it was last seen. Nothing further is asked until somebody there has answered, or has
    /// not in time; then all goes on as usual, so that only the order and number of probes depend on it.
    pub expected: Option<u8>,
    /// Whether hops that other traces have measured may be taken over; `None` to ask every hop.
    pub sharing: Option<Sharing>,
}

/// On what terms a trace takes over hops that others have measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Nothing is taken over that was measured before: the beginning of the round.
    pub since: Instant,
    /// How many traces with different flows must have met the same router before another, for the next one to believe
    /// that it would as well; less than 2 means 2.
    pub witnesses: u8,
}

impl Sharing {
    /// Such that a router among two that share the load evenly is missed with a probability of at most 1 − `confidence`:
    /// by `n` flows with one of 2^(n-1), the first step of the stopping rule of multipath detection
    /// (Augustin et al., "Measuring load-balanced paths in the Internet", IMC 2007).
    pub fn since(since: Instant, confidence: Confidence) -> Self {
        let missed = 1.0 - confidence.probability();
        let witnesses = (2..=u8::MAX).find(|&n| 0.5_f64.powi(i32::from(n) - 1) <= missed).unwrap_or(u8::MAX);
        Self { since, witnesses }
    }
}

impl Plan {
    /// Three probes a hop, 8 in flight, a second for each answer, 30 hops, 8 silent ones in a row, 45 seconds in all.
    pub fn for_address(target: IpAddr, protocol: Protocol, flow: u16) -> Self {
        Self {
            target,
            protocol,
            port: TCP_DESTINATION,
            first_ttl: 1,
            last_ttl: 30,
            attempts: 3,
            retries: 0,
            window: 8,
            reply_timeout: Duration::from_secs(1),
            gap_limit: 8,
            deadline: Duration::from_secs(45),
            flow,
            expected: None,
            sharing: None,
        }
    }

    /// The trace of a plan that could not even be begun.
    pub fn unsent(&self, at: Moment) -> Trace {
        Trace {
            target: self.target,
            protocol: self.protocol,
            started: at.wall,
            port: self.stated_port(),
            flow: Some(self.flow),
            hops: Vec::new(),
            ending: Ending::Unsent,
        }
    }

    /// The source port of its UDP probes: 32768 and up, so that flows that differ in the low 15 bits differ here.
    pub fn udp_source_port(&self) -> u16 {
        FIRST_UDP_SOURCE | self.flow
    }

    /// The source port of its TCP probes: 61440 and up, so that flows that differ in the low 12 bits differ here.
    pub fn tcp_source_port(&self) -> u16 {
        FIRST_TCP_SOURCE | self.flow
    }

    /// The port that its trace names.
    pub(crate) fn stated_port(&self) -> Option<u16> {
        (self.protocol == Protocol::Tcp).then_some(self.port)
    }

    /// The plan as it can be carried out.
    pub(crate) fn sane(mut self) -> Self {
        self.first_ttl = self.first_ttl.max(1);
        self.last_ttl = self.last_ttl.max(self.first_ttl);
        self.attempts = self.attempts.max(1);
        self.window = self.window.max(1);
        self.gap_limit = self.gap_limit.max(1);
        self.reply_timeout = self.reply_timeout.min(LONGEST);
        self.deadline = self.deadline.min(LONGEST);
        self.port = self.port.max(1);
        self.sharing = self.sharing.map(|sharing| Sharing { witnesses: sharing.witnesses.max(2), ..sharing });
        self
    }
}
