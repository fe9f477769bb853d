//! Files → a set of databases, whole or not at all.

#![expect(clippy::disallowed_methods, reason = "reads the operator's database files")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::mmdb::{Mmdb, MmdbFault};
use super::names::Names;
use super::published::{Feeds, Published};
use super::register::Register;
use super::{Set, embedded};
use crate::config::geodb::GeodbConfig;
use crate::config::register::Asset;
use crate::location::outlines::{Outlines, OutlinesError};
use crate::location::source::SourceFault;
use crate::location::source::names::NameTableFault;

/// The largest file that is read, in bytes: several times the largest database of places that is sold.
const LARGEST: u64 = 2 << 30;

/// The largest text that others publish, in bytes: twice the statistics of all registries together.
const LARGEST_TEXT: u64 = 64 << 20;

/// Why the databases of a configuration could not be opened; those in use before stay in use.
#[derive(Debug, thiserror::Error)]
pub enum GeodbError {
    /// A file cannot be read.
    #[error("read the database file {}: {error}: see that it is there and that pehra may read it", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Something is no file, or far too large for a database.
    #[error("read the database file {}: it is not a file of at most {LARGEST} bytes: name another", .path.display())]
    Unsuitable {
        /// The file.
        path: PathBuf,
    },
    /// Something is no file, or far too large for what anybody publishes.
    #[error("read {}: it is not a file of at most 64 MiB: name another", .path.display())]
    LargeText {
        /// The file.
        path: PathBuf,
    },
    /// A file is not a database that we can use.
    #[error("read the database {name} from {}: {fault}", .path.display())]
    Unusable {
        /// What the configuration calls it.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: MmdbFault,
    },
    /// A file of what others publish is not one that we can use.
    #[error("read {name} from {}: {fault}", .path.display())]
    Source {
        /// What the configuration calls it.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: SourceFault,
    },
    /// The table of the codes in names is none.
    #[error("read the codes in names from {}: {fault}: see geodb/README.md", .path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: NameTableFault,
    },
    /// The borders are not borders.
    #[error("read the borders from {}: {fault}: make them with geodb/rebuild.sh, or leave out `outlines`", .path.display())]
    Borders {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: OutlinesError,
    },
}

pub(super) fn open(config: &GeodbConfig, assets: &[Asset], feeds: Feeds<'_>) -> Result<Set, GeodbError> {
    let mut files = Vec::new();
    for database in &config.databases {
        let (name, path) = (&database.name, &database.path);
        let opened = Mmdb::examined(name, read(path)?);
        let unusable = |fault| GeodbError::Unusable { name: name.clone(), path: path.clone(), fault };
        files.push((opened.map_err(unusable)?, path.clone()));
    }
    let outlines = match &config.outlines {
        Some(path) => {
            let map = Outlines::decode(&read(path)?);
            Arc::new(map.map_err(|fault| GeodbError::Borders { path: path.clone(), fault })?)
        }
        None => embedded::outlines(),
    };
    let register = Register::of(assets);
    let (published, outlines_file) = (Published::open(config, feeds)?, config.outlines.clone());
    let names = config.rdns.as_deref().map(Names::open).transpose()?.unwrap_or_default();
    Ok(Set { files, embedded: config.embedded, register, published, outlines, outlines_file, names })
}

/// The bytes of a text that others publish, and when the file was changed.
pub(super) fn read_text(path: &Path) -> Result<(Vec<u8>, Timestamp), GeodbError> {
    let unreadable = |error| GeodbError::Unreadable { path: path.to_owned(), error };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > LARGEST_TEXT {
        return Err(GeodbError::LargeText { path: path.to_owned() });
    }
    let changed = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok()).unwrap_or_default();
    Ok((fs::read(path).map_err(unreadable)?, changed))
}

fn read(path: &Path) -> Result<Vec<u8>, GeodbError> {
    let unreadable = |error| GeodbError::Unreadable { path: path.to_owned(), error };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(GeodbError::Unsuitable { path: path.to_owned() });
    }
    fs::read(path).map_err(unreadable)
}
