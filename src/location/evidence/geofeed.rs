//! A geofeed: where a network says that a prefix of its own is (RFC 8805).
//!
//! - Source: the operator's copy of the feed. It counts only for addresses that its publisher alone announces, since
//!   anybody can write one.
//! - Direction: inside when the country is home, outside otherwise.
//! - Weight: [`weigh::GEOFEED`], in the group of the databases, which copy feeds.
//! - Refuted by a disc in glass that does not reach the country.

use std::fmt;

use ipnet::IpNet;

use super::Evidence;
use super::asn::Strangers;
use crate::location::Claim;
use crate::location::setting::Setting;
use crate::location::weigh;
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
    pub strangers: Option<Strangers>,
}

pub(in crate::location) fn weigh<'a>(
    claim: &'a Claim,
    (prefix, country, publisher): (IpNet, CountryCode, &[Asn]),
    claims: &[&Claim],
    setting: &Setting<'a>,
) -> Evidence<'a> {
    let strangers = Strangers::beside(publisher, claims);
    let counts = strangers.is_none();
    let statement = super::Statement::Geofeed(Statement { prefix, country, strangers });
    let told = Evidence { dated: claim.dated, ..Evidence::note(&claim.source, statement) };
    if counts { setting.hint(told, country, weigh::GEOFEED) } else { told }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is in {}, says its publisher", self.prefix, self.country)?;
        self.strangers.as_ref().map_or(Ok(()), |strangers| write!(f, ", {strangers}"))
    }
}
