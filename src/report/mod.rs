//! Verdicts for people and programs: one JSON object a line, or text for a terminal.
//!
//! Text carries colours as ANSI sequences; the shell prints it through a stream that drops them where nobody sees them.
//! Whatever strangers wrote is shown printable.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::contact::Contact;
use crate::contact::pop::{self, PopLabel};
use crate::dossier::{Dossier, Found};
use crate::location::derivation::{GroupSum, Would};
use crate::location::evidence::Evidence;
use crate::location::path::{Course, Way};
use crate::location::source::operators::NameClaim;
use crate::location::{Grade, Place};
use crate::network::Asn;
use crate::observation::Observation;
use crate::place::CountrySet;
use crate::provider::ProviderId;
use crate::resolution::Resolution;
use crate::resolution::zone::{Canary, Zone};
use crate::trace::suspicion::{Suspicion, suspicions};
use crate::vantage::VantageId;
use crate::verdict::policy::Policy;
use crate::verdict::{Finding, RuleId, Standing, Verdict};
use crate::workload::Endpoint;

use self::hops::HopLine;
use self::names::Relative;

pub mod hops;
pub mod names;
pub mod text;

/// One (endpoint, address, vantage): what `--json` prints a line of, as product.md has it.
#[derive(Clone, Debug, Serialize)]
pub struct Line<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// The address; `null` when the endpoint led to none.
    pub address: Option<IpAddr>,
    /// Who looked.
    pub vantage: &'a VantageId,
    /// When.
    pub observed: Timestamp,
    /// Where the address is.
    pub place: Place,
    /// How well that is known.
    pub grade: Grade,
    /// The countries left.
    pub countries: CountrySet,
    /// The network that announces the address.
    pub asn: Option<Asn>,
    /// Where the holder of the address is registered, which is no place.
    pub registered: CountrySet,
    /// The provider that announces it or, failing that, is declared.
    pub provider: Option<&'a ProviderId>,
    /// The best round-trip time, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Whether anything answered in its name, a refusal included, which has no time.
    #[serde(skip)]
    pub answered: bool,
    /// The network for which it is never sent anything; absent where it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<IpNet>,
    /// Which way packets go.
    pub path: Way,
    /// Which way, and whether they come back.
    pub course: Course,
    /// The facts that this was read from, in words.
    pub path_because: Vec<String>,
    /// What gives away that somebody stands in that way, in words; it makes nothing better.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "in_words")]
    pub suspicions: Vec<Suspicion>,
    /// The hops on that way, as the trace saw them that it was read from.
    pub hops: Vec<HopLine>,
    /// The worst of the findings below.
    pub standing: Standing,
    /// What concerns this address, and what concerns the endpoint as a whole, hosts around it included.
    pub findings: Vec<Said<'a>>,
    /// What each view answered, as the journal has it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub resolutions: &'a [Resolution],
    /// What views answered to a name that nobody has.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub canaries: &'a [Canary],
    /// Who operates the names that its aliases lead through.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub operators: &'a [NameClaim],
    /// What the zone says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<&'a Zone>,
    /// The hosts that the endpoint depends on or sends people to, and where they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Relative<'a>>,
    /// The conversations with the address in which something was said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<&'a Contact>,
    /// How the point of presence that answered calls itself in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<PopLabel>,
    /// Whether it is the first line of its verdict: text tells there what concerns the endpoint as a whole.
    #[serde(skip)]
    pub is_first: bool,
    /// What was weighed.
    pub evidence: &'a [Evidence<'a>],
    /// What the hints come to, by groups that share their mistakes.
    pub groups: Vec<GroupSum>,
    /// What would have changed the outcome; only where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "in_words")]
    pub would: Vec<Would<'a>>,
}

/// A finding as a line shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Said<'a> {
    /// The rule.
    pub rule: RuleId,
    /// What the policy makes of it.
    pub standing: Standing,
    /// The facts.
    pub because: &'a [String],
}

/// The lines of a verdict: one for each address, or a single one without.
pub fn lines<'a>(dossier: &'a Dossier<'a>, verdict: &'a Verdict, policy: &'a Policy) -> Vec<Line<'a>> {
    if dossier.found.is_empty() {
        return vec![line(dossier, verdict, policy, None)];
    }
    dossier.found.iter().map(|found| line(dossier, verdict, policy, Some(found))).collect()
}

fn line<'a>(
    dossier: &'a Dossier<'a>,
    verdict: &'a Verdict,
    policy: &'a Policy,
    found: Option<&'a Found<'a>>,
) -> Line<'a> {
    let location = found.map(|found| &found.location);
    let address = location.map(|location| location.address);
    // An address of a host around the endpoint has no line of its own: what is found of it concerns the whole.
    let concerns = |finding: &&Finding| {
        finding.address.is_none_or(|about| address == Some(about) || dossier.found(about).is_none())
    };
    let findings: Vec<_> = verdict.findings.iter().filter(concerns).collect();
    let worst = findings.iter().map(|finding| finding.standing).max().unwrap_or(Standing::Compliant);
    let reading = found.map(|found| &found.path);
    let of_address = dossier.subject.contacts.iter().filter(|contact| Some(contact.address) == address);
    let contacts: Vec<_> = of_address.filter(|contact| contact.has_spoken()).collect();
    let announcing = location.and_then(|l| l.asn).and_then(|asn| policy.provider_announcing(asn));
    Line {
        endpoint: &verdict.endpoint,
        address,
        vantage: &verdict.vantage,
        observed: verdict.observed,
        place: location.map_or(Place::Unknown, |l| l.place),
        grade: location.map_or(Grade::Indeterminate, |l| l.grade),
        countries: location.map_or_else(CountrySet::default, |l| l.countries),
        asn: location.and_then(|l| l.asn),
        registered: location.map_or_else(CountrySet::default, |l| l.registered),
        provider: announcing.map(|p| &p.id).or(dossier.subject.declared.provider.as_ref()),
        rtt_ms: found.and_then(Found::best).map(|best| best.rtt.ms()),
        answered: address.is_some_and(|address| answered(dossier.subject, address)),
        denied: address.and_then(|address| dossier.subject.denies(address)),
        path: reading.map_or(Way::Unknown, |reading| reading.way()),
        course: reading.map_or(Course::Unknown, |reading| reading.course),
        path_because: found.map_or_else(Vec::new, Found::facts).iter().map(ToString::to_string).collect(),
        suspicions: address.map_or_else(Vec::new, |address| suspected(dossier.subject, address)),
        hops: address.map_or_else(Vec::new, |address| hops::hops(dossier, address)),
        standing: if worst == Standing::Notice { Standing::Compliant } else { worst },
        findings: findings.into_iter().map(said).collect(),
        resolutions: &dossier.subject.resolutions,
        canaries: &dossier.subject.canaries,
        operators: &dossier.subject.operators,
        zone: dossier.subject.zone.as_ref(),
        related: dossier.related.iter().map(Relative::from).collect(),
        labels: contacts.iter().flat_map(|contact| pop::labels(contact)).collect(),
        contacts,
        is_first: address == dossier.found.first().map(|found| found.location.address),
        evidence: location.map_or(&[], |l| l.evidence.as_slice()),
        groups: location.map_or_else(Vec::new, |l| l.groups_that_speak().collect()),
        would: Vec::new(),
    }
}

impl<'a> Line<'a> {
    /// The line with what would have changed it, which takes as long as judging it some ten times over.
    #[must_use]
    pub fn explained(self, dossier: &Dossier<'a>) -> Self {
        Self {
            would: self.address.and_then(|address| dossier.found(address)).map_or_else(Vec::new, Found::would),
            ..self
        }
    }
}

#[expect(clippy::ptr_arg, reason = "serde hands over a reference")]
fn in_words<S: Serializer>(said: &Vec<impl ToString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(said.iter().map(ToString::to_string))
}

fn answered(seen: &Observation, address: IpAddr) -> bool {
    seen.traces.iter().any(|trace| trace.target == address && trace.target_answered())
        || seen.contacts.iter().any(|contact| contact.address == address && contact.answered())
        || seen.pings.iter().any(|ping| ping.address == address && ping.answered())
}

fn suspected(seen: &Observation, address: IpAddr) -> Vec<Suspicion> {
    let contacts = seen.contacts.iter().filter(|contact| contact.address == address);
    let handshake = contacts.filter_map(Contact::rtt).map(|(rtt, _)| rtt).min();
    suspicions(&seen.traces, address, handshake)
}

fn said(finding: &Finding) -> Said<'_> {
    Said { rule: finding.rule, standing: finding.standing, because: &finding.because }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::ContactOutcome;
    use crate::dossier::{Companions, Instruments};
    use crate::moment::Rtt;
    use crate::observation::Ping;
    use crate::place::{CountryCode, Home};
    use crate::trace::Protocol;
    use crate::verdict::judge;

    #[test]
    fn what_is_found_of_hosts_around_the_endpoint_is_in_every_line_and_of_its_own_address_in_one() {
        let seen = crate::entry::tests::observation("here", "https://203.101.184.84");
        let home = Home::of(CountryCode::PAKISTAN);
        let borders = crate::location::disc::tests::without_land();
        let policy = crate::config::built_in_policy(home.clone()).unwrap();
        let instruments = Instruments { borders: &borders, home: &home, calibration: None };
        let dossier = Dossier::assemble(&seen, &Companions::default(), instruments, seen.observed, 60);
        let mut verdict = judge(&dossier, &policy).in_words();
        let own = dossier.found[0].location.address;
        let finding =
            |rule, address| Finding { rule, standing: Standing::Suspect, address, grade: None, because: Vec::new() };
        verdict.findings = vec![
            finding(RuleId::DestinationOutside, Some(own)),
            finding(RuleId::RedirectOutside, Some("88.198.1.2".parse().unwrap())),
        ];
        let rules = |address| {
            let found = dossier.found(address).filter(|_| address == own);
            let line = line(&dossier, &verdict, &policy, found);
            (line.standing, line.findings.iter().map(|said| said.rule).collect::<Vec<_>>())
        };
        assert_eq!(rules(own), (Standing::Suspect, vec![RuleId::DestinationOutside, RuleId::RedirectOutside]));
        assert_eq!(rules("192.0.2.1".parse().unwrap()), (Standing::Suspect, vec![RuleId::RedirectOutside]));
    }

    #[test]
    fn an_address_that_only_refused_has_answered() {
        let mut seen = crate::entry::tests::observation("here", "https://203.101.184.84");
        let address: IpAddr = "203.101.184.84".parse().unwrap();
        seen.traces.clear();
        seen.contacts[0].address = address;
        seen.contacts[0].outcome = ContactOutcome::Refused { rtt_ns: Rtt::from_ms(1.0).unwrap(), samples: 1 };
        assert!(answered(&seen, address) && seen.best_rtt(address).is_none());
        assert!(!answered(&seen, "203.101.184.85".parse().unwrap()));
        seen.contacts.clear();
        let started = seen.observed;
        let ping = |resets| Ping { address, protocol: Protocol::Tcp, started, attempts: 3, resets, best: None };
        seen.pings = vec![ping(1)];
        assert!(answered(&seen, address));
        seen.pings = vec![ping(0)];
        assert!(!answered(&seen, address));
    }
}
