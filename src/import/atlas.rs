//! RIPE Atlas traceroute results (the JSON of its measurement API, version 4 and later): one array, or one object a line.
//!
//! Each result becomes one observation. What the probe resolved is kept as a resolution by the view `atlas`; results whose
//! name could not be resolved become observations that say so.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ImportError;
use super::vantages::{Vantages, position};
use crate::moment::Rtt;
use crate::observation::{Declared, Observation, SCHEMA};
use crate::printable::Printable;
use crate::resolution::{AddressFamily, Addressed, Answer, NameFailure, Outcome, Resolution, View};
use crate::trace::{AnswerKind, Ending, Hop, HopAnswer, Protocol, Trace};
use crate::workload::{Endpoint, Host, HostName};

/// The observations in a file, without claims: those the shell adds.
pub fn parse(text: &str, vantages: &Vantages, declared: &Declared) -> Result<Vec<Observation>, ImportError> {
    let results = if text.trim_start().starts_with('[') { elements(text)? } else { lines(text)? };
    let observe = |(offset, json): (usize, &str)| {
        let fault = |fault: String| {
            let (line, column) = position(text, offset);
            ImportError { line, column, fault }
        };
        let result: Written = serde_json::from_str(json).map_err(|e| fault(format!("not a traceroute result: {e}")))?;
        result.observation(vantages, declared).map_err(fault)
    };
    results.into_iter().map(observe).collect()
}

/// The elements of a JSON array, with their offsets.
fn elements(text: &str) -> Result<Vec<(usize, &str)>, ImportError> {
    let raw: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| syntax(&error, 0))?;
    Ok(raw.into_iter().map(|value| (offset_in(text, value.get()), value.get())).collect())
}

/// The lines that hold anything, with their offsets.
fn lines(text: &str) -> Result<Vec<(usize, &str)>, ImportError> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let raw: &RawValue = serde_json::from_str(line).map_err(|error| syntax(&error, index))?;
        found.push((offset_in(text, raw.get()), raw.get()));
    }
    Ok(found)
}

fn syntax(error: &serde_json::Error, lines_before: usize) -> ImportError {
    let cure = if error.is_eof() { ": the file is cut short; fetch it again" } else { "" };
    ImportError { line: lines_before + error.line().max(1), column: error.column(), fault: format!("{error}{cure}") }
}

/// Where `part`, a slice of `text`, begins in it.
fn offset_in(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "type")]
    kind: Option<String>,
    af: Option<u8>,
    proto: Option<String>,
    prb_id: u64,
    timestamp: i64,
    endtime: Option<i64>,
    dst_name: Option<String>,
    dst_addr: Option<String>,
    paris_id: Option<u16>,
    #[serde(default)]
    result: Vec<WrittenHop>,
}

#[derive(Deserialize)]
struct WrittenHop {
    hop: Option<u8>,
    #[serde(default)]
    result: Vec<WrittenReply>,
}

#[derive(Deserialize)]
struct WrittenReply {
    from: Option<String>,
    rtt: Option<f64>,
    err: Option<serde_json::Value>,
    late: Option<u32>,
}

impl Written {
    fn observation(self, vantages: &Vantages, declared: &Declared) -> Result<Observation, String> {
        if let Some(kind) = self.kind.as_deref().filter(|kind| *kind != "traceroute") {
            return Err(format!("a {} result: only traceroute results are read", Printable(kind)));
        }
        let wrong_time = || format!("timestamp {} is out of range: write seconds since 1970", self.timestamp);
        let observed = Timestamp::from_second(self.timestamp).map_err(|_| wrong_time())?;
        let target = self.target()?;
        let endpoint = self.endpoint(target)?;
        let seconds = self.endtime.map_or(0, |end| end.saturating_sub(self.timestamp));
        let elapsed = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Ok(Observation {
            schema: SCHEMA,
            resolutions: self.resolution(&endpoint, target, observed).into_iter().collect(),
            endpoint,
            declared: declared.clone(),
            vantage: vantages.find(&format!("atlas-{}", self.prb_id)),
            observed,
            elapsed_ns: Rtt::from_duration(elapsed),
            traces: target.map(|target| self.trace(target, observed)).transpose()?.into_iter().collect(),
            contacts: Vec::new(),
            claims: Vec::new(),
            databases: Vec::new(),
        })
    }

    fn target(&self) -> Result<Option<IpAddr>, String> {
        let parse = |text: &str| text.parse().map_err(|_| format!("dst_addr {} is not an address", Printable(text)));
        self.dst_addr.as_deref().map(parse).transpose()
    }

    fn endpoint(&self, target: Option<IpAddr>) -> Result<Endpoint, String> {
        let text = match (&self.dst_name, target) {
            (Some(name), _) => name.clone(),
            (None, Some(address)) => address.to_string(),
            (None, None) => return Err("neither dst_name nor dst_addr: it names no destination".to_owned()),
        };
        text.parse().map_err(|error| format!("dst_name: {error}"))
    }

    /// What the probe made of the name; nothing when the destination was an address.
    fn resolution(&self, endpoint: &Endpoint, target: Option<IpAddr>, asked: Timestamp) -> Option<Resolution> {
        let name: HostName = match endpoint.host() {
            Host::Name(name) => name.clone(),
            Host::Address(_) => return None,
        };
        let address = |address| Answer {
            chain: Vec::new(),
            addresses: vec![Addressed { address, ttl: 0 }],
            authenticated: false,
        };
        Some(Resolution {
            name,
            family: if self.af == Some(6) { AddressFamily::Aaaa } else { AddressFamily::A },
            view: View("atlas".to_owned()),
            server: None,
            asked,
            elapsed_ns: Rtt::default(),
            outcome: target.map_or(Outcome::Failed(NameFailure::ServerFailure), |a| Outcome::Answered(address(a))),
        })
    }

    fn trace(&self, target: IpAddr, started: Timestamp) -> Result<Trace, String> {
        let protocol = match self.proto.as_deref() {
            Some("ICMP") | None => Protocol::Icmp,
            Some("UDP") => Protocol::Udp,
            Some("TCP") => Protocol::Tcp,
            Some(other) => return Err(format!("proto {} is not ICMP, UDP or TCP", Printable(other))),
        };
        let mut hops: Vec<Hop> = self.result.iter().filter_map(|hop| hop.read(target)).collect();
        hops.sort_by_key(|hop| hop.ttl);
        let reached = hops.iter().any(|hop| hop.answers.iter().any(|answer| answer.from == target));
        let last_is_silent = hops.last().is_none_or(|hop| hop.answers.is_empty());
        let ending = match (reached, last_is_silent) {
            (true, _) => Ending::Reached,
            (false, true) => Ending::Silent,
            (false, false) => Ending::Exhausted,
        };
        Ok(Trace { target, protocol, started, flow: self.paris_id, hops, ending })
    }
}

impl WrittenHop {
    /// `None` for an entry that is no hop, such as the probe's own error.
    fn read(&self, target: IpAddr) -> Option<Hop> {
        let answers: Vec<_> = self.result.iter().filter_map(|reply| reply.read(target)).collect();
        let late = self.result.iter().filter(|reply| reply.late.is_some() && reply.rtt.is_none()).count();
        let silent = self.result.len().saturating_sub(answers.len() + late);
        Some(Hop { ttl: self.hop?, answers, silent: u8::try_from(silent).unwrap_or(u8::MAX) })
    }
}

impl WrittenReply {
    /// `None` for silence, for a reply without a usable time, and for one to an earlier probe.
    fn read(&self, target: IpAddr) -> Option<HopAnswer> {
        let from: IpAddr = self.from.as_deref()?.parse().ok()?;
        let rtt_ns = Rtt::from_ms(self.rtt?)?;
        let kind = match &self.err {
            Some(_) if from != target => AnswerKind::Unreachable,
            Some(_) | None => AnswerKind::Unstated,
        };
        Some(HopAnswer { from, rtt_ns, kind, late: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{Jurisdiction, WorkloadId};

    const RESULT: &str = r#"{"af":4,"proto":"ICMP","type":"traceroute","prb_id":7613,"timestamp":1780682730,
        "dst_name":"pbs.gov.pk","dst_addr":"113.197.54.86","result":[
        {"hop":1,"result":[{"from":"192.168.1.1","rtt":0.4},{"x":"*"},{"late":2}]},
        {"hop":2,"result":[{"from":"113.197.54.86","rtt":41.932}]},{"error":"x"}]}"#;

    fn declared() -> Declared {
        Declared {
            workload: WorkloadId("imported".to_owned()),
            entity: String::new(),
            jurisdiction: Jurisdiction(String::new()),
            class: None,
            provider: None,
        }
    }

    fn parsed(text: &str) -> Result<Vec<Observation>, ImportError> {
        parse(text, &Vantages::default(), &declared())
    }

    #[test]
    fn a_result_becomes_an_observation() {
        let observations = parsed(&format!("[{RESULT}]")).unwrap();
        let [observation] = observations.as_slice() else { panic!("one result") };
        let address = "113.197.54.86".parse().unwrap();
        assert!((observation.best_rtt(address).unwrap().rtt.ms() - 41.932).abs() < 1e-9);
        assert_eq!(observation.vantage.id.0, "atlas-7613");
        assert_eq!(observation.traces[0].hops[0].silent, 1);
        assert_eq!(observation.traces[0].ending, Ending::Reached);
    }

    #[test]
    fn lines_are_read_as_well_as_an_array() {
        let line = RESULT.replace('\n', " ");
        assert_eq!(parsed(&format!("{line}\n\n{line}\n")).unwrap().len(), 2);
    }

    #[test]
    fn a_file_cut_in_half_is_refused_with_the_line() {
        let whole = format!("[\n{RESULT},\n{RESULT}\n]");
        let error = parsed(&whole[..whole.len() / 2 + 40]).unwrap_err();
        assert!(error.line >= 5 && error.fault.contains("cut short"), "{error}");
    }

    #[test]
    fn a_fault_inside_a_result_names_the_line_of_the_result() {
        let wrong = RESULT.replace("113.197.54.86\",\"result", "nowhere\",\"result");
        let error = parsed(&format!("[\n{RESULT},\n{wrong}\n]")).unwrap_err();
        assert_eq!(error.line, 6, "{error}");
    }

    #[test]
    fn times_that_are_no_times_are_silence() {
        let text = RESULT.replace("41.932", "-3.0");
        let observation = parsed(&format!("[{text}]")).unwrap().remove(0);
        assert_eq!(observation.best_rtt("113.197.54.86".parse().unwrap()), None);
    }

    #[test]
    fn nothing_a_stranger_writes_makes_it_panic() {
        for text in [
            "",
            "[",
            "[]",
            "{}",
            "[{}]",
            "null",
            "[1,2]",
            "\u{0}",
            "[[[[[[",
            "{\"prb_id\":-1}",
            "[{\"prb_id\":1,\"timestamp\":9e99}]",
        ] {
            let _ = parsed(text);
        }
    }
}
