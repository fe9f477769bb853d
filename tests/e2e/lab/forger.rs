//! A host that sends ICMP and TCP it has no right to send: answers to probes that it never saw, in other routers'
//! names, with guessed, wrong and cut quotations.

use super::long_way::{icmp4, ipv4, message};
use super::{Lab, Process, START};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// The argument that makes this program play the part.
pub(super) const ROLE: &str = "--play-forger";

/// Whose names the forger signs with: a network abroad.
pub(crate) const LIARS: [u8; 3] = [185, 12, 64];

/// Sends forged answers from `node` to `victim` about its probes to `target` until it is killed.
pub(crate) fn forge(lab: &Lab, node: &'static str, victim: Ipv4Addr, target: Ipv4Addr) -> Process {
    start(lab, node, &[&victim.to_string(), &target.to_string()])
}

/// The same by one who has found out which port the probes leave by.
pub(crate) fn forge_knowing(lab: &Lab, node: &'static str, victim: Ipv4Addr, target: Ipv4Addr, port: u16) -> Process {
    start(lab, node, &[&victim.to_string(), &target.to_string(), &port.to_string()])
}

fn start(lab: &Lab, node: &'static str, arguments: &[&str]) -> Process {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let mut process = lab.spawn(node, &[&[program.as_str(), ROLE], arguments].concat());
    process.wait_for_line("ready", START);
    process
}

/// Runs the program.
pub(super) fn play(arguments: &[String]) -> ExitCode {
    let addresses: Vec<Ipv4Addr> = arguments.iter().map_while(|text| text.parse().ok()).collect();
    let [victim, target] = addresses[..] else {
        eprintln!("two addresses are needed: the victim's and the target's");
        return ExitCode::FAILURE;
    };
    let port: Option<u16> = arguments.get(2).and_then(|text| text.parse().ok());
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).expect("a raw socket");
    let to = SockAddr::from(SocketAddrV4::new(victim, 0));
    println!("ready");
    for guess in 0..=u64::MAX {
        let packets = match port {
            None => forgeries(victim, target, guess),
            Some(port) => forgeries_knowing(victim, target, port, guess),
        };
        for packet in packets {
            let _ = socket.send_to(&packet, &to);
        }
        if guess % 8 == 0 {
            thread::park_timeout(Duration::from_millis(1));
        }
    }
    ExitCode::SUCCESS
}

/// One message of every kind, with the `guess`th guess at what identifies a probe.
fn forgeries(victim: Ipv4Addr, target: Ipv4Addr, guess: u64) -> Vec<Vec<u8>> {
    let (bytes, liar) = guessed(guess);
    let echo = [&[8, 0, bytes[0], bytes[1]], &bytes[2..6], &[0; 24]].concat();
    let datagram = [&bytes[0..2], &[0x82, 0x9a + bytes[2] % 32, 0, 40, bytes[3], bytes[4]], &[0; 32]].concat();
    let knock = [&[0xf0 | bytes[0], bytes[1], 1, 187], &bytes[2..6], &[0; 12]].concat();
    let ports = [1, 187, 0xf0 | bytes[0], bytes[1]];
    let segment = |flags| [&ports[..], &[0; 4], &bytes[2..6], &[0x50, flags, 0, 0, 0, 0, 0, 0]].concat();
    let knock_probe = ipv4(victim, target, 6, &knock);
    let echo_probe = ipv4(victim, target, 1, &echo);
    let udp_probe = ipv4(victim, target, 17, &datagram);
    let elsewhere = ipv4(victim, liar, 1, &echo);
    vec![
        icmp4(liar, victim, &message(11, 0, &echo_probe)),
        icmp4(liar, victim, &message(11, 0, &udp_probe)),
        icmp4(target, victim, &message(3, 3, &udp_probe)),
        icmp4(liar, victim, &message(3, 1, &echo_probe)),
        icmp4(liar, victim, &message(11, 0, &knock_probe)),
        icmp4(liar, victim, &message(11, 0, &ipv4(victim, liar, 6, &knock))),
        ipv4(target, victim, 6, &segment(0x12)),
        ipv4(target, victim, 6, &segment(0x14)),
        ipv4(target, victim, 6, &segment(0x12)[..12]),
        icmp4(liar, victim, &message(11, 0, &elsewhere)),
        icmp4(liar, victim, &message(11, 0, &echo_probe[..usize::from(bytes[6]) % echo_probe.len()])),
        icmp4(target, victim, &[&[0, 0, 0, 0], &bytes[0..4], &[0; 24]].concat()),
        ipv4(liar, victim, 1, &[11, 0, bytes[0]]),
        ipv4(liar, victim, 1, &[&[11, 0, bytes[0], bytes[1], 0, 0, 0, 0], &udp_probe[..28]].concat()),
    ]
}

/// What a port alone allows: everything that does not need the token, and a guess at that.
fn forgeries_knowing(victim: Ipv4Addr, target: Ipv4Addr, port: u16, guess: u64) -> Vec<Vec<u8>> {
    let (bytes, liar) = guessed(guess);
    let header = [port.to_be_bytes(), 33_434_u16.to_be_bytes(), [0, 24], [bytes[3], bytes[4]]].concat();
    let short = ipv4(victim, target, 17, &header);
    let long = ipv4(victim, target, 17, &[&header[..], &[1; 2], &bytes, b"pehra:"].concat());
    vec![
        icmp4(target, victim, &message(3, 3, &long)),
        icmp4(liar, victim, &message(11, 0, &short)),
        icmp4(target, victim, &message(3, 3, &short)),
        icmp4(target, victim, &message(3, 1, &short)),
    ]
}

/// The `guess`th bytes that might be right, and in whose name.
fn guessed(guess: u64) -> ([u8; 8], Ipv4Addr) {
    let bytes = guess.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    (bytes, Ipv4Addr::new(LIARS[0], LIARS[1], LIARS[2], bytes[7]))
}
