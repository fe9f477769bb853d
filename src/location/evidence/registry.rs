//! The country in which the holder of the address is registered.
//!
//! - Source: the statistics of a regional registry (delegated-extended files), which "seek to indicate where resources
//!   were first allocated or assigned" (APNIC) and say nothing of where they are used.
//! - Direction and weight: none. It is shown beside the location, as "registered in".

use std::fmt;

use super::Evidence;
use crate::location::Claim;
use crate::place::CountryCode;
use crate::printable::Printable;

/// Where the holder is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// With whom.
    pub registry: &'a str,
    /// The country.
    pub country: CountryCode,
}

pub(in crate::location) fn tell<'a>(claim: &'a Claim, statement: Statement<'a>) -> Evidence<'a> {
    Evidence { dated: claim.dated, ..Evidence::note(&claim.source, super::Statement::Registry(statement)) }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registered in {} by {}, which is no place", self.country, Printable(self.registry))
    }
}
