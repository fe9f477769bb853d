//! The way to an address, hop by hop: who answered, how fast at best, and where the databases put it.

use std::fmt::Write;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::dossier::Dossier;
use crate::location::Says;
use crate::moment::Rtt;
use crate::observation::Observation;
use crate::place::CountrySet;
use crate::printable::Printable;
use crate::trace::extras::{Label, Stack};
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
    /// The best round-trip time of an answer that shows that packets got as far as this, in milliseconds; `None` where no
    /// answer does.
    pub rtt_ms: Option<f64>,
    /// How many probes went unanswered.
    pub silent: u8,
    /// What those are called by whoever holds their addresses: anything at all.
    pub names: Vec<String>,
    /// The MPLS labels that a probe carried there, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// When this was measured, if that was on the way to a neighbour and taken over: nothing rests on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<Timestamp>,
    /// Every country that a database names for who answered.
    pub countries: CountrySet,
}

/// The hops of the trace that the way to `address` was read from; none when none was measured.
pub fn hops(dossier: &Dossier<'_>, address: IpAddr) -> Vec<HopLine> {
    let lines = |trace: &&Trace| trace.hops.iter().map(|hop| hop_line(hop, trace, dossier.subject)).collect();
    dossier.found(address).and_then(|found| found.trace.as_ref()).map_or_else(Vec::new, lines)
}

fn hop_line(hop: &Hop, of: &Trace, seen: &Observation) -> HopLine {
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
        rtt_ms: hop
            .answers
            .iter()
            .filter(|answer| hop.inherited.is_none() && of.is_witness(answer))
            .map(|answer| answer.rtt_ns)
            .min()
            .map(Rtt::ms),
        silent: hop.silent,
        names: addresses.iter().flat_map(|address| seen.names_of(*address)).map(str::to_owned).collect(),
        labels: hop.answers.iter().find_map(|answer| answer.labelled()).map_or_else(Vec::new, <[Label]>::to_vec),
        inherited: hop.inherited,
        countries: countries.collect(),
        addresses,
    }
}

impl HopLine {
    /// The hop as a row: TTL, countries, best time, a `*` for each probe that went unanswered, addresses, the first name,
    /// MPLS labels, `inherited` where it was taken over.
    /// A hop has no time where somebody nearer may have given every answer in its name.
    pub fn row(&self) -> String {
        let countries = self.countries.to_string();
        let untimed = if self.addresses.is_empty() { "silent" } else { "no time" };
        let rtt = self.rtt_ms.map_or_else(|| untimed.to_owned(), |ms| format!("{ms:.3} ms"));
        let silent = "*".repeat(usize::from(self.silent.min(SILENT)));
        let addresses: Vec<_> = self.addresses.iter().map(|address| format!("{address:ADDRESS$}")).collect();
        let mut row = format!("{:>3}  {countries:<5}  {rtt:>11}  {silent:<3}  {}", self.ttl, addresses.join(" "));
        if let Some(name) = self.names.first() {
            let _ = write!(row, "  {}", Printable(name));
        }
        if !self.labels.is_empty() {
            let _ = write!(row, "  {}", Stack(&self.labels));
        }
        if self.inherited.is_some() {
            row.push_str("  inherited");
        }
        row.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dossier::{Companions, Instruments};
    use crate::location::Claim;
    use crate::location::disc::Borders;
    use crate::location::outlines::Outlines;
    use crate::location::path::Course;
    use crate::place::{Coordinates, Distance, Home};
    use crate::resolution::View;
    use crate::resolution::pointer::{Names, Pointed, Pointer};
    use crate::trace::extras::Extras;
    use crate::trace::{AnswerKind, Ending, HopAnswer, Protocol};
    use crate::vantage::Position;

    const TARGET: &str = "203.101.184.84";

    fn answer(from: &str, ms: f64, kind: AnswerKind) -> HopAnswer {
        HopAnswer {
            from: from.parse().unwrap(),
            rtt_ns: Rtt::from_ms(ms).unwrap(),
            kind,
            late: false,
            unmatched: false,
            extras: None,
        }
    }

    fn on_the_way(from: &str, ms: f64) -> HopAnswer {
        answer(from, ms, AnswerKind::TimeExceeded)
    }

    fn trace(hops: Vec<Hop>) -> Trace {
        let (protocol, ending) = (Protocol::Tcp, Ending::Silent);
        let started = "2026-11-21T10:00:00Z".parse().unwrap();
        Trace { target: TARGET.parse().unwrap(), protocol, started, port: None, flow: None, hops, ending }
    }

    fn says(about: &str, country: &str) -> Claim {
        let (source, says) = ("dbip-country".to_owned(), Says::Country(country.parse().unwrap()));
        Claim { about: about.parse().unwrap(), source, dated: None, says }
    }

    fn observation() -> Observation {
        crate::entry::tests::observation("here", "https://203.101.184.84")
    }

    #[test]
    fn the_hops_are_those_of_the_trace_that_the_path_was_read_from() {
        let one_by_one = |hops: &[(&str, f64)]| {
            let hop = |(ttl, (from, ms)): (u8, &(&str, f64))| Hop {
                ttl,
                answers: vec![on_the_way(from, *ms)],
                silent: 0,
                inherited: None,
            };
            trace((1..).zip(hops).map(hop).collect())
        };
        let taken_over = |mut trace: Trace| {
            for hop in &mut trace.hops {
                hop.inherited = Some(trace.started);
            }
            trace
        };
        let at_home = [("203.82.48.1", 1.0), ("203.82.48.2", 2.0), ("203.82.48.3", 3.0), ("203.82.48.4", 4.0)];
        let abroad = [("203.82.48.1", 1.0), ("80.81.192.98", 130.0), ("62.115.1.1", 131.0)];
        let mut seen = observation();
        let coordinates = Coordinates::new(24.8608, 67.0104).unwrap();
        seen.vantage.position = Some(Position { coordinates, uncertainty: Distance::from_km(1.0) });
        seen.claims = vec![says(TARGET, "PK"), says("80.81.192.98", "DE"), says("62.115.1.1", "DE")].into();
        let outlines = Outlines::decode(include_bytes!("../../geodb/borders.gz")).unwrap();
        let mut borders = Borders::new(Arc::new(outlines));
        borders.meet(&seen.vantage);
        let home = Home::of("PK".parse().unwrap());
        let instruments = Instruments { borders: &borders, home: &home, calibration: None };
        let target = TARGET.parse().unwrap();
        for (traces, course, expected) in [
            (vec![one_by_one(&at_home)], Course::Unknown, "203.82.48.4"),
            (vec![one_by_one(&at_home), one_by_one(&abroad)], Course::LeavesAndReturns, "62.115.1.1"),
            (vec![one_by_one(&at_home), one_by_one(&at_home[..3])], Course::Unknown, "203.82.48.4"),
            // Who stands on the way to a neighbour was not met on this one.
            (vec![one_by_one(&at_home), taken_over(one_by_one(&abroad))], Course::Unknown, "203.82.48.4"),
            (vec![taken_over(one_by_one(&abroad))], Course::Unknown, "62.115.1.1"),
        ] {
            seen.traces = traces;
            let dossier = Dossier::assemble(&seen, &Companions::default(), instruments, seen.observed, 0);
            let last = hops(&dossier, target).pop().unwrap();
            assert_eq!(
                (dossier.found(target).unwrap().path.course, last.addresses[0].to_string().as_str()),
                (course, expected)
            );
        }
        seen.traces.clear();
        let dossier = Dossier::assemble(&seen, &Companions::default(), instruments, seen.observed, 0);
        assert_eq!(hops(&dossier, target), []);
    }

    #[test]
    fn what_somebody_nearer_may_have_said_in_its_name_is_no_time_of_a_hop() {
        let guessed = HopAnswer { unmatched: true, ..on_the_way("185.1.15.13", 0.2) };
        let reset = answer(TARGET, 0.1, AnswerKind::Reset);
        let row = |answers| {
            let trace = trace(vec![Hop { ttl: 5, answers, silent: 0, inherited: None }]);
            hop_line(&trace.hops[0], &trace, &observation()).row()
        };
        assert_eq!(
            row(vec![guessed.clone(), on_the_way("185.1.15.13", 40.0)]),
            "  5           40.000 ms       185.1.15.13"
        );
        assert_eq!(row(vec![guessed]), "  5             no time       185.1.15.13");
        assert_eq!(row(vec![reset]), "  5  PK         no time       203.101.184.84");
        assert_eq!(row(Vec::new()), "  5              silent");
    }

    #[test]
    fn a_hop_shows_who_answered_how_fast_where_that_is_and_who_kept_silent() {
        let answers = vec![on_the_way("185.1.15.13", 40.0), on_the_way("185.1.15.13", 32.553)];
        let mut observation = observation();
        observation.claims = vec![says("185.1.15.13", "AE")].into();
        let trace = trace(vec![
            Hop { ttl: 5, answers, silent: 1, inherited: None },
            Hop { ttl: 6, answers: Vec::new(), silent: 3, inherited: None },
        ]);
        let seen = hop_line(&trace.hops[0], &trace, &observation);
        assert_eq!(seen.row(), "  5  AE       32.553 ms  *    185.1.15.13");
        let silent = hop_line(&trace.hops[1], &trace, &observation);
        assert_eq!(silent.row(), "  6              silent  ***");
        let json = serde_json::to_string(&seen).unwrap();
        assert_eq!(
            json,
            r#"{"ttl":5,"addresses":["185.1.15.13"],"rtt_ms":32.553,"silent":1,"names":[],"countries":["AE"]}"#
        );
    }

    #[test]
    fn a_hop_that_was_taken_over_says_so_and_has_no_time() {
        let answers = vec![on_the_way("185.1.15.13", 4.0)];
        let inherited = Some("2026-11-21T09:59:58Z".parse().unwrap());
        let trace = trace(vec![
            Hop { ttl: 5, answers, silent: 0, inherited },
            Hop { ttl: 6, answers: Vec::new(), silent: 1, inherited },
        ]);
        let seen = hop_line(&trace.hops[0], &trace, &observation());
        assert_eq!(seen.row(), "  5             no time       185.1.15.13      inherited");
        assert!(serde_json::to_string(&seen).unwrap().contains(r#""rtt_ms":null"#));
        assert!(serde_json::to_string(&seen).unwrap().contains(r#""inherited":"2026-11-21T09:59:58Z""#));
        let silent = hop_line(&trace.hops[1], &trace, &observation());
        assert_eq!(silent.row(), "  6              silent  *      inherited");
    }

    #[test]
    fn a_hop_shows_the_labels_of_its_probe() {
        let labels = [[0, 0, 0x10, 1], [0x05, 0xdc, 0xd1, 1]].map(Label::of).to_vec();
        let extras = Some(Box::new(Extras { labels, ..Extras::default() }));
        let answers = vec![on_the_way("185.1.15.13", 4.0), HopAnswer { extras, ..on_the_way("185.1.15.13", 5.0) }];
        let trace = trace(vec![Hop { ttl: 5, answers, silent: 0, inherited: None }]);
        let seen = hop_line(&trace.hops[0], &trace, &observation());
        assert_eq!(seen.row(), "  5            4.000 ms       185.1.15.13      [MPLS 1 24013]");
        assert!(serde_json::to_string(&seen).unwrap().contains(r#""labels":[{"label":1,"exp":0,"s":0,"ttl":1},"#));
    }

    #[test]
    fn a_hop_shows_what_it_is_called_and_does_not_obey_it() {
        let trace =
            trace(vec![Hop { ttl: 5, answers: vec![on_the_way("185.1.15.13", 4.0)], silent: 0, inherited: None }]);
        let mut observation = observation();
        let names = vec!["\u{1b}[2J<b>.example".to_owned(), "x".repeat(1000)];
        observation.pointers = vec![Pointer {
            address: "185.1.15.13".parse().unwrap(),
            view: View("system".to_owned()),
            server: None,
            asked: observation.observed,
            outcome: Pointed::Named(Names { names: names.clone(), ttl: 60, left_out: 0 }),
        }];
        let seen = hop_line(&trace.hops[0], &trace, &observation);
        assert_eq!(seen.names, names);
        assert_eq!(seen.row(), "  5            4.000 ms       185.1.15.13      \\u{1b}[2J<b>.example");
    }
}
