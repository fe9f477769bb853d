use std::io::{Read, Write};
use std::sync::Arc;

use rcgen::{DnType, date_time_ymd};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection};

use super::server::{Authority, Identity, Server, close, flood, is_ended_in_order, request, secure, serve, wait};
use super::*;
use crate::contact::certificate::{MOST_WORDS, Session, TlsFailure, Trust};
use crate::contact::exchange::HttpOutcome;

const BOTH: [&rustls::SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A server that answers one request; it has seen the name in SNI, and whether it ended in order.
fn web(config: ServerConfig) -> Server<(Option<String>, bool)> {
    serve(|connection| {
        let mut connection = secure(connection, config);
        request(&mut connection);
        connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        (connection.conn.server_name().map(ToOwned::to_owned), is_ended_in_order(connection))
    })
}

/// The session with a server, over which a request is answered whatever its certificate is worth.
fn session<T>(caller: &Caller, server: &Server<T>) -> Session {
    let contact = converse(caller, server.address, web_speech(true, false), 1, LONG);
    assert!(matches!(contact.exchanges[0].outcome, HttpOutcome::Answered(_)), "{contact:?}");
    let Some(Tls::Established(session)) = contact.tls else { panic!("{contact:?}") };
    session
}

fn failure<T>(server: &Server<T>, timeout: Duration) -> TlsFailure {
    let contact = converse(&caller(&[]), server.address, web_speech(true, false), 1, timeout);
    assert_eq!(contact.exchanges, []);
    let Some(Tls::Failed(failure)) = contact.tls else { panic!("{contact:?}") };
    failure
}

#[test]
fn a_session_shows_whose_certificate_it_is_and_that_it_is_trusted() {
    let authority = Authority::new();
    for (versions, version) in [(&BOTH[..1], "TLSv1.2"), (&BOTH[1..], "TLSv1.3"), (&BOTH[..], "TLSv1.3")] {
        let identity = authority.sign(&["pbs.gov.pk", "www.pbs.gov.pk"], |_| {});
        let server = web(identity.config(versions));
        let session = session(&caller(&[authority.certificate()]), &server);
        assert_eq!((session.version.as_str(), session.trust), (version, Trust::Trusted));
        assert!(session.rtt_ns >= Rtt::SHORTEST && session.rtt_ns < Rtt::from_duration(LONG), "{}", session.rtt_ns);
        assert_eq!(session.chain.len(), 2);
        assert_eq!(session.chain[0].names, ["pbs.gov.pk", "www.pbs.gov.pk"]);
        assert_eq!(session.chain[0].issuer_country.as_deref(), Some("PK"));
        assert_eq!(session.chain[0].issuer, session.chain[1].subject);
        assert_eq!(server.seen(), (Some("pbs.gov.pk".into()), true));
    }
}

#[test]
fn a_certificate_that_is_worth_nothing_is_evidence_all_the_same() {
    let authority = Authority::new();
    let html = |params: &mut rcgen::CertificateParams| {
        params.distinguished_name.push(DnType::CommonName, "<script>alert(1)</script>\u{1b}[2J");
        params.distinguished_name.push(DnType::OrganizationName, "x".repeat(5_000));
    };
    let (stranger, forger) = (Authority::named("a stranger"), Authority::new());
    for (identity, trust) in [
        (authority.sign(&["example.com"], |_| {}), Trust::WrongName),
        (authority.sign(&["pbs.gov.pk"], |params| params.not_after = date_time_ymd(2021, 1, 1)), Trust::NotInTime),
        (authority.sign(&["pbs.gov.pk"], |params| params.not_before = date_time_ymd(2099, 1, 1)), Trust::NotInTime),
        (authority.sign(&["pbs.gov.pk"], html), Trust::Trusted),
        (stranger.sign(&["pbs.gov.pk"], |_| {}), Trust::UnknownIssuer),
        (forger.sign(&["pbs.gov.pk"], |_| {}), Trust::Invalid("BadSignature".into())),
        (Identity::own(&["pbs.gov.pk"]), Trust::UnknownIssuer),
    ] {
        let session = session(&caller(&[authority.certificate()]), &web(identity.config(&BOTH)));
        assert_eq!(session.trust, trust);
        assert!(session.chain[0].subject.chars().count() <= MOST_WORDS);
    }
    let trusting_nobody = session(&caller(&[]), &web(authority.sign(&["pbs.gov.pk"], |_| {}).config(&BOTH)));
    assert_eq!((trusting_nobody.trust, trusting_nobody.chain.len()), (Trust::UnknownIssuer, 2));
}

#[test]
fn an_address_is_asked_for_without_sni() {
    let authority = Authority::new();
    let server = web(authority.sign(&["127.0.0.1"], |_| {}).config(&BOTH));
    let request = Request { tls: true, host: "127.0.0.1".parse().unwrap(), path: "/".into(), resources: false };
    let caller = caller(&[authority.certificate()]);
    let contact = converse(&caller, server.address, Speech::Http(request), 1, LONG);
    let Some(Tls::Established(session)) = contact.tls else { panic!("{contact:?}") };
    assert_eq!((session.trust, server.seen()), (Trust::Trusted, (None, true)));
}

#[test]
fn after_a_retry_the_slower_of_two_round_trips_counts() {
    let authority = Authority::new();
    let identity = authority.sign(&["pbs.gov.pk"], |_| {});
    let mut provider = rustls::crypto::ring::default_provider();
    provider.kx_groups = vec![rustls::crypto::ring::kx_group::SECP384R1];
    let config = ServerConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(identity.chain, identity.key).unwrap();
    let session = session(&caller(&[authority.certificate()]), &web(config));
    assert_eq!((session.version.as_str(), session.trust), ("TLSv1.3", Trust::Trusted));
    assert!(session.rtt_ns >= Rtt::SHORTEST);
}

#[test]
fn a_key_holder_behind_whoever_shook_hands_is_the_one_who_counts() {
    let far = Duration::from_millis(300);
    let identity = Authority::new().sign(&["pbs.gov.pk"], |_| {});
    let server = serve(move |connection| {
        wait(far);
        let mut connection = secure(connection, identity.config(&BOTH));
        request(&mut connection);
    });
    let contact = converse(&caller(&[]), server.address, web_speech(true, false), 3, LONG);
    let (handshake, holder) = contact.split().unwrap();
    assert!(handshake.duration() < far && holder.duration() >= far, "{handshake} {holder}");
    assert_eq!(contact.rtt(), Some((holder, 1)));
}

/// Shows a certificate whose key it does not hold.
#[derive(Debug)]
struct Pretender(Arc<CertifiedKey>);

impl ResolvesServerCert for Pretender {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[test]
fn who_does_not_hold_the_key_has_no_session() {
    let authority = Authority::new();
    for versions in [&BOTH[..1], &BOTH[1..]] {
        let (shown, own) = (authority.sign(&["pbs.gov.pk"], |_| {}), authority.sign(&["pbs.gov.pk"], |_| {}));
        let key = rustls::crypto::ring::sign::any_supported_type(&own.key).unwrap();
        let pretender = Pretender(Arc::new(CertifiedKey::new(shown.chain, key)));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let config = config.with_no_client_auth().with_cert_resolver(Arc::new(pretender));
        let server = serve(|mut connection| {
            let mut held = ServerConnection::new(Arc::new(config)).unwrap();
            while held.complete_io(&mut connection).is_ok() && held.is_handshaking() {}
        });
        assert_eq!(failure(&server, LONG), TlsFailure::Malformed);
    }
}

#[test]
fn who_breaks_off_is_told_apart_from_who_refuses_and_from_who_speaks_something_else() {
    let closing = serve(|mut connection| {
        connection.read_exact(&mut [0; 50]).unwrap();
        close(&connection);
    });
    assert_eq!(failure(&closing, LONG), TlsFailure::Closed);
    let in_the_midst = serve(|mut connection| {
        // The head of a record of a handshake, and less than it promises.
        connection.write_all(&[22, 3, 3, 0, 100, 2, 0, 0, 96, 3, 3]).unwrap();
    });
    assert_eq!(failure(&in_the_midst, LONG), TlsFailure::Closed);
    let mut config = Identity::own(&["pbs.gov.pk"]).config(&BOTH);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let refusing = serve(|connection| {
        let mut connection = secure(connection, config);
        let _ = connection.flush();
        let _ = connection.conn.complete_io(&mut connection.sock);
    });
    assert_eq!(failure(&refusing, LONG), TlsFailure::Refused);
    let silent = serve(|mut connection| while connection.read(&mut [0; 64]).is_ok_and(|length| length > 0) {});
    assert_eq!(failure(&silent, SHORT), TlsFailure::Timeout);
    for garbage in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\0", b"\x16\x03\x03\xff\xff"] {
        let speaking = serve(|connection| flood(connection, garbage));
        assert_eq!(failure(&speaking, LONG), TlsFailure::Malformed, "{garbage:?}");
    }
}
