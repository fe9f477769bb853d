//! What a resolution costs: `cargo bench --bench resolving`.
//!
//! 5,000 lookups in a row, each of one name and one family, by UDP to a responder on the loopback that answers at once. Counted
//! is the processor's time of the thread that asks, the kernel's share included; the responder has a thread of its own.

#![expect(clippy::unwrap_used, reason = "a benchmark may fail on what it made itself")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, OpCode};
use hickory_proto::rr::{RData, Record};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use pehra::config::probing::ProbingConfig;
use pehra::config::resolver::{ResolverAddress, ResolverConfig, Transport};
use pehra::edge::dns::Resolvers;
use pehra::resolution::{AddressFamily, View};

const LOOKUPS: u32 = 5_000;

fn main() {
    let responder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = responder.local_addr().unwrap();
    std::thread::spawn(move || respond(&responder));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ask(address, 500));
    let (user, system) = spent();
    runtime.block_on(ask(address, LOOKUPS));
    let (user, system) = (spent().0 - user, spent().1 - system);
    let each = |spent: i64| f64::from(i32::try_from(spent).unwrap()) / f64::from(LOOKUPS);
    println!("lookups  us each, user + kernel");
    println!("{LOOKUPS:>7}  {:.1} = {:.1} + {:.1}", each(user + system), each(user), each(system));
}

/// Answers every question with one address.
fn respond(socket: &UdpSocket) {
    let mut datagram = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut datagram) {
        let question = Message::from_vec(&datagram[..length]).unwrap();
        let mut reply = Message::response(question.id, OpCode::Query);
        reply.metadata.recursion_available = true;
        let address = RData::A(Ipv4Addr::new(203, 0, 113, 7).into());
        reply.add_answer(Record::from_rdata(question.queries[0].name().clone(), 60, address));
        reply.add_queries(question.queries);
        socket.send_to(&reply.to_vec().unwrap(), from).unwrap();
    }
}

async fn ask(address: SocketAddr, times: u32) {
    let view = View("bench".to_owned());
    let server = ResolverAddress::Server { address, transport: Transport::Udp };
    let config = ResolverConfig { view: view.clone(), server, timeout: Duration::from_secs(5), subnet: None };
    let resolvers = Resolvers::open(&[config], &ProbingConfig::default().round).unwrap();
    for number in 0..times {
        let name = format!("host-{number}.service.example.gov.pk").parse().unwrap();
        let resolution = resolvers.lookup(&view, &name, AddressFamily::A).await;
        assert_eq!(resolution.outcome_word(), "answered");
    }
}

/// What this thread has taken of the processor, in microseconds: itself, and the kernel for it.
fn spent() -> (i64, i64) {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    (usage.user_time().num_microseconds(), usage.system_time().num_microseconds())
}
