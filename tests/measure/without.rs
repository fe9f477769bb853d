//! What is taken away from the evidence before anybody judges it, to see what it was worth.
//!
//! Taking away is all that is done: the judge is the shipped one.

use pehra::location::claims::Claims;
use pehra::location::{Claim, Says};
use pehra::observation::{Observation, Ping, PingBest};
use pehra::place::CountrySet;
use pehra::trace::Trace;

/// What is taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    Nothing,
    /// Every database of countries, and the countries of networks, which are derived from one: `databases = []`.
    Databases,
    /// Every database of countries but one.
    OtherDatabasesThan(String),
    /// The countries of networks; what a network is stays known.
    NetworkCountries,
    /// Who announces an address, and so which addresses are shared.
    Networks,
    /// The way: only the target's own answers are left.
    Paths,
    /// What addresses are called.
    Names,
    /// What vantages abroad measured.
    VantagesAbroad,
    /// What a vantage's times are measured by: no observation is changed, and the judge gets none.
    Calibration,
}

impl Without {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Databases => "databases".to_owned(),
            Self::OtherDatabasesThan(name) => format!("databases but {name}"),
            Self::NetworkCountries => "countries of networks".to_owned(),
            Self::Networks => "networks (ASN)".to_owned(),
            Self::Paths => "paths".to_owned(),
            Self::Names => "names (rDNS)".to_owned(),
            Self::VantagesAbroad => "vantages abroad".to_owned(),
            Self::Calibration => "calibration".to_owned(),
        }
    }

    /// What is left of an observation.
    pub(crate) fn of(&self, observation: &Observation, is_abroad: bool) -> Option<Observation> {
        let mut left = observation.clone();
        match self {
            Self::Databases => {
                left.claims.retain(|claim| database(claim).is_none());
                left.claims = without_countries(&left.claims);
            }
            Self::OtherDatabasesThan(name) => left.claims.retain(|claim| database(claim).is_none_or(|is| is == name)),
            Self::NetworkCountries => left.claims = without_countries(&left.claims),
            Self::Networks => left.claims.retain(|claim| !matches!(claim.says, Says::Announced { .. })),
            Self::Paths => {
                let pings = left.traces.drain(..).map(|trace| ping(&trace));
                left.pings.extend(pings);
            }
            Self::Names => left.claims.retain(|claim| !matches!(claim.says, Says::Named { .. })),
            Self::VantagesAbroad if is_abroad => return None,
            Self::Nothing | Self::VantagesAbroad | Self::Calibration => {}
        }
        Some(left)
    }
}

/// Which database of countries says it, if one does.
pub(crate) fn database(claim: &Claim) -> Option<&str> {
    matches!(claim.says, Says::Country(_) | Says::NoEntry).then_some(claim.source.as_str())
}

fn without_countries(claims: &Claims) -> Claims {
    let forget = |mut claim: Claim| {
        if let Says::Announced { country, countries, .. } = &mut claim.says {
            (*country, *countries) = (None, CountrySet::default());
        }
        claim
    };
    claims.iter().cloned().map(forget).collect()
}

/// The round trip of a trace without its way: the same time, as well witnessed.
fn ping(trace: &Trace) -> Ping {
    let count = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let answers = || trace.hops.iter().flat_map(|hop| &hop.answers).filter(|answer| answer.from == trace.target);
    let best = trace.target_rtt().map(|(rtt_ns, samples)| PingBest { rtt_ns, samples: count(samples) });
    Ping {
        address: trace.target,
        protocol: trace.protocol,
        started: trace.started,
        attempts: count(answers().count()).max(1),
        resets: count(answers().filter(|answer| answer.kind.is_of_tcp()).count()),
        best,
    }
}

#[cfg(test)]
mod tests {
    use pehra::network::{Asn, NetworkKind};

    use super::*;
    use crate::tests::small;

    fn claim(source: &str, says: Says) -> Claim {
        Claim { about: "203.101.184.84".parse().unwrap(), source: source.to_owned(), dated: None, says }
    }

    fn announced(country: Option<&str>) -> Claim {
        let country = country.map(|code| code.parse().unwrap());
        let (name, kind, countries) = (String::new(), NetworkKind::Ordinary, CountrySet::default());
        claim("routed-asn", Says::Announced { asn: Asn(9541), name, kind, country, countries })
    }

    fn named(name: &str) -> Claim {
        let (name, code, place) = (name.to_owned(), "khi".to_owned(), "Karachi".to_owned());
        let country = "PK".parse().unwrap();
        claim("rdns", Says::Named { name, code, place, country, operator: vec![Asn(17557)] })
    }

    fn observation() -> Observation {
        let mut observation = small().observations.swap_remove(0);
        let country = |code: &str| Says::Country(code.parse().unwrap());
        observation.claims = vec![
            claim("a", country("PK")),
            claim("b", Says::NoEntry),
            announced(Some("PK")),
            named("khi77.pie.net.pk"),
        ]
        .into();
        observation
    }

    #[test]
    fn claims_are_taken_away_by_what_they_are() {
        let all: Vec<_> = observation().claims.iter().cloned().collect();
        let [a, b, network, name] = [0, 1, 2, 3].map(|index: usize| all[index].clone());
        for (without, left) in [
            (Without::Nothing, all.clone()),
            (Without::Databases, vec![announced(None), name.clone()]),
            (Without::OtherDatabasesThan("b".to_owned()), vec![b.clone(), network.clone(), name.clone()]),
            (Without::NetworkCountries, vec![a.clone(), b.clone(), announced(None), name.clone()]),
            (Without::Networks, vec![a.clone(), b.clone(), name]),
            (Without::Names, vec![a, b, network]),
            (Without::Calibration, all.clone()),
            (Without::VantagesAbroad, all),
        ] {
            assert_eq!(without.of(&observation(), false).unwrap().claims, left.into(), "{}", without.name());
        }
    }

    #[test]
    fn without_its_way_a_trace_keeps_its_time() {
        for observation in small().observations {
            let left = Without::Paths.of(&observation, false).unwrap();
            assert!(left.traces.is_empty());
            assert_eq!(left.addresses(), observation.addresses());
            for address in observation.addresses() {
                assert_eq!(left.best_rtt(address), observation.best_rtt(address));
            }
        }
    }

    #[test]
    fn only_vantages_abroad_go() {
        assert_eq!(Without::VantagesAbroad.of(&observation(), true), None);
        assert_eq!(Without::VantagesAbroad.of(&observation(), false), Some(observation()));
    }
}
