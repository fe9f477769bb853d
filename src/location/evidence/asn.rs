//! The network that announces the address.
//!
//! - Source: a table of announced prefixes, and our table of networks that are edges or clouds.
//! - Direction: that of the country in which nearly all of the network's addresses are, where there is one.
//! - Weight: [`weigh::NETWORK_COUNTRY`], in the group of the databases, from which that country is derived.
//! - Refuted by a disc in glass that does not reach the country. An edge network makes its addresses shared; a cloud's
//!   say nothing of home.

use std::fmt;

use super::Evidence;
use crate::location::Claim;
use crate::location::setting::Setting;
use crate::location::weigh;
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
