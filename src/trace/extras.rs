//! What few answers say besides: the MPLS labels that a probe carried, that it was sent on elsewhere, and why there is no
//! way on.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What an ICMP error tells of its probe besides which one it was. Most tell nothing, so it is kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extras {
    /// The label stack of the probe as it arrived (RFC 4950), outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub labels: Vec<Label>,
    /// Whether the router did not say where in its message the labels begin, as RFC 4884 asks: they were found where
    /// routers before that put them, by a checksum that is right.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unannounced: bool,
    /// Where the probe was headed when it arrived: somebody on the way had changed that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rewritten: Option<IpAddr>,
    /// The code of an answer that says [`Unreachable`](super::AnswerKind::Unreachable), which tells why
    /// ([`Refusal`](super::refusal::Refusal)).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<u8>,
}

/// An entry of an MPLS label stack (RFC 3032). The fields are called what RIPE Atlas calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The label: 20 bits.
    pub label: u32,
    /// The traffic class (RFC 5462), which was called experimental: 3 bits.
    pub exp: u8,
    /// 1 for the last of its stack, and 0 for all others.
    pub s: u8,
    /// The time to live: 1 or 0 where it was this that ran out.
    pub ttl: u8,
}

impl Label {
    /// The entry in its four bytes.
    pub fn of(bytes: [u8; 4]) -> Self {
        let [a, b, c, ttl] = bytes;
        let label = u32::from(a) << 12 | u32::from(b) << 4 | u32::from(c) >> 4;
        Self { label, exp: c >> 1 & 7, s: c & 1, ttl }
    }
}

/// A label stack as people read it: `[MPLS 16001 24012]`, outermost first.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a>(pub &'a [Label]);

impl fmt::Display for Stack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[MPLS")?;
        self.0.iter().try_for_each(|entry| write!(f, " {}", entry.label))?;
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::HopAnswer;

    #[test]
    fn an_answer_without_them_is_as_small_as_it_was_but_for_a_word() {
        assert!(size_of::<HopAnswer>() <= 40, "thousands of traces keep dozens each");
    }

    #[test]
    fn an_entry_is_read_from_its_four_bytes() {
        assert_eq!(Label::of([0x05, 0xdc, 0x8f, 1]), Label { label: 24008, exp: 7, s: 1, ttl: 1 });
        assert_eq!(Label::of([0xff, 0xff, 0xf0, 255]), Label { label: 0xf_ffff, exp: 0, s: 0, ttl: 255 });
    }
}
