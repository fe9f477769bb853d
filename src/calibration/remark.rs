//! What somebody should look into, over all moments that were surveyed → one sentence each, with the days it holds on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::contradiction::{Contradiction, Misplaced};
use super::dispute::Dispute;
use super::doubt::Doubt;
use super::{Dropped, Findings};
use crate::vantage::VantageId;

const DAY_SECONDS: i64 = 86_400;

/// One thing to look into.
#[derive(Clone, Copy)]
enum Remark<'a> {
    Quarantined(&'a Contradiction),
    Doubted(&'a Doubt),
    Disputed(&'a Dispute),
    Misplaced(&'a Misplaced),
    Dropped(&'a Dropped),
}

/// What a remark is about, in the order in which they are told.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum About<'a> {
    Quarantined(&'a VantageId),
    Doubted(&'a VantageId),
    Disputed(&'a [VantageId; 2]),
    Misplaced(IpAddr),
    Dropped(IpAddr),
}

/// The latest remark on something, and when there was one.
struct Told<'a> {
    remark: Remark<'a>,
    days: BTreeSet<i64>,
    /// At which of the moments, by their number.
    moments: BTreeSet<usize>,
}

/// The remarks of these findings, each with its day since 1970, in order of time. One that does not hold all the time names the
/// days on which it does.
pub(super) fn all<'a>(findings: impl Iterator<Item = (i64, &'a Findings)>) -> Vec<String> {
    let mut told: BTreeMap<About<'_>, Told<'_>> = BTreeMap::new();
    let mut moments = 0;
    for (day, findings) in findings {
        moments += 1;
        for remark in findings.remarks() {
            let begun = || Told { remark, days: BTreeSet::new(), moments: BTreeSet::new() };
            let told = told.entry(remark.about()).or_insert_with(begun);
            told.remark = remark;
            told.days.insert(day);
            told.moments.insert(moments);
        }
    }
    let sentence = |Told { remark, days, moments: held }: Told<'_>| {
        if held.len() == moments { remark.to_string() } else { format!("{}: {remark}", when(&days)) }
    };
    told.into_values().map(sentence).collect()
}

impl Findings {
    fn remarks(&self) -> impl Iterator<Item = Remark<'_>> {
        let quarantined = self.contradictions.quarantined.values().map(Remark::Quarantined);
        let doubts = self.doubts.values().map(Remark::Doubted);
        let disputes = self.contradictions.disputes.values().map(Remark::Disputed);
        let misplaced = self.contradictions.misplaced.values().map(Remark::Misplaced);
        quarantined.chain(doubts).chain(disputes).chain(misplaced).chain(self.dropped.values().map(Remark::Dropped))
    }
}

impl<'a> Remark<'a> {
    fn about(self) -> About<'a> {
        match self {
            Self::Quarantined(why) => About::Quarantined(why.vantage()),
            Self::Doubted(doubt) => About::Doubted(&doubt.vantage),
            Self::Disputed(dispute) => About::Disputed(&dispute.vantages),
            Self::Misplaced(why) => About::Misplaced(why.address),
            Self::Dropped(why) => About::Dropped(why.address),
        }
    }
}

impl fmt::Display for Remark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quarantined(why) => f.write_str(&why.remark()),
            Self::Doubted(doubt) => doubt.fmt(f),
            Self::Disputed(dispute) => dispute.fmt(f),
            Self::Misplaced(why) => why.fmt(f),
            Self::Dropped(why) => why.fmt(f),
        }
    }
}

fn when(days: &BTreeSet<i64>) -> String {
    let date = |day: Option<&i64>| {
        let midnight = day.and_then(|day| Timestamp::from_second(day * DAY_SECONDS).ok()).unwrap_or_default();
        midnight.to_zoned(TimeZone::UTC).date()
    };
    let (first, last) = (date(days.first()), date(days.last()));
    match days.len() {
        0 | 1 => format!("on {first}"),
        count => format!("on {count} days from {first} to {last}"),
    }
}
