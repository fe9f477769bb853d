//! What becomes of a packet: who forwards it, who drops it, who answers, and with which bytes after how long.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::trace::Protocol;

use super::topology::{Node, NodeId, Topology, mix};
use super::wire::{self, Complaint, Packet, complaint, echo_reply};
use super::written::{Connection, Forgery, RefusalWritten};

/// The hop limit of packets that are not probes (the default of most systems, RFC 1700).
const FULL_HOP_LIMIT: u8 = 64;

/// What a raw socket receives in answer to a packet.
#[derive(Clone, Debug)]
pub(super) struct Datagram {
    /// Of what the socket is: ICMP or TCP.
    pub(super) protocol: Protocol,
    /// How long after the packet was sent.
    pub(super) after: Duration,
    pub(super) from: IpAddr,
    pub(super) bytes: Vec<u8>,
}

/// What comes of an attempt to open a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knock {
    Open(Duration),
    Reset(Duration),
    Unreachable(Duration),
    Nothing,
    /// The host cannot even send.
    Unsent,
}

/// Where a packet ended.
enum Fate {
    Delivered(NodeId),
    Complained(NodeId, Complaint),
    Lost,
}

/// A packet's way: where it ended, how long it took to get there, and what was forged on the way.
struct Journey {
    fate: Fate,
    one_way: Duration,
    forgers: Vec<(NodeId, Duration)>,
    /// Where somebody on the way has sent it on to.
    sent_on: Option<IpAddr>,
    /// Whether somebody on the way translates it and what is said of it.
    is_fronted: bool,
}

/// The routers and hosts at work.
#[derive(Clone, Debug)]
pub(super) struct Internet {
    pub(super) topology: Topology,
    pub(super) connection: Connection,
    jitter: Duration,
    seed: u64,
    draws: u64,
    /// How many things each rate-limited node has said in which second.
    said: BTreeMap<NodeId, (u64, u32)>,
}

impl Internet {
    pub(super) fn new(topology: Topology) -> Self {
        Self { topology, connection: Connection::Up, jitter: Duration::ZERO, seed: 0, draws: 0, said: BTreeMap::new() }
    }

    /// How much later than it could be a reply may be, and what that follows from; what is not given stays.
    pub(super) fn set_chance(&mut self, jitter: Option<Duration>, seed: Option<u64>) {
        self.jitter = jitter.unwrap_or(self.jitter);
        self.seed = seed.unwrap_or(self.seed);
    }

    /// The address that the host at `node` sends from to reach `destination`; `None` when it has no way there.
    pub(super) fn source(&self, node: NodeId, destination: IpAddr) -> Option<IpAddr> {
        match self.connection {
            Connection::Up | Connection::Dark => self.topology.node(node)?.address_towards(destination),
            Connection::Down => None,
        }
    }

    /// Everything that comes back for a packet sent by `from`, `at` after the beginning of time.
    pub(super) fn send(&mut self, from: NodeId, packet: &Packet, at: Duration) -> Vec<Datagram> {
        if self.connection != Connection::Up {
            return Vec::new();
        }
        let journey = self.carry(from, packet);
        let mut datagrams: Vec<_> =
            journey.forgers.iter().flat_map(|(node, one_way)| self.forge(*node, *one_way, packet)).collect();
        datagrams.extend(self.answer(&journey, packet, at));
        for datagram in &mut datagrams {
            datagram.after += self.draw_jitter();
        }
        datagrams
    }

    /// What comes of a SYN from `from` to a port of `address`.
    pub(super) fn knock(&mut self, from: NodeId, address: IpAddr, port: u16) -> Knock {
        let Some(source) = self.source(from, address) else { return Knock::Unsent };
        if self.connection != Connection::Up {
            return Knock::Nothing;
        }
        let [high, low] = port.to_be_bytes();
        let syn = Packet::new(Protocol::Tcp, source, address, FULL_HOP_LIMIT, vec![0xc0, 0, high, low, 0, 0, 0, 0]);
        let journey = self.carry(from, &syn);
        let rtt = journey.one_way * 2 + self.draw_jitter();
        match journey.fate {
            Fate::Lost | Fate::Complained(_, Complaint::PortUnreachable | Complaint::TimeExceeded) => Knock::Nothing,
            Fate::Complained(node, Complaint::Refused(_)) if self.is_silent(node) => Knock::Nothing,
            Fate::Complained(_, Complaint::Refused(_)) => Knock::Unreachable(rtt),
            Fate::Delivered(node) => match self.topology.node(node) {
                Some(host) if host.open.contains(&port) => Knock::Open(rtt),
                Some(host) if host.closed.contains(&port) => Knock::Reset(rtt),
                Some(_) | None => Knock::Nothing,
            },
        }
    }

    fn carry(&self, from: NodeId, packet: &Packet) -> Journey {
        let flow = packet.flow();
        let (fate, one_way, forgers) = (Fate::Lost, Duration::ZERO, Vec::new());
        let mut journey = Journey { fate, one_way, forgers, sent_on: None, is_fronted: false };
        let mut here = from;
        for distance in 1..=packet.hop_limit {
            let next = self.topology.hop(from, packet.destination, flow, usize::from(distance) - 1);
            let Some((id, node)) = next.and_then(|id| Some((id, self.topology.node(id)?))) else { break };
            journey.one_way += self.topology.one_way(here, id);
            here = id;
            journey.sent_on = node.sends_on.or(journey.sent_on);
            journey.is_fronted |= node.fronts;
            if !node.forges.is_empty() {
                journey.forgers.push((id, journey.one_way));
            }
            if node.drops.contains(&packet.protocol) {
                break;
            }
            if let Some(fate) = arrival(id, node, packet, distance) {
                journey.fate = fate;
                break;
            }
        }
        journey
    }

    fn answer(&mut self, journey: &Journey, packet: &Packet, at: Duration) -> Option<Datagram> {
        let (id, says) = match journey.fate {
            Fate::Lost => return None,
            Fate::Delivered(id) => (id, None),
            Fate::Complained(id, complaint) => (id, Some(complaint)),
        };
        let node = self.topology.node(id)?;
        let (protocol, from, bytes) = match says {
            Some(_) if node.silent => return None,
            Some(says) => {
                let own = node.address_towards(packet.source)?;
                let from = if journey.is_fronted { packet.destination } else { own };
                let arrived = journey.sent_on.map_or_else(|| packet.clone(), |to| packet.sent_on(to));
                (Protocol::Icmp, from, complaint(from, packet.source, says, &arrived.quote(node.quotes)))
            }
            None if packet.protocol == Protocol::Tcp => (Protocol::Tcp, packet.destination, handshake(node, packet)?),
            None => (Protocol::Icmp, packet.destination, local_answer(node, packet)?),
        };
        let (limit, delay) = match protocol {
            Protocol::Tcp => (None, Duration::ZERO),
            Protocol::Icmp | Protocol::Udp => (node.answers_per_second, node.icmp_delay),
        };
        let after = journey.one_way * 2 + delay;
        self.may_speak(id, limit, at).then_some(Datagram { protocol, after, from, bytes })
    }

    fn is_silent(&self, node: NodeId) -> bool {
        self.topology.node(node).is_none_or(|node| node.silent)
    }

    fn may_speak(&mut self, node: NodeId, limit: Option<u32>, at: Duration) -> bool {
        let Some(limit) = limit else { return true };
        let said = self.said.entry(node).or_default();
        if said.0 != at.as_secs() {
            *said = (at.as_secs(), 0);
        }
        said.1 += 1;
        said.1 <= limit
    }

    fn forge(&self, liar: NodeId, one_way: Duration, packet: &Packet) -> Vec<Datagram> {
        let Some(node) = self.topology.node(liar) else { return Vec::new() };
        let Some(own) = node.address_towards(packet.source) else { return Vec::new() };
        let forged = node.forges.iter().filter_map(|kind| forged(*kind, own, packet));
        forged.map(|(from, bytes)| Datagram { protocol: Protocol::Icmp, after: one_way * 2, from, bytes }).collect()
    }

    fn draw_jitter(&mut self) -> Duration {
        self.draws += 1;
        let thousandths = mix(self.seed ^ mix(self.draws)) % 1000;
        self.jitter * u32::try_from(thousandths).unwrap_or(0) / 1000
    }
}

/// What a node does with a packet that has come `distance` hops; `None` when it forwards it.
fn arrival(id: NodeId, node: &Node, packet: &Packet, distance: u8) -> Option<Fate> {
    // Without a route a router complains before it looks at the hop limit; everything else comes after.
    if node.owns(packet.destination) {
        Some(Fate::Delivered(id))
    } else if node.refuses == RefusalWritten::Network {
        Some(Fate::Complained(id, Complaint::Refused(node.refuses)))
    } else if distance == packet.hop_limit {
        Some(Fate::Complained(id, Complaint::TimeExceeded))
    } else if node.refuses != RefusalWritten::Nothing {
        Some(Fate::Complained(id, Complaint::Refused(node.refuses)))
    } else {
        None
    }
}

/// What the destination itself says to a SYN.
fn handshake(node: &Node, packet: &Packet) -> Option<Vec<u8>> {
    let port = wire::port(packet)?;
    let is_known = node.open.contains(&port) || node.closed.contains(&port);
    is_known.then(|| wire::handshake(packet, node.open.contains(&port))).flatten()
}

/// What the destination itself answers by ICMP.
fn local_answer(node: &Node, packet: &Packet) -> Option<Vec<u8>> {
    let own = packet.destination;
    match packet.protocol {
        protocol if !node.answers.contains(&protocol) => None,
        Protocol::Icmp => echo_reply(own, packet),
        // Hosts quote all that fits, as common systems do, and routers what the scenario says.
        Protocol::Udp => {
            Some(complaint(own, packet.source, Complaint::PortUnreachable, &packet.quote(packet.body.len())))
        }
        Protocol::Tcp => None,
    }
}

/// A forged answer to `packet`, and in whose name.
fn forged(kind: Forgery, own: IpAddr, packet: &Packet) -> Option<(IpAddr, Vec<u8>)> {
    let to = packet.source;
    match kind {
        Forgery::WrongQuote => {
            let mut other = Packet { destination: own, ..packet.clone() };
            let unknown = match packet.protocol {
                Protocol::Icmp | Protocol::Udp => 2..4,
                Protocol::Tcp => 4..8,
            };
            other.body.get_mut(unknown).into_iter().flatten().for_each(|byte| *byte ^= 0x55);
            Some((own, complaint(own, to, Complaint::TimeExceeded, &other.quote(8))))
        }
        Forgery::WrongKey => {
            let mut other = packet.clone();
            other.body.iter_mut().skip(4).for_each(|byte| *byte ^= 0x55);
            let reply = match packet.protocol {
                Protocol::Icmp => echo_reply(packet.destination, &other)?,
                Protocol::Udp | Protocol::Tcp => {
                    other.body.iter_mut().take(4).for_each(|byte| *byte ^= 0x55);
                    complaint(packet.destination, to, Complaint::PortUnreachable, &other.quote(other.body.len()))
                }
            };
            Some((packet.destination, reply))
        }
        Forgery::WrongSource => Some((own, echo_reply(own, packet)?)),
        Forgery::Truncated => {
            Some((own, complaint(own, to, Complaint::TimeExceeded, packet.quote(0).get(..13).unwrap_or(&[]))))
        }
        Forgery::Garbage => Some((own, (0..u8::MAX).map(|byte| byte.wrapping_mul(37)).collect())),
    }
}
