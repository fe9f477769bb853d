//! What a round saw: it clears no alert that rests on what it did not see.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::contact::exchange::HttpOutcome;
use crate::dossier::{Dossier, Found};
use crate::location::path::{FOREIGN_HOPS, Way};
use crate::location::{Grade, Place};
use crate::network::AddressScope;
use crate::observation::{Observation, Role};
use crate::resolution::Outcome;
use crate::trace::Trace;
use crate::verdict::RuleId;

/// The addresses a round was led to, and what it learned of each. The default has seen nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// The addresses of the endpoint.
    own: BTreeMap<IpAddr, Seen>,
    /// Those of hosts related to it.
    related: BTreeMap<IpAddr, Seen>,
    /// Of what related hosts are to it, that of which all were looked for and found.
    roles: BTreeSet<Role>,
}

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
    /// Every host that is this to the endpoint, and how far away those are that were measured when it was found.
    Related(Role),
}

impl Basis {
    /// What `rule` rests on.
    pub(super) fn of(rule: RuleId) -> Self {
        match rule {
            RuleId::ClassMissing | RuleId::NocExpired | RuleId::NocExpiring | RuleId::Unresolvable | RuleId::Stale => {
                Self::Nothing
            }
            RuleId::Unreachable => Self::Address,
            RuleId::ProviderUnaccredited
            | RuleId::ProviderLapsed
            | RuleId::ProviderUnknown
            | RuleId::AliasOutside
            | RuleId::ViewDivergence => Self::Addresses,
            RuleId::DestinationOutside
            | RuleId::DestinationUnproven
            | RuleId::DestinationConflict
            | RuleId::EdgeOpaque
            | RuleId::EdgeOutside => Self::Distance,
            RuleId::PathOutside => Self::Way,
            RuleId::NameserverOutside => Self::Related(Role::NameServer),
            RuleId::MailOutside => Self::Related(Role::Mail),
            RuleId::RedirectOutside => Self::Related(Role::Redirect),
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
        let related = dossier.related.iter().flat_map(|kin| &kin.found);
        let roles = [Role::NameServer, Role::Mail, Role::Redirect].into_iter();
        Self {
            own: dossier.found.iter().map(see).collect(),
            related: related.map(see).collect(),
            roles: roles.filter(|role| knows_all(dossier.subject, *role)).collect(),
        }
    }

    /// Whether the endpoint led nowhere.
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Whether every host was looked for that is this to the endpoint, and what was found was looked up.
    pub(super) fn knows_all(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether others saw `address`; `None` where the endpoint did not lead there.
    pub(super) fn shows_others(&self, address: IpAddr) -> Option<bool> {
        self.own.get(&address).map(|seen| seen.others)
    }

    /// Whether a rule of that basis saw what it needs of `address`; `None` where the endpoint did not lead there.
    pub(super) fn shows(&self, basis: Basis, address: IpAddr) -> Option<bool> {
        let among = if matches!(basis, Basis::Related(_)) { &self.related } else { &self.own };
        let seen = among.get(&address)?;
        Some(match basis {
            Basis::Nothing | Basis::Address | Basis::Addresses => true,
            Basis::Distance | Basis::Related(_) => seen.measured,
            Basis::Way => seen.way,
        })
    }
}

/// Whether a round asked who is this to the endpoint, and where all of those are.
fn knows_all(seen: &Observation, role: Role) -> bool {
    let failed = |kind: &str| {
        let failures = seen.zone.iter().flat_map(|zone| &zone.failures);
        failures.into_iter().any(|(of, failure)| of == kind && !failure.is_an_answer())
    };
    let knows_zone = || seen.zone.as_ref().is_some_and(|zone| zone.apex.is_some()) && !failed("SOA");
    let asked = match role {
        Role::NameServer => knows_zone() && !failed("NS"),
        Role::Mail => knows_zone() && !failed("MX"),
        Role::Redirect | Role::Resource => {
            let exchanges = seen.contacts.iter().flat_map(|contact| &contact.exchanges);
            let mut answered =
                exchanges.map(|exchange| matches!(exchange.outcome, HttpOutcome::Answered(_))).peekable();
            answered.peek().is_some() && answered.all(|answered| answered)
        }
    };
    let mut lookups =
        seen.related.iter().filter(|related| related.role == role).flat_map(|related| &related.resolutions);
    asked && !lookups.any(|lookup| matches!(lookup.outcome, Outcome::Failed(failure) if !failure.is_an_answer()))
}

/// Whether a trace saw as much of the way as it takes to say that it leaves home: then that it does not say so counts,
/// although it seldom sees every hop.
fn shows_a_way(trace: &Trace, address: IpAddr) -> bool {
    let public = trace.met().into_iter().filter(|hop| AddressScope::of(*hop).is_global() && *hop != address);
    trace.target == address && public.count() >= FOREIGN_HOPS
}

#[cfg(test)]
impl Sight {
    /// The same of a round that looked for all name servers and found one, measured or not.
    pub(super) fn with_name_server(mut self, address: IpAddr, measured: bool) -> Self {
        self.related.insert(address, Seen { measured, way: false, others: false });
        self.roles.insert(Role::NameServer);
        self
    }
}

#[cfg(test)]
impl FromIterator<(IpAddr, Seen)> for Sight {
    fn from_iter<T: IntoIterator<Item = (IpAddr, Seen)>>(seen: T) -> Self {
        Self { own: seen.into_iter().collect(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::exchange::{Exchange, HttpFailure};
    use crate::observation::Related;
    use crate::resolution::zone::{Security, Zone};
    use crate::resolution::{AddressFamily, NameFailure, Resolution, View};

    fn zone(observation: &Observation, failures: &[(&str, NameFailure)]) -> Zone {
        Zone {
            name: "portal.gov.pk".parse().unwrap(),
            apex: Some("gov.pk".parse().unwrap()),
            view: View("system".to_owned()),
            asked: observation.observed,
            servers: Vec::new(),
            mail: Vec::new(),
            services: Vec::new(),
            issuers: Vec::new(),
            security: Security::Indeterminate,
            failures: failures.iter().map(|(kind, failure)| ((*kind).to_owned(), *failure)).collect(),
        }
    }

    fn looked_up(observation: &Observation, role: Role, failure: NameFailure) -> Related {
        let name = "ns1.gov.pk".parse().unwrap();
        let lookup = Resolution {
            name,
            family: AddressFamily::A,
            view: View("system".to_owned()),
            server: None,
            asked: observation.observed,
            elapsed_ns: crate::moment::Rtt::default(),
            outcome: Outcome::Failed(failure),
            followed: Vec::new(),
            subnet: None,
        };
        let host = "ns1.gov.pk".parse().unwrap();
        Related { host, role, named_by: "gov.pk".to_owned(), resolutions: vec![lookup] }
    }

    #[test]
    fn a_round_that_did_not_ask_for_the_zone_knows_nothing_of_its_servers() {
        let mut seen = crate::entry::tests::observation("here", "https://203.101.184.84");
        assert!(!knows_all(&seen, Role::NameServer) && !knows_all(&seen, Role::Mail));
        seen.zone = Some(zone(&seen, &[("CAA", NameFailure::Timeout), ("MX", NameFailure::NoData)]));
        assert!(knows_all(&seen, Role::NameServer) && knows_all(&seen, Role::Mail));
        let nowhere = ("portal.gov.pk".parse().unwrap(), View("system".to_owned()));
        seen.zone = Some(Zone::unknown(nowhere.0, nowhere.1, seen.observed, NameFailure::ServerFailure));
        assert!(!knows_all(&seen, Role::NameServer) && !knows_all(&seen, Role::Mail), "nobody said whose zone it is");
        seen.zone = Some(zone(&seen, &[("MX", NameFailure::Timeout)]));
        assert!(knows_all(&seen, Role::NameServer) && !knows_all(&seen, Role::Mail));
        seen.related = vec![looked_up(&seen, Role::NameServer, NameFailure::NoSuchName)];
        assert!(knows_all(&seen, Role::NameServer), "there is no such server");
        seen.related = vec![looked_up(&seen, Role::NameServer, NameFailure::ServerFailure)];
        assert!(!knows_all(&seen, Role::NameServer), "nobody knows where it is");
    }

    #[test]
    fn a_round_in_which_no_page_answered_knows_nothing_of_redirects() {
        let mut seen = crate::entry::tests::observation("here", "https://203.101.184.84");
        let url = "https://portal.gov.pk/".to_owned();
        seen.contacts[0].exchanges = vec![Exchange { url, outcome: HttpOutcome::Failed(HttpFailure::Timeout) }];
        assert!(!knows_all(&seen, Role::Redirect));
    }
}
