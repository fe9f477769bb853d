//! The real trace machine on a simulated socket: its bytes go into the simulated internet, and what comes back is bytes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::moment::Moment;
use crate::trace::courtesy::Courtesy;
use crate::trace::plan::Plan;
use crate::trace::switchboard::{Content, Switchboard, TraceId, Transmit};
use crate::trace::{Protocol, Trace};

use super::internet::{Datagram, Internet};
use super::outgoing::Outgoing;
use super::topology::NodeId;
use super::wire::{self, Packet};

/// A switchboard at a vantage, and who waits for which of its traces.
#[derive(Debug)]
pub(super) struct Prober<W> {
    vantage: NodeId,
    switchboard: Switchboard,
    waiting: BTreeMap<TraceId, W>,
    sent: usize,
}

impl<W> Prober<W> {
    pub(super) fn new(vantage: NodeId, seed: u64, courtesy: Courtesy) -> Self {
        Self { vantage, switchboard: Switchboard::new(seed, courtesy), waiting: BTreeMap::new(), sent: 0 }
    }

    /// How many probes were sent, those of failed attempts included.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    pub(super) fn start(&mut self, plan: Plan, waiting: W, now: Moment) {
        let id = self.switchboard.start(plan, now);
        self.waiting.insert(id, waiting);
    }

    /// What a raw socket of `protocol` received.
    pub(super) fn handle_datagram(&mut self, protocol: Protocol, bytes: &[u8], from: IpAddr, now: Moment) {
        match protocol {
            Protocol::Icmp | Protocol::Udp => self.switchboard.handle_datagram(bytes, from, now),
            Protocol::Tcp => self.switchboard.handle_segment(bytes, from, now),
        };
    }

    pub(super) fn handle_timeout(&mut self, now: Moment) {
        self.switchboard.handle_timeout(now);
    }

    /// Sends the next probe, which is noted. Yields what comes back, and nothing when the probe could not be sent.
    pub(super) fn poll_answers(
        &mut self,
        internet: &mut Internet,
        outgoing: &mut Outgoing,
        elapsed: Duration,
        now: Moment,
    ) -> Option<Vec<Datagram>> {
        let transmit = self.switchboard.poll_transmit(now)?;
        self.sent += 1;
        outgoing.send("probes", transmit.target, 1, elapsed);
        let Some(source) = internet.source(self.vantage, transmit.target) else {
            self.switchboard.handle_send_failure(transmit.key, now);
            return Some(Vec::new());
        };
        Some(internet.send(self.vantage, &packet(source, &transmit), elapsed))
    }

    /// The next trace that is over, and who waits for it.
    pub(super) fn poll_trace(&mut self) -> Option<(W, Trace)> {
        while let Some((id, trace)) = self.switchboard.poll_trace() {
            if let Some(waiting) = self.waiting.remove(&id) {
                return Some((waiting, trace));
            }
        }
        None
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.switchboard.poll_timeout()
    }
}

/// The packet that the kernel makes of a probe.
fn packet(source: IpAddr, transmit: &Transmit) -> Packet {
    let (protocol, body) = match transmit.content {
        Content::Icmp(message) => (Protocol::Icmp, message.to_vec()),
        Content::Udp { source_port, destination_port, payload } => {
            let length = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX);
            let header = [source_port, destination_port, length, 0].map(u16::to_be_bytes).concat();
            (Protocol::Udp, [header.as_slice(), payload.as_slice()].concat())
        }
        Content::Tcp { source_port, destination_port, sequence } => {
            (Protocol::Tcp, wire::syn(source_port, destination_port, sequence))
        }
    };
    Packet::new(protocol, source, transmit.target, transmit.ttl, body)
}
