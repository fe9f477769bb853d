//! Which probes are out, by flow: what a reply quotes leads to its flow, and within that to the probe.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{ProbeKey, TraceId};
use crate::trace::Protocol;

/// A probe that was given a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Issued {
    /// The trace it belongs to.
    pub(super) trace: TraceId,
    number: u32,
    /// What long quotes and echo replies must bring back.
    pub(super) token: u64,
}

impl Issued {
    /// `None` for the probe after four thousand million of a trace.
    pub(super) fn of(trace: TraceId, number: usize, token: u64) -> Option<Self> {
        Some(Self { trace, number: u32::try_from(number).ok()?, token })
    }

    /// Which probe of its trace it is.
    pub(super) fn number(&self) -> usize {
        usize::try_from(self.number).unwrap_or(usize::MAX)
    }
}

/// A flow: what all probes of a trace have in common, and traces that are done at the same time may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowId(usize);

/// Hardly any trace of one probe a hop takes more of them.
const USUAL: usize = 20;

/// How many flows that differ in their target alone are searched for a probe that was sent on elsewhere: there are few, as
/// every trace has a tag of its own where that can be, and a stranger may ask for such a search at will.
const SEARCHED: usize = 64;

/// Protocol, tag, port and target as numbers, which compare faster. Flows that differ in port and target lie together.
type Name = (u64, u128);

/// The probes of all flows.
#[derive(Debug, Default)]
pub(super) struct Flows {
    names: BTreeMap<Name, FlowId>,
    /// By number.
    known: Vec<Flow>,
    free: Vec<FlowId>,
}

#[derive(Debug, Default)]
struct Flow {
    name: Name,
    /// How many traces have joined and not left.
    members: usize,
    /// In the order of their keys.
    issued: Vec<(u32, Issued)>,
}

impl Flows {
    /// The flow of this name, for one trace more.
    pub(super) fn join(&mut self, protocol: Protocol, target: IpAddr, tag: u16, port: u16) -> FlowId {
        let name = name(protocol, target, tag, port);
        let (free, known) = (&mut self.free, &mut self.known);
        let id = *self.names.entry(name).or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                known.push(Flow::default());
                FlowId(known.len() - 1)
            })
        });
        if let Some(flow) = self.known.get_mut(id.0) {
            flow.name = name;
            flow.members += 1;
        }
        id
    }

    /// Gives a probe this key; false, and nothing is done, when another of the flow has it.
    pub(super) fn issue(&mut self, flow: FlowId, key: u32, issued: Issued) -> bool {
        let Some(flow) = self.known.get_mut(flow.0) else { return false };
        if flow.issued.is_empty() {
            flow.issued.reserve_exact(USUAL);
        }
        let place = flow.issued.binary_search_by_key(&key, |(key, _)| *key);
        place.map_err(|place| flow.issued.insert(place, (key, issued))).is_err()
    }

    /// The probe with this key; `Err` when there is none, but its flow is known.
    pub(super) fn find(&self, key: ProbeKey) -> Option<Result<Issued, NoProbe>> {
        let id = self.names.get(&name(key.protocol, key.target, key.tag, key.port))?;
        let flow = self.known.get(id.0).filter(|flow| !flow.issued.is_empty())?;
        Some(flow.find(key.key).ok_or(NoProbe))
    }

    /// The probes with this key that were sent to other targets or ports, of the same family, protocol and tag.
    pub(super) fn elsewhere(&self, key: ProbeKey) -> impl Iterator<Item = Issued> {
        let (first, _) = name(key.protocol, key.target, key.tag, 0);
        let (last, _) = name(key.protocol, key.target, key.tag, u16::MAX);
        let flows = self.names.range((first, 0)..=(last, u128::MAX)).take(SEARCHED);
        flows.filter_map(move |(_, id)| self.known.get(id.0)?.find(key.key))
    }

    /// The probe of `trace` with this token.
    pub(super) fn with_token(&self, flow: FlowId, trace: TraceId, token: u64) -> Option<Issued> {
        let mut issued = self.known.get(flow.0)?.issued.iter().map(|(_, issued)| *issued);
        issued.find(|issued| issued.trace == trace && issued.token == token)
    }

    /// Forgets the probes of `trace`, and the flow when no other trace is in it.
    pub(super) fn leave(&mut self, id: FlowId, trace: TraceId) {
        let Some(flow) = self.known.get_mut(id.0) else { return };
        flow.members = flow.members.saturating_sub(1);
        if flow.members == 0 {
            self.names.remove(&flow.name);
            self.free.push(id);
            *flow = Flow::default();
        } else {
            flow.issued.retain(|(_, issued)| issued.trace != trace);
        }
    }

    /// How many probes are known.
    #[cfg(test)]
    pub(super) fn probes(&self) -> usize {
        self.known.iter().map(|flow| flow.issued.len()).sum()
    }
}

impl Flow {
    fn find(&self, key: u32) -> Option<Issued> {
        let place = self.issued.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.issued.get(place).map(|(_, issued)| *issued)
    }
}

/// No probe of this flow has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoProbe;

/// IPv4 addresses are kept apart from the IPv6 addresses that embed them by the version in the first number.
fn name(protocol: Protocol, target: IpAddr, tag: u16, port: u16) -> Name {
    let (version, address) = match target {
        IpAddr::V4(target) => (4_u64, u128::from(target.to_bits())),
        IpAddr::V6(target) => (6, target.to_bits()),
    };
    let protocol = match protocol {
        Protocol::Icmp => 1,
        Protocol::Udp => 2,
        Protocol::Tcp => 3,
    };
    (version << 40 | protocol << 32 | u64::from(tag) << 16 | u64::from(port), address)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

    fn trace(serial: u32) -> TraceId {
        TraceId { serial, slot: serial % 7 }
    }

    fn probe(serial: u32, number: usize) -> Issued {
        Issued::of(trace(serial), number, 0xfeed + u64::from(serial)).unwrap()
    }

    fn key(key: u32) -> ProbeKey {
        ProbeKey { protocol: Protocol::Udp, target: TARGET, tag: 0x8001, port: 53, key }
    }

    #[test]
    fn a_key_leads_to_its_probe_and_a_flow_without_the_key_is_told_from_no_flow() {
        let mut flows = Flows::default();
        let flow = flows.join(Protocol::Udp, TARGET, 0x8001, 53);
        assert_eq!(flows.find(key(9)), None, "no probe is out");
        for (number, key) in [700, 3, 65_000].into_iter().enumerate() {
            assert!(flows.issue(flow, key, probe(1, number)));
        }
        assert!(!flows.issue(flow, 3, probe(1, 3)), "taken");
        assert_eq!(flows.find(key(3)), Some(Ok(probe(1, 1))));
        assert_eq!(flows.find(key(4)), Some(Err(NoProbe)));
        let embedded = IpAddr::from(Ipv4Addr::new(203, 0, 113, 9).to_ipv6_mapped());
        let compatible = IpAddr::from(std::net::Ipv6Addr::from_bits(u128::from(0xcb00_7109_u32)));
        for target in [embedded, compatible, Ipv4Addr::new(203, 0, 113, 8).into()] {
            assert_eq!(flows.find(ProbeKey { target, ..key(3) }), None);
        }
        assert_eq!(flows.find(ProbeKey { tag: 0x8002, ..key(3) }), None);
        assert_eq!(flows.find(ProbeKey { port: 54, ..key(3) }), None);
        assert_eq!(flows.find(ProbeKey { protocol: Protocol::Icmp, ..key(3) }), None);
    }

    #[test]
    fn a_key_is_found_among_the_flows_that_differ_in_target_and_port_alone() {
        let mut flows = Flows::default();
        for last in 0..=200 {
            let flow = flows.join(Protocol::Tcp, [203, 0, 113, last].into(), 0xf001, 443);
            flows.issue(flow, u32::MAX - u32::from(last), probe(last.into(), 0));
        }
        let sent_on = |tag, key| ProbeKey { protocol: Protocol::Tcp, target: TARGET, tag, port: 8443, key };
        let found = |key| flows.elsewhere(key).collect::<Vec<_>>();
        assert_eq!(found(sent_on(0xf001, u32::MAX - 7)), [probe(7, 0)]);
        assert_eq!(found(sent_on(0xf001, u32::MAX - 200)), [], "so many are not searched");
        assert_eq!(found(sent_on(0xf002, u32::MAX - 7)), []);
        assert_eq!(
            found(ProbeKey { target: Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), ..sent_on(0xf001, u32::MAX) }),
            []
        );
    }

    #[test]
    fn a_flow_is_forgotten_with_the_last_of_its_traces() {
        let mut flows = Flows::default();
        let shared = flows.join(Protocol::Udp, TARGET, 0x8001, 53);
        assert_eq!(flows.join(Protocol::Udp, TARGET, 0x8001, 53), shared);
        flows.issue(shared, 1, probe(1, 0));
        flows.issue(shared, 2, probe(2, 0));
        flows.leave(shared, trace(1));
        assert_eq!((flows.find(key(1)), flows.find(key(2))), (Some(Err(NoProbe)), Some(Ok(probe(2, 0)))));
        flows.leave(shared, trace(2));
        assert_eq!((flows.find(key(2)), flows.probes()), (None, 0));
        let next = flows.join(Protocol::Icmp, TARGET, 0xc001, 0);
        assert_eq!(flows.known.len(), 1, "its place is used again");
        flows.issue(next, 2, probe(3, 0));
        assert_eq!(flows.find(key(2)), None);
    }
}
