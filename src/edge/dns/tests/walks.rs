//! The servers of zones asked themselves: a small internet of name servers on loopback addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::super::authoritative::Authoritative;
use super::*;
use crate::round::Probing;

type Server = Box<dyn Fn(Message) -> Message + Send + Sync>;

/// Name servers by the last octets of their addresses in 127.0.0.0/8; whose they are is up to what they say.
#[derive(Default)]
struct World {
    servers: BTreeMap<Ipv4Addr, Server>,
    asked: Arc<Mutex<Vec<(Ipv4Addr, Message)>>>,
}

const ROOT: Ipv4Addr = Ipv4Addr::new(127, 31, 0, 1);
const COUNTRY: Ipv4Addr = Ipv4Addr::new(127, 31, 0, 2);
const ZONE: Ipv4Addr = Ipv4Addr::new(127, 31, 0, 3);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 31, 0, 4);

impl World {
    fn server(mut self, at: Ipv4Addr, answer: impl Fn(Message) -> Message + Send + Sync + 'static) -> Self {
        self.servers.insert(at, Box::new(answer));
        self
    }

    /// A world with a root that refers `pk.` and `example.`, and whatever the others are.
    fn rooted() -> Self {
        Self::default().server(ROOT, |question| {
            if is_below(&question, "pk.") {
                refer(question, "pk.", &[("ns.pk.", Some(COUNTRY))])
            } else {
                refer(question, "example.", &[("ns.example.", Some(ELSEWHERE))])
            }
        })
    }

    /// The same with a country that refers `example.pk.` to its own server.
    fn with_country() -> Self {
        Self::rooted().server(COUNTRY, |question| refer(question, "example.pk.", &[("ns.example.pk.", Some(ZONE))]))
    }

    /// Serves it; gives the port at which all listen.
    async fn serve(self) -> (u16, Arc<Mutex<Vec<(Ipv4Addr, Message)>>>) {
        let mut port = 0;
        for (at, answer) in self.servers {
            let socket = UdpSocket::bind((at, port)).await.unwrap();
            port = socket.local_addr().unwrap().port();
            let asked = Arc::clone(&self.asked);
            tokio::spawn(async move {
                let mut datagram = [0; 2048];
                while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
                    let question = Message::from_vec(&datagram[..length]).unwrap();
                    asked.lock().unwrap().push((at, question.clone()));
                    socket.send_to(&answer(question).to_vec().unwrap(), from).await.unwrap();
                }
            });
        }
        (port, self.asked)
    }
}

fn is_below(question: &Message, zone: &str) -> bool {
    name(zone).zone_of(question.queries[0].name())
}

fn asks_for(question: &Message, asked: &str) -> bool {
    *question.queries[0].name() == name(asked)
}

/// An answer of a server that asks nobody else.
fn own(question: Message) -> Message {
    let mut reply = reply(question);
    reply.metadata.recursion_available = false;
    reply
}

/// An answer of a server of the zone.
fn of_the_zone(question: Message, answers: impl IntoIterator<Item = Record>) -> Message {
    let mut reply = own(question);
    reply.metadata.authoritative = true;
    with(reply, answers)
}

/// The name servers of the zone below, with or without their addresses.
fn refer(question: Message, zone: &str, servers: &[(&str, Option<Ipv4Addr>)]) -> Message {
    let mut reply = own(question);
    for (server, at) in servers {
        reply.add_authority(Record::from_rdata(name(zone), 3600, RData::NS(NS(name(server)))));
        reply.add_additionals(at.map(|at| address(server, at.octets())));
    }
    reply
}

fn probing(allow: &[&str]) -> Probing {
    let allow = allow.iter().map(|prefix| prefix.parse().unwrap()).collect();
    Probing { allow, ..ProbingConfig::default().round }
}

const LOOPBACK: &[&str] = &["127.31.0.0/16"];

/// The view of the zones' own servers in a world where all listen at `port`.
fn authoritative(roots: Option<Vec<IpAddr>>, port: u16, allow: &[&str]) -> Opened {
    let mut view = Authoritative::new(roots, probing(allow));
    view.port = port;
    Opened { whom: Whom::Authoritative(Box::new(view)), timeout: PATIENCE, subnet: None }
}

fn view() -> View {
    View("authoritative".to_owned())
}

fn rooted_at(port: u16, allow: &[&str]) -> Resolvers {
    let roots = Some(vec![IpAddr::from(ROOT)]);
    Resolvers { views: [(view(), authoritative(roots, port, allow))].into(), teller: None }
}

async fn look(resolvers: &Resolvers, asked: &str) -> Resolution {
    resolvers.lookup(&view(), &asked.parse().unwrap(), AddressFamily::A).await
}

/// What comes of `asked` in a world whose addresses may all be spoken to, and who was asked on the way.
fn found(world: World, asked: &str) -> (Resolution, Vec<Ipv4Addr>) {
    block_on(async {
        let (port, heard) = world.serve().await;
        let resolution = look(&rooted_at(port, LOOPBACK), asked).await;
        let heard = heard.lock().unwrap().iter().map(|(at, _)| *at).collect();
        (resolution, heard)
    })
}

#[test]
fn from_the_root_the_servers_of_the_zone_are_found_and_asked_without_recursion() {
    block_on(async {
        let world = World::with_country().server(ZONE, |question| {
            let owner = question.queries[0].name().to_string();
            of_the_zone(question, [address(&owner, GOOD)])
        });
        let (port, asked) = world.serve().await;
        let resolvers = rooted_at(port, LOOPBACK);
        let resolution = look(&resolvers, "www.example.pk").await;
        assert_eq!(resolution.addresses().collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
        assert_eq!(resolution.server, Some(SocketAddr::from((ZONE, port))));
        // The way down is known now.
        look(&resolvers, "mail.EXAMPLE.pk").await;
        let asked = asked.lock().unwrap();
        let servers: Vec<_> = asked.iter().map(|(at, _)| *at).collect();
        assert_eq!(servers, [ROOT, COUNTRY, ZONE, ZONE]);
        assert!(asked.iter().all(|(_, question)| !question.recursion_desired));
    });
}

#[test]
fn aliases_into_another_zone_are_followed_there_and_its_addresses_are_not_believed_of_others() {
    let world = World::with_country()
        .server(ZONE, |question| {
            let forged = address("edge.cdn.example.", [198, 51, 100, 66]);
            of_the_zone(question, [alias("www.example.pk.", "edge.cdn.example."), forged])
        })
        .server(ELSEWHERE, |question| of_the_zone(question, [address("edge.cdn.example.", GOOD)]));
    let (resolution, asked) = found(world, "www.example.pk");
    let answer = answer(resolution.outcome);
    assert_eq!(answer.addresses.iter().map(|a| a.address).collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
    assert_eq!(answer.chain[0].target.as_str(), "edge.cdn.example");
    assert_eq!(resolution.server.map(|server| server.ip()), Some(IpAddr::from(ELSEWHERE)));
    assert_eq!(asked, [ROOT, COUNTRY, ZONE, ROOT, ELSEWHERE]);
}

#[test]
fn the_address_of_a_server_is_believed_of_the_zone_that_holds_its_name_alone() {
    let attacker = Ipv4Addr::new(127, 31, 0, 66);
    let world = World::rooted()
        .server(COUNTRY, move |question| refer(question, "example.pk.", &[("ns.bank.example.", Some(attacker))]))
        .server(attacker, |question| of_the_zone(question, [address("www.example.pk.", [198, 51, 100, 66])]))
        .server(ELSEWHERE, |question| of_the_zone(question, [address("ns.bank.example.", ZONE.octets())]))
        .server(ZONE, |question| of_the_zone(question, [address("www.example.pk.", GOOD)]));
    let (resolution, asked) = found(world, "www.example.pk");
    assert_eq!(resolution.addresses().collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
    assert_eq!(asked, [ROOT, COUNTRY, ROOT, ELSEWHERE, ZONE]);
}

#[test]
fn addresses_that_are_not_global_are_not_spoken_to_unless_they_are_allowed() {
    let metadata = Ipv4Addr::new(169, 254, 169, 254);
    let private = Ipv4Addr::new(10, 0, 0, 1);
    let servers = [("a.example.pk.", Some(ZONE)), ("b.example.pk.", Some(metadata)), ("c.example.pk.", Some(private))];
    let world = || {
        World::rooted()
            .server(COUNTRY, move |question| refer(question, "example.pk.", &servers))
            .server(ZONE, |question| of_the_zone(question, [address("www.example.pk.", GOOD)]))
    };
    for (allow, expected, may_be_asked) in
        [(&["127.31.0.2/32"][..], "unreachable", false), (LOOPBACK, "answered", true), (&[], "unreachable", false)]
    {
        block_on(async {
            let (port, asked) = world().serve().await;
            let resolution = look(&rooted_at(port, allow), "www.example.pk").await;
            assert_eq!(resolution.outcome_word(), expected, "{allow:?}");
            let asked = asked.lock().unwrap();
            assert_eq!(asked.iter().any(|(at, _)| *at == ZONE), may_be_asked, "{allow:?}");
        });
    }
}

#[test]
fn an_address_that_is_looked_for_is_held_to_the_same() {
    let world = World::rooted()
        .server(COUNTRY, |question| refer(question, "example.pk.", &[("ns.bank.example.", None)]))
        .server(ELSEWHERE, |question| of_the_zone(question, [address("ns.bank.example.", ZONE.octets())]))
        .server(ZONE, |question| of_the_zone(question, [address("www.example.pk.", GOOD)]));
    block_on(async {
        let (port, asked) = world.serve().await;
        let resolvers = rooted_at(port, &["127.31.0.2/32", "127.31.0.4/32"]);
        assert_eq!(look(&resolvers, "www.example.pk").await.outcome_word(), "unreachable");
        assert!(asked.lock().unwrap().iter().all(|(at, _)| *at != ZONE));
    });
}

#[test]
fn servers_that_name_one_another_end_in_a_bounded_number_of_questions() {
    // Each zone is served by sixteen of another, of which nobody tells an address.
    let world = World::rooted().server(COUNTRY, |question| {
        let asked = question.queries[0].name().to_string();
        let labels: Vec<_> = asked.split('.').collect();
        let zone = format!("{}.pk.", labels[labels.len() - 3]);
        let servers: Vec<_> = (0..16).map(|n| format!("ns.{n}x{}.pk.", &zone[..zone.len().min(20) - 4])).collect();
        let servers: Vec<_> = servers.iter().map(|server| (server.as_str(), None)).collect();
        refer(question, &zone, &servers)
    });
    let (resolution, asked) = found(world, "www.example.pk");
    assert_eq!(resolution.outcome_word(), "unreachable");
    assert!(asked.len() > 10 && asked.len() <= 64, "{}", asked.len());
}

#[test]
fn two_zones_that_serve_one_another_without_an_address_are_a_dead_end() {
    let world = World::rooted().server(COUNTRY, |question| {
        if is_below(&question, "one.pk.") {
            refer(question, "one.pk.", &[("ns.two.pk.", None)])
        } else {
            refer(question, "two.pk.", &[("ns.one.pk.", None)])
        }
    });
    let (resolution, asked) = found(world, "www.one.pk");
    assert_eq!(resolution.outcome, Outcome::Failed(NameFailure::Unreachable));
    assert!(asked.len() < 30, "{}", asked.len());
}

#[test]
fn servers_that_refer_up_aside_or_in_a_circle_are_lame() {
    for zone in [".", "pk.", "example.pk.", "other.pk.", "deep.www.example.pk."] {
        let refers = move |question| refer(question, zone, &[("ns.example.pk.", Some(ZONE))]);
        let (resolution, asked) = found(World::with_country().server(ZONE, refers), "www.example.pk");
        assert_eq!(resolution.outcome_word(), "lame", "{zone}");
        assert_eq!(asked, [ROOT, COUNTRY, ZONE], "{zone}");
    }
}

#[test]
fn a_server_that_is_lame_fails_or_only_resolves_is_passed_over() {
    let failing: [fn(Message) -> Message; 5] = [
        |question| code(own(question), ResponseCode::Refused),
        |question| code(of_the_zone(question, []), ResponseCode::ServFail),
        |question| with(reply(question), [address("www.example.pk.", [198, 51, 100, 66])]),
        |question| code(reply(question), ResponseCode::NXDomain),
        own,
    ];
    for fails in failing {
        let world = World::rooted()
            .server(COUNTRY, |question| {
                refer(question, "example.pk.", &[("a.example.pk.", Some(ELSEWHERE)), ("b.example.pk.", Some(ZONE))])
            })
            .server(ELSEWHERE, fails)
            .server(ZONE, |question| of_the_zone(question, [address("www.example.pk.", GOOD)]));
        let (resolution, asked) = found(world, "www.example.pk");
        assert_eq!(resolution.addresses().collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
        assert_eq!(resolution.server.map(|server| server.ip()), Some(IpAddr::from(ZONE)));
        assert!(asked.contains(&ZONE));
    }
}

#[test]
fn that_a_name_or_its_address_is_not_there_is_an_answer_of_the_zone_alone() {
    let denies = |question| code(of_the_zone(question, []), ResponseCode::NXDomain);
    assert_eq!(found(World::with_country().server(ZONE, denies), "www.example.pk").0.outcome_word(), "no-such-name");
    let is_empty = |question| of_the_zone(question, []);
    assert_eq!(found(World::with_country().server(ZONE, is_empty), "www.example.pk").0.outcome_word(), "no-data");
    let resolves = |question| code(reply(question), ResponseCode::NXDomain);
    assert_eq!(found(World::with_country().server(ZONE, resolves), "www.example.pk").0.outcome_word(), "lame");
}

#[test]
fn without_hints_another_view_tells_the_servers_of_the_zone() {
    block_on(async {
        let world = World::default().server(ZONE, |question| of_the_zone(question, [address("www.example.pk.", GOOD)]));
        let (port, asked) = world.serve().await;
        let script = Script::answering(|mut reply| {
            let query = reply.queries[0].clone();
            match (query.name().to_string().as_str(), query.query_type()) {
                ("example.pk.", RecordType::NS) => {
                    with(reply, [Record::from_rdata(name("example.pk."), 60, RData::NS(NS(name("ns.example.pk."))))])
                }
                ("ns.example.pk.", RecordType::A) => with(reply, [address("ns.example.pk.", ZONE.octets())]),
                ("www.example.pk.", RecordType::NS) => {
                    reply.add_authority(soa());
                    reply
                }
                other => panic!("{other:?}"),
            }
        });
        let config = view_of("system", script.serve().await, Transport::Udp);
        let told = Opened::open(&ResolverConfig { timeout: PATIENCE, ..config.clone() }, &probing(&[])).unwrap();
        let views = [(config.view.clone(), told), (view(), authoritative(None, port, LOOPBACK))].into();
        let resolvers = Resolvers { views, teller: Some(config.view) };
        for _ in 0..3 {
            let resolution = look(&resolvers, "www.example.pk").await;
            assert_eq!(resolution.addresses().collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
            assert_eq!(resolution.server, Some(SocketAddr::from((ZONE, port))));
        }
        assert!(asked.lock().unwrap().iter().all(|(_, question)| !question.recursion_desired));
        assert_eq!(script.asked.lock().unwrap().len(), 3, "what it told is known");
    });
}

#[test]
fn names_of_addresses_are_asked_for_in_the_same_way() {
    block_on(async {
        let world = World::default().server(ROOT, |question| {
            assert!(asks_for(&question, REVERSE));
            of_the_zone(question, [pointer_record(REVERSE, name("khi77.pie.net.pk."), 60)])
        });
        let (port, _) = world.serve().await;
        let pointer = rooted_at(port, &[]).point(&view(), [203, 0, 113, 7].into()).await;
        assert_eq!(pointer.names(), ["khi77.pie.net.pk"]);
    });
}

#[test]
fn silence_on_the_way_ends_with_the_timeout_of_the_view() {
    block_on(async {
        let silent = UdpSocket::bind((ROOT, 0)).await.unwrap();
        let roots = Some(vec![IpAddr::from(ROOT)]);
        let opened = authoritative(roots, silent.local_addr().unwrap().port(), &[]);
        let opened = Opened { timeout: TIMEOUT, ..opened };
        let resolvers = Resolvers { views: [(view(), opened)].into(), teller: None };
        let resolution = look(&resolvers, "www.example.pk").await;
        assert_eq!((resolution.outcome_word(), resolution.server), ("timeout", None));
        assert!(resolution.elapsed_ns.duration() < TIMEOUT * 3);
    });
}
