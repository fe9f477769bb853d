//! The databases: embedded and of the operator → claims.
//!
//! A set of databases is a value: it is opened whole or not at all, never changes, and is replaced by another one. Files
//! are read into memory, never mapped, so that nobody can change them under us.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::ConfigErrors;
use crate::config::geodb::GeodbConfig;
use crate::config::landmark::{self, Landmark};
use crate::config::register::Asset;
use crate::contact::pop::PopLabel;
use crate::location::outlines::Outlines;
use crate::location::source::operators::NameClaim;
use crate::location::{Claim, Says};
use crate::network::{AddressScope, Asn, NetworkKind};
use crate::observation::DatabaseDigest;
use crate::workload::HostName;

pub mod announcements;
mod embedded;
#[cfg(test)]
mod fixture;
mod mmdb;
mod names;
mod networks;
mod open;
mod published;
mod record;
mod register;
mod serving;
mod sources;

pub use mmdb::MmdbFault;
pub use open::GeodbError;
pub use sources::{Origin, Source};

use mmdb::Mmdb;
use names::Names;
use published::{Feeds, Published};
use register::Register;

/// A set of databases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Geodb(Arc<Set>, Landmarks);

/// What is declared of landmarks.
type Landmarks = Arc<BTreeMap<IpAddr, Claim>>;

#[derive(Debug)]
struct Set {
    /// The operator's, in the order of the configuration, each with the file it came from.
    files: Vec<(Mmdb, PathBuf)>,
    /// Whether the embedded database of countries is asked as well.
    embedded: bool,
    register: Register,
    published: Published,
    outlines: Arc<Outlines>,
    outlines_file: Option<PathBuf>,
    names: Names,
}

impl Geodb {
    /// The embedded databases alone.
    pub fn embedded() -> Self {
        Self(
            Arc::new(Set {
                files: Vec::new(),
                embedded: true,
                register: Register::default(),
                published: Published::default(),
                outlines: embedded::outlines(),
                outlines_file: None,
                names: Names::default(),
            }),
            Landmarks::default(),
        )
    }

    /// The databases that the configuration names, without what is behind URLs. Reads files, which may take seconds: not
    /// for an async task.
    pub fn open(config: &GeodbConfig, assets: &[Asset]) -> Result<Self, GeodbError> {
        open::open(config, assets, Feeds::Leave).map(|set| Self(Arc::new(set), Landmarks::default()))
    }

    /// The same with the feeds behind URLs, fetched unless those of the set `before` are young enough. One that cannot be
    /// fetched is no error; [`Geodb::troubles`] has it.
    pub fn open_and_fetch(config: &GeodbConfig, assets: &[Asset], before: Option<&Self>) -> Result<Self, GeodbError> {
        let before = before.map(|before| &before.0.published);
        open::open(config, assets, Feeds::Fetch(before)).map(|set| Self(Arc::new(set), Landmarks::default()))
    }

    /// The same databases, which also say of `landmarks` that they are such; errors for those that the borders contradict.
    pub fn with_landmarks(self, landmarks: &[Landmark]) -> Result<Self, ConfigErrors> {
        landmark::hold_against(landmarks, &self.0.outlines)?;
        let claims = landmarks.iter().map(|landmark| (landmark.address, landmark.claim())).collect();
        Ok(Self(self.0, Arc::new(claims)))
    }

    /// What is wrong with feeds behind URLs, each with its name.
    pub fn troubles(&self) -> Vec<String> {
        self.0.published.troubles().collect()
    }

    /// Whether a feed behind a URL should be fetched at `now`.
    pub fn feeds_are_due(&self, now: Timestamp) -> bool {
        self.0.published.are_due(now)
    }

    /// What every source says of `address`: each database of countries, who announces it, the register, and what others
    /// publish. Of an address that is not globally reachable only the register can say anything.
    pub fn claims(&self, address: IpAddr) -> Vec<Claim> {
        let registered = self.0.register.claim(address);
        if !AddressScope::of(address).is_global() {
            return registered.into_iter().collect();
        }
        let countries = self.databases().filter(|database| database.holds().countries).map(|database| Claim {
            about: address,
            source: database.name().to_owned(),
            dated: Some(day(database.built())),
            says: database.country(address.to_canonical()).map_or(Says::NoEntry, Says::Country),
        });
        let landmark = self.1.get(&address).cloned();
        let own = registered.into_iter().chain(landmark);
        countries.chain(self.announced(address)).chain(own).chain(self.0.published.claims(address)).collect()
    }

    /// What `name`, which `address` is said to have, says of its place: nothing where the table knows nothing of it.
    pub fn named(&self, address: IpAddr, name: &str) -> Option<Claim> {
        self.0.names.claim(address, name)
    }

    /// Where `label`, by which whoever answers at `address` calls itself, says that it serves: nothing where no operator
    /// writes such labels, or where its code is not known. What it counts for is decided with the other claims.
    pub fn serving(&self, address: IpAddr, label: &PopLabel) -> Option<Claim> {
        serving::claim(address, label, &self.announcers(address))
    }

    /// Who operates `name`, where it is below a domain under which somebody gives names to what it serves for others.
    pub fn operator_of(&self, name: &HostName) -> Option<NameClaim> {
        embedded::operators().of(name)
    }

    /// The databases that [`Geodb::claims`], [`Geodb::named`], [`Geodb::serving`] and [`Geodb::operator_of`] ask, by what
    /// they hold.
    pub fn digests(&self) -> Vec<DatabaseDigest> {
        let table = embedded::announcements();
        let announcements = DatabaseDigest {
            name: embedded::ANNOUNCEMENTS.name.to_owned(),
            sha256: table.sha256(),
            built: table.built(),
        };
        let databases = self.databases().map(|database| DatabaseDigest {
            name: database.name().to_owned(),
            sha256: database.sha256(),
            built: database.built(),
        });
        let published = self.0.published.digests();
        let names = [self.0.names.digest()].into_iter().chain(serving::digests());
        databases.chain([announcements]).chain(published).chain(names).collect()
    }

    /// The borders: the operator's, or else the embedded ones.
    pub fn outlines(&self) -> Arc<Outlines> {
        Arc::clone(&self.0.outlines)
    }

    /// Everything that may be asked, for a person who wants to know what it is and where it comes from.
    pub fn sources(&self) -> Vec<Source> {
        sources::of(&self.0)
    }

    /// Who runs a network that is not in one place.
    pub fn operator(asn: Asn) -> Option<&'static str> {
        embedded::networks().get(&asn).map(|network| network.operator.as_str())
    }

    fn databases(&self) -> impl Iterator<Item = &Mmdb> {
        let embedded = self.0.embedded.then(embedded::country);
        self.0.files.iter().map(|(database, _)| database).chain(embedded)
    }

    fn announcers(&self, address: IpAddr) -> BTreeSet<Asn> {
        self.announced(address).iter().filter_map(|claim| claim.says.announcer()).collect()
    }

    /// Who announces `address`: the operator's databases are asked first, the embedded table last, which is asked even
    /// where the embedded database of countries is not: without it, shared networks would pass for places. Each that
    /// names another network is heard, for any of them may be stale; the same network named again is the same hint.
    fn announced(&self, address: IpAddr) -> Vec<Claim> {
        let table = embedded::announcements();
        let canonical = address.to_canonical();
        let files = self.0.files.iter().filter_map(|(file, _)| {
            let (asn, name) = file.network(canonical)?;
            Some((file.name(), file.built(), asn, name))
        });
        let shipped =
            table.announcer(canonical).map(|told| (embedded::ANNOUNCEMENTS.name, table.built(), told.asn, told.name));
        let mut named = BTreeSet::new();
        let told = files.chain(shipped).filter(|(_, _, asn, _)| named.insert(*asn));
        told.map(|(source, built, asn, name)| {
            let kind = embedded::networks().get(&asn).map_or(NetworkKind::Ordinary, |network| network.kind);
            // Derived from the embedded database: where that is not asked, neither is this.
            let network = table.network(asn).filter(|_| self.0.embedded);
            let country = network.and_then(|network| network.country);
            // Those of an edge or a cloud place nothing.
            let ordinary = network.filter(|_| kind == NetworkKind::Ordinary);
            let countries = ordinary.map(|network| network.countries).unwrap_or_default();
            let says = Says::Announced { asn, name: name.to_owned(), kind, country, countries };
            Claim { about: address, source: source.to_owned(), dated: Some(day(built)), says }
        })
        .collect()
    }
}

fn day(built: Timestamp) -> Date {
    built.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests;
