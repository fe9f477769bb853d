//! Names of hosts → who operates them: the domains under which clouds, hosters and delivery networks give names to what
//! they serve for others.
//!
//! Whoever makes a name an alias of one below such a domain has handed what it leads to over to that operator, wherever
//! its addresses are today. The table (`geodb/operators.csv`) names the domain, the operator, the country of its seat and
//! where that is documented; a domain that is not in it says nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::place::CountryCode;
use crate::workload::HostName;

/// Who operates the names below a domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NameClaim {
    /// The name.
    pub name: HostName,
    /// The domain that it is, or that it is below.
    pub suffix: HostName,
    /// Who operates what is named there.
    pub operator: String,
    /// Where that operator has its seat.
    pub country: CountryCode,
    /// Where that is documented.
    pub source: String,
}

/// Operators by the domains of theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorTable(BTreeMap<HostName, Operator>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Operator {
    name: String,
    country: CountryCode,
    source: String,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperatorTableFault {
    /// It is no such table at all.
    #[error("it is no table of operators (suffix,operator,country,source): {0}")]
    Foreign(String),
    /// A row cannot be used.
    #[error("{0}: {1}")]
    Row(HostName, &'static str),
}

impl OperatorTable {
    /// Reads a table: CSV of suffix, operator, country, source.
    pub fn parse(table: &str) -> Result<Self, OperatorTableFault> {
        #[derive(Deserialize)]
        struct Row {
            suffix: HostName,
            operator: String,
            country: CountryCode,
            source: String,
        }
        let mut read = BTreeMap::new();
        for row in csv::Reader::from_reader(table.as_bytes()).into_deserialize() {
            let Row { suffix, operator, country, source } =
                row.map_err(|error| OperatorTableFault::Foreign(error.to_string()))?;
            if !suffix.as_str().contains('.') {
                return Err(OperatorTableFault::Row(suffix, "too broad: write a domain, such as cloudfront.net"));
            }
            if operator.is_empty() || source.is_empty() || !country.is_assigned() {
                return Err(OperatorTableFault::Row(suffix, "too little: write operator, country and source"));
            }
            if read.contains_key(&suffix) {
                return Err(OperatorTableFault::Row(suffix, "a domain that was told before"));
            }
            read.insert(suffix, Operator { name: operator, country, source });
        }
        if read.is_empty() { Err(OperatorTableFault::Foreign("it is empty".to_owned())) } else { Ok(Self(read)) }
    }

    /// Who operates `name`: whoever has the longest domain that it is, or is below.
    pub fn of(&self, name: &HostName) -> Option<NameClaim> {
        let text = name.as_str();
        let below = text.match_indices('.').filter_map(|(dot, _)| text.get(dot + 1..));
        let (suffix, found) = std::iter::once(text).chain(below).find_map(|domain| {
            let domain: HostName = domain.parse().ok()?;
            self.0.get_key_value(&domain)
        })?;
        Some(NameClaim {
            name: name.clone(),
            suffix: suffix.clone(),
            operator: found.name.clone(),
            country: found.country,
            source: found.source.clone(),
        })
    }

    /// How many domains there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> OperatorTable {
        OperatorTable::parse(include_str!("../../../geodb/operators.csv")).unwrap()
    }

    fn told(name: &str) -> Option<String> {
        let claim = shipped().of(&name.parse().unwrap())?;
        Some(format!("{} {} {}", claim.suffix, claim.operator, claim.country))
    }

    #[test]
    fn names_below_a_domain_belong_to_its_operator() {
        for (name, operator) in [
            ("d111111abcdef8.cloudfront.net", "cloudfront.net Amazon CloudFront US"),
            ("portal.ap-south-1.elb.amazonaws.com", "amazonaws.com Amazon Web Services US"),
            ("portal.azurewebsites.net", "azurewebsites.net Microsoft Azure US"),
            ("portal.trafficmanager.net", "trafficmanager.net Microsoft Azure US"),
            ("e1.a.akamaiedge.net", "akamaiedge.net Akamai US"),
            ("www.portal.edgekey.net", "edgekey.net Akamai US"),
            ("prod.fastly.net", "fastly.net Fastly US"),
            ("portal.cdn.cloudflare.net", "cloudflare.net Cloudflare US"),
            ("x.herokudns.com", "herokudns.com Heroku (Salesforce) US"),
            ("portal.github.io", "github.io GitHub (Microsoft) US"),
            ("ghs.googlehosted.com", "googlehosted.com Google US"),
            ("cname.vercel-dns.com", "vercel-dns.com Vercel US"),
            ("portal.alikunlun.com", "alikunlun.com Alibaba Cloud CN"),
            ("wpengine.com", "wpengine.com WP Engine US"),
        ] {
            assert_eq!(told(name).as_deref(), Some(operator), "{name}");
        }
    }

    #[test]
    fn a_name_that_only_ends_alike_belongs_to_nobody() {
        for name in ["notcloudfront.net", "cloudfront.net.gov.pk", "portal.gov.pk", "net", "evilgithub.io"] {
            assert_eq!(told(name), None, "{name}");
        }
    }

    #[test]
    fn a_table_that_says_too_little_or_too_much_is_refused() {
        let refused = |rows: &str| OperatorTable::parse(&format!("suffix,operator,country,source\n{rows}")).is_err();
        assert!(!refused("a.example,A,US,a page\n"));
        for rows in [
            "",
            "net,A,US,a page\n",
            "a.example,,US,a page\n",
            "a.example,A,XX,a page\n",
            "a.example,A,US,\n",
            "a.example,A,US,p\na.example,B,US,p\n",
        ] {
            assert!(refused(rows), "{rows}");
        }
    }
}
