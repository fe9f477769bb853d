//! Datagrams of one family on their way out, many by one call.

use std::io::IoSlice;
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, sendmmsg};
use socket2::Socket;

use crate::trace::switchboard::Transmit;

/// How many probes leave by one call. All count from before the first was made, so this is kept small: some 20
/// microseconds' worth.
pub(super) const AT_ONCE: usize = 16;

/// The datagrams, one after the other in memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    datagrams: Vec<Datagram>,
}

#[derive(Clone, Copy, Debug)]
struct Datagram {
    target: IpAddr,
    /// Where it ends.
    end: usize,
    /// Its place among what was to be sent.
    place: usize,
}

impl Outbox {
    /// Forgets what was sent before.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }

    /// Adds a probe, the one at that place among those that are to be sent.
    pub(super) fn add(&mut self, place: usize, transmit: &Transmit, source: IpAddr) {
        transmit.write(source, &mut self.bytes);
        self.datagrams.push(Datagram { target: transmit.target, end: self.bytes.len(), place });
    }

    /// The place of each.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.datagrams.iter().map(|datagram| datagram.place)
    }

    /// Sends them all, and tells of each that could not be sent its place.
    pub(super) fn send(&self, socket: &Socket, mut tell_unsent: impl FnMut(usize)) {
        let is_v4 = self.datagrams.first().is_some_and(|datagram| datagram.target.is_ipv4());
        let call = if is_v4 { Self::send_some::<SockaddrIn> } else { Self::send_some::<SockaddrIn6> };
        let (mut next, mut begin) = (0, 0);
        while let Some(datagram) = self.datagrams.get(next) {
            let sent = call(self, socket, next, begin).unwrap_or(0);
            if sent == 0 {
                tell_unsent(datagram.place);
            }
            next += sent.max(1);
            begin = self.datagrams.get(next - 1).map_or(begin, |last| last.end);
        }
    }

    /// Sends as many as the kernel takes in one call, in their order, from the one on whose number and beginning these are,
    /// and says how many that were. `Err` is about the first of them. The addresses are all of the family of `A`: room for
    /// those of any would be four times as much.
    fn send_some<A: Addressed>(&self, socket: &Socket, first: usize, mut begin: usize) -> Result<usize, Errno> {
        let mut parts = [[IoSlice::new(&[])]; AT_ONCE];
        let mut addresses = [None; AT_ONCE];
        let datagrams = self.datagrams.get(first..).unwrap_or_default();
        for ((part, address), datagram) in parts.iter_mut().zip(&mut addresses).zip(datagrams) {
            *part = [IoSlice::new(self.bytes.get(begin..datagram.end).unwrap_or_default())];
            *address = A::of(datagram.target);
            begin = datagram.end;
        }
        let mut headers = MultiHeaders::<A>::preallocate(datagrams.len().min(AT_ONCE), None);
        let controls: [ControlMessage<'_>; 0] = [];
        let sent = sendmmsg(socket.as_raw_fd(), &mut headers, &parts, addresses, controls, MsgFlags::MSG_DONTWAIT)?;
        Ok(sent.count())
    }
}

/// The socket addresses of one family.
trait Addressed: SockaddrLike + Copy {
    /// That of a host; `None` for one of the other family.
    fn of(host: IpAddr) -> Option<Self>;
}

impl Addressed for SockaddrIn {
    fn of(host: IpAddr) -> Option<Self> {
        if let IpAddr::V4(host) = host { Some(SocketAddrV4::new(host, 0).into()) } else { None }
    }
}

impl Addressed for SockaddrIn6 {
    fn of(host: IpAddr) -> Option<Self> {
        if let IpAddr::V6(host) = host { Some(SocketAddrV6::new(host, 0, 0, 0).into()) } else { None }
    }
}
