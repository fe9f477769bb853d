//! Name → addresses: what one resolver answered to one question.
//!
//! A failure to resolve is a value, not an error: a name that does not exist is something we found out. Sockets and
//! timeouts are in [`crate::edge::dns`]; [`chain`] turns the records of an answer into an [`Outcome`]. The other way round,
//! address → names, is a [`mod@pointer`].

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::moment::Rtt;
use crate::workload::HostName;

pub mod baseline;
pub mod chain;
pub mod hints;
pub mod pointer;
pub mod sinkhole;
pub mod zone;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AddressFamily {
    /// IPv4.
    A,
    /// IPv6.
    #[serde(rename = "AAAA")]
    Aaaa,
}

/// The name of a resolver: `system`, or what the configuration calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct View(pub String);

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One question to one view, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The name asked for.
    pub name: HostName,
    /// The family asked for.
    pub family: AddressFamily,
    /// The view asked.
    pub view: View,
    /// The server that gave the answer, where one did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<SocketAddr>,
    /// When it was asked.
    pub asked: Timestamp,
    /// How long the answer took, retries included.
    pub elapsed_ns: Rtt,
    /// What came of it.
    pub outcome: Outcome,
    /// The aliases that were followed before it failed, in order, the asked name first; those of an answer are in it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub followed: Vec<Alias>,
    /// For whom it was asked (EDNS Client Subnet, RFC 7871), where that was said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subnet: Option<ClientSubnet>,
}

/// For whom a question was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSubnet {
    /// The prefix that the question named.
    pub prefix: IpNet,
    /// The length of the prefix that the answer says it holds for; `None` where it says nothing, so that nobody knows
    /// whether the question was heeded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scope: Option<u8>,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// At least one address.
    Answered(Answer),
    /// No address, and why.
    Failed(NameFailure),
}

/// Addresses, and the chain of aliases that led to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The aliases in order, the asked name first; never a loop.
    pub chain: Vec<Alias>,
    /// The addresses, in order, each once; never empty.
    pub addresses: Vec<Addressed>,
    /// Whether the resolver set the AD bit: it says that it validated the answer.
    pub authenticated: bool,
    /// How many addresses there were beyond the [`chain::MAX_ADDRESSES`] that are kept: nobody knows where those are.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// One CNAME.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The name that is an alias.
    pub name: HostName,
    /// What it stands for.
    pub target: HostName,
    /// Time to live in seconds.
    pub ttl: u32,
}

/// One address record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressed {
    /// The address.
    pub address: IpAddr,
    /// Time to live in seconds.
    pub ttl: u32,
}

/// Why there is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameFailure {
    /// NXDOMAIN: the name does not exist.
    NoSuchName,
    /// NOERROR without an address of this family.
    NoData,
    /// SERVFAIL.
    ServerFailure,
    /// REFUSED, NOTIMP, FORMERR or another error code.
    Refused,
    /// Nothing came in time.
    Timeout,
    /// The server answered but neither resolves nor knows the zone.
    Lame,
    /// Truncated over UDP, and TCP gave nothing better.
    Truncated,
    /// The aliases lead back to one of themselves.
    AliasLoop,
    /// More aliases in a row than [`chain::MAX_ALIASES`].
    AliasChainTooLong,
    /// The answer could not be read, or answers another question.
    Malformed,
    /// The question could not be sent: no route, connection refused, nobody to ask.
    Unreachable,
    /// The certificate of the resolver is for another name, or of an issuer that is not trusted: it was not asked.
    Untrusted,
}

impl NameFailure {
    /// Whether it answers the question: there is no such name, or nothing of that kind under it. Anything else leaves open
    /// what there is.
    pub fn is_an_answer(self) -> bool {
        match self {
            Self::NoSuchName | Self::NoData => true,
            Self::ServerFailure
            | Self::Refused
            | Self::Timeout
            | Self::Lame
            | Self::Truncated
            | Self::AliasLoop
            | Self::AliasChainTooLong
            | Self::Malformed
            | Self::Unreachable
            | Self::Untrusted => false,
        }
    }

    /// Every failure, in the order of the metric `pehra_resolutions_total`.
    pub const ALL: [Self; 12] = [
        Self::NoSuchName,
        Self::NoData,
        Self::ServerFailure,
        Self::Refused,
        Self::Timeout,
        Self::Lame,
        Self::Truncated,
        Self::AliasLoop,
        Self::AliasChainTooLong,
        Self::Malformed,
        Self::Unreachable,
        Self::Untrusted,
    ];

    /// The word used in metrics (`outcome`) and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchName => "no-such-name",
            Self::NoData => "no-data",
            Self::ServerFailure => "server-failure",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Lame => "lame",
            Self::Truncated => "truncated",
            Self::AliasLoop => "alias-loop",
            Self::AliasChainTooLong => "alias-chain-too-long",
            Self::Malformed => "malformed",
            Self::Unreachable => "unreachable",
            Self::Untrusted => "untrusted",
        }
    }
}

impl Resolution {
    /// The addresses it gave; none when it failed.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let answer = match &self.outcome {
            Outcome::Answered(answer) => Some(answer),
            Outcome::Failed(_) => None,
        };
        answer.into_iter().flat_map(|a| a.addresses.iter().map(|x| x.address))
    }

    /// The aliases on the way, in order, whether or not they led to an address.
    pub fn aliases(&self) -> impl Iterator<Item = &Alias> {
        let answered = match &self.outcome {
            Outcome::Answered(answer) => &answer.chain[..],
            Outcome::Failed(_) => &[],
        };
        answered.iter().chain(&self.followed)
    }

    /// The smallest TTL on the way, in seconds: when this answer may change. `None` when it failed.
    pub fn ttl(&self) -> Option<u32> {
        match &self.outcome {
            Outcome::Answered(answer) => {
                let aliases = answer.chain.iter().map(|a| a.ttl);
                aliases.chain(answer.addresses.iter().map(|a| a.ttl)).min()
            }
            Outcome::Failed(_) => None,
        }
    }

    /// The word used in metrics: `answered`, or the failure.
    pub fn outcome_word(&self) -> &'static str {
        match &self.outcome {
            Outcome::Answered(_) => "answered",
            Outcome::Failed(failure) => failure.as_str(),
        }
    }
}

/// The smallest TTL of any of them, in seconds: when the name may lead elsewhere. `None` where all failed.
pub fn ttl(resolutions: &[Resolution]) -> Option<u32> {
    resolutions.iter().filter_map(Resolution::ttl).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_the_aliases_that_led_to_it_and_an_old_one_without_is_read() {
        let old = r#"{"name":"c1.pk","family":"A","view":"system","asked":"2026-06-01T00:00:00Z","elapsed_ns":7,"outcome":{"failed":"alias-loop"}}"#;
        let mut resolution: Resolution = serde_json::from_str(old).unwrap();
        assert_eq!((resolution.outcome_word(), resolution.followed.len()), ("alias-loop", 0));
        assert_eq!(serde_json::to_string(&resolution).unwrap(), old);
        resolution.followed = vec![Alias { name: "c1.pk".parse().unwrap(), target: "c2.pk".parse().unwrap(), ttl: 30 }];
        let new = serde_json::to_string(&resolution).unwrap();
        assert!(new.ends_with(r#","followed":[{"name":"c1.pk","target":"c2.pk","ttl":30}]}"#), "{new}");
        assert_eq!(serde_json::from_str::<Resolution>(&new).unwrap(), resolution);
    }
}
