#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use std::net::IpAddr;

use proptest::prelude::*;

use super::checksum::Sum;
use super::message::{Message, answer_kind};
use super::quote::{Quote, QuotedProbe};
use super::{NoMessage, Version, ip, probe, tcp};
use crate::trace::extras::Label;
use crate::trace::{AnswerKind, Protocol};

fn source(version: Version) -> IpAddr {
    match version {
        Version::V4 => [10, 1, 2, 3].into(),
        Version::V6 => [0xfd00, 0, 0, 0, 0, 0, 0, 3].into(),
    }
}

fn any_target() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

/// What a raw socket receives when a router answers with an ICMP error that quotes `original`.
fn error(version: Version, kind: u8, code: u8, length: u8, original: &[u8]) -> Vec<u8> {
    let (a, b) = match version {
        Version::V4 => (0, length),
        Version::V6 => (length, 0),
    };
    received(version, &[&[kind, code, 0, 0, a, b, 0, 0], original].concat())
}

fn received(version: Version, message: &[u8]) -> Vec<u8> {
    match version {
        Version::V4 => {
            let checksum = Sum::default().bytes(&message[..2]).bytes(&message[4..]).checksum().to_be_bytes();
            let message = [&message[..2], &checksum, &message[4..]].concat();
            ip::datagram([198, 18, 0, 1].into(), source(version), 60, ip::ICMP, &message)
        }
        Version::V6 => message.to_vec(),
    }
}

fn time_exceeded(version: Version, original: &[u8]) -> Vec<u8> {
    let kind = if version == Version::V4 { 11 } else { 3 };
    error(version, kind, 0, 0, original)
}

/// The least a router quotes: the IP header and eight bytes.
fn least(target: IpAddr) -> usize {
    if target.is_ipv4() { 28 } else { 48 }
}

/// The token as far as a quote holds it that goes `more` bytes into the payload.
fn held(token: u64, more: usize) -> Option<u64> {
    (more >= 2 + 8 && token != 0).then_some(token)
}

fn echo_datagram(target: IpAddr, identifier: u16, sequence: u16, token: u64, checksum: u16) -> Vec<u8> {
    let from = source(Version::of(target));
    let message = probe::echo_request(target, identifier, sequence, token, checksum);
    ip::datagram(from, target, 3, ip::icmp(target), &ip::completed(from, target, message))
}

fn udp_datagram(target: IpAddr, ports: (u16, u16), token: u64, key: u16) -> Vec<u8> {
    let from = source(Version::of(target));
    let segment = probe::udp_segment((from, ports.0), (target, ports.1), &probe::udp_payload(token, key));
    ip::datagram(from, target, 3, ip::UDP, &segment)
}

fn syn_datagram(target: IpAddr, ports: (u16, u16), sequence: u32) -> Vec<u8> {
    let from = source(Version::of(target));
    ip::datagram(from, target, 3, ip::TCP, &tcp::syn((from, ports.0), (target, ports.1), sequence))
}

/// An extension structure (RFC 4884) of objects of these classes and types.
fn extension(is_summed: bool, objects: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let object = |(class, kind, payload): &(u8, u8, &[u8])| {
        let length = u16::try_from(payload.len() + 4).unwrap().to_be_bytes();
        [&length[..], &[*class, *kind], payload].concat()
    };
    let mut structure = [&[0x20, 0, 0, 0][..], &objects.iter().flat_map(object).collect::<Vec<_>>()].concat();
    if is_summed {
        let sum = Sum::default().bytes(&structure).checksum().to_be_bytes();
        structure[2..4].copy_from_slice(&sum);
    }
    structure
}

/// What balancers look at: the first four bytes of the transport header.
fn flow(datagram: &[u8]) -> &[u8] {
    let header = if datagram[0] >> 4 == 4 { 20 } else { 40 };
    &datagram[header..header + 4]
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for version in [Version::V4, Version::V6] {
            let _ = Message::parse(version, &bytes);
            let _ = Message::parse(version, &time_exceeded(version, &bytes));
            let _ = tcp::Answer::parse(version, &bytes);
            let datagram = echo_datagram(source(version), 1, 2, 3, 4);
            for length in [0, 8, 11] {
                let body = [&datagram[..], &vec![0; 128 - datagram.len()], &bytes].concat();
                let kind = if version == Version::V4 { 11 } else { 3 };
                let _ = Message::parse(version, &error(version, kind, 0, length, &body));
            }
        }
        let _ = probe::token(&bytes);
    }

    #[test]
    fn a_quote_of_the_least_length_names_its_echo_request(
        target in any_target(), identifier: u16, sequence: u16, token: u64, checksum in 1u16..0xffff, more in 0usize..17,
    ) {
        let version = Version::of(target);
        let datagram = echo_datagram(target, identifier, sequence, token, checksum);
        let kind = AnswerKind::TimeExceeded;
        let probe = QuotedProbe::Echo { identifier, sequence, checksum };
        let quote = Quote { target, probe, token: held(token, more) };
        let parsed = Message::parse(version, &time_exceeded(version, &datagram[..least(target) + more]));
        prop_assert_eq!(parsed, Ok(Message::Error { kind, quote, extras: None }));
        let cut = Message::parse(version, &time_exceeded(version, &datagram[..least(target) - 1]));
        prop_assert_eq!(cut, Err(NoMessage::Malformed));
    }

    #[test]
    fn a_quote_of_the_least_length_names_its_udp_probe(
        target in any_target(), source_port: u16, destination_port: u16, token: u64, key in 1u16..0xffff,
        more in 0usize..17,
    ) {
        let version = Version::of(target);
        let datagram = udp_datagram(target, (source_port, destination_port), token, key);
        let probe = QuotedProbe::Udp { source_port, destination_port, key };
        let quote = Quote { target, probe, token: held(token, more) };
        let parsed = Message::parse(version, &time_exceeded(version, &datagram[..least(target) + more]));
        prop_assert_eq!(parsed, Ok(Message::Error { kind: AnswerKind::TimeExceeded, quote, extras: None }));
    }

    #[test]
    fn a_quote_of_the_least_length_names_its_syn(
        target in any_target(), source_port: u16, destination_port: u16, sequence: u32, more in 0usize..17,
    ) {
        let version = Version::of(target);
        let datagram = syn_datagram(target, (source_port, destination_port), sequence);
        let probe = QuotedProbe::Tcp { source_port, destination_port, sequence };
        let parsed = Message::parse(version, &time_exceeded(version, &datagram[..least(target) + more]));
        let quote = Quote { target, probe, token: None };
        prop_assert_eq!(parsed, Ok(Message::Error { kind: AnswerKind::TimeExceeded, quote, extras: None }));
        let cut = Message::parse(version, &time_exceeded(version, &datagram[..least(target) - 1]));
        prop_assert_eq!(cut, Err(NoMessage::Malformed));
    }

    #[test]
    fn labels_are_read_wherever_they_stand_and_no_damage_makes_others(
        target in any_target(), written in prop::collection::vec(any::<[u8; 4]>(), 1..20), quoted in 16usize..40,
        is_summed: bool, place in 0usize..200, flip in 1u8..,
    ) {
        let version = Version::of(target);
        let words = if version == Version::V4 { 4 } else { 8 };
        let mut original = echo_datagram(target, 1, 2, 3, 4);
        let expected: Vec<Label> = written.iter().take(16).map(|entry| Label::of(*entry)).collect();
        let found = |announced: u8, original: &[u8]| {
            let kind = if version == Version::V4 { 11 } else { 3 };
            let parsed = Message::parse(version, &error(version, kind, 0, announced, original));
            let Ok(Message::Error { extras, .. }) = parsed else { panic!("{parsed:?}") };
            extras.map(|extras| (extras.labels, extras.unannounced))
        };
        original.resize(quoted.max(original.len().div_ceil(words)) * words, 0);
        let announced = u8::try_from(original.len() / words).unwrap();
        let structure = extension(is_summed, &[(2, 1, &[1, 2, 3, 4]), (1, 1, written.as_flattened())]);
        prop_assert_eq!(found(announced, &[&original[..], &structure].concat()), Some((expected.clone(), false)));
        // Routers before RFC 4884.
        original.resize(128, 0);
        let old = found(0, &[&original[..], &structure].concat());
        prop_assert_eq!(old, is_summed.then_some((expected, true)));
        // Damage is noticed where it is summed.
        let mut damaged = structure.clone();
        let place = place % damaged.len();
        damaged[place] ^= flip;
        if is_summed && damaged[2..4] != [0, 0] {
            prop_assert_eq!(found(0, &[&original[..], &damaged].concat()), None);
        }
        found(announced, &[&original[..], &damaged].concat());
        for length in 0..structure.len() {
            prop_assert!(found(0, &[&original[..], &structure[..length]].concat()).is_none(), "cut to {}", length);
        }
    }

    #[test]
    fn a_segment_says_what_it_says(version in prop::bool::ANY, flags: u8, ports: (u16, u16), sequence: u32) {
        let version = if version { Version::V4 } else { Version::V6 };
        let numbers = [7, sequence.wrapping_add(1)].map(u32::to_be_bytes).concat();
        let segment =
            [&[ports.0, ports.1].map(u16::to_be_bytes).concat()[..], &numbers, &[0x50, flags, 0, 0, 0, 0, 0, 0]].concat();
        let heard = if version == Version::V6 { segment } else {
            ip::datagram([198, 18, 0, 1].into(), source(version), 60, ip::TCP, &segment)
        };
        let kind = match flags & 0x16 {
            0x12 => Ok(AnswerKind::SynAck),
            0x14 => Ok(AnswerKind::Reset),
            _ => Err(NoMessage::Unrelated),
        };
        let answer = |kind| tcp::Answer { source_port: ports.0, destination_port: ports.1, sequence, kind };
        prop_assert_eq!(tcp::Answer::parse(version, &heard), kind.map(answer));
        for length in 0..heard.len() {
            prop_assert_eq!(tcp::Answer::parse(version, &heard[..length]), Err(NoMessage::Malformed));
        }
    }

    #[test]
    fn the_checksum_of_a_quoted_echo_request_is_its_flow_whoever_translated_its_addresses(
        targets in (any_target(), any_target()), flow in 1u16..0xffff,
    ) {
        let (target, other) = targets;
        prop_assume!(target.is_ipv4() == other.is_ipv4());
        let version = Version::of(target);
        let from = source(version);
        let sent = ip::completed(from, other, probe::echo_request(target, 1, 2, 3, flow));
        let datagram = ip::datagram(from, other, 3, ip::icmp(other), &sent);
        let parsed = Message::parse(version, &time_exceeded(version, &datagram[..least(target)]));
        let Ok(Message::Error { quote, .. }) = parsed else { panic!("{parsed:?}") };
        prop_assert_eq!((quote.target, quote.probe), (other, QuotedProbe::Echo { identifier: 1, sequence: 2, checksum: flow }));
    }

    #[test]
    fn the_probes_of_a_flow_look_the_same_to_balancers(
        target in any_target(), identifier: u16, flow_identity: u16, probes in any::<[(u16, u64); 2]>(),
    ) {
        let [one, other] = probes.map(|(key, token)| echo_datagram(target, identifier, key, token, flow_identity));
        prop_assert_eq!(flow(&one), flow(&other));
        let [one, other] = probes.map(|(key, _)| syn_datagram(target, (40_000, 443), u32::from(key) << 16));
        prop_assert_eq!(flow(&one), flow(&other));
        let [one, other] = probes.map(|(key, token)| udp_datagram(target, (40_000, 33434), token, key.clamp(1, 0xfffe)));
        prop_assert_eq!(flow(&one), flow(&other));
    }

    #[test]
    fn what_is_sent_carries_a_valid_checksum(target in any_target(), key in 1u16..0xffff, token: u64, flow: u16) {
        let from = source(Version::of(target));
        let pseudo = |protocol| Sum::default().pseudo_header(from, target, protocol, 24);
        let header = least(target) - 8;
        let udp = udp_datagram(target, (40_000, 33434), token, key);
        prop_assert_eq!(pseudo(ip::UDP).bytes(&udp[header..]).checksum(), 0);
        let syn = syn_datagram(target, (40_000, 443), u32::from(key) << 9);
        prop_assert_eq!(pseudo(ip::TCP).bytes(&syn[header..]).checksum(), 0);
        let echo = echo_datagram(target, key, key, token, flow);
        let before = if target.is_ipv4() { Sum::default() } else { pseudo(ip::ICMPV6) };
        prop_assert_eq!(before.bytes(&echo[header..]).checksum(), 0);
        if target.is_ipv4() {
            prop_assert_eq!(Sum::default().bytes(&echo[..20]).checksum(), 0);
        }
    }
}

#[test]
fn the_checksum_of_an_echo_request_is_the_flow() {
    let message = probe::echo_request([192, 0, 2, 1].into(), 1, 2, 3, 0x1267);
    assert_eq!(message[2..4], [0x12, 0x67]);
}

#[test]
fn an_echo_reply_brings_the_token_back() {
    let request = probe::echo_request([192, 0, 2, 1].into(), 77, 5, 0xfeed, 9);
    for (version, kind) in [(Version::V4, 0), (Version::V6, 129)] {
        let mut reply = request;
        reply[0] = kind;
        let parse = |message: &[u8]| Message::parse(version, &received(version, message)).unwrap();
        let with = |token| Message::EchoReply { identifier: 77, sequence: 5, token };
        assert_eq!(parse(&reply), with(Some(0xfeed)));
        assert_eq!(parse(&reply[..17]), with(None), "a cut token is none");
    }
}

#[test]
fn a_damaged_message_is_malformed() {
    let datagram = echo_datagram([192, 0, 2, 1].into(), 1, 2, 3, 4);
    let mut message = time_exceeded(Version::V4, &datagram);
    message[30] ^= 1;
    assert_eq!(Message::parse(Version::V4, &message), Err(NoMessage::Malformed));
}

#[test]
fn the_length_attribute_keeps_extensions_out_of_the_quote() {
    let target = [192, 0, 2, 1].into();
    let datagram = echo_datagram(target, 1, 2, 3, 4);
    let cut = |length: usize| {
        let mut original = datagram[..20].to_vec();
        original.resize(length, 0);
        // An extension that would read as the rest of the header.
        original.extend_from_slice(&datagram[20..]);
        original
    };
    let parse = |length| Message::parse(Version::V4, &error(Version::V4, 11, 0, length, &cut(20)));
    assert_eq!(parse(5), Err(NoMessage::Malformed), "the quote is 20 bytes, the rest an extension");
    assert!(parse(0).is_ok(), "without the attribute all is quote");
    assert!(parse(200).is_ok(), "a length that cannot be is ignored");
}

#[test]
fn a_quote_with_ip_options_is_understood() {
    let mut datagram = echo_datagram([192, 0, 2, 1].into(), 1, 2, 3, 4);
    datagram[0] = 0x46;
    datagram.splice(20..20, [1, 1, 1, 0]);
    let parsed = Message::parse(Version::V4, &time_exceeded(Version::V4, &datagram[..32]));
    assert!(matches!(
        parsed,
        Ok(Message::Error {
            quote: Quote { probe: QuotedProbe::Echo { identifier: 1, sequence: 2, checksum: 4 }, .. },
            ..
        })
    ));
}

#[test]
fn what_no_probe_can_cause_is_unrelated() {
    let datagram = echo_datagram([192, 0, 2, 1].into(), 1, 2, 3, 4);
    let mut sctp = datagram.clone();
    sctp[9] = 132;
    let mut fragment = datagram.clone();
    fragment[7] = 1;
    for (kind, code, original) in [
        (11, 0, &sctp),
        (11, 0, &fragment),
        (11, 1, &datagram),
        (3, 4, &datagram),
        (5, 1, &datagram),
        (8, 0, &datagram),
    ] {
        let parsed = Message::parse(Version::V4, &error(Version::V4, kind, code, 0, original));
        assert_eq!(parsed, Err(NoMessage::Unrelated), "type {kind} code {code}");
    }
}

#[test]
fn types_and_codes_mean_what_the_standards_say() {
    use AnswerKind::{PortUnreachable, TimeExceeded, Unreachable};
    for (version, kind, code, protocol, meaning) in [
        (Version::V4, 11, 0, Protocol::Icmp, Some(TimeExceeded)),
        (Version::V4, 3, 3, Protocol::Udp, Some(PortUnreachable)),
        (Version::V4, 3, 3, Protocol::Icmp, Some(Unreachable)),
        (Version::V4, 3, 13, Protocol::Udp, Some(Unreachable)),
        (Version::V4, 3, 4, Protocol::Udp, None),
        (Version::V6, 3, 0, Protocol::Udp, Some(TimeExceeded)),
        (Version::V6, 1, 4, Protocol::Udp, Some(PortUnreachable)),
        (Version::V6, 1, 1, Protocol::Icmp, Some(Unreachable)),
        (Version::V6, 2, 0, Protocol::Udp, None),
        (Version::V6, 11, 0, Protocol::Udp, None),
    ] {
        assert_eq!(answer_kind(version, kind, code, protocol), meaning, "{version:?} {kind} {code} {protocol}");
    }
}
