//! What a record of an MMDB file says, whoever made it: the schemas of `MaxMind`, DB-IP and `IPinfo`.

use serde::Deserialize;

use crate::network::Asn;
use crate::place::CountryCode;

/// The fields that matter, of every schema; a record has few of them. `registered_country` is not among them: where a
/// prefix is registered is not where it is.
#[derive(Debug, Deserialize)]
pub(super) struct Record<'a> {
    /// `MaxMind` holds a map with `iso_code`; older `IPinfo` two letters, newer the name of the country.
    #[serde(default, borrow)]
    country: Option<Country<'a>>,
    /// DB-IP as packaged, and newer `IPinfo`.
    #[serde(default)]
    country_code: Option<&'a str>,
    /// `IPinfo`: `AS23888`.
    #[serde(default, borrow)]
    asn: Option<Number<'a>>,
    /// `IPinfo`.
    #[serde(default)]
    as_name: Option<&'a str>,
    /// `MaxMind` and DB-IP.
    #[serde(default, borrow)]
    autonomous_system_number: Option<Number<'a>>,
    /// `MaxMind` and DB-IP.
    #[serde(default)]
    autonomous_system_organization: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Country<'a> {
    Text(&'a str),
    Map {
        #[serde(default)]
        iso_code: Option<&'a str>,
    },
}

/// An AS number in whatever type its maker chose.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number<'a> {
    Number(u64),
    Text(&'a str),
}

impl Number<'_> {
    fn asn(&self) -> Option<Asn> {
        let asn = match self {
            Self::Number(number) => u32::try_from(*number).ok().map(Asn),
            Self::Text(text) => text.parse().ok(),
        };
        asn.filter(|asn| asn.0 != 0)
    }
}

impl<'a> Record<'a> {
    /// The country it names. Codes that stand for no country (`ZZ`, `EU` and `AP` for a whole continent) name none.
    pub(super) fn country(&self) -> Option<CountryCode> {
        let nested = match &self.country {
            Some(Country::Text(text)) => Some(*text),
            Some(Country::Map { iso_code }) => *iso_code,
            None => None,
        };
        let code = self.country_code.or(nested)?;
        if matches!(code, "ZZ" | "EU" | "AP") { None } else { code.parse().ok() }
    }

    /// The network it names, and what that is called.
    pub(super) fn network(&self) -> Option<(Asn, &'a str)> {
        let asn = self.autonomous_system_number.as_ref().or(self.asn.as_ref())?.asn()?;
        Some((asn, self.autonomous_system_organization.or(self.as_name).unwrap_or_default()))
    }
}
