//! Where a name was found to lead since it was last looked at as a whole: what leads there still is no news.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{AddressFamily, Alias, NameFailure, Outcome, Resolution, View};
use crate::workload::HostName;

/// What the views answered, all answers of one view and family together: a name with more addresses than one answer holds
/// shows now these and now those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(BTreeMap<(View, AddressFamily), Answers>);

/// What one view answered to the question for one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Answers {
    addresses: BTreeSet<IpAddr>,
    aliases: BTreeSet<(HostName, HostName)>,
    failures: BTreeSet<NameFailure>,
}

impl Baseline {
    /// Takes up what was answered.
    pub fn add<'a>(&mut self, resolutions: impl IntoIterator<Item = &'a Resolution>) {
        for resolution in resolutions {
            let answers = self.0.entry((resolution.view.clone(), resolution.family)).or_default();
            answers.addresses.extend(resolution.addresses());
            answers.aliases.extend(aliases(resolution));
            answers.failures.extend(failure(resolution));
        }
    }

    /// Whether it says nothing that was not answered before.
    pub fn holds(&self, resolution: &Resolution) -> bool {
        self.0.get(&(resolution.view.clone(), resolution.family)).is_some_and(|answers| {
            resolution.addresses().all(|address| answers.addresses.contains(&address))
                && aliases(resolution).all(|alias| answers.aliases.contains(&alias))
                && failure(resolution).is_none_or(|failure| answers.failures.contains(&failure))
        })
    }
}

fn aliases(resolution: &Resolution) -> impl Iterator<Item = (HostName, HostName)> + '_ {
    let chain: &[Alias] = match &resolution.outcome {
        Outcome::Answered(answer) => &answer.chain,
        Outcome::Failed(_) => &resolution.followed,
    };
    chain.iter().map(|alias| (alias.name.clone(), alias.target.clone()))
}

fn failure(resolution: &Resolution) -> Option<NameFailure> {
    match resolution.outcome {
        Outcome::Answered(_) => None,
        Outcome::Failed(failure) => Some(failure),
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
    fn only_what_was_never_answered_by_that_view_is_news() {
        let mut baseline = Baseline::default();
        let alias = [("a.gov.pk", "b.gov.pk")];
        let seen = [
            answered("system", &alias, &["203.0.113.1"]),
            answered("system", &alias, &["203.0.113.2"]),
            answered("other", &[], &["203.0.113.1"]),
        ];
        assert!(!baseline.holds(&seen[0]), "nothing is known yet");
        baseline.add(&seen);
        let is_known = |view, aliases, addresses: &[&str]| baseline.holds(&answered(view, aliases, addresses));
        assert!(is_known("system", &alias, &["203.0.113.2", "203.0.113.1"]), "both were answered, if apart");
        assert!(is_known("system", &[], &["203.0.113.1"]), "an alias less leads nowhere else");
        assert!(!is_known("system", &alias, &["203.0.113.1", "203.0.113.3"]));
        assert!(!is_known("system", &[("a.gov.pk", "c.example")], &["203.0.113.1"]));
        assert!(!is_known("other", &[], &["203.0.113.2"]), "another view said so");
        assert!(!is_known("new", &[], &["203.0.113.1"]));
        assert!(!is_known("system", &[], &[]), "that it fails is news");
        baseline.add(&[answered("system", &[], &[])]);
        assert!(baseline.holds(&answered("system", &[], &[])));
    }
}
