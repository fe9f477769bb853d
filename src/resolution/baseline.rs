//! Where a name was found to lead when it was last looked at as a whole: where it still does, there is no news.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{AddressFamily, Alias, NameFailure, Outcome, Resolution, View};
use crate::workload::HostName;

/// What each view answered, as far as it matters where that leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(BTreeMap<(View, AddressFamily), Lead>);

/// Where one answer leads.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lead {
    addresses: BTreeSet<IpAddr>,
    left_out: usize,
    aliases: Vec<(HostName, HostName)>,
    failure: Option<NameFailure>,
}

impl Baseline {
    /// What these answers say.
    pub fn of(resolutions: &[Resolution]) -> Self {
        let lead = |one: &Resolution| ((one.view.clone(), one.family), Lead::of(one));
        Self(resolutions.iter().map(lead).collect())
    }

    /// Whether an answer leads just where it led: to all of the addresses, by the same aliases. One that leads to fewer is
    /// news as well: those that are gone may be what was wrong.
    pub fn holds(&self, resolution: &Resolution) -> bool {
        self.0.get(&(resolution.view.clone(), resolution.family)) == Some(&Lead::of(resolution))
    }
}

impl Lead {
    fn of(resolution: &Resolution) -> Self {
        let (aliases, left_out, failure): (&[Alias], _, _) = match &resolution.outcome {
            Outcome::Answered(answer) => (&answer.chain, answer.left_out, None),
            Outcome::Failed(failure) => (&resolution.followed, 0, Some(*failure)),
        };
        let aliases = aliases.iter().map(|alias| (alias.name.clone(), alias.target.clone())).collect();
        Self { addresses: resolution.addresses().collect(), left_out, aliases, failure }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Addressed, Answer};
    use super::*;
    use crate::moment::Rtt;

    fn answered(view: &str, aliases: &[(&str, &str)], addresses: &[&str]) -> Resolution {
        let alias = |(name, target): &(&str, &str)| Alias {
            name: name.parse().unwrap(),
            target: target.parse().unwrap(),
            ttl: 30,
        };
        let record = |address: &&str| Addressed { address: address.parse().unwrap(), ttl: 30 };
        let outcome = if addresses.is_empty() {
            Outcome::Failed(NameFailure::Timeout)
        } else {
            Outcome::Answered(Answer {
                chain: aliases.iter().map(alias).collect(),
                addresses: addresses.iter().map(record).collect(),
                authenticated: false,
                left_out: 0,
            })
        };
        Resolution {
            name: "a.gov.pk".parse().unwrap(),
            family: AddressFamily::A,
            view: View(view.to_owned()),
            server: None,
            asked: jiff::Timestamp::UNIX_EPOCH,
            elapsed_ns: Rtt::default(),
            outcome,
            followed: Vec::new(),
            subnet: None,
        }
    }

    #[test]
    fn only_what_that_view_answered_last_is_no_news() {
        let alias = [("a.gov.pk", "b.gov.pk")];
        let seen = [
            answered("system", &alias, &["203.0.113.1", "203.0.113.2"]),
            answered("other", &[], &["203.0.113.1"]),
            answered("silent", &[], &[]),
        ];
        let baseline = Baseline::of(&seen);
        assert!(seen.iter().all(|one| baseline.holds(one)));
        let is_known = |view, aliases, addresses: &[&str]| baseline.holds(&answered(view, aliases, addresses));
        assert!(is_known("system", &alias, &["203.0.113.2", "203.0.113.1"]), "in any order");
        assert!(!is_known("system", &alias, &["203.0.113.1", "203.0.113.2", "203.0.113.3"]));
        assert!(!is_known("system", &alias, &["203.0.113.1"]), "what is gone may be what was wrong");
        assert!(!is_known("system", &[], &["203.0.113.1", "203.0.113.2"]));
        assert!(!is_known("system", &[("a.gov.pk", "c.example")], &["203.0.113.1", "203.0.113.2"]));
        assert!(!is_known("other", &[], &["203.0.113.2"]), "another view said so");
        assert!(!is_known("new", &[], &["203.0.113.1"]));
        assert!(!is_known("system", &alias, &[]), "that it fails is news");
        assert!(!is_known("silent", &[], &["203.0.113.1"]), "that it answers, too");
        assert!(!Baseline::default().holds(&seen[2]));
    }
}
