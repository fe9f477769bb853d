//! The name of the address (PTR), read as the operator of its network writes places into names.
//!
//! - Source: our table of operators and their codes ([`crate::location::source::names`]). It counts only for addresses that
//!   the operator alone announces, since whoever holds an address may call it anything.
//! - Direction: inside when the place is at home, outside otherwise.
//! - Weight: [`weigh::NAME`], a group of its own: databases that read names read them everywhere in one way.
//! - Refuted by a disc in glass that does not reach the country.

use std::fmt;

use super::Evidence;
use super::asn::Strangers;
use crate::location::Claim;
use crate::location::setting::Setting;
use crate::location::weigh;
use crate::network::Asn;
use crate::place::CountryCode;
use crate::printable::Printable;

/// A name, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The name.
    pub name: &'a str,
    /// The code in it.
    pub code: &'a str,
    /// What that stands for.
    pub place: &'a str,
    /// Where that is.
    pub country: CountryCode,
    /// Why it counts for nothing: who else announces the address, or nobody known.
    pub strangers: Option<Strangers>,
}

pub(in crate::location) fn weigh<'a>(
    claim: &'a Claim,
    mut statement: Statement<'a>,
    (operator, claims): (&[Asn], &[&Claim]),
    setting: &Setting<'a>,
) -> Evidence<'a> {
    let country = statement.country;
    statement.strangers = Strangers::beside(operator, claims);
    let counts = statement.strangers.is_none();
    let told = Evidence { dated: claim.dated, ..Evidence::note(&claim.source, super::Statement::Rdns(statement)) };
    if counts { setting.hint(told, country, weigh::NAME) } else { told }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, code, place, country, strangers } = self;
        write!(f, "called {}, and {} is {}, {country}", Printable(name), Printable(code), Printable(place))?;
        strangers.as_ref().map_or(Ok(()), |strangers| write!(f, " to the operator of such names, {strangers}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_name_of_a_stranger_counts_for_nothing_is_said() {
        let country = CountryCode::PAKISTAN;
        let mut statement =
            Statement { name: "lhr1.pie.net.pk", code: "lhr", place: "Lahore", country, strangers: None };
        let told = "called lhr1.pie.net.pk, and lhr is Lahore, PK";
        assert_eq!(statement.to_string(), told);
        statement.strangers = Strangers::beside(&[Asn(17557)], &[]);
        let nobody = "but nobody is known to announce the address, so that it counts for nothing";
        assert_eq!(statement.to_string(), format!("{told} to the operator of such names, {nobody}"));
    }
}
