//! How much the lab can answer: probes as fast as one processor can send them.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::packet::checksum;

/// How long it lasts.
const LASTS: Duration = Duration::from_secs(2);

/// An echo request: what most tracers send.
const REQUEST: [u8; 8] = [8, 0, 0, 0, 0, 1, 0, 1];

/// Sends, and reads what comes back now and then; returns how many were sent.
pub(crate) fn flood(destinations: &[Ipv4Addr]) -> io::Result<u64> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    socket.set_nonblocking(true)?;
    let mut request = REQUEST;
    let sum = checksum(&request);
    request[2..4].copy_from_slice(&sum);
    let hosts: Vec<SockAddr> = destinations.iter().map(|host| SocketAddrV4::new(*host, 0).into()).collect();
    let ends = monotonic() + LASTS;
    let mut sent = 0;
    let mut answer = [MaybeUninit::uninit(); 256];
    for ttl in (1..=18).cycle() {
        socket.set_ttl_v4(ttl)?;
        for host in &hosts {
            // A queue that is full is what this is for.
            sent += u64::from(socket.send_to(&request, host).is_ok());
        }
        let _ = socket.recv(&mut answer);
        if monotonic() > ends {
            break;
        }
    }
    Ok(sent)
}

fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into()
}
