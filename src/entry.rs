//! An observation as journal bytes: sequence, hash of the entry before, own hash; and how a chain of them is verified.
//!
//! One entry is one line of JSON:
//!
//! ```json
//! {"entry":1,"vantage":"ntc-isb-1","sequence":7,"previous":"<64 hex>","observation":{…},"hash":"<64 hex>"}
//! ```
//!
//! 1. `hash` is the last field. It is the SHA-256 of every byte of the line before `,"hash":`, so anybody can check a
//!    line with nothing of ours: `head -c -76` takes `,"hash":"…"}` and the line feed off, `sha256sum` does the rest.
//!    The bytes as they were written count; nothing is put into a canonical form first.
//! 2. `previous` is the hash of the entry before, zeros for the first of all, and `sequence` counts from 1 without a
//!    gap. A line that was altered, removed, added or moved breaks the chain from there on.
//! 3. A segment is a run of entries in one file. Its first line is a [`Header`] that says what follows on what.
//!
//! | written by | `segment` | `entry` | `observation.schema` |
//! |---|---|---|---|
//! | 0.1 | 1 | 1 | 1 |
//!
//! A reader refuses a higher number than it knows of, and ignores fields it does not know (the hash covers them).
//!
//! What a chain alone cannot show is that its end was cut off at a line break, or that all of it was written anew: for
//! that, its head has to be known from elsewhere.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::digest::Digest;
use crate::observation::{Observation, SCHEMA};
use crate::printable::Printable;
use crate::vantage::VantageId;

/// The version of the entry form above. A reader refuses a higher one.
pub const ENTRY_FORM: u32 = 1;

/// The version of the header form. A reader refuses a higher one.
pub const SEGMENT_FORM: u32 = 1;

/// What stands between the hashed bytes and the hash.
const HASH_KEY: &[u8] = b",\"hash\":\"";

/// What stands after the hash.
const HASH_END: &[u8] = b"\"}";

/// The length of a hash, in hexadecimal digits.
const HASH_DIGITS: usize = 64;

/// One line of the journal, its own hash found right.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who observed.
    pub vantage: VantageId,
    /// Its number: 1 for the first of the vantage.
    pub sequence: u64,
    /// The hash of the entry before.
    pub previous: Digest,
    /// Its own hash.
    pub hash: Digest,
    observation: Box<RawValue>,
}

/// An entry as it is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The line, without a line feed.
    pub line: String,
    /// Its hash.
    pub hash: Digest,
}

/// Why a line is not an entry, or not the next one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// No JSON, or not the fields of an entry.
    #[error("read it as {what}: {why}")]
    Form {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Written by a later release, or by nobody.
    #[error("read {what} {found}: this release knows 1 to {known}; read it with a newer pehra")]
    Version {
        /// What is versioned.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The highest version known.
        known: u32,
    },
    /// The bytes are not those that were hashed.
    #[error("confirm its hash: it says {stated}, its bytes give {actual}: the line was altered after it was written")]
    Hash {
        /// The hash that the line states.
        stated: Digest,
        /// The hash of its bytes.
        actual: Digest,
    },
    /// Another vantage's.
    #[error("follow the chain of {}: this is of {}", Printable(&.expected.0), Printable(&.found.0))]
    Vantage {
        /// Whose chain it is.
        expected: VantageId,
        /// Whose line it is.
        found: VantageId,
    },
    /// Lines are missing, doubled or out of order.
    #[error("follow the chain: entry {expected} should be here, this is {found}: lines were removed, added or moved")]
    Sequence {
        /// The number that comes next.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// It follows on something else.
    #[error("follow the chain: entry {sequence} follows on {found}, but the entry before it is {expected}")]
    Previous {
        /// Its number.
        sequence: u64,
        /// The hash of what is before it.
        expected: Digest,
        /// The hash that it states.
        found: Digest,
    },
}

/// The first line of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`SEGMENT_FORM`] of the writer.
    pub segment: u32,
    /// Whose entries follow.
    pub vantage: VantageId,
    /// The number of the first entry.
    pub first: u64,
    /// The hash of the entry before that.
    pub previous: Digest,
}

/// How far a chain has been followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    vantage: VantageId,
    sequence: u64,
    hash: Digest,
}

#[derive(Serialize)]
struct Sealed<'a> {
    entry: u32,
    vantage: &'a VantageId,
    sequence: u64,
    previous: Digest,
    observation: &'a Observation,
}

#[derive(Deserialize)]
struct Unsealed {
    vantage: VantageId,
    sequence: u64,
    previous: Digest,
    observation: Box<RawValue>,
}

#[derive(Deserialize)]
struct EntryVersion {
    entry: u32,
}

#[derive(Deserialize)]
struct SegmentVersion {
    segment: u32,
}

#[derive(Deserialize)]
struct SchemaVersion {
    schema: u32,
}

/// `observation` as the entry with the number `sequence`, after the one with the hash `previous`.
pub fn encode(sequence: u64, previous: Digest, observation: &Observation) -> Result<Encoded, EntryError> {
    let vantage = observation.vantage_id();
    let sealed = Sealed { entry: ENTRY_FORM, vantage, sequence, previous, observation };
    let mut line = serde_json::to_string(&sealed).map_err(|why| not_a("an entry", &why))?;
    line.pop();
    let hash = Digest::of_bytes(line.as_bytes());
    Ok(Encoded { line: format!("{line},\"hash\":\"{hash}\"}}"), hash })
}

/// The entry on `line` (without its line feed), after checking the hash it states.
pub fn parse(line: &[u8]) -> Result<Entry, EntryError> {
    let version = read("a journal entry", line).map(|version: EntryVersion| version.entry);
    if let Ok(version) = version {
        expect_version("journal entry form", version, ENTRY_FORM)?;
    }
    let (hashed, stated) = split_hash(line).ok_or_else(|| EntryError::Form {
        what: "a journal entry",
        why: "it does not end in ,\"hash\":\"<64 hexadecimal digits>\"}".to_owned(),
    })?;
    let actual = Digest::of_bytes(hashed);
    if actual != stated {
        return Err(EntryError::Hash { stated, actual });
    }
    version?;
    let Unsealed { vantage, sequence, previous, observation } = read("a journal entry", line)?;
    Ok(Entry { vantage, sequence, previous, hash: stated, observation })
}

impl Entry {
    /// What was observed.
    pub fn observation(&self) -> Result<Observation, EntryError> {
        let bytes = self.observation.get().as_bytes();
        let version: SchemaVersion = read("an observation", bytes)?;
        expect_version("observation schema", version.schema, SCHEMA)?;
        read("an observation", bytes)
    }
}

impl Header {
    /// The line, without a line feed.
    pub fn encode(&self) -> Result<String, EntryError> {
        serde_json::to_string(self).map_err(|why| not_a("a segment header", &why))
    }

    /// The header on `line` (without its line feed). It has no hash, so it has to be written exactly as we write it.
    pub fn parse(line: &[u8]) -> Result<Self, EntryError> {
        let version: SegmentVersion = read("the header of a journal segment", line)?;
        expect_version("journal segment form", version.segment, SEGMENT_FORM)?;
        let header: Self = read("the header of a journal segment", line)?;
        if header.encode()?.as_bytes() == line {
            Ok(header)
        } else {
            let why = "it was altered after it was written".to_owned();
            Err(EntryError::Form { what: "the header of a journal segment", why })
        }
    }
}

impl Chain {
    /// The chain of `vantage` before its first entry.
    pub fn new(vantage: VantageId) -> Self {
        Self { vantage, sequence: 0, hash: Digest::ZERO }
    }

    /// The chain as a segment's header says that it stood when the segment was begun.
    pub fn resume(header: &Header) -> Self {
        Self { vantage: header.vantage.clone(), sequence: header.first.saturating_sub(1), hash: header.previous }
    }

    /// The header of a segment that would go on from here.
    pub fn header(&self) -> Header {
        let first = self.next_sequence();
        Header { segment: SEGMENT_FORM, vantage: self.vantage.clone(), first, previous: self.hash }
    }

    /// `observation` as the next entry. The chain itself moves on when it is told, by [`Chain::handle_encoded`], that
    /// the entry is kept.
    pub fn encode_next(&self, observation: &Observation) -> Result<Encoded, EntryError> {
        self.expect_vantage(observation.vantage_id())?;
        encode(self.next_sequence(), self.hash, observation)
    }

    /// Moves on over an entry that [`Chain::encode_next`] made.
    pub fn handle_encoded(&mut self, encoded: &Encoded) {
        self.sequence = self.next_sequence();
        self.hash = encoded.hash;
    }

    /// Moves on over `entry`, or says why it is not the next one.
    pub fn handle_entry(&mut self, entry: &Entry) -> Result<(), EntryError> {
        self.expect(&entry.vantage, entry.sequence, entry.previous)?;
        self.sequence = entry.sequence;
        self.hash = entry.hash;
        Ok(())
    }

    /// Checks that a further segment goes on where the chain stands.
    pub fn handle_header(&self, header: &Header) -> Result<(), EntryError> {
        self.expect(&header.vantage, header.first, header.previous)
    }

    /// Whose chain it is.
    pub fn vantage(&self) -> &VantageId {
        &self.vantage
    }

    /// The number of the last entry; zero before the first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The hash of the last entry: the head, by which everything before it is known.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    fn next_sequence(&self) -> u64 {
        self.sequence.saturating_add(1)
    }

    fn expect(&self, vantage: &VantageId, sequence: u64, previous: Digest) -> Result<(), EntryError> {
        self.expect_vantage(vantage)?;
        if sequence != self.next_sequence() {
            return Err(EntryError::Sequence { expected: self.next_sequence(), found: sequence });
        }
        if previous != self.hash {
            return Err(EntryError::Previous { sequence, expected: self.hash, found: previous });
        }
        Ok(())
    }

    fn expect_vantage(&self, found: &VantageId) -> Result<(), EntryError> {
        if *found == self.vantage {
            Ok(())
        } else {
            Err(EntryError::Vantage { expected: self.vantage.clone(), found: found.clone() })
        }
    }
}

/// The hashed bytes of a line, and the hash it states.
fn split_hash(line: &[u8]) -> Option<(&[u8], Digest)> {
    let line = line.strip_suffix(HASH_END)?;
    let (rest, digits) = line.split_at_checked(line.len().checked_sub(HASH_DIGITS)?)?;
    let hash: Digest = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let as_written = hash.to_string().as_bytes() == digits;
    Some((rest.strip_suffix(HASH_KEY)?, hash)).filter(|_| as_written)
}

fn read<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, EntryError> {
    serde_json::from_slice(bytes).map_err(|why| not_a(what, &why))
}

fn not_a(what: &'static str, why: &serde_json::Error) -> EntryError {
    EntryError::Form { what, why: Printable(&why.to_string()).to_string() }
}

fn expect_version(what: &'static str, found: u32, known: u32) -> Result<(), EntryError> {
    if (1..=known).contains(&found) { Ok(()) } else { Err(EntryError::Version { what, found, known }) }
}

#[cfg(test)]
pub(crate) mod tests;
