//! Stated locations → findings, under the shipped policy.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use pehra::contact::{Contact, ContactFailure, ContactOutcome};
use pehra::dossier::sighting::Sighting;
use pehra::dossier::{Dossier, Found, Kin};
use pehra::location::disc::Borders;
use pehra::location::outlines::Outlines;
use pehra::location::path::{Course, PathReading, Way};
use pehra::location::source::operators::OperatorTable;
use pehra::location::{Grade, Location, Place, fuse};
use pehra::moment::Rtt;
use pehra::network::Asn;
use pehra::observation::{Declared, Denied, Observation, Role};
use pehra::place::{CountryCode, CountrySet, Home};
use pehra::provider::{Accreditation, Provider, ProviderId};
use pehra::resolution::zone::Canary;
use pehra::resolution::{AddressFamily, Addressed, Alias, Answer, NameFailure, Outcome, Resolution, View};
use pehra::vantage::{Vantage, VantageId};
use pehra::verdict::judge;
use pehra::verdict::policy::Policy;
use pehra::workload::{DataClass, Host, HostName, Jurisdiction, Noc, WorkloadId};
use serde::Deserialize;

/// The day of every case.
const TODAY: &str = "2026-11-21T12:00:00Z";

static HOME: LazyLock<Home> = LazyLock::new(|| Home::of(CountryCode::PAKISTAN));

/// Every location here is stated, whatever the borders.
static BORDERS: LazyLock<Borders> = LazyLock::new(|| {
    let shipped = Outlines::decode(include_bytes!("../../geodb/borders.gz"));
    Borders::new(Arc::new(shipped.expect("the map that ships")))
});

static OPERATORS: LazyLock<OperatorTable> =
    LazyLock::new(|| OperatorTable::parse(include_str!("../../geodb/operators.csv")).expect("the table that ships"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    workload: Declaration,
    #[serde(default)]
    provider: Vec<Register>,
    #[serde(default)]
    noc: Vec<Certificate>,
    #[serde(default)]
    address: Vec<Stated>,
    name: Option<Name>,
    /// What views said, in place of one that gave every address.
    #[serde(default)]
    view: Vec<Said>,
    #[serde(default)]
    canary: Vec<Asked>,
    #[serde(default)]
    related: Vec<Relative>,
    observed: Option<Observed>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    class: Option<String>,
    provider: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    id: String,
    name: String,
    status: Accreditation,
    valid_until: Option<toml::value::Datetime>,
    asns: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    rules: Vec<String>,
    reference: String,
    until: toml::value::Datetime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    address: IpAddr,
    place: Place,
    grade: Grade,
    countries: CountrySet,
    asn: Option<u32>,
    path: Way,
    #[serde(default = "yes")]
    answered: bool,
    /// The network for which it was sent nothing.
    denied: Option<IpNet>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    /// What the one view said.
    failed: Option<NameFailure>,
    /// What another view said beside it.
    another: Option<NameFailure>,
}

/// What one view said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    name: String,
    addresses: Vec<IpAddr>,
    /// The names that the portal's is an alias of, each of the one before.
    #[serde(default)]
    aliases: Vec<HostName>,
}

/// What one view said of a name that nobody has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    view: String,
    #[serde(default)]
    addresses: Vec<IpAddr>,
    failed: Option<NameFailure>,
}

/// A host that is something to the portal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Relative {
    host: Host,
    role: Role,
    address: IpAddr,
    place: Place,
    grade: Grade,
    countries: CountrySet,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    at: Option<String>,
    age: Option<String>,
    freshness: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    standing: String,
    findings: Vec<String>,
}

#[test]
fn every_case_is_judged_as_the_shipped_policy_says() {
    super::run("cases", |text| {
        let case: Case = toml::from_str(text).map_err(|error| error.to_string())?;
        let observation = case.observation();
        let (dossier, policy) = (case.dossier(&observation), case.policy());
        let verdict = judge(&dossier, &policy).in_words();
        let findings: Vec<_> = verdict.findings.iter().map(|f| format!("{} {}", f.rule, f.standing)).collect();
        let uncited = verdict.findings.iter().find(|finding| finding.because.is_empty());
        if verdict.standing.as_str() != case.expect.standing || findings != case.expect.findings {
            let expected = (&case.expect.standing, &case.expect.findings);
            return Err(format!(
                "{}\n  expected {expected:?}\n  judged   {:?}",
                case.title,
                (verdict.standing, findings)
            ));
        }
        uncited.map_or(Ok(()), |finding| Err(format!("{}: {} cites nothing", case.title, finding.rule)))
    });
}

impl Case {
    fn policy(&self) -> Policy {
        let shipped =
            pehra::config::built_in_policy(Home::of("PK".parse().unwrap())).expect("the shipped policy is valid");
        let provider = |register: &Register| Provider {
            id: ProviderId(register.id.clone()),
            name: register.name.clone(),
            status: register.status,
            valid_until: register.valid_until.as_ref().map(date),
            asns: register.asns.iter().copied().map(Asn).collect(),
        };
        let noc = |certificate: &Certificate| Noc {
            workload: workload(),
            rules: certificate.rules.clone(),
            reference: certificate.reference.clone(),
            until: date(&certificate.until),
        };
        Policy {
            providers: self.provider.iter().map(provider).map(|p| (p.id.clone(), p)).collect(),
            nocs: self.noc.iter().map(noc).collect(),
            ..shipped
        }
    }

    fn as_of(&self) -> Timestamp {
        self.observed.as_ref().and_then(|o| o.at.as_deref()).unwrap_or(TODAY).parse().unwrap()
    }

    fn dossier<'a>(&self, subject: &'a Observation) -> Dossier<'a> {
        let observed = self.observed.as_ref();
        let freshness = observed.and_then(|o| o.freshness.as_deref()).map_or(Duration::from_secs(3600), duration);
        let mut found: Vec<_> =
            self.address.iter().map(|stated| find(stated.location(), stated.path(), subject)).collect();
        found.sort_by_key(|found| found.location.address);
        let kin = |relative: &Relative| Kin {
            host: relative.host.clone(),
            role: relative.role,
            named_by: "gov.pk",
            found: vec![find(relative.location(), PathReading { course: Course::Unknown, hops: 0 }, subject)],
        };
        let related = self.related.iter().map(kin).collect();
        Dossier { subject, as_of: self.as_of(), freshness_seconds: freshness.as_secs(), found, related }
    }

    fn observation(&self) -> Observation {
        let age = self.observed.as_ref().and_then(|o| o.age.as_deref()).map_or(Duration::ZERO, duration);
        let observed = self.as_of() - age;
        let endpoint = "https://portal.example.gov.pk".parse().unwrap();
        let declared = Declared {
            workload: workload(),
            entity: "An authority".to_owned(),
            jurisdiction: Jurisdiction("federal".to_owned()),
            class: self.workload.class.clone().map(DataClass),
            provider: self.workload.provider.clone().map(ProviderId),
        };
        let vantage = Vantage { id: VantageId("isb-1".to_owned()), position: None, asn: None };
        let mut observation = Observation {
            canaries: self.canary.iter().map(Asked::canary).collect(),
            resolutions: self.resolutions(observed),
            denied: self.address.iter().filter_map(Stated::denied).collect(),
            contacts: self.contacts(observed),
            ..Observation::begun(endpoint, declared, vantage, observed)
        };
        let operators = observation.names_on_the_way().into_iter().filter_map(|name| OPERATORS.of(name)).collect();
        observation.operators = operators;
        observation
    }

    /// Whoever is related to the portal answers.
    fn contacts(&self, started: Timestamp) -> Vec<Contact> {
        let own = self.address.iter().filter_map(|stated| stated.contact(started));
        own.chain(self.related.iter().map(|relative| shaken(relative.address, true, started))).collect()
    }

    fn resolutions(&self, asked: Timestamp) -> Vec<Resolution> {
        if !self.view.is_empty() {
            return self.view.iter().map(|said| resolution(&said.name, asked, said.outcome())).collect();
        }
        let addressed = |stated: &Stated| Addressed { address: stated.address, ttl: 300 };
        let answer = || Answer {
            chain: vec![],
            addresses: self.address.iter().map(addressed).collect(),
            authenticated: false,
            left_out: 0,
        };
        let failed = self.name.as_ref().and_then(|name| name.failed);
        let another = self.name.as_ref().and_then(|name| name.another);
        let one = resolution("system", asked, failed.map_or_else(|| Outcome::Answered(answer()), Outcome::Failed));
        let other = another.map(|failure| resolution("another", asked, Outcome::Failed(failure)));
        std::iter::once(one).chain(other).collect()
    }
}

fn resolution(view: &str, asked: Timestamp, outcome: Outcome) -> Resolution {
    Resolution {
        name: "portal.example.gov.pk".parse().unwrap(),
        family: AddressFamily::A,
        view: View(view.to_owned()),
        server: None,
        asked,
        elapsed_ns: Rtt::default(),
        outcome,
        followed: Vec::new(),
        subnet: None,
    }
}

/// What was found out of an address at `location`.
fn find<'a>(location: Location<'a>, path: PathReading, subject: &'a Observation) -> Found<'a> {
    let case = fuse::Case::new(location.address, &HOME, BORDERS.outlines().id(), subject.observed);
    let own = Sighting::of(location.address, subject, &BORDERS, &HOME);
    Found { location, case, path, trace: None, own }
}

fn answer(addresses: &[IpAddr], chain: Vec<Alias>) -> Outcome {
    let addresses = addresses.iter().map(|address| Addressed { address: *address, ttl: 300 }).collect();
    Outcome::Answered(Answer { chain, addresses, authenticated: false, left_out: 0 })
}

impl Said {
    fn outcome(&self) -> Outcome {
        let portal: HostName = "portal.example.gov.pk".parse().unwrap();
        let names = std::iter::once(&portal).chain(&self.aliases);
        let chain = names.zip(&self.aliases).map(|(name, target)| Alias {
            name: name.clone(),
            target: target.clone(),
            ttl: 300,
        });
        answer(&self.addresses, chain.collect())
    }
}

impl Asked {
    fn canary(&self) -> Canary {
        let outcome = self.failed.map_or_else(|| answer(&self.addresses, Vec::new()), Outcome::Failed);
        Canary { view: View(self.view.clone()), name: "q7f3x.example.gov.pk".parse().unwrap(), outcome }
    }
}

impl Relative {
    fn location(&self) -> Location<'static> {
        at(self.address, self.place, self.grade, self.countries, None)
    }
}

fn at(address: IpAddr, place: Place, grade: Grade, countries: CountrySet, asn: Option<u32>) -> Location<'static> {
    Location {
        address,
        place,
        grade,
        countries,
        asn: asn.map(Asn),
        registered: CountrySet::default(),
        evidence: Vec::new(),
        sums: Default::default(),
    }
}

impl Stated {
    fn location(&self) -> Location<'static> {
        at(self.address, self.place, self.grade, self.countries, self.asn)
    }

    fn path(&self) -> PathReading {
        let course = match self.path {
            Way::Inside => Course::StaysIn,
            Way::Outside => Course::LeavesAndReturns,
            Way::Unknown => Course::Unknown,
        };
        PathReading { course, hops: 9 }
    }

    fn denied(&self) -> Option<Denied> {
        self.denied.map(|by| Denied { address: self.address, by })
    }

    fn contact(&self, started: Timestamp) -> Option<Contact> {
        self.denied.is_none().then(|| shaken(self.address, self.answered, started))
    }
}

fn shaken(address: IpAddr, answered: bool, started: Timestamp) -> Contact {
    let rtt_ns = Rtt::from_ms(20.0).unwrap();
    let outcome = if answered {
        ContactOutcome::Connected { rtt_ns, samples: 3 }
    } else {
        ContactOutcome::Failed(ContactFailure::Timeout)
    };
    Contact::silent(address, 443, started, 3, outcome)
}

fn workload() -> WorkloadId {
    WorkloadId("portal".to_owned())
}

fn date(written: &toml::value::Datetime) -> Date {
    written.to_string().parse().unwrap()
}

fn duration(text: &str) -> Duration {
    let span: jiff::Span = text.parse().unwrap();
    Duration::try_from(jiff::SignedDuration::try_from(span).unwrap()).unwrap()
}
