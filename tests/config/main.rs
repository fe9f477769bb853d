//! Bad configurations, one file a rule, each with the messages that it must give beside it.
//!
//! `cases/NAME.toml` is read as `pehra check` reads it; `cases/NAME.errors` holds every error, one a line, in order.
//! After a deliberate change of wording, `PEHRA_WRITE_EXPECTED=1 cargo test --test config` writes them anew.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test reads its cases and may fail on them")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pehra::edge::inventory::load;

mod urls;

const CASES: &str = "tests/config/cases";

/// What reading `path` comes to: its errors one a line, or nothing.
fn errors_of(path: &Path) -> String {
    load(path).map_or_else(|errors| format!("{errors}\n"), |_| String::new())
}

fn cases() -> Vec<PathBuf> {
    let files = fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files
}

#[test]
fn every_bad_file_gives_exactly_the_errors_beside_it() {
    let write = std::env::var_os("PEHRA_WRITE_EXPECTED").is_some();
    let cases = cases();
    assert!(cases.len() >= 20, "the cases are gone");
    for path in cases {
        let found = errors_of(&path);
        assert_ne!(found, "", "{} is accepted", path.display());
        let beside = path.with_extension("errors");
        if write {
            fs::write(&beside, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&beside).unwrap(), "{}", path.display());
    }
}

#[test]
fn each_error_names_file_line_key_fault_and_cure() {
    for path in cases() {
        for line in errors_of(&path).lines() {
            assert!(line.starts_with(CASES), "{line}");
            let parts = line.split(": ").count();
            let nameless = line.contains(": not TOML, ");
            assert!(parts >= if nameless { 3 } else { 4 }, "{line}");
        }
    }
}

#[test]
fn a_file_with_ten_errors_reports_all_ten() {
    let errors = load(Path::new("tests/config/cases/ten-errors.toml")).unwrap_err();
    assert!(errors.0.len() >= 10, "{errors}");
}

/// Writes `bytes` as a configuration and reads it.
fn errors_of_bytes(bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pehra.toml");
    fs::write(&path, bytes).unwrap();
    errors_of(&path).replace(&format!("{}/", directory.path().display()), "")
}

const MINIMAL: &str = "[vantage]\r\nid = \"here\"\r\n";

#[test]
fn a_byte_order_mark_and_carriage_returns_are_taken_as_they_come() {
    assert_eq!(errors_of_bytes(format!("\u{feff}{MINIMAL}").as_bytes()), "");
}

#[test]
fn the_line_of_an_error_is_right_after_carriage_returns_and_a_byte_order_mark() {
    let bad = format!("\u{feff}{MINIMAL}latitude = 95\r\nlongitude = 0\r\n");
    assert!(errors_of_bytes(bad.as_bytes()).starts_with("pehra.toml:3: vantage.latitude: 95 is out of range"));
}

#[test]
fn what_is_no_text_is_refused_with_its_line() {
    assert_eq!(
        errors_of_bytes(b"[vantage]\nid = \"\xff\xfe\"\n"),
        "pehra.toml:2: not UTF-8 text: save the file in UTF-8\n"
    );
    assert!(errors_of_bytes(b"[vantage]\n\0\n").starts_with("pehra.toml:2: a NUL byte: "));
    let utf16: Vec<u8> = MINIMAL.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(errors_of_bytes(&utf16).starts_with("pehra.toml:1: a NUL byte: "));
}

#[test]
fn a_file_of_ten_megabytes_is_refused_at_once() {
    let huge = format!("{MINIMAL}{}", "# padding\n".repeat(1 << 20));
    assert!(errors_of_bytes(huge.as_bytes()).starts_with("pehra.toml: the file is larger than 8 MiB: "));
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    for deep in [
        format!("{MINIMAL}x = {}", "[".repeat(100_000)),
        format!("{MINIMAL}x = {}{}", "{a=".repeat(50_000), "}".repeat(50_000)),
        format!("{MINIMAL}{} = 1", vec!["a"; 50_000].join(".")),
        format!("[{}]\n", vec!["a"; 50_000].join(".")),
    ] {
        assert!(errors_of_bytes(deep.as_bytes()).starts_with("pehra.toml:"), "{deep:.60}");
    }
}

#[test]
fn a_huge_file_of_one_line_is_read_in_linear_time() {
    let many = vec!["\"a.example.gov.pk:x\""; 100_000].join(",");
    let workload = "[[workload]]\nid = \"w\"\nentity = \"E\"\njurisdiction = \"federal\"\nclass = \"public\"\n";
    let begun = Instant::now();
    assert_ne!(errors_of_bytes(format!("{MINIMAL}{workload}endpoints = [{many}]\n").as_bytes()), "");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn what_a_file_says_cannot_drive_the_terminal() {
    let errors = errors_of_bytes(b"[vantage]\nid = \"here\"\n\"\\u001b[31mred\" = 1\nasn = \"\\u202e1\"\n");
    assert!(!errors.contains(['\u{1b}', '\u{202e}']), "{errors:?}");
    assert_eq!(errors.lines().count(), 2, "{errors}");
}

#[test]
fn a_configuration_that_is_not_there_or_is_a_directory_says_so() {
    assert!(errors_of(Path::new("/no/such/pehra.toml")).starts_with("/no/such/pehra.toml: failed to read the config"));
    assert!(errors_of(Path::new("tests")).starts_with("tests: failed to read the configuration: it is a directory"));
}
