//! What the holder of an address presented by TLS: its certificates, and what they are worth.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::moment::Rtt;
use crate::workload::Host;

mod der;

/// What came of a TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// It was completed, whatever the certificate is worth.
    Established(Session),
    /// It was not.
    Failed(TlsFailure),
}

impl Tls {
    /// The round trip of whoever holds the key of the certificate, where one was measured.
    pub fn rtt(&self) -> Option<Rtt> {
        match self {
            Self::Established(session) => Some(session.rtt_ns).filter(|rtt| *rtt >= Rtt::SHORTEST),
            Self::Failed(_) => None,
        }
    }

    /// The same, where this host trusts the certificate.
    pub fn trusted_rtt(&self) -> Option<Rtt> {
        match self {
            Self::Established(session) => self.rtt().filter(|_| session.trust == Trust::Trusted),
            Self::Failed(_) => None,
        }
    }
}

/// A TLS session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whom we asked for.
    pub name: Host,
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: String,
    /// The slowest round trip of the handshake: the only one of TLS 1.3 (RFC 8446 section 2), or the slower of two (TLS
    /// 1.2, RFC 5246 section 7.3, or after a hello retry). Whoever holds the key of the certificate is no farther than
    /// that: in one of them he signed what we had said. Their mean would not do: who retries, or finishes, needs no key.
    /// Nothing where this host slept meanwhile.
    pub rtt_ns: Rtt,
    /// The certificates presented, that of the holder first, [`MOST_CERTIFICATES`] at most.
    pub chain: Vec<Certificate>,
    /// What the chain is worth.
    pub trust: Trust,
}

/// The most characters of a distinguished name, or of the words of a library, that are kept.
pub const MOST_WORDS: usize = 256;

/// The most certificates of a chain that are kept.
pub const MOST_CERTIFICATES: usize = 8;

/// The most names of a certificate that are kept.
pub const MOST_NAMES: usize = 64;

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Of its DER form.
    pub sha256: Digest,
    /// The subject's distinguished name (RFC 4514), cut at [`MOST_WORDS`] characters.
    pub subject: String,
    /// The issuer's.
    pub issuer: String,
    /// The `C` of the issuer, as it is written there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issuer_country: Option<String>,
    /// The DNS names and addresses it is for, [`MOST_NAMES`] at most.
    pub names: Vec<String>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

/// What a chain of certificates is worth to this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// It leads to an authority that this host trusts, and is for the name that was asked for.
    Trusted,
    /// It is for other names.
    WrongName,
    /// It is no longer valid, or not yet.
    NotInTime,
    /// It leads to no authority that this host trusts.
    UnknownIssuer,
    /// Anything else, in the words of the library, cut at [`MOST_WORDS`] characters.
    Invalid(String),
}

/// Why there was no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsFailure {
    /// Nothing came in time.
    Timeout,
    /// The other side closed or reset the connection.
    Closed,
    /// The other side refused by an alert (no such name here), or there is no version or cipher in common.
    Refused,
    /// What came is no TLS, or was not signed by whoever holds the key.
    Malformed,
}
