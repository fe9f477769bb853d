//! Observations → where the shipped judge puts each address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use pehra::calibration::{Light, Survey, Window};
use pehra::config::geodb::{EMBEDDED, GeodbConfig, SourceFile};
use pehra::config::landmark;
use pehra::dossier::{Companions, Dossier, Instruments};
use pehra::edge::geodb::Geodb;
use pehra::edge::measurements::{self, MeasurementsError};
use pehra::location::disc::Borders;
use pehra::location::{Claim, Location};
use pehra::observation::{DatabaseDigest, Observation};
use pehra::place::{CountryCode, Home};
use pehra::vantage::Vantage;

use crate::corpus::{Corpus, Fault};
use crate::score::Call;
use crate::without::{Without, database};

/// Everything that judging takes, with the databases asked and the borders measured once.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) home: Home,
    pub(crate) borders: Borders,
    pub(crate) sources: Vec<DatabaseDigest>,
    /// Those of the corpus, in its order, with the claims of the databases; a journal brings its own.
    pub(crate) observations: Vec<Observation>,
}

/// Where each address of each observation is put.
pub(crate) type Calls = BTreeMap<(usize, IpAddr), Call>;

impl Bench {
    /// Opens the databases and asks them; `files` are asked beside the embedded one. `landmarks` is a file of addresses of
    /// which is known where they are.
    pub(crate) fn open(files: &[PathBuf], landmarks: Option<&Path>, corpus: &Corpus) -> Result<Self, Fault> {
        let landmarks = landmarks.map(measurements::read_landmarks).transpose()?.unwrap_or_default();
        let claims = landmarks.iter().map(|landmark| (landmark.address, landmark.claim())).collect();
        let config = GeodbConfig { databases: named(files)?, ..GeodbConfig::default() };
        let geodb = Geodb::open(&config, &[]).map_err(|error| Fault(format!("failed to {error}")))?;
        landmark::hold_against(&landmarks, &geodb.outlines()).map_err(MeasurementsError::from)?;
        let mut borders = Borders::new(geodb.outlines());
        let mut observations = corpus.observations.clone();
        for observation in &mut observations {
            borders.meet(&observation.vantage);
            if !observation.databases.is_empty() {
                continue;
            }
            ask(&geodb, &claims, observation);
        }
        Ok(Self { home: Home::of(CountryCode::PAKISTAN), borders, sources: geodb.digests(), observations })
    }

    /// What the judge makes of every observation without some of the evidence.
    pub(crate) fn judge(&self, without: &Without, light: Light) -> Calls {
        let left =
            self.observations.iter().map(|observation| without.of(observation, self.is_abroad(&observation.vantage)));
        let left: BTreeMap<usize, Observation> =
            left.enumerate().filter_map(|(index, observation)| Some((index, observation?))).collect();
        let companions = match light {
            Light::Together => Companions::new(left.values(), &self.borders, &self.home),
            Light::Alone => Companions::default(),
        };
        let survey = Survey::of(light, &self.home, Window::Around, left.values(), &self.borders);
        let locate = |(index, observation): (&usize, &Observation)| {
            let as_of = observation.observed;
            let calibration = survey.calibration(observation.vantage_id());
            let calibration = calibration.filter(|_| *without != Without::Calibration);
            let instruments = Instruments { borders: &self.borders, home: &self.home, calibration };
            let dossier = Dossier::assemble(observation, &companions, instruments, as_of, u64::MAX);
            let located = dossier.locations();
            let call = |at: &Location<'_>| ((*index, at.address), Call { place: at.place, grade: at.grade });
            located.map(call).collect::<Vec<_>>()
        };
        left.iter().flat_map(locate).collect()
    }

    /// Whether a vantage certainly stands outside of home.
    pub(crate) fn is_abroad(&self, vantage: &Vantage) -> bool {
        self.borders.reach(vantage).is_some_and(|(position, reach)| {
            let distances = self.home.countries().iter().map(|country| reach.distance_to(country));
            distances.into_iter().all(|distance| distance.is_some_and(|distance| distance > position.uncertainty))
        })
    }

    /// The vantages, each once.
    pub(crate) fn vantages(&self) -> Vec<&Vantage> {
        let once: BTreeMap<_, _> = self.observations.iter().map(|seen| (seen.vantage_id(), &seen.vantage)).collect();
        once.into_values().collect()
    }

    /// The databases of countries that were asked.
    pub(crate) fn databases(&self) -> BTreeSet<&str> {
        self.observations.iter().flat_map(|observation| &observation.claims).filter_map(database).collect()
    }
}

/// Asks about what others measured, as `pehra judge` does.
fn ask(geodb: &Geodb, landmarks: &BTreeMap<IpAddr, Claim>, observation: &mut Observation) {
    observation.claims = observation.located().into_iter().flat_map(|address| geodb.claims(address)).collect();
    let declared =
        observation.addresses().into_iter().filter_map(|address| landmarks.get(&address.to_canonical()).cloned());
    observation.claims.extend(declared);
    observation.databases = geodb.digests();
}

/// Files by the names that they go by in claims.
fn named(files: &[PathBuf]) -> Result<Vec<SourceFile>, Fault> {
    let mut names = BTreeSet::from([EMBEDDED.to_owned()]);
    let mut sources = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        if !names.insert(name.clone()) {
            return Err(Fault(format!(
                "{}: another database is called {name} too: give it another name",
                path.display()
            )));
        }
        sources.push(SourceFile { name, path: path.clone() });
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_databases_of_one_name_are_refused() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert!(named(&paths(&["a/x.mmdb", "b/x.mmdb"])).unwrap_err().0.starts_with("b/x.mmdb: another database"));
        assert!(named(&paths(&["dbip-country.mmdb"])).is_err());
        assert_eq!(named(&paths(&["a/x.mmdb", "y.mmdb"])).unwrap()[1].name, "y");
    }
}
