//! An MMDB file, whole in memory: what it holds is found by looking at its records, never by its name.

use std::net::IpAddr;

use jiff::Timestamp;
use maxminddb::{MaxMindDbError, Reader, WithinOptions};

use super::record::Record;
use crate::digest::Digest;
use crate::network::Asn;
use crate::place::CountryCode;
use crate::printable::Printable;

/// A database that was found sound.
#[derive(Debug)]
pub(super) struct Mmdb {
    name: String,
    reader: Reader<Vec<u8>>,
    sha256: Digest,
    built: Timestamp,
    holds: Holds,
}

/// What the records of a database name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    /// Some name a country.
    pub(super) countries: bool,
    /// Some name a network.
    pub(super) networks: bool,
    /// How many prefixes have a record.
    pub(super) entries: usize,
}

/// What is wrong with a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MmdbFault {
    /// Not the format, cut short, or damaged.
    #[error("it is not a whole MMDB file ({0}): fetch it again, or take it out of the configuration")]
    Damaged(String),
    /// It is sound, and about something else.
    #[error("no record of it names a country or a network: name a database of countries, cities or networks")]
    Foreign,
}

impl From<MaxMindDbError> for MmdbFault {
    fn from(error: MaxMindDbError) -> Self {
        Self::Damaged(Printable(&error.to_string()).to_string())
    }
}

impl Mmdb {
    /// The database in `bytes`, after a look at every record of it.
    pub(super) fn examined(name: &str, bytes: Vec<u8>) -> Result<Self, MmdbFault> {
        let sha256 = Digest::of_bytes(&bytes);
        let mut database = Self::trusted(name, bytes, sha256)?;
        database.holds = database.survey()?;
        if database.holds.countries || database.holds.networks { Ok(database) } else { Err(MmdbFault::Foreign) }
    }

    /// The database of countries in `bytes`, which somebody else has looked at, with the digest of the file it came in.
    pub(super) fn trusted(name: &str, bytes: Vec<u8>, sha256: Digest) -> Result<Self, MmdbFault> {
        let reader = Reader::from_source(bytes)?;
        let built = i64::try_from(reader.metadata().build_epoch).ok();
        let built = built.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let built = built.ok_or_else(|| MmdbFault::Damaged("it was built at no time that exists".to_owned()))?;
        let holds = Holds { countries: true, ..Holds::default() };
        Ok(Self { name: name.to_owned(), reader, sha256, built, holds })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn sha256(&self) -> Digest {
        self.sha256
    }

    pub(super) fn built(&self) -> Timestamp {
        self.built
    }

    pub(super) fn holds(&self) -> Holds {
        self.holds
    }

    /// The country it names for `address`.
    pub(super) fn country(&self, address: IpAddr) -> Option<CountryCode> {
        self.record(address)?.country()
    }

    /// The network it names for `address`, and what that is called.
    pub(super) fn network(&self, address: IpAddr) -> Option<(Asn, &str)> {
        self.record(address)?.network()
    }

    /// A database of IPv4 alone has no record for IPv6.
    fn record(&self, address: IpAddr) -> Option<Record<'_>> {
        self.reader.lookup(address).ok()?.decode().ok()?
    }

    /// Reads every record once.
    pub(super) fn survey(&self) -> Result<Holds, MmdbFault> {
        // A sound tree has fewer leaves than twice its nodes; a damaged one may go round in circles.
        let most = 3 * (self.reader.metadata().node_count as usize + 1);
        let mut seen = Seen::default();
        let mut holds = Holds::default();
        for (visited, found) in self.reader.networks(WithinOptions::default())?.enumerate() {
            let found = found?;
            if visited > most {
                return Err(MmdbFault::Damaged("its search tree goes round in circles".to_owned()));
            }
            let Some(offset) = found.offset() else { continue };
            holds.entries += 1;
            if !seen.first_time(offset) {
                continue;
            }
            if let Some(record) = found.decode::<Record<'_>>()? {
                holds.countries |= record.country().is_some();
                holds.networks |= record.network().is_some();
            }
        }
        Ok(holds)
    }
}

/// Offsets that were met, a bit each.
#[derive(Default)]
struct Seen(Vec<u64>);

impl Seen {
    fn first_time(&mut self, offset: usize) -> bool {
        let (word, bit) = (offset / 64, 1 << (offset % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let Some(bits) = self.0.get_mut(word) else { return false };
        let first = *bits & bit == 0;
        *bits |= bit;
        first
    }
}

#[cfg(test)]
mod tests;
