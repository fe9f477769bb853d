use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{CNAME, NS, PTR, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::system_conf::parse_resolv_conf;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::pointers::Pointers;
use super::*;
use crate::config::probing::ProbingConfig;
use crate::config::resolver::{ResolverAddress, Transport};
use crate::resolution::{Answer, Outcome};

mod secured;
mod subnets;
mod walks;

/// A server that gives whatever `answer` makes of a question: any number of messages; over TCP, the first.
#[derive(Clone)]
pub(super) struct Script {
    answer: Arc<dyn Fn(Message, Carried) -> Vec<Vec<u8>> + Send + Sync>,
    pub(super) asked: Arc<Mutex<Vec<Message>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    ByUdp,
    ByTcp,
}

impl Script {
    pub(super) fn new(answer: impl Fn(Message, Carried) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), asked: Arc::default() }
    }

    /// A server that gives one answer.
    pub(super) fn answering(answer: impl Fn(Message) -> Message + Send + Sync + 'static) -> Self {
        Self::new(move |question, _| vec![answer(reply(question)).to_vec().unwrap()])
    }

    fn react(&self, bytes: &[u8], carried: Carried) -> Vec<Vec<u8>> {
        let question = Message::from_vec(bytes).unwrap();
        self.asked.lock().unwrap().push(question.clone());
        (self.answer)(question, carried)
    }

    /// Serves UDP and TCP on one port of 127.0.0.1, until the runtime ends.
    pub(super) async fn serve(&self) -> SocketAddr {
        self.serve_at("127.0.0.1:0".parse().unwrap()).await
    }

    /// The same at an address of this host.
    pub(super) async fn serve_at(&self, address: SocketAddr) -> SocketAddr {
        let tcp = TcpListener::bind(address).await.unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(address).await.unwrap();
        let script = self.clone();
        tokio::spawn(async move {
            let mut datagram = [0; 2048];
            while let Ok((length, from)) = udp.recv_from(&mut datagram).await {
                for bytes in script.react(&datagram[..length], Carried::ByUdp) {
                    udp.send_to(&bytes, from).await.unwrap();
                }
            }
        });
        let script = self.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let length = stream.read_u16().await.unwrap();
                let mut question = vec![0; usize::from(length)];
                stream.read_exact(&mut question).await.unwrap();
                if let Some(bytes) = script.react(&question, Carried::ByTcp).first() {
                    stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
                    stream.write_all(bytes).await.unwrap();
                }
            }
        });
        address
    }
}

/// A recursive server's answer without records.
pub(super) fn reply(question: Message) -> Message {
    let mut reply = Message::response(question.id, OpCode::Query);
    reply.metadata.recursion_available = true;
    reply.add_queries(question.queries);
    reply
}

pub(super) fn code(mut reply: Message, code: ResponseCode) -> Message {
    reply.metadata.response_code = code;
    reply
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn address(owner: &str, address: [u8; 4]) -> Record {
    Record::from_rdata(name(owner), 60, RData::from(IpAddr::from(address)))
}

pub(super) fn alias(owner: &str, target: &str) -> Record {
    Record::from_rdata(name(owner), 30, RData::CNAME(CNAME(name(target))))
}

fn soa() -> Record {
    let soa = SOA::new(name("ns.pk."), name("hostmaster.pk."), 1, 1, 1, 1, 1);
    Record::from_rdata(name("pk."), 60, RData::SOA(soa))
}

pub(super) fn with(mut reply: Message, answers: impl IntoIterator<Item = Record>) -> Message {
    reply.add_answers(answers);
    reply
}

pub(super) const TIMEOUT: Duration = Duration::from_millis(400);

/// Of views that are to answer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn ask(servers: Vec<SocketAddr>, carrier: Carrier) -> (Option<SocketAddr>, Outcome) {
    let Said { server, said } = resolve(servers, carrier).await;
    (server, said.outcome)
}

async fn resolve(servers: Vec<SocketAddr>, carrier: Carrier) -> Said<Resolved> {
    let deadline = clock::now().mono + TIMEOUT;
    let panel = Panel { servers, carrier, manner: Manner::default(), deadline };
    Asker::Panel(panel).resolve(&"www.example.pk".parse().unwrap(), AddressFamily::A).await.0
}

/// The views that the configuration describes.
fn open(resolvers: &[ResolverConfig]) -> Resolvers {
    Resolvers::open(resolvers, &ProbingConfig::default().round).unwrap()
}

/// A view of one server that is asked over `transport`.
fn view_of(name: &str, address: SocketAddr, transport: Transport) -> ResolverConfig {
    let server = ResolverAddress::Server { address, transport };
    ResolverConfig { view: View(name.to_owned()), server, timeout: TIMEOUT, subnet: None }
}

/// What comes of asking a server that follows `script`.
fn outcome_of(script: &Script) -> Outcome {
    block_on(async {
        let address = script.serve().await;
        let (server, outcome) = ask(vec![address], Carrier::Udp).await;
        let silent = outcome == Outcome::Failed(NameFailure::Timeout);
        assert_eq!(server, (!silent).then_some(address), "the server that answered is kept");
        outcome
    })
}

fn failure_of(script: &Script) -> NameFailure {
    match outcome_of(script) {
        Outcome::Answered(answer) => panic!("{answer:?}"),
        Outcome::Failed(failure) => failure,
    }
}

fn addresses(outcome: Outcome) -> Vec<IpAddr> {
    answer(outcome).addresses.into_iter().map(|a| a.address).collect()
}

fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
}

const GOOD: [u8; 4] = [203, 0, 113, 7];

fn good(reply: Message) -> Message {
    with(reply, [address("www.example.pk.", GOOD)])
}

fn good_bytes(question: Message) -> Vec<u8> {
    good(reply(question)).to_vec().unwrap()
}

#[test]
fn an_answer_is_asked_for_with_recursion_edns_and_ad_and_kept_with_its_chain() {
    let script = Script::answering(|mut reply| {
        reply.metadata.authentic_data = true;
        with(reply, [address("edge.example.", GOOD), alias("WWW.example.pk.", "edge.example.")])
    });
    let answer = answer(outcome_of(&script));
    assert_eq!(answer.addresses[0].address, IpAddr::from(GOOD));
    assert_eq!((answer.chain[0].target.as_str(), answer.chain[0].ttl), ("edge.example", 30));
    assert!(answer.authenticated);
    let asked = script.asked.lock().unwrap();
    let question = &asked[0];
    assert!(question.recursion_desired && question.authentic_data);
    assert_eq!((question.max_payload(), asked.len()), (1232, 1));
}

#[test]
fn what_a_server_cannot_or_will_not_answer_is_told_apart() {
    for (response, failure, times) in [
        (ResponseCode::NXDomain, NameFailure::NoSuchName, 1),
        (ResponseCode::ServFail, NameFailure::ServerFailure, 2),
        (ResponseCode::Refused, NameFailure::Refused, 2),
        (ResponseCode::NotAuth, NameFailure::Refused, 2),
    ] {
        let script = Script::answering(move |reply| code(reply, response));
        assert_eq!(failure_of(&script), failure);
        assert_eq!(script.asked.lock().unwrap().len(), times, "{response}");
    }
}

#[test]
fn an_answer_without_addresses_is_no_data_or_lame() {
    assert_eq!(failure_of(&Script::answering(|reply| reply)), NameFailure::NoData);
    let of_the_zone = |mut reply: Message| {
        reply.metadata.recursion_available = false;
        reply.metadata.authoritative = true;
        reply.add_authority(soa());
        reply
    };
    assert_eq!(failure_of(&Script::answering(of_the_zone)), NameFailure::NoData);
    let upward = |mut reply: Message| {
        reply.metadata.recursion_available = false;
        reply.add_authority(Record::from_rdata(Name::root(), 60, RData::NS(NS(name("a.root-servers.net.")))));
        reply
    };
    assert_eq!(failure_of(&Script::answering(upward)), NameFailure::Lame);
    let mute = |mut reply: Message| {
        reply.metadata.recursion_available = false;
        reply
    };
    assert_eq!(failure_of(&Script::answering(mute)), NameFailure::Lame);
}

#[test]
fn silence_ends_with_the_timeout_of_the_view() {
    let before = clock::now().mono;
    assert_eq!(failure_of(&Script::new(|_, _| Vec::new())), NameFailure::Timeout);
    let elapsed = clock::now().mono - before;
    assert!(elapsed >= TIMEOUT && elapsed < TIMEOUT * 3, "{elapsed:?}");
}

#[test]
fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let truncate = |question: Message| reply(question).truncate().into_response().to_vec().unwrap();
    let script = Script::new(move |question, carried| match carried {
        Carried::ByUdp => vec![truncate(question)],
        Carried::ByTcp => vec![good_bytes(question)],
    });
    assert_eq!(addresses(outcome_of(&script)), [IpAddr::from(GOOD)]);
    assert_eq!(failure_of(&Script::new(move |question, _| vec![truncate(question)])), NameFailure::Truncated);
    let udp_only = Script::new(move |question, carried| match carried {
        Carried::ByUdp => vec![truncate(question)],
        Carried::ByTcp => Vec::new(),
    });
    assert_eq!(failure_of(&udp_only), NameFailure::Truncated);
}

#[test]
fn an_answer_cut_within_a_record_is_truncated_too() {
    let script = Script::new(|question, carried| {
        let mut message = good(reply(question));
        message.metadata.truncation = carried == Carried::ByUdp;
        let mut bytes = message.to_vec().unwrap();
        if carried == Carried::ByUdp {
            bytes.truncate(bytes.len() - 3);
        }
        vec![bytes]
    });
    assert_eq!(addresses(outcome_of(&script)), [IpAddr::from(GOOD)]);
}

#[test]
fn what_does_not_answer_the_question_is_passed_over() {
    type Forge = fn(&mut Message);
    let forgeries: [Forge; 4] = [
        |m| m.metadata.id ^= 1,
        |m| m.metadata.message_type = MessageType::Query,
        |m| m.queries = vec![Query::query(name("bank.example."), RecordType::A)],
        |m| m.queries.clear(),
    ];
    for forge in forgeries {
        let forged = move |question: Message| {
            let mut message = with(reply(question), [address("www.example.pk.", [198, 51, 100, 1])]);
            forge(&mut message);
            message.to_vec().unwrap()
        };
        let then_true = Script::new(move |question, _| {
            let flood = vec![forged(question.clone()); 100];
            flood.into_iter().chain([good_bytes(question)]).collect()
        });
        assert_eq!(addresses(outcome_of(&then_true)), [IpAddr::from(GOOD)]);
        assert_eq!(failure_of(&Script::new(move |question, _| vec![forged(question)])), NameFailure::Timeout);
    }
}

#[test]
fn garbage_is_no_answer_and_a_flood_of_it_ends() {
    for garbage in [vec![], vec![0xff; 3], vec![0xff; 600], vec![0; 12]] {
        let script = Script::new(move |_, _| vec![garbage.clone(); 100]);
        assert_eq!(failure_of(&script), NameFailure::Timeout);
    }
}

#[test]
fn an_answer_that_carries_our_number_and_cannot_be_read_is_malformed() {
    let script = Script::new(|question, _| {
        let mut bytes = good_bytes(question);
        bytes.truncate(bytes.len() - 3);
        vec![bytes]
    });
    assert_eq!(failure_of(&script), NameFailure::Malformed);
}

#[test]
fn an_answer_from_elsewhere_is_not_heard() {
    block_on(async {
        let asked = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = asked.local_addr().unwrap();
        tokio::spawn(async move {
            let mut datagram = [0; 2048];
            while let Ok((length, from)) = asked.recv_from(&mut datagram).await {
                let answer = good_bytes(Message::from_vec(&datagram[..length]).unwrap());
                elsewhere.send_to(&answer, from).await.unwrap();
            }
        });
        let (server, outcome) = ask(vec![server], Carrier::Udp).await;
        assert_eq!((server, outcome), (None, Outcome::Failed(NameFailure::Timeout)));
    });
}

#[test]
fn a_loop_of_aliases_is_an_outcome() {
    let script = Script::answering(|reply| {
        with(reply, [alias("www.example.pk.", "b.example.pk."), alias("b.example.pk.", "www.example.pk.")])
    });
    assert_eq!(failure_of(&script), NameFailure::AliasLoop);
}

#[test]
fn an_alias_without_an_address_is_asked_for_in_its_turn() {
    let script = Script::answering(|reply| {
        let asked = reply.queries[0].name().to_string();
        match asked.as_str() {
            "www.example.pk." => with(reply, [alias("www.example.pk.", "edge.example.")]),
            "edge.example." => with(reply, [address("edge.example.", GOOD)]),
            other => panic!("{other}"),
        }
    });
    let answer = answer(outcome_of(&script));
    assert_eq!((answer.chain.len(), answer.addresses.len()), (1, 1));
}

#[test]
fn the_aliases_that_lead_to_a_name_that_is_not_there_are_kept() {
    let script = Script::answering(|reply| {
        let asked = reply.queries[0].name().to_string();
        match asked.as_str() {
            "www.example.pk." => with(reply, [alias("www.example.pk.", "c2.example.")]),
            _ => code(with(reply, [alias("c2.example.", "c3.example.")]), ResponseCode::NXDomain),
        }
    });
    let resolved = block_on(async { resolve(vec![script.serve().await], Carrier::Udp).await.said });
    assert_eq!(resolved.outcome, Outcome::Failed(NameFailure::NoSuchName));
    let followed: Vec<_> = resolved.followed.iter().map(|alias| (alias.target.as_str(), alias.ttl)).collect();
    assert_eq!(followed, [("c2.example", 30), ("c3.example", 30)]);
}

#[test]
fn aliases_without_end_are_given_up() {
    let script = Script::answering(|reply| {
        let asked = reply.queries[0].name().to_string();
        let next = format!("a{}", asked.len());
        with(reply, [alias(&asked, &format!("{next}.{asked}"))])
    });
    assert_eq!(failure_of(&script), NameFailure::AliasChainTooLong);
    assert_eq!(script.asked.lock().unwrap().len(), 17);
}

#[test]
fn a_resolver_that_denies_the_alias_target_is_believed() {
    let script = Script::answering(|mut reply| {
        reply.add_authority(soa());
        with(reply, [alias("www.example.pk.", "edge.example.pk.")])
    });
    assert_eq!(failure_of(&script), NameFailure::NoData);
    assert_eq!(script.asked.lock().unwrap().len(), 1);
}

#[test]
fn an_old_server_is_asked_again_without_edns() {
    let script = Script::new(|question, _| {
        let has_edns = question.edns.is_some();
        let mut refused = code(Message::response(question.id, OpCode::Query), ResponseCode::FormErr);
        refused.metadata.recursion_available = true;
        vec![if has_edns { refused.to_vec().unwrap() } else { good_bytes(question) }]
    });
    assert_eq!(addresses(outcome_of(&script)), [IpAddr::from(GOOD)]);
}

#[test]
fn a_port_where_nobody_listens_is_unreachable_over_either_transport() {
    block_on(async {
        let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for carrier in [Carrier::Udp, Carrier::Tcp] {
            let (server, outcome) = ask(vec![closed], carrier).await;
            assert_eq!((server, outcome), (None, Outcome::Failed(NameFailure::Unreachable)));
        }
        let nobody = ask(Vec::new(), Carrier::Udp).await;
        assert_eq!(nobody, (None, Outcome::Failed(NameFailure::Unreachable)));
    });
}

#[test]
fn over_tcp_an_answer_is_the_same_and_a_closed_connection_is_malformed() {
    block_on(async {
        let server = Script::new(|question, _| vec![good_bytes(question)]).serve().await;
        assert_eq!(addresses(ask(vec![server], Carrier::Tcp).await.1), [IpAddr::from(GOOD)]);
        let server = Script::new(|_, _| Vec::new()).serve().await;
        assert_eq!(ask(vec![server], Carrier::Tcp).await.1, Outcome::Failed(NameFailure::Malformed));
    });
}

#[test]
fn the_next_server_is_asked_and_the_failure_that_says_most_is_told() {
    block_on(async {
        let silent = Script::new(|_, _| Vec::new()).serve().await;
        let failing = Script::answering(|reply| code(reply, ResponseCode::ServFail)).serve().await;
        let able = Script::answering(good).serve().await;
        let (server, outcome) = ask(vec![failing, silent, able], Carrier::Udp).await;
        assert_eq!((server, addresses(outcome)), (Some(able), vec![IpAddr::from(GOOD)]));
        let (server, outcome) = ask(vec![silent, failing, silent], Carrier::Udp).await;
        assert_eq!((server, outcome), (Some(failing), Outcome::Failed(NameFailure::ServerFailure)));
    });
}

#[test]
fn a_view_is_asked_by_its_name_and_its_own_server_only() {
    block_on(async {
        let address = Script::answering(good).serve().await;
        let view = View("ptcl".to_owned());
        let resolvers = open(&[view_of("ptcl", address, Transport::Udp)]);
        let asked = "www.example.pk".parse().unwrap();
        let resolution = resolvers.lookup(&view, &asked, AddressFamily::A).await;
        assert_eq!((resolution.server, &resolution.view), (Some(address), &view));
        assert_eq!(resolution.addresses().collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
        assert!(resolution.elapsed_ns.duration() < TIMEOUT);
        let resolution = resolvers.lookup(&View("other".to_owned()), &asked, AddressFamily::A).await;
        assert_eq!(resolution.outcome, Outcome::Failed(NameFailure::Unreachable));
    });
}

fn pointer_record(owner: &str, name: Name, ttl: u32) -> Record {
    Record::from_rdata(owner.parse().unwrap(), ttl, RData::PTR(PTR(name)))
}

/// What one view, which is this server, calls 203.0.113.7; asked `times` times.
fn pointed(script: &Script, times: usize) -> (Vec<Pointer>, Pointers) {
    block_on(async {
        let view = View("system".to_owned());
        let resolvers = open(&[view_of("system", script.serve().await, Transport::Udp)]);
        let pointers = Pointers::default();
        let asked = (0..times).map(|_| pointers.point(&resolvers, &view, [203, 0, 113, 7].into()));
        let answers = futures_of(asked).await;
        (answers, pointers)
    })
}

/// All of them at once.
async fn futures_of<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

const REVERSE: &str = "7.113.0.203.in-addr.arpa.";

#[test]
fn an_address_is_asked_for_once_however_many_want_its_name() {
    let script = Script::answering(|reply| with(reply, [pointer_record(REVERSE, name("khi77.pie.net.pk."), 60)]));
    let (answers, pointers) = pointed(&script, 20);
    assert_eq!(answers.len(), 20);
    assert!(answers.iter().all(|pointer| pointer.names() == ["khi77.pie.net.pk"] && pointer.server.is_some()));
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].queries[0].name().to_ascii(), REVERSE);
    assert_eq!(asked[0].queries[0].query_type(), RecordType::PTR);
    assert_eq!(pointers.tally(), [("answered", 1)].into());
}

#[test]
fn an_address_without_a_name_is_remembered_as_well() {
    let script = Script::answering(|reply| code(with(reply, []), ResponseCode::NXDomain));
    let (answers, pointers) = pointed(&script, 3);
    assert!(answers.iter().all(|pointer| pointer.outcome == Pointed::Failed(NameFailure::NoSuchName)));
    assert_eq!(pointers.tally(), [("no-such-name", 1)].into());
}

#[test]
fn hostile_names_of_an_address_are_kept_as_text_that_obeys_nobody() {
    let script = Script::new(|question, carried| {
        let longest = Name::from_labels([[b'a'; 63]; 3].into_iter().map(|label| label.to_vec())).unwrap();
        let mut names: Vec<Name> = (0..500).map(|n| name(&format!("vhost{n}.example."))).collect();
        names.extend(
            [&b"<script>alert(1)</script>"[..], b"\xff\xfe\x00\x1b[2J", b"a.b"]
                .map(|label| Name::from_labels([label, b"example"]).unwrap()),
        );
        names.push(longest);
        let records = names.into_iter().map(|name| pointer_record(REVERSE, name, 60));
        let mut whole = with(reply(question.clone()), records);
        whole.metadata.truncation = false;
        let mut cut = reply(question);
        cut.metadata.truncation = true;
        vec![if carried == Carried::ByUdp { cut } else { whole }.to_vec().unwrap()]
    });
    let (answers, _) = pointed(&script, 1);
    let Pointed::Named(named) = &answers[0].outcome else { panic!("{answers:?}") };
    assert_eq!(named.left_out, 504 - pointer::MAX_NAMES);
    assert!(named.names.iter().all(|name| name.is_ascii() && !name.contains(|c: char| c.is_ascii_control())));
    for hostile in ["<script>alert(1)</script>.example", "\\255\\254\\000\\027[2J.example", "a\\.b.example"] {
        assert!(named.names.iter().any(|name| name == hostile), "{hostile} in {named:?}");
    }
}

#[test]
fn an_address_of_ipv6_is_asked_for_by_its_nibbles() {
    let name = message::reverse_name("2001:db8::1".parse().unwrap());
    assert_eq!(name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
}

#[test]
fn what_is_remembered_is_bounded() {
    let resolvers = open(&[]);
    let pointers = Pointers::remembering(16);
    block_on(async {
        for last in 0..200_u8 {
            pointers.point(&resolvers, &View("none".to_owned()), [203, 0, 113, last].into()).await;
            assert!(pointers.remembered() <= 16);
        }
    });
    assert_eq!(pointers.tally(), [("unreachable", 200)].into());
}

#[test]
fn the_servers_of_the_host_are_those_of_its_configuration() {
    let text = "search example.pk\nnameserver 127.0.0.53\nnameserver 2001:db8::53\noptions timeout:1\n";
    let (system, _) = parse_resolv_conf(text).unwrap();
    let expected = [SocketAddr::from((Ipv4Addr::new(127, 0, 0, 53), 53)), "[2001:db8::53]:53".parse().unwrap()];
    assert_eq!(system::servers_in(&system), expected);
}

proptest! {
    #[test]
    fn hostile_bytes_are_read_without_panic(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let question = Question::with(Wanted::Names([203, 0, 113, 7].into()), true, Manner::default()).unwrap();
        let is_reply = matches!(question.hear(&noise), message::Heard::Reply(_));
        prop_assert!(!is_reply);
    }

    #[test]
    fn an_answer_with_altered_bytes_is_read_without_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let asked = "www.example.pk".parse().unwrap();
        let question = Question::with(Wanted::Addresses(&asked, AddressFamily::A), true, Manner::default()).unwrap();
        let message = reply(Message::from_vec(&question.bytes).unwrap());
        let records = [alias("www.example.pk.", "edge.example."), address("edge.example.", GOOD)];
        let mut bytes = with(message, records).to_vec().unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let message::Heard::Reply(reply) = question.hear(&bytes) {
            let _ = Chain::new(asked).handle_records(AddressFamily::A, &reply.records);
        }
    }
}
