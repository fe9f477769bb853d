//! A geolocation database names a country.
//!
//! - Source: the database's entry, with the day it was built.
//! - Direction: inside when the country is home, outside otherwise.
//! - Weight: [`weigh::DATABASE`], one group with every other database, geofeed and network.
//! - Refuted by a disc in glass that does not reach the country. Counts for nothing on a shared address, nor, where it
//!   says home, on a cloud's.

use std::fmt;

use super::Evidence;
use crate::location::Claim;
use crate::location::setting::Setting;
use crate::location::weigh;
use crate::place::CountryCode;

/// What a database says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement(
    /// The country; `None` where it has no entry.
    pub Option<CountryCode>,
);

pub(in crate::location) fn weigh<'a>(
    claim: &'a Claim,
    country: Option<CountryCode>,
    setting: &Setting<'a>,
) -> Evidence<'a> {
    let told = Evidence::note(&claim.source, super::Statement::Database(Statement(country)));
    match country {
        Some(country) => setting.hint(Evidence { dated: claim.dated, ..told }, country, weigh::DATABASE),
        None => told,
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(country) => write!(f, "says {country}"),
            None => f.write_str("has no entry"),
        }
    }
}
