//! A directory of labelled traces → observations, and which of them each label is about.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use pehra::edge::input::{self, MOST};
use pehra::edge::measurements::{self, MeasurementsError};
use pehra::observation::Observation;

use crate::labels::{self, Key, Label, LabelFault, Row};

/// Why nothing could be measured: completes "failed to …", and names the place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) String);

/// Labelled measurements.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// Everything that was measured, labelled or not: all of it is evidence.
    pub(crate) observations: Vec<Observation>,
    /// The labels, in the order of their file.
    pub(crate) lines: Vec<Line>,
}

/// One label, and the observations it is about: more than one where the same was measured several times.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) key: Key,
    pub(crate) label: Label,
    /// Indices into [`Corpus::observations`].
    pub(crate) observations: Vec<usize>,
}

impl Corpus {
    /// Reads `traces.json`, `vantages.toml` and `labels.csv` of a directory; each may be packed by gzip.
    pub(crate) fn read(directory: &Path) -> Result<Self, Fault> {
        let labels = directory.join("labels.csv");
        let rows = labels::parse(&bytes(&labels)?).map_err(|fault| at_line(&labels, &fault))?;
        let vantages = measurements::read_vantages(&directory.join("vantages.toml"))?;
        let measurements = measurements::read(&directory.join("traces.json"), &vantages, MOST)?;
        Self::of(rows, measurements.observations).map_err(|fault| at_line(&labels, &fault))
    }

    fn of(rows: Vec<Row>, observations: Vec<Observation>) -> Result<Self, LabelFault> {
        let places = places(&observations);
        let line = |row: Row| {
            let Row { line, key, label } = row;
            let found = [key.vantage.clone(), format!("atlas-{}", key.vantage)]
                .into_iter()
                .find_map(|vantage| places.get(&Key { vantage, ..key.clone() }));
            let Key { host, address, vantage } = &key;
            let says = format!("no trace is of {host} {address} from {vantage}: leave the line out, or add the trace");
            let observations = found.cloned().ok_or(LabelFault { line, says })?;
            Ok(Line { key, label, observations })
        };
        let lines = rows.into_iter().map(line).collect::<Result<_, _>>()?;
        Ok(Self { observations, lines })
    }

    /// The lines of each address, by label as well: whoever labels the lines of one address differently means two cases.
    pub(crate) fn addresses(&self) -> BTreeMap<(IpAddr, Label), Vec<usize>> {
        let mut addresses: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, line) in self.lines.iter().enumerate() {
            addresses.entry((line.key.address, line.label)).or_default().push(index);
        }
        addresses
    }

    /// How many observations no label is about.
    pub(crate) fn unlabelled(&self) -> usize {
        let labelled: BTreeSet<_> = self.lines.iter().flat_map(|line| &line.observations).collect();
        self.observations.len() - labelled.len()
    }
}

/// Which observations are of which host, address and vantage.
fn places(observations: &[Observation]) -> BTreeMap<Key, Vec<usize>> {
    let mut places: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (index, observation) in observations.iter().enumerate() {
        for address in observation.addresses() {
            let (host, vantage) = (observation.endpoint.host().to_string(), observation.vantage_id().0.clone());
            places.entry(Key { host, address, vantage }).or_default().push(index);
        }
    }
    places
}

fn at_line(path: &Path, fault: &LabelFault) -> Fault {
    Fault(format!("{}:{}: {}", path.display(), fault.line, fault.says))
}

fn bytes(path: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = input::open(path, MOST).and_then(|mut input| input.reader.read_to_end(&mut bytes));
    read.map_err(|error| Fault(format!("{}: failed to read: {error}", path.display())))?;
    Ok(bytes)
}

impl From<MeasurementsError> for Fault {
    fn from(error: MeasurementsError) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use pehra::import;
    use pehra::import::vantages::Vantages;

    use super::*;

    const TRACE: &str = r#"{"prb_id": 7613, "timestamp": 1780682730, "dst_name": "pta.gov.pk", "dst_addr": "175.107.60.231",
        "proto": "ICMP", "type": "traceroute", "result": []}"#;

    fn corpus(traces: &[&str], labels: &str) -> Result<Corpus, LabelFault> {
        let text = format!("[{}]", traces.join(","));
        let imported = import::parse(&text, &Vantages::default()).unwrap();
        Corpus::of(labels::parse(format!("host,address,vantage,label\n{labels}").as_bytes())?, imported.observations)
    }

    #[test]
    fn a_label_is_about_every_trace_of_its_host_address_and_vantage() {
        let later = TRACE.replace("1780682730", "1780686330");
        let elsewhere = TRACE.replace("7613", "60223");
        for vantage in ["7613", "atlas-7613"] {
            let labels = format!("pta.gov.pk,175.107.60.231,{vantage},silent\n");
            let corpus = corpus(&[TRACE, &elsewhere, &later], &labels).unwrap();
            assert_eq!(corpus.lines[0].observations, [0, 2]);
            assert_eq!(corpus.unlabelled(), 1);
        }
    }

    #[test]
    fn a_label_without_a_trace_is_a_mistake() {
        for row in [
            "pta.gov.pk,175.107.60.231,1,silent",
            "pta.gov.pk,175.107.60.232,7613,silent",
            "pta.pk,175.107.60.231,7613,silent",
        ] {
            let fault = corpus(&[TRACE], &format!("pta.gov.pk,175.107.60.231,7613,silent\n{row}\n")).unwrap_err();
            assert!(fault.line == 3 && fault.says.contains("no trace is of"), "{fault:?}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let fault = Corpus::read(Path::new("tests/measure/nowhere")).unwrap_err();
        assert!(fault.0.starts_with("tests/measure/nowhere/labels.csv: failed to read: "), "{fault:?}");
    }
}
