//! A name → what its signatures are worth, by the view that was asked.
//!
//! Signatures are checked here, by the validator of hickory, from keys that are trusted at the outset down to the name:
//! a resolver's word that it checked them (the AD bit) is that of whoever is on the way to it. Only what the view hands
//! on can be checked: a view that hands on no signatures, or only some of the answers, leaves it open
//! ([`Security::Indeterminate`]), and nobody can make a name secure by leaving things out. A resolver that validates is
//! told to answer all the same (the CD bit), so that a forgery is seen and not only missed.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futures_util::{FutureExt, Stream, stream};
use hickory_proto::dnssec::{Proof, TrustAnchors};
use hickory_proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query};
use hickory_proto::rr::{Name, Record, RecordType};
use hickory_proto::serialize::txt::trust_anchor::{Entry, Parser};
use hickory_resolver::net::dnssec::DnssecDnsHandle;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError};

use super::Panel;
use super::message::{Wanted, wire_name};
use crate::config::resolver::ZoneConfig;
use crate::edge::input;
use crate::printable::Printable;
use crate::resolution::zone::Security;
use crate::workload::HostName;

/// The most questions that are asked about one name. The longest honest ways have about three for each zone on them.
const MOST_QUESTIONS: u32 = 128;

/// The most bytes of a file of keys: those of the root take one thousand.
const LARGEST_FILE: u64 = 1 << 20;

/// The keys that are trusted at the outset.
#[derive(Clone)]
pub struct Anchors {
    keys: Arc<TrustAnchors>,
    /// The zones whose keys they are.
    zones: Vec<Name>,
}

/// Why a file has no such keys.
#[derive(Debug, thiserror::Error)]
pub enum AnchorsError {
    /// It cannot be read.
    #[error("failed to read trust anchors from {}: {error}: correct the path or its permissions", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: std::io::Error,
    },
    /// It holds something else.
    #[error(
        "failed to read trust anchors from {}: {}: write DNSKEY records as in a zone file, with whole names, such as \
         `. IN DNSKEY 257 3 8 AwEAA…`", .path.display(), Printable(.why)
    )]
    NoKeys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl Default for Anchors {
    /// The keys of the root, as the validator has them.
    fn default() -> Self {
        Self { keys: Arc::default(), zones: vec![Name::root()] }
    }
}

impl std::fmt::Debug for Anchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Anchors").field(&self.zones).finish()
    }
}

impl Anchors {
    /// Those that `config` names.
    pub fn of(config: &ZoneConfig) -> Result<Self, AnchorsError> {
        config.trust_anchor.as_deref().map_or_else(|| Ok(Self::default()), Self::open)
    }

    /// Those of the file at `path`, instead of the keys of the root: DNSKEY records as in a zone file. Of a zone other than
    /// the root every key has to be there.
    pub fn open(path: &Path) -> Result<Self, AnchorsError> {
        let mut text = String::new();
        let read = input::open_file(path, LARGEST_FILE).and_then(|mut input| input.reader.read_to_string(&mut text));
        read.map_err(|error| AnchorsError::Unreadable { path: path.to_owned(), error })?;
        Self::read(&text).map_err(|why| AnchorsError::NoKeys { path: path.to_owned(), why })
    }

    fn read(text: &str) -> Result<Self, String> {
        let keys: TrustAnchors = text.parse().map_err(|error| format!("{error}"))?;
        let entries = Parser::new(text).parse().map_err(|error| format!("{error}"))?;
        let zone = |entry: &Entry| if let Entry::DNSKEY(key) = entry { Some(key.name().clone()) } else { None };
        let zones: Vec<_> = entries.iter().filter_map(zone).collect();
        if zones.is_empty() { Err("it holds no key".to_owned()) } else { Ok(Self { keys: Arc::new(keys), zones }) }
    }

    /// The trusted zone closest above `name`.
    fn above(&self, name: &Name) -> Option<&Name> {
        self.zones.iter().filter(|zone| zone.zone_of(name)).max_by_key(|zone| zone.num_labels())
    }
}

/// What the signatures of the addresses of `name` are worth, by what `panel` hands on until its deadline: of the whole way
/// to them, so that no alias is worth more than the name it leads to.
pub(super) async fn security(panel: Panel, anchors: &Anchors, name: &HostName) -> Security {
    let deadline = panel.deadline;
    let judged = tokio::time::timeout_at(deadline.into(), judge(panel, anchors, name)).await;
    judged.unwrap_or(Security::Indeterminate)
}

async fn judge(panel: Panel, anchors: &Anchors, name: &HostName) -> Security {
    let Ok(name) = wire_name(name) else { return Security::Indeterminate };
    let Some(anchor) = anchors.above(&name) else { return Security::Indeterminate };
    let courier = Courier::of(panel);
    let validator = DnssecDnsHandle::with_trust_anchor(courier.clone(), Arc::clone(&anchors.keys));
    let ask = |name: &Name, kind| {
        validator.lookup(Query::query(name.clone(), kind), DnsRequestOptions::default()).first_answer()
    };
    if !hands_on_signatures(&ask(anchor, RecordType::DNSKEY).await) {
        return Security::Indeterminate;
    }
    let worth = worth(&ask(&name, RecordType::A).await);
    if worth == Security::Bogus && courier.has_lost() { Security::Indeterminate } else { worth }
}

/// Whether `keys`, those that are trusted at the outset, came with a signature that holds: where they do not, nothing would.
fn hands_on_signatures(keys: &Result<DnsResponse, NetError>) -> bool {
    let holds = |record: &Record| record.record_type() == RecordType::RRSIG && record.proof.is_secure();
    keys.as_ref().is_ok_and(|keys| keys.answers.iter().any(holds))
}

/// What an answer is worth: as much as the least of its addresses and aliases, or of the denial.
fn worth(answer: &Result<DnsResponse, NetError>) -> Security {
    match answer {
        Ok(response) => {
            let is_asked = |record: &&Record| [RecordType::A, RecordType::CNAME].contains(&record.record_type());
            let is_signed = |record: &&Record| record.record_type() != RecordType::RRSIG;
            let least = least(response.answers.iter().filter(is_asked));
            let least = least.or_else(|| self::least(response.authorities.iter().filter(is_signed)));
            // An answer without a record passes the validator only below a delegation that was shown to be unsigned.
            of(least.unwrap_or(Proof::Insecure))
        }
        Err(NetError::Dns(DnsError::Nsec { proof, .. })) => of(*proof),
        Err(_) => Security::Indeterminate,
    }
}

fn least<'a>(records: impl Iterator<Item = &'a Record>) -> Option<Proof> {
    records.map(|record| record.proof).min_by_key(|proof| rank(*proof))
}

/// A forgery outweighs what is not known, and that what is known to be unsigned.
fn rank(proof: Proof) -> u8 {
    match proof {
        Proof::Bogus => 0,
        Proof::Indeterminate => 1,
        Proof::Insecure => 2,
        Proof::Secure => 3,
    }
}

fn of(proof: Proof) -> Security {
    match proof {
        Proof::Secure => Security::Secure,
        Proof::Insecure => Security::Insecure,
        Proof::Bogus => Security::Bogus,
        Proof::Indeterminate => Security::Indeterminate,
    }
}

/// Carries the questions of the validator to a view.
#[derive(Clone)]
struct Courier {
    panel: Arc<Panel>,
    left: Arc<AtomicU32>,
    lost: Arc<AtomicBool>,
}

impl Courier {
    fn of(panel: Panel) -> Self {
        Self { panel: Arc::new(panel), left: Arc::new(AtomicU32::new(MOST_QUESTIONS)), lost: Arc::default() }
    }

    /// Whether a question stayed without an answer: what was concluded from that shows nothing.
    fn has_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    async fn carry(self, request: DnsRequest) -> Result<DnsResponse, NetError> {
        let response = self.answer(&request).await;
        if response.is_err() {
            self.lost.store(true, Ordering::Relaxed);
        }
        response
    }

    async fn answer(&self, request: &DnsRequest) -> Result<DnsResponse, NetError> {
        let query = request.queries.first().ok_or(NetError::Message("no question"))?;
        let less = |left: u32| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err() {
            return Err(NetError::Message("too many questions"));
        }
        let reply = self.panel.ask(Wanted::Signed(query)).await.said.map_err(|failed| failed.why.as_str())?;
        let message = reply.whole.ok_or(NetError::Message("no answer"))?;
        Ok(DnsResponse::from_message(message)?)
    }
}

impl DnsHandle for Courier {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        Box::pin(stream::once(self.clone().carry(request).boxed()))
    }
}

#[cfg(test)]
mod tests;
