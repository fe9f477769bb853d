//! The harness on a small corpus of its own: every label, every outcome, and one label that is wrong on purpose.
//!
//! After a wanted change, `UPDATE_GOLDEN=1 cargo test --example accuracy` writes the expected text anew.

use std::fs;
use std::path::Path;

use super::*;

const SMALL: &str = "tests/measure/corpus";

pub(crate) fn small() -> Corpus {
    Corpus::read(Path::new(SMALL)).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a golden file, and the wish to write it anew")]
fn the_figures_of_a_small_corpus_are_the_expected_ones() {
    // Which day's databases were asked is for a reader, and changes with each of them.
    let is_dated = |line: &&str| line.starts_with("asked: ");
    let text = text::of(&measure(&Arguments::parse_from(["tests/accuracy", SMALL])).unwrap());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(SMALL).join("expected.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap();
    let [text, expected] =
        [&text, &expected].map(|text| text.lines().filter(|line| !is_dated(line)).collect::<Vec<_>>());
    let differing: Vec<_> = text.iter().zip(&expected).filter(|(is, was)| is != was).collect();
    assert!(text == expected, "{} differs: {differing:#?}", golden.display());
}

#[test]
fn the_same_figures_are_in_the_json() {
    let json = measure(&Arguments::parse_from(["tests/accuracy", SMALL])).unwrap().json().unwrap();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let judge = &report["measured"][0];
    assert_eq!((&judge["kind"], &judge["name"]), (&"judge".into(), &"together".into()));
    let proven = &judge["lines"]["scores"]["proven"];
    let recall = &proven["outside"]["recall"];
    assert_eq!((&recall["hits"], &recall["of"], &recall["value"]), (&3.into(), &4.into(), &0.75.into()));
    assert_eq!(proven["inside"]["recall"]["hits"], 2);
    assert_eq!(judge["lines"]["confusion"]["edge"]["edge"], 3);
    let wrong = &judge["addresses"]["wrong"][0];
    assert_eq!(wrong["name"], "65.109.77.254 (mislabelled.example.pk)");
    assert_eq!((&wrong["label"], &wrong["said"]), (&"inside".into(), &"outside".into()));
    assert_eq!(report["corpus"]["vantages_abroad"], 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "spoils copies of files, one at a time")]
fn a_corpus_that_cannot_be_used_is_refused_with_its_line() {
    let files = ["labels.csv", "traces.json", "vantages.toml"];
    let spoiled = |file: &str, spoil: &dyn Fn(String) -> Option<String>| {
        let directory = tempfile::tempdir().unwrap();
        for name in files {
            let text = fs::read_to_string(Path::new(SMALL).join(name)).unwrap();
            let text = if name == file { spoil(text) } else { Some(text) };
            if let Some(text) = text {
                fs::write(directory.path().join(name), text).unwrap();
            }
        }
        let (mut out, mut complaints) = (Vec::new(), Vec::new());
        let arguments = Arguments::parse_from([Path::new("tests/accuracy"), directory.path(), Path::new("--json")]);
        let status = run(&arguments, &mut out, &mut complaints);
        assert!(status == UNUSABLE && out.is_empty(), "{file}: {status}");
        String::from_utf8(complaints).unwrap()
    };
    let added = |line: &'static str| move |text: String| Some(text + line);
    for (file, spoil, words) in [
        ("labels.csv", &(|_| None) as &dyn Fn(String) -> Option<String>, "labels.csv: failed to read: No such file"),
        ("vantages.toml", &|_| None, "vantages.toml: failed to read"),
        ("traces.json", &|_| None, "traces.json: failed to read"),
        ("labels.csv", &added("silent.example.pk,175.107.60.231,1,silent\n"), "labels.csv:19: no trace is of"),
        ("labels.csv", &added("silent.example.pk,175.107.60.231,3,inside\n"), "labels.csv:19: silent.example.pk"),
        ("labels.csv", &added("silent.example.pk,175.107.60.231,3,quiet\n"), "labels.csv:19: label: quiet"),
        ("traces.json", &added("]"), "traces.json:21:1: trailing"),
        ("vantages.toml", &added("latitude = 95\n"), "vantages.toml:"),
    ] {
        let complaint = spoiled(file, spoil);
        assert!(complaint.starts_with("tests/accuracy: ") && complaint.contains(words), "{words}: {complaint}");
    }
}

#[test]
fn a_base_rate_is_a_part_of_all() {
    assert_eq!(percent("2.5"), Ok(2.5));
    for wrong in ["0", "100", "-1", "NaN", "inf", "five"] {
        assert!(percent(wrong).is_err(), "{wrong}");
    }
}
