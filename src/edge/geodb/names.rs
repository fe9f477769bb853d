//! The table of the codes in names: embedded, or the operator's in its place.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::open::{GeodbError, read_text};
use super::{Origin, Source, embedded};
use crate::digest::Digest;
use crate::location::source::names::{NameTable, Reading};
use crate::location::{Claim, Says};
use crate::observation::DatabaseDigest;

/// A table, and where it is from.
#[derive(Debug)]
pub(super) struct Names {
    table: Arc<NameTable>,
    sha256: Digest,
    /// The day of the data, where that is known.
    dated: Option<Date>,
    /// The same, or else when its file was changed.
    built: Timestamp,
    file: Option<PathBuf>,
}

impl Default for Names {
    /// The embedded table.
    fn default() -> Self {
        let day = embedded::NAMES_DATED.to_zoned(TimeZone::UTC).map(|begin| begin.timestamp());
        Self {
            table: embedded::names(),
            sha256: Digest::of_bytes(embedded::NAMES.bytes),
            dated: Some(embedded::NAMES_DATED),
            built: day.unwrap_or_default(),
            file: None,
        }
    }
}

impl Names {
    pub(super) fn open(path: &Path) -> Result<Self, GeodbError> {
        let (bytes, changed) = read_text(path)?;
        let table = NameTable::parse(&bytes).map_err(|fault| GeodbError::Names { path: path.to_owned(), fault })?;
        let (table, sha256) = (Arc::new(table), Digest::of_bytes(&bytes));
        Ok(Self { table, sha256, dated: None, built: changed, file: Some(path.to_owned()) })
    }

    /// What `name` says of the place of `address`.
    pub(super) fn claim(&self, address: IpAddr, name: &str) -> Option<Claim> {
        let Reading { code, place, country, operator } = self.table.read(name)?;
        let says = Says::Named {
            name: name.to_owned(),
            code: code.to_owned(),
            place: place.to_owned(),
            country,
            operator: operator.to_vec(),
        };
        Some(Claim { about: address, source: embedded::NAMES.name.to_owned(), dated: self.dated, says })
    }

    pub(super) fn digest(&self) -> DatabaseDigest {
        DatabaseDigest { name: embedded::NAMES.name.to_owned(), sha256: self.sha256, built: self.built }
    }

    pub(super) fn source(&self) -> Source {
        let terms = &embedded::NAMES;
        let shipped = Origin::Embedded { licence: terms.licence, attribution: terms.attribution };
        Source {
            name: terms.name.to_owned(),
            holds: "codes in names",
            entries: self.table.len(),
            built: Some(self.built),
            sha256: Some(self.sha256),
            origin: self.file.clone().map_or(shipped, Origin::File),
            notes: Vec::new(),
        }
    }
}
