//! `[geodb]`: the databases of places and networks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::fault::{Spot, quoted};
use super::section::Section;
use super::value;

/// The databases of places and networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeodbConfig {
    /// Whether the embedded databases are asked too.
    pub embedded: bool,
    /// The operator's own databases, in the order of the file.
    pub databases: Vec<DatabaseFile>,
    /// The operator's own borders; the embedded ones where there are none.
    pub outlines: Option<PathBuf>,
}

/// One MMDB file of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseFile {
    /// Its name in evidence and metrics.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Reads the section; relative paths start at `directory`.
pub(super) fn read(root: &Section<'_>, directory: &Path) -> GeodbConfig {
    let section = root.section("geodb");
    let embedded = section.or("embedded", true, value::flag);
    let outlines = section.read("outlines", value::text).map(|at| directory.join(at.value));
    let mut named: BTreeMap<String, Spot> = BTreeMap::new();
    let mut databases = Vec::new();
    for entry in section.sections("database") {
        let path =
            entry.require("path", "the file, such as path = \"/var/lib/GeoIP/GeoLite2-Country.mmdb\"", value::text);
        let name = entry.require("name", "its name in evidence and metrics, such as name = \"geolite2\"", value::name);
        let Some(name) = name else { continue };
        if let Some(first) = named.get(&name.value) {
            let message =
                format!("{} is already the name of a database ({first}): give it another", quoted(&name.value));
            section.faults().error(&name.spot, message);
            continue;
        }
        named.insert(name.value.clone(), name.spot);
        databases.extend(path.map(|path| DatabaseFile { name: name.value, path: directory.join(path.value) }));
    }
    if !embedded && databases.is_empty() {
        let message = "no database at all: places rest on round-trip times and your own register alone";
        section.faults().warn(&section.spot_of("embedded"), message);
    }
    GeodbConfig { embedded, databases, outlines }
}
