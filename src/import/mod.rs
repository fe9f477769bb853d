//! Other tools' measurements → observations: RIPE Atlas ([`atlas`]) and scamper ([`scamper`]), in any mixture.
//!
//! A file is one JSON array of results, or one result a line. It is read whole or refused, with the place of the fault:
//! half a file may be the half that acquits. Results of kinds that say nothing of distance (DNS, certificates) are
//! passed over and counted. Nothing here asks a database: the shell adds claims.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use self::record::{Fault, Record};
use self::vantages::Vantages;
use crate::moment::Rtt;
use crate::observation::{Declared, Observation};
use crate::printable::Printable;
use crate::vantage::Vantage;
use crate::workload::Endpoint;

pub mod atlas;
mod record;
pub mod scamper;
pub mod vantages;

#[cfg(test)]
mod tests;

/// The longest round trip that is taken for one, in milliseconds: a minute. What is beyond it is a clock that was set.
const LONGEST_MS: f64 = 60_000.0;

/// The type of what `pehra trace --multipath` writes: ways of many flows, none of which is one path to judge.
const MULTIPATH: &str = "multipath";

/// Why a file of measurements was refused; the shell puts the file's name before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {fault}")]
pub struct ImportError {
    /// The line of the fault, from 1.
    pub line: usize,
    /// The column of the fault, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub fault: String,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// One for each result, in their order, without claims.
    pub observations: Vec<Observation>,
    /// What is to be said of the rest.
    pub remarks: Remarks,
}

/// What is to be said of a file, beside what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// How many results were passed over, by what they are.
    pub skipped: BTreeMap<String, usize>,
    /// How many results name one address and are of another, which was measured and counts.
    pub misnamed: usize,
}

/// What one result gives.
enum Read {
    Observation(Box<Observation>),
    /// The same of another address than it names, which is the one that was measured.
    Misnamed(Box<Observation>),
    /// A result that says nothing of distance, by what it is.
    Skipped(String),
    /// A line of administration.
    Nothing,
}

/// What is looked at first: whose result it is.
#[derive(Deserialize)]
struct Label<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    prb_id: Option<IgnoredAny>,
}

/// Reads the text of a file. Vantages that `vantages` does not describe have no coordinates.
pub fn parse(text: &str, vantages: &Vantages) -> Result<Imported, ImportError> {
    let mut observations = Vec::new();
    let remarks = parse_each(text, vantages, |observation| observations.push(observation))?;
    Ok(Imported { observations, remarks })
}

/// The same, one observation after the other as it is read, for whoever has no room for all; yields what is to be
/// said of the rest. After an error, what was handed over counts for nothing.
pub fn parse_each(
    text: &str,
    vantages: &Vantages,
    mut handle: impl FnMut(Observation),
) -> Result<Remarks, ImportError> {
    let (mut remarks, mut is_empty) = (Remarks::default(), true);
    let mut scamper = scamper::Reader::default();
    let mut first_skipped = None;
    for record in record::split(text)? {
        let read = read(record, &mut scamper, vantages).map_err(|fault| fault.at(text, record))?;
        match read {
            Read::Observation(observation) => {
                is_empty = false;
                handle(*observation);
            }
            Read::Misnamed(observation) => {
                is_empty = false;
                remarks.misnamed += 1;
                handle(*observation);
            }
            Read::Skipped(kind) => {
                first_skipped.get_or_insert(record);
                *remarks.skipped.entry(kind).or_default() += 1;
            }
            Read::Nothing => {}
        }
    }
    match first_skipped {
        Some(record) if is_empty => {
            let kinds: Vec<_> = remarks.skipped.keys().map(String::as_str).collect();
            let cure = "only traceroutes and pings of addresses can be judged: fetch those";
            Err(Fault::says(format!("nothing but {}: {cure}", kinds.join(", "))).at(text, record))
        }
        Some(_) | None => Ok(remarks),
    }
}

fn read(record: Record<'_>, scamper: &mut scamper::Reader, vantages: &Vantages) -> Result<Read, Fault> {
    let label: Label<'_> = record.read()?;
    match (label.prb_id, label.kind.as_deref()) {
        (Some(_), kind) => atlas::read(record, kind, vantages),
        (None, Some(MULTIPATH)) => Ok(Read::Skipped("pehra trace --multipath".to_owned())),
        (None, Some(kind)) => scamper.handle_record(record, kind, vantages),
        (None, None) => Err(Fault::says(
            "neither a prb_id, as RIPE Atlas has it, nor a type, as scamper has it: judge reads those and journals"
                .into(),
        )),
    }
}

/// An observation that has not seen anything yet, of a workload of which nothing is known.
fn bare(endpoint: Endpoint, vantage: Vantage, observed: Timestamp) -> Observation {
    Observation::begun(endpoint, Declared::nothing("imported"), vantage, observed)
}

/// `ms` as evidence; `None` where it is no time that an answer takes, so that it counts as silence.
fn usable(ms: f64) -> Option<Rtt> {
    Rtt::from_ms(ms).filter(|rtt| *rtt >= Rtt::SHORTEST && ms <= LONGEST_MS)
}

/// Counts of a stranger's file, which may be any.
fn count(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// The address in the field `name`. One of IPv4 that is written as IPv6 was reached by IPv4, and is that.
fn address(name: &str, text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| format!("{name}: {} is not an address", Printable(text)))?;
    Ok(address.to_canonical())
}
