//! What the kernel lets through to a probe socket: classic BPF that passes only what can answer a probe of pehra.
//!
//! A host hears the ICMP of all its programs on every raw socket, and anybody may send it more. What cannot be ours is
//! dropped before it takes room in the receive buffer or wakes anybody: echo replies that do not bring the label of our
//! probes back, and errors that quote no echo request with an identifier of ours, no UDP datagram between ports of ours
//! and no TCP segment from a port of ours. All of that lies within the 28 bytes that every router quotes (RFC 792). Of the
//! TCP of this host only a SYN or a reset passes that acknowledges something, to a port of ours, which Linux gives to no
//! connection. What passes is not believed: the switchboard knows the keys.

use socket2::SockFilter;

use crate::trace::packet::ip::{ICMP, ICMPV6, TCP, UDP};
use crate::trace::packet::probe::{FIRST_IDENTIFIER, LABEL};
use crate::trace::packet::tcp::{ACK, FIN, RST, SYN};
use crate::trace::plan::{FIRST_TCP_SOURCE, FIRST_UDP_SOURCE, UDP_DESTINATION};

// Opcodes: see linux/bpf_common.h. `IND` loads from X + k.
const LOAD_BYTE: u16 = 0x50;
const LOAD_HALF: u16 = 0x48;
const LOAD_WORD: u16 = 0x40;
const LOAD_KEPT: u16 = 0x60;
const KEEP: u16 = 0x02;
const X_HEADER_LENGTH: u16 = 0xb1;
const X_CONSTANT: u16 = 0x01;
const X_FROM_A: u16 = 0x07;
const AND: u16 = 0x54;
const SHIFT_LEFT: u16 = 0x64;
const ADD_X: u16 = 0x0c;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// A place in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Echo,
    Error,
    QuotedEcho,
    QuotedTcp,
    Pass,
    Drop,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Plain(u16, u32),
    /// Goes on at the label if the comparison holds.
    If(u16, u32, Label),
    /// Goes on at the label unless the comparison holds.
    Unless(u16, u32, Label),
    /// What follows has this name.
    Here(Label),
}

/// For a raw IPv4 socket, which sees the IP header: its length is in its first byte.
pub(super) fn heard_v4() -> Vec<SockFilter> {
    let numbers = Numbers { reply: 0, errors: [3, 11], icmp: ICMP, request: 8, protocol_at: 8 + 9 };
    let quoted_header = [
        Step::Plain(LOAD_BYTE, 8),
        Step::Plain(AND, 0x0f),
        Step::Plain(SHIFT_LEFT, 2),
        Step::Plain(ADD_X, 0),
        Step::Plain(X_FROM_A, 0),
    ];
    assembled(&heard(&numbers, Step::Plain(X_HEADER_LENGTH, 0), &quoted_header))
}

/// For a raw IPv6 socket, which sees the ICMP message alone. Probes carry no extension headers.
pub(super) fn heard_v6() -> Vec<SockFilter> {
    let numbers = Numbers { reply: 129, errors: [1, 3], icmp: ICMPV6, request: 128, protocol_at: 8 + 6 };
    assembled(&heard(&numbers, Step::Plain(X_CONSTANT, 0), &[Step::Plain(X_CONSTANT, 40)]))
}

/// For a socket that is to hear nothing yet.
pub(super) fn nothing() -> Vec<SockFilter> {
    vec![SockFilter::new(RETURN, 0, 0, 0)]
}

/// For a raw IPv4 socket that hears TCP.
pub(super) fn segments_v4() -> Vec<SockFilter> {
    assembled(&segments(Step::Plain(X_HEADER_LENGTH, 0)))
}

/// For a raw IPv6 socket that hears TCP.
pub(super) fn segments_v6() -> Vec<SockFilter> {
    assembled(&segments(Step::Plain(X_CONSTANT, 0)))
}

/// X is the length of what precedes the TCP segment.
fn segments(before: Step) -> Vec<Step> {
    vec![
        before,
        Step::Plain(LOAD_HALF, 2),
        Step::Unless(IF_AT_LEAST, FIRST_TCP_SOURCE.into(), Label::Drop),
        Step::Plain(LOAD_BYTE, 13),
        Step::Plain(AND, (FIN | SYN | RST | ACK).into()),
        Step::If(IF_EQUAL, (ACK | SYN).into(), Label::Pass),
        Step::Unless(IF_EQUAL, (ACK | RST).into(), Label::Drop),
        Step::Here(Label::Pass),
        Step::Plain(RETURN, u32::MAX),
        Step::Here(Label::Drop),
        Step::Plain(RETURN, 0),
    ]
}

/// What the versions of IP call things.
struct Numbers {
    reply: u8,
    errors: [u8; 2],
    icmp: u8,
    request: u8,
    /// Where the protocol of a quoted datagram stands, from the beginning of the ICMP message.
    protocol_at: u32,
}

/// First X is the length of what precedes the ICMP message, then that and the length of the quoted IP header.
fn heard(numbers: &Numbers, before: Step, quoted_header: &[Step]) -> Vec<Step> {
    let [l0, l1, l2, l3, l4, l5] = LABEL;
    let (label, rest) = (u32::from_be_bytes([l0, l1, l2, l3]), u16::from_be_bytes([l4, l5]));
    let first_identifier = u32::from(FIRST_IDENTIFIER);
    let of = Step::Plain;
    let mut steps = vec![
        before,
        of(LOAD_BYTE, 0),
        Step::If(IF_EQUAL, numbers.reply.into(), Label::Echo),
        Step::If(IF_EQUAL, numbers.errors[0].into(), Label::Error),
        Step::Unless(IF_EQUAL, numbers.errors[1].into(), Label::Drop),
        Step::Here(Label::Error),
        of(LOAD_BYTE, numbers.protocol_at),
        of(KEEP, 0),
    ];
    steps.extend(quoted_header);
    steps.extend([
        of(LOAD_KEPT, 0),
        Step::If(IF_EQUAL, numbers.icmp.into(), Label::QuotedEcho),
        Step::If(IF_EQUAL, TCP.into(), Label::QuotedTcp),
        Step::Unless(IF_EQUAL, UDP.into(), Label::Drop),
        of(LOAD_HALF, 8 + 2),
        Step::Unless(IF_EQUAL, UDP_DESTINATION.into(), Label::Drop),
        of(LOAD_HALF, 8),
        Step::Unless(IF_AT_LEAST, FIRST_UDP_SOURCE.into(), Label::Drop),
        Step::If(IF_AT_LEAST, 0, Label::Pass),
        Step::Here(Label::QuotedTcp),
        of(LOAD_HALF, 8),
        Step::Unless(IF_AT_LEAST, FIRST_TCP_SOURCE.into(), Label::Drop),
        Step::If(IF_AT_LEAST, 0, Label::Pass),
        Step::Here(Label::QuotedEcho),
        of(LOAD_HALF, 8),
        Step::Unless(IF_EQUAL, u16::from_be_bytes([numbers.request, 0]).into(), Label::Drop),
        of(LOAD_HALF, 8 + 4),
        Step::Unless(IF_AT_LEAST, first_identifier, Label::Drop),
        Step::If(IF_AT_LEAST, 0, Label::Pass),
        Step::Here(Label::Echo),
        of(LOAD_HALF, 4),
        Step::Unless(IF_AT_LEAST, first_identifier, Label::Drop),
        of(LOAD_WORD, 8 + 10),
        Step::Unless(IF_EQUAL, label, Label::Drop),
        of(LOAD_HALF, 8 + 14),
        Step::Unless(IF_EQUAL, rest.into(), Label::Drop),
        Step::Here(Label::Pass),
        of(RETURN, u32::MAX),
        Step::Here(Label::Drop),
        of(RETURN, 0),
    ]);
    steps
}

/// The instructions, with jumps counted. A load from beyond the end drops the message (the kernel's rule).
fn assembled(steps: &[Step]) -> Vec<SockFilter> {
    let is_instruction = |step: &&Step| !matches!(step, Step::Here(_));
    let between = |at: usize, label: Label| {
        let after = steps.get(at + 1..).unwrap_or_default();
        let until = after.iter().take_while(|step| !matches!(step, Step::Here(here) if *here == label));
        // No program here is nearly that long.
        u8::try_from(until.filter(is_instruction).count()).unwrap_or(u8::MAX)
    };
    let instructions = steps.iter().enumerate().filter_map(|(at, step)| match *step {
        Step::Plain(code, value) => Some(SockFilter::new(code, 0, 0, value)),
        Step::If(code, value, label) => Some(SockFilter::new(code, between(at, label), 0, value)),
        Step::Unless(code, value, label) => Some(SockFilter::new(code, 0, between(at, label), value)),
        Step::Here(_) => None,
    });
    instructions.collect()
}

#[cfg(test)]
mod tests;
