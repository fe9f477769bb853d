//! The kernel itself runs the filters here: on a pair of connected local sockets, which needs no privilege, and sees of a
//! message exactly what is sent.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::net::UnixDatagram;

use socket2::SockRef;

use super::*;
use crate::edge::clock;
use crate::moment::Moment;
use crate::trace::Protocol;
use crate::trace::pace::Pace;
use crate::trace::plan::Plan;
use crate::trace::switchboard::{Switchboard, Transmit};

struct Sieve {
    near: UnixDatagram,
    far: UnixDatagram,
}

impl Sieve {
    fn new(filter: &[SockFilter]) -> Self {
        let (near, far) = UnixDatagram::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        SockRef::from(&far).attach_filter(filter).unwrap();
        Self { near, far }
    }

    fn passes(&self, bytes: &[u8]) -> bool {
        self.near.send(bytes).unwrap();
        match self.far.recv(&mut [0; 2048]) {
            Ok(length) => {
                assert_eq!(length, bytes.len(), "whole");
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        }
    }
}

fn addresses(is_v4: bool) -> (IpAddr, IpAddr) {
    let parsed = |text: &str| text.parse().unwrap();
    if is_v4 { (parsed("192.0.2.1"), parsed("203.0.113.9")) } else { (parsed("2001:db8::1"), parsed("2001:db8:9::9")) }
}

fn sieve(is_v4: bool) -> Sieve {
    Sieve::new(&if is_v4 { heard_v4() } else { heard_v6() })
}

fn probes(target: IpAddr, protocol: Protocol, now: Moment) -> Vec<Transmit> {
    let mut switchboard = Switchboard::new(3, Pace::per_second(1_000_000));
    for flow in [0, 0x1234, 0x7fff, 0xffff] {
        switchboard.start(Plan::for_address(target, protocol, flow), now);
    }
    std::iter::from_fn(|| switchboard.poll_transmit(now)).collect()
}

/// An ICMP message as a raw socket of the family sees it, with `options` words of options in the outer header.
fn heard(is_v4: bool, options: u8, message: &[u8]) -> Vec<u8> {
    let outer = [&[0x45 + options][..], &[0; 19], &vec![1; usize::from(options) * 4]].concat();
    if is_v4 { [&outer[..], message].concat() } else { message.to_vec() }
}

fn error(is_v4: bool, kinds: (u8, u8), quoted: &[u8]) -> Vec<u8> {
    let kind = if is_v4 { kinds.0 } else { kinds.1 };
    [&[kind, 0, 0, 0, 0, 0, 0, 0], quoted].concat()
}

const TIME_EXCEEDED: (u8, u8) = (11, 3);
const UNREACHABLE: (u8, u8) = (3, 1);

/// The length of an IP header and eight bytes: what every router quotes.
fn shortest(is_v4: bool) -> usize {
    if is_v4 { 28 } else { 48 }
}

#[test]
fn errors_that_quote_a_probe_pass_however_short_the_quote() {
    for is_v4 in [true, false] {
        let (sieve, (here, target)) = (sieve(is_v4), addresses(is_v4));
        for protocol in [Protocol::Icmp, Protocol::Udp, Protocol::Tcp] {
            for probe in probes(target, protocol, clock::now()) {
                let datagram = probe.datagram(here);
                for kinds in [TIME_EXCEEDED, UNREACHABLE] {
                    for quoted in [&datagram[..shortest(is_v4)], &datagram] {
                        for options in [0, 3] {
                            let message = heard(is_v4, options, &error(is_v4, kinds, quoted));
                            assert!(sieve.passes(&message), "{protocol} {kinds:?} {options} {probe:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_quoted_header_with_options_is_read_past() {
    let (here, target) = addresses(true);
    let datagram = probes(target, Protocol::Udp, clock::now())[0].datagram(here);
    let with_options = [&[0x46][..], &datagram[1..20], &[1; 4], &datagram[20..]].concat();
    assert!(sieve(true).passes(&heard(true, 0, &error(true, TIME_EXCEEDED, &with_options))));
}

#[test]
fn an_echo_reply_passes_with_our_label_alone() {
    for is_v4 in [true, false] {
        let (sieve, (here, target)) = (sieve(is_v4), addresses(is_v4));
        let datagram = probes(target, Protocol::Icmp, clock::now())[0].datagram(here);
        let mut reply = datagram[shortest(is_v4) - 8..].to_vec();
        reply[0] = if is_v4 { 0 } else { 129 };
        assert!(sieve.passes(&heard(is_v4, 0, &reply)));
        for place in 18..24 {
            let mut other = reply.clone();
            other[place] ^= 1;
            assert!(!sieve.passes(&heard(is_v4, 0, &other)), "{place}");
        }
        assert!(!sieve.passes(&heard(is_v4, 0, &reply[..23])), "cut short");
        reply[4] = 0x3f;
        assert!(!sieve.passes(&heard(is_v4, 0, &reply)), "another program's identifier");
    }
}

#[test]
fn what_no_probe_can_cause_is_dropped() {
    for is_v4 in [true, false] {
        let (sieve, (here, target)) = (sieve(is_v4), addresses(is_v4));
        for protocol in [Protocol::Icmp, Protocol::Udp, Protocol::Tcp] {
            let datagram = probes(target, protocol, clock::now())[0].datagram(here);
            let at = shortest(is_v4) - 8;
            let quoting = |datagram: &[u8]| heard(is_v4, 0, &error(is_v4, TIME_EXCEEDED, datagram));
            let changed = |place: usize, value: u8| {
                let mut other = datagram.clone();
                other[place] = value;
                quoting(&other)
            };
            let protocol_at = if is_v4 { 9 } else { 6 };
            assert!(!sieve.passes(&changed(protocol_at, 132)), "SCTP");
            match protocol {
                Protocol::Icmp => {
                    assert!(!sieve.passes(&changed(at, 0)), "no request");
                    assert!(!sieve.passes(&changed(at + 4, 0xbf)), "another program's identifier");
                }
                Protocol::Tcp => assert!(!sieve.passes(&changed(at, 0xef)), "another program's source port"),
                Protocol::Udp => {
                    assert!(!sieve.passes(&changed(at, 0x7f)), "another program's source port");
                    assert!(!sieve.passes(&changed(at + 3, 53)), "another destination port");
                }
            }
            let message = quoting(&datagram[..shortest(is_v4)]);
            let needed = if is_v4 { 20 } else { 0 }
                + 8
                + at
                + match protocol {
                    Protocol::Icmp => 6,
                    Protocol::Udp => 4,
                    Protocol::Tcp => 2,
                };
            for length in 1..needed {
                assert!(!sieve.passes(&message[..length]), "{protocol} cut to {length}");
            }
            assert!(sieve.passes(&message[..needed]));
        }
    }
}

/// A TCP segment from the port of a workload to `port`, as a raw socket of the family sees it.
fn segment(is_v4: bool, options: u8, port: u16, flags: u8) -> Vec<u8> {
    let [p0, p1] = port.to_be_bytes();
    heard(is_v4, options, &[1, 187, p0, p1, 0, 0, 0, 0, 1, 2, 3, 4, 0x50, flags, 0, 0, 0, 0, 0, 0])
}

#[test]
fn of_tcp_what_answers_a_syn_from_a_port_of_ours_passes_and_nothing_else() {
    const PORTS: std::ops::RangeInclusive<u16> = 0xf000..=0xffff;
    for is_v4 in [true, false] {
        let sieve = Sieve::new(&if is_v4 { segments_v4() } else { segments_v6() });
        assert!(!Sieve::new(&nothing()).passes(&segment(is_v4, 0, 0xf000, 0x12)));
        for options in [0, 3] {
            for port in [0, 443, 32_768, 60_999, 0xefff, 0xf000, 0xf123, 0xffff] {
                let passing = (0..=0x3f).filter(|flags| sieve.passes(&segment(is_v4, options, port, *flags)));
                // Urgent and pushed may they be.
                let expected: &[u8] =
                    if PORTS.contains(&port) { &[0x12, 0x14, 0x1a, 0x1c, 0x32, 0x34, 0x3a, 0x3c] } else { &[] };
                assert_eq!(passing.collect::<Vec<_>>(), expected, "{port}");
            }
        }
        let whole = segment(is_v4, 0, 0xf000, 0x12);
        let header = whole.len() - 20;
        assert!((1..header + 14).all(|length| !sieve.passes(&whole[..length])), "cut short");
    }
}

#[test]
fn no_other_type_passes() {
    for is_v4 in [true, false] {
        let (sieve, (here, target)) = (sieve(is_v4), addresses(is_v4));
        let datagram = probes(target, Protocol::Udp, clock::now())[0].datagram(here);
        let passing =
            (0..=u8::MAX).filter(|&kind| sieve.passes(&heard(is_v4, 0, &error(is_v4, (kind, kind), &datagram))));
        assert_eq!(passing.collect::<Vec<_>>(), if is_v4 { [3, 11] } else { [1, 3] });
    }
}
