//! The kinds of evidence, one small module each: who says it, which way it points, what it weighs and what refutes it.
//!
//! Evidence is data that borrows from the observation it was found in; its words are made when somebody reads them.

use std::fmt;

use jiff::civil::Date;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::setting::Refutation;
use super::weigh::Group;
use super::{Claim, EvidenceKind, Weight};
use crate::place::CountryCode;
use crate::printable::Printable;

pub mod anycast;
pub mod asn;
pub mod database;
pub mod disc;
pub mod gap;
pub mod geofeed;
pub mod path;
pub mod pop;
pub mod rdns;
pub mod region;
pub mod register;
pub mod registry;

/// One piece of evidence about one address.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence<'a> {
    /// Who or what it comes from.
    pub source: &'a str,
    /// The day of the source's data.
    pub dated: Option<Date>,
    /// What it says.
    pub statement: Statement<'a>,
    /// The country it names, where it names one.
    pub country: Option<CountryCode>,
    /// How much it may decide.
    pub weight: Weight,
    /// For hints, the weight in nats: above zero for inside, below zero for outside.
    pub nats: f64,
    /// Why it counts for less than its kind can.
    pub reservation: Option<Reservation>,
    /// What light holds against it.
    pub refutation: Option<Refutation<'a>>,
}

/// What a piece of evidence says, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement<'a> {
    /// A round-trip time drawn as a disc round a vantage.
    Disc(disc::Statement<'a>),
    /// A geolocation database.
    Database(database::Statement),
    /// The announcing network.
    Asn(asn::Statement<'a>),
    /// Where the holder is registered.
    Registry(registry::Statement<'a>),
    /// What a network publishes of its own prefixes.
    Geofeed(geofeed::Statement),
    /// What a cloud publishes of its own prefixes.
    Region(region::Statement<'a>),
    /// Several sites behind one address.
    Anycast(anycast::Statement<'a>),
    /// The name of the address.
    Rdns(rdns::Statement<'a>),
    /// The operator's dated register.
    Register(register::Statement),
    /// What the serving point says of itself.
    Pop(pop::Statement<'a>),
    /// Round-trip times beside those of known places.
    RttGap(gap::Statement<'a>),
    /// What the hops just before the target say.
    Path(path::Statement<'a>),
}

/// Why a piece of evidence counts for less than its kind can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// The address is shared by several sites.
    Shared,
    /// A cloud's address that is said to be at home may be an edge of the cloud.
    CloudAtHome,
    /// Any customer of the cloud can write it.
    Customer,
    /// The source is dated later than the day of judging.
    NotYet,
}

impl fmt::Display for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared => "which places no shared address",
            Self::CloudAtHome => "which for a cloud's address may be an edge and counts for nothing",
            Self::Customer => "which any customer of the cloud can write and counts for nothing",
            Self::NotYet => "a day that has not come",
        })
    }
}

impl<'a> Evidence<'a> {
    /// Something that is told and decides nothing.
    pub fn note(source: &'a str, statement: Statement<'a>) -> Self {
        let weight = Weight::Hint;
        Self { source, dated: None, statement, country: None, weight, nats: 0.0, reservation: None, refutation: None }
    }

    /// The kind, as product.md names it.
    pub fn kind(&self) -> EvidenceKind {
        match self.statement {
            Statement::Disc(_) => EvidenceKind::Disc,
            Statement::Database(_) => EvidenceKind::Database,
            Statement::Asn(_) => EvidenceKind::Asn,
            Statement::Registry(_) => EvidenceKind::Registry,
            Statement::Geofeed(_) => EvidenceKind::Geofeed,
            Statement::Region(_) => EvidenceKind::Region,
            Statement::Anycast(_) => EvidenceKind::Anycast,
            Statement::Rdns(_) => EvidenceKind::Rdns,
            Statement::Register(_) => EvidenceKind::Register,
            Statement::Pop(_) => EvidenceKind::Pop,
            Statement::RttGap(_) => EvidenceKind::RttGap,
            Statement::Path(_) => EvidenceKind::Path,
        }
    }

    /// The group whose cap it counts under, if it is a hint that points somewhere.
    pub fn group(&self) -> Option<Group> {
        if self.weight != Weight::Hint || self.nats == 0.0 {
            return None;
        }
        match self.kind() {
            EvidenceKind::Database | EvidenceKind::Asn | EvidenceKind::Geofeed => Some(Group::Registry),
            EvidenceKind::Rdns => Some(Group::Names),
            EvidenceKind::RttGap => Some(Group::RttGap),
            EvidenceKind::Path => Some(Group::Path),
            EvidenceKind::Disc => Some(Group::Glass),
            EvidenceKind::Registry
            | EvidenceKind::Region
            | EvidenceKind::Anycast
            | EvidenceKind::Register
            | EvidenceKind::Pop => None,
        }
    }

    /// Whether it says anything for or against a place.
    pub fn tells(&self) -> bool {
        self.weight != Weight::Hint || self.nats != 0.0
    }

    /// Whether it is what came of `claim`.
    pub fn is_of(&self, claim: &Claim) -> bool {
        std::ptr::eq(self.source, claim.source.as_str())
    }
}

impl fmt::Display for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statement.fmt(f)?;
        if let Some(day) = self.dated {
            write!(f, " ({day})")?;
        }
        if let Some(reservation) = self.reservation {
            write!(f, ", {reservation}")?;
        }
        // That this refutes it is said by its weight, which is shown beside.
        self.refutation.as_ref().map_or(Ok(()), |refutation| write!(f, ", but {refutation}"))
    }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disc(statement) => statement.fmt(f),
            Self::Database(statement) => statement.fmt(f),
            Self::Asn(statement) => statement.fmt(f),
            Self::Registry(statement) => statement.fmt(f),
            Self::Geofeed(statement) => statement.fmt(f),
            Self::Region(statement) => statement.fmt(f),
            Self::Anycast(statement) => statement.fmt(f),
            Self::Rdns(statement) => statement.fmt(f),
            Self::Register(statement) => statement.fmt(f),
            Self::Pop(statement) => statement.fmt(f),
            Self::RttGap(statement) => statement.fmt(f),
            Self::Path(statement) => statement.fmt(f),
        }
    }
}

impl Serialize for Evidence<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_struct("Evidence", 6)?;
        written.serialize_field("kind", &self.kind())?;
        written.serialize_field("source", &Printable(self.source).to_string())?;
        written.serialize_field("says", &self.to_string())?;
        written.serialize_field("weight", &self.weight)?;
        written.serialize_field("nats", &self.nats)?;
        match self.group() {
            Some(group) => written.serialize_field("group", &group)?,
            None => written.skip_field("group")?,
        }
        written.end()
    }
}
