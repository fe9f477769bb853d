//! A socket that is read many messages at a time: what each holds, from whom, and when it came.

use std::io::{self, IoSliceMut};
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::Socket;

use crate::edge::arrival::Arrivals;
use crate::edge::clock;
use crate::edge::socket::{LONGEST, address, kernel_stamp};
use crate::moment::Moment;

/// How many messages are read by one call: more saves little, as the call itself is then a thirtieth of the cost.
const AT_ONCE: usize = 32;

/// What the kernel may keep for us while we are busy, in bytes: some ten thousand replies. Without `CAP_NET_ADMIN` it is
/// no more than `net.core.rmem_max` allows.
const RECEIVE_BUFFER: usize = 8 << 20;

/// The socket, and what was read last.
#[derive(Debug)]
pub(super) struct Inbox {
    socket: Socket,
    arrivals: Arrivals,
    bytes: Vec<u8>,
    messages: Vec<Arrived>,
    /// The kernel's counter of what it threw away, as last heard of.
    counter: u32,
    lost: u64,
}

/// A message that was read.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    length: usize,
    from: IpAddr,
    at: Moment,
}

impl Inbox {
    /// Has the kernel keep as much as it will for `socket`, stamp what comes, and count what it throws away.
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        setsockopt(&socket, sockopt::RxqOvfl, &1)?;
        let arrivals = Arrivals::since(clock::now());
        let bytes = vec![0; LONGEST * AT_ONCE];
        Ok(Self { socket, arrivals, bytes, messages: Vec::with_capacity(AT_ONCE), counter: 0, lost: 0 })
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Reads what there is, in place of what was read before. Whether there may be more.
    pub(super) fn read(&mut self) -> bool {
        self.messages.clear();
        let before = clock::now();
        let read = match self.receive() {
            Ok(read) => read,
            Err(Errno::EAGAIN) => 0,
            // An error pending on the socket is told once and says nothing of what waits behind it.
            Err(_) => return false,
        };
        if read < AT_ONCE {
            self.arrivals.mark(before);
        }
        read == AT_ONCE
    }

    /// What was read last, in the order of arrival.
    pub(super) fn messages(&self) -> impl Iterator<Item = (&[u8], IpAddr, Moment)> {
        let bytes = self.bytes.chunks(LONGEST).zip(&self.messages);
        bytes.map(|(bytes, message)| (bytes.get(..message.length).unwrap_or_default(), message.from, message.at))
    }

    /// How many messages the kernel has thrown away because there was no room. It tells with the first message after.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    fn receive(&mut self) -> Result<usize, Errno> {
        // Made anew for every call: the kernel leaves in them how much room for control messages it used, and the next
        // call would find no more than that.
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(AT_ONCE, Some(cmsg_space!(TimeSpec, u32)));
        let mut parts: Vec<[IoSliceMut<'_>; 1]> =
            self.bytes.chunks_mut(LONGEST).map(|bytes| [IoSliceMut::new(bytes)]).collect();
        let received = recvmmsg(self.socket.as_raw_fd(), &mut headers, parts.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
        let now = clock::now();
        let mut count = 0;
        for message in received {
            count += 1;
            let mut stamp = None;
            for control in message.cmsgs().into_iter().flatten() {
                stamp = stamp.or(kernel_stamp(&control));
                if let ControlMessageOwned::RxqOvfl(counter) = control {
                    self.lost += u64::from(counter.wrapping_sub(self.counter));
                    self.counter = counter;
                }
            }
            // Every message of these families has a source.
            let from = message.address.as_ref().and_then(address).unwrap_or(IpAddr::from([0; 4]));
            self.messages.push(Arrived { length: message.bytes, from, at: self.arrivals.arrival(stamp, now) });
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::time::{Duration, Instant};

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use socket2::SockRef;

    use super::*;

    fn pair() -> (UdpSocket, Inbox) {
        let far = UdpSocket::bind("127.0.0.1:0").unwrap();
        let near = UdpSocket::bind("127.0.0.1:0").unwrap();
        near.connect(far.local_addr().unwrap()).unwrap();
        (near, Inbox::new(far.into()).unwrap())
    }

    fn read_all(inbox: &mut Inbox) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let is_more = inbox.read();
            all.extend(inbox.messages().map(|(bytes, ..)| bytes.to_vec()));
            if !is_more {
                return all;
            }
        }
    }

    #[test]
    fn messages_are_read_in_their_order_and_whole() {
        let (near, mut inbox) = pair();
        let sent: Vec<Vec<u8>> = (0..3 * AT_ONCE + 5).map(|number| vec![number.to_le_bytes()[0]; number + 1]).collect();
        for message in &sent {
            near.send(message).unwrap();
        }
        assert_eq!(read_all(&mut inbox), sent);
        assert_eq!((read_all(&mut inbox).len(), inbox.lost()), (0, 0));
    }

    #[test]
    fn what_the_kernel_threw_away_is_counted_to_the_last() {
        let (near, mut inbox) = pair();
        SockRef::from(inbox.socket()).set_recv_buffer_size(4096).unwrap();
        let (mut sent, mut received) = (0_u64, 0);
        for _ in 0..3 {
            for _ in 0..500 {
                near.send(&[7; 100]).unwrap();
                sent += 1;
            }
            received += read_all(&mut inbox).len();
            // The counter comes with the next message there is room for.
            near.send(&[8]).unwrap();
            sent += 1;
            received += read_all(&mut inbox).len();
            assert!(received < 1000, "the buffer is small");
            assert_eq!(inbox.lost(), sent - u64::try_from(received).unwrap());
        }
    }

    #[test]
    fn a_message_came_when_the_kernel_got_it_and_not_when_it_was_read() {
        let (near, mut inbox) = pair();
        let quiet = UdpSocket::bind("127.0.0.1:0").unwrap();
        let begun = clock::now().mono;
        // The kernel begins to stamp a little after it is first asked to.
        while clock::now().mono < begun + Duration::from_secs(10) {
            read_all(&mut inbox);
            let before = clock::now().mono;
            near.send(&[1]).unwrap();
            let after = clock::now().mono;
            // Nothing comes here: the time that passes before the message is read.
            assert_eq!(poll(&mut [PollFd::new(quiet.as_fd(), PollFlags::POLLIN)], PollTimeout::from(60_u8)), Ok(0));
            inbox.read();
            let arrivals: Vec<Instant> = inbox.messages().map(|(_, _, at)| at.mono).collect();
            let [arrival] = arrivals[..] else { panic!("{arrivals:?}") };
            // The two clocks are read one after the other.
            assert!(arrival + Duration::from_millis(1) >= before, "never too early");
            if arrival <= after + Duration::from_millis(30) {
                return;
            }
        }
        panic!("no stamp is used");
    }
}
