//! Who runs it, and whether they may.
//!
//! The provider is the one the workload declares, and the one whose network announces the address: a declared provider
//! that is accredited does not excuse an address in somebody else's network. A network that no entry of the register
//! announces is unknown, not forbidden. A status holds until the last day the register gives for it.

use jiff::civil::Date;

use super::Brief;
use crate::dossier::Dossier;
use crate::location::Location;
use crate::network::AddressScope;
use crate::provider::{Accreditation, Provider};
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;
use crate::verdict::policy::Policy;

/// A provider's status is not enough for this class, and never was more.
pub(super) fn unaccredited<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    find(brief, RuleId::ProviderUnaccredited, |provider, needed| {
        let short = match provider.status {
            Accreditation::Applied | Accreditation::Registered => provider.status < needed,
            Accreditation::Accredited | Accreditation::Suspended | Accreditation::Revoked => false,
        };
        short.then_some(Objection::Short { needed })
    })
}

/// A provider was allowed once and is not now: suspended, revoked, or past its last day.
pub(super) fn lapsed<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    find(brief, RuleId::ProviderLapsed, |provider, _| match (provider.status, provider.valid_until) {
        (Accreditation::Suspended | Accreditation::Revoked, _) => Some(Objection::Withdrawn),
        (Accreditation::Registered | Accreditation::Accredited, Some(until)) if until < brief.today => {
            Some(Objection::Past { until })
        }
        (Accreditation::Applied | Accreditation::Registered | Accreditation::Accredited, _) => None,
    })
}

/// Nobody in the register is known to run it.
pub(super) fn unknown<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    if brief.required().is_none() {
        return Vec::new();
    }
    let declared = brief.dossier.subject.declared.provider.as_ref();
    let unlisted = declared.filter(|id| !brief.policy.providers.contains_key(*id));
    let undeclared = declared.is_none() && running(brief).is_empty();
    let says = move || match unlisted {
        Some(id) => format!("the declared provider {id} is not in the register"),
        None => "no provider is declared, and no network of the register announces it".to_owned(),
    };
    let whole = brief.about_endpoint(RuleId::ProviderUnknown, move || vec![says()]);
    let whole = whole.filter(|_| unlisted.is_some() || undeclared);
    whole.into_iter().chain(strangers(brief)).collect()
}

/// Public addresses that no provider of the register is known to announce, where others of the endpoint are in ones that do or a
/// provider is declared.
fn strangers<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let someone = brief.dossier.subject.declared.provider.is_some() || !running(brief).is_empty();
    let stranger = |location: &&Location<'_>| {
        let known = location.asn.is_some_and(|asn| brief.policy.provider_announcing(asn).is_some());
        someone && !known && AddressScope::of(location.address).is_global()
    };
    let ruling = |location: &'a Location<'a>| {
        let address = location.address;
        let says = move || match location.asn {
            Some(asn) => format!("{address} is announced by {asn}, which no provider of the register announces"),
            None => format!("nobody is known to announce {address}"),
        };
        brief.about_address(RuleId::ProviderUnknown, location, move || vec![says()])
    };
    brief.locations().filter(stranger).filter_map(ruling).collect()
}

impl Brief<'_> {
    /// The least status of a provider for this class; `None` when there is no class, or the policy does not know it.
    fn required(&self) -> Option<Accreditation> {
        Some(self.policy.classes.get(self.class()?)?.provider)
    }
}

/// What is held against a provider.
#[derive(Clone, Copy)]
enum Objection {
    /// Its status is not enough.
    Short {
        /// What the class of data needs.
        needed: Accreditation,
    },
    /// Its status was withdrawn.
    Withdrawn,
    /// Its status has ended.
    Past {
        /// The last day of it.
        until: Date,
    },
}

impl Objection {
    fn says(self, provider: &Provider) -> String {
        let (name, status) = (&provider.name, provider.status);
        match self {
            Self::Short { needed } => format!("{name} is {status}; this class of data needs {needed}"),
            Self::Withdrawn => format!("{name} is {status}"),
            Self::Past { until } => format!("{name} was {status} until {until}"),
        }
    }
}

/// The providers that run the endpoint, each once, by name: the declared one, and those whose networks announce it.
fn running<'a>(brief: &Brief<'a>) -> Vec<&'a Provider> {
    let announcing = brief.locations().filter_map(|location| brief.policy.provider_announcing(location.asn?));
    let mut running: Vec<&Provider> = declared(brief).into_iter().chain(announcing).collect();
    running.sort_by_key(|provider| &provider.id);
    running.dedup_by_key(|provider| &provider.id);
    running
}

fn declared<'a>(brief: &Brief<'a>) -> Option<&'a Provider> {
    brief.dossier.subject.declared.provider.as_ref().and_then(|id| brief.policy.providers.get(id))
}

/// Why we think that `provider` runs the endpoint.
fn why(dossier: &Dossier<'_>, policy: &Policy, provider: &Provider) -> Vec<String> {
    let id = &provider.id;
    let is_declared = dossier.subject.declared.provider.as_ref() == Some(id);
    let declared = is_declared.then(|| format!("{id} is declared as the provider"));
    let announced = dossier.locations().filter_map(|location| {
        let asn = location.asn?;
        let is_theirs = policy.provider_announcing(asn).is_some_and(|announcing| announcing.id == *id);
        is_theirs.then(|| format!("{} is announced by {asn} of {id}", location.address))
    });
    declared.into_iter().chain(announced).collect()
}

fn find<'a>(
    brief: &Brief<'a>,
    rule: RuleId,
    objection: impl Fn(&Provider, Accreditation) -> Option<Objection>,
) -> Vec<Ruling<'a>> {
    let Some(needed) = brief.required() else { return Vec::new() };
    let ruling = |provider: &'a Provider| {
        let (objection, dossier, policy) = (objection(provider, needed)?, brief.dossier, brief.policy);
        let because = move || std::iter::once(objection.says(provider)).chain(why(dossier, policy, provider)).collect();
        brief.about_endpoint(rule, because)
    };
    running(brief).into_iter().filter_map(ruling).collect()
}
