//! A host that sends more ICMP than anybody asked for, at a rate or as fast as it can, and then ends.

use super::long_way::{icmp4, ipv4, message};
use super::{Lab, Process, START};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// The argument that makes this program play the part.
pub(super) const ROLE: &str = "--play-flooder";

/// What a flood is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Water {
    /// Answers to what other programs may have asked.
    Unrelated,
    /// Messages about UDP datagrams from ports of ours to a port of ours, none of which was ever sent.
    Alike,
}

/// Sends `count` messages from `node` to `victim`, `rate` a second (0 is as fast as it can); says `flooded` at its end.
pub(crate) fn flood(
    lab: &Lab,
    node: &'static str,
    victim: Ipv4Addr,
    water: Water,
    (count, rate): (u32, u32),
) -> Process {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let water = if water == Water::Alike { "alike" } else { "unrelated" };
    let (victim, count, rate) = (victim.to_string(), count.to_string(), rate.to_string());
    let mut process = lab.spawn(node, &[&program, ROLE, &victim, water, &count, &rate]);
    process.wait_for_line("ready", START);
    process
}

/// Runs the program.
pub(super) fn play(arguments: &[String]) -> ExitCode {
    let [victim, water, count, rate] = arguments else {
        eprintln!("an address, what to send, how much of it and how fast are needed");
        return ExitCode::FAILURE;
    };
    let victim: Ipv4Addr = victim.parse().expect("an address");
    let [count, rate]: [u32; 2] = [count, rate].map(|number| number.parse().expect("a number"));
    let messages = if water == "alike" { alike(victim) } else { unrelated(victim) };
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).expect("a raw socket");
    let to = SockAddr::from(SocketAddrV4::new(victim, 0));
    println!("ready");
    let begun = Instant::now();
    for (sent, message) in (0..count).zip(messages.iter().cycle()) {
        let due = Duration::from_secs(sent.into()).checked_div(rate).unwrap_or(Duration::ZERO);
        while let Some(early) = due.checked_sub(begun.elapsed()).filter(|early| !early.is_zero()) {
            thread::park_timeout(early);
        }
        let _ = socket.send_to(message, &to);
    }
    println!("flooded {count} in {} ms", begun.elapsed().as_millis());
    ExitCode::SUCCESS
}

fn unrelated(victim: Ipv4Addr) -> Vec<Vec<u8>> {
    let sender = Ipv4Addr::new(62, 115, 1, 9);
    let answered = |identifier: u8| {
        icmp4(sender, victim, &[&[0, 0, 0, 0, identifier, 7, 0, 9], &b"what another program had asked"[..]].concat())
    };
    let quoting = |protocol, header: [u8; 8]| {
        icmp4(sender, victim, &message(11, 0, &ipv4(victim, sender, protocol, &[&header[..], &[0; 32]].concat())))
    };
    vec![
        answered(0x11),
        answered(0xd1),
        quoting(6, [0x9c, 0x40, 1, 187, 0, 0, 0, 7]),
        quoting(17, [0x9c, 0x40, 0, 53, 0, 40, 1, 2]),
        quoting(1, [8, 0, 1, 2, 0x11, 7, 0, 9]),
        icmp4(sender, victim, &message(3, 1, &ipv4(victim, sender, 6, &[0; 40]))),
    ]
}

fn alike(victim: Ipv4Addr) -> Vec<Vec<u8>> {
    let target = Ipv4Addr::new(175, 107, 60, 1);
    let guess = |key: u16| {
        let header = [&[0x80, 1, 0x82, 0x9a, 0, 24][..], &key.to_be_bytes()].concat();
        icmp4(Ipv4Addr::new(62, 115, 1, 9), victim, &message(11, 0, &ipv4(victim, target, 17, &header)))
    };
    (1..1_000).map(guess).collect()
}
