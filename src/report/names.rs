//! What names lead to an endpoint and away from it, and what its addresses said when they were spoken to: one row a fact.
//!
//! Most of it was written by strangers: it is shown printable, each text cut, and of everything only so much.

use std::net::IpAddr;

use serde::Serialize;

use super::Line;
use crate::contact::Contact;
use crate::contact::certificate::{Session, Tls, TlsFailure, Trust};
use crate::contact::exchange::{Exchange, HttpFailure, HttpOutcome};
use crate::contact::greeting::{Greeting, GreetingFailure};
use crate::dossier::{Found, Kin};
use crate::location::{Grade, Place};
use crate::observation::Role;
use crate::place::CountrySet;
use crate::printable::Printable;
use crate::resolution::zone::{Canary, Zone};
use crate::resolution::{AddressFamily, Outcome, Resolution};
use crate::workload::Host;

/// The most rows of one kind.
const ROWS: usize = 24;

/// The most addresses, names or issuers in one row.
const LISTED: usize = 8;

/// A host that the endpoint depends on or sends people to, as a line shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Relative<'a> {
    /// The host.
    pub host: &'a Host,
    /// What it is to the endpoint.
    pub role: Role,
    /// What named it.
    pub named_by: &'a str,
    /// Where it is.
    pub addresses: Vec<Placed>,
}

/// Where one address is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Placed {
    /// The address.
    pub address: IpAddr,
    /// Where it is.
    pub place: Place,
    /// How well that is known.
    pub grade: Grade,
    /// The countries left.
    pub countries: CountrySet,
}

impl<'a> From<&'a Kin<'a>> for Relative<'a> {
    fn from(kin: &'a Kin<'a>) -> Self {
        let addresses = kin.found.iter().map(Placed::from).collect();
        Self { host: &kin.host, role: kin.role, named_by: kin.named_by, addresses }
    }
}

impl From<&Found<'_>> for Placed {
    fn from(found: &Found<'_>) -> Self {
        let location = &found.location;
        let (address, place) = (location.address, location.place);
        Self { address, place, grade: location.grade, countries: location.countries }
    }
}

/// The rows of what concerns the endpoint as a whole.
pub(super) fn of_endpoint(line: &Line<'_>) -> Vec<String> {
    let mut rows = bounded(line.resolutions.iter().map(view_row), "more answers");
    rows.extend(bounded(line.canaries.iter().map(canary_row), "more such answers"));
    let operated = line.operators.iter().map(|claim| {
        let operator = Printable(&claim.operator);
        format!("name      {} is below {}: {operator}, {}", claim.name, claim.suffix, claim.country)
    });
    rows.extend(bounded(operated, "more such names"));
    rows.extend(line.zone.map(zone_row));
    let relatives = line.related.iter().filter(|relative| relative.role != Role::Resource);
    rows.extend(bounded(relatives.map(|relative| relative_row(relative, line.zone)), "more hosts"));
    let resources: Vec<_> = line.related.iter().filter(|relative| relative.role == Role::Resource).collect();
    rows.extend(bounded(resources.into_iter().map(|relative| relative_row(relative, None)), "more hosts"));
    rows
}

/// The rows of what one address said.
pub(super) fn of_address(line: &Line<'_>) -> Vec<String> {
    let mut rows = bounded(line.contacts.iter().flat_map(|contact| contact_rows(contact)), "more answers");
    let label = |label: &crate::contact::pop::PopLabel| {
        format!("label     {}: {}", Printable(&label.source), Printable(&label.label))
    };
    rows.extend(bounded(line.labels.iter().map(label), "more labels"));
    rows
}

fn bounded(rows: impl Iterator<Item = String>, more: &str) -> Vec<String> {
    let mut rows: Vec<_> = rows.collect();
    let left_out = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    if left_out > 0 {
        rows.push(format!("          and {left_out} {more}"));
    }
    rows
}

fn listed<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let all: Vec<_> = items.into_iter().collect();
    let shown: Vec<_> = all.iter().take(LISTED).map(ToString::to_string).collect();
    let left_out = all.len().saturating_sub(LISTED);
    let more = if left_out > 0 { format!(" and {left_out} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn view_row(resolution: &Resolution) -> String {
    let family = match resolution.family {
        AddressFamily::A => "A",
        AddressFamily::Aaaa => "AAAA",
    };
    let view = Printable(&resolution.view.0);
    let aliases: Vec<_> = resolution.aliases().map(|alias| &alias.target).collect();
    let way = if aliases.is_empty() { String::new() } else { format!(" by way of {}", listed(aliases)) };
    let of = resolution.subnet.map_or_else(String::new, |subnet| format!(" for {}", subnet.prefix));
    format!("view      {view}{of}: {family} {}{way}", outcome(&resolution.outcome))
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(answer) => {
            let more = if answer.left_out > 0 { format!(" ({} left out)", answer.left_out) } else { String::new() };
            format!("{}{more}", listed(answer.addresses.iter().map(|found| found.address)))
        }
        Outcome::Failed(failure) => failure.as_str().to_owned(),
    }
}

fn canary_row(canary: &Canary) -> String {
    let says = outcome(&canary.outcome);
    format!("canary    {}: {says} for {}, which nobody has", Printable(&canary.view.0), canary.name)
}

fn zone_row(zone: &Zone) -> String {
    let apex = zone.apex.as_ref().map_or_else(|| "of unknown name".to_owned(), ToString::to_string);
    let mut row = format!("zone      {apex} by {}: {}", Printable(&zone.view.0), zone.security.as_str());
    if !zone.issuers.is_empty() {
        row.push_str("; certificates: ");
        row.push_str(&listed(zone.issuers.iter().map(|issuer| Printable(issuer))));
    }
    if !zone.services.is_empty() {
        row.push_str("; HTTPS: ");
        row.push_str(&listed(zone.services.iter().map(|service| &service.target)));
    }
    if !zone.failures.is_empty() {
        let failed = zone.failures.iter().map(|(kind, failure)| format!("{} {}", Printable(kind), failure.as_str()));
        row.push_str("; not known: ");
        row.push_str(&listed(failed));
    }
    row
}

fn relative_row(relative: &Relative<'_>, zone: Option<&Zone>) -> String {
    let places = relative.addresses.iter().map(|placed| {
        let Placed { address, place, grade, countries } = placed;
        let countries = if countries.is_empty() { String::new() } else { format!(" {countries}") };
        let itself = calls_itself(*address, zone).filter(|_| relative.role == Role::NameServer);
        let itself = itself.map_or_else(String::new, |name| format!(", calls itself {}", Printable(name)));
        format!("{address} {place} ({grade}){countries}{itself}")
    });
    let places = if relative.addresses.is_empty() { "no address".to_owned() } else { listed(places) };
    format!("{:<10}  {} by {}: {places}", word(relative.role), relative.host, Printable(relative.named_by))
}

fn word(role: Role) -> &'static str {
    match role {
        Role::NameServer => "nameserver",
        Role::Mail => "mail",
        Role::Redirect => "redirect",
        Role::Resource => "resource",
    }
}

fn calls_itself(address: IpAddr, zone: Option<&Zone>) -> Option<&str> {
    let mut answers = zone?.servers.iter().flat_map(|server| &server.answers);
    answers.find(|answer| answer.address == address)?.calls_itself.as_deref()
}

fn contact_rows(contact: &Contact) -> Vec<String> {
    let row = |says: String| format!("contact   port {}: {says}", contact.port);
    let tls = contact.tls.iter().map(|tls| match tls {
        Tls::Established(session) => session_words(session),
        Tls::Failed(failure) => format!("no TLS: {}", of_tls(*failure)),
    });
    let greeting = contact.greeting.iter().map(greeting_words);
    let exchanges = contact.exchanges.iter().map(exchange_words);
    tls.chain(greeting).chain(exchanges).map(row).collect()
}

fn session_words(session: &Session) -> String {
    let trust = match &session.trust {
        Trust::Trusted => "trusted".to_owned(),
        Trust::WrongName => format!("not for {}", session.name),
        Trust::NotInTime => "not valid at this time".to_owned(),
        Trust::UnknownIssuer => "by nobody who is trusted".to_owned(),
        Trust::Invalid(why) => format!("invalid: {}", Printable(why)),
    };
    let shown = session.chain.first().map_or_else(
        || "no certificate".to_owned(),
        |own| {
            let country = own.issuer_country.as_deref().map_or_else(String::new, |c| format!(" ({})", Printable(c)));
            let (subject, issuer) = (Printable(&own.subject), Printable(&own.issuer));
            format!("{subject}, issued by {issuer}{country}, valid until {:.0}", own.not_after)
        },
    );
    format!("{} in {:.3} ms: {shown}; {trust}", Printable(&session.version), session.rtt_ns.ms())
}

fn of_tls(failure: TlsFailure) -> &'static str {
    match failure {
        TlsFailure::Timeout => "nothing came in time",
        TlsFailure::Closed => "the connection was closed",
        TlsFailure::Refused => "it was refused",
        TlsFailure::Malformed => "what came is none",
    }
}

fn greeting_words(greeting: &Greeting) -> String {
    match greeting {
        Greeting::Heard { code, text, starttls } => {
            let offer = if *starttls { "offers STARTTLS" } else { "offers no STARTTLS" };
            format!("greets {code} {}; {offer}", Printable(text))
        }
        Greeting::Failed(GreetingFailure::Timeout) => "no greeting came in time".to_owned(),
        Greeting::Failed(GreetingFailure::Closed) => "closed before it greeted".to_owned(),
        Greeting::Failed(GreetingFailure::Malformed) => "what came is no greeting".to_owned(),
    }
}

fn exchange_words(exchange: &Exchange) -> String {
    let url = Printable(&exchange.url);
    match &exchange.outcome {
        HttpOutcome::Answered(answer) => {
            let server = answer.headers.iter().find(|(name, _)| name == "server");
            let server = server.map_or_else(String::new, |(_, value)| format!(" by {}", Printable(value)));
            let on = answer.redirect.as_deref().map_or_else(String::new, |to| format!(", on to {}", Printable(to)));
            let resources = answer.resources.len() + answer.resources_left_out;
            let fetches = if resources > 0 { format!(", fetches from {resources} other hosts") } else { String::new() };
            format!("{url}: {}{server}{on}{fetches}", answer.status)
        }
        HttpOutcome::Failed(HttpFailure::Timeout) => format!("{url}: nothing came in time"),
        HttpOutcome::Failed(HttpFailure::Closed) => format!("{url}: the connection was closed"),
        HttpOutcome::Failed(HttpFailure::Malformed) => format!("{url}: what came is no HTTP"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::certificate::Certificate;
    use crate::contact::exchange::Answer;
    use crate::digest::Digest;
    use crate::dossier::{Companions, Dossier, Instruments};
    use crate::location::source::operators::NameClaim;
    use crate::moment::Rtt;
    use crate::observation::{Observation, Related};
    use crate::place::{CountryCode, Home};
    use crate::report::{lines, text};
    use crate::resolution::zone::{NameServer, Security, ServerAnswer, ServiceBinding};
    use crate::resolution::{Addressed, Alias, NameFailure, View};
    use crate::verdict::judge;

    const HOSTILE: &str = "x\u{1b}[2J\u{202e}\r\n";

    fn resolution(view: &str, outcome: Outcome, observation: &Observation) -> Resolution {
        Resolution {
            name: "portal.gov.pk".parse().unwrap(),
            family: AddressFamily::A,
            view: View(view.to_owned()),
            server: None,
            asked: observation.observed,
            elapsed_ns: Rtt::default(),
            outcome,
            followed: Vec::new(),
            subnet: None,
        }
    }

    fn answered(addresses: &[&str], alias: Option<&str>) -> Outcome {
        let each = |address: &&str| Addressed { address: address.parse().unwrap(), ttl: 60 };
        let alias = alias.map(|target| Alias {
            name: "portal.gov.pk".parse().unwrap(),
            target: target.parse().unwrap(),
            ttl: 60,
        });
        Outcome::Answered(crate::resolution::Answer {
            chain: alias.into_iter().collect(),
            addresses: addresses.iter().map(each).collect(),
            authenticated: false,
            left_out: 0,
        })
    }

    fn zone(observation: &Observation, says: &str) -> Zone {
        let answer = ServerAnswer {
            address: "175.107.63.53".parse().unwrap(),
            elapsed_ns: Rtt::default(),
            outcome: Outcome::Failed(NameFailure::NoData),
            authoritative: true,
            asked_for: "portal.gov.pk".parse().unwrap(),
            calls_itself: Some(says.to_owned()),
        };
        let server = NameServer { name: "ns1.gov.pk".parse().unwrap(), answers: vec![answer] };
        let target = "portal.gov.pk".parse().unwrap();
        Zone {
            name: "portal.gov.pk".parse().unwrap(),
            apex: Some("gov.pk".parse().unwrap()),
            view: View("system".to_owned()),
            asked: observation.observed,
            servers: vec![server],
            mail: Vec::new(),
            services: vec![ServiceBinding { priority: 1, target, hints: Vec::new() }],
            issuers: vec![says.to_owned()],
            security: Security::Insecure,
            failures: vec![("MX".to_owned(), NameFailure::Timeout)],
        }
    }

    fn spoken(contact: &mut Contact, says: &str) {
        let certificate = Certificate {
            sha256: Digest::ZERO,
            subject: format!("CN={says}"),
            issuer: says.to_owned(),
            issuer_country: Some(says.to_owned()),
            names: Vec::new(),
            not_before: contact.started,
            not_after: contact.started,
        };
        contact.tls = Some(Tls::Established(Session {
            name: "portal.gov.pk".parse().unwrap(),
            version: "TLSv1.3".to_owned(),
            rtt_ns: Rtt::from_ms(12.5).unwrap(),
            chain: vec![certificate],
            trust: Trust::WrongName,
        }));
        contact.greeting = Some(Greeting::Heard { code: 220, text: says.to_owned(), starttls: true });
        let headers = [("server", says), ("cf-ray", "8f2a-KHI")];
        let answer = Answer {
            status: 302,
            took_ns: Rtt::default(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body_bytes: 0,
            body_cut: false,
            redirect: Some(format!("https://{says}/")),
            resources: vec!["fonts.example.com".parse().unwrap()],
            resources_left_out: 2,
        };
        contact.exchanges =
            vec![Exchange { url: format!("https://portal.gov.pk/{says}"), outcome: HttpOutcome::Answered(answer) }];
    }

    fn seen(says: &str) -> Observation {
        let mut seen = crate::entry::tests::observation("here", "https://portal.gov.pk");
        let address = seen.contacts[0].address.to_string();
        seen.resolutions = vec![
            resolution("system", answered(&[&address], Some("d1.cloudfront.net")), &seen),
            resolution(says, Outcome::Failed(NameFailure::ServerFailure), &seen),
        ];
        let name = "q7.gov.pk".parse().unwrap();
        seen.canaries = vec![Canary { view: View(says.to_owned()), name, outcome: answered(&["10.1.1.1"], None) }];
        seen.operators = vec![NameClaim {
            name: "d1.cloudfront.net".parse().unwrap(),
            suffix: "cloudfront.net".parse().unwrap(),
            operator: says.to_owned(),
            country: "US".parse().unwrap(),
            source: "a page".to_owned(),
        }];
        seen.zone = Some(zone(&seen, says));
        let host = "login.example.com".parse().unwrap();
        seen.related = vec![Related { host, role: Role::Redirect, named_by: says.to_owned(), resolutions: Vec::new() }];
        spoken(&mut seen.contacts[0], says);
        seen
    }

    /// The lines of an observation, as text and as JSON.
    fn told(seen: &Observation) -> (Vec<String>, Vec<serde_json::Value>) {
        let home = Home::of(CountryCode::PAKISTAN);
        let (borders, policy) =
            (crate::location::disc::tests::without_land(), crate::config::built_in_policy(home.clone()).unwrap());
        let instruments = Instruments { borders: &borders, home: &home, calibration: None };
        let dossier = Dossier::assemble(seen, &Companions::default(), instruments, seen.observed, 60);
        let verdict = judge(&dossier, &policy).in_words();
        let lines = lines(&dossier, &verdict, &policy);
        let json = lines.iter().map(|line| serde_json::to_value(line).unwrap()).collect();
        (lines.iter().map(text::explained).collect(), json)
    }

    #[test]
    fn what_was_asked_and_said_is_told_in_rows_and_fields() {
        let seen = seen("isp");
        let address = seen.contacts[0].address;
        let (text, json) = told(&seen);
        let rows: Vec<_> = text[0].lines().map(str::trim).collect();
        for row in [
            format!("view      system: A {address} by way of d1.cloudfront.net").as_str(),
            "view      isp: A server-failure",
            "canary    isp: 10.1.1.1 for q7.gov.pk, which nobody has",
            "name      d1.cloudfront.net is below cloudfront.net: isp, US",
            "zone      gov.pk by system: insecure; certificates: isp; HTTPS: portal.gov.pk; not known: MX timeout",
            "nameserver  ns1.gov.pk by its zone: 175.107.63.53 unknown (indeterminate), calls itself isp",
            "redirect    login.example.com by isp: no address",
            "contact   port 443: TLSv1.3 in 12.500 ms: CN=isp, issued by isp (isp), valid until 2026-11-21T10:00:00Z; not \
             for portal.gov.pk",
            "contact   port 443: greets 220 isp; offers STARTTLS",
            "contact   port 443: https://portal.gov.pk/isp: 302 by isp, on to https://isp/, fetches from 3 other hosts",
            "label     cf-ray: KHI",
        ] {
            assert!(rows.contains(&row), "{row}\n{}", text[0]);
        }
        assert_eq!(json[0]["resolutions"].as_array().unwrap().len(), 2);
        assert_eq!(json[0]["zone"]["security"], "insecure");
        assert_eq!(json[0]["related"][1]["addresses"][0]["place"], "unknown");
        assert_eq!(json[0]["contacts"][0]["tls"]["established"]["version"], "TLSv1.3");
        assert_eq!(json[0]["labels"][0]["label"], "KHI");
        assert_eq!(json[0]["operators"][0]["country"], "US");
        assert_eq!(json[0]["canaries"][0]["name"], "q7.gov.pk");
    }

    #[test]
    fn what_strangers_wrote_is_shown_and_not_obeyed() {
        let (text, _) = told(&seen(HOSTILE));
        for text in text {
            assert!(!text.contains(['\u{202e}', '\r']) && !text.contains("\u{1b}[2J"), "{text:?}");
            assert!(text.contains("\\u{1b}[2J"), "{text:?}");
        }
        let long = "x".repeat(100_000);
        let mut seen = seen(&long);
        // Names of views are the operator's own.
        seen.resolutions.pop();
        assert!(told(&seen).0.iter().all(|text| text.len() < 10_000));
    }

    #[test]
    fn of_many_answers_so_many_are_told_and_the_rest_is_counted() {
        let mut seen = seen("isp");
        let one = seen.resolutions[1].clone();
        seen.resolutions = vec![one; 1000];
        let (text, _) = told(&seen);
        assert!(text[0].contains("\n              and 976 more answers"), "{}", text[0]);
    }

    #[test]
    fn a_round_that_asked_for_none_of_it_says_none_of_it() {
        let mut seen = crate::entry::tests::observation("here", "https://203.101.184.84");
        seen.resolutions.clear();
        let (_, json) = told(&seen);
        for field in ["resolutions", "zone", "related", "contacts", "labels", "operators", "canaries"] {
            assert_eq!(json[0].get(field), None, "{field}");
        }
    }
}
