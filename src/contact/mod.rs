//! Address → conversation: what happened when one address was spoken to on the workload's own port.
//!
//! The TCP handshake, and over the connection TLS, HTTP or SMTP, as far as the endpoint speaks them. A refused connection is an answer too, but no witness of distance: firewalls on the way
//! reset connections in the name of the other side, and a near one would prove a far address to be at home.

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

    /// The best time of a handshake, and how many it is the best of. A reset's time is none: see above. Nor is one that
    /// [no answer takes](Rtt::SHORTEST).
    pub fn rtt(&self) -> Option<(Rtt, usize)> {
        match self.outcome {
            ContactOutcome::Connected { rtt_ns, samples } if rtt_ns >= Rtt::SHORTEST => {
                Some((rtt_ns, usize::from(samples)))
            }
            ContactOutcome::Connected { .. } | ContactOutcome::Refused { .. } | ContactOutcome::Failed(_) => None,
        }
    }

    /// Whether anything answered, a reset included.
    pub fn answered(&self) -> bool {
        match self.outcome {
            ContactOutcome::Connected { .. } | ContactOutcome::Refused { .. } => true,
            ContactOutcome::Failed(_) => false,
        }
    }
}
