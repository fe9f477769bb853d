//! Vantages that answers came to sooner than light could have brought them from where every source has the addresses.
//!
//! Either such a vantage does not stand where it is said to, or all sources are wrong, which they often are together. That
//! is a remark for somebody to look into, and never quarantine: databases copy one another, and what they say must not
//! overrule what light proves. With [`DOUBTFUL`] networks, one that took its addresses elsewhere raises no remark.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use super::Met;
use super::table::{Standpoint, Table};
use crate::location::light::{Speed, radius};
use crate::moment::Rtt;
use crate::network::Asn;
use crate::place::{CountryCode, Distance};
use crate::printable::Escaped;
use crate::vantage::VantageId;

/// In how many ordinary networks a vantage has to contradict every source.
pub const DOUBTFUL: usize = 3;

/// What a vantage measured against every source. Its display is one sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// Who measured.
    pub vantage: VantageId,
    /// How many addresses.
    pub addresses: usize,
    /// In how many networks.
    pub networks: usize,
    /// The first of them.
    pub address: IpAddr,
    /// The time in which that one answered.
    pub rtt: Rtt,
    /// Where every database and its network have it.
    pub country: CountryCode,
    /// How far away that country is at the least.
    pub away: Distance,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vantage, addresses, networks, address, rtt, country, away } = self;
        let vantage = Escaped(&vantage.0);
        write!(
            f,
            "{vantage} may not stand where it is said to: {addresses} addresses in {networks} networks answered it"
        )?;
        write!(
            f,
            " sooner than light comes from where every source has them ({address} in {rtt}, from {country}, {away}"
        )?;
        f.write_str(" away): either that is wrong, or all sources are")
    }
}

/// What each standpoint measured against every source, where that is in enough networks.
pub(super) fn find(table: &Table, met: &[Met]) -> BTreeMap<Standpoint, Doubt> {
    let mut found: BTreeMap<Standpoint, (Doubt, BTreeSet<Asn>)> = BTreeMap::new();
    for (address, entry) in table.iter() {
        let Some((asn, country)) = entry.facts.unanimous() else { continue };
        for (standpoint, rtt) in entry.seen() {
            let Some((vantage, away)) = met.get(*standpoint).and_then(|met| met.contradicted(country, *rtt)) else {
                continue;
            };
            let (doubt, networks) = found.entry(*standpoint).or_insert_with(|| {
                let vantage = vantage.clone();
                (Doubt { vantage, addresses: 0, networks: 0, address, rtt: *rtt, country, away }, BTreeSet::new())
            });
            doubt.addresses += 1;
            networks.insert(asn);
            doubt.networks = networks.len();
        }
    }
    let doubts = found.into_iter().map(|(standpoint, (doubt, _))| (standpoint, doubt));
    doubts.filter(|(_, doubt)| doubt.networks >= DOUBTFUL).collect()
}

impl Met {
    /// The vantage, and how far away `country` is, if an answer in this time cannot have come from there.
    fn contradicted(&self, country: CountryCode, rtt: Rtt) -> Option<(&VantageId, Distance)> {
        let away = self.distance_to(country)?;
        let reach = radius(rtt, Speed::Vacuum, self.vantage.position?.uncertainty);
        (away > reach).then_some((&self.vantage.id, away))
    }
}
