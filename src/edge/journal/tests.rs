use std::io::Write;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::sys::statvfs::statvfs;
use proptest::prelude::*;
use tempfile::TempDir;

use super::read::read_entries;
use super::writer::spawn;
use super::*;
use crate::entry::tests::observation;

pub(super) const VANTAGE: &str = "ntc-isb-1";

/// Small enough that every few entries begin a segment.
pub(super) const SMALL: u64 = 3000;

pub(super) fn open(directory: &Path, segment_bytes: u64) -> Result<(Journal, Opened), JournalError> {
    Journal::open(directory, &VantageId(VANTAGE.to_owned()), segment_bytes)
}

pub(super) fn seen(number: usize) -> Observation {
    observation(VANTAGE, &format!("tcp://10.0.0.{}:{}", number % 256, 1 + number / 256))
}

/// A journal of `count` entries in small segments.
pub(super) fn journal(count: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(directory.path(), SMALL).unwrap();
    for number in 0..count {
        journal.append(&seen(number)).unwrap();
    }
    directory
}

pub(super) fn segments(directory: &TempDir) -> Vec<PathBuf> {
    segment::list(&directory.path().join(VANTAGE)).unwrap()
}

fn read_back(path: &Path) -> Result<Vec<Observation>, JournalError> {
    read_entries(path)?.map(|entry| Ok(entry?.1.observation().unwrap())).collect()
}

#[expect(clippy::disallowed_methods, reason = "tests look at what the journal wrote")]
fn bytes_of(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "tests alter what the journal wrote")]
fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

pub(super) fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = bytes_of(path);
    change(&mut bytes);
    write(path, &bytes);
}

#[test]
fn what_is_appended_is_read_back_across_segments_and_restarts() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..10 {
        let (mut journal, opened) = open(directory.path(), SMALL).unwrap();
        assert_eq!((opened.sequence, opened.torn.len()), (number as u64, 0));
        let hash = journal.append(&seen(number)).unwrap();
        assert_eq!((journal.sequence(), journal.head()), (number as u64 + 1, hash));
    }
    let expected: Vec<_> = (0..10).map(seen).collect();
    assert!(segments(&directory).len() > 2, "there are several segments");
    assert_eq!(read_back(directory.path()).unwrap(), expected);
    assert_eq!(read_back(&directory.path().join(VANTAGE)).unwrap(), expected);
    assert!(read_back(&segments(&directory)[1]).unwrap().len() < 10, "a segment can be read alone");
}

#[test]
fn a_batch_is_written_at_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(directory.path(), SMALL).unwrap();
    let batch: Vec<_> = (0..5).map(seen).collect();
    let hashes = journal.append_all(&batch).unwrap();
    assert_eq!((hashes.len(), hashes.last()), (5, Some(&journal.head())));
    assert_eq!(journal.append_all([]).unwrap(), []);
    assert_eq!(read_back(directory.path()).unwrap(), batch);
}

#[test]
fn a_second_writer_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), SMALL).unwrap();
    let refused = open(directory.path(), SMALL).unwrap_err();
    assert!(matches!(refused, JournalError::Locked(_)), "{refused}");
    drop(journal);
    assert!(open(directory.path(), SMALL).is_ok());
}

#[test]
fn a_vantage_is_no_way_out_of_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["", "..", "../x", "a/b", ".hidden", "a b", "\0", &"x".repeat(101)] {
        let refused = Journal::open(directory.path(), &VantageId(name.to_owned()), SMALL).unwrap_err();
        assert!(matches!(refused, JournalError::Name(_)), "{name:?}: {refused}");
    }
}

#[test]
fn an_observation_of_another_vantage_is_refused_and_harms_nothing() {
    let directory = journal(1);
    let (mut journal, _) = open(directory.path(), SMALL).unwrap();
    let refused = journal.append(&observation("fra-1", "tcp://10.0.0.1:1")).unwrap_err();
    assert!(matches!(refused, JournalError::Encode(EntryError::Vantage { .. })), "{refused}");
    journal.append(&seen(1)).unwrap();
    assert_eq!(read_back(directory.path()).unwrap().len(), 2);
}

#[test]
fn a_torn_last_line_is_passed_over_in_reading_and_moved_aside_on_opening() {
    let directory = journal(10);
    let newest = segments(&directory).pop().unwrap();
    edit(&newest, |bytes| bytes.extend(b"{\"entry\":1,\"vant\0\0\0"));

    let mut entries = read_entries(directory.path()).unwrap();
    assert_eq!(entries.by_ref().flatten().count(), 10);
    assert_eq!(entries.unfinished().len(), 1);

    let (mut journal, opened) = open(directory.path(), SMALL).unwrap();
    assert_eq!((opened.sequence, opened.torn.len()), (10, 1));
    assert_eq!(bytes_of(&opened.torn[0]), b"{\"entry\":1,\"vant\0\0\0");
    journal.append(&seen(10)).unwrap();
    assert_eq!(read_back(directory.path()).unwrap().len(), 11);
}

#[test]
fn a_segment_without_a_whole_header_is_moved_aside() {
    for torn in ["", "{\"segment\":1,\"van"] {
        let directory = journal(4);
        let next = directory.path().join(VANTAGE).join("00000000000000000005.jsonl");
        write(&next, torn.as_bytes());
        let (mut journal, opened) = open(directory.path(), 1).unwrap();
        assert_eq!((opened.sequence, opened.torn.len()), (4, 1));
        journal.append(&seen(4)).unwrap();
        assert_eq!(read_back(directory.path()).unwrap().len(), 5);
    }
}

#[test]
fn nothing_is_appended_to_a_segment_that_was_altered() {
    let directory = journal(10);
    let newest = segments(&directory).pop().unwrap();
    edit(&newest, |bytes| {
        let at = bytes.windows(6).rposition(|w| w == b"punjab").unwrap();
        bytes[at] = b'P';
    });
    let refused = open(directory.path(), SMALL).unwrap_err().to_string();
    assert!(refused.contains("the line was altered") && refused.contains("move the directory away"), "{refused}");
    let (told, cure) = refused.split_once(": failed to verify ").unwrap();
    assert!(told.starts_with("append to the journal ") && cure.contains(".jsonl:"), "{refused}");
}

#[test]
fn a_segment_that_is_missing_or_cut_is_noticed_in_reading() {
    let directory = journal(10);
    let all = segments(&directory);
    edit(&all[0], |bytes| bytes.truncate(bytes.len() - 10));
    let cut = read_back(directory.path()).unwrap_err();
    assert!(matches!(&cut, JournalError::Cut(at) if at.file == all[0]), "{cut}");

    let directory = journal(10);
    fs::remove_file(&segments(&directory)[1]).unwrap();
    let gap = read_back(directory.path()).unwrap_err();
    assert!(matches!(&gap, JournalError::Entry { why: EntryError::Sequence { .. }, at } if at.line == 1), "{gap}");
}

/// Packs a segment, as `gzip` does.
fn pack(path: &Path) -> PathBuf {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&bytes_of(path)).unwrap();
    let packed = PathBuf::from(format!("{}.gz", path.display()));
    write(&packed, &encoder.finish().unwrap());
    packed
}

#[test]
fn segments_that_were_packed_are_read_as_before() {
    let directory = journal(10);
    let whole = read_back(directory.path()).unwrap();
    let all = segments(&directory);
    let packed = pack(&all[0]);
    assert_eq!(segments(&directory)[0], all[0], "of both, the plain one");
    fs::remove_file(&all[0]).unwrap();
    assert_eq!(segments(&directory)[0], packed);
    assert_eq!(read_back(directory.path()).unwrap(), whole);
    assert!(!read_back(&packed).unwrap().is_empty(), "alone");
    fs::rename(&packed, &all[0]).unwrap();
    assert_eq!(read_back(directory.path()).unwrap(), whole, "the bytes say what it is, not the name");

    let (mut journal, _) = open(directory.path(), SMALL).unwrap();
    journal.append(&seen(10)).unwrap();
    assert_eq!(read_back(directory.path()).unwrap().len(), 11);
}

#[test]
fn a_packed_segment_that_is_cut_is_noticed_in_reading() {
    let directory = journal(10);
    let first = segments(&directory).remove(0);
    let packed = pack(&first);
    fs::remove_file(&first).unwrap();
    edit(&packed, |bytes| bytes.truncate(bytes.len() - 10));
    let cut = read_back(directory.path()).unwrap_err().to_string();
    assert!(cut.contains(".jsonl.gz: the gzip file is cut short"), "{cut}");
}

#[test]
fn nothing_is_appended_while_the_newest_segment_is_packed() {
    let directory = journal(10);
    let newest = segments(&directory).pop().unwrap();
    let packed = pack(&newest);
    fs::remove_file(&newest).unwrap();
    let refused = open(directory.path(), SMALL).unwrap_err();
    assert!(matches!(&refused, JournalError::Packed(path) if *path == packed), "{refused}");
}

#[test]
fn the_oldest_segments_are_missed_when_they_are_gone_or_empty() {
    let gone = journal(10);
    fs::remove_file(&segments(&gone)[0]).unwrap();
    let emptied = journal(10);
    edit(&segments(&emptied)[0], Vec::clear);
    for directory in [gone, emptied] {
        let newest = segments(&directory).pop().unwrap();
        for path in [directory.path().to_owned(), directory.path().join(VANTAGE)] {
            let missed = read_back(&path).unwrap_err();
            assert!(matches!(missed, JournalError::Beginning { .. }), "{missed}");
            let told = missed.to_string();
            assert!(told.contains("entry 1 should be here") && told.contains("put the segments before"), "{told}");
        }
        assert!(!read_back(&newest).unwrap().is_empty(), "what is left can be named");
    }
}

#[test]
fn what_is_no_journal_is_refused_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("traces.json");
    for text in ["[1,2,3]\n", "\n", "\u{1b}[31m\n", "{\"segment\":9}\n"] {
        write(&file, text.as_bytes());
        let refused = read_back(&file).unwrap_err();
        assert!(refused.to_string().contains("traces.json:1: failed to read"), "{refused}");
    }
    assert!(matches!(read_entries(&directory.path().join("missing")), Err(JournalError::Io { .. })));
}

#[test]
fn observations_are_handed_over_from_many_tasks_and_the_thread_ends_when_all_are_done() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), 1 << 20).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (writer, thread) = spawn(journal).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..200 {
            let writer = writer.clone();
            tasks.spawn(async move { writer.append(seen(number)).await });
        }
        drop(writer);
        let hashes = tasks.join_all().await;
        assert!(hashes.iter().all(Result::is_ok));
        thread.ended().await.unwrap();
    });
    assert_eq!(read_back(directory.path()).unwrap().len(), 200);
    assert!(open(directory.path(), SMALL).is_ok(), "the lock is free again");
}

/// A command in mount and user namespaces of its own, with a disk of 64 KiB mounted on `directory`.
fn on_a_small_disk(directory: &Path) -> Command {
    let script = r#"mount -t tmpfs -o size=64k pehra-test "$1" && cd "$1" && shift && exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(directory);
    command
}

#[test]
fn a_full_disk_takes_nothing_away_and_the_journal_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    if !on_a_small_disk(directory.path()).arg("true").status().is_ok_and(|status| status.success()) {
        #[expect(clippy::disallowed_methods, reason = "only a test run may leave out what the machine cannot do")]
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!is_ci, "user namespaces are needed to mount a small disk");
        println!("skipped: no user namespaces to mount a small disk in");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let inner = ["--exact", "edge::journal::tests::inside_a_small_disk", "--ignored", "--nocapture"];
    let output = on_a_small_disk(directory.path()).arg(this).args(inner).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "runs on the small disk that the test above mounts"]
fn inside_a_small_disk() {
    let here = Path::new(".");
    let disk = statvfs(here).unwrap();
    assert!(disk.blocks() * disk.fragment_size() <= 64 << 10, "it would fill a real disk");
    let ballast = here.join("ballast");
    write(&ballast, &[0; 16 << 10]);
    let (mut journal, _) = open(here, 12 << 10).unwrap();
    let mut written = Vec::new();
    let full = loop {
        let batch: Vec<_> = (written.len()..written.len() + 3).map(seen).collect();
        match journal.append_all(&batch) {
            Ok(_) => written.extend(batch),
            Err(failed) => break failed,
        }
    };
    assert!(matches!(full, JournalError::Full(_)), "{full}");
    assert!(written.len() > 10, "some were written before");
    while journal.append(&seen(written.len())).is_ok() {
        written.push(seen(written.len()));
    }
    for _ in 0..3 {
        assert!(matches!(journal.append(&seen(0)), Err(JournalError::Full(_))));
    }
    assert_eq!(read_back(here).unwrap(), written, "everything acknowledged is there and nothing else");
    fs::remove_file(ballast).unwrap();
    journal.append(&seen(written.len())).unwrap();
    written.push(seen(written.len()));
    drop(journal);
    let (_, opened) = open(here, 12 << 10).unwrap();
    assert_eq!((opened.sequence, opened.torn.len()), (written.len() as u64, 0));
    assert_eq!(read_back(here).unwrap(), written);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_altered_byte_of_any_file_is_noticed(at in any::<prop::sample::Index>(), by in 1_u8..) {
        let directory = journal(7);
        let all = segments(&directory);
        let mut at = at.index(all.iter().map(|path| usize::try_from(path.metadata().unwrap().len()).unwrap()).sum());
        for path in &all {
            let length = usize::try_from(path.metadata().unwrap().len()).unwrap();
            if at < length {
                edit(path, |bytes| bytes[at] ^= by);
                break;
            }
            at -= length;
        }
        let mut entries = read_entries(directory.path()).unwrap();
        let whole = entries.by_ref().flatten().count() == 7;
        prop_assert!(!whole, "byte {at}");
    }

    #[test]
    fn a_crash_at_any_byte_loses_no_entry_before_it(kept in any::<prop::sample::Index>()) {
        let directory = journal(3);
        let path = segments(&directory).pop().unwrap();
        let length = usize::try_from(path.metadata().unwrap().len()).unwrap();
        let kept = kept.index(length + 1);
        edit(&path, |bytes| bytes.truncate(kept));
        let lines = |path: &PathBuf| bytes_of(path).split(|byte| *byte == b'\n').count() - 1;
        let before: usize = segments(&directory).iter().map(|path| lines(path).saturating_sub(1)).sum();
        prop_assert_eq!(read_back(directory.path()).unwrap().len(), before);
        let (mut journal, opened) = open(directory.path(), SMALL).unwrap();
        prop_assert_eq!(opened.sequence, before as u64);
        journal.append(&seen(9)).unwrap();
        prop_assert_eq!(read_back(directory.path()).unwrap().len(), before + 1);
    }
}
