//! Raw sockets: one for each family that all probes leave by, many at a time, and two that hear the ICMP and the TCP of
//! this host, narrowed down by the kernel to what can answer a probe.
//!
//! Of TCP nothing is heard until the first TCP probe, so that who traces by ICMP alone is not woken by strangers and reads
//! no socket in vain. The kernel knows of no connection that a TCP probe would begin. A SYN with ACK that answers one is
//! heard here, and the kernel sends the target a reset for it: what the probe had half opened there is closed within a
//! round trip.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use nix::errno::Errno;
use rustix::net::connect_unspec;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use crate::edge::filter;
use crate::edge::inbox::Inbox;
use crate::edge::outbox::Outbox;
use crate::edge::socket::Watched;
use crate::edge::vigil::Vigil;
use crate::moment::Moment;
use crate::trace::switchboard::{Content, Receipt, Switchboard, TraceId, Transmit};

/// `IPPROTO_RAW`: datagrams with the IP header we write, and nothing is ever heard. The header holds the TTL, so that one
/// call can send probes of different ones.
const WITH_HEADER: i32 = 255;

/// What the kernel may hold of what we send, in bytes, if `net.core.wmem_max` lets: a thousand probes.
const SEND_BUFFER: usize = 1 << 20;

/// How many times a socket is read before something else gets its turn: some two thousand replies.
const READS: usize = 64;

/// The sockets of each family of this host.
#[derive(Debug)]
pub(super) struct RawSockets {
    v4: Option<Box<Family>>,
    v6: Option<Box<Family>>,
    watched: Watched,
    /// Room for what leaves by one call.
    outbox: Outbox,
    /// Where the probes of a trace come from, where that is part of their checksum.
    sources: BTreeMap<TraceId, IpAddr>,
}

#[derive(Debug)]
struct Family {
    icmp: Inbox,
    tcp: Inbox,
    /// The filter of the TCP socket, until the first TCP probe: before that, nothing is heard by it.
    unheard: Option<Vec<SockFilter>>,
    out: Socket,
    /// Connected to one target after the other and never sent by, to learn where this host sends to it from. To have one
    /// for each target would take three times as long.
    routes: Socket,
}

impl RawSockets {
    /// Opens them. A family that this host does not have is left out.
    pub(super) fn open() -> io::Result<Self> {
        let v4 = Family::open(Domain::IPV4, Protocol::ICMPV4, &filter::heard_v4(), filter::segments_v4());
        let v6 = Family::open(Domain::IPV6, Protocol::ICMPV6, &filter::heard_v6(), filter::segments_v6());
        let (v4, v6) = match (v4, v6) {
            (Err(error), Err(_)) => return Err(error),
            (v4, v6) => (v4.ok().map(Box::new), v6.ok().map(Box::new)),
        };
        let (watched, outbox) = (Watched::new()?, Outbox::default());
        let sockets = Self { v4, v6, watched, outbox, sources: BTreeMap::new() };
        sockets.inboxes().try_for_each(|inbox| sockets.watched.messages(inbox.socket(), 0))?;
        Ok(sockets)
    }

    /// Those that hear anything.
    fn inboxes(&self) -> impl Iterator<Item = &Inbox> {
        let families = [&self.v4, &self.v6].into_iter().flatten();
        families.flat_map(|family| [Some(&family.icmp), family.unheard.is_none().then_some(&family.tcp)]).flatten()
    }

    /// Begins to hear the TCP of the family of `target`, if that has not begun.
    fn hear_tcp(&mut self, target: IpAddr) -> io::Result<()> {
        let family = if target.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        if let Some(family) = family
            && let Some(heard) = &family.unheard
        {
            family.tcp.socket().attach_filter(heard)?;
            self.watched.messages(family.tcp.socket(), 0)?;
            family.unheard = None;
        }
        Ok(())
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Sends the probes, and says which could not be sent.
    pub(super) fn send<'a>(&mut self, transmits: &'a [Transmit]) -> Vec<&'a Transmit> {
        let mut unsent = Vec::new();
        let mut outbox = std::mem::take(&mut self.outbox);
        for is_v4 in [true, false] {
            outbox.clear();
            let of_family = |(_, transmit): &(usize, &Transmit)| transmit.target.is_ipv4() == is_v4;
            for (place, transmit) in transmits.iter().enumerate().filter(of_family) {
                match self.source(transmit) {
                    Ok(source) => outbox.add(place, transmit, source),
                    Err(_) => unsent.push(transmit),
                }
            }
            let family = if is_v4 { &self.v4 } else { &self.v6 };
            match family {
                Some(family) => outbox.send(&family.out, |place| unsent.extend(transmits.get(place))),
                None => unsent.extend(outbox.places().filter_map(|place| transmits.get(place))),
            }
        }
        self.outbox = outbox;
        unsent
    }

    pub(super) fn forget(&mut self, trace: TraceId) {
        self.sources.remove(&trace);
    }

    /// Hands what has been received to the switchboard. Whether there may be more.
    pub(super) fn receive(
        &mut self,
        switchboard: &mut Switchboard,
        vigil: &mut Vigil,
        receipts: &mut Vec<Receipt>,
    ) -> bool {
        let mut is_more = false;
        for family in [&mut self.v4, &mut self.v6].into_iter().flatten() {
            is_more |= family.receive(switchboard, vigil, receipts);
        }
        is_more
    }

    /// Wakes us with the next message, or has messages gather.
    pub(super) fn watch(&self, is_wanted: bool) -> io::Result<()> {
        self.inboxes().try_for_each(|inbox| self.watched.also_messages(inbox.socket(), 0, is_wanted))
    }

    /// How many replies the kernel has thrown away because there was no room.
    pub(super) fn lost(&self) -> u64 {
        self.inboxes().map(Inbox::lost).sum()
    }

    /// The address that a probe says it comes from.
    fn source(&mut self, transmit: &Transmit) -> Result<IpAddr, Errno> {
        let port = match transmit.content {
            // The kernel fills it in, and no checksum covers it.
            Content::Icmp(_) if transmit.target.is_ipv4() => return Ok(Ipv4Addr::UNSPECIFIED.into()),
            Content::Icmp(_) => 0,
            Content::Udp { destination_port, .. } => destination_port,
            Content::Tcp { destination_port, .. } => {
                self.hear_tcp(transmit.target).map_err(errno)?;
                destination_port
            }
        };
        if let Some(&source) = self.sources.get(&transmit.trace) {
            return Ok(source);
        }
        let family = if transmit.target.is_ipv4() { &self.v4 } else { &self.v6 };
        let source = family.as_ref().ok_or(Errno::EAFNOSUPPORT)?.source_to(transmit.target, port).map_err(errno)?;
        self.sources.insert(transmit.trace, source);
        Ok(source)
    }
}

impl Family {
    fn open(domain: Domain, icmp: Protocol, heard: &[SockFilter], segments: Vec<SockFilter>) -> io::Result<Self> {
        let out = Socket::new(domain, Type::RAW, Some(Protocol::from(WITH_HEADER)))?;
        out.set_nonblocking(true)?;
        out.set_send_buffer_size(SEND_BUFFER)?;
        let (icmp, tcp) = (inbox(domain, icmp, heard)?, inbox(domain, Protocol::TCP, &filter::nothing())?);
        let routes = Socket::new(domain, Type::DGRAM, None)?;
        Ok(Self { icmp, tcp, unheard: Some(segments), out, routes })
    }

    /// The address that this host sends to `target` from.
    fn source_to(&self, target: IpAddr, port: u16) -> io::Result<IpAddr> {
        // A connected socket would stay with the address it has.
        connect_unspec(&self.routes)?;
        self.routes.connect(&SocketAddr::new(target, port.max(1)).into())?;
        let source = self.routes.local_addr()?.as_socket().map(|from| from.ip());
        source.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    fn receive(&mut self, switchboard: &mut Switchboard, vigil: &mut Vigil, receipts: &mut Vec<Receipt>) -> bool {
        let of_icmp = read(&mut self.icmp, switchboard, vigil, receipts, Switchboard::handle_datagram);
        let of_tcp =
            self.unheard.is_none() && read(&mut self.tcp, switchboard, vigil, receipts, Switchboard::handle_segment);
        of_icmp || of_tcp
    }
}

/// A raw socket that hears what passes the filter.
fn inbox(domain: Domain, protocol: Protocol, heard: &[SockFilter]) -> io::Result<Inbox> {
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.attach_filter(heard)?;
    socket.set_nonblocking(true)?;
    Inbox::new(socket)
}

/// Hands over what an inbox has, up to so much that others get their turn. Whether there may be more.
fn read(
    inbox: &mut Inbox,
    switchboard: &mut Switchboard,
    vigil: &mut Vigil,
    receipts: &mut Vec<Receipt>,
    handle: fn(&mut Switchboard, &[u8], IpAddr, Moment) -> Receipt,
) -> bool {
    (0..READS).all(|_| {
        let is_more = inbox.read();
        // After reading: a sleep before that is one that what was read may have come over.
        vigil.keep(switchboard);
        receipts.extend(inbox.messages().map(|(bytes, from, at)| handle(switchboard, bytes, from, at)));
        is_more
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it takes the place of the error")]
fn errno(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::ENETUNREACH, Errno::from_raw)
}
