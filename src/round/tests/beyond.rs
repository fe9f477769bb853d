//! The hosts that an endpoint depends on or sends people to.

use super::*;
use crate::contact::exchange::{self, Exchange};
use crate::network::AddressScope;
use crate::resolution::zone::{MailExchanger, NameServer, Zone};

/// Settings for a round that asks everything but for traces.
fn all(endpoint: &str) -> RoundSettings {
    let mut settings = settings(endpoint, &["system"]);
    settings.probing.protocols.clear();
    (settings.probing.beyond.converse, settings.probing.beyond.zone) = (true, true);
    settings
}

/// Answers every lookup by `names`, and gives what is left to answer.
fn resolve(round: &mut Round, names: &[(&str, &[&str])]) -> Vec<Ask> {
    let mut others = Vec::new();
    loop {
        let asked = asks(round);
        if asked.is_empty() {
            return others;
        }
        for ask in asked {
            match &ask {
                Ask::Lookup { name, family: AddressFamily::A, .. } => {
                    let known = names.iter().find(|(known, _)| *known == name.as_str());
                    round.handle_resolution(answer(&ask, known.map_or(&[], |(_, addresses)| addresses)), start());
                }
                Ask::Lookup { .. } => round.handle_resolution(answer(&ask, &[]), start()),
                Ask::Trace(_)
                | Ask::Contact(_)
                | Ask::Visit(_)
                | Ask::Pointer { .. }
                | Ask::Zone { .. }
                | Ask::Claims { .. } => {
                    others.push(ask);
                }
            }
        }
    }
}

fn zone(servers: &[&str], mail: &[&str]) -> Zone {
    let (name, view) = ("a.example.gov.pk".parse().unwrap(), View("system".to_owned()));
    let mut zone = Zone::unknown(name, view, start().wall, NameFailure::Refused);
    zone.apex = Some("example.gov.pk".parse().unwrap());
    zone.servers = servers.iter().map(|name| NameServer { name: name.parse().unwrap(), answers: Vec::new() }).collect();
    zone.mail = mail.iter().map(|name| MailExchanger { preference: 10, name: name.parse().unwrap() }).collect();
    zone
}

/// The contact that `ask` wants, whose page sends people to `redirect`.
fn page(ask: &Ask, redirect: &str) -> Contact {
    let (Ask::Contact(call) | Ask::Visit(call)) = ask else { panic!("{ask:?} is no contact") };
    let outcome = ContactOutcome::Connected { rtt_ns: Rtt::from_duration(Duration::from_millis(7)), samples: 1 };
    let answer = exchange::Answer {
        status: 302,
        took_ns: Rtt::from_duration(Duration::from_millis(9)),
        headers: Vec::new(),
        body_bytes: 0,
        body_cut: false,
        redirect: Some(redirect.to_owned()).filter(|to| !to.is_empty()),
        resources: Vec::new(),
        resources_left_out: 0,
    };
    let exchanges = vec![Exchange { url: "https://page/".to_owned(), outcome: HttpOutcome::Answered(answer) }];
    let silent = Contact::silent(call.address, call.port, start().wall, 1, outcome);
    Contact { speech: call.speech.clone(), exchanges, ..silent }
}

fn spoken(ask: &Ask) -> String {
    let (Ask::Contact(call) | Ask::Visit(call)) = ask else { panic!("{ask:?} is no contact") };
    let Call { address, port, speech, .. } = call;
    match speech {
        Speech::Nothing => format!("{address} {port}"),
        Speech::Http(request) => format!("{address} {port} {}{}", request.host, request.path),
        Speech::Smtp { name } => format!("{address} {port} mail {name}"),
    }
}

fn spoken_to(asks: &[Ask]) -> Vec<String> {
    asks.iter().filter(|ask| matches!(ask, Ask::Contact(_) | Ask::Visit(_))).map(spoken).collect()
}

const NAMES: [(&str, &[&str]); 6] = [
    ("a.example.gov.pk", &["175.107.63.150"]),
    ("ns1.example.gov.pk", &["175.107.63.1", "175.107.63.2"]),
    ("ns2.example.com", &["198.41.0.4"]),
    ("mail.example.com", &["198.41.0.25"]),
    ("login.example.com", &["198.41.0.80", "198.41.0.81"]),
    ("inside.example.com", &["127.0.0.1", "169.254.169.254", "10.0.0.1", "203.0.113.7"]),
];

#[test]
fn who_serves_the_zone_and_takes_its_mail_is_looked_up_and_spoken_to() {
    let mut round = Round::new(all("https://a.example.gov.pk"), start());
    let asked = resolve(&mut round, &NAMES);
    assert!(asked.iter().any(|ask| matches!(ask, Ask::Zone { .. })));
    assert_eq!(spoken_to(&asked), ["175.107.63.150 443 a.example.gov.pk/"]);
    let zone = zone(&["ns1.example.gov.pk", "ns2.example.com"], &["mail.example.com", "a.example.gov.pk"]);
    round.handle_zone(zone, start());
    let more = resolve(&mut round, &NAMES);
    let expected = [
        "175.107.63.150 25 mail a.example.gov.pk",
        "175.107.63.1 53",
        "175.107.63.2 53",
        "198.41.0.4 53",
        "198.41.0.25 25 mail mail.example.com",
    ];
    assert_eq!(spoken_to(&more), expected);
    for ask in asked.iter().chain(&more).filter(|ask| matches!(ask, Ask::Contact(_) | Ask::Visit(_))) {
        round.handle_contact(page(ask, ""), start());
    }
    let claims = asks(&mut round);
    assert!(targets(&claims)[0].1.contains("198.41.0.25"), "it is asked where they are");
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), start());
    let seen = observed(&mut round);
    let related: Vec<_> =
        seen.related.iter().map(|one| (one.role, one.host.to_string(), one.addresses().len())).collect();
    assert_eq!(
        related,
        [
            (Role::NameServer, "ns1.example.gov.pk".to_owned(), 2),
            (Role::NameServer, "ns2.example.com".to_owned(), 1),
            (Role::Mail, "a.example.gov.pk".to_owned(), 1),
            (Role::Mail, "mail.example.com".to_owned(), 1),
        ]
    );
    assert!(seen.related.iter().all(|one| one.named_by == "example.gov.pk"));
    assert_eq!(seen.addresses().len(), 1, "others' addresses are none of the endpoint's");
    assert_eq!(seen.contacts.len(), 6);
}

#[test]
fn an_address_that_was_known_as_that_of_another_host_is_looked_at_as_the_endpoints_own() {
    let mut settings = all("https://a.example.gov.pk");
    settings.views.push(View("slow".to_owned()));
    settings.probing.protocols = vec![Protocol::Icmp];
    let mut round = Round::new(settings, start());
    let (slow, quick): (Vec<_>, Vec<_>) =
        asks(&mut round).into_iter().partition(|ask| matches!(ask, Ask::Lookup { view, .. } if view.0 == "slow"));
    for ask in quick.iter().filter(|ask| matches!(ask, Ask::Lookup { .. })) {
        round.handle_resolution(answer(ask, &[]), start());
    }
    round.handle_zone(zone(&["ns2.example.com"], &[]), start());
    assert_eq!(spoken_to(&resolve(&mut round, &NAMES)), ["198.41.0.4 53"]);
    round.handle_resolution(answer(&slow[0], &["198.41.0.4"]), start());
    let asked = targets(&asks(&mut round));
    assert_eq!(asked[0], ("trace", "198.41.0.4 icmp".to_owned()));
    assert_eq!(asked[1], ("contact", "198.41.0.4 443".to_owned()));
}

/// Follows what `round` asks, where every page sends people to what `to` says of it. Gives the pages in order.
fn wander(round: &mut Round, to: impl Fn(&str) -> &'static str) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        let asked = resolve(round, &NAMES);
        let contacts: Vec<_> = asked.iter().filter(|ask| matches!(ask, Ask::Contact(_) | Ask::Visit(_))).collect();
        for ask in asked.iter().filter(|ask| matches!(ask, Ask::Zone { .. })) {
            let Ask::Zone { .. } = ask else { continue };
            round.handle_zone(zone(&[], &[]), start());
        }
        if contacts.is_empty() {
            return pages;
        }
        for ask in contacts {
            let spoken = spoken(ask);
            round.handle_contact(page(ask, to(&spoken)), start());
            pages.push(spoken);
        }
    }
}

#[test]
fn redirects_are_followed_hop_by_hop_and_each_host_is_looked_up() {
    let mut round = Round::new(all("http://a.example.gov.pk"), start());
    let pages = wander(&mut round, |page| match page {
        "175.107.63.150 80 a.example.gov.pk/" => "https://a.example.gov.pk/home",
        "175.107.63.150 443 a.example.gov.pk/home" => "https://login.example.com/sso?from=a",
        _ => "",
    });
    let expected = [
        "175.107.63.150 80 a.example.gov.pk/",
        "175.107.63.150 443 a.example.gov.pk/home",
        "198.41.0.80 443 login.example.com/sso?from=a",
    ];
    assert_eq!(pages, expected, "to another host at one of its addresses");
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), start());
    let seen = observed(&mut round);
    let related: Vec<_> = seen.related.iter().map(|one| (one.role, one.host.to_string())).collect();
    assert_eq!(related, [(Role::Redirect, "login.example.com".to_owned())]);
    assert_eq!(seen.related[0].addresses().len(), 2, "all of its addresses are judged");
}

#[test]
fn where_one_address_of_a_host_does_not_answer_the_next_is_asked() {
    let mut round = Round::new(all("https://a.example.gov.pk"), start());
    let asked = resolve(&mut round, &NAMES);
    let own = asked.iter().find(|ask| matches!(ask, Ask::Contact(_))).unwrap();
    round.handle_contact(page(own, "https://login.example.com/"), start());
    for address in ["198.41.0.80", "198.41.0.81"] {
        let asked = resolve(&mut round, &NAMES);
        assert_eq!(spoken_to(&asked), [format!("{address} 443 login.example.com/")]);
        let outcome = ContactOutcome::Failed(ContactFailure::Timeout);
        round.handle_contact(Contact { outcome, exchanges: Vec::new(), ..page(&asked[0], "") }, start());
    }
    assert_eq!(spoken_to(&resolve(&mut round, &NAMES)), [""; 0], "no third");
}

#[test]
fn redirects_end_after_as_many_as_are_wanted() {
    for (redirects, expected) in [(0, 1), (3, 4), (5, 6)] {
        let mut settings = all("https://a.example.gov.pk");
        settings.probing.beyond.redirects = redirects;
        let mut round = Round::new(settings, start());
        let pages = wander(&mut round, |page| match page.bytes().filter(|byte| *byte == b'z').count() {
            0 => "https://login.example.com/z",
            1 => "https://a.example.gov.pk/zz",
            2 => "https://a.example.gov.pk/zzz",
            3 => "https://a.example.gov.pk/zzzz",
            4 => "https://a.example.gov.pk/zzzzz",
            _ => "https://a.example.gov.pk/zzzzzz",
        });
        assert_eq!(pages.len(), expected, "{pages:?}");
    }
    let mut round = Round::new(all("https://a.example.gov.pk"), start());
    let pages = wander(&mut round, |_| "https://a.example.gov.pk/");
    assert_eq!(pages.len(), 1, "a page that sends people to itself is asked for once");
}

#[test]
fn nobody_sends_us_to_addresses_of_our_own_network() {
    for redirect in [
        "https://inside.example.com/latest/meta-data/",
        "http://127.0.0.1:9090/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://255.255.255.255/",
        "http://224.0.0.1/",
    ] {
        let mut round = Round::new(all("https://a.example.gov.pk"), start());
        let pages = wander(&mut round, |page| if page.starts_with("175.") { redirect } else { "" });
        let elsewhere: Vec<_> = pages.iter().filter(|page| !page.starts_with("175.")).collect();
        let is_global = |page: &&String| AddressScope::of(page.split(' ').next().unwrap().parse().unwrap()).is_global();
        assert!(elsewhere.iter().all(is_global), "{redirect}: {elsewhere:?}");
        assert!(elsewhere.is_empty(), "{redirect}: {elsewhere:?}");
        round.handle_claims(Claims::default(), Vec::new(), Vec::new(), start());
        let seen = observed(&mut round);
        assert_eq!(seen.related.len(), 1, "it is known all the same that people are sent there: {redirect}");
    }
}

#[test]
fn a_zone_cannot_aim_us_at_our_own_network_either() {
    let mut round = Round::new(all("https://a.example.gov.pk"), start());
    let asked = resolve(&mut round, &NAMES);
    assert_eq!(asked.len(), 2);
    round.handle_zone(zone(&["inside.example.com"], &["inside.example.com"]), start());
    assert_eq!(spoken_to(&resolve(&mut round, &NAMES)), [""; 0]);
}

#[test]
fn what_is_missing_at_the_deadline_is_recorded_as_missing_here_too() {
    let begun = start();
    let mut round = Round::new(all("https://a.example.gov.pk"), begun);
    let _asked = resolve(&mut round, &NAMES);
    round.handle_timeout(begun.after(DEADLINE));
    let claims = asks(&mut round);
    assert_eq!(claims.len(), 1);
    round.handle_zone(zone(&["ns2.example.com"], &[]), begun.after(DEADLINE));
    assert_eq!(asks(&mut round), [], "it is too late for that");
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), begun.after(DEADLINE));
    let seen = observed(&mut round);
    assert_eq!(seen.zone.unwrap().failures, [("SOA".to_owned(), NameFailure::Timeout)]);
    let missing = ContactOutcome::Failed(ContactFailure::Timeout);
    assert_eq!((seen.contacts.len(), &seen.contacts[0].outcome), (1, &missing));
    assert!(matches!(seen.contacts[0].speech, Speech::Http(_)), "it is known what was to be said");
}

#[test]
fn every_view_is_asked_for_a_name_that_nobody_has() {
    let mut settings = settings("https://a.example.gov.pk", &["system", "isp"]);
    settings.probing.protocols.clear();
    settings.canary = canary(&settings.endpoint, 7);
    let mut round = Round::new(settings, start());
    let made_up: &[(&str, &[&str])] = &[("x0000000000000007.example.gov.pk", &["10.10.34.36"])];
    assert_eq!(spoken_to(&resolve(&mut round, made_up)), [""; 0], "nobody speaks to what was made up");
    round.handle_claims(Claims::default(), Vec::new(), Vec::new(), start());
    let seen = observed(&mut round);
    assert_eq!(seen.canaries.iter().map(|canary| canary.view.to_string()).collect::<Vec<_>>(), ["isp", "system"]);
    assert!(seen.canaries.iter().all(|canary| matches!(canary.outcome, Outcome::Answered(_))));
    assert_eq!(seen.resolutions.len(), 4);
    assert!(seen.addresses().is_empty() && seen.related.is_empty());
    assert_eq!(canary(&"https://175.107.63.150".parse().unwrap(), 7), None);
    assert_eq!(canary(&"https://localhost".parse().unwrap(), 7), None);
}
