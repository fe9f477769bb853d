//! `pehra judge`: judges what was observed before, and asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;
use jiff::Timestamp;

use super::Exit;
use super::verdicts::{Form, Judged, Refusal, known_class};
use crate::calibration::{Light, Survey, Window};
use crate::config::built_in_policy;
use crate::config::landmark::{self, Landmark};
use crate::dossier::{Companions, Dossier, Instruments};
use crate::edge::clock;
use crate::edge::geodb::Geodb;
use crate::edge::input::MOST;
use crate::edge::inventory;
use crate::edge::measurements::{self, Measurements, MeasurementsError, shown};
use crate::import::vantages::Vantages;
use crate::location::Claim;
use crate::location::disc::Borders;
use crate::observation::Observation;
use crate::place::Home;
use crate::printable::Escaped;
use crate::verdict::policy::Policy;

/// The home country where no configuration is given.
const HOME: &str = "PK";

/// How many remarks on vantages and landmarks are told before they are only counted.
const REMARKS: usize = 20;

/// Judges observations made before: journals, and traceroutes and pings of RIPE Atlas and scamper.
///
/// An address is judged in the light of every vantage in the input, unless --alone is given. Nothing is sent to anybody:
/// the databases are the ones built in, or those of the configuration.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pehra judge traces.json pings.json.gz --vantages vantages.toml --class restricted
  sc_warts2json khi-ark.warts | pehra judge - --vantages vantages.toml
  pehra judge /var/lib/pehra/journal --json | jq 'select(.standing == \"breach\")'")]
pub struct Judge {
    /// Files to judge together, of any mixture: journals (a directory or a segment of it), RIPE Atlas traceroutes and
    /// pings (an array or lines), scamper traces and pings (`sc_warts2json` lines). They may be packed by gzip, and - is
    /// standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Where imported vantages stood: `[[vantage]]` tables with id, latitude, longitude, `uncertainty_km`. A RIPE Atlas
    /// probe has the id atlas-NUMBER; scamper's is its monitor, or the hostname of its cycle, or its src address.
    /// One that moves gets a new id: an id that is described at two places within a week proves nothing
    #[arg(long, value_name = "FILE")]
    vantages: Option<PathBuf>,

    /// Imported addresses of which is known where they are, by which the times of the vantages are measured:
    /// `[[landmark]]` tables with address, name, country, source, and latitude and longitude if known. They are not judged
    #[arg(long, value_name = "FILE")]
    landmarks: Option<PathBuf>,

    /// Judge each observation by itself, not in the light of other vantages. What else the same vantage measured, landmarks
    /// among it, still tells what its times mean and whether it stands where it is said to
    #[arg(long)]
    alone: bool,

    /// The class of data to judge by, in place of what was declared
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,

    /// Policy, register of providers and databases; without it the built-in ones
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Show under each line the findings, the evidence, what it comes to and what would have changed it
    #[arg(long)]
    explain: bool,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Judge {
    /// Judges, prints, and exits by the worst standing.
    pub fn run(self) -> Exit {
        self.judge().unwrap_or_else(|refusal| refusal.say("judge"))
    }

    fn judge(&self) -> Result<Exit, Refusal> {
        let (policy, geodb, configured) = self.instruments()?;
        let class = self.class.as_ref().map(|name| known_class(name, &policy)).transpose()?;
        let vantages = self.vantages()?;
        let landmarks = self.landmarks(&geodb, &configured)?;
        let mut read_all = Vec::new();
        for file in &self.files {
            let read = read(file, &vantages)?;
            if read.is_empty() {
                let why = format!("{}: holds nothing to judge", shown(file).display());
                return Err(Refusal(Exit::Unreadable, why));
            }
            read_all.extend(read);
        }
        let mut subjects = once_each(read_all);
        let mut borders = Borders::new(geodb.outlines());
        for Subject { observation, is_imported } in &mut subjects {
            borders.meet(&observation.vantage);
            if *is_imported {
                ask(&geodb, &landmarks, observation);
            }
            if let Some(class) = &class {
                observation.declared.class = Some(class.clone());
            }
        }
        let surveys = self.survey(&subjects, &borders, &policy.home);
        if let Some(remark) = of_landmarks(&subjects) {
            let _ = writeln!(anstream::stderr(), "{remark}");
        }
        self.print(&subjects, &borders, &surveys, &policy)
    }

    /// The policy, the databases, and the landmarks of the configuration.
    fn instruments(&self) -> Result<(Policy, Geodb, Vec<Landmark>), Refusal> {
        if let Some(path) = &self.config {
            let (config, _) = inventory::load(path).map_err(|e| Refusal(Exit::BadConfiguration, e.to_string()))?;
            let geodb = Geodb::open(&config.geodb, &config.assets);
            let geodb = geodb.map_err(|e| Refusal(Exit::BadConfiguration, e.to_string()))?;
            let geodb = geodb.with_landmarks(&config.landmarks);
            let geodb = geodb.map_err(|e| Refusal(Exit::BadConfiguration, e.to_string()))?;
            return Ok((config.policy, geodb, config.landmarks));
        }
        let home = HOME.parse().map(Home::of).map_err(|e| Refusal(Exit::BadConfiguration, format!("{e}")))?;
        let policy = built_in_policy(home).map_err(|e| Refusal(Exit::BadConfiguration, e.to_string()))?;
        Ok((policy, Geodb::embedded(), Vec::new()))
    }

    fn vantages(&self) -> Result<Vantages, Refusal> {
        let Some(path) = &self.vantages else { return Ok(Vantages::default()) };
        measurements::read_vantages(path).map_err(|error| unreadable(&error))
    }

    /// What is claimed of the landmarks of the file, which neither the borders nor the configuration may contradict.
    fn landmarks(&self, geodb: &Geodb, configured: &[Landmark]) -> Result<BTreeMap<IpAddr, Claim>, Refusal> {
        let Some(path) = &self.landmarks else { return Ok(BTreeMap::new()) };
        let landmarks = measurements::read_landmarks(path).map_err(|error| unreadable(&error))?;
        landmark::hold_against(&landmarks, &geodb.outlines())
            .and_then(|()| landmark::hold_together(&landmarks, configured))
            .map_err(|errors| unreadable(&errors.into()))?;
        Ok(landmarks.iter().map(|landmark| (landmark.address, landmark.claim())).collect())
    }

    /// By what the times of the vantages are measured: of those of other tools by what they measured before and after, of
    /// our own as it was known when they were judged.
    fn survey<'a>(&self, subjects: &'a [Subject], borders: &Borders, home: &Home) -> [Survey<'a>; 2] {
        let light = if self.alone { Light::Alone } else { Light::Together };
        let surveys = [(Window::Before, false), (Window::Around, true)].map(|(window, is_imported)| {
            let is_asked = subjects.iter().any(|subject| subject.is_imported == is_imported);
            let surveyed = subjects.iter().filter(|_| is_asked).map(|subject| &subject.observation);
            Survey::of(light, home, window, surveyed, borders)
        });
        let mut told = BTreeSet::new();
        let remarks = surveys.iter().flat_map(Survey::remarks).filter(|remark| told.insert(remark.clone()));
        let remarks: Vec<_> = remarks.collect();
        for remark in remarks.iter().take(REMARKS) {
            let _ = writeln!(anstream::stderr(), "{remark}");
        }
        if let Some(more) = remarks.len().checked_sub(REMARKS).filter(|more| *more > 0) {
            let _ = writeln!(anstream::stderr(), "and {more} more like these");
        }
        surveys
    }

    fn print(
        &self,
        subjects: &[Subject],
        borders: &Borders,
        [of_ours, of_theirs]: &[Survey<'_>; 2],
        policy: &Policy,
    ) -> Result<Exit, Refusal> {
        let observations = subjects.iter().map(|subject| &subject.observation);
        let companions =
            if self.alone { Companions::default() } else { Companions::new(observations, borders, &policy.home) };
        let progress = ProgressBar::new(subjects.len() as u64);
        let form = match (self.json, self.explain) {
            (true, explained) => Form::Json { explained },
            (false, true) => Form::Explained,
            (false, false) => Form::Rows,
        };
        let mut judged = Judged::new(io::BufWriter::new(anstream::stdout().lock()), form, policy);
        for subject in subjects.iter().filter(|subject| !subject.observation.is_of_landmark()) {
            let survey = if subject.is_imported { of_theirs } else { of_ours };
            let calibration = survey.calibration(subject.observation.vantage_id());
            let instruments = Instruments { borders, home: &policy.home, calibration };
            let as_of = subject.observation.observed;
            judged.judge(&Dossier::assemble(&subject.observation, &companions, instruments, as_of, u64::MAX))?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        judged.finish()
    }
}

/// Asks the databases of today about what others measured: they never did. What is a landmark is declared as well.
fn ask(geodb: &Geodb, landmarks: &BTreeMap<IpAddr, Claim>, observation: &mut Observation) {
    observation.claims = observation.located().into_iter().flat_map(|address| geodb.claims(address)).collect();
    let declared =
        observation.addresses().into_iter().filter_map(|address| landmarks.get(&address.to_canonical()).cloned());
    observation.claims.extend(declared);
    observation.databases = geodb.digests();
}

/// What is judged, and whether it came from another tool, which brings no claims.
struct Subject {
    observation: Observation,
    is_imported: bool,
}

/// The observations in a file.
fn read(path: &Path, vantages: &Vantages) -> Result<Vec<Subject>, Refusal> {
    let Measurements { observations, are_imported, notes } =
        measurements::read(path, vantages, MOST).map_err(|error| unreadable(&error))?;
    let ahead = ahead(&observations, clock::now().wall).map(|remark| format!("{}: {remark}", shown(path).display()));
    for note in notes.into_iter().chain(ahead) {
        let _ = writeln!(anstream::stderr(), "{note}");
    }
    let subject = |observation| Subject { observation, is_imported: are_imported };
    Ok(observations.into_iter().map(subject).collect())
}

/// What is to be said of observations that are dated later than `now`: they are judged as dated.
fn ahead(observations: &[Observation], now: Timestamp) -> Option<String> {
    let later = || observations.iter().filter(|observation| observation.observed > now);
    let last = later().max_by_key(|observation| observation.observed)?;
    let (count, vantage) = (later().count(), Escaped(&last.vantage_id().0));
    Some(format!(
        "{count} of {} dated in the future, up to {} by {vantage}: see that clock, and this one",
        observations.len(),
        last.observed
    ))
}

/// What is to be said of observations of landmarks: others are held against them, and they are not judged.
fn of_landmarks(subjects: &[Subject]) -> Option<String> {
    let count = subjects.iter().filter(|subject| subject.observation.is_of_landmark()).count();
    let (are, all) = (if count == 1 { "is of a landmark" } else { "are of landmarks" }, subjects.len());
    let them = if count == 1 { "it" } else { "them" };
    (count > 0).then(|| format!("{count} of {all} observations {are} and not judged: others are held against {them}"))
}

fn unreadable(error: &MeasurementsError) -> Refusal {
    Refusal(Exit::Unreadable, error.to_string())
}

/// Without those that are equal to an earlier one, as when a file is named twice or a journal was copied.
fn once_each(subjects: Vec<Subject>) -> Vec<Subject> {
    let mut kept: Vec<Subject> = Vec::new();
    let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for subject in subjects {
        let seen = &subject.observation;
        let key = (seen.observed, seen.vantage_id().clone(), seen.endpoint.clone());
        let alike = places.entry(key).or_default();
        if !alike.iter().any(|place| kept.get(*place).is_some_and(|earlier| earlier.observation == *seen)) {
            alike.push(kept.len());
            kept.push(subject);
        }
    }
    kept
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes the file that is read")]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::entry::tests::observation;
    use crate::location::Says;

    #[test]
    fn what_is_dated_in_the_future_gets_a_remark() {
        let portal = || observation("ntc-isb-1", "https://portal.example.gov.pk");
        let mut later = portal();
        later.vantage.id.0 = "fast\u{1b}".to_owned();
        later.observed = "2031-01-01T00:00:00Z".parse().unwrap();
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        assert_eq!(ahead(&[portal()], now), None);
        assert_eq!(
            ahead(&[portal(), later], now).unwrap(),
            "1 of 2 dated in the future, up to 2031-01-01T00:00:00Z by fast\\u{1b}: see that clock, and this one"
        );
    }

    #[test]
    fn an_observation_that_was_read_before_is_read_once() {
        let portal = || observation("ntc-isb-1", "https://portal.example.gov.pk");
        let elsewhere = observation("ptcl-khi-1", "https://portal.example.gov.pk");
        let mut other = portal();
        other.resolutions.clear();
        let read = vec![portal(), elsewhere.clone(), portal(), other.clone(), elsewhere.clone(), other.clone()];
        let read = read.into_iter().map(|observation| Subject { observation, is_imported: false }).collect();
        let kept: Vec<_> = once_each(read).into_iter().map(|subject| subject.observation).collect();
        assert_eq!(kept, [portal(), elsewhere, other]);
    }

    #[test]
    fn what_is_of_a_landmark_and_not_judged_is_counted() {
        let subject = |says: Option<Says>| {
            let mut observation = observation("ntc-isb-1", "tcp://185.1.8.1:443");
            let about = "185.1.8.1".parse().unwrap();
            let claim = |says| Claim { about, source: "a test".to_owned(), dated: None, says };
            observation.claims = says.map(claim).into_iter().collect();
            Subject { observation, is_imported: true }
        };
        let landmark = || {
            let country = "AE".parse().unwrap();
            subject(Some(Says::Landmark { name: "uae-ix".to_owned(), country, coordinates: None }))
        };
        assert_eq!(of_landmarks(&[subject(None)]), None);
        let one = of_landmarks(&[subject(None), landmark()]).unwrap();
        assert_eq!(one, "1 of 2 observations is of a landmark and not judged: others are held against it");
        let all = of_landmarks(&[landmark(), landmark()]).unwrap();
        assert_eq!(all, "2 of 2 observations are of landmarks and not judged: others are held against them");
    }

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        judge: Judge,
    }

    #[test]
    fn a_file_of_landmarks_that_the_configuration_has_elsewhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("landmarks.toml");
        let landmark = "[[landmark]]\naddress = \"185.1.8.1\"\nname = \"a\"\ncountry = \"AE\"\nsource = \"s\"\n";
        std::fs::write(&file, landmark).unwrap();
        let configured = measurements::read_landmarks(&file).unwrap();
        std::fs::write(&file, landmark.replace("AE", "PK")).unwrap();
        let line_of = ["judge", "-", "--landmarks"].map(Into::into).into_iter().chain([file.into_os_string()]);
        let Line { judge } = Line::parse_from(line_of);
        assert!(judge.landmarks(&Geodb::embedded(), &[]).is_ok());
        let Err(Refusal(exit, why)) = judge.landmarks(&Geodb::embedded(), &configured) else { panic!("taken") };
        assert!(exit == Exit::Unreadable && why.contains("185.1.8.1 is declared in PK here"), "{why}");
    }

    #[test]
    fn a_file_of_landmarks_that_the_borders_contradict_is_refused_with_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("landmarks.toml");
        let landmark = "[[landmark]]\naddress = \"185.1.8.1\"\nname = \"uae-ix\"\nsource = \"its page\"\n\
                        latitude = 25.2\nlongitude = 55.3\ncountry = ";
        for (country, line) in [("AE", None), ("DE", Some(7)), ("XX", Some(7))] {
            std::fs::write(&file, format!("{landmark}{country:?}\n")).unwrap();
            let line_of =
                ["judge", "-", "--landmarks"].map(Into::into).into_iter().chain([file.clone().into_os_string()]);
            let Line { judge } = Line::parse_from(line_of);
            let refused = judge.landmarks(&Geodb::embedded(), &[]).err().map(|Refusal(exit, why)| (exit, why));
            let start = line.map(|line| format!("{}:{line}: landmark.country: {country} is ", file.display()));
            match (refused, start) {
                (None, None) => {}
                (Some((exit, why)), Some(start)) => {
                    assert!(exit == Exit::Unreadable && why.starts_with(&start), "{why}");
                }
                (refused, _) => panic!("{country}: {refused:?}"),
            }
        }
    }
}
