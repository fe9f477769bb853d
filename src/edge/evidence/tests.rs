#![expect(clippy::disallowed_methods, reason = "writes the files it reads")]

use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::edge::clock;
use crate::edge::journal::Journal;
use crate::entry::tests::observation;
use crate::location::Says;

const VANTAGES: &str = "[[vantage]]\nid = \"atlas-1\"\nlatitude = 50.11\nlongitude = 8.68\nuncertainty_km = 5\n";

fn now() -> Timestamp {
    clock::now().wall
}

fn days_ago(days: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_hours(24 * days)).unwrap()
}

/// A ping of RIPE Atlas, as a line.
fn ping(probe: u32, address: &str, at: Timestamp) -> String {
    let timestamp = at.as_second();
    format!(
        "{{\"type\":\"ping\",\"prb_id\":{probe},\"timestamp\":{timestamp},\"af\":4,\"proto\":\"ICMP\",\
         \"dst_addr\":\"{address}\",\"dst_name\":\"{address}\",\"result\":[{{\"rtt\":1.2}}]}}\n"
    )
}

/// A directory `atlas` of files beside the file that says where vantages stood.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::create_dir(files.path("atlas")).unwrap();
        files.write("vantages.toml", VANTAGES);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn source(&self, path: &str) -> EvidenceSource {
        EvidenceSource { name: "atlas".to_owned(), path: self.path(path), vantages: Some(self.path("vantages.toml")) }
    }

    fn read(&self, path: &str, before: &Evidence) -> Evidence {
        let own = VantageId("ntc-isb-1".to_owned());
        Evidence::read(&[self.source(path)], before, &Geodb::embedded(), &own, now())
    }
}

fn addresses(evidence: &Evidence) -> Vec<String> {
    let mut addresses: Vec<_> = evidence.observations().iter().map(|seen| seen.endpoint.to_string()).collect();
    addresses.sort();
    addresses
}

fn trouble(evidence: &Evidence) -> String {
    evidence.troubles().collect::<Vec<_>>().join("\n")
}

#[test]
fn what_others_measured_comes_with_its_vantage_its_time_and_claims_of_our_databases() {
    let files = Files::new();
    files.write("atlas/one.json", &ping(1, "88.198.1.2", now()));
    let evidence = files.read("atlas", &Evidence::default());
    let observations = evidence.observations();
    let [seen] = observations.as_ref() else { panic!("{observations:?}") };
    assert!(seen.vantage.position.is_some());
    assert!((seen.best_rtt("88.198.1.2".parse().unwrap()).unwrap().rtt.ms() - 1.2).abs() < 1e-9);
    assert!(seen.claims.iter().any(|claim| matches!(claim.says, Says::Country(_))), "{:?}", seen.claims);
    let condition = evidence.conditions().next().unwrap();
    assert_eq!((condition.name, condition.observations, condition.is_whole), ("atlas", 1, true));
    assert_eq!(condition.newest, Some(seen.observed));
}

#[test]
fn a_broken_file_is_refused_by_name_and_line_and_what_was_good_of_it_stays() {
    let files = Files::new();
    files.write("atlas/one.json", &ping(1, "88.198.1.2", now()));
    files.write("atlas/two.json", &ping(1, "88.198.1.3", now()));
    let good = files.read("atlas", &Evidence::default());
    assert_eq!(addresses(&good), ["88.198.1.2", "88.198.1.3"]);
    assert_eq!(trouble(&good), "");

    files.write("atlas/one.json", &format!("{}{{\"prb_id\":", ping(1, "88.198.1.9", now())));
    files.write("atlas/three.json", "nonsense");
    let broken = files.read("atlas", &good);
    assert_eq!(addresses(&broken), ["88.198.1.2", "88.198.1.3"], "half a file counts for nothing");
    let said = trouble(&broken);
    assert!(said.contains("one.json:2:") && said.contains("stays in use"), "{said}");
    assert!(said.contains("three.json:1: "), "{said}");
    assert!(!broken.conditions().next().unwrap().is_whole);

    files.write("atlas/one.json", &ping(1, "88.198.1.9", now()));
    fs::remove_file(files.path("atlas/three.json")).unwrap();
    let mended = files.read("atlas", &broken);
    assert_eq!(
        (addresses(&mended), trouble(&mended)),
        (vec!["88.198.1.3".to_owned(), "88.198.1.9".to_owned()], String::new())
    );
}

#[test]
fn a_change_is_seen_and_what_did_not_change_is_not_read_again() {
    let files = Files::new();
    let current = |evidence: &Evidence| evidence.is_current(&[files.source("atlas")], now());
    files.write("atlas/one.json", &ping(1, "88.198.1.2", now()));
    let first = files.read("atlas", &Evidence::default());
    assert!(current(&first));
    files.write("atlas/two.json", &ping(1, "88.198.1.3", now()));
    assert!(!current(&first));
    let second = files.read("atlas", &first);
    let content = |evidence: &Evidence| Arc::clone(&evidence.sources[0].files[&files.path("atlas/one.json")].content);
    assert!(current(&second) && Arc::ptr_eq(&content(&first), &content(&second)));

    files.write("vantages.toml", &VANTAGES.replace("50.11", "1.35 # elsewhere"));
    assert!(!current(&second));
    let moved = files.read("atlas", &second);
    let latitude = |evidence: &Evidence| evidence.observations()[0].vantage.position.unwrap().coordinates.latitude();
    assert!(latitude(&moved) < 2.0 && latitude(&second) > 50.0);

    files.write("vantages.toml", "[[vantage]]\nid = \"atlas-1\"\nlatitude = 95\n");
    let refused = files.read("atlas", &moved);
    assert_eq!(addresses(&refused), addresses(&moved));
    assert!(trouble(&refused).contains("vantages.toml:1:"), "{}", trouble(&refused));
    assert!(current(&refused), "it is not read again before it changes");
}

#[test]
fn what_is_too_old_or_our_own_counts_for_nothing() {
    let files = Files::new();
    files.write("atlas/old.json", &ping(1, "88.198.1.2", days_ago(9)));
    let text = "{\"segment\":1}";
    files.write("atlas/.hidden.json", text);
    files.write("atlas/notes.txt", text);
    let (mut journal, _) = Journal::open(&files.path("journal"), &VantageId("fra-1".to_owned()), 1 << 20).unwrap();
    let mut seen = observation("fra-1", "tcp://88.198.1.2:443");
    seen.observed = now();
    journal.append(&seen).unwrap();
    let evidence = files.read("atlas", &Evidence::default());
    assert_eq!((addresses(&evidence), trouble(&evidence)), (Vec::new(), String::new()));

    let from_a_journal = files.read("journal", &Evidence::default());
    assert_eq!(addresses(&from_a_journal), ["203.101.184.84", "88.198.1.2"]);
    assert_eq!(trouble(&from_a_journal), "");
    let own = VantageId("fra-1".to_owned());
    let ours = Evidence::read(&[files.source("journal")], &Evidence::default(), &Geodb::embedded(), &own, now());
    assert_eq!(addresses(&ours), Vec::<String>::new());
}

#[test]
fn a_source_without_anything_says_so() {
    let files = Files::new();
    for (path, words) in [
        ("atlas", "holds nothing"),
        ("atlas/*.json", "holds nothing"),
        ("none/*", "failed to list"),
        ("none", "failed to read"),
    ] {
        let evidence = files.read(path, &Evidence::default());
        assert!(
            trouble(&evidence).starts_with("evidence atlas: ") && trouble(&evidence).contains(words),
            "{path}: {}",
            trouble(&evidence)
        );
        assert!(evidence.is_current(&[files.source(path)], now()), "{path}");
    }
}

#[test]
fn of_too_much_the_newest_is_used_and_that_is_said() {
    let files = Files::new();
    let begun = now().as_second();
    let at = |seconds: i64| Timestamp::from_second(begun - seconds).unwrap();
    let many: String =
        (0..MOST_SIGHTINGS + 5).map(|age| ping(1, "88.198.1.2", at(i64::try_from(age).unwrap()))).collect();
    files.write("atlas/many.json", &many);
    let evidence = files.read("atlas", &Evidence::default());
    let observations = evidence.observations();
    assert_eq!(observations.len(), MOST_SIGHTINGS);
    assert_eq!(observations.iter().map(|seen| seen.observed).max(), Some(at(0)));
    assert!(trouble(&evidence).contains("the newest 50000 are used"), "{}", trouble(&evidence));
}

#[test]
fn of_too_many_files_only_the_newest_are_read_and_that_is_said() {
    let files = Files::new();
    let begun = std::time::SystemTime::now();
    for number in 0..MOST_FILES + 5 {
        let name = format!("atlas/{number}.json");
        files.write(&name, &ping(1, &format!("88.198.{}.{}", number / 200, 1 + number % 200), now()));
        let age = Duration::from_secs(u64::try_from(number).unwrap());
        fs::File::options().append(true).open(files.path(&name)).unwrap().set_modified(begun - age).unwrap();
    }
    let evidence = files.read("atlas", &Evidence::default());
    assert_eq!(evidence.observations().len(), MOST_FILES);
    assert!(!evidence.sources[0].files.contains_key(&files.path("atlas/1000.json")), "the oldest");
    assert!(trouble(&evidence).contains("the newest 1000 are read"), "{}", trouble(&evidence));
    assert!(evidence.is_current(&[files.source("atlas")], now()), "it is not read again and again");
}

#[test]
fn once_there_is_enough_no_older_file_is_read() {
    let files = Files::new();
    files.write("atlas/older.json", "no JSON");
    let an_hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().append(true).open(files.path("atlas/older.json")).unwrap().set_modified(an_hour_ago).unwrap();
    files.write("atlas/newer.json", &ping(1, "88.198.1.2", now()).repeat(MOST_SIGHTINGS + 1));
    let evidence = files.read("atlas", &Evidence::default());
    assert_eq!(
        evidence.sources[0].files.values().map(|file| file.content.sightings.len()).sum::<usize>(),
        MOST_SIGHTINGS
    );
    assert!(trouble(&evidence).contains("the newest 1 are read"), "{}", trouble(&evidence));
    assert!(!trouble(&evidence).contains("older.json"), "{}", trouble(&evidence));
}

#[test]
fn of_a_file_with_far_too_much_never_more_than_twice_of_what_is_used_is_held() {
    let mut content = Content::default();
    let begun = now().as_second();
    let mut seen = observation("fra-1", "tcp://88.198.1.2:443");
    for number in 0..2 * i64::try_from(MOST_SIGHTINGS).unwrap() {
        seen.observed = Timestamp::from_second(begun + number).unwrap();
        content.add(&seen, days_ago(1));
        assert!(content.sightings.len() < 2 * MOST_SIGHTINGS);
    }
    assert!(content.is_cut);
    assert_eq!(content.sightings.iter().map(|sighting| sighting.observed).max(), Some(seen.observed));
}

#[test]
fn pipes_devices_loops_and_what_may_not_be_read_hold_nobody_up_and_take_nothing_away() {
    let files = Files::new();
    nix::unistd::mkfifo(&files.path("atlas/pipe.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink(files.path("atlas/loop.json"), files.path("atlas/loop.json")).unwrap();
    std::os::unix::fs::symlink(files.path("atlas"), files.path("atlas/directory.json")).unwrap();
    files.write("atlas/one.json", &ping(1, "88.198.1.2", now()));
    let good = files.read("atlas", &Evidence::default());
    assert_eq!((addresses(&good).len(), trouble(&good).as_str()), (1, ""));

    files.write("atlas/two.json", &format!("{}\0", ping(1, "88.198.1.3", now())));
    files.write("atlas/three.json", &"[".repeat(1 << 20));
    let noisy = files.read("atlas", &good);
    assert_eq!(addresses(&noisy), ["88.198.1.2"]);
    assert!(trouble(&noisy).contains("two.json:") && trouble(&noisy).contains("three.json:"), "{}", trouble(&noisy));

    for (path, words) in [("atlas/pipe.json", "is no file"), ("atlas/loop.json", "failed to read")] {
        let named = files.read(path, &Evidence::default());
        assert!(trouble(&named).contains(words), "{path}: {}", trouble(&named));
    }
    let source = EvidenceSource { path: PathBuf::from("/dev/zero"), ..files.source("atlas") };
    let source_of_vantages = EvidenceSource { vantages: Some(files.path("atlas/pipe.json")), ..files.source("atlas") };
    for source in [source, source_of_vantages] {
        let own = VantageId("ntc-isb-1".to_owned());
        let kept = Evidence::read(&[source], &good, &Geodb::embedded(), &own, now());
        assert!(trouble(&kept).contains("is no file"), "{}", trouble(&kept));
    }
}

#[test]
fn a_file_that_unpacks_to_more_than_the_bound_is_refused_and_what_was_good_of_it_stays() {
    let files = Files::new();
    files.write("atlas/one.json", &ping(1, "88.198.1.2", now()));
    let good = files.read("atlas", &Evidence::default());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let blank = vec![b'['; 1 << 20];
    (0..=MOST_BYTES >> 20).for_each(|_| io::Write::write_all(&mut packed, &blank).unwrap());
    fs::write(files.path("atlas/one.json"), packed.finish().unwrap()).unwrap();
    let bombed = files.read("atlas", &good);
    assert_eq!(addresses(&bombed), ["88.198.1.2"]);
    assert!(
        trouble(&bombed).contains("more than") && trouble(&bombed).contains("stays in use"),
        "{}",
        trouble(&bombed)
    );
}
