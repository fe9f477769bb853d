//! Address → conversation: what happened when one address was spoken to on the workload's own port.
//!
//! The TCP handshake, and over the connection TLS, HTTP or SMTP, as far as the endpoint speaks them. A refused connection
//! is an answer too, but no witness of distance: firewalls on the way reset connections in the name of the other side, and
//! a near one would prove a far address to be at home. Nor does a handshake of TCP say who shook hands: whoever holds the
//! key of a certificate has to answer for himself, and where he takes much longer, it was a middlebox that did.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::moment::Rtt;

use call::Speech;
use certificate::Tls;
use exchange::Exchange;
use greeting::Greeting;

pub mod call;
pub mod certificate;
pub mod exchange;
pub mod greeting;
pub mod pop;
pub mod resources;
pub mod redirect;

/// SMTP and DNS: many networks lead connections to these ports to servers of their own, which answer in the name of
/// whoever was meant.
const ANSWERED_BY_OTHERS: [u16; 2] = [25, 53];

/// Attempts to reach one address on one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// When the first attempt was made.
    pub started: Timestamp,
    /// How many connections were attempted.
    pub attempts: u8,
    /// What came of them.
    pub outcome: ContactOutcome,
    /// What was said over the connection, or would have been.
    #[serde(skip_serializing_if = "is_nothing", default = "nothing")]
    pub speech: Speech,
    /// What TLS came to, where it was spoken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tls: Option<Tls>,
    /// What was asked by HTTP, in order, and what came of it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub exchanges: Vec<Exchange>,
    /// How a mail server greeted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub greeting: Option<Greeting>,
}

fn nothing() -> Speech {
    Speech::Nothing
}

fn is_nothing(speech: &Speech) -> bool {
    *speech == Speech::Nothing
}

/// What came of the attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactOutcome {
    /// The handshake was completed.
    Connected {
        /// The best time from SYN to SYN-ACK.
        rtt_ns: Rtt,
        /// How many handshakes it is the best of.
        samples: u8,
    },
    /// Every attempt was answered by a reset.
    Refused {
        /// The best time from SYN to RST.
        rtt_ns: Rtt,
        /// How many resets it is the best of.
        samples: u8,
    },
    /// Nothing came of it.
    Failed(ContactFailure),
}

/// Why there was no conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactFailure {
    /// Nothing came in time.
    Timeout,
    /// A router said that the host or network cannot be reached.
    Unreachable,
    /// This host has no route, no address of the family, or no socket left.
    Unsent,
}

impl ContactFailure {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Unsent => "unsent",
        }
    }
}

impl Contact {
    /// Attempts after which nothing was said.
    pub fn silent(address: IpAddr, port: u16, started: Timestamp, attempts: u8, outcome: ContactOutcome) -> Self {
        let speech = Speech::Nothing;
        Self { address, port, started, attempts, outcome, speech, tls: None, exchanges: Vec::new(), greeting: None }
    }

    /// The best time of an answer of the address itself, and how many it is the best of: of the handshakes of TCP, but of
    /// whoever holds the key where [another](Self::split) shook hands. A reset's time is none: see above. Nor is one that
    /// [no answer takes](Rtt::SHORTEST). On [ports that others answer](ANSWERED_BY_OTHERS) only that of a key holder counts
    /// whose certificate is trusted.
    pub fn rtt(&self) -> Option<(Rtt, usize)> {
        if ANSWERED_BY_OTHERS.contains(&self.port) {
            return self.tls.as_ref().and_then(Tls::trusted_rtt).map(|holder| (holder, 1));
        }
        self.split().map(|(_, holder)| (holder, 1)).or_else(|| self.handshake())
    }

    /// The best handshake of TCP and the round trip of whoever holds the key, where they differ by so much that
    /// [two hosts](Rtt::is_of_another_host) gave them: a middlebox, or a proxy split in two, answered for somebody behind
    /// it.
    pub fn split(&self) -> Option<(Rtt, Rtt)> {
        let (handshake, _) = self.handshake()?;
        let holder = self.tls.as_ref().and_then(Tls::rtt)?;
        handshake.is_of_another_host(holder).then_some((handshake, holder))
    }

    /// The best handshake of TCP, and how many it is the best of.
    fn handshake(&self) -> Option<(Rtt, usize)> {
        match self.outcome {
            ContactOutcome::Connected { rtt_ns, samples } if rtt_ns >= Rtt::SHORTEST => {
                Some((rtt_ns, usize::from(samples)))
            }
            ContactOutcome::Connected { .. } | ContactOutcome::Refused { .. } | ContactOutcome::Failed(_) => None,
        }
    }

    /// Whether more came of it than a handshake of TCP, be it a failure.
    pub fn has_spoken(&self) -> bool {
        self.tls.is_some() || !self.exchanges.is_empty() || self.greeting.is_some()
    }

    /// Whether anything answered, a reset included.
    pub fn answered(&self) -> bool {
        match self.outcome {
            ContactOutcome::Connected { .. } | ContactOutcome::Refused { .. } => true,
            ContactOutcome::Failed(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use certificate::{Session, TlsFailure, Trust};

    fn contact(handshake_ms: f64, key_holder_ms: Option<f64>) -> Contact {
        let rtt_ns = Rtt::from_ms(handshake_ms).unwrap();
        let outcome = ContactOutcome::Connected { rtt_ns, samples: 3 };
        let session = |ms| {
            let name = "pbs.gov.pk".parse().unwrap();
            let rtt_ns = Rtt::from_ms(ms).unwrap();
            let (chain, trust) = (Vec::new(), Trust::WrongName);
            Tls::Established(Session { name, version: "TLSv1.3".into(), rtt_ns, chain, trust })
        };
        let tls = Some(key_holder_ms.map_or(Tls::Failed(TlsFailure::Closed), session));
        Contact { tls, ..Contact::silent([192, 0, 2, 1].into(), 443, Timestamp::UNIX_EPOCH, 3, outcome) }
    }

    #[test]
    fn where_networks_answer_for_others_only_a_trusted_key_holder_counts() {
        for port in ANSWERED_BY_OTHERS {
            let shaken = Contact { port, ..contact(1.0, None) };
            let untrusted = Contact { port, ..contact(1.0, Some(3.0)) };
            let mut trusted = untrusted.clone();
            if let Some(Tls::Established(session)) = &mut trusted.tls {
                session.trust = Trust::Trusted;
            }
            assert_eq!((shaken.rtt(), untrusted.rtt()), (None, None));
            assert_eq!(trusted.rtt(), Some((Rtt::from_ms(3.0).unwrap(), 1)));
            assert!(shaken.answered());
        }
    }

    #[test]
    fn a_key_holder_far_behind_whoever_shook_hands_is_the_one_who_counts() {
        let rtt = |ms| Rtt::from_ms(ms).unwrap();
        for (handshake, key_holder, time, samples) in [
            (3.0, None, 3.0, 3),
            (3.0, Some(2.0), 3.0, 3),
            (3.0, Some(12.9), 3.0, 3),
            (3.0, Some(13.1), 13.1, 1),
            (100.0, Some(149.0), 100.0, 3),
            (100.0, Some(151.0), 151.0, 1),
            // A sleep fell into the handshake of TLS, or somebody made the figure up.
            (3.0, Some(0.0), 3.0, 3),
        ] {
            let contact = contact(handshake, key_holder);
            assert_eq!(contact.rtt(), Some((rtt(time), samples)), "{handshake} {key_holder:?}");
            let split = (samples == 1).then_some((rtt(handshake), rtt(time)));
            assert_eq!(contact.split(), split, "{handshake} {key_holder:?}");
        }
    }

    #[test]
    fn where_nobody_shook_hands_nobody_is_behind_him() {
        let refused = ContactOutcome::Refused { rtt_ns: Rtt::from_ms(3.0).unwrap(), samples: 1 };
        let contact = Contact { outcome: refused, ..contact(3.0, Some(100.0)) };
        assert_eq!((contact.rtt(), contact.split()), (None, None));
    }
}
