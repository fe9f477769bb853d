use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption, NSIDPayload};
use hickory_proto::rr::rdata::svcb::{IpHint, SVCB, SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{A, CAA, HTTPS, MX, NS, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::super::tests::{Script, TIMEOUT, address, block_on, code, name, reply, with};
use super::*;
use crate::config::probing::ProbingConfig;
use crate::config::resolver::{ResolverAddress, ResolverConfig, Transport};

const ASKED: &str = "www.example.gov.pk";
const GOOD: [u8; 4] = [203, 0, 113, 7];

fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), 60, data)
}

fn mail(owner: &str, exchange: &str) -> Record {
    record(owner, RData::MX(MX::new(10, name(exchange))))
}

fn soa() -> Record {
    let soa = SOA::new(name("ns1.example.gov.pk."), name("hostmaster.pk."), 1, 1, 1, 1, 1);
    record("example.gov.pk.", RData::SOA(soa))
}

/// What `example.gov.pk` consists of: three name servers, the third of which is said to be everybody's neighbour.
fn records_of_the_zone() -> Vec<Record> {
    let hint = SvcParamValue::Ipv4Hint(IpHint(vec![A(GOOD.into())]));
    let service = SVCB::new(1, Name::root(), vec![(SvcParamKey::Ipv4Hint, hint)]);
    let hostile = Name::from_labels([&b"<script>"[..], b"\x1b[2J", b"example"]).unwrap();
    vec![
        record("example.gov.pk.", RData::NS(NS(name("ns1.example.gov.pk.")))),
        record("example.gov.pk.", RData::NS(NS(name("ns2.elsewhere.example.")))),
        record("example.gov.pk.", RData::NS(NS(name("ns3.rebound.example.")))),
        record("example.gov.pk.", RData::NS(NS(hostile))),
        mail("example.gov.pk.", "mx.elsewhere.example."),
        record("gov.pk.", RData::CAA(CAA::new_issue(false, Some(name("ca.example.")), Vec::new()))),
        record("www.example.gov.pk.", RData::HTTPS(HTTPS(service))),
        address("ns1.example.gov.pk.", [127, 0, 0, 2]),
        address("ns2.elsewhere.example.", [127, 0, 0, 3]),
        address("ns3.rebound.example.", [127, 0, 0, 4]),
        address("ns3.rebound.example.", [169, 254, 169, 254]),
    ]
}

/// A resolver that knows `records`, and says of anything else that it is not in the zone.
fn resolver(records: Vec<Record>) -> Script {
    Script::answering(move |reply| {
        let query = reply.queries[0].clone();
        let of_name = records.iter().filter(|record| record.name == *query.name());
        let found: Vec<_> = of_name.filter(|record| record.record_type() == query.query_type()).cloned().collect();
        if found.is_empty() && query.name().to_ascii().ends_with("example.gov.pk.") {
            let mut denial = code(reply, ResponseCode::NXDomain);
            denial.add_authority(soa());
            return denial;
        }
        with(reply, found)
    })
}

fn authoritative(question: Message) -> Message {
    let mut reply = reply(question);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_available = false;
    reply
}

/// A name server that gives one address to everybody, and its own name in NSID.
fn with_nsid() -> Script {
    Script::new(|question, _| {
        let mut edns = question.edns.clone().unwrap();
        let is_asked = edns.option(EdnsCode::NSID).is_some();
        assert!(is_asked && !question.recursion_desired);
        let asked = question.queries[0].name().to_ascii();
        let mut answer = with(authoritative(question), [address(&asked, GOOD)]);
        edns.options_mut().remove(EdnsCode::NSID);
        edns.options_mut().insert(EdnsOption::NSID(NSIDPayload::new(*b"isb1 \x1b[2J").unwrap()));
        answer.set_edns(edns);
        vec![answer.to_vec().unwrap()]
    })
}

/// One that refuses, and tells its name to who asks for `id` only.
fn with_chaos(id: &'static str) -> Script {
    Script::new(move |question, _| {
        let query = question.queries[0].clone();
        let mut answer = code(authoritative(question), ResponseCode::Refused);
        if query.query_class() == DNSClass::CH && query.name().to_ascii() == id {
            answer.metadata.response_code = ResponseCode::NoError;
            let mut text = Record::from_rdata(query.name().clone(), 0, RData::TXT(TXT::new(vec!["sin2".to_owned()])));
            text.dns_class = DNSClass::CH;
            answer.add_answer(text);
        }
        vec![answer.to_vec().unwrap()]
    })
}

fn permits(address: IpAddr) -> bool {
    [[127, 0, 0, 2], [127, 0, 0, 3]].contains(&match address {
        IpAddr::V4(v4) => v4.octets(),
        IpAddr::V6(_) => return false,
    })
}

struct World {
    zones: Zones,
    resolvers: Resolvers,
    view: View,
}

impl World {
    /// One view, which is `resolver`, and the name servers at 127.0.0.2 and so on.
    async fn of(resolver: &Script, servers: &[&Script]) -> Self {
        let at = resolver.serve().await;
        for (last, server) in (2..).zip(servers) {
            server.serve_at(SocketAddr::from(([127, 0, 0, last], at.port()))).await;
        }
        let view = View("ptcl".to_owned());
        let server = ResolverAddress::Server { address: at, transport: Transport::Udp };
        let resolvers = ResolverConfig { view: view.clone(), server, timeout: TIMEOUT, subnet: None };
        let resolvers = Resolvers::open(&[resolvers], &ProbingConfig::default().round).unwrap();
        let zones = Zones { port: at.port(), ..Zones::new(Duration::from_secs(3600), Anchors::default()) };
        Self { zones, resolvers, view }
    }

    async fn zone(&self, asked: &str) -> Zone {
        self.zones.zone(&self.resolvers, &self.view, &asked.parse().unwrap(), &permits).await
    }
}

fn times(script: &Script, kind: RecordType) -> usize {
    script.asked.lock().unwrap().iter().filter(|asked| asked.queries[0].query_type() == kind).count()
}

#[test]
fn a_zone_tells_who_serves_it_and_only_who_may_be_asked_is_asked() {
    let resolver = resolver(records_of_the_zone());
    let (first, second, never) = (with_nsid(), with_chaos("hostname.bind."), with_nsid());
    let zone = block_on(async { World::of(&resolver, &[&first, &second, &never]).await.zone(ASKED).await });
    assert_eq!(zone.apex, Some("example.gov.pk".parse().unwrap()));
    let servers: Vec<_> = zone.servers.iter().map(|server| (server.name.as_str(), server.answers.len())).collect();
    assert_eq!(servers, [("ns1.example.gov.pk", 1), ("ns2.elsewhere.example", 1), ("ns3.rebound.example", 0)]);
    let (first, second) = (&zone.servers[0].answers[0], &zone.servers[1].answers[0]);
    let Outcome::Answered(answer) = &first.outcome else { panic!("{first:?}") };
    assert_eq!(answer.addresses[0].address, IpAddr::from(GOOD));
    assert!(first.authoritative && first.elapsed_ns.duration() < TIMEOUT);
    assert_eq!((first.asked_for.as_str(), first.calls_itself.as_deref()), (ASKED, Some("isb1 \\027[2J")));
    assert_eq!(second.outcome, Outcome::Failed(NameFailure::Refused));
    assert_eq!(second.calls_itself.as_deref(), Some("sin2"));
    assert_eq!(never.asked.lock().unwrap().len(), 0, "127.0.0.4 is not permitted");
    let mail: Vec<_> = zone.mail.iter().map(|mail| mail.name.as_str()).collect();
    assert_eq!((mail, zone.issuers), (vec!["mx.elsewhere.example"], vec!["issue \"ca.example.\"".to_owned()]));
    assert_eq!((zone.services[0].target.as_str(), zone.services[0].hints.as_slice()), (ASKED, &[GOOD.into()][..]));
    assert_eq!(zone.security, Security::Indeterminate, "the resolver hands on no signatures");
    assert_eq!(zone.failures, [("NS".to_owned(), NameFailure::Malformed)], "one server has no host name");
}

#[test]
fn a_zone_of_three_hundred_names_is_asked_once() {
    let mut records = records_of_the_zone();
    records.retain(|record| record.name != name("ns3.rebound.example.") && !record.data.to_string().contains('<'));
    let resolver = resolver(records);
    let (first, second) = (with_nsid(), with_chaos("id.server."));
    let zones = block_on(async {
        let world = World::of(&resolver, &[&first, &second]).await;
        let names: Vec<_> = (0..300).map(|n| format!("www{n}.example.gov.pk")).collect();
        let asked = stream::iter(names).map(|name| {
            let world = &world;
            async move { world.zone(&name).await }
        });
        let zones: Vec<_> = asked.buffer_unordered(16).collect().await;
        let again = world.zone("www7.example.gov.pk").await;
        assert!(zones.contains(&again));
        zones
    });
    assert!(zones.iter().all(|zone| zone.servers.len() == 3 && zone.mail.len() == 1 && zone.failures.is_empty()));
    assert!(zones.iter().all(|zone| zone.servers == zones[0].servers), "all of them have the same answers");
    let of_the_zone = [times(&resolver, RecordType::NS), times(&first, RecordType::A), times(&second, RecordType::A)];
    assert_eq!(of_the_zone, [1; 3]);
    assert_eq!(times(&second, RecordType::TXT), 1);
    assert_eq!(times(&resolver, RecordType::HTTPS), 300, "what is said of the name is asked of each name, once");
}

#[test]
fn what_is_missing_is_told_and_asked_again_sooner() {
    let silent = Script::new(|_, _| Vec::new());
    block_on(async {
        let world = World::of(&silent, &[]).await;
        let begun = clock::now().mono;
        let zone = world.zone(ASKED).await;
        let elapsed = clock::now().mono - begun;
        assert!(elapsed < TIMEOUT * 5 / 2, "{elapsed:?}");
        let kinds: Vec<_> = zone.failures.iter().map(|(kind, why)| (kind.as_str(), *why)).collect();
        let all = ["SOA", "MX", "CAA", "HTTPS"].map(|kind| (kind, NameFailure::Timeout));
        assert_eq!(kinds, all);
        assert_eq!((zone.apex, zone.security), (None, Security::Indeterminate));
        assert_eq!(world.zones.holds(zone.failures.iter()), TORN);
        let unknown =
            world.zones.zone(&world.resolvers, &View("other".into()), &ASKED.parse().unwrap(), &permits).await;
        assert!(unknown.failures.iter().all(|(_, why)| *why == NameFailure::Unreachable));
    });
}

#[test]
fn a_name_has_mail_and_issuers_of_its_own_or_those_of_its_zone() {
    let mut records = records_of_the_zone();
    records.push(mail("none.example.gov.pk.", "."));
    records.push(mail("own.example.gov.pk.", "mx.own.example."));
    records.push(record("own.example.gov.pk.", RData::CAA(CAA::new_issue(false, None, Vec::new()))));
    let resolver = Arc::new(resolver(records));
    block_on(async {
        let world = World::of(&resolver, &[]).await;
        let own = world.zone("own.example.gov.pk").await;
        assert_eq!(
            (own.mail[0].name.as_str(), own.issuers.as_slice()),
            ("mx.own.example", &["issue \";\"".to_owned()][..])
        );
        assert_eq!(world.zone("none.example.gov.pk").await.mail, []);
        let apex = world.zone("example.gov.pk").await;
        assert_eq!((apex.apex, apex.mail.len(), apex.issuers.len()), (Some(apex.name), 1, 1));
    });
}

#[test]
fn the_zone_of_an_alias_is_not_that_of_its_target() {
    let resolver = Script::answering(|reply| {
        let query = reply.queries[0].clone();
        let is_alias = query.name().to_ascii() == "www.example.gov.pk.";
        let mut answer = if is_alias {
            with(reply, [super::super::tests::alias("www.example.gov.pk.", "example.gov.pk.cdn.example.")])
        } else {
            reply
        };
        let target = SOA::new(name("ns.cdn.example."), name("hostmaster.pk."), 1, 1, 1, 1, 1);
        answer.add_authority(if is_alias { record("cdn.example.", RData::SOA(target)) } else { soa() });
        answer
    });
    let zone = block_on(async { World::of(&resolver, &[]).await.zone(ASKED).await });
    assert_eq!(zone.apex, Some("example.gov.pk".parse().unwrap()));
}

#[test]
fn of_a_zone_with_more_servers_than_any_has_some_of_each_are_asked() {
    let servers: Vec<_> = (0..20).map(|n| format!("ns{n:02}.example.gov.pk.")).collect();
    let mut records: Vec<_> = servers.iter().map(|it| record("example.gov.pk.", RData::NS(NS(name(it))))).collect();
    for (n, server) in (0..).zip(&servers) {
        records.extend((0..40).map(|last| address(server, [127, 1, n, last])));
    }
    let resolver = resolver(records);
    let zone = block_on(async {
        let world = World::of(&resolver, &[]).await;
        world.zones.zone(&world.resolvers, &world.view, &ASKED.parse().unwrap(), &|_| true).await
    });
    assert_eq!(zone.servers.len(), MOST_SERVERS);
    assert!(zone.servers.iter().all(|server| server.answers.len() == MOST_ASKED / MOST_SERVERS));
}
