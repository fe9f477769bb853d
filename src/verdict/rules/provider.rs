//! Who runs it, and whether they may.
//!
//! The provider is the one the workload declares, and the one whose network announces the address: a declared provider
//! that is accredited does not excuse an address in somebody else's network. A network that no entry of the register
//! announces is unknown, not forbidden. A status holds until the last day the register gives for it.

use std::collections::BTreeMap;

use super::Brief;
use crate::location::Location;
use crate::network::AddressScope;
use crate::provider::{Accreditation, Provider, ProviderId};
use crate::verdict::{Finding, RuleId};

/// A provider's status is not enough for this class, and never was more.
pub(super) fn unaccredited(brief: &Brief<'_>) -> Vec<Finding> {
    find(brief, RuleId::ProviderUnaccredited, |provider, needed| {
        let short = match provider.status {
            Accreditation::Applied | Accreditation::Registered => provider.status < needed,
            Accreditation::Accredited | Accreditation::Suspended | Accreditation::Revoked => false,
        };
        short.then(|| format!("{} is {}; this class of data needs {needed}", provider.name, provider.status))
    })
}

/// A provider was allowed once and is not now: suspended, revoked, or past its last day.
pub(super) fn lapsed(brief: &Brief<'_>) -> Vec<Finding> {
    find(brief, RuleId::ProviderLapsed, |provider, _| match (provider.status, provider.valid_until) {
        (Accreditation::Suspended | Accreditation::Revoked, _) => {
            Some(format!("{} is {}", provider.name, provider.status))
        }
        (Accreditation::Registered | Accreditation::Accredited, Some(until)) if until < brief.today => {
            Some(format!("{} was {} until {until}", provider.name, provider.status))
        }
        (Accreditation::Applied | Accreditation::Registered | Accreditation::Accredited, _) => None,
    })
}

/// Nobody in the register is known to run it.
pub(super) fn unknown(brief: &Brief<'_>) -> Vec<Finding> {
    if brief.required().is_none() {
        return Vec::new();
    }
    let declared = brief.dossier.subject.declared.provider.as_ref();
    let unlisted = declared.filter(|id| !brief.policy.providers.contains_key(*id));
    let undeclared = declared.is_none() && running(brief).is_empty();
    let endpoint = match (unlisted, undeclared) {
        (Some(id), _) => Some(format!("the declared provider {id} is not in the register")),
        (None, true) => Some("no provider is declared, and no network of the register announces it".to_owned()),
        (None, false) => None,
    };
    let whole = endpoint.and_then(|says| brief.about_endpoint(RuleId::ProviderUnknown, vec![says]));
    whole.into_iter().chain(strangers(brief)).collect()
}

/// Public addresses that no provider of the register is known to announce, where others of the endpoint are in ones that do or a
/// provider is declared.
fn strangers(brief: &Brief<'_>) -> Vec<Finding> {
    let someone = brief.dossier.subject.declared.provider.is_some() || !running(brief).is_empty();
    let stranger = |location: &&Location<'_>| {
        let known = location.asn.is_some_and(|asn| brief.policy.provider_announcing(asn).is_some());
        someone && !known && AddressScope::of(location.address).is_global()
    };
    let finding = |location: &Location<'_>| {
        let address = location.address;
        let says = match location.asn {
            Some(asn) => format!("{address} is announced by {asn}, which no provider of the register announces"),
            None => format!("nobody is known to announce {address}"),
        };
        brief.about_address(RuleId::ProviderUnknown, location, vec![says])
    };
    brief.locations().filter(stranger).filter_map(finding).collect()
}

impl Brief<'_> {
    /// The least status of a provider for this class; `None` when there is no class, or the policy does not know it.
    fn required(&self) -> Option<Accreditation> {
        Some(self.policy.classes.get(self.class()?)?.provider)
    }
}

/// The providers that run the endpoint, and why we think so.
fn running<'a>(brief: &Brief<'a>) -> BTreeMap<&'a ProviderId, (&'a Provider, Vec<String>)> {
    let mut running: BTreeMap<_, (&Provider, Vec<String>)> = BTreeMap::new();
    let declared = brief.dossier.subject.declared.provider.as_ref().and_then(|id| brief.policy.providers.get(id));
    if let Some(provider) = declared {
        running.insert(&provider.id, (provider, vec![format!("{} is declared as the provider", provider.id)]));
    }
    for location in brief.locations() {
        let announcing = location.asn.and_then(|asn| Some((asn, brief.policy.provider_announcing(asn)?)));
        if let Some((asn, provider)) = announcing {
            let says = format!("{} is announced by {asn} of {}", location.address, provider.id);
            running.entry(&provider.id).or_insert((provider, Vec::new())).1.push(says);
        }
    }
    running
}

fn find(
    brief: &Brief<'_>,
    rule: RuleId,
    objection: impl Fn(&Provider, Accreditation) -> Option<String>,
) -> Vec<Finding> {
    let Some(needed) = brief.required() else { return Vec::new() };
    let finding = |(provider, why): (&Provider, Vec<String>)| {
        let because = std::iter::once(objection(provider, needed)?).chain(why).collect();
        brief.about_endpoint(rule, because)
    };
    running(brief).into_values().filter_map(finding).collect()
}
