//! Which probes are out, by flow: what a reply quotes leads to its flow, and within that to the probe.

use std::net::IpAddr;
use std::num::NonZeroU32;

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
pub(super) struct FlowId(NonZeroU32);

impl FlowId {
    /// That of the flow with so many before it.
    fn of(place: usize) -> Self {
        Self(u32::try_from(place).map_or(NonZeroU32::MAX, |place| NonZeroU32::MIN.saturating_add(place)))
    }

    fn place(self) -> usize {
        usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
    }
}

/// Hardly any trace of one probe a hop takes more of them.
const USUAL: usize = 20;

/// How many flows that differ in their target alone are searched for a probe that was sent on elsewhere: there are few, as
/// every trace has a tag of its own where that can be, and a stranger may ask for such a search at will.
const SEARCHED: usize = 64;

/// How many tags there are.
const TAGS: usize = 1 << 16;

/// The probes of all flows.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// By tag, the flow that came last of those that have it; empty until the first flow. Few flows have a tag in common,
    /// so that who looks for one need hardly ever look at another.
    last: Vec<Option<FlowId>>,
    /// By number.
    known: Vec<Flow>,
    free: Vec<FlowId>,
}

/// What tells flows apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    target: IpAddr,
    protocol: Protocol,
    tag: u16,
    port: u16,
}

#[derive(Debug)]
struct Flow {
    name: Name,
    /// How many traces have joined and not left.
    members: usize,
    /// The flow with the same tag that came before it.
    before: Option<FlowId>,
    /// The keys of its probes in their order, apart from what they lead to: a search then reads little memory.
    keys: Vec<u32>,
    /// In the order of their keys.
    issued: Vec<Issued>,
}

impl Flows {
    /// The flow of this name, for one trace more.
    pub(super) fn join(&mut self, protocol: Protocol, target: IpAddr, tag: u16, port: u16) -> FlowId {
        let name = Name { target, protocol, tag, port };
        if self.last.is_empty() {
            self.last = vec![None; TAGS];
        }
        let found = self.tagged(tag).find(|(_, flow)| flow.name == name).map(|(id, _)| id);
        if let Some(flow) = found.and_then(|id| self.known.get_mut(id.place())) {
            flow.members += 1;
        }
        found.unwrap_or_else(|| self.begin(name))
    }

    fn begin(&mut self, name: Name) -> FlowId {
        let id = self.free.pop().unwrap_or_else(|| FlowId::of(self.known.len()));
        let before = self.last.get_mut(usize::from(name.tag)).and_then(|last| last.replace(id));
        let flow = Flow { name, members: 1, before, keys: Vec::new(), issued: Vec::new() };
        match self.known.get_mut(id.place()) {
            Some(place) => *place = flow,
            None => self.known.push(flow),
        }
        id
    }

    /// The flows with this tag.
    fn tagged(&self, tag: u16) -> impl Iterator<Item = (FlowId, &Flow)> {
        let mut next = self.last.get(usize::from(tag)).copied().flatten();
        std::iter::from_fn(move || {
            let id = next?;
            let flow = self.known.get(id.place())?;
            next = flow.before;
            Some((id, flow))
        })
    }

    /// Gives a probe this key; false, and nothing is done, when another of the flow has it.
    pub(super) fn issue(&mut self, flow: FlowId, key: u32, issued: Issued) -> bool {
        let Some(flow) = self.known.get_mut(flow.place()) else { return false };
        if flow.issued.is_empty() {
            flow.keys.reserve_exact(USUAL);
            flow.issued.reserve_exact(USUAL);
        }
        let Err(place) = flow.keys.binary_search(&key) else { return false };
        flow.keys.insert(place, key);
        flow.issued.insert(place, issued);
        true
    }

    /// The probe with this key; `Err` when there is none, but its flow is known.
    pub(super) fn find(&self, key: ProbeKey) -> Option<Result<Issued, NoProbe>> {
        let ProbeKey { protocol, target, tag, port, key } = key;
        let name = Name { target, protocol, tag, port };
        let (_, flow) = self.tagged(tag).find(|(_, flow)| flow.name == name)?;
        (!flow.keys.is_empty()).then(|| flow.find(key).ok_or(NoProbe))
    }

    /// The probes with this key that were sent to other targets or ports, of the same family, protocol and tag.
    pub(super) fn elsewhere(&self, key: ProbeKey) -> impl Iterator<Item = Issued> {
        let is_alike = move |name: Name| name.protocol == key.protocol && name.target.is_ipv4() == key.target.is_ipv4();
        let flows = self.tagged(key.tag).filter(move |(_, flow)| is_alike(flow.name)).take(SEARCHED);
        flows.filter_map(move |(_, flow)| flow.find(key.key))
    }

    /// The probe of `trace` with this token.
    pub(super) fn with_token(&self, flow: FlowId, trace: TraceId, token: u64) -> Option<Issued> {
        let mut issued = self.known.get(flow.place())?.issued.iter().copied();
        issued.find(|issued| issued.trace == trace && issued.token == token)
    }

    /// Forgets the probes of `trace`, and the flow when no other trace is in it.
    pub(super) fn leave(&mut self, id: FlowId, trace: TraceId) {
        let Some(flow) = self.known.get_mut(id.place()) else { return };
        flow.members = flow.members.saturating_sub(1);
        if flow.members > 0 {
            flow.forget(trace);
            return;
        }
        (flow.keys, flow.issued) = Default::default();
        let (tag, before) = (flow.name.tag, flow.before);
        let after = self.tagged(tag).find(|(_, flow)| flow.before == Some(id)).map(|(after, _)| after);
        let link = match after {
            Some(after) => self.known.get_mut(after.place()).map(|flow| &mut flow.before),
            None => self.last.get_mut(usize::from(tag)),
        };
        if let Some(link) = link {
            *link = before;
        }
        self.free.push(id);
    }

    /// How many probes are known.
    #[cfg(test)]
    pub(super) fn probes(&self) -> usize {
        self.known.iter().map(|flow| flow.issued.len()).sum()
    }
}

impl Flow {
    fn find(&self, key: u32) -> Option<Issued> {
        let place = self.keys.binary_search(&key).ok()?;
        self.issued.get(place).copied()
    }

    fn forget(&mut self, trace: TraceId) {
        let mut issued = self.issued.iter();
        self.keys.retain(|_| issued.next().is_none_or(|issued| issued.trace != trace));
        self.issued.retain(|issued| issued.trace != trace);
    }
}

/// No probe of this flow has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoProbe;

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
        assert_eq!(found(sent_on(0xf001, u32::MAX - 193)), [probe(193, 0)]);
        assert_eq!(found(sent_on(0xf001, u32::MAX - 7)), [], "so many are not searched");
        assert_eq!(found(sent_on(0xf002, u32::MAX - 7)), []);
        assert_eq!(
            found(ProbeKey { target: Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), ..sent_on(0xf001, u32::MAX) }),
            []
        );
    }

    #[test]
    fn flows_with_the_same_tag_come_and_go_in_any_order() {
        for gone in [[0_u8, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
            let mut flows = Flows::default();
            let target = |last: u8| IpAddr::from([203, 0, 113, last]);
            let ids = [0, 1, 2].map(|last| flows.join(Protocol::Udp, target(last), 0x8001, 53));
            for (serial, id) in (0..).zip(ids) {
                assert!(flows.issue(id, 9, probe(serial, 0)));
            }
            let found = |flows: &Flows, last| flows.find(ProbeKey { target: target(last), ..key(9) }).is_some();
            for (count, last) in (1..).zip(gone) {
                flows.leave(ids[usize::from(last)], trace(last.into()));
                let left = [0, 1, 2].map(|last| found(&flows, last));
                assert_eq!(left, [0, 1, 2].map(|last| !gone[..count].contains(&last)), "{gone:?}");
            }
        }
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
