use std::net::{IpAddr, SocketAddr, TcpListener};

use rustls::pki_types::CertificateDer;
use socket2::{Domain, Socket, Type};

use super::*;
use crate::contact::ContactOutcome;
use crate::moment::Rtt;
use crate::trace::courtesy::Courtesy;
use crate::workload::Host;

mod mail;
mod server;
mod sessions;
mod web;

/// For what comes at once.
const LONG: Duration = Duration::from_secs(20);

/// For what never comes.
const SHORT: Duration = Duration::from_millis(400);

fn caller(authorities: &[CertificateDer<'static>]) -> Caller {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(authorities.iter().cloned());
    Caller::new(store).unwrap()
}

fn converse(caller: &Caller, to: SocketAddr, speech: Speech, attempts: u8, timeout: Duration) -> Contact {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let turns = Turns::new(Courtesy::per_second(1000, 100));
    let call = Call { address: to.ip(), port: to.port(), attempts, timeout, speech };
    runtime.block_on(caller.call(&call, &turns))
}

fn name() -> Host {
    "pbs.gov.pk".parse().unwrap()
}

fn web_speech(tls: bool, resources: bool) -> Speech {
    Speech::Http(Request { tls, host: name(), path: "/a?b=c".into(), resources })
}

fn dial(address: &str, port: u16, attempts: u8, timeout: Duration) -> Contact {
    let address: IpAddr = address.parse().unwrap();
    converse(&caller(&[]), SocketAddr::new(address, port), Speech::Nothing, attempts, timeout)
}

#[test]
fn a_listener_is_connected_to_as_often_as_asked() {
    for address in ["127.0.0.1", "::1"] {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let contact = dial(address, listener.local_addr().unwrap().port(), 3, LONG);
        let ContactOutcome::Connected { rtt_ns, samples: 3 } = contact.outcome else { panic!("{contact:?}") };
        assert!(rtt_ns > Rtt::from_duration(Duration::ZERO) && rtt_ns < Rtt::from_duration(LONG));
        assert_eq!(contact.attempts, 3);
    }
}

#[test]
fn a_reset_is_an_answer_with_its_time() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let contact = converse(&caller(&[]), ([127, 0, 0, 1], port).into(), web_speech(true, false), 2, LONG);
    assert!(matches!(contact.outcome, ContactOutcome::Refused { samples: 2, .. }), "{contact:?}");
    assert_eq!((contact.speech, contact.tls, contact.exchanges), (web_speech(true, false), None, Vec::new()));
}

#[test]
fn silence_is_a_timeout() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let fill = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50));
    let queued: Vec<_> = std::iter::repeat_with(fill).take_while(Result::is_ok).collect();
    let contact = dial("127.0.0.1", address.port(), 2, Duration::from_millis(50));
    assert_eq!((contact.outcome, contact.attempts), (ContactOutcome::Failed(ContactFailure::Timeout), 2));
    drop(queued);
}

#[test]
fn what_cannot_be_sent_is_not_tried_again() {
    let contact = dial("255.255.255.255", 443, 5, LONG);
    assert_eq!((contact.outcome, contact.attempts), (ContactOutcome::Failed(ContactFailure::Unsent), 1));
}
