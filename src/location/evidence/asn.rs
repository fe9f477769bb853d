//! The network that announces the address.
//!
//! - Source: a table of announced prefixes, and our table of networks that are edges or clouds.
//! - Direction: that of the country in which nearly all of the network's addresses are, where there is one.
//! - Weight: [`weigh::NETWORK_COUNTRY`], in the group of the databases, from which that country is derived.
//! - Refuted by a disc in glass that does not reach the country. An edge network makes its addresses shared; a cloud's
//!   say nothing of home.

use std::collections::BTreeSet;
use std::fmt;

use super::Evidence;
use crate::location::setting::Setting;
use crate::location::weigh;
use crate::location::{Claim, Says};
use crate::network::{Asn, NetworkKind};
use crate::place::CountryCode;
use crate::printable::Printable;

/// Who announces the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The network.
    pub asn: Asn,
    /// What it is called.
    pub name: &'a str,
    /// How its addresses relate to places.
    pub kind: NetworkKind,
    /// Where nearly all of them are.
    pub country: Option<CountryCode>,
}

pub(in crate::location) fn weigh<'a>(
    claim: &'a Claim,
    statement: Statement<'a>,
    setting: &Setting<'a>,
) -> Evidence<'a> {
    let country = statement.country.filter(|_| statement.kind == NetworkKind::Ordinary);
    let told = Evidence::note(&claim.source, super::Statement::Asn(statement));
    match country {
        Some(country) => setting.hint(told, country, weigh::NETWORK_COUNTRY),
        None => told,
    }
}

/// Who announces an address beside those who speak for it, or nobody known at all: then what they say of it counts for
/// nothing, since anybody can say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strangers(BTreeSet<Asn>);

impl Strangers {
    /// Those beside `own`; `None` where `own` alone announce the address that `claims` are about.
    pub(in crate::location) fn beside(own: &[Asn], claims: &[&Claim]) -> Option<Self> {
        let announcers = || claims.iter().filter_map(|claim| announcer(claim));
        let strangers: BTreeSet<Asn> = announcers().filter(|asn| !own.contains(asn)).collect();
        let is_theirs = strangers.is_empty() && announcers().next().is_some();
        (!is_theirs).then_some(Self(strangers))
    }
}

fn announcer(claim: &Claim) -> Option<Asn> {
    if let Says::Announced { asn, .. } = claim.says { Some(asn) } else { None }
}

impl fmt::Display for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("who does not announce it but ")?;
        for (index, asn) in self.0.iter().enumerate() {
            let and = if index == 0 { "" } else { " and " };
            write!(f, "{and}{asn}")?;
        }
        let nobody = if self.0.is_empty() { "nobody we know of" } else { "" };
        write!(f, "{nobody}, so that it counts for nothing")
    }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "announced by {} {}", self.asn, Printable(self.name))?;
        match (self.kind, self.country) {
            (NetworkKind::Edge, _) => f.write_str(", a shared edge network: its addresses are served wherever is near"),
            (NetworkKind::Cloud, _) => f.write_str(", a cloud that mixes regions and edges"),
            (NetworkKind::Ordinary, Some(country)) => write!(f, ", nearly all of whose addresses are in {country}"),
            (NetworkKind::Ordinary, None) => Ok(()),
        }
    }
}
