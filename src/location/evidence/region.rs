//! What a cloud publishes of its own prefixes.
//!
//! - Source: the operator's copy of the provider's list (AWS, Google, Azure, Oracle), and our table of where regions are.
//! - Direction: inside when the region is at home, outside otherwise; a prefix served by the provider's edges is shared.
//! - Weight: attested.
//! - Refuted by a disc by light in vacuum that does not reach the country.

use std::fmt;

use super::Evidence;
use crate::location::Claim;
use crate::location::Weight;
use crate::location::setting::Setting;
use crate::location::source::regions::Cloud;
use crate::place::CountryCode;
use crate::printable::Printable;

/// What a cloud publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement<'a> {
    /// In which of its regions, or local zones, the address is.
    Region {
        /// The cloud.
        provider: Cloud,
        /// What it calls the region.
        region: &'a str,
        /// Where that is.
        country: CountryCode,
    },
    /// That it serves the address at its edges.
    Edge {
        /// The cloud.
        provider: Cloud,
        /// By which service.
        service: &'a str,
    },
}

pub(in crate::location) fn weigh<'a>(
    claim: &'a Claim,
    statement: Statement<'a>,
    setting: &Setting<'a>,
) -> Evidence<'a> {
    let country = match statement {
        Statement::Region { country, .. } => Some(country),
        Statement::Edge { .. } => None,
    };
    let told = Evidence::note(&claim.source, super::Statement::Region(statement));
    let told = Evidence { dated: claim.dated, ..told };
    match country {
        Some(country) => setting.attest(told, country),
        None => Evidence { weight: Weight::Attested, ..told },
    }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region { provider, region, country } => {
                write!(f, "{provider} publishes it as {}, which is in {country}", Printable(region))
            }
            Self::Edge { provider, service } => {
                write!(f, "{provider} serves it by {}, wherever is near", Printable(service))
            }
        }
    }
}
