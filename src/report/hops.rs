//! The way to an address, hop by hop: who answered, how fast at best, and where the databases put it.

use std::fmt::Write;
use std::net::IpAddr;

use serde::Serialize;

use crate::dossier::Dossier;
use crate::location::Says;
use crate::moment::Rtt;
use crate::observation::Observation;
use crate::place::CountrySet;
use crate::printable::Printable;
use crate::trace::{Hop, Trace};

/// How wide the column of addresses is: the longest IPv4 address.
const ADDRESS: usize = 15;

/// The most marks of silence in a row.
const SILENT: u8 = 9;

/// One hop of the way to an address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HopLine {
    /// The TTL or hop limit of the probes.
    pub ttl: u8,
    /// Who answered, each once, in the order of arrival; empty when nobody did.
    pub addresses: Vec<IpAddr>,
    /// The best round-trip time, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// How many probes went unanswered.
    pub silent: u8,
    /// What those are called by whoever holds their addresses: anything at all.
    pub names: Vec<String>,
    /// Every country that a database names for who answered.
    pub countries: CountrySet,
}

/// The hops of the trace to `address` that saw the most; none when none was measured.
pub fn hops(dossier: &Dossier<'_>, address: IpAddr) -> Vec<HopLine> {
    let traces = dossier.subject.traces.iter().filter(|trace| trace.target == address);
    let fullest = traces.max_by_key(|trace| trace.responders().len());
    let line = |hop: &Hop| hop_line(hop, dossier.subject);
    fullest.map_or_else(Vec::new, |trace: &Trace| trace.hops.iter().map(line).collect())
}

fn hop_line(hop: &Hop, seen: &Observation) -> HopLine {
    let mut addresses = Vec::new();
    for answer in &hop.answers {
        if !addresses.contains(&answer.from) {
            addresses.push(answer.from);
        }
    }
    let countries = seen
        .claims
        .iter()
        .filter(|claim| addresses.contains(&claim.about))
        .filter_map(|claim| if let Says::Country(country) = claim.says { Some(country) } else { None });
    HopLine {
        ttl: hop.ttl,
        rtt_ms: hop.answers.iter().map(|answer| answer.rtt_ns).min().map(Rtt::ms),
        silent: hop.silent,
        names: addresses.iter().flat_map(|address| seen.names_of(*address)).map(str::to_owned).collect(),
        countries: countries.collect(),
        addresses,
    }
}

impl HopLine {
    /// The hop as a row: TTL, countries, best time, a `*` for each probe that went unanswered, addresses, the first name.
    pub fn row(&self) -> String {
        let countries = self.countries.to_string();
        let rtt = self.rtt_ms.map_or_else(|| "silent".to_owned(), |ms| format!("{ms:.3} ms"));
        let silent = "*".repeat(usize::from(self.silent.min(SILENT)));
        let addresses: Vec<_> = self.addresses.iter().map(|address| format!("{address:ADDRESS$}")).collect();
        let mut row = format!("{:>3}  {countries:<5}  {rtt:>11}  {silent:<3}  {}", self.ttl, addresses.join(" "));
        if let Some(name) = self.names.first() {
            let _ = write!(row, "  {}", Printable(name));
        }
        row.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Claim;
    use crate::resolution::View;
    use crate::resolution::pointer::{Names, Pointed, Pointer};
    use crate::trace::{AnswerKind, HopAnswer};

    #[test]
    fn a_hop_shows_who_answered_how_fast_where_that_is_and_who_kept_silent() {
        let answer = |from: &str, ns| HopAnswer {
            from: from.parse().unwrap(),
            rtt_ns: Rtt::from_duration(std::time::Duration::from_nanos(ns)),
            kind: AnswerKind::TimeExceeded,
            late: false,
            unmatched: false,
        };
        let answers = vec![answer("185.1.15.13", 40_000_000), answer("185.1.15.13", 32_553_000)];
        let claim = Claim {
            about: "185.1.15.13".parse().unwrap(),
            source: "dbip-country".to_owned(),
            dated: None,
            says: Says::Country("AE".parse().unwrap()),
        };
        let mut observation = crate::entry::tests::observation("here", "https://185.1.15.13");
        observation.claims = vec![claim];
        let seen = hop_line(&Hop { ttl: 5, answers, silent: 1 }, &observation);
        assert_eq!(seen.row(), "  5  AE       32.553 ms  *    185.1.15.13");
        let silent = hop_line(&Hop { ttl: 6, answers: Vec::new(), silent: 3 }, &observation);
        assert_eq!(silent.row(), "  6              silent  ***");
        let json = serde_json::to_string(&seen).unwrap();
        assert_eq!(
            json,
            r#"{"ttl":5,"addresses":["185.1.15.13"],"rtt_ms":32.553,"silent":1,"names":[],"countries":["AE"]}"#
        );
    }
    #[test]
    fn a_hop_shows_what_it_is_called_and_does_not_obey_it() {
        let from = "185.1.15.13".parse().unwrap();
        let rtt_ns = Rtt::from_duration(std::time::Duration::from_millis(4));
        let kind = AnswerKind::TimeExceeded;
        let answers = vec![HopAnswer { from, rtt_ns, kind, late: false, unmatched: false }];
        let mut observation = crate::entry::tests::observation("here", "https://185.1.15.13");
        let names = vec!["\u{1b}[2J<b>.example".to_owned(), "x".repeat(1000)];
        observation.pointers = vec![Pointer {
            address: from,
            view: View("system".to_owned()),
            server: None,
            asked: observation.observed,
            outcome: Pointed::Named(Names { names: names.clone(), ttl: 60, left_out: 0 }),
        }];
        let seen = hop_line(&Hop { ttl: 5, answers, silent: 0 }, &observation);
        assert_eq!(seen.names, names);
        assert_eq!(seen.row(), "  5            4.000 ms       185.1.15.13      \\u{1b}[2J<b>.example");
    }
}
