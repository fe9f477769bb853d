//! Inventories behind URLs, as Prometheus `http_sd` has them.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use pehra::config::{Config, ConfigErrors};
use pehra::edge::inventory::load;

/// A server on the loopback that gives one answer, once, and tells what it was asked.
struct Server {
    address: SocketAddr,
    thread: JoinHandle<String>,
}

impl Server {
    fn answering(status: &'static str, body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                request.push(byte[0]);
            }
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            // The client may hang up on an answer that is too large.
            let _hung_up = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            String::from_utf8_lossy(&request).into_owned()
        });
        Self { address, thread }
    }

    fn url(&self) -> String {
        format!("http://{}/targets", self.address)
    }
}

fn load_with(inventory: &str) -> Result<Config, ConfigErrors> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pehra.toml");
    fs::write(&path, format!("inventory = [\"{inventory}\"]\n[vantage]\nid = \"here\"\n")).unwrap();
    load(&path).map(|(config, _)| config)
}

fn load_from(status: &'static str, body: &[u8]) -> (Result<Config, ConfigErrors>, String) {
    let server = Server::answering(status, body.to_vec());
    let loaded = load_with(&server.url());
    (loaded, server.thread.join().unwrap())
}

fn errors_of(status: &'static str, body: &[u8]) -> String {
    load_from(status, body).0.unwrap_err().to_string()
}

#[test]
fn a_url_gives_workloads_and_groups_of_one_workload_are_one() {
    let (config, request) = load_from(
        "200 OK",
        br#"[
        {"targets": ["a.example.gov.pk"], "labels": {"workload": "w", "entity": "E", "jurisdiction": "sindh",
            "class": "restricted", "__meta_datacenter": "khi"}},
        {"targets": ["tcp://b.example.gov.pk:5432"], "labels": {"workload": "w", "entity": "E",
            "jurisdiction": "sindh", "class": "restricted"}},
        {"targets": ["c.example.gov.pk"], "labels": {"workload": "v", "entity": "E", "jurisdiction": "sindh"}}]"#,
    );
    let config = config.unwrap();
    let found: Vec<_> = config.workloads.iter().map(|w| (w.id.0.as_str(), w.endpoints.len())).collect();
    assert_eq!(found, [("v", 1), ("w", 2)]);
    assert!(config.workloads[0].class.is_none());
    assert!(request.to_ascii_lowercase().contains("\r\nuser-agent: pehra/"), "{request}");
}

#[test]
fn every_fault_of_an_answer_is_reported_with_its_place_in_the_list() {
    let errors = errors_of(
        "200 OK",
        br#"[{"targets": ["ftp://a.example.gov.pk"], "labels": {"workload": "w", "entity": "E", "clas": "public"}},
        {"targets": ["b.example.gov.pk"], "labels": {"workload": "w w", "entity": "E", "jurisdiction": "sindh",
            "class": "publik", "provider": "nobody"}},
        {"targets": [], "labels": {"workload": "x", "entity": "E", "jurisdiction": "sindh", "class": "publik"}}]"#,
    );
    for wanted in [
        "[0].targets: \"ftp\" is not a scheme: ",
        "[0].labels: unknown label \"clas\", did you mean \"class\"?: ",
        "[0].labels: the label \"jurisdiction\" is missing: ",
        "[1].labels.workload: \"w w\" is not a name: ",
        "[2].labels.class: \"publik\" is not a class of ",
        "[2].targets: is empty: ",
    ] {
        assert!(errors.contains(wanted), "{wanted:?} is not in\n{errors}");
    }
}

#[test]
fn an_answer_that_is_no_list_of_targets_names_the_line() {
    assert!(errors_of("200 OK", b"[\n{\"targets\": 5}]").contains("/targets:2: invalid type"));
    assert!(errors_of("200 OK", b"<html>").contains("/targets:1: expected value"));
    assert!(errors_of("200 OK", b"").contains("/targets:1: EOF"));
    assert!(errors_of("200 OK", &b"[".repeat(100_000)).contains("/targets:1: "));
    assert!(errors_of("200 OK", b"[\xff]").contains("not UTF-8 text"));
}

#[test]
fn a_url_that_does_not_deliver_is_named_where_the_configuration_names_it() {
    let refused = errors_of("503 Service Unavailable", b"");
    assert!(refused.contains("pehra.toml:1: inventory: failed to fetch http://127.0.0.1:"), "{refused}");
    assert!(refused.contains("it answers 503"), "{refused}");
    let moved = errors_of("302 Found", b"");
    assert!(moved.contains("it answers 302"), "{moved}");
    let huge = errors_of("200 OK", &vec![b' '; 9 << 20]);
    assert!(huge.contains("larger than 8 MiB"), "{huge}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = load_with(&format!("http://{closed}/")).unwrap_err().to_string();
    assert!(nobody.contains("refused"), "{nobody}");
}
