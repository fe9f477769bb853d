//! What the point of presence that answered says of itself.
//!
//! - Source: a label of the responder, and the place that it stands for.
//! - Direction: inside when the place is at home, outside otherwise. It speaks for the serving point, never for the origin
//!   behind it, and is the only evidence that places a shared address.
//! - Weight: attested.
//! - Refuted by the judged vantage's disc by light in vacuum, where that does not reach the country.

use std::fmt;

use super::Evidence;
use crate::location::Claim;
use crate::location::setting::Setting;
use crate::place::CountryCode;
use crate::printable::Printable;

/// A label and the place it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// How the point called itself.
    pub label: &'a str,
    /// Where that is.
    pub country: CountryCode,
}

pub(in crate::location) fn weigh<'a>(
    claim: &'a Claim,
    statement: Statement<'a>,
    setting: &Setting<'a>,
) -> Evidence<'a> {
    let country = statement.country;
    let told = Evidence::note(&claim.source, super::Statement::Pop(statement));
    setting.attest(Evidence { dated: claim.dated, ..told }, country)
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the serving point calls itself {}, which is in {}", Printable(self.label), self.country)
    }
}
