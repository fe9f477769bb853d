//! What sources say of several addresses, each found by its address.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Claim;
use crate::network::Asn;

/// Claims in the order of their addresses; those about one address in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Claim>")]
pub struct Claims(Vec<Claim>);

impl Claims {
    /// Those about `address`.
    pub fn about(&self, address: IpAddr) -> &[Claim] {
        let from = self.0.partition_point(|claim| claim.about < address);
        let rest = self.0.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|claim| claim.about == address).count();
        rest.get(..count).unwrap_or_default()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Claim> {
        self.0.iter()
    }

    /// Keeps those of which `is_kept` says so.
    pub fn retain(&mut self, is_kept: impl FnMut(&Claim) -> bool) {
        self.0.retain(is_kept);
    }
}

impl From<Vec<Claim>> for Claims {
    fn from(mut claims: Vec<Claim>) -> Self {
        claims.sort_by_key(|claim| claim.about);
        Self(claims)
    }
}

impl FromIterator<Claim> for Claims {
    fn from_iter<I: IntoIterator<Item = Claim>>(claims: I) -> Self {
        claims.into_iter().collect::<Vec<_>>().into()
    }
}

impl Extend<Claim> for Claims {
    fn extend<I: IntoIterator<Item = Claim>>(&mut self, claims: I) {
        self.0.extend(claims);
        self.0.sort_by_key(|claim| claim.about);
    }
}

impl<'a> IntoIterator for &'a Claims {
    type Item = &'a Claim;
    type IntoIter = std::slice::Iter<'a, Claim>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Whether `networks` may speak for the address that `claims` are about: they announce it, and nobody else does. What others
/// say of it counts for nothing, since anybody can say it.
pub fn speak_for<'a>(networks: &[Asn], claims: impl IntoIterator<Item = &'a Claim>) -> bool {
    let mut announcers = claims.into_iter().filter_map(|claim| claim.says.announcer()).peekable();
    announcers.peek().is_some() && announcers.all(|asn| networks.contains(&asn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Says;

    fn claim(about: &str, source: &str) -> Claim {
        Claim { about: about.parse().unwrap(), source: source.to_owned(), dated: None, says: Says::NoEntry }
    }

    #[test]
    fn claims_are_found_by_their_address_in_the_order_in_which_they_were_made() {
        let written = serde_json::to_string(&[
            claim("203.0.113.9", "a"),
            claim("203.0.113.7", "z"),
            claim("2001:db8::1", "b"),
            claim("203.0.113.9", "A"),
            claim("203.0.113.7", "a"),
        ]);
        let mut claims: Claims = serde_json::from_str(&written.unwrap()).unwrap();
        let of = |claims: &Claims, address: &str| -> String {
            claims.about(address.parse().unwrap()).iter().map(|claim| claim.source.as_str()).collect()
        };
        assert_eq!(of(&claims, "203.0.113.7"), "za");
        assert_eq!(of(&claims, "203.0.113.9"), "aA");
        assert_eq!(of(&claims, "2001:db8::1"), "b");
        assert_eq!(of(&claims, "203.0.113.8"), "");
        claims.extend([claim("203.0.113.8", "new")]);
        assert_eq!(of(&claims, "203.0.113.8"), "new");
    }
}
