//! The bytes of probes and answers, written from the standards (RFC 791, 792, 793, 1812, 4884, 4950) and not from the
//! product's own codecs, so that each checks the other.

use std::net::Ipv4Addr;

use super::world::mix;

const HEADER: usize = 20;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// The longest answer: two headers, the 128 bytes of quotation that extensions need (RFC 4884), one label.
pub(crate) const LONGEST: usize = HEADER + 8 + 128 + 12;

/// What the vantage sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe<'a> {
    bytes: &'a [u8],
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) ttl: u8,
    protocol: u8,
}

impl<'a> Probe<'a> {
    /// Nothing for what no tracer sends: other versions, fragments, answers of the vantage's own kernel.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < HEADER + 8 || bytes[0] != 0x45 {
            return None;
        }
        let address = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        let probe = Self { bytes, source: address(12), destination: address(16), ttl: bytes[8], protocol: bytes[9] };
        let asks = match probe.protocol {
            ICMP => bytes[HEADER] == 8,
            UDP => true,
            TCP => bytes.len() >= HEADER + 20 && bytes[HEADER + 13] & RESET == 0,
            _ => false,
        };
        asks.then_some(probe)
    }

    /// By what routers tell flows apart: addresses, protocol, and the first four bytes after the IP header, which are the
    /// ports, or the type, code and checksum of ICMP (Augustin et al., Paris traceroute, 2006).
    pub(crate) fn flow(&self) -> u64 {
        let first = u32::from_be_bytes([self.bytes[20], self.bytes[21], self.bytes[22], self.bytes[23]]);
        let addresses = u64::from(self.source.to_bits()) << 32 | u64::from(self.destination.to_bits());
        mix(mix(addresses) ^ u64::from(self.protocol) << 32 ^ u64::from(first))
    }

    /// What a router says on whose threshold the probe ran out of hops.
    pub(crate) fn time_exceeded(&self, router: Ipv4Addr, terse: bool, label: Option<u32>, out: &mut Vec<u8>) {
        let most = if terse { HEADER + 8 } else { 128 };
        let quoted = &self.bytes[..self.bytes.len().min(most)];
        begin(router, self.source, ICMP, out);
        out.extend([11, 0, 0, 0, 0, 0, 0, 0]);
        quote(quoted, out);
        if let Some(label) = label {
            out.resize(HEADER + 8 + 128, 0);
            out[HEADER + 5] = 128 / 4;
            let entry = (label << 12 | 1 << 8 | 1).to_be_bytes();
            let mut extension = [0x20, 0, 0, 0, 0, 8, 1, 1, entry[0], entry[1], entry[2], entry[3]];
            let sum = checksum(&extension);
            extension[2..4].copy_from_slice(&sum);
            out.extend(extension);
        }
        finish(HEADER + 2, out);
    }

    /// What the host says.
    pub(crate) fn answer(&self, out: &mut Vec<u8>) {
        let (host, vantage) = (self.destination, self.source);
        match self.protocol {
            ICMP => {
                begin(host, vantage, ICMP, out);
                out.extend([0, 0, 0, 0]);
                out.extend_from_slice(&self.bytes[HEADER + 4..self.bytes.len().min(LONGEST)]);
                finish(HEADER + 2, out);
            }
            UDP => {
                begin(host, vantage, ICMP, out);
                out.extend([3, 3, 0, 0, 0, 0, 0, 0]);
                quote(&self.bytes[..self.bytes.len().min(128)], out);
                finish(HEADER + 2, out);
            }
            _ => self.shake_hands(out),
        }
    }

    /// Open on the ports of the web, closed on all others.
    fn shake_hands(&self, out: &mut Vec<u8>) {
        let tcp = &self.bytes[HEADER..];
        let open = matches!([tcp[2], tcp[3]], [0, 80] | [1, 187]) && tcp[13] & SYN != 0;
        let sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]).wrapping_add(1).to_be_bytes();
        begin(self.destination, self.source, TCP, out);
        out.extend_from_slice(&[tcp[2], tcp[3], tcp[0], tcp[1], 0, 0, 0, 0]);
        out.extend(sequence);
        out.extend([0x50, ACKNOWLEDGE | if open { SYN } else { RESET }, 0x72, 0x10, 0, 0, 0, 0]);
        let segment = &out[HEADER..];
        let length = u8::try_from(segment.len()).unwrap();
        let addresses = [self.destination.octets(), self.source.octets()].concat();
        let sum = checksum(&[&addresses, &[0, TCP, 0, length][..], segment].concat());
        out[HEADER + 16..HEADER + 18].copy_from_slice(&sum);
        finish_header(out);
    }
}

const SYN: u8 = 2;
const RESET: u8 = 4;
const ACKNOWLEDGE: u8 = 16;

/// The probe as it was when its hops ran out.
fn quote(quoted: &[u8], out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(quoted);
    let header = &mut out[at..at + HEADER];
    header[8] = 1;
    header[10..12].fill(0);
    let sum = checksum(header);
    header[10..12].copy_from_slice(&sum);
}

fn begin(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, out: &mut Vec<u8>) {
    out.clear();
    out.extend([0x45, 0, 0, 0, 0, 0, 0, 0, 50, protocol, 0, 0]);
    out.extend(from.octets());
    out.extend(to.octets());
}

fn finish(sum_at: usize, out: &mut [u8]) {
    let sum = checksum(&out[HEADER..]);
    out[sum_at..sum_at + 2].copy_from_slice(&sum);
    finish_header(out);
}

fn finish_header(out: &mut [u8]) {
    let length = u16::try_from(out.len()).unwrap().to_be_bytes();
    out[2..4].copy_from_slice(&length);
    let sum = checksum(&out[..HEADER]);
    out[10..12].copy_from_slice(&sum);
}

/// The checksum of IP, ICMP and TCP (RFC 1071).
pub(crate) fn checksum(bytes: &[u8]) -> [u8; 2] {
    let pairs = bytes.chunks_exact(2);
    let last = pairs.remainder().first().map_or(0, |&byte| u32::from(byte) << 8);
    let mut sum = last + pairs.map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u32>();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}
