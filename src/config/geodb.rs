//! `[geodb]`: the databases of places and networks, and what others publish of addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use url::Url;

use crate::location::source::regions::Cloud;
use crate::network::Asn;

use super::fault::{Spot, quoted};
use super::section::{At, Section};
use super::value;

/// The name of the embedded database of countries.
pub const EMBEDDED: &str = "dbip-country";

/// The name of the embedded table of announced networks.
pub const ANNOUNCEMENTS: &str = "routed-asn";

/// The name of the operator's own register of assets.
pub const ASSET_REGISTER: &str = "asset-register";

/// The names that mean something else than a source of the operator.
const TAKEN: [&str; 5] = [EMBEDDED, ANNOUNCEMENTS, ASSET_REGISTER, "geodb.outlines", "geodb.rdns"];

/// The databases of places and networks, and what others publish of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeodbConfig {
    /// Whether the embedded database of countries is asked too.
    pub embedded: bool,
    /// The operator's own databases, in the order of the file.
    pub databases: Vec<SourceFile>,
    /// The operator's own borders; the embedded ones where there are none.
    pub outlines: Option<PathBuf>,
    /// The operator's own table of the codes in names; the embedded one where there is none.
    pub rdns: Option<PathBuf>,
    /// What networks publish of their own prefixes.
    pub geofeeds: Vec<GeofeedSource>,
    /// What clouds publish of their own prefixes.
    pub regions: Vec<RegionsFile>,
    /// Lists of anycast prefixes.
    pub anycast: Vec<SourceFile>,
    /// Statistics of the registries.
    pub registries: Vec<SourceFile>,
    /// Where the configuration names each source, by its name; the borders and the table of names by their keys.
    pub spots: BTreeMap<String, Spot>,
}

impl Default for GeodbConfig {
    fn default() -> Self {
        Self {
            embedded: true,
            databases: Vec::new(),
            outlines: None,
            rdns: None,
            geofeeds: Vec::new(),
            regions: Vec::new(),
            anycast: Vec::new(),
            registries: Vec::new(),
            spots: BTreeMap::new(),
        }
    }
}

/// One file of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name in evidence and metrics.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A geofeed, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeofeedSource {
    /// Its name in evidence and metrics.
    pub name: String,
    /// Where it is.
    pub place: FeedPlace,
    /// The networks of its publisher: it counts for the addresses that they announce.
    pub asns: Vec<Asn>,
}

/// Where a geofeed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedPlace {
    /// A file.
    Path(PathBuf),
    /// A URL, fetched once a day.
    Url(Url),
}

/// A file of prefixes that a cloud publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionsFile {
    /// Its name in evidence and metrics.
    pub name: String,
    /// Who publishes it, in which form.
    pub cloud: Cloud,
    /// Where it is.
    pub path: PathBuf,
}

impl GeodbConfig {
    /// Every file that is named.
    pub fn files(&self) -> Vec<PathBuf> {
        let plain = self.databases.iter().chain(&self.anycast).chain(&self.registries).map(|file| &file.path);
        let regions = self.regions.iter().map(|file| &file.path);
        let feeds = self.geofeeds.iter().filter_map(|feed| match &feed.place {
            FeedPlace::Path(path) => Some(path),
            FeedPlace::Url(_) => None,
        });
        plain.chain(regions).chain(feeds).chain(&self.outlines).chain(&self.rdns).cloned().collect()
    }

    /// The names of all sources, in the order in which they are asked.
    pub fn names(&self) -> Vec<String> {
        let embedded = self.embedded.then(|| EMBEDDED.to_owned());
        let of = |files: &[SourceFile]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
        let feeds = self.geofeeds.iter().map(|feed| feed.name.clone());
        let regions = self.regions.iter().map(|file| file.name.clone());
        let databases = of(&self.databases).into_iter().chain(embedded);
        databases.chain(feeds).chain(regions).chain(of(&self.anycast)).chain(of(&self.registries)).collect()
    }
}

/// Reads the section; relative paths start at `directory`.
pub(super) fn read(root: &Section<'_>, directory: &Path) -> GeodbConfig {
    let section = root.section("geodb");
    let mut names = Names::default();
    let databases = files(&section, "database", "/var/lib/GeoIP/GeoLite2-Country.mmdb", directory, &mut names);
    let all_are_named = names.0.len() == section.length("database") && !section.may_be_lost("database");
    let known = all_are_named.then(|| names.0.keys().cloned().chain([EMBEDDED.to_owned()]).collect());
    let outlines = section.read("outlines", value::text);
    let rdns = section.read("rdns", value::text);
    let unnamed = outlines.iter().chain(&rdns).map(|at| (at.spot.key.clone(), at.spot.clone()));
    names.0.extend(unnamed);
    let mut config = GeodbConfig {
        embedded: section.or("embedded", true, value::flag),
        outlines: outlines.map(|at| directory.join(at.value)),
        rdns: rdns.map(|at| directory.join(at.value)),
        databases,
        geofeeds: section
            .sections("geofeed")
            .iter()
            .filter_map(|entry| geofeed(entry, directory, &mut names))
            .collect(),
        regions: section.sections("regions").iter().filter_map(|entry| regions(entry, directory, &mut names)).collect(),
        anycast: files(&section, "anycast", "/var/lib/pehra/anycast-v4.txt", directory, &mut names),
        registries: files(&section, "registry", "/var/lib/pehra/delegated-apnic-latest", directory, &mut names),
        spots: names.0,
    };
    choose(&section, &mut config, known.as_ref());
    config
}

/// Leaves the databases that `databases` names, where it is written; `known` are all their names, where those could be
/// read.
fn choose(section: &Section<'_>, config: &mut GeodbConfig, known: Option<&BTreeSet<String>>) {
    let chosen = section.list("databases", value::name);
    if let Some(chosen) = &chosen {
        let unknown = |name: &&At<String>| known.is_some_and(|known| !known.contains(&name.value));
        for name in chosen.iter().filter(unknown) {
            let known: Vec<_> = known.into_iter().flatten().map(String::as_str).collect();
            let message = format!("{} is no database: write some of {}", quoted(&name.value), known.join(", "));
            section.faults().error(&name.spot, message);
        }
        let is_chosen = |name: &str| chosen.iter().any(|chosen| chosen.value == name);
        config.embedded &= is_chosen(EMBEDDED);
        config.databases.retain(|file| is_chosen(&file.name));
    }
    if !config.embedded && config.databases.is_empty() {
        let message = "no database at all: places rest on round-trip times and on what is published or registered";
        let key = if chosen.is_some() { "databases" } else { "embedded" };
        section.faults().warn(&section.spot_of(key), message);
    }
}

/// The names in use, which evidence and metrics tell sources apart by.
#[derive(Default)]
struct Names(BTreeMap<String, Spot>);

impl Names {
    /// The name of an entry, unless another has it.
    fn read(&mut self, entry: &Section<'_>) -> Option<String> {
        let name =
            entry.require("name", "its name in evidence and metrics, such as name = \"geolite2\"", value::name)?;
        if TAKEN.contains(&name.value.as_str()) {
            let message = format!("{} is the name of something built in: give it another", quoted(&name.value));
            entry.faults().error(&name.spot, message);
            return None;
        }
        if let Some(first) = self.0.get(&name.value) {
            let message = format!("{} is already the name of a source ({first}): give it another", quoted(&name.value));
            entry.faults().error(&name.spot, message);
            return None;
        }
        self.0.insert(name.value.clone(), name.spot);
        Some(name.value)
    }
}

fn files(
    section: &Section<'_>,
    key: &'static str,
    example: &str,
    directory: &Path,
    names: &mut Names,
) -> Vec<SourceFile> {
    let file = |entry: &Section<'_>| {
        let path = entry.require("path", &format!("the file, such as path = \"{example}\""), value::text);
        let name = names.read(entry)?;
        Some(SourceFile { name, path: directory.join(path?.value) })
    };
    section.sections(key).iter().filter_map(file).collect()
}

fn regions(entry: &Section<'_>, directory: &Path, names: &mut Names) -> Option<RegionsFile> {
    let words = Cloud::ALL.map(|cloud| (cloud.as_str(), cloud));
    let example = "the file, such as path = \"/var/lib/pehra/ip-ranges.json\"";
    let path = entry.require("path", example, value::text);
    let add = "who publishes it, such as provider = \"aws\"";
    let cloud = entry.require("provider", add, |value| value::word(value, &words));
    let name = names.read(entry)?;
    Some(RegionsFile { name, cloud: cloud?.value, path: directory.join(path?.value) })
}

fn geofeed(entry: &Section<'_>, directory: &Path, names: &mut Names) -> Option<GeofeedSource> {
    let path = entry.read("path", value::text);
    let url = entry.read("url", value::web_url);
    let place = match (path, url) {
        (Some(_), Some(url)) => {
            entry.faults().error(&url.spot, "stands beside path: leave one of them");
            None
        }
        (Some(path), None) => Some(FeedPlace::Path(directory.join(path.value))),
        (None, Some(url)) => Some(FeedPlace::Url(url.value)),
        (None, None) => {
            if !entry.has("path") && !entry.has("url") {
                let message = "is missing: add path = \"/var/lib/pehra/geofeed.csv\", or url = \"https://…\"";
                entry.faults().error(&entry.spot("path"), message);
            }
            None
        }
    };
    let asns = entry.list("asns", value::asn).unwrap_or_default();
    if asns.is_empty() && !entry.is_faulty("asns") {
        let message = "names no network: add those of its publisher, such as asns = [9541]; a feed counts for what they \
                       announce";
        entry.faults().error(&entry.spot_of("asns"), message);
    }
    let name = names.read(entry)?;
    Some(GeofeedSource { name, place: place?, asns: asns.into_iter().map(|asn| asn.value).collect() })
}
