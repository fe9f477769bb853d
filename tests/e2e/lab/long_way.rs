//! A router in user space that takes its time: distance for a lab whose kernel cannot delay packets.
//!
//! It sits on a node of the lab that forwards. What the kernel would forward goes through a TUN device first, to this
//! program, which holds it back and hands it to the kernel again. Towards the far prefixes it is also a row of
//! routers: it answers for packets that run out of hops on one of them, each as late as it is far away. Where several
//! stand at one distance, each flow goes by one of them.

use super::{Lab, Process, START};
use ipnet::IpNet;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use tappers::{Interface, Tun};

/// The argument that makes this program play the part.
pub(super) const ROLE: &str = "--play-long-way";
const DEVICE: &str = "long-way";
const MTU: usize = 1500;

/// A way to one far prefix: routers with the round trip to each in milliseconds, nearest first, then to the prefix. Flows
/// are spread over routers with a `|` between them. After the address of a router may stand `+24012`, the MPLS label of
/// what gets to it, or `>` and the address to which somebody before it translates the destination.
pub(crate) struct LongWay<'a> {
    pub(crate) toward: &'a str,
    pub(crate) routers: &'a [(&'a str, u64)],
    pub(crate) reached_after: u64,
}

impl LongWay<'_> {
    /// Puts the ways on a node of the lab, and returns when packets take them.
    pub(crate) fn start(lab: &Lab, node: &'static str, ways: &[LongWay<'_>]) -> Process {
        let program = std::env::current_exe().expect("this program").display().to_string();
        let arguments: Vec<String> = ways.iter().map(LongWay::encode).collect();
        let mut command = vec![program.as_str(), ROLE];
        command.extend(arguments.iter().map(String::as_str));
        let mut process = lab.spawn(node, &command);
        process.wait_for_line("ready", START);
        divert(lab, node, DEVICE);
        process
    }

    fn encode(&self) -> String {
        let mut text = format!("{}={}", self.toward, self.reached_after);
        for (router, milliseconds) in self.routers {
            let _ = write!(text, ",{router}={milliseconds}");
        }
        text
    }
}

/// Leads everything that `node` forwards through the TUN device of that name.
pub(super) fn divert(lab: &Lab, node: &str, device: &str) {
    let script = format!(
        "ip link set {device} up\n\
         for kind in -4 -6; do\n  ip $kind route add default dev {device} table 100\n  \
         for link in $(ls /sys/class/net | grep -v -e {device} -e '^lo$'); do\n    \
         ip $kind rule add iif $link lookup 100 pref 50\n  done\ndone\n"
    );
    lab.output(node, &["sh", "-ec", &script]);
}

/// A way as the program knows it.
struct Way {
    toward: IpNet,
    reached_after: Duration,
    routers: Vec<(Vec<Router>, Duration)>,
}

struct Router {
    address: IpAddr,
    label: Option<u32>,
    translated: Option<IpAddr>,
}

impl Router {
    fn read(text: &str) -> Result<Self, String> {
        let (text, translated) = text.split_once('>').map_or((text, None), |(text, to)| (text, Some(to)));
        let (text, label) = text.split_once('+').map_or((text, None), |(text, label)| (text, Some(label)));
        let address = |text: &str| text.parse().map_err(|_| format!("{text} is no address"));
        Ok(Self {
            address: address(text)?,
            label: label.map(|label| label.parse().map_err(|_| format!("{label} is no label"))).transpose()?,
            translated: translated.map(address).transpose()?,
        })
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pairs = text.split(',').map(|pair| pair.split_once('=').ok_or(format!("no = in {pair}")));
        let (toward, reached_after) = pairs.next().ok_or("an empty way")??;
        let routers = pairs.map(|pair| {
            let (spread, after) = pair?;
            Ok((spread.split('|').map(Router::read).collect::<Result<_, String>>()?, milliseconds(after)?))
        });
        Ok(Self {
            toward: toward.parse().map_err(|_| format!("{toward} is no prefix"))?,
            reached_after: milliseconds(reached_after)?,
            routers: routers.collect::<Result<_, String>>()?,
        })
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_millis).map_err(|_| format!("{text} is no number of milliseconds"))
}

/// Runs the program: reads packets, lets each wait, writes them back.
pub(super) fn play(arguments: &[String]) -> ExitCode {
    match carry(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to carry packets: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry(arguments: &[String]) -> Result<(), String> {
    let ways: Vec<Way> = arguments.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let name = Interface::new(DEVICE).map_err(|error| error.to_string())?;
    let tun = Arc::new(Tun::new_named(name).map_err(|error| error.to_string())?);
    let (sender, receiver) = channel();
    let writer = Arc::clone(&tun);
    let writing = thread::spawn(move || write_when_due(&writer, &receiver));
    println!("ready");
    let mut buffer = [0; MTU];
    while !writing.is_finished() {
        let length = tun.recv(&mut buffer).map_err(|error| error.to_string())?;
        let arrived = Instant::now();
        if let Some((packet, delay)) = route(&buffer[..length], &ways) {
            sender.send(Reverse((arrived + delay, packet))).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

type Due = Reverse<(Instant, Vec<u8>)>;

fn write_when_due(tun: &Tun, arrivals: &Receiver<Due>) {
    let mut waiting: BinaryHeap<Due> = BinaryHeap::new();
    loop {
        let now = Instant::now();
        while waiting.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            if let Some(Reverse((_, packet))) = waiting.pop() {
                let _ = tun.send(&packet);
            }
        }
        let patience = waiting.peek().map_or(Duration::from_secs(3600), |Reverse((due, _))| *due - now);
        match arrivals.recv_timeout(patience) {
            Ok(due) => waiting.push(due),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// What becomes of a packet: itself, some routers further on, or the answer of the router it got to.
fn route(packet: &[u8], ways: &[Way]) -> Option<(Vec<u8>, Duration)> {
    let mut header = Header::read(packet)?;
    let Some(way) = ways.iter().find(|way| way.toward.contains(&header.to)) else {
        header.hops += 1; // the kernel forwards twice, into the device and out of it; this is one router
        return Some((header.write_hops(packet), Duration::ZERO));
    };
    let distance = usize::from(header.hops.checked_sub(1)?);
    if let Some((spread, after)) = way.routers.get(distance) {
        let router = &spread[choice(&header, packet, distance) % spread.len()];
        return Some((time_exceeded(router, header.from, packet)?, *after));
    }
    header.hops -= u8::try_from(way.routers.len()).ok()?;
    header.hops += 1;
    Some((header.write_hops(packet), way.reached_after))
}

/// What the routers at `distance` choose a flow's way by: addresses, and the first four bytes behind the IP header, which
/// are the ports of UDP and what identifies a flow of ICMP; each router mixes in a number of its own.
fn choice(header: &Header, packet: &[u8], distance: usize) -> usize {
    let transport = if header.to.is_ipv6() { 40 } else { usize::from(packet[0] & 15) * 4 };
    let mut hasher = std::hash::DefaultHasher::new();
    (header.from, header.to, packet.get(transport..transport + 4), distance).hash(&mut hasher);
    usize::try_from(hasher.finish() >> 40).expect("24 bits")
}

/// The part of an IP header that routing needs.
pub(super) struct Header {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) hops: u8,
}

impl Header {
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => Some(Self {
                from: IpAddr::from(<[u8; 4]>::try_from(packet.get(12..16)?).ok()?),
                to: IpAddr::from(<[u8; 4]>::try_from(packet.get(16..20)?).ok()?),
                hops: packet[8],
            }),
            6 => Some(Self {
                from: IpAddr::from(<[u8; 16]>::try_from(packet.get(8..24)?).ok()?),
                to: IpAddr::from(<[u8; 16]>::try_from(packet.get(24..40)?).ok()?),
                hops: packet[7],
            }),
            _ => None,
        }
    }

    pub(super) fn write_hops(&self, packet: &[u8]) -> Vec<u8> {
        let mut packet = packet.to_vec();
        if self.from.is_ipv6() {
            packet[7] = self.hops;
        } else {
            packet[8] = self.hops;
            packet[10..12].fill(0);
            let length = usize::from(packet[0] & 15) * 4;
            let sum = checksum(&packet[..length]);
            packet[10..12].copy_from_slice(&sum);
        }
        packet
    }
}

fn time_exceeded(router: &Router, to: IpAddr, packet: &[u8]) -> Option<Vec<u8>> {
    let mut body = router.translated.map_or_else(|| packet.to_vec(), |to| translated(packet, to));
    if let Some(label) = router.label {
        body.resize(128, 0);
        body.extend(label_stack(label));
    }
    // In words of 4 bytes in the sixth byte, or of 8 in the fifth (RFC 4884).
    let length = |at: usize, words: u8| {
        let mut length = [0; 4];
        length[at] = if router.label.is_some() { 128 / words } else { 0 };
        length
    };
    match (router.address, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            body.truncate(140);
            Some(icmp4(from, to, &[&[11, 0, 0, 0], &length(1, 4)[..], &body].concat()))
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            body.truncate(1232);
            Some(icmp6(from, to, [&[3, 0, 0, 0], &length(0, 8)[..], &body].concat()))
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

/// An extension structure of one MPLS label (RFC 4884, RFC 4950).
fn label_stack(label: u32) -> Vec<u8> {
    let entry = (label << 12 | 1 << 8 | 1).to_be_bytes();
    let mut structure = [&[0x20, 0, 0, 0, 0, 8, 1, 1][..], &entry].concat();
    let sum = checksum(&structure);
    structure[2..4].copy_from_slice(&sum);
    structure
}

/// A packet of pehra's with another destination, its checksums put right.
fn translated(packet: &[u8], to: IpAddr) -> Vec<u8> {
    let (to, at) = match to {
        IpAddr::V4(to) => (to.octets().to_vec(), 16),
        IpAddr::V6(to) => (to.octets().to_vec(), 24),
    };
    let (transport, protocol) = if to.len() == 4 { (20, packet[9]) } else { (40, packet[6]) };
    let sums: &[usize] = match (to.len(), protocol) {
        (4, 1) => &[10],
        (4, 17) => &[10, transport + 6],
        (4, 6) => &[10, transport + 16],
        (_, 58) => &[transport + 2],
        (_, 17) => &[transport + 6],
        (_, 6) => &[transport + 16],
        (_, other) => panic!("no probe of protocol {other}"),
    };
    let mut packet = packet.to_vec();
    for &sum in sums {
        // RFC 1624: the complement of the old sum, less the old destination, with the new one.
        let old: Vec<u8> = packet[at..at + to.len()].iter().chain(&packet[sum..sum + 2]).map(|byte| !byte).collect();
        let new = checksum(&[&old[..], &to].concat());
        packet[sum..sum + 2].copy_from_slice(&new);
    }
    packet[at..at + to.len()].copy_from_slice(&to);
    packet
}

/// An ICMP error message without its checksum.
pub(super) fn message(kind: u8, code: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, code, 0, 0, 0, 0, 0, 0], body].concat()
}

/// A whole IPv4 packet with an ICMP message in it; the message has no checksum yet.
pub(super) fn icmp4(from: Ipv4Addr, to: Ipv4Addr, message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum);
    ipv4(from, to, 1, &message)
}

/// A whole IPv4 packet.
pub(super) fn ipv4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).expect("a short packet").to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0];
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum);
    packet.extend_from_slice(payload);
    packet
}

fn icmp6(from: Ipv6Addr, to: Ipv6Addr, mut message: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a short packet").to_be_bytes();
    let pseudo = [&from.octets()[..], &to.octets()[..], &[0, 0], &length[..], &[0, 0, 0, 58], &message[..]].concat();
    let sum = checksum(&pseudo);
    message[2..4].copy_from_slice(&sum);
    [&[0x60, 0, 0, 0, length[0], length[1], 58, 64], &from.octets()[..], &to.octets()[..], &message[..]].concat()
}

/// The checksum of IP, ICMP and UDP (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    (!u16::try_from(sum).expect("folded")).to_be_bytes()
}
