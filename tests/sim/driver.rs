//! The simulation itself: the same run twice, and expectations that do not hold.

use pehra::edge::clock;
use pehra::sim::{Report, Scenario, run};

use crate::{borders, parse, play};

#[test]
fn the_same_scenario_gives_the_same_run_to_the_last_byte() {
    let (first, second) = (play("moves_abroad"), play("moves_abroad"));
    assert!(!first.log.is_empty());
    assert_eq!(first, second);
}

#[test]
fn another_seed_gives_another_run() {
    let with = |seed: &str| {
        let text = format!("{seed}\n{}", include_str!("scenarios/silent_hops.toml"));
        run(&parse("silent_hops.toml", &text), &borders(), clock::now().mono).digest
    };
    assert_ne!(with("seed = 1"), with("seed = 2"));
    assert_eq!(with("seed = 1"), with("seed = 1"));
}

/// A world of one router, one host and one endpoint, in which nothing is as this expects.
const WRONG: &str = r#"
title = "Nothing is as expected"
world = "government"

[[step]]
at = "3m"
trace = [{ to = "203.101.184.84" }]

[step.expect]
trace = [{ ending = "silent", hops = ["gateway", "*", "portal"], rtt_ms_at_least = 5.0, rtt_ms_at_most = 0.1 }]
probes_at_most = 2
standing = { "https://portal.example.gov.pk" = "breach", "https://unknown.example.gov.pk" = "compliant" }
findings = { "https://portal.example.gov.pk" = ["stale"] }
place = { "203.101.184.84" = "outside proven", "203.101.184.85" = "inside proven" }
alerts = ["critical PehraDestinationOutside https://portal.example.gov.pk"]
pages = 1
all_clears = 1
metrics = ["pehra_nothing 1", "!pehra_endpoint_standing"]
rounds = { "https://portal.example.gov.pk" = ">= 100" }
rounds_per_second_at_most = 0
rounds_apart_at_least = "1h"
rounds_apart_at_most = "1s"
count = { compliant = 2 }

[[step]]
change.sink.nobody = "down"
"#;

#[test]
fn everything_that_is_not_as_expected_is_said() {
    let Report { failures, .. } = run(&parse("wrong.toml", WRONG), &borders(), clock::now().mono);
    for said in [
        "ending of the icmp trace",
        "hops of the icmp trace",
        "at least 5 ms expected",
        "at most 0.1 ms expected",
        "probes sent: at most 2 expected",
        "standing of https://portal.example.gov.pk",
        "standing of https://unknown.example.gov.pk: \"compliant\" expected, \"not watched\" seen",
        "findings of https://portal.example.gov.pk",
        "place of 203.101.184.84",
        "place of 203.101.184.85: \"inside proven\" expected, \"not seen\" seen",
        "alerts held",
        "pages: 1 expected, 0 seen",
        "all-clears: 1 expected, 0 seen",
        "metrics: expected pehra_nothing 1",
        "metrics: expected !pehra_endpoint_standing",
        "rounds of https://portal.example.gov.pk: >= 100 expected",
        "rounds begun in one second",
        "at least 3600s expected",
        "at most 1s expected",
        "number of endpoints that are compliant",
        "nobody who is told of alerts is called \"nobody\"",
    ] {
        assert!(
            failures.iter().any(|failure| failure.contains(said)),
            "{said:?} is not among\n{}",
            failures.join("\n")
        );
    }
    assert_eq!(failures.len(), 21, "{}", failures.join("\n"));
}

#[test]
fn a_slip_in_a_scenario_is_named_with_its_file_and_key() {
    let error = |text: &str| Scenario::parse("x.toml", text, &crate::worlds()).expect_err("it has a slip").to_string();
    let with = |more: &str| format!("title = \"x\"\nworld = \"government\"\n{more}");
    for (text, said) in [
        ("title = 1".to_owned(), "x.toml:1: invalid type"),
        (
            "title = \"x\"\nworld = \"mars\"".to_owned(),
            "x.toml: world: no world is called \"mars\": write one of government",
        ),
        ("title = \"x\"".to_owned(), "x.toml: vantage: is missing"),
        (with("[node.x]\nplace = \"mars\""), "x.toml: node.x.place: no place is called \"mars\""),
        (with("[[step]]\nat = \"2m\"\n[[step]]\nat = \"1m\""), "x.toml: step[1].at: is before"),
        (with("[[step]]\nelapse = \"20000d\""), "x.toml:4: \"20000d\" is not a stretch of time"),
        (with("jitter_ms = 1e300"), "x.toml: jitter_ms: "),
        (with("[config]\nhome = \"Pakistan\""), "x.toml: config: "),
        (with("[[step]]\nchange.config.home = 5"), "x.toml: step[0].change.config: "),
        (
            with("[[step]]\nexpect.trace = [{ ending = \"reached\", hops = [] }]"),
            "x.toml: step[0].expect.trace: expects more",
        ),
        (
            with("[[estate]]\ncount = 9\nname = \"{}.pk\"\nprefix = \"5.5.5.0/30\"\nworkload = \"land-records\""),
            "x.toml: estate[0].prefix: holds fewer addresses",
        ),
    ] {
        let error = error(&text);
        assert!(error.starts_with(said), "{error:?} does not begin with {said:?}");
    }
}
