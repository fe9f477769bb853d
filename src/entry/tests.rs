use proptest::prelude::*;

use super::*;
use crate::place::{Coordinates, Distance};
use crate::vantage::Position;

/// A small observation of `endpoint` from `vantage`, with every kind of value in it.
pub(crate) fn observation(vantage: &str, endpoint: &str) -> Observation {
    let text = r#"{
        "schema": 1, "endpoint": "https://portal.example.gov.pk",
        "declared": {"workload": "land-records", "entity": "Punjab Land Records پنجاب", "jurisdiction": "punjab",
            "class": "restricted", "provider": "ntc"},
        "vantage": {"id": "ntc-isb-1", "asn": 23888},
        "observed": "2026-11-21T10:00:00.123456789Z", "elapsed_ns": 1234567,
        "resolutions": [{"name": "portal.example.gov.pk", "family": "A", "view": "system", "server": "127.0.0.53:53",
            "asked": "2026-11-21T10:00:00Z", "elapsed_ns": 7, "outcome": {"answered": {"chain": [],
            "addresses": [{"address": "203.101.184.84", "ttl": 60}], "authenticated": false}}}],
        "traces": [], "databases": [],
        "contacts": [{"address": "203.101.184.84", "port": 443, "started": "2026-11-21T10:00:00Z", "attempts": 3,
            "outcome": {"connected": {"rtt_ns": 1200000, "samples": 3}}}],
        "claims": [{"about": "203.101.184.84", "source": "dbip-country", "says": {"country": "PK"}}]
    }"#;
    let mut observation: Observation = serde_json::from_str(text).unwrap();
    observation.vantage.id = VantageId(vantage.to_owned());
    observation.endpoint = endpoint.parse().unwrap();
    observation
}

fn lines(count: usize) -> Vec<String> {
    let mut chain = Chain::new(VantageId("ntc-isb-1".to_owned()));
    let entry = |i| {
        let encoded = chain.encode_next(&observation("ntc-isb-1", &format!("tcp://10.0.0.{i}:443"))).unwrap();
        chain.handle_encoded(&encoded);
        encoded.line
    };
    (0..count).map(entry).collect()
}

fn verify<T: AsRef<[u8]>>(lines: &[T]) -> Result<Chain, EntryError> {
    let mut chain = Chain::new(VantageId("ntc-isb-1".to_owned()));
    for line in lines {
        chain.handle_entry(&parse(line.as_ref())?)?;
    }
    Ok(chain)
}

#[test]
fn an_entry_is_one_line_that_says_what_it_is() {
    let line = lines(1).remove(0);
    assert!(line.starts_with(r#"{"entry":1,"vantage":"ntc-isb-1","sequence":1,"previous":"0000"#), "{line}");
    assert!(!line.contains('\n'));
    let entry = parse(line.as_bytes()).unwrap();
    assert_eq!(entry.observation(), Ok(observation("ntc-isb-1", "tcp://10.0.0.0:443")));
    let (hashed, _) = line.as_bytes().split_at(line.len() - 75);
    assert_eq!(entry.hash, Digest::of_bytes(hashed), "sha256sum alone can check it");
}

#[test]
fn what_a_crafted_line_says_is_told_and_not_obeyed() {
    let hostile = "x\u{1b}[2J\u{202e}";
    let line = encode(1, Digest::ZERO, &observation(hostile, "tcp://10.0.0.0:443")).unwrap().line;
    let told = verify(std::slice::from_ref(&line)).unwrap_err().to_string();
    assert_eq!(told, "follow the chain of ntc-isb-1: this is of x\\u{1b}[2J\\u{202e}");
    let crafted = line.replace("\"answered\"", "\"x\\u001b[2J\u{202e}\"");
    let hashed = crafted.rsplit_once(",\"hash\"").unwrap().0;
    let sealed = format!("{hashed},\"hash\":\"{}\"}}", Digest::of_bytes(hashed.as_bytes()));
    let told = parse(sealed.as_bytes()).unwrap().observation().unwrap_err().to_string();
    assert!(told.contains("x\\u{1b}[2J\\u{202e}") && !told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
}

#[test]
fn a_chain_is_verified_up_to_its_head() {
    let lines = lines(5);
    let chain = verify(&lines).unwrap();
    assert_eq!(chain.sequence(), 5);
    assert_eq!(chain.hash(), parse(lines[4].as_bytes()).unwrap().hash);
}

#[test]
fn lines_that_are_missing_or_moved_are_named() {
    let mut lines = lines(4);
    lines.remove(1);
    assert_eq!(verify(&lines), Err(EntryError::Sequence { expected: 2, found: 3 }));
    lines.swap(0, 1);
    assert_eq!(verify(&lines), Err(EntryError::Sequence { expected: 1, found: 3 }));
}

#[test]
fn an_entry_of_a_forked_chain_does_not_fit() {
    let mut lines = lines(2);
    let ours = observation("ntc-isb-1", "tcp://10.9.9.9:443");
    lines[1] = encode(2, Digest::of_bytes(b"something else"), &ours).unwrap().line;
    assert!(matches!(verify(&lines), Err(EntryError::Previous { sequence: 2, .. })));
    lines[1] = encode(2, Digest::ZERO, &observation("fra-1", "tcp://10.9.9.9:443")).unwrap().line;
    assert!(matches!(verify(&lines), Err(EntryError::Vantage { .. })));
}

#[test]
fn what_a_later_release_wrote_is_refused_by_name_and_its_new_fields_are_not() {
    let sealed = |line: String| {
        let hash = Digest::of_bytes(line.as_bytes());
        format!("{line},\"hash\":\"{hash}\"}}")
    };
    let open = |line: &str| line[..line.len() - 75].to_owned();
    let line = open(&lines(1)[0]);

    let later = sealed(line.replacen("\"entry\":1", "\"entry\":2", 1));
    assert_eq!(
        parse(later.as_bytes()).unwrap_err().to_string(),
        "read journal entry form 2: this release knows 1 to 1; read it with a newer pehra"
    );
    let later = parse(sealed(line.replacen("\"schema\":1", "\"schema\":2", 1)).as_bytes()).unwrap();
    assert!(matches!(later.observation(), Err(EntryError::Version { what: "observation schema", found: 2, .. })));
    let wider = parse(sealed(line + ",\"checkpoint\":[1]").as_bytes()).unwrap();
    assert!(wider.observation().is_ok());
}

#[test]
fn what_is_not_an_entry_is_refused() {
    let whole = &lines(1)[0];
    let bad: [&[u8]; 8] = [
        b"",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"{\"entry\":1}",
        b"{\"entry\":\"1\"}",
        &[b'['; 10_000],
        &whole.as_bytes()[1..],
    ];
    for line in bad {
        assert!(parse(line).is_err(), "{}", String::from_utf8_lossy(line));
    }
    let upper =
        format!("{}{}\"}}", &whole[..whole.len() - 66], whole[whole.len() - 66..whole.len() - 2].to_uppercase());
    assert!(parse(upper.as_bytes()).is_err(), "the digits of a hash are lower case");
}

#[test]
fn a_header_is_read_back_only_as_it_was_written() {
    let header = verify(&lines(3)).unwrap().header();
    let line = header.encode().unwrap();
    assert_eq!(Header::parse(line.as_bytes()), Ok(header.clone()));
    assert_eq!(Chain::resume(&header).handle_header(&header), Ok(()));
    assert_eq!(Chain::resume(&header), verify(&lines(3)).unwrap());
    assert!(Header::parse(line.replace(',', ", ").as_bytes()).is_err());
    assert!(Header::parse(line.replace(":1,", ":0,").as_bytes()).is_err());
}

#[test]
fn an_entry_whose_vantage_is_nearer_than_near_is_refused() {
    let mut written = observation("ntc-isb-1", "https://portal.example.gov.pk");
    let coordinates = Coordinates::new(33.7, 73.0).unwrap();
    written.vantage.position = Some(Position { coordinates, uncertainty: Distance::from_km(5.0) });
    let line = encode(1, Digest::ZERO, &written).unwrap().line;
    let (hashed, _) = line.split_once(",\"hash\":").unwrap();
    let forged = hashed.replace("\"uncertainty\":5.0", "\"uncertainty\":-5.0");
    let line = format!("{forged},\"hash\":\"{}\"}}", Digest::of_bytes(forged.as_bytes()));
    let error = parse(line.as_bytes()).unwrap().observation().unwrap_err().to_string();
    assert!(error.contains("-5 km is no distance: it is 0 or more"), "{error}");
}

proptest! {
    #[test]
    fn any_altered_byte_is_noticed(at in any::<prop::sample::Index>(), by in 1_u8..) {
        let mut text = lines(3).join("\n").into_bytes();
        let at = at.index(text.len());
        text[at] ^= by;
        let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
        prop_assert!(verify(&lines).is_err());
    }

    #[test]
    fn any_line_removed_swapped_or_doubled_is_noticed(one in 0_usize..6, other in 0_usize..6) {
        let whole = lines(6);
        let head = verify(&whole).unwrap();
        let mut removed = whole.clone();
        removed.remove(one);
        prop_assert_ne!(verify(&removed), Ok(head.clone()));
        let mut doubled = whole.clone();
        doubled.insert(one, whole[other].clone());
        prop_assert_ne!(verify(&doubled), Ok(head.clone()));
        let mut swapped = whole;
        swapped.swap(one, other);
        prop_assert_eq!(verify(&swapped) == Ok(head), one == other);
    }

    #[test]
    fn any_cut_is_noticed_by_whoever_knows_the_head(kept in any::<prop::sample::Index>()) {
        let text = lines(3).join("\n").into_bytes();
        let head = verify(&lines(3)).unwrap();
        let kept = kept.index(text.len());
        let lines: Vec<_> = text[..kept].split(|byte| *byte == b'\n').collect();
        prop_assert_ne!(verify(&lines), Ok(head));
    }

    #[test]
    fn an_observation_comes_back_as_it_was(latitude in -90.0..=90.0_f64, longitude in -180.0..=180.0_f64, km in 0.0..500.0_f64) {
        let mut written = observation("ntc-isb-1", "https://portal.example.gov.pk");
        let coordinates = Coordinates::new(latitude, longitude).unwrap();
        written.vantage.position = Some(Position { coordinates, uncertainty: Distance::from_km(km) });
        let line = encode(1, Digest::ZERO, &written).unwrap().line;
        prop_assert_eq!(parse(line.as_bytes()).unwrap().observation(), Ok(written));
    }

    #[test]
    fn hostile_bytes_do_not_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse(&line).is_err());
        prop_assert!(Header::parse(&line).is_err());
    }
}
