//! A geofeed: where a network says that a prefix of its own is (RFC 8805).
//!
//! - Source: the operator's copy of the feed. It counts only for addresses that its publisher alone announces, since
//!   anybody can write one.
//! - Direction: inside when the country is home, outside otherwise.
//! - Weight: [`weigh::GEOFEED`], in the group of the databases, which copy feeds.
//! - Refuted by a disc in glass that does not reach the country.

use std::collections::BTreeSet;
use std::fmt;

use ipnet::IpNet;

use super::Evidence;
use crate::location::setting::Setting;
use crate::location::weigh;
use crate::location::{Claim, Says};
use crate::network::Asn;
use crate::place::CountryCode;

/// An entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The prefix.
    pub prefix: IpNet,
    /// Where its publisher says that it is.
    pub country: CountryCode,
    /// Why it counts for nothing: who else announces the address, or nobody known.
    pub strangers: Option<BTreeSet<Asn>>,
}

pub(in crate::location) fn weigh<'a>(
    claim: &'a Claim,
    (prefix, country, publisher): (IpNet, CountryCode, &[Asn]),
    claims: &[&Claim],
    setting: &Setting<'a>,
) -> Evidence<'a> {
    let announcers = || claims.iter().filter_map(|claim| announcer(claim));
    let is_theirs = announcers().next().is_some() && announcers().all(|asn| publisher.contains(&asn));
    let strangers = (!is_theirs).then(|| announcers().filter(|asn| !publisher.contains(asn)).collect());
    let statement = super::Statement::Geofeed(Statement { prefix, country, strangers });
    let told = Evidence { dated: claim.dated, ..Evidence::note(&claim.source, statement) };
    if is_theirs { setting.hint(told, country, weigh::GEOFEED) } else { told }
}

fn announcer(claim: &Claim) -> Option<Asn> {
    if let Says::Announced { asn, .. } = claim.says { Some(asn) } else { None }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is in {}, says its publisher", self.prefix, self.country)?;
        let Some(strangers) = &self.strangers else { return Ok(()) };
        f.write_str(", who does not announce it but ")?;
        for (index, asn) in strangers.iter().enumerate() {
            let and = if index == 0 { "" } else { " and " };
            write!(f, "{and}{asn}")?;
        }
        let nobody = if strangers.is_empty() { "nobody we know of" } else { "" };
        write!(f, "{nobody}, so that it counts for nothing")
    }
}
