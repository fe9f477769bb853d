//! Who serves which zone, as far as it was told lately.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_proto::rr::Name;

/// The most zones that are remembered.
const MOST: usize = 4096;

/// How long it holds at most who serves a zone: a delegation that moves is to be seen, and the servers of the root and of
/// countries are not to be asked for each name.
const LONGEST: Duration = Duration::from_secs(300);

/// Who serves a zone.
#[derive(Clone, Debug)]
pub(super) struct Delegation {
    /// The zone, in lower case.
    pub(super) zone: Name,
    /// Addresses that may be asked.
    pub(super) addresses: Vec<IpAddr>,
    /// Servers whose addresses nobody has told yet.
    pub(super) nameless: Vec<Name>,
    /// Until when it holds.
    pub(super) until: Instant,
}

impl Delegation {
    /// A zone whose servers are yet to be named, which holds for `ttl` seconds from `now`, and five minutes at most.
    pub(super) fn new(zone: &Name, ttl: u32, now: Instant) -> Self {
        let until = now + Duration::from_secs(ttl.into()).min(LONGEST);
        Self { zone: zone.to_lowercase(), addresses: Vec::new(), nameless: Vec::new(), until }
    }
}

/// The zones that are known.
#[derive(Debug, Default)]
pub(super) struct Delegations(Mutex<BTreeMap<Name, Delegation>>);

impl Delegations {
    /// The closest zone that is known to enclose `name`.
    pub(super) fn closest(&self, name: &Name, now: Instant) -> Option<Delegation> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = name.to_lowercase();
        loop {
            if let Some(delegation) = known.get(&at).filter(|delegation| delegation.until > now) {
                return Some(delegation.clone());
            }
            if at.is_root() {
                return None;
            }
            at = at.base_name();
        }
    }

    /// Remembers who serves a zone. When there are too many, those that no longer hold are forgotten, or else all.
    pub(super) fn learn(&self, delegation: &Delegation, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, delegation| delegation.until > now);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(delegation.zone.clone(), delegation.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::clock;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn the_closest_zone_holds_for_its_ttl_and_five_minutes_at_most() {
        let (known, now) = (Delegations::default(), clock::now().mono);
        known.learn(&Delegation::new(&name("PK."), 172_800, now), now);
        known.learn(&Delegation::new(&name("gov.pk."), 60, now), now);
        let zone = |of: &str, after: u64| {
            known.closest(&name(of), now + Duration::from_secs(after)).map(|found| found.zone.to_string())
        };
        assert_eq!(zone("www.GOV.pk.", 59).as_deref(), Some("gov.pk."));
        assert_eq!(zone("gov.pk.", 60).as_deref(), Some("pk."));
        assert_eq!(zone("www.gov.pk.", 299).as_deref(), Some("pk."));
        assert_eq!(zone("www.gov.pk.", 300), None);
        assert_eq!(zone("example.", 0), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (known, now) = (Delegations::default(), clock::now().mono);
        for number in 0..=MOST {
            known.learn(&Delegation::new(&name(&format!("z{number}.")), 60, now), now);
        }
        assert_eq!(known.0.lock().unwrap().len(), 1);
    }
}
