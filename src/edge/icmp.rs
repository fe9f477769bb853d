//! Raw sockets: what is sent is ICMP or UDP, what is heard is the ICMP of this host, narrowed down by the kernel.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use crate::edge::arrival::Arrivals;
use crate::edge::clock;
use crate::edge::socket::{Reader, Watched, send};
use crate::trace::packet::probe;
use crate::trace::switchboard::{Content, Receipt, Switchboard, TraceId, Transmit};

/// What the kernel may keep for us while we are busy, in bytes: some ten thousand replies, if `net.core.rmem_max` lets.
const RECEIVE_BUFFER: usize = 8 << 20;

/// How many messages are read from one socket before something else gets its turn.
const BATCH: usize = 256;

/// The numbers the sockets are watched under.
const V4: u64 = 4;
const V6: u64 = 6;

/// One raw ICMP socket and one raw UDP socket for each family of this host.
#[derive(Debug)]
pub(super) struct RawSockets {
    v4: Option<Family>,
    v6: Option<Family>,
    watched: Watched,
    reader: Reader,
    /// Where the UDP probes of a trace come from: it is part of their checksum.
    sources: BTreeMap<TraceId, IpAddr>,
}

#[derive(Debug)]
struct Family {
    icmp: Socket,
    /// Only ever sent from.
    udp: Socket,
    arrivals: Arrivals,
}

impl RawSockets {
    /// Opens them. A family that this host does not have is left out.
    pub(super) fn open() -> io::Result<Self> {
        let v4 = Family::open(Domain::IPV4, Protocol::ICMPV4, &heard_v4());
        let v6 = Family::open(Domain::IPV6, Protocol::ICMPV6, &heard_v6());
        let (v4, v6) = match (v4, v6) {
            (Err(error), Err(_)) => return Err(error),
            (v4, v6) => (v4.ok(), v6.ok()),
        };
        let watched = Watched::new()?;
        for (family, number) in [(&v4, V4), (&v6, V6)] {
            if let Some(family) = family {
                watched.messages(&family.icmp, number)?;
            }
        }
        Ok(Self { v4, v6, watched, reader: Reader::new(), sources: BTreeMap::new() })
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.watched
    }

    pub(super) fn send(&mut self, transmit: &Transmit) -> Result<(), Errno> {
        let family = if transmit.target.is_ipv4() { &self.v4 } else { &self.v6 };
        let family = family.as_ref().ok_or(Errno::EAFNOSUPPORT)?;
        match &transmit.content {
            Content::Icmp(message) => send(&family.icmp, message, Some(transmit.target), transmit.ttl, None),
            Content::Udp { source_port, destination_port, payload } => {
                let source = match self.sources.get(&transmit.trace) {
                    Some(&source) => source,
                    None => source_to(transmit.target, *destination_port)?,
                };
                self.sources.insert(transmit.trace, source);
                let (from, to) = ((source, *source_port), (transmit.target, *destination_port));
                let segment = probe::udp_segment(from, to, payload);
                send(&family.udp, &segment, Some(transmit.target), transmit.ttl, Some(source))
            }
        }
    }

    pub(super) fn forget(&mut self, trace: TraceId) {
        self.sources.remove(&trace);
    }

    /// Hands what has been received to the switchboard; whether there was anything.
    pub(super) fn receive(&mut self, switchboard: &mut Switchboard, receipts: &mut Vec<Receipt>) -> bool {
        let ready = self.watched.ready();
        for (family, number) in [(&mut self.v4, V4), (&mut self.v6, V6)] {
            if let Some(family) = family.as_mut().filter(|_| ready.contains(&number)) {
                family.receive(&mut self.reader, switchboard, receipts);
            }
        }
        !ready.is_empty()
    }
}

impl Family {
    fn open(domain: Domain, icmp: Protocol, heard: &[SockFilter]) -> io::Result<Self> {
        let icmp = Socket::new(domain, Type::RAW, Some(icmp))?;
        icmp.attach_filter(heard)?;
        icmp.set_nonblocking(true)?;
        icmp.set_recv_buffer_size(RECEIVE_BUFFER)?;
        setsockopt(&icmp, sockopt::ReceiveTimestampns, &true)?;
        let udp = Socket::new(domain, Type::RAW, Some(Protocol::UDP))?;
        udp.attach_filter(&[verdict(0)])?;
        udp.set_nonblocking(true)?;
        Ok(Self { icmp, udp, arrivals: Arrivals::since(clock::now()) })
    }

    fn receive(&mut self, reader: &mut Reader, switchboard: &mut Switchboard, receipts: &mut Vec<Receipt>) {
        let mut before = clock::now();
        for _ in 0..BATCH {
            let Ok(message) = reader.read(&self.icmp, MsgFlags::empty()) else { return };
            let Some(message) = message else {
                self.arrivals.mark(before);
                return;
            };
            let now = clock::now();
            let at = self.arrivals.arrival(message.stamp, now);
            if let Some(from) = message.from {
                receipts.push(switchboard.handle_datagram(message.bytes, from, at));
            }
            before = now;
        }
    }
}

/// The address that this host sends to `target` from.
fn source_to(target: IpAddr, port: u16) -> Result<IpAddr, Errno> {
    let any: SocketAddr = if target.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let route = || -> io::Result<IpAddr> {
        let socket = UdpSocket::bind(any)?;
        socket.connect((target, port))?;
        Ok(socket.local_addr()?.ip())
    };
    route().map_err(|error| error.raw_os_error().map_or(Errno::ENETUNREACH, Errno::from_raw))
}

/// Classic BPF: hear echo replies (0), destinations unreachable (3) and time exceeded (11) of ICMP. A raw IPv4 socket
/// sees the IP header, whose length is in its first byte.
fn heard_v4() -> [SockFilter; 7] {
    const HEADER_LENGTH: SockFilter = SockFilter::new(0xb1, 0, 0, 0);
    const TYPE: SockFilter = SockFilter::new(0x50, 0, 0, 0);
    [HEADER_LENGTH, TYPE, is(0, 3), is(3, 2), is(11, 1), verdict(0), verdict(u32::MAX)]
}

/// The same of `ICMPv6`, 129, 1 and 3. A raw IPv6 socket sees the message alone.
fn heard_v6() -> [SockFilter; 6] {
    const TYPE: SockFilter = SockFilter::new(0x30, 0, 0, 0);
    [TYPE, is(129, 3), is(1, 2), is(3, 1), verdict(0), verdict(u32::MAX)]
}

/// Skips `skipped` instructions if the byte loaded is `value`.
const fn is(value: u32, skipped: u8) -> SockFilter {
    SockFilter::new(0x15, skipped, 0, value)
}

/// Ends with so many bytes let through.
const fn verdict(length: u32) -> SockFilter {
    SockFilter::new(0x06, 0, 0, length)
}
