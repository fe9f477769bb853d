//! What the databases are: for `pehra geodb info`.

use std::path::PathBuf;

use jiff::Timestamp;
use url::Url;

use super::embedded::{self, Shipped};
use super::mmdb::{Holds, Mmdb};
use super::{Set, register, serving};
use crate::digest::Digest;

/// A source of claims, or of borders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in claims and metrics; for borders, that of the map.
    pub name: String,
    /// What it says: `countries`, `networks`, `countries and networks`, `borders`, `asset register`.
    pub holds: &'static str,
    /// How many of them: prefixes, ranges, countries or entries.
    pub entries: usize,
    /// When it was built, where it says so.
    pub built: Option<Timestamp>,
    /// Of its file.
    pub sha256: Option<Digest>,
    /// Where it comes from.
    pub origin: Origin,
    /// What was wrong with it, and what else should be known.
    pub notes: Vec<String>,
}

/// Where a source comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the binary.
    Embedded {
        /// The terms.
        licence: &'static str,
        /// Whom to name where its data is shown.
        attribution: &'static str,
    },
    /// A file of the operator.
    File(PathBuf),
    /// A URL that the operator names.
    Url(Url),
    /// The configuration itself.
    Configuration,
}

pub(super) fn of(set: &Set) -> Vec<Source> {
    let files = set.files.iter().map(|(database, path)| of_file(database, path.clone()));
    let country = set.embedded.then(|| {
        let database = embedded::country();
        // Its records were looked at when it was embedded; counting them again takes a tenth of a second.
        let entries = database.survey().map_or(0, |holds| holds.entries);
        shipped(&embedded::COUNTRY, "countries", entries, database.built(), database.sha256())
    });
    let table = embedded::announcements();
    let announcements = shipped(&embedded::ANNOUNCEMENTS, "networks", table.entries(), table.built(), table.sha256());
    let register = (set.register.len() > 0).then(|| Source {
        name: register::SOURCE.to_owned(),
        holds: "asset register",
        entries: set.register.len(),
        built: None,
        sha256: None,
        origin: Origin::Configuration,
        notes: Vec::new(),
    });
    let published = set.published.sources();
    let listed = files.chain(country).chain([announcements]).chain(register).chain(published);
    listed.chain([set.names.source()]).chain(serving::sources()).chain([borders(set)]).collect()
}

fn of_file(database: &Mmdb, path: PathBuf) -> Source {
    let holds = match database.holds() {
        Holds { countries: true, networks: true, .. } => "countries and networks",
        Holds { networks: true, .. } => "networks",
        Holds { .. } => "countries",
    };
    Source {
        name: database.name().to_owned(),
        holds,
        entries: database.holds().entries,
        built: Some(database.built()),
        sha256: Some(database.sha256()),
        origin: Origin::File(path),
        notes: Vec::new(),
    }
}

fn shipped(terms: &Shipped, holds: &'static str, entries: usize, built: Timestamp, sha256: Digest) -> Source {
    let origin = Origin::Embedded { licence: terms.licence, attribution: terms.attribution };
    let (name, built, sha256, notes) = (terms.name.to_owned(), Some(built), Some(sha256), Vec::new());
    Source { name, holds, entries, built, sha256, origin, notes }
}

fn borders(set: &Set) -> Source {
    let terms = &embedded::OUTLINES;
    let embedded = Origin::Embedded { licence: terms.licence, attribution: terms.attribution };
    Source {
        name: set.outlines.id().name.clone(),
        holds: "borders",
        entries: set.outlines.countries().len(),
        built: None,
        sha256: Some(set.outlines.id().sha256),
        origin: set.outlines_file.clone().map_or(embedded, Origin::File),
        notes: Vec::new(),
    }
}
