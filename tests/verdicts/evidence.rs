//! Measurements and claims → a location and a path, with the borders that ship.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use pehra::calibration::{Calibration, Hubs, Window};
use pehra::contact::{Contact, ContactOutcome};
use pehra::dossier::{Companions, Dossier, Found, Instruments};
use pehra::location::derivation::{Change, Would};
use pehra::location::disc::Borders;
use pehra::location::fuse::{self, fuse};
use pehra::location::outlines::Outlines;
use pehra::location::path::approach::{Approach, Side};
use pehra::location::path::{Course, Way};
use pehra::location::source::names::{NameTable, Reading};
use pehra::location::source::regions::Cloud;
use pehra::location::{Claim, Grade, Place, Says, Weight};
use pehra::moment::Rtt;
use pehra::network::{Asn, NetworkKind};
use pehra::observation::{Declared, Observation, Ping, PingBest};
use pehra::place::{Coordinates, CountryCode, CountrySet, Distance, Home};
use pehra::trace::{AnswerKind, Ending, Hop, HopAnswer, Protocol, Trace};
use pehra::vantage::{Position, Vantage, VantageId};
use pehra::workload::{Jurisdiction, WorkloadId};
use serde::Deserialize;

use super::noise::Truth;

fn pakistan() -> CountryCode {
    CountryCode::PAKISTAN
}

fn target() -> IpAddr {
    IpAddr::from([203, 175, 64, 10])
}

fn one() -> u8 {
    1
}

/// The cities in which the vantages of these cases stand, with their coordinates (`GeoNames`).
pub(super) const CITIES: [(&str, f64, f64); 9] = [
    ("karachi", 24.8608, 67.0104),
    ("lahore", 31.5580, 74.3507),
    ("islamabad", 33.7215, 73.0433),
    ("quetta", 30.1841, 67.0014),
    ("frankfurt", 50.1155, 8.6842),
    ("singapore", 1.2897, 103.8501),
    ("dubai", 25.0657, 55.1713),
    ("mumbai", 19.0728, 72.8826),
    ("ashburn", 39.0437, -77.4875),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    /// The kinds of noise it stands for, by their names in `tests/README.md`.
    #[serde(default, rename = "noise")]
    _noise: Vec<String>,
    truth: Option<Truth>,
    seen_from: String,
    #[serde(default = "pakistan")]
    home: CountryCode,
    #[serde(default = "target")]
    address: IpAddr,
    #[serde(default = "one")]
    first_ttl: u8,
    #[serde(default)]
    answer: Vec<Answer>,
    #[serde(default)]
    says: Vec<Statement>,
    #[serde(default)]
    hop: Vec<WrittenHop>,
    #[serde(default)]
    landmark: Vec<WrittenLandmark>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    from: String,
    rtt_ms: f64,
    says: Option<AnswerKind>,
    /// By TCP it is a handshake on the workload's port, otherwise the end of the trace.
    by: Option<Protocol>,
    /// How many hours before the judged round.
    #[serde(default)]
    hours_before: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    source: String,
    country: Option<CountryCode>,
    asn: Option<u32>,
    #[serde(default)]
    kind: NetworkKind,
    /// The countries of a network that is in many.
    #[serde(default)]
    countries: CountrySet,
    prefix: Option<IpNet>,
    label: Option<String>,
    /// The networks of the operator that writes such labels.
    #[serde(default)]
    operator: Vec<u32>,
    /// A geofeed of these networks.
    publisher: Option<Vec<u32>>,
    /// What a cloud publishes: a region, or a service of its edges.
    cloud: Option<Cloud>,
    region: Option<String>,
    service: Option<String>,
    /// A list of anycast prefixes.
    anycast: Option<IpNet>,
    /// The statistics of a registry.
    registry: Option<String>,
    /// What the address is called, read by the table that ships; a name that says nothing is no claim.
    named: Option<String>,
    dated: Option<toml::value::Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHop {
    address: Option<IpAddr>,
    rtt_ms: Option<f64>,
    /// The times of further answers.
    #[serde(default)]
    also_ms: Vec<f64>,
    country: Option<CountryCode>,
}

/// Something of which it is known where it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLandmark {
    address: IpAddr,
    country: CountryCode,
    at: [f64; 2],
    /// In how many milliseconds it answered whom.
    answered: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    place: Place,
    grade: Grade,
    countries: Option<CountrySet>,
    #[serde(default)]
    refuted: Vec<String>,
    /// Where the holder is registered.
    registered: Option<CountrySet>,
    /// The sum of all hints, in nats.
    nats: Option<f64>,
    path: Option<Way>,
    /// Which way, and whether it comes back.
    course: Option<Course>,
    /// What the facts say, in part.
    #[serde(default)]
    because: Vec<String>,
    /// What the hops before the target say of where it is: `home`, `abroad` or `nothing`.
    approach: Option<String>,
    /// What would have changed the outcome, in words, all of it.
    would: Option<Vec<String>>,
}

#[test]
fn every_case_is_located_as_its_evidence_allows() {
    let outlines = Arc::new(Outlines::decode(include_bytes!("../../geodb/borders.gz")).expect("the map that ships"));
    super::run("evidence", |text| {
        let case: Case = toml::from_str(text).map_err(|error| error.to_string())?;
        check(&case, Borders::new(Arc::clone(&outlines)))
    });
}

fn check(case: &Case, mut borders: Borders) -> Result<(), String> {
    let subject = case.observation(&case.seen_from);
    let others: Vec<_> = case.vantages().filter(|v| *v != case.seen_from).map(|v| case.observation(&v)).collect();
    for observation in others.iter().chain([&subject]) {
        borders.meet(&observation.vantage);
    }
    let home = Home::of(case.home);
    let as_of = subject.observed;
    let calibration = case.calibration(&home, &borders);
    let instruments = Instruments { borders: &borders, home: &home, calibration: calibration.as_ref() };
    let companions = Companions::new(&others, &borders, &home);
    let dossier = Dossier::assemble(&subject, &companions, instruments, as_of, 3600);
    let found = dossier.found(case.address).expect("the address that was asked for");
    let location = &found.location;
    let refuted: Vec<_> =
        location.evidence.iter().filter(|e| e.weight == Weight::Refuted).map(|e| e.source.to_owned()).collect();
    let countries = case.expect.countries.as_ref().unwrap_or(&location.countries);
    let expected = (case.expect.place, case.expect.grade, countries, &case.expect.refuted);
    let located = (location.place, location.grade, &location.countries, &refuted);
    if expected != located {
        let evidence = serde_json::to_string_pretty(&location.evidence).unwrap();
        return Err(format!("{}\n  expected {expected:?}\n  found    {located:?}\n{evidence}", case.title));
    }
    if case.expect.registered.as_ref().is_some_and(|registered| *registered != location.registered) {
        return Err(format!("{}\n  registered in {:?}", case.title, location.registered));
    }
    let evidence = location.evidence.iter().map(ToString::to_string);
    let facts = found.facts().into_iter().map(|fact| fact.to_string());
    if let Some(unclear) = evidence.chain(facts).find(|words| words.contains("; ") || words.contains("refuted")) {
        return Err(format!("{}\n  reports join facts by ; and say themselves what is refuted: {unclear}", case.title));
    }
    let nats: f64 = location.evidence.iter().map(|evidence| evidence.nats).sum();
    if case.expect.nats.is_some_and(|expected| (expected - nats).abs() > 1e-9) {
        return Err(format!("{}\n  all hints come to {nats}: {:#?}", case.title, location.evidence));
    }
    let would: Vec<_> = found.would().iter().map(ToString::to_string).collect();
    if case.expect.would.as_ref().is_some_and(|expected| *expected != would) {
        return Err(format!("{}\n  {would:#?}", case.title));
    }
    if let Some(untrue) = found.would().into_iter().find_map(|would| untrue(&found.case, &would)) {
        return Err(format!("{}\n  {untrue}", case.title));
    }
    if let Some(truth) = &case.truth {
        let flaw = truth.flaw(borders.outlines(), case.heard());
        let wrong = flaw.or_else(|| truth.contradiction(&case.seen_from, &home, location, found.path.way()));
        if let Some(wrong) = wrong {
            return Err(format!("{}\n  {wrong}", case.title));
        }
    }
    let bearings = &found.case.approaches;
    let approach =
        bearings.iter().find(|bearing| bearing.vantage.id == subject.vantage_id()).map(|bearing| bearing.approach);
    case.expect.check_path(found, approach).map_err(|wrong| format!("{}\n  {wrong}", case.title))
}

impl Expect {
    fn check_path(&self, found: &Found<'_>, approach: Option<Approach>) -> Result<(), String> {
        let reading = found.path;
        if self.path.is_some_and(|way| way != reading.way())
            || self.course.is_some_and(|course| course != reading.course)
        {
            return Err(format!("expected a path {:?}, {:?}, read {reading:#?}", self.path, self.course));
        }
        let because: Vec<_> = found.facts().iter().map(ToString::to_string).collect();
        for part in &self.because {
            if !because.iter().any(|fact| fact.contains(part)) {
                return Err(format!("expected {part:?} among {because:#?}"));
            }
        }
        let side = match approach.map(|approach| approach.side) {
            Some(Side::Home) => "home",
            Some(Side::Abroad) => "abroad",
            None => "nothing",
        };
        match &self.approach {
            Some(expected) if expected != side => Err(format!("expected an approach from {expected}, found {side}")),
            Some(_) | None => Ok(()),
        }
    }
}

/// What comes of a change instead of what was foretold.
fn untrue(case: &fuse::Case<'_>, would: &Would<'_>) -> Option<String> {
    let Change::Sooner { vantage, ms } = &would.change else { return None };
    let mut case = case.clone();
    for disc in case.own.iter_mut().chain(&mut case.others).filter(|disc| disc.vantage.id == *vantage) {
        disc.rtt = Rtt::from_ms(ms * 0.999)?;
    }
    let found = fuse(&case);
    let comes_true = (found.place, found.grade) == (would.place, would.grade);
    (!comes_true).then(|| format!("{would}, but is {} ({})", found.place, found.grade))
}

/// What is declared of the workload of every case.
pub(super) fn portal() -> Declared {
    Declared {
        workload: WorkloadId("portal".to_owned()),
        entity: String::new(),
        jurisdiction: Jurisdiction("federal".to_owned()),
        class: None,
        provider: None,
    }
}

impl Case {
    /// Every vantage that got an answer, and the one that looks.
    fn vantages(&self) -> impl Iterator<Item = String> {
        self.answer.iter().map(|answer| answer.from.clone())
    }

    /// Who heard an answer, where that vantage says it stands, and how soon: none that somebody else gave in its name, and
    /// none of another time.
    fn heard(&self) -> impl Iterator<Item = (&str, Coordinates, f64)> {
        let answers = self.answer.iter().filter(|answer| answer.says.is_none() && answer.hours_before == 0);
        answers.filter_map(|Answer { from, rtt_ms, .. }| {
            Some((from.as_str(), vantage(from).position?.coordinates, *rtt_ms))
        })
    }

    fn observation(&self, city: &str) -> Observation {
        let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let hours = self.answer.iter().find(|answer| answer.from == city).map_or(0, |answer| answer.hours_before);
        let observed = noon - SignedDuration::from_hours(hours);
        let trace = self.trace(city, observed);
        let hops =
            self.hop.iter().filter_map(|hop| Some(claim(hop.address?, "dbip-country", Says::Country(hop.country?))));
        let claims = self.says.iter().filter_map(|says| says.claim(self.address)).chain(hops).collect();
        let endpoint = self.address.to_string().parse().unwrap();
        let begun = Observation::begun(endpoint, portal(), vantage(city), observed);
        let contacts = self.contact(city, observed).into_iter().collect();
        Observation { traces: vec![trace], contacts, claims, ..begun }
    }

    /// The hops, if this is the vantage that looks, and the answer of the target, if it got one.
    fn trace(&self, city: &str, started: Timestamp) -> Trace {
        let target = self.address;
        let unstated = AnswerKind::Unstated;
        let on_the_way = self.hop.iter().filter(|_| city == self.seen_from).map(|hop| {
            let times = hop.rtt_ms.iter().chain(&hop.also_ms);
            hop.address
                .into_iter()
                .flat_map(|from| times.clone().map(move |ms| hop_answer(from, *ms, unstated)))
                .collect()
        });
        let last = self.answer.iter().find(|answer| answer.from == city && answer.by != Some(Protocol::Tcp));
        let last: Vec<_> =
            last.map(|answer| hop_answer(target, answer.rtt_ms, answer.says.unwrap_or(unstated))).into_iter().collect();
        let ending = if last.is_empty() { Ending::Silent } else { Ending::Reached };
        let hop = |(index, answers): (usize, Vec<HopAnswer>)| Hop {
            ttl: self.first_ttl + u8::try_from(index).unwrap(),
            silent: u8::from(answers.is_empty()),
            answers,
            inherited: None,
        };
        let hops = on_the_way.chain([last]).enumerate().map(hop).collect();
        Trace { target, protocol: Protocol::Icmp, started, port: None, flow: Some(7), hops, ending }
    }
}

impl Case {
    /// What follows from the landmarks, if any are written.
    fn calibration(&self, home: &Home, borders: &Borders) -> Option<Calibration> {
        let mut calibration = Calibration::new(home, Arc::new(Hubs::shipped()), Window::Around);
        for WrittenLandmark { address, country, at: [latitude, longitude], answered } in &self.landmark {
            for (city, ms) in answered {
                let mut seen = self.observation(city);
                let coordinates = Some(Coordinates::new(*latitude, *longitude).unwrap());
                let says = Says::Landmark { name: address.to_string(), country: *country, coordinates };
                let best = PingBest { rtt_ns: Rtt::from_ms(*ms).unwrap(), samples: 3 };
                let (started, protocol) = (seen.observed, Protocol::Icmp);
                let ping = Ping { address: *address, protocol, started, attempts: 3, resets: 0, best: Some(best) };
                seen.endpoint = address.to_string().parse().unwrap();
                (seen.traces, seen.contacts, seen.pings) = (Vec::new(), Vec::new(), vec![ping]);
                seen.claims = vec![claim(*address, "landmarks", says)].into();
                calibration.handle_observation(&seen, borders);
            }
        }
        calibration.finish();
        (!self.landmark.is_empty()).then_some(calibration)
    }

    /// The handshake of a vantage that got one.
    fn contact(&self, city: &str, started: Timestamp) -> Option<Contact> {
        let answer = self.answer.iter().find(|answer| answer.from == city && answer.by == Some(Protocol::Tcp))?;
        let outcome = ContactOutcome::Connected { rtt_ns: Rtt::from_ms(answer.rtt_ms).unwrap(), samples: 3 };
        Some(Contact::silent(self.address, 443, started, 3, outcome))
    }
}

fn hop_answer(from: IpAddr, ms: f64, kind: AnswerKind) -> HopAnswer {
    HopAnswer { from, rtt_ns: Rtt::from_ms(ms).unwrap(), kind, late: false, unmatched: false, extras: None }
}

fn named(name: &str) -> Option<Says> {
    let table = NameTable::parse(include_bytes!("../../geodb/rdns.csv")).expect("the table that ships");
    let Reading { code, place, country, operator } = table.read(name)?;
    let (name, code, place) = (name.to_owned(), code.to_owned(), place.to_owned());
    Some(Says::Named { name, code, place, country, operator: operator.to_vec() })
}

impl Statement {
    fn claim(&self, about: IpAddr) -> Option<Claim> {
        let says = match &self.named {
            Some(name) => named(name)?,
            None => self.published().unwrap_or_else(|| self.said()),
        };
        Some(Claim {
            dated: self.dated.map(|day| day.to_string().parse().unwrap()),
            ..claim(about, &self.source, says)
        })
    }

    /// What the sources say that come from files of others.
    fn published(&self) -> Option<Says> {
        let country = || self.country.expect("a country");
        if let Some(publisher) = &self.publisher {
            let (prefix, publisher) = (self.prefix?, publisher.iter().copied().map(Asn).collect());
            Some(Says::Geofeed { prefix, country: country(), publisher })
        } else if let Some(provider) = self.cloud {
            Some(match (&self.region, &self.service) {
                (Some(region), None) => Says::Region { provider, region: region.clone(), country: country() },
                (None, Some(service)) => Says::Edge { provider, service: service.clone() },
                _ => panic!("{} names either a region or a service", self.source),
            })
        } else if let Some(registry) = &self.registry {
            Some(Says::Delegated { registry: registry.clone(), country: country() })
        } else {
            self.anycast.map(|prefix| Says::Anycast { prefix })
        }
    }

    fn said(&self) -> Says {
        match (self.asn, self.prefix, &self.label, self.country) {
            (Some(asn), None, None, country) => {
                let (name, kind, countries) = ("Example Networks".to_owned(), self.kind, self.countries);
                Says::Announced { asn: Asn(asn), name, kind, country, countries }
            }
            (None, Some(prefix), None, Some(country)) => Says::Registered { prefix, country },
            (None, None, Some(label), Some(country)) => {
                let operator = self.operator.iter().copied().map(Asn).collect();
                Says::Serving { label: label.clone(), place: String::new(), country, operator }
            }
            (None, None, None, Some(country)) => Says::Country(country),
            (None, None, None, None) => Says::NoEntry,
            _ => panic!("{} says two things at once", self.source),
        }
    }
}

fn claim(about: IpAddr, source: &str, says: Says) -> Claim {
    Claim { about, source: source.to_owned(), dated: None, says }
}

fn vantage(city: &str) -> Vantage {
    let id = VantageId(city.to_owned());
    if city == "nowhere" {
        return Vantage { id, position: None, asn: None };
    }
    let (_, latitude, longitude) = CITIES.iter().find(|(name, ..)| *name == city).expect("a city of the table");
    let coordinates = Coordinates::new(*latitude, *longitude).unwrap();
    Vantage { id, position: Some(Position { coordinates, uncertainty: Distance::from_km(5.0) }), asn: None }
}
