//! The noise that fools naive tools: each source of it has a name, a row in `tests/README.md` and a case, in which the
//! truth is stated. No verdict of such a case may contradict the truth, beside being the expected one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pehra::location::light::{Speed, shortest_round_trip_ms};
use pehra::location::outlines::Outlines;
use pehra::location::path::Way;
use pehra::location::{Grade, Location, Place};
use pehra::place::{Coordinates, CountryCode, Distance, Home};
use serde::Deserialize;

/// How things are in a case, which nothing of what is judged may know.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Truth {
    /// Who answers for the address.
    sites: Vec<Site>,
    /// Which way packets go, there and back.
    way: Option<Way>,
    /// Where a vantage really stands that says otherwise: degrees north, degrees east.
    #[serde(default)]
    moved: BTreeMap<String, [f64; 2]>,
}

/// Where something answers for the address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    country: CountryCode,
    /// Degrees north, degrees east.
    at: [f64; 2],
    /// The vantages whose packets it gets; all where none is named.
    #[serde(default)]
    serves: Vec<String>,
    /// Whether it only answers in the name of another: it is not where the address is.
    #[serde(default)]
    stands_in: bool,
}

impl Site {
    fn coordinates(&self) -> Coordinates {
        coordinates(self.at)
    }

    fn is_real_to(&self, vantage: &str) -> bool {
        !self.stands_in && (self.serves.is_empty() || self.serves.iter().any(|served| served == vantage))
    }
}

fn coordinates([latitude, longitude]: [f64; 2]) -> Coordinates {
    Coordinates::new(latitude, longitude).expect("a point on the globe")
}

impl Truth {
    /// Where a vantage really stands, `stated` being where it says.
    fn standpoint(&self, vantage: &str, stated: Coordinates) -> Coordinates {
        self.moved.get(vantage).map_or(stated, |at| coordinates(*at))
    }

    /// Why the case is none: a site that is not in its country, or an answer that nobody could have given so soon.
    pub(super) fn flaw<'a>(
        &self,
        outlines: &Outlines,
        answers: impl Iterator<Item = (&'a str, Coordinates, f64)>,
    ) -> Option<String> {
        let misplaced = self.sites.iter().find(|site| outlines.contains(site.coordinates()) != Some(site.country));
        if let Some(site) = misplaced {
            return Some(format!("{:?} is not in {}", site.at, site.country));
        }
        answers.into_iter().find_map(|(vantage, stated, rtt_ms)| {
            let stands = self.standpoint(vantage, stated);
            let nearest = |site: &Site| stands.least_distance_to(site.coordinates()).km();
            let nearest = self.sites.iter().map(nearest).fold(f64::INFINITY, f64::min);
            let soonest = shortest_round_trip_ms(Distance::from_km(nearest), Speed::Vacuum);
            (rtt_ms < soonest).then(|| format!("nobody answers {vantage} in {rtt_ms} ms: light takes {soonest:.2} ms"))
        })
    }

    /// How a verdict for `vantage` contradicts the truth.
    pub(super) fn contradiction(&self, vantage: &str, home: &Home, found: &Location, way: Way) -> Option<String> {
        let site = self.sites.iter().find(|site| site.is_real_to(vantage)).expect("a site that serves the vantage");
        let wrong_place = match found.place {
            Place::Inside => !home.contains(site.country),
            Place::Outside => home.contains(site.country),
            Place::Edge => found.grade == Grade::Proven && self.sites.len() == 1,
            Place::Unknown => false,
        };
        let left_out = !found.countries.is_empty() && !found.countries.contains(site.country);
        if wrong_place || left_out {
            let (place, grade, countries) = (found.place, found.grade, &found.countries);
            return Some(format!("{place} ({grade}, {countries}) contradicts the truth, {}", site.country));
        }
        let wrong_way = self.way.is_some_and(|truth| way != truth && way != Way::Unknown);
        wrong_way.then(|| format!("the way {} contradicts the truth", way.as_str()))
    }
}

/// What of a case says which noise it is.
#[derive(Deserialize)]
struct Noisy {
    #[serde(default)]
    noise: Vec<String>,
    truth: Option<toml::Value>,
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests read their files")]
fn every_noise_has_its_case_and_every_case_its_noise() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let readme = std::fs::read_to_string(tests.join("README.md")).unwrap();
    let rows: Vec<_> = readme.lines().skip_while(|line| *line != "## Noise").filter_map(row).collect();
    let names: BTreeSet<_> = rows.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), rows.len(), "a noise is listed twice");
    assert!(names.len() >= 24, "{} kinds of noise", names.len());
    let mut indexed: Vec<(String, String)> = Vec::new();
    for (name, case) in &rows {
        assert!(tests.join(case).is_file(), "{name}: there is no {case}");
        if case.starts_with("verdicts/evidence/") {
            indexed.push((name.clone(), case.clone()));
        }
    }
    let mut found: Vec<(String, String)> = Vec::new();
    for (path, text) in super::cases("evidence") {
        let Noisy { noise, truth } = toml::from_str(&text).unwrap();
        let case = path.strip_prefix(&tests).unwrap().to_string_lossy().into_owned();
        assert!(noise.is_empty() || truth.is_some(), "{case} does not state the truth");
        found.extend(noise.into_iter().map(|name| (name, case.clone())));
    }
    indexed.sort();
    found.sort();
    assert_eq!(indexed, found, "tests/README.md and the cases disagree");
}

/// The name and the case of a row of the table of noise: the first and the last cell, both as code.
fn row(line: &str) -> Option<(String, String)> {
    let cells: Vec<_> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let code = |cell: &&str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
    Some((cells.first().and_then(code)?, cells.last().and_then(code)?))
}
