//! `labels.csv` → what is true of each host, address and vantage.

use std::collections::BTreeMap;
use std::net::IpAddr;

use pehra::printable::Printable;
use pehra::workload::{Endpoint, Host};
use serde::{Deserialize, Serialize};

/// What is true of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Label {
    /// It is at home.
    Inside,
    /// It is abroad.
    Outside,
    /// It is shared: the address says nothing of where it is served.
    Edge,
    /// A cloud that has no region at home: abroad, or an edge of its own.
    Cloud,
    /// It never answered: nothing that was measured places it.
    Silent,
}

impl Label {
    pub(crate) const ALL: [Self; 5] = [Self::Inside, Self::Outside, Self::Edge, Self::Cloud, Self::Silent];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Edge => "edge",
            Self::Cloud => "cloud",
            Self::Silent => "silent",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == text)
    }
}

/// Which measurements a row is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
    /// The vantage, or the number of its RIPE Atlas probe.
    pub(crate) vantage: String,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its line in the file, from 1.
    pub(crate) line: u64,
    pub(crate) key: Key,
    pub(crate) label: Label,
}

/// What is wrong with the file, and on which line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LabelFault {
    pub(crate) line: u64,
    pub(crate) says: String,
}

/// The columns that are read; others may stand beside them.
#[derive(Deserialize)]
struct Written {
    host: String,
    address: String,
    vantage: String,
    label: String,
}

const COLUMNS: [&str; 4] = ["host", "address", "vantage", "label"];

/// Reads the file's bytes.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Row>, LabelFault> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().map_err(|error| fault(1, unreadable(&error)))?.clone();
    if let Some(missing) = COLUMNS.iter().find(|column| !headers.iter().any(|header| header == **column)) {
        return Err(fault(
            1,
            format!("no column is called {missing}: the first line names host,address,vantage,label"),
        ));
    }
    let mut rows = Vec::new();
    let mut lines: BTreeMap<Key, u64> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| fault(line_at(bytes, error.position()), unreadable(&error)))?;
        let line = line_at(bytes, record.position());
        let written: Written = record.deserialize(Some(&headers)).map_err(|error| fault(line, unreadable(&error)))?;
        let row = written.row(line).map_err(|says| fault(line, says))?;
        if let Some(earlier) = lines.insert(row.key.clone(), line) {
            let Key { host, address, vantage } = &row.key;
            let says = format!("{host} {address} from {vantage} is labelled on line {earlier} already: leave one out");
            return Err(fault(line, says));
        }
        rows.push(row);
    }
    if rows.is_empty() { Err(fault(1, "it labels nothing".to_owned())) } else { Ok(rows) }
}

impl Written {
    fn row(self, line: u64) -> Result<Row, String> {
        let Self { host, address, vantage, label } = self;
        let known = || Label::ALL.map(Label::as_str).join(", ");
        let label = Label::parse(&label)
            .ok_or_else(|| format!("label: {} is unknown: write one of {}", Printable(&label), known()))?;
        let address = address.parse().map_err(|_| format!("address: {} is not an address", Printable(&address)))?;
        let host = name(&host).ok_or_else(|| format!("host: {} is not a host", Printable(&host)))?;
        if vantage.is_empty() {
            return Err("vantage: none is named".to_owned());
        }
        Ok(Row { line, key: Key { host, address, vantage }, label })
    }
}

/// A host as endpoints have it.
fn name(text: &str) -> Option<String> {
    let host = text.parse::<Endpoint>().ok().map(|endpoint| endpoint.host().clone());
    host.map(|host: Host| host.to_string())
}

/// The line of a record: its position is before any empty lines in front of it.
fn line_at(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let rest = usize::try_from(position.byte()).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    empty.fold(position.line(), |line, _| line + 1)
}

fn fault(line: u64, says: String) -> LabelFault {
    LabelFault { line, says }
}

fn unreadable(error: &csv::Error) -> String {
    Printable(&error.to_string()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_columns_may_stand_beside_and_a_host_is_one_however_it_is_written() {
        let text = "basis,host,address,vantage,label\nmeasured,PTA.gov.pk.,175.107.60.231,7613,silent\n";
        let rows = parse(text.as_bytes()).unwrap();
        let address = "175.107.60.231".parse().unwrap();
        let key = Key { host: "pta.gov.pk".to_owned(), address, vantage: "7613".to_owned() };
        assert_eq!(rows, [Row { line: 2, key, label: Label::Silent }]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let head = "host,address,vantage,label\n";
        let row = "a.pk,1.2.3.4,7613,inside\n";
        for (text, line, words) in [
            (String::new(), 1, "no column is called host"),
            ("host,address,label\n".to_owned(), 1, "vantage"),
            (head.to_owned(), 1, "labels nothing"),
            (format!("{head}{row}{row}"), 3, "labelled on line 2 already"),
            (format!("{head}{row}a.pk,1.2.3.4,7613,outside\n"), 3, "labelled on line 2 already"),
            (
                format!("{head}\n{row}\nb.pk,1.2.3.4,7613,abroad\n"),
                5,
                "abroad is unknown: write one of inside, outside",
            ),
            (format!("{head}a.pk,1.2.3,7613,inside\n"), 2, "not an address"),
            (format!("{head}a b,1.2.3.4,7613,inside\n"), 2, "not a host"),
            (format!("{head}a.pk,1.2.3.4,,inside\n"), 2, "vantage"),
            (format!("{head}a.pk,1.2.3.4\n"), 2, "fields"),
            (format!("{head}a.pk,1.2.3.4,7613,in\u{1b}[31m\n"), 2, "\\u{1b}"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.line == line && error.says.contains(words), "{text}: {error:?}");
        }
        assert!(parse(b"host,address,vantage,label\n\xff,1.2.3.4,1,inside\n").unwrap_err().says.contains("UTF-8"));
    }
}
