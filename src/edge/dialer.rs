//! TCP handshakes → contacts.
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
use tokio::net::TcpSocket;

use super::clock;
use super::turns::Turns;
use super::vigil::Vigil;
use crate::contact::call::Call;
use crate::contact::{Contact, ContactFailure, ContactOutcome};
use crate::moment::Rtt;

/// How long to wait between two attempts: they should not meet the same queue, nor look like a flood.
const SPACING: Duration = Duration::from_millis(100);

/// `SO_EE_ORIGIN_ICMP` and `SO_EE_ORIGIN_ICMP6` of `linux/errqueue.h`: the error came in a packet.
const ORIGINS_ON_THE_WAY: [u8; 2] = [2, 3];

/// Room for one extended error with the address of whoever reported it.
const CONTROL_BYTES: usize = 256;

/// What came of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Connected(Rtt),
    Refused(Rtt),
    Failed(ContactFailure),
    /// This host slept meanwhile: what came of it has no time, and what did not come may have come.
    SleptOver,
}

/// Makes the connections of `call`, one after the other, each in its turn, and keeps the best time. A host that cannot send at all is not tried again.
///
/// A connection that came about is closed at once and in order, with FIN: a reset would be a packet less, but to the
/// other side it is an error, in its logs and to whatever guards it.
pub async fn dial(call: &Call, turns: &Turns) -> Contact {
    let Call { address, port, attempts, timeout, .. } = *call;
    turns.wait(address).await;
    let started = clock::now().wall;
    let mut made = vec![attempt(SocketAddr::new(address, port), timeout).await];
    while made.len() < usize::from(attempts) && made.last() != Some(&Attempt::Failed(ContactFailure::Unsent)) {
        tokio::time::sleep(SPACING).await;
        turns.wait(address).await;
        made.push(attempt(SocketAddr::new(address, port), timeout).await);
    }
    Contact::silent(address, port, started, count(made.len()), outcome_of(&made))
}

fn outcome_of(made: &[Attempt]) -> ContactOutcome {
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

fn count(of: usize) -> u8 {
    u8::try_from(of).unwrap_or(u8::MAX)
}

async fn attempt(to: SocketAddr, timeout: Duration) -> Attempt {
    let mut vigil = Vigil::begin();
    let made = attempt_awake(to, timeout).await;
    if vigil.has_slept() { Attempt::SleptOver } else { made }
}

/// An attempt that counts if this host does not sleep meanwhile.
async fn attempt_awake(to: SocketAddr, timeout: Duration) -> Attempt {
    let Ok((socket, same_socket)) = open(to) else { return Attempt::Failed(ContactFailure::Unsent) };
    let sent = clock::now().mono;
    let Ok(ended) = tokio::time::timeout(timeout, socket.connect(to)).await else {
        return Attempt::Failed(ContactFailure::Timeout);
    };
    let rtt = Rtt::from_duration(clock::now().mono - sent);
    match ended {
        Ok(_) => Attempt::Connected(rtt),
        Err(_) if was_reported_on_the_way(&same_socket) => Attempt::Failed(ContactFailure::Unreachable),
        Err(error) => refusal(error.kind(), rtt),
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
    use std::net::TcpListener;

    use socket2::{Domain, Socket, Type};

    use super::*;
    use crate::contact::call::Speech;
    use crate::trace::courtesy::Courtesy;

    const LONG: Duration = Duration::from_secs(5);

    fn dial_now(address: &str, port: u16, attempts: u8, timeout: Duration) -> Contact {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let turns = Turns::new(Courtesy::per_second(1000, 100));
        let call = Call { address: address.parse().unwrap(), port, attempts, timeout, speech: Speech::Nothing };
        runtime.block_on(dial(&call, &turns))
    }

    #[test]
    fn a_listener_is_connected_to_as_often_as_asked() {
        for address in ["127.0.0.1", "::1"] {
            let listener = TcpListener::bind((address, 0)).unwrap();
            let contact = dial_now(address, listener.local_addr().unwrap().port(), 3, LONG);
            let ContactOutcome::Connected { rtt_ns, samples: 3 } = contact.outcome else { panic!("{contact:?}") };
            assert!(rtt_ns > Rtt::from_duration(Duration::ZERO) && rtt_ns < Rtt::from_duration(LONG));
            assert_eq!(contact.attempts, 3);
        }
    }

    #[test]
    fn a_reset_is_an_answer_with_its_time() {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let contact = dial_now("127.0.0.1", port, 2, LONG);
        assert!(matches!(contact.outcome, ContactOutcome::Refused { samples: 2, .. }), "{contact:?}");
    }

    #[test]
    fn silence_is_a_timeout() {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let fill = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50));
        let queued: Vec<_> = std::iter::repeat_with(fill).take_while(Result::is_ok).collect();
        let contact = dial_now("127.0.0.1", address.port(), 2, Duration::from_millis(50));
        assert_eq!((contact.outcome, contact.attempts), (ContactOutcome::Failed(ContactFailure::Timeout), 2));
        drop(queued);
    }

    #[test]
    fn what_cannot_be_sent_is_not_tried_again() {
        let contact = dial_now("255.255.255.255", 443, 5, LONG);
        assert_eq!((contact.outcome, contact.attempts), (ContactOutcome::Failed(ContactFailure::Unsent), 1));
    }

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
