//! The harness on a small corpus of its own: every label, every outcome, and one label that is wrong on purpose.
//!
//! After a wanted change, `UPDATE_GOLDEN=1 cargo test --example accuracy` writes the expected text anew.

use std::fs;

use super::*;

const SMALL: &str = "tests/measure/corpus";

pub(crate) fn small() -> Corpus {
    Corpus::read(Path::new(SMALL)).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a golden file, and the wish to write it anew")]
fn the_figures_of_a_small_corpus_are_the_expected_ones() {
    let text = text::of(&measure(Path::new(SMALL), &[], 0.05).unwrap());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(SMALL).join("expected.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap();
    let differing: Vec<_> = text.lines().zip(expected.lines()).filter(|(is, was)| is != was).collect();
    assert!(text == expected, "{} differs: {differing:#?}", golden.display());
}

#[test]
fn the_same_figures_are_in_the_json() {
    let json = measure(Path::new(SMALL), &[], 0.05).unwrap().json().unwrap();
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
fn a_base_rate_is_a_part_of_all() {
    assert_eq!(percent("2.5"), Ok(2.5));
    for wrong in ["0", "100", "-1", "NaN", "inf", "five"] {
        assert!(percent(wrong).is_err(), "{wrong}");
    }
}
