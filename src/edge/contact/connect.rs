//! Addresses → connections: handshakes of TCP, and what came of them.
//!
//! What is timed is the way from just before the SYN is handed to the kernel to the moment we learn of the answer: a
//! little more than the round-trip time, never less, which is what a bound on distance needs.
//!
//! A reset counts as an answer of the address. The error of a refused connection does not say whether it *was* a reset:
//! an ICMP "port unreachable" of a router or a firewall on the way gives the same `ECONNREFUSED`, and its round-trip
//! time would be that of the router. The socket's error queue tells them apart (Linux 5.12 and later put such messages
//! there; before that, every refusal is taken for a reset).

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use tokio::net::{TcpSocket, TcpStream};

use crate::contact::{ContactFailure, ContactOutcome};
use crate::edge::clock;
use crate::edge::vigil::Vigil;
use crate::moment::Rtt;

/// `SO_EE_ORIGIN_ICMP` and `SO_EE_ORIGIN_ICMP6` of `linux/errqueue.h`: the error came in a packet.
const ORIGINS_ON_THE_WAY: [u8; 2] = [2, 3];

/// Room for one extended error with the address of whoever reported it.
const CONTROL_BYTES: usize = 256;

/// What came of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The handshake was completed.
    Connected(Rtt),
    /// It was answered by a reset.
    Refused(Rtt),
    /// Nothing came of it.
    Failed(ContactFailure),
    /// This host slept meanwhile: what came of it has no time, and what did not come may have come.
    SleptOver,
}

/// One attempt, and the connection that came of it.
pub(super) async fn attempt(to: SocketAddr, timeout: Duration) -> (Attempt, Option<TcpStream>) {
    let mut vigil = Vigil::begin();
    let made = attempt_awake(to, timeout).await;
    if vigil.has_slept() { (Attempt::SleptOver, None) } else { made }
}

/// What came of all of them.
pub(super) fn outcome_of(made: &[Attempt]) -> ContactOutcome {
    let connected = made.iter().filter_map(|attempt| match attempt {
        Attempt::Connected(rtt) => Some(*rtt),
        Attempt::Refused(_) | Attempt::Failed(_) | Attempt::SleptOver => None,
    });
    let refused = made.iter().filter_map(|attempt| match attempt {
        Attempt::Refused(rtt) => Some(*rtt),
        Attempt::Connected(_) | Attempt::Failed(_) | Attempt::SleptOver => None,
    });
    if let Some(rtt_ns) = connected.clone().min() {
        ContactOutcome::Connected { rtt_ns, samples: count(connected.count()) }
    } else if let Some(rtt_ns) = refused.clone().min() {
        ContactOutcome::Refused { rtt_ns, samples: count(refused.count()) }
    } else {
        ContactOutcome::Failed(failure_of(made))
    }
}

/// The failure that says most: somebody's word before silence, silence before our own incapacity.
fn failure_of(made: &[Attempt]) -> ContactFailure {
    let has = |failure| made.contains(&Attempt::Failed(failure));
    let by_rank = [ContactFailure::Unreachable, ContactFailure::Timeout];
    by_rank.into_iter().find(|failure| has(*failure)).unwrap_or(ContactFailure::Unsent)
}

/// How many attempts.
pub(super) fn count(of: usize) -> u8 {
    u8::try_from(of).unwrap_or(u8::MAX)
}

/// An attempt that counts if this host does not sleep meanwhile.
async fn attempt_awake(to: SocketAddr, timeout: Duration) -> (Attempt, Option<TcpStream>) {
    let Ok((socket, same_socket)) = open(to) else { return (Attempt::Failed(ContactFailure::Unsent), None) };
    let sent = clock::now().mono;
    let Ok(ended) = tokio::time::timeout(timeout, socket.connect(to)).await else {
        return (Attempt::Failed(ContactFailure::Timeout), None);
    };
    let rtt = Rtt::from_duration(clock::now().mono - sent);
    match ended {
        Ok(connection) => (Attempt::Connected(rtt), Some(connection)),
        Err(_) if was_reported_on_the_way(&same_socket) => (Attempt::Failed(ContactFailure::Unreachable), None),
        Err(error) => (refusal(error.kind(), rtt), None),
    }
}

fn refusal(error: io::ErrorKind, rtt: Rtt) -> Attempt {
    if matches!(error, io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset) {
        Attempt::Refused(rtt)
    } else if error == io::ErrorKind::TimedOut {
        Attempt::Failed(ContactFailure::Timeout)
    } else {
        Attempt::Failed(ContactFailure::Unsent)
    }
}

/// A socket that keeps its ICMP errors, twice: connecting consumes one, the other is asked for them.
fn open(to: SocketAddr) -> io::Result<(TcpSocket, OwnedFd)> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    match to {
        SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?,
    }
    let same_socket = socket.as_fd().try_clone_to_owned()?;
    Ok((socket, same_socket))
}

/// Whether the error queue holds an ICMP message.
fn was_reported_on_the_way(socket: &OwnedFd) -> bool {
    let mut control = [0; CONTROL_BYTES];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let Ok(message) = recvmsg::<()>(socket.as_raw_fd(), &mut [], Some(&mut control), flags) else { return false };
    let Ok(mut messages) = message.cmsgs() else { return false };
    messages.any(|message| {
        if let ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) = message {
            ORIGINS_ON_THE_WAY.contains(&error.ee_origin)
        } else {
            false
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_among_failures_counts() {
        let rtt = Rtt::from_duration(Duration::from_millis(7));
        let timeout = Attempt::Failed(ContactFailure::Timeout);
        let made = [timeout, Attempt::Refused(rtt), Attempt::Connected(rtt)];
        assert_eq!(outcome_of(&made), ContactOutcome::Connected { rtt_ns: rtt, samples: 1 });
        assert_eq!(outcome_of(&made[..2]), ContactOutcome::Refused { rtt_ns: rtt, samples: 1 });
        let unreachable = Attempt::Failed(ContactFailure::Unreachable);
        let slept_over = [Attempt::SleptOver, Attempt::Refused(rtt), Attempt::SleptOver];
        assert_eq!(outcome_of(&slept_over), ContactOutcome::Refused { rtt_ns: rtt, samples: 1 });
        assert_eq!(outcome_of(&slept_over[..1]), ContactOutcome::Failed(ContactFailure::Unsent));
        assert_eq!(outcome_of(&[timeout, unreachable]), ContactOutcome::Failed(ContactFailure::Unreachable));
    }
}
