use std::io::{Read, Write};
use std::net::TcpStream;

use rustls::version::{TLS12, TLS13};

use super::server::{Authority, Server, drip, flood, is_ended_in_order, line, secure, serve};
use super::*;
use crate::contact::certificate::{TlsFailure, Trust};
use crate::contact::greeting::{GreetingFailure, MOST_GREETING};

const HELLO: &[u8] = b"250-mail.gov.pk\r\n250-SIZE 10240000\r\n250-StartTLS\r\n250 PIPELINING\r\n";

fn contact<T>(server: &Server<T>, authority: &Authority, timeout: Duration) -> Contact {
    let speech = Speech::Smtp { name: "mail.gov.pk".parse().unwrap() };
    converse(&caller(&[authority.certificate()]), server.address, speech, 1, timeout)
}

fn greeting(timeout: Duration, with: impl FnOnce(TcpStream) + Send + 'static) -> Greeting {
    contact(&serve(with), &Authority::new(), timeout).greeting.unwrap()
}

/// What comes of a server that offers TLS and then does `with`.
fn tls(timeout: Duration, with: impl FnOnce(TcpStream) + Send + 'static) -> Option<Tls> {
    let server = serve(|mut connection| {
        connection.write_all(b"220 mail.gov.pk\r\n").unwrap();
        line(&mut connection);
        connection.write_all(HELLO).unwrap();
        assert_eq!(line(&mut connection), "STARTTLS\r\n");
        with(connection);
    });
    let contact = contact(&server, &Authority::new(), timeout);
    assert!(matches!(contact.greeting, Some(Greeting::Heard { code: 220, starttls: true, .. })), "{contact:?}");
    server.seen();
    contact.tls
}

#[test]
fn a_mail_server_is_greeted_and_left_by_tls() {
    let authority = Authority::new();
    let identity = authority.sign(&["mail.gov.pk"], |_| {});
    let server = serve(|mut connection| {
        connection.write_all(b"220-mail.gov.pk ESMTP\r\n220 ready\r\n").unwrap();
        let hello = line(&mut connection);
        connection.write_all(HELLO).unwrap();
        let starttls = line(&mut connection);
        connection.write_all(b"220 go ahead\r\n").unwrap();
        let mut connection = secure(connection, identity.config(&[&TLS12, &TLS13]));
        let quit = line(&mut connection);
        connection.write_all(b"221 bye\r\n").unwrap();
        ([hello, starttls, quit], is_ended_in_order(connection))
    });
    let contact = contact(&server, &authority, LONG);
    let heard = Greeting::Heard { code: 220, text: "mail.gov.pk ESMTP".into(), starttls: true };
    assert_eq!(contact.greeting, Some(heard));
    let Some(Tls::Established(session)) = contact.tls else { panic!("{:?}", contact.tls) };
    assert_eq!((session.trust, session.chain.len()), (Trust::Trusted, 2));
    let said = ["EHLO [127.0.0.1]\r\n", "STARTTLS\r\n", "QUIT\r\n"].map(ToOwned::to_owned);
    assert_eq!(server.seen(), (said, true));
}

#[test]
fn a_server_without_tls_or_without_mail_is_left_at_once() {
    for (banner, hello) in [("220 x", Some("250 x")), ("220 x", Some("502 what?")), ("554 no mail here", None)] {
        let server = serve(move |mut connection| {
            write!(connection, "{banner}\r\n").unwrap();
            if let Some(hello) = hello {
                line(&mut connection);
                write!(connection, "{hello}\r\n").unwrap();
            }
            let quit = line(&mut connection);
            connection.write_all(b"221 bye\r\n").unwrap();
            (quit, is_ended_in_order(connection))
        });
        let contact = contact(&server, &Authority::new(), LONG);
        let (code, text) = banner.split_once(' ').unwrap();
        let heard = Greeting::Heard { code: code.parse().unwrap(), text: text.into(), starttls: false };
        assert_eq!((contact.greeting, contact.tls), (Some(heard), None));
        assert_eq!(server.seen(), ("QUIT\r\n".into(), true));
    }
}

#[test]
fn what_was_said_ahead_of_tls_is_not_taken_for_the_key_holder() {
    let injected = |mut connection: TcpStream| connection.write_all(b"220 go\r\n250 injected\r\n").unwrap();
    assert_eq!(tls(LONG, injected), Some(Tls::Failed(TlsFailure::Malformed)));
}

#[test]
fn tls_that_is_offered_and_not_had_is_a_failure_of_it() {
    let refused = |mut connection: TcpStream| connection.write_all(b"454 not now\r\n").unwrap();
    assert_eq!(tls(LONG, refused), Some(Tls::Failed(TlsFailure::Refused)));
    assert_eq!(tls(LONG, drop), Some(Tls::Failed(TlsFailure::Closed)));
    let silent = |mut connection: TcpStream| while connection.read(&mut [0; 64]).is_ok_and(|length| length > 0) {};
    assert_eq!(tls(SHORT, silent), Some(Tls::Failed(TlsFailure::Timeout)));
    let babbling = |mut connection: TcpStream| {
        connection.write_all(b"220 go\r\n").unwrap();
        connection.read_exact(&mut [0; 50]).unwrap();
        flood(connection, b"250 what?\r\n");
    };
    assert_eq!(tls(LONG, babbling), Some(Tls::Failed(TlsFailure::Malformed)));
}

#[test]
fn a_flood_is_no_greeting() {
    for flooded in [&b"220-x\r\n"[..], b"x", b"220 ", b"\r\n", b"SSH-2.0-x\r\n"] {
        let greeting = greeting(LONG, |connection| flood(connection, &flooded.repeat(100)));
        assert_eq!(greeting, Greeting::Failed(GreetingFailure::Malformed), "{flooded:?}");
    }
}

#[test]
fn who_greets_byte_by_byte_or_not_at_all_is_not_waited_for() {
    assert_eq!(greeting(SHORT, |connection| drip(connection, b"2")), Greeting::Failed(GreetingFailure::Timeout));
    assert_eq!(greeting(LONG, drop), Greeting::Failed(GreetingFailure::Closed));
    let silent = |connection: TcpStream| assert!(is_ended_in_order(connection));
    assert_eq!(greeting(SHORT, silent), Greeting::Failed(GreetingFailure::Timeout));
}

#[test]
fn a_greeting_is_kept_as_it_came_and_cut() {
    let long = |mut connection: TcpStream| {
        write!(connection, "220 \u{1b}[2J<b>{}\r\n", "x".repeat(400)).unwrap();
        drop(line(&mut connection));
    };
    let Greeting::Heard { text, starttls: false, .. } = greeting(LONG, long) else { panic!("nothing was heard") };
    assert!(text.starts_with("\u{1b}[2J<b>x") && text.chars().count() == MOST_GREETING);
}
