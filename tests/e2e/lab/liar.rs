//! A router on the way that answers, beside carrying it, every probe it sees: with what only looks like an answer, or with
//! words that it puts into the mouth of the target.

use super::long_way::{Header, divert, icmp4, message};
use super::{LIARS, Lab, Process, START};
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use tappers::{Interface, Tun};

/// The argument that makes this program play the part.
pub(super) const ROLE: &str = "--play-liar";
const DEVICE: &str = "liar";

/// What a router lies about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Each answer has something wrong that shows that its probe was not seen: key, token or source. One quotes another
    /// target as well, as if somebody had sent the probe on elsewhere.
    Guesses,
    /// The answers quote the probe as it was, and are signed by the target: words that others may say in its name.
    InItsName,
}

/// Puts the router on a node that forwards IPv4; it lies about echo requests to `target`.
pub(crate) fn lie(lab: &Lab, node: &'static str, target: Ipv4Addr, lie: Lie) -> Process {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let what = if lie == Lie::Guesses { "guesses" } else { "in-its-name" };
    let mut process = lab.spawn(node, &[&program, ROLE, &target.to_string(), what]);
    process.wait_for_line("ready", START);
    divert(lab, node, DEVICE);
    process
}

/// Runs the program.
pub(super) fn play(arguments: &[String]) -> ExitCode {
    let [target, what] = arguments else {
        eprintln!("an address is needed, and what to lie about");
        return ExitCode::FAILURE;
    };
    let target: Ipv4Addr = target.parse().expect("an address");
    let tun = Tun::new_named(Interface::new(DEVICE).expect("a name")).expect("a device");
    println!("ready");
    let mut buffer = [0; 1500];
    while let Ok(length) = tun.recv(&mut buffer) {
        let packet = &buffer[..length];
        let Some(mut header) = Header::read(packet) else { continue };
        let is_probe = header.to == IpAddr::V4(target) && packet.get(9) == Some(&1) && packet.get(20) == Some(&8);
        if let (true, IpAddr::V4(victim)) = (is_probe, header.from) {
            let lies =
                if what == "guesses" { guesses(packet, victim, target) } else { in_its_name(packet, victim, target) };
            for lie in lies {
                let _ = tun.send(&lie);
            }
        }
        header.hops += 1; // the kernel forwards twice, into the device and out of it
        let _ = tun.send(&header.write_hops(packet));
    }
    ExitCode::FAILURE
}

/// Where things stand in an echo request of pehra's, from its IP header on.
const LAST_OF_TARGET: usize = 19;
const LAST_OF_SEQUENCE: usize = 27;
const FIRST_OF_TOKEN: usize = 30;

fn guesses(probe: &[u8], victim: Ipv4Addr, target: Ipv4Addr) -> Vec<Vec<u8>> {
    let liar = Ipv4Addr::new(LIARS[0], LIARS[1], LIARS[2], 1);
    let but = |places: &[usize]| {
        let mut other = probe.to_vec();
        for place in places {
            other[*place] ^= 1;
        }
        other
    };
    let exceeded = |quote: &[u8]| icmp4(liar, victim, &message(11, 0, quote));
    let echo = |from, request: &[u8]| icmp4(from, victim, &[&[0; 4], &request[24..]].concat());
    vec![
        exceeded(&but(&[FIRST_OF_TOKEN])),
        exceeded(&but(&[LAST_OF_SEQUENCE])[..28]),
        exceeded(&but(&[LAST_OF_TARGET, FIRST_OF_TOKEN])),
        echo(target, &but(&[FIRST_OF_TOKEN])),
        echo(target, &but(&[LAST_OF_SEQUENCE])),
        echo(liar, probe),
    ]
}

fn in_its_name(probe: &[u8], victim: Ipv4Addr, target: Ipv4Addr) -> Vec<Vec<u8>> {
    let says = |kind, code| icmp4(target, victim, &message(kind, code, probe));
    // By turns, or only the first would ever be heard.
    let words = [says(11, 0), says(3, 3), says(3, 1), says(3, 13)];
    let turn = usize::from(probe[LAST_OF_SEQUENCE]) % words.len();
    words.into_iter().cycle().skip(turn).take(4).collect()
}
