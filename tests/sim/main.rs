//! Scenarios on the simulated internet: each file of `scenarios/` is a sentence, a world and a timeline.
#![expect(clippy::disallowed_methods, reason = "scenarios are files, and nothing else reads them")]
#![expect(clippy::panic, reason = "a scenario that cannot be read fails its test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use pehra::edge::clock;
use pehra::location::disc::Borders;
use pehra::location::outlines::Outlines;
use pehra::sim::{Report, Scenario, run};

mod agent;
mod driver;
mod paths;

/// Plays `scenarios/{name}.toml`; its clock begins now, and everything else is virtual.
fn play(name: &str) -> Report {
    let file = format!("scenarios/{name}.toml");
    run(&parse(&file, &read(&file)), &borders(), clock::now().mono)
}

fn parse(file: &str, text: &str) -> Scenario {
    Scenario::parse(file, text, &worlds()).unwrap_or_else(|error| panic!("{error}"))
}

/// The worlds that scenarios share.
fn worlds() -> BTreeMap<String, String> {
    ["government"].map(|world| (world.to_owned(), read(&format!("worlds/{world}.toml")))).into()
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sim").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn borders() -> Borders {
    static OUTLINES: LazyLock<Arc<Outlines>> = LazyLock::new(|| {
        let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("geodb/borders.gz");
        let bytes = fs::read(map).unwrap_or_else(|error| panic!("geodb/borders.gz: {error}"));
        Arc::new(Outlines::decode(&bytes).unwrap_or_else(|error| panic!("geodb/borders.gz: {error}")))
    });
    Borders::new(Arc::clone(&OUTLINES))
}

/// Plays a scenario and fails with everything that was not as it expects.
fn check(name: &str) {
    let report = play(name);
    let log = report.log.join("\n");
    assert!(report.failures.is_empty(), "{name}:\n{}\n\n{log}", report.failures.join("\n"));
}

/// One test for each scenario of a module, named after its file.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                crate::check(stringify!($name));
            }
        )*

        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}
use scenarios;

#[test]
fn every_scenario_is_played_by_some_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sim/scenarios");
    let files = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    let mut files: Vec<_> =
        files.map(|path| path.file_stem().expect("it has a name").to_string_lossy().into_owned()).collect();
    files.sort();
    let mut played: Vec<_> = paths::NAMES.iter().chain(agent::NAMES).map(|name| (*name).to_owned()).collect();
    played.sort();
    assert_eq!(files, played);
}
