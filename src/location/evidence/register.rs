//! The operator's own dated register of assets.
//!
//! - Source: an entry of the configuration, with its day; one of a day that has not come attests nothing.
//! - Direction: inside when the country is home, outside otherwise.
//! - Weight: attested.
//! - Refuted by a disc by light in vacuum that does not reach the country.

use std::fmt;

use ipnet::IpNet;

use super::Evidence;
use crate::location::Claim;
use crate::location::setting::Setting;
use crate::place::CountryCode;

/// An entry of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The entry's prefix.
    pub prefix: IpNet,
    /// Where it says that the prefix is.
    pub country: CountryCode,
}

pub(in crate::location) fn weigh<'a>(claim: &'a Claim, statement: Statement, setting: &Setting<'a>) -> Evidence<'a> {
    let told = Evidence::note(&claim.source, super::Statement::Register(statement));
    setting.attest(Evidence { dated: claim.dated, ..told }, statement.country)
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is registered as being in {}", self.prefix, self.country)
    }
}
