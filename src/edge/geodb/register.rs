//! The operator's own register: the most specific entry speaks for an address.

use std::net::IpAddr;

use crate::config::register::Asset;
use crate::location::source::prefixes::PrefixTable;
use crate::location::{Claim, Says};

/// What the claims of the register are called, with the words of the entry behind it.
pub(super) const SOURCE: &str = crate::config::geodb::ASSET_REGISTER;

/// The entries by their prefix.
#[derive(Debug, Default)]
pub(super) struct Register(PrefixTable<Asset>);

impl Register {
    /// Of two entries for one prefix the younger one stays.
    pub(super) fn of(assets: &[Asset]) -> Self {
        let mut entries: PrefixTable<Asset> = PrefixTable::default();
        for asset in assets {
            if entries.get(asset.prefix).is_none_or(|older| older.dated <= asset.dated) {
                entries.insert(asset.prefix, asset.clone());
            }
        }
        Self(entries)
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What it says of `address`.
    pub(super) fn claim(&self, address: IpAddr) -> Option<Claim> {
        let (prefix, asset) = self.0.find(address)?;
        Some(Claim {
            about: address,
            source: format!("{SOURCE} ({})", asset.source),
            dated: Some(asset.dated),
            says: Says::Registered { prefix, country: asset.country },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(prefix: &str, country: &str, dated: &str) -> Asset {
        Asset {
            prefix: prefix.parse().unwrap(),
            country: country.parse().unwrap(),
            source: "list 3".to_owned(),
            dated: dated.parse().unwrap(),
        }
    }

    fn country(register: &Register, address: &str) -> Option<String> {
        let claim = register.claim(address.parse().unwrap())?;
        let Says::Registered { country, .. } = claim.says else { panic!("{claim:?}") };
        Some(country.to_string())
    }

    #[test]
    fn the_most_specific_entry_speaks_and_the_younger_of_two() {
        let register = Register::of(&[
            asset("203.101.184.0/21", "PK", "2026-03-01"),
            asset("203.101.184.7/32", "AE", "2026-01-01"),
            asset("203.101.190.0/24", "OM", "2026-02-01"),
            asset("203.101.190.99/24", "IN", "2026-01-01"),
            asset("2400:adc0::/32", "PK", "2026-03-01"),
        ]);
        assert_eq!(register.len(), 4);
        assert_eq!(country(&register, "203.101.185.1").as_deref(), Some("PK"));
        assert_eq!(country(&register, "203.101.184.7").as_deref(), Some("AE"));
        assert_eq!(country(&register, "203.101.190.1").as_deref(), Some("OM"));
        assert_eq!(country(&register, "::ffff:203.101.184.7").as_deref(), Some("AE"));
        assert_eq!(country(&register, "2400:adc0::1").as_deref(), Some("PK"));
        assert_eq!(country(&register, "8.8.8.8"), None);
    }

    #[test]
    fn a_claim_names_the_list_it_comes_from_and_its_day() {
        let register = Register::of(&[asset("203.101.184.0/21", "PK", "2026-03-01")]);
        let claim = register.claim("203.101.184.1".parse().unwrap()).unwrap();
        assert_eq!(claim.source, "asset-register (list 3)");
        assert_eq!(claim.dated, Some("2026-03-01".parse().unwrap()));
    }
}
