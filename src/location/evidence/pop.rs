//! What the point of presence that answered says of itself.
//!
//! - Source: a label of the responder, and the place that it stands for. It counts only for addresses that the operator
//!   of such points alone announces, since whoever answers can write any label.
//! - Direction: inside when the place is at home, outside otherwise. It speaks for the serving point, never for the origin
//!   behind it, and is the only evidence that places a shared address.
//! - Weight: attested. In the network of a cloud any customer can write it: there it places what is known to be an edge, and
//!   elsewhere it says nothing of home.
//! - Refuted by the judged vantage's disc by light in vacuum, where that does not reach the country.

use std::fmt;

use super::asn::Strangers;
use super::{Evidence, Reservation};
use crate::location::Claim;
use crate::location::setting::Setting;
use crate::network::{Asn, NetworkKind};
use crate::place::CountryCode;
use crate::printable::Printable;

/// A label and the place it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// How the point called itself.
    pub label: &'a str,
    /// The city; empty where the label names none.
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
    let told = Evidence { dated: claim.dated, ..Evidence::note(&claim.source, super::Statement::Pop(statement)) };
    let may_be_a_customer = setting.kind == NetworkKind::Cloud && !setting.is_shared();
    if !counts {
        told
    } else if may_be_a_customer && setting.home.contains(country) {
        Evidence { reservation: Some(Reservation::Customer), ..told }
    } else {
        setting.attest(told, country)
    }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, place, country, strangers } = self;
        write!(f, "the serving point calls itself {}, which is ", Printable(label))?;
        if place.is_empty() {
            write!(f, "in {country}")?;
        } else {
            write!(f, "{}, {country}", Printable(place))?;
        }
        strangers.as_ref().map_or(Ok(()), |strangers| write!(f, " to the operator of such points, {strangers}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::location::fuse::{Case, fuse};
    use crate::location::source::regions::Cloud;
    use crate::location::{Grade, OutlinesId, Place, Says};
    use crate::place::{CountrySet, Home};

    /// Where an address is of which all this is said, and the last of the words.
    fn located(said: &[Says]) -> (Place, Grade, String, String) {
        let about = "104.16.0.1".parse().unwrap();
        let (home, borders) =
            (Home::of(CountryCode::PAKISTAN), OutlinesId { name: String::new(), sha256: Digest::ZERO });
        let claim = |says: &Says| Claim { about, source: "cf-ray".to_owned(), dated: None, says: says.clone() };
        let claims: Vec<_> = said.iter().map(claim).collect();
        let mut case = Case::new(about, &home, &borders, "2026-11-21T12:00:00Z".parse().unwrap());
        case.claims = claims.iter().collect();
        let found = fuse(&case);
        let last = found.evidence.last().map(ToString::to_string).unwrap_or_default();
        (found.place, found.grade, found.countries.to_string(), last)
    }

    fn announced(asn: u32, kind: NetworkKind) -> Says {
        let (name, countries) = ("Example".to_owned(), CountrySet::default());
        Says::Announced { asn: Asn(asn), name, kind, country: None, countries }
    }

    fn calls_itself(label: &str, country: &str) -> Says {
        let (label, country) = (label.to_owned(), country.parse().unwrap());
        Says::Serving { label, place: "Somewhere".to_owned(), country, operator: vec![Asn(13335)] }
    }

    #[test]
    fn an_edge_is_where_its_operator_says_that_it_serves() {
        let told = |country| located(&[announced(13335, NetworkKind::Edge), calls_itself("KHI", country)]);
        let words = |country| format!("the serving point calls itself KHI, which is Somewhere, {country}");
        assert_eq!(told("PK"), (Place::Edge, Grade::Attested, "PK".to_owned(), words("PK")));
        assert_eq!(told("OM"), (Place::Edge, Grade::Attested, "OM".to_owned(), words("OM")));
    }

    #[test]
    fn a_label_that_is_forged_in_another_network_is_shown_and_counts_for_nothing() {
        let told = "the serving point calls itself KHI, which is Somewhere, PK to the operator of such points";
        for (says, place, why) in [
            (Some(announced(24940, NetworkKind::Ordinary)), Place::Unknown, "but AS24940 announces the address"),
            (Some(announced(54113, NetworkKind::Edge)), Place::Edge, "but AS54113 announces the address"),
            (None, Place::Unknown, "but nobody is known to announce the address"),
        ] {
            let said: Vec<_> = says.into_iter().chain([calls_itself("KHI", "PK")]).collect();
            let words = format!("{told}, {why}, so that it counts for nothing");
            assert_eq!(located(&said), (place, Grade::Indeterminate, String::new(), words));
        }
    }

    #[test]
    fn a_customer_of_a_cloud_brings_nothing_home_and_its_edges_do() {
        let (cloud, at_home) = (announced(13335, NetworkKind::Cloud), calls_itself("KHI50-C1", "PK"));
        let (place, grade, countries, words) = located(&[cloud.clone(), at_home.clone()]);
        assert_eq!((place, grade, countries.as_str()), (Place::Unknown, Grade::Indeterminate, ""));
        assert!(words.ends_with("which any customer of the cloud can write and counts for nothing"), "{words}");
        let edge = Says::Edge { provider: Cloud::Aws, service: "CLOUDFRONT".to_owned() };
        let (place, grade, countries, _) = located(&[cloud.clone(), edge, at_home]);
        assert_eq!((place, grade, countries.as_str()), (Place::Edge, Grade::Attested, "PK"));
        let (place, grade, countries, _) = located(&[cloud, calls_itself("FRA56-P4", "DE")]);
        assert_eq!((place, grade, countries.as_str()), (Place::Outside, Grade::Attested, "DE"));
    }

    #[test]
    fn a_claim_that_was_written_without_an_operator_counts_for_nothing() {
        let old = r#"{"serving":{"label":"KHI","country":"PK"}}"#;
        let says: Says = serde_json::from_str(old).unwrap();
        let (_, grade, _, _) = located(&[announced(13335, NetworkKind::Edge), says]);
        assert_eq!(grade, Grade::Indeterminate);
    }
}
