//! Holds `src/` to the order that `lib.rs` tells: the core is pure, arrows point one way, every file says what it is.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test reads the source and fails on it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What only the shell may name.
const SHELL_ONLY: [&str; 31] = [
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "hickory_net",
    "hickory_proto",
    "hickory_resolver",
    "maxminddb",
    "socket2",
    "rustix",
    "nix",
    "caps",
    "axum",
    "http_body_util",
    "hyper",
    "reqwest",
    "rustls",
    "prometheus",
    "sd_notify",
    "indicatif",
    "anstream",
    "clap",
    "tracing_subscriber",
    "tracing_journald",
    "std::fs",
    "std::env",
    "std::thread",
    "std::process",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

/// The shell: all that touches the world.
const SHELL: [&str; 6] = ["edge", "agent", "command", "vitals", "cli", "main"];

/// The modules in their order: what stands on a line may import what stands on earlier lines, and not its neighbours.
const ORDER: [&[&str]; 17] = [
    &["digest", "moment", "network", "place", "printable", "provider", "vantage", "workload"],
    &["resolution", "trace", "contact", "location"],
    &["observation"],
    &["round", "entry", "import", "export"],
    &["calibration"],
    &["dossier"],
    &["verdict"],
    &["report", "alert", "schedule"],
    &["ledger"],
    &["exposition"],
    &["watch"],
    &["config"],
    &["sim"],
    &["edge"],
    &["vitals"],
    &["agent", "command"],
    &["cli", "main"],
];

/// Arrows within one line of the order or against it (the vocabulary speaks to itself anyway): a command may start the
/// agent and knows the defaults of the command line.
const WITHIN: [(&str, &str); 3] = [("command", "agent"), ("command", "cli"), ("main", "cli")];

/// One file of the source.
struct Source {
    /// Its path below `src/`.
    path: String,
    text: String,
}

impl Source {
    /// The first module on its path: `trace` for `trace/packet/icmp4.rs`.
    fn module(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Whether it holds nothing but tests.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Its lines of code, numbered, up to the tests at its end and without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
        lines.map(|(at, line)| (at + 1, line.split("//").next().unwrap())).filter(|(_, line)| !line.trim().is_empty())
    }
}

fn sources(directory: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix("src").unwrap().to_str().unwrap().to_owned();
            found.push(Source { path: below, text: fs::read_to_string(&path).unwrap() });
        }
    }
}

fn all_sources() -> Vec<Source> {
    let mut found = Vec::new();
    sources(Path::new("src"), &mut found);
    assert!(found.len() > 50, "the source is gone");
    found
}

/// Whether `line` names `word` as a whole: not as a part of a longer word.
fn names(line: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(|c| is_word(c) || c == '"') && !after.is_some_and(|c| is_word(c) || c == '"')
    })
}

/// What is wrong with the names a core file uses.
fn impurities(source: &Source) -> Vec<String> {
    if SHELL.contains(&source.module()) || source.is_test() || source.path == "lib.rs" {
        return Vec::new();
    }
    let found = source.code().flat_map(|(line, text)| {
        let named = SHELL_ONLY.iter().filter(move |word| {
            // A crate is named in a path; a mere word like `prometheus` or `clap` may be about something else.
            if word.contains("::") {
                names(text, word)
            } else {
                names(text, word) && text.contains(&format!("{word}::"))
            }
        });
        named.map(move |word| format!("src/{}:{line} is core and names {word}", source.path))
    });
    found.collect()
}

/// The modules of this crate that a line of code refers to: `crate::trace::plan::Plan`, `crate::{place, network}`.
fn imports(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, path) in line.match_indices("crate::").chain(line.match_indices("pehra::")) {
        let rest = &line[at + path.len()..];
        let list = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap());
        let first =
            |path: &str| path.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
        if rest.starts_with('{') { found.extend(list.split(',').map(first)) } else { found.push(first(rest)) }
    }
    found
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|line| line.contains(&module))
}

/// What is wrong with where the arrows of a file point.
fn wrong_arrows(source: &Source) -> Vec<String> {
    if source.is_test() || source.path == "lib.rs" {
        return Vec::new();
    }
    let from = source.module();
    let Some(own) = rank(from) else { return vec![format!("src/{} has no place in the order", source.path)] };
    let mut wrong = Vec::new();
    for (line, text) in source.code() {
        for to in imports(text).into_iter().filter(|to| to != from) {
            let Some(other) = rank(&to) else { continue };
            let vocabulary = own == 0 && other == 0;
            if other >= own && !vocabulary && !WITHIN.contains(&(from, to.as_str())) {
                wrong.push(format!("src/{}:{line}: {from} may not import {to}", source.path));
            }
        }
    }
    wrong
}

/// Whether a file opens by saying what it is for.
fn is_introduced(source: &Source) -> bool {
    source.is_test() || source.text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 15)
}

fn fake(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}

#[test]
fn the_core_names_no_clock_no_file_and_no_crate_of_the_shell() {
    let wrong: Vec<_> = all_sources().iter().flat_map(impurities).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_arrow_points_down() {
    let wrong: Vec<_> = all_sources().iter().flat_map(wrong_arrows).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = all_sources().iter().filter(|source| !is_introduced(source)).map(|s| s.path.clone()).collect();
    assert!(silent.is_empty(), "these do not open with //!: {silent:?}");
}

#[test]
fn the_order_is_that_of_the_table_of_contents() {
    let contents = fs::read_to_string("src/lib.rs").unwrap();
    let listed: BTreeSet<_> = contents.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let ordered: BTreeSet<_> = ORDER.iter().flat_map(|line| line.iter().copied()).filter(|m| *m != "main").collect();
    assert_eq!(listed, ordered);
}

/// A check that cannot fail is worth nothing: each is fed what it must catch, and what it must let pass.
#[test]
fn the_checks_catch_what_they_are_for() {
    let caught: BTreeMap<_, _> = [
        ("a crate of the shell", impurities(&fake("trace/mod.rs", "use tokio::net::UdpSocket;"))),
        ("a clock", impurities(&fake("schedule.rs", "let now = std::time::Instant::now();"))),
        ("a file", impurities(&fake("config/mod.rs", "    std::fs::read(path)"))),
        ("a chapter that knows another", wrong_arrows(&fake("trace/mod.rs", "use crate::resolution::View;"))),
        (
            "vocabulary that knows a chapter",
            wrong_arrows(&fake("place.rs", "use crate::{network::Asn, trace::Trace};")),
        ),
        ("the core knowing the shell", wrong_arrows(&fake("watch.rs", "use crate::edge::clock;"))),
        ("the edge knowing the agent", wrong_arrows(&fake("edge/http.rs", "use crate::agent::Agent;"))),
        ("a module without a place", wrong_arrows(&fake("utils.rs", "//! Things."))),
    ]
    .into();
    for (what, found) in caught {
        assert_eq!(found.len(), 1, "{what}: {found:?}");
    }
    assert!(!is_introduced(&fake("place.rs", "use std::fmt;")));

    for clean in [
        fake("edge/clock.rs", "    Instant::now()"),
        fake("trace/mod.rs", "// tokio::spawn is for the shell\nuse crate::moment::Moment;"),
        fake(
            "trace/mod.rs",
            "use crate::place::Home;\n#[cfg(test)]\nmod tests { use std::fs; use crate::agent::Agent; }",
        ),
        fake("network.rs", "use crate::place::CountryCode;"),
        fake("agent/mod.rs", "use crate::edge::clock;\nuse crate::config::Config;"),
        fake("alert/mod.rs", "/// As prometheus has it.\nlet prometheus = 1;"),
    ] {
        let found: Vec<_> = impurities(&clean).into_iter().chain(wrong_arrows(&clean)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}
