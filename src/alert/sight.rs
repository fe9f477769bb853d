//! What a round saw: it clears no alert that rests on what it did not see.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::dossier::{Dossier, Found};
use crate::location::path::{FOREIGN_HOPS, Way};
use crate::location::{Grade, Place};
use crate::network::AddressScope;
use crate::trace::Trace;
use crate::verdict::RuleId;

/// The addresses a round was led to, and what it learned of each. The default has seen nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight(BTreeMap<IpAddr, Seen>);

/// What was learned of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether it answered, so that its distance is known.
    pub(super) measured: bool,
    /// Whether enough was seen of the way to it to say that it leaves home.
    pub(super) way: bool,
    /// Whether another vantage bounds where it is, or it is proven or attested to be at home without one: what others
    /// measured counts for a week, and is not disproved by growing old.
    pub(super) others: bool,
}

/// What a rule has to see before it can say that nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// What is declared, the calendar, and whether the name leads anywhere.
    Nothing,
    /// An address to try.
    Address,
    /// Every address, from every resolver that is asked.
    Addresses,
    /// Every address, and how far away those are that were measured when it was found.
    Distance,
    /// Every address, and the way to those that it was found on.
    Way,
}

impl Basis {
    /// What `rule` rests on.
    pub(super) fn of(rule: RuleId) -> Self {
        match rule {
            RuleId::ClassMissing | RuleId::NocExpired | RuleId::NocExpiring | RuleId::Unresolvable | RuleId::Stale => {
                Self::Nothing
            }
            RuleId::Unreachable => Self::Address,
            RuleId::ProviderUnaccredited | RuleId::ProviderLapsed | RuleId::ProviderUnknown => Self::Addresses,
            RuleId::DestinationOutside
            | RuleId::DestinationUnproven
            | RuleId::DestinationConflict
            | RuleId::EdgeOpaque
            | RuleId::EdgeOutside => Self::Distance,
            RuleId::PathOutside => Self::Way,
        }
    }
}

impl Sight {
    /// What the round saw that `dossier` judges.
    pub fn of(dossier: &Dossier<'_>) -> Self {
        let see = |found: &Found<'_>| {
            let (location, address) = (&found.location, found.location.address);
            let measured = found.best().is_some();
            let way = found.path.way() != Way::Unknown
                || dossier.subject.traces.iter().any(|trace| shows_a_way(trace, address));
            let at_home = location.place == Place::Inside && location.grade >= Grade::Attested;
            (address, Seen { measured, way, others: at_home || !found.case.others.is_empty() })
        };
        Self(dossier.found.iter().map(see).collect())
    }

    /// Whether the endpoint led nowhere.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether others saw `address`; `None` where the endpoint did not lead there.
    pub(super) fn shows_others(&self, address: IpAddr) -> Option<bool> {
        self.0.get(&address).map(|seen| seen.others)
    }

    /// Whether a rule of that basis saw what it needs of `address`; `None` where the endpoint did not lead there.
    pub(super) fn shows(&self, basis: Basis, address: IpAddr) -> Option<bool> {
        let seen = self.0.get(&address)?;
        Some(match basis {
            Basis::Nothing | Basis::Address | Basis::Addresses => true,
            Basis::Distance => seen.measured,
            Basis::Way => seen.way,
        })
    }
}

/// Whether a trace saw as much of the way as it takes to say that it leaves home: then that it does not say so counts,
/// although it seldom sees every hop.
fn shows_a_way(trace: &Trace, address: IpAddr) -> bool {
    let public = trace.met().into_iter().filter(|hop| AddressScope::of(*hop).is_global() && *hop != address);
    trace.target == address && public.count() >= FOREIGN_HOPS
}

#[cfg(test)]
impl FromIterator<(IpAddr, Seen)> for Sight {
    fn from_iter<T: IntoIterator<Item = (IpAddr, Seen)>>(seen: T) -> Self {
        Self(seen.into_iter().collect())
    }
}
