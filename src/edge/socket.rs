//! One message into a socket or out of it, with what the kernel says of it.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Socket};

/// The longest message read: longer than any ICMP error (576 bytes for IPv4, 1280 for IPv6).
pub(super) const LONGEST: usize = 2048;

/// A message from an error queue.
#[derive(Debug)]
pub(super) struct Received<'a> {
    /// Its bytes.
    pub(super) bytes: &'a [u8],
    /// What an error queue says of it.
    pub(super) error: Option<NetworkError>,
    /// The kernel's stamp.
    pub(super) stamp: Option<Timestamp>,
}

/// An ICMP error, as an error queue reports it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NetworkError {
    /// Who sent it.
    pub(super) offender: IpAddr,
    /// Its ICMP type.
    pub(super) kind: u8,
    /// Its ICMP code.
    pub(super) code: u8,
}

/// Room for one message at a time.
#[derive(Debug)]
pub(super) struct Reader {
    bytes: Vec<u8>,
    control: Vec<u8>,
}

impl Reader {
    pub(super) fn new() -> Self {
        let control = nix::cmsg_space!(TimeSpec, libc::sock_extended_err, libc::sockaddr_in6);
        Self { bytes: vec![0; LONGEST], control }
    }

    /// The next message, or of the error queue the next error; `None` when there is none.
    pub(super) fn read(&mut self, socket: &Socket, flags: MsgFlags) -> Result<Option<Received<'_>>, Errno> {
        let (length, error, stamp) = {
            let mut parts = [IoSliceMut::new(&mut self.bytes)];
            let flags = flags | MsgFlags::MSG_DONTWAIT;
            match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut self.control), flags) {
                Err(Errno::EAGAIN) => return Ok(None),
                Err(errno) => return Err(errno),
                Ok(message) => {
                    let (mut error, mut stamp) = (None, None);
                    for control in message.cmsgs().into_iter().flatten() {
                        error = error.or(network_error(&control));
                        stamp = stamp.or(kernel_stamp(&control));
                    }
                    (message.bytes, error, stamp)
                }
            }
        };
        Ok(Some(Received { bytes: self.bytes.get(..length).unwrap_or_default(), error, stamp }))
    }
}

/// Sends `bytes` by a connected socket with this TTL.
pub(super) fn send(socket: &Socket, bytes: &[u8], ttl: u8) -> Result<(), Errno> {
    let ttl = libc::c_int::from(ttl);
    let is_v4 = socket.domain().is_ok_and(|domain| domain == Domain::IPV4);
    let hop_limit = if is_v4 { ControlMessage::Ipv4Ttl(&ttl) } else { ControlMessage::Ipv6HopLimit(&ttl) };
    let parts = [IoSlice::new(bytes)];
    sendmsg::<SockaddrStorage>(socket.as_raw_fd(), &parts, &[hop_limit], MsgFlags::MSG_DONTWAIT, None).map(drop)
}

pub(super) fn address(name: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = name.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| name.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum with a variant for every control message there is")]
pub(super) fn kernel_stamp(control: &ControlMessageOwned) -> Option<Timestamp> {
    match control {
        ControlMessageOwned::ScmTimestampns(stamp) => {
            Timestamp::new(stamp.tv_sec(), i32::try_from(stamp.tv_nsec()).ok()?).ok()
        }
        _ => None,
    }
}

/// The ICMP error in a control message; errors of this host itself are none.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum with a variant for every control message there is")]
fn network_error(control: &ControlMessageOwned) -> Option<NetworkError> {
    let (error, offender) = match control {
        ControlMessageOwned::Ipv4RecvErr(error, Some(offender)) if error.ee_origin == libc::SO_EE_ORIGIN_ICMP => {
            (error, Ipv4Addr::from(offender.sin_addr.s_addr.to_ne_bytes()).into())
        }
        ControlMessageOwned::Ipv6RecvErr(error, Some(offender)) if error.ee_origin == libc::SO_EE_ORIGIN_ICMP6 => {
            (error, Ipv6Addr::from(offender.sin6_addr.s6_addr).into())
        }
        _ => return None,
    };
    Some(NetworkError { offender, kind: error.ee_type, code: error.ee_code })
}

/// Sockets watched together, each under a number.
#[derive(Debug)]
pub(super) struct Watched(Epoll);

impl Watched {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Watches for messages, and for errors, which are always watched for.
    pub(super) fn messages(&self, socket: &Socket, number: u64) -> io::Result<()> {
        Ok(self.0.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, number))?)
    }

    /// Watches a socket that is watched for messages as well, or for errors alone.
    pub(super) fn also_messages(&self, socket: &Socket, number: u64, is_wanted: bool) -> io::Result<()> {
        let flags = if is_wanted { EpollFlags::EPOLLIN } else { EpollFlags::empty() };
        Ok(self.0.modify(socket, &mut EpollEvent::new(flags, number))?)
    }

    /// Watches for errors alone.
    pub(super) fn errors(&self, socket: &Socket, number: u64) -> io::Result<()> {
        Ok(self.0.add(socket, EpollEvent::new(EpollFlags::empty(), number))?)
    }

    /// The numbers of some sockets that have something; none when no socket has.
    pub(super) fn ready(&self) -> Vec<u64> {
        let mut events = [EpollEvent::empty(); 64];
        let count = self.0.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        events.iter().take(count).map(EpollEvent::data).collect()
    }

    /// A descriptor that is readable when a socket has something.
    pub(super) fn descriptor(&self) -> io::Result<OwnedFd> {
        self.0.0.try_clone()
    }
}
