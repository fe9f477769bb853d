//! Verdicts that a lawyer can read: each file in `cases/` states what was found and what the shipped policy makes of it;
//! each file in `evidence/` states what was measured and claimed, and where that places an address.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod evidence;
mod noise;
mod policy;
mod soundness;
mod worlds;

use std::path::{Path, PathBuf};

/// The case files of a folder, by name; none at all is a mistake of the test.
#[expect(clippy::disallowed_methods, reason = "tests read their cases")]
fn cases(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no case", folder.display());
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap())).collect()
}

/// Runs `check` on every case of a folder and reports all that fail, by their titles.
fn run(folder: &str, check: impl Fn(&str) -> Result<(), String>) {
    let cases = cases(folder);
    let failures: Vec<_> = cases
        .iter()
        .filter_map(|(path, text)| check(text).err().map(|wrong| format!("{}: {wrong}", path.display())))
        .collect();
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
