//! Everything that is measured of one corpus, as a value: the text and the JSON are made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pehra::calibration::Light;
use pehra::location::{OutlinesId, Says};
use pehra::observation::DatabaseDigest;
use serde::Serialize;

use crate::baseline::Baseline;
use crate::corpus::{Corpus, Fault};
use crate::judging::{Bench, Calls};
use crate::labels::Label;
use crate::score::{Cut, Said, Scores, Unit, confusion, is_wrong, right};
use crate::share::Share;
use crate::without::Without;

/// The thresholds on the shortest round trip that are tried, in milliseconds.
const THRESHOLDS_MS: [f64; 2] = [30.0, 80.0];

/// All figures of one corpus.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) base_rate: f64,
    pub(crate) corpus: Described,
    pub(crate) sources: Vec<DatabaseDigest>,
    pub(crate) borders: OutlinesId,
    pub(crate) measured: Vec<Measured>,
}

/// What was labelled and measured.
#[derive(Debug, Serialize)]
pub(crate) struct Described {
    pub(crate) lines: usize,
    pub(crate) addresses: usize,
    pub(crate) labels: BTreeMap<Label, Labelled>,
    pub(crate) observations: usize,
    pub(crate) unlabelled_observations: usize,
    pub(crate) vantages: usize,
    pub(crate) vantages_abroad: usize,
}

/// How much bears one label.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Labelled {
    pub(crate) lines: usize,
    pub(crate) addresses: usize,
}

/// How one way of judging did.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) lines: Counted,
    pub(crate) addresses: Counted,
}

/// What way of judging it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The shipped judge.
    Judge,
    /// The shipped judge, in the light of every vantage, without some of the evidence.
    Ablation,
    /// A simpler method.
    Baseline,
}

/// The counts of one kind of unit.
#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    pub(crate) scores: BTreeMap<Cut, Scores>,
    /// What each label is called, at probable or better.
    pub(crate) confusion: BTreeMap<Label, BTreeMap<Said, u32>>,
    /// Of each label, of how many nothing wrong is said.
    pub(crate) not_wrong: BTreeMap<Label, Share>,
    pub(crate) wrong: Vec<Wrong>,
}

/// Something that is called what it is not.
#[derive(Debug, Serialize)]
pub(crate) struct Wrong {
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) said: Said,
}

impl Report {
    pub(crate) fn of(corpus: &Corpus, bench: &Bench, base_rate: f64) -> Self {
        let measured = |kind, name: &str, calls: &Calls| Measured {
            kind,
            name: name.to_owned(),
            lines: Counted::of(&lines(corpus, calls), base_rate),
            addresses: Counted::of(&addresses(corpus, calls), base_rate),
        };
        let judge = [("together", Light::Together), ("alone", Light::Alone)]
            .map(|(name, light)| measured(Kind::Judge, name, &bench.judge(&Without::Nothing, light)));
        let ablations = withouts(bench)
            .into_iter()
            .map(|without| measured(Kind::Ablation, &without.name(), &bench.judge(&without, Light::Together)));
        let baselines = baselines(bench)
            .into_iter()
            .map(|baseline| measured(Kind::Baseline, &baseline.name(), &baseline.judge(bench)));
        Self {
            base_rate,
            corpus: Described::of(corpus, bench),
            sources: bench.sources.clone(),
            borders: bench.borders.outlines().id().clone(),
            measured: judge.into_iter().chain(ablations).chain(baselines).collect(),
        }
    }

    pub(crate) fn json(&self) -> Result<String, Fault> {
        let written =
            serde_json::to_string_pretty(self).map_err(|error| Fault(format!("failed to write JSON: {error}")))?;
        Ok(written + "\n")
    }

    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Measured> {
        self.measured.iter().filter(move |measured| measured.kind == kind)
    }
}

impl Described {
    fn of(corpus: &Corpus, bench: &Bench) -> Self {
        let addresses = corpus.addresses();
        let mut labels: BTreeMap<Label, Labelled> = BTreeMap::new();
        for ((_, label), lines) in &addresses {
            let labelled = labels.entry(*label).or_default();
            labelled.addresses += 1;
            labelled.lines += lines.len();
        }
        let vantages = bench.vantages();
        Self {
            lines: corpus.lines.len(),
            addresses: addresses.keys().map(|(address, _)| address).collect::<BTreeSet<_>>().len(),
            labels,
            observations: corpus.observations.len(),
            unlabelled_observations: corpus.unlabelled(),
            vantages: vantages.len(),
            vantages_abroad: vantages.into_iter().filter(|vantage| bench.is_abroad(vantage)).count(),
        }
    }
}

impl Counted {
    fn of(units: &[Unit], base_rate: f64) -> Self {
        let said = |unit: &Unit| unit.said(Cut::Probable);
        let wrong = |unit: &&Unit| is_wrong(unit.label, said(unit));
        let told = |unit: &Unit| Wrong { name: unit.name.clone(), label: unit.label, said: said(unit) };
        let confusion = confusion(units);
        Self {
            scores: Cut::ALL.into_iter().map(|cut| (cut, Scores::of(units, cut, base_rate))).collect(),
            not_wrong: confusion.keys().map(|label| (*label, right(units, *label))).collect(),
            confusion,
            wrong: units.iter().filter(wrong).map(told).collect(),
        }
    }
}

/// What can be taken away from this evidence.
fn withouts(bench: &Bench) -> Vec<Without> {
    let mut withouts = vec![Without::Databases];
    let databases = bench.databases();
    if databases.len() > 1 {
        withouts.extend(databases.into_iter().map(|name| Without::OtherDatabasesThan(name.to_owned())));
    }
    withouts.extend([Without::NetworkCountries, Without::Networks, Without::Paths, Without::Calibration]);
    if bench.observations.iter().flat_map(|seen| &seen.claims).any(|claim| matches!(claim.says, Says::Named { .. })) {
        withouts.push(Without::Names);
    }
    if bench.vantages().into_iter().any(|vantage| bench.is_abroad(vantage)) {
        withouts.push(Without::VantagesAbroad);
    }
    withouts
}

fn baselines(bench: &Bench) -> Vec<Baseline> {
    let databases = bench.databases();
    let majority = (databases.len() > 1).then_some(Baseline::Majority);
    let each = databases.into_iter().map(|name| Baseline::Database(name.to_owned()));
    each.chain(majority).chain(THRESHOLDS_MS.map(Baseline::Threshold)).chain([Baseline::Discs]).collect()
}

/// Each label line, with the calls of its observations. One of which nothing is left to judge is no unit.
fn lines(corpus: &Corpus, calls: &Calls) -> Vec<Unit> {
    let unit = |index: usize| {
        let line = corpus.lines.get(index)?;
        let (host, address, vantage) = (&line.key.host, line.key.address, &line.key.vantage);
        unit(corpus, calls, format!("{host} {address} from {vantage}"), line.label, &[index])
    };
    (0..corpus.lines.len()).filter_map(unit).collect()
}

/// Each address, with the calls of all its lines.
fn addresses(corpus: &Corpus, calls: &Calls) -> Vec<Unit> {
    let unit = |((address, label), lines): ((IpAddr, Label), Vec<usize>)| {
        let hosts: BTreeSet<_> =
            lines.iter().filter_map(|index| corpus.lines.get(*index)).map(|line| line.key.host.as_str()).collect();
        let name = format!("{address} ({})", hosts.into_iter().collect::<Vec<_>>().join(", "));
        unit(corpus, calls, name, label, &lines)
    };
    corpus.addresses().into_iter().filter_map(unit).collect()
}

fn unit(corpus: &Corpus, calls: &Calls, name: String, label: Label, lines: &[usize]) -> Option<Unit> {
    let lines = lines.iter().filter_map(|index| corpus.lines.get(*index));
    let keys = lines.flat_map(|line| line.observations.iter().map(|index| (*index, line.key.address)));
    let calls: Vec<_> = keys.filter_map(|key| calls.get(&key).copied()).collect();
    (!calls.is_empty()).then_some(Unit { name, label, calls })
}
