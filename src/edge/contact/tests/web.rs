use std::io::Write;
use std::net::TcpStream;

use super::server::{Server, close, drip, flood, is_ended_in_order, request, serve};
use super::*;
use crate::contact::exchange::{Answer, HttpFailure, HttpOutcome, MOST_BODY, MOST_UNREAD_BODY};

/// What comes of asking a server that first hears the request and then does `answer`.
fn asked(resources: bool, timeout: Duration, answer: impl FnOnce(TcpStream) + Send + 'static) -> HttpOutcome {
    let server = serve(|mut connection| {
        request(&mut connection);
        answer(connection);
    });
    outcome(&server, resources, timeout)
}

fn outcome<T>(server: &Server<T>, resources: bool, timeout: Duration) -> HttpOutcome {
    let mut contact = converse(&caller(&[]), server.address, web_speech(false, resources), 1, timeout);
    assert_eq!(contact.exchanges.len(), 1, "{contact:?}");
    contact.exchanges.remove(0).outcome
}

fn answered(outcome: HttpOutcome) -> Answer {
    let HttpOutcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
    answer
}

fn failed(outcome: HttpOutcome) -> HttpFailure {
    match outcome {
        HttpOutcome::Failed(failure) => failure,
        HttpOutcome::Answered(answer) => panic!("{answer:?}"),
    }
}

fn saying(text: &'static str) -> impl FnOnce(TcpStream) {
    move |mut connection| connection.write_all(text.as_bytes()).unwrap()
}

#[test]
fn a_page_is_asked_for_with_nothing_that_tells_more_than_who_asks() {
    let server = serve(|mut connection| {
        let asked = request(&mut connection);
        let says = "HTTP/1.1 200 OK\r\nServer: nginx\r\nX-Powered-By: x\r\nSet-Cookie: a=b\r\nX-Cache: HIT\r\nContent-Length: 5\r\n\r\nhello";
        connection.write_all(says.as_bytes()).unwrap();
        (asked, is_ended_in_order(connection))
    });
    let (port, answer) = (server.address.port(), answered(outcome(&server, false, LONG)));
    let headers = [("server", "nginx"), ("x-cache", "HIT")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((answer.status, answer.headers.as_slice()), (200, headers.as_slice()));
    assert_eq!((answer.body_bytes, answer.body_cut, answer.redirect), (5, false, None));
    let version = env!("CARGO_PKG_VERSION");
    let expected =
        format!("GET /a?b=c HTTP/1.1\r\nhost: pbs.gov.pk:{port}\r\nuser-agent: pehra/{version}\r\naccept: */*\r\n\r\n");
    assert_eq!(server.seen(), (expected, true));
}

#[test]
fn further_attempts_are_handshakes_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        request(&mut first);
        first.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        (0..2).all(|_| is_ended_in_order(listener.accept().unwrap().0))
    });
    let contact = converse(&caller(&[]), address, web_speech(false, false), 3, LONG);
    assert!(matches!(contact.outcome, ContactOutcome::Connected { samples: 3, .. }), "{contact:?}");
    assert_eq!(contact.exchanges.len(), 1);
    assert!(server.join().unwrap(), "they are ended in order, and nothing is said over them");
}

#[test]
fn a_point_of_presence_is_asked_which_it_is_over_the_same_connection() {
    let server = serve(|mut connection| {
        request(&mut connection);
        let page = "x".repeat(100_000);
        write!(connection, "HTTP/1.1 200 OK\r\ncf-ray: 8f2a-KHI\r\nContent-Length: 100000\r\n\r\n{page}").unwrap();
        let asked = request(&mut connection);
        connection
            .write_all(b"HTTP/1.1 200 OK\r\nServer: cloudflare\r\nContent-Length: 17\r\n\r\ncolo=KHI\nloc=PK\n\n")
            .unwrap();
        asked.lines().next().map(ToOwned::to_owned)
    });
    let contact = converse(&caller(&[]), server.address, web_speech(false, false), 1, LONG);
    let [page, trace] = contact.exchanges.try_into().unwrap();
    assert_eq!(answered(page.outcome).body_bytes, 100_000);
    assert_eq!(trace.url, format!("http://pbs.gov.pk:{}/cdn-cgi/trace", contact.port));
    let said = [("server", "cloudflare"), ("colo", "KHI"), ("loc", "PK")];
    assert_eq!(answered(trace.outcome).headers, said.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(server.seen().as_deref(), Some("GET /cdn-cgi/trace HTTP/1.1"));
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let said = "HTTP/1.1 302 Found\r\nLocation: https://user:pw@login.example.com/x\r\nContent-Length: 0\r\n\r\n";
    let answer = answered(asked(false, LONG, saying(said)));
    assert_eq!((answer.status, answer.redirect.as_deref()), (302, Some("https://login.example.com/x")));
}

#[test]
fn a_page_is_read_for_other_hosts_where_that_is_asked_for() {
    let said =
        "HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<script src=//cdn.example.com/a.js></script>";
    for (resources, hosts) in [(true, vec!["cdn.example.com".parse().unwrap()]), (false, Vec::new())] {
        let answer = answered(asked(resources, LONG, saying(said)));
        assert_eq!((answer.resources, answer.body_cut), (hosts, false));
    }
    let picture = "HTTP/1.0 200 OK\r\nContent-Type: image/svg+xml\r\n\r\n<script src=//cdn.example.com/a.js></script>";
    assert_eq!(answered(asked(true, LONG, saying(picture))).resources, []);
}

#[test]
fn a_body_without_end_is_cut() {
    let heads = ["HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"];
    for (head, resources, most) in
        heads.iter().flat_map(|head| [(*head, true, MOST_BODY), (*head, false, MOST_UNREAD_BODY)])
    {
        let answer = answered(asked(resources, LONG, move |mut connection| {
            connection.write_all(head.as_bytes()).unwrap();
            flood(connection, &vec![b'x'; 1 << 16]);
        }));
        assert_eq!((answer.status, answer.body_bytes, answer.body_cut), (200, most, true));
    }
}

#[test]
fn a_chunk_of_more_than_there_can_be_is_cut() {
    for size in ["FFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFFFFFFFFFF", "0;x=", "zz"] {
        let answer = answered(asked(true, LONG, move |mut connection| {
            write!(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}").unwrap();
            if size.starts_with('F') {
                connection.write_all(b"\r\n").unwrap();
            }
            flood(connection, &vec![b'x'; 1 << 16]);
        }));
        assert!(answer.body_cut && answer.body_bytes <= MOST_BODY, "{size}: {answer:?}");
    }
}

#[test]
fn who_gives_a_body_byte_by_byte_is_not_waited_for() {
    let answer = answered(asked(true, SHORT, |mut connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").unwrap();
        drip(connection, b"x");
    }));
    assert!(answer.body_cut && (1..1000).contains(&answer.body_bytes), "{answer:?}");
}

#[test]
fn who_gives_a_head_byte_by_byte_is_not_waited_for() {
    assert_eq!(failed(asked(false, SHORT, |connection| drip(connection, b"H"))), HttpFailure::Timeout);
    let slowly = |mut connection: TcpStream| {
        connection.write_all(b"HTTP/1.1 200 OK\r\nx: ").unwrap();
        drip(connection, b"y");
    };
    assert_eq!(failed(asked(false, SHORT, slowly)), HttpFailure::Timeout);
    assert_eq!(
        failed(asked(false, SHORT, |connection| drip(connection, b"HTTP/1.1 100 Continue\r\n\r\n"))),
        HttpFailure::Timeout
    );
    assert_eq!(failed(asked(false, SHORT, |connection| drop(request(&mut &connection)))), HttpFailure::Timeout);
}

#[test]
fn a_head_without_end_is_refused() {
    for line in [&b"x: y\r\n"[..], b"x", b"\r\n x"] {
        let endless = |mut connection: TcpStream| {
            connection.write_all(b"HTTP/1.1 200 OK\r\na: ").unwrap();
            flood(connection, &line.repeat(1000));
        };
        assert_eq!(failed(asked(false, LONG, endless)), HttpFailure::Malformed, "{line:?}");
    }
}

#[test]
fn what_is_no_http_is_told_apart_from_nothing() {
    for said in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "\0\0\0\0", "HTTP/1.1 2000 OK\r\n\r\n", "<html></html>\r\n\r\n"] {
        assert_eq!(failed(asked(false, LONG, saying(said))), HttpFailure::Malformed, "{said}");
    }
    for said in ["", "HTTP/1.1 200 OK\r\nx: y\r\n"] {
        assert_eq!(failed(asked(false, LONG, saying(said))), HttpFailure::Closed, "{said}");
    }
    let server = serve(|connection| close(&connection));
    assert_eq!(failed(outcome(&server, false, LONG)), HttpFailure::Closed);
}
