//! The country in which the holder of the address is registered.
//!
//! - Source: the statistics of a regional registry (delegated-extended files), which "seek to indicate where resources
//!   were first allocated or assigned" (APNIC) and say nothing of where they are used.
//! - Direction and weight: none. It is shown beside the location, as "registered in"; statistics of a day that has not
//!   come with that remark.

use std::fmt;

use super::Evidence;
use crate::location::Claim;
use crate::location::setting::Setting;
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

pub(in crate::location) fn tell<'a>(claim: &'a Claim, statement: Statement<'a>, setting: &Setting<'a>) -> Evidence<'a> {
    let told = Evidence::note(&claim.source, super::Statement::Registry(statement));
    setting.held_against_the_day(Evidence { dated: claim.dated, ..told })
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registered in {} by {}, which is no place", self.country, Printable(self.registry))
    }
}

#[cfg(test)]
mod tests {
    use crate::digest::Digest;
    use crate::location::fuse::{Case, fuse};
    use crate::location::{Claim, OutlinesId, Says};
    use crate::place::{CountryCode, Home};

    #[test]
    fn statistics_of_a_day_that_has_not_come_get_a_remark() {
        let (home, borders) =
            (Home::of(CountryCode::PAKISTAN), OutlinesId { name: String::new(), sha256: Digest::ZERO });
        let about = "203.101.184.84".parse().unwrap();
        let told = |day: &str| {
            let says = Says::Delegated { registry: "apnic".to_owned(), country: CountryCode::PAKISTAN };
            let claim = Claim { about, source: "apnic".to_owned(), dated: day.parse().ok(), says };
            let mut case = Case::new(about, &home, &borders, "2026-11-21T12:00:00Z".parse().unwrap());
            case.claims.push(&claim);
            fuse(&case).evidence.iter().map(ToString::to_string).next_back().unwrap()
        };
        let registered = "registered in PK by apnic, which is no place";
        assert_eq!(told("2026-11-21"), format!("{registered} (2026-11-21)"));
        assert_eq!(told("2099-11-19"), format!("{registered} (2099-11-19), a day that has not come"));
    }
}
