//! The network that announces the address.
//!
//! - Source: a table of announced prefixes, and our table of networks that are edges or clouds.
//! - Direction: that of the country in which nearly all of the network's addresses are, where there is one; outside where
//!   there is none and no home country holds one in a hundred of them. A network that is at home among others says nothing.
//! - Weight: [`weigh::NETWORK_COUNTRY`], in the group of the databases, from which the countries are derived.
//! - Refuted where for every country that it may be in there is a disc in glass that does not reach it. An edge network
//!   makes its addresses shared; a cloud's say nothing of home.

use std::collections::BTreeSet;
use std::fmt;

use super::{Evidence, Reservation};
use crate::location::claims::speak_for;
use crate::location::light::Speed;
use crate::location::setting::Setting;
use crate::location::weigh;
use crate::location::{Claim, Weight};
use crate::network::{Asn, NetworkKind};
use crate::place::{CountryCode, CountrySet};
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
    /// Whether it is in several countries, of which none is home: each home country holds fewer than one in a hundred.
    pub is_abroad: bool,
}

pub(in crate::location) fn weigh<'a>(
    claim: &'a Claim,
    statement: Statement<'a>,
    countries: &CountrySet,
    setting: &Setting<'a>,
) -> Evidence<'a> {
    let Statement { kind, country, is_abroad, .. } = statement;
    let told = Evidence::note(&claim.source, super::Statement::Asn(statement));
    match (kind, country) {
        (NetworkKind::Ordinary, Some(country)) => setting.hint(told, country, weigh::NETWORK_COUNTRY),
        (NetworkKind::Ordinary, None) if is_abroad => abroad(told, countries, setting),
        (NetworkKind::Ordinary | NetworkKind::Edge | NetworkKind::Cloud, _) => told,
    }
}

fn abroad<'a>(told: Evidence<'a>, countries: &CountrySet, setting: &Setting<'a>) -> Evidence<'a> {
    let refutations: Option<Vec<_>> = countries.iter().map(|c| setting.refutation(c, Speed::Glass)).collect();
    if let Some(refutation) = refutations.and_then(|all| all.into_iter().next()) {
        Evidence { weight: Weight::Refuted, refutation: Some(refutation), ..told }
    } else if setting.is_shared() {
        Evidence { reservation: Some(Reservation::Shared), ..told }
    } else {
        Evidence { nats: -weigh::NETWORK_COUNTRY, ..told }
    }
}

/// Who announces an address beside those who speak for it, or nobody known at all: then what they say of it counts for
/// nothing, since anybody can say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strangers {
    announcers: BTreeSet<Asn>,
    /// Whether those who speak for the address announce it too.
    is_theirs_too: bool,
}

impl Strangers {
    /// Those beside `own`; `None` where `own` alone announce the address that `claims` are about.
    pub(in crate::location) fn beside(own: &[Asn], claims: &[&Claim]) -> Option<Self> {
        if speak_for(own, claims.iter().copied()) {
            return None;
        }
        let announcers = claims.iter().filter_map(|claim| claim.says.announcer());
        let (theirs, announcers): (BTreeSet<Asn>, BTreeSet<Asn>) = announcers.partition(|asn| own.contains(asn));
        Some(Self { announcers, is_theirs_too: !theirs.is_empty() })
    }
}

impl fmt::Display for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("but ")?;
        for (index, asn) in self.announcers.iter().enumerate() {
            let and = if index == 0 { "" } else { " and " };
            write!(f, "{and}{asn}")?;
        }
        f.write_str(match self.announcers.len() {
            0 => "nobody is known to announce the address",
            1 => " announces the address",
            _ => " announce the address",
        })?;
        let as_well = if self.is_theirs_too { " as well" } else { "" };
        write!(f, "{as_well}, so that it counts for nothing")
    }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "announced by {} {}", self.asn, Printable(self.name))?;
        match (self.kind, self.country) {
            (NetworkKind::Edge, _) => f.write_str(", a shared edge network: its addresses are served wherever is near"),
            (NetworkKind::Cloud, _) => f.write_str(", a cloud that mixes regions and edges"),
            (NetworkKind::Ordinary, Some(country)) => write!(f, ", nearly all of whose addresses are in {country}"),
            (NetworkKind::Ordinary, None) if self.is_abroad => {
                f.write_str(", of whose addresses fewer than one in a hundred are at home")
            }
            (NetworkKind::Ordinary, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Says;

    fn told(kind: NetworkKind, country: Option<CountryCode>, is_abroad: bool) -> String {
        Statement { asn: Asn(24940), name: "Hetzner Online GmbH", kind, country, is_abroad }.to_string()
    }

    #[test]
    fn who_else_announces_an_address_is_said_and_whether_beside_its_publisher() {
        let says = |asn| Says::Announced {
            asn: Asn(asn),
            name: "Example".to_owned(),
            kind: NetworkKind::Ordinary,
            country: None,
            countries: CountrySet::default(),
        };
        let about = "203.0.113.1".parse().unwrap();
        let told = |announcers: &[u32]| {
            let claim = |asn: &u32| Claim { about, source: "table".to_owned(), dated: None, says: says(*asn) };
            let claims: Vec<_> = announcers.iter().map(claim).collect();
            Strangers::beside(&[Asn(1), Asn(2)], &claims.iter().collect::<Vec<_>>()).map(|them| them.to_string())
        };
        let nothing = |who: &str| Some(format!("but {who}, so that it counts for nothing"));
        assert_eq!(told(&[2]), None);
        assert_eq!(told(&[]), nothing("nobody is known to announce the address"));
        assert_eq!(told(&[7]), nothing("AS7 announces the address"));
        assert_eq!(told(&[8, 7, 7]), nothing("AS7 and AS8 announce the address"));
        assert_eq!(told(&[1, 7]), nothing("AS7 announces the address as well"));
        assert_eq!(told(&[7, 1, 8]), nothing("AS7 and AS8 announce the address as well"));
    }

    #[test]
    fn where_the_addresses_of_an_ordinary_network_are_is_said() {
        let network = "announced by AS24940 Hetzner Online GmbH";
        let hardly = ", of whose addresses fewer than one in a hundred are at home";
        assert_eq!(told(NetworkKind::Ordinary, None, true), format!("{network}{hardly}"));
        assert_eq!(told(NetworkKind::Ordinary, None, false), network);
        let nearly_all = ", nearly all of whose addresses are in PK";
        let home = Some(CountryCode::PAKISTAN);
        assert_eq!(told(NetworkKind::Ordinary, home, false), format!("{network}{nearly_all}"));
        assert_eq!(told(NetworkKind::Ordinary, home, true), format!("{network}{nearly_all}"), "one country goes first");
        for kind in [NetworkKind::Edge, NetworkKind::Cloud] {
            assert_eq!(told(kind, None, true), told(kind, None, false));
        }
    }
}
