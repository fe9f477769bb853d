//! What was called what → counts: right, wrong and left open, at each grade.

use std::collections::BTreeMap;

use pehra::location::{Grade, Place};
use serde::Serialize;

use crate::labels::Label;
use crate::share::{Estimate, Share, precision_at};

/// Where somebody puts an address, and how sure they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) place: Place,
    pub(crate) grade: Grade,
}

/// Something that is counted once: a label line, or an address in the light of all its lines.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) calls: Vec<Call>,
}

/// Which grades count as decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cut {
    Proven,
    Attested,
    Probable,
}

impl Cut {
    pub(crate) const ALL: [Self; 3] = [Self::Proven, Self::Attested, Self::Probable];

    /// The least grade.
    pub(crate) fn grade(self) -> Grade {
        match self {
            Self::Proven => Grade::Proven,
            Self::Attested => Grade::Attested,
            Self::Probable => Grade::Probable,
        }
    }
}

/// What all calls of a unit come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Said {
    Inside,
    Outside,
    Edge,
    Unknown,
    Conflict,
}

impl Said {
    pub(crate) const ALL: [Self; 5] = [Self::Inside, Self::Outside, Self::Edge, Self::Unknown, Self::Conflict];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Edge => "edge",
            Self::Unknown => "unknown",
            Self::Conflict => "conflict",
        }
    }
}

impl Unit {
    /// What its calls come to: one that places it decides, two that place it differently are a conflict.
    pub(crate) fn said(&self, cut: Cut) -> Said {
        let placed = |place| self.calls.iter().any(|call| call.place == place && call.grade >= cut.grade());
        match (placed(Place::Inside), placed(Place::Outside)) {
            (true, true) => Said::Conflict,
            (true, false) => Said::Inside,
            (false, true) => Said::Outside,
            (false, false) if self.calls.iter().any(|call| call.place == Place::Edge) => Said::Edge,
            (false, false) if self.conflicts() => Said::Conflict,
            (false, false) => Said::Unknown,
        }
    }

    fn conflicts(&self) -> bool {
        self.calls.iter().any(|call| call.grade == Grade::Conflict)
    }
}

/// Whether it is wrong to say this of what bears this label. Unknown is wrong of a shared edge alone, which can be known
/// by its network; of what never answered, everything else is wrong.
pub(crate) fn is_wrong(label: Label, said: Said) -> bool {
    match label {
        Label::Inside => matches!(said, Said::Outside | Said::Edge),
        Label::Outside => matches!(said, Said::Inside | Said::Edge),
        Label::Edge => said != Said::Edge,
        Label::Cloud => said == Said::Inside,
        Label::Silent => said != Said::Unknown,
    }
}

/// How well one of the two places is told from the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Side {
    /// Of those called so, how many are.
    pub(crate) precision: Share,
    /// The same, were the stated part of all addresses so.
    pub(crate) precision_at_base_rate: Option<Estimate>,
    /// Of those that are so, how many are called so.
    pub(crate) recall: Share,
    /// Of those that are the opposite, how many are called so.
    pub(crate) false_alarms: Share,
    /// Of those that are so, how many are not called so: called the opposite, or left open.
    pub(crate) missed: Share,
}

/// What the counts come to at one cut. Only what is labelled inside or outside has a true place, and counts here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Scores {
    pub(crate) outside: Side,
    pub(crate) inside: Side,
    /// How many are called inside or outside.
    pub(crate) coverage: Share,
    /// Of all units of any label, in how many proofs or attestations contradict each other.
    pub(crate) conflicts: Share,
}

impl Scores {
    /// `base_rate` is the part of all addresses that is outside where the judge is put to use.
    pub(crate) fn of(units: &[Unit], cut: Cut, base_rate: f64) -> Self {
        let placed: Vec<_> = units
            .iter()
            .filter(|unit| matches!(unit.label, Label::Inside | Label::Outside))
            .map(|unit| (unit.label, unit.said(cut)))
            .collect();
        let decided = placed.iter().map(|(_, said)| matches!(said, Said::Inside | Said::Outside));
        Self {
            outside: Side::of(&placed, Label::Outside, Said::Outside, base_rate),
            inside: Side::of(&placed, Label::Inside, Said::Inside, 1.0 - base_rate),
            coverage: share(decided),
            conflicts: share(units.iter().map(|unit| unit.conflicts() || unit.said(cut) == Said::Conflict)),
        }
    }
}

impl Side {
    fn of(placed: &[(Label, Said)], label: Label, so: Said, base_rate: f64) -> Self {
        let (are, are_not): (Vec<_>, Vec<_>) = placed.iter().copied().partition(|(true_label, _)| *true_label == label);
        let recall = share(are.iter().map(|(_, said)| *said == so));
        let false_alarms = share(are_not.iter().map(|(_, said)| *said == so));
        Self {
            precision: Share { hits: recall.hits, of: recall.hits + false_alarms.hits },
            precision_at_base_rate: precision_at(base_rate, recall, false_alarms),
            recall,
            false_alarms,
            missed: Share { hits: recall.of - recall.hits, of: recall.of },
        }
    }
}

fn share(hits: impl Iterator<Item = bool>) -> Share {
    let mut share = Share::default();
    hits.for_each(|hit| share.count(hit));
    share
}

/// How many of each label are called what, at probable or better.
pub(crate) fn confusion(units: &[Unit]) -> BTreeMap<Label, BTreeMap<Said, u32>> {
    let mut confusion: BTreeMap<_, BTreeMap<_, u32>> = BTreeMap::new();
    for unit in units {
        *confusion.entry(unit.label).or_default().entry(unit.said(Cut::Probable)).or_default() += 1;
    }
    confusion
}

/// The units of `label` that nothing wrong is said of.
pub(crate) fn right(units: &[Unit], label: Label) -> Share {
    share(units.iter().filter(|unit| unit.label == label).map(|unit| !is_wrong(label, unit.said(Cut::Probable))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVEN_OUT: Call = Call { place: Place::Outside, grade: Grade::Proven };
    const PROBABLE_OUT: Call = Call { place: Place::Outside, grade: Grade::Probable };
    const ATTESTED_IN: Call = Call { place: Place::Inside, grade: Grade::Attested };
    const EDGE: Call = Call { place: Place::Edge, grade: Grade::Indeterminate };
    const OPEN: Call = Call { place: Place::Unknown, grade: Grade::Indeterminate };
    const TORN: Call = Call { place: Place::Unknown, grade: Grade::Conflict };

    fn unit(label: Label, calls: &[Call]) -> Unit {
        Unit { name: String::new(), label, calls: calls.to_vec() }
    }

    #[test]
    fn a_cut_counts_what_is_at_least_of_its_grade() {
        for (calls, expected) in [
            (&[PROVEN_OUT][..], [Said::Outside, Said::Outside, Said::Outside]),
            (&[ATTESTED_IN], [Said::Unknown, Said::Inside, Said::Inside]),
            (&[PROBABLE_OUT], [Said::Unknown, Said::Unknown, Said::Outside]),
            (&[OPEN, PROBABLE_OUT, OPEN], [Said::Unknown, Said::Unknown, Said::Outside]),
            (&[ATTESTED_IN, PROBABLE_OUT], [Said::Unknown, Said::Inside, Said::Conflict]),
            (&[EDGE], [Said::Edge; 3]),
            (&[TORN], [Said::Conflict; 3]),
            (&[TORN, OPEN, PROVEN_OUT], [Said::Outside; 3]),
        ] {
            assert_eq!(Cut::ALL.map(|cut| unit(Label::Outside, calls).said(cut)), expected, "{calls:?}");
        }
    }

    /// Ten outside: five found, one called inside, four open. Four inside: one false alarm, two found, one torn. What has
    /// another label counts for none of it.
    fn mixed() -> Vec<Unit> {
        let outside =
            [PROVEN_OUT, PROVEN_OUT, PROBABLE_OUT, PROBABLE_OUT, PROBABLE_OUT, ATTESTED_IN, OPEN, OPEN, OPEN, OPEN];
        let inside = [PROBABLE_OUT, ATTESTED_IN, ATTESTED_IN, TORN];
        let others =
            [(Label::Edge, EDGE), (Label::Edge, OPEN), (Label::Cloud, PROBABLE_OUT), (Label::Cloud, ATTESTED_IN)];
        let silent = [(Label::Silent, OPEN), (Label::Silent, EDGE)];
        let placed =
            outside.map(|call| (Label::Outside, call)).into_iter().chain(inside.map(|call| (Label::Inside, call)));
        placed.chain(others).chain(silent).map(|(label, call)| unit(label, &[call])).collect()
    }

    #[test]
    fn right_wrong_and_open_are_counted_on_either_side() {
        let scores = Scores::of(&mixed(), Cut::Probable, 0.05);
        let share = |hits, of| Share { hits, of };
        let Side { precision, recall, false_alarms, missed, .. } = scores.outside;
        assert_eq!((precision, recall, false_alarms, missed), (share(5, 6), share(5, 10), share(1, 4), share(5, 10)));
        let Side { precision, recall, false_alarms, missed, .. } = scores.inside;
        assert_eq!((precision, recall, false_alarms, missed), (share(2, 3), share(2, 4), share(1, 10), share(2, 4)));
        assert_eq!((scores.coverage, scores.conflicts), (share(9, 14), share(1, 20)));

        let proven = Scores::of(&mixed(), Cut::Proven, 0.05);
        assert_eq!((proven.outside.precision, proven.outside.recall), (share(2, 2), share(2, 10)));
        assert_eq!((proven.inside.precision, proven.coverage), (share(0, 0), share(2, 14)));
        let attested = Scores::of(&mixed(), Cut::Attested, 0.05);
        assert_eq!((attested.outside.recall, attested.inside.recall), (share(2, 10), share(2, 4)));
    }

    #[test]
    fn the_base_rate_is_that_of_either_side() {
        let scores = Scores::of(&mixed(), Cut::Probable, 0.05);
        let (outside, inside) = (scores.outside.precision_at_base_rate, scores.inside.precision_at_base_rate);
        assert!((outside.unwrap().value - 0.5 * 0.05 / (0.5 * 0.05 + 0.25 * 0.95)).abs() < 1e-12);
        assert!((inside.unwrap().value - 0.5 * 0.95 / (0.5 * 0.95 + 0.1 * 0.05)).abs() < 1e-12);
    }

    #[test]
    fn every_label_has_its_own_mistakes() {
        let confusion = confusion(&mixed());
        assert_eq!(confusion[&Label::Inside], [(Said::Inside, 2), (Said::Outside, 1), (Said::Conflict, 1)].into());
        assert_eq!(confusion[&Label::Edge], [(Said::Edge, 1), (Said::Unknown, 1)].into());
        let wrong = Label::ALL.map(|label| right(&mixed(), label));
        let shares = [(3, 4), (9, 10), (1, 2), (1, 2), (1, 2)].map(|(hits, of)| Share { hits, of });
        assert_eq!(wrong, shares);
        for said in [Said::Inside, Said::Outside, Said::Edge, Said::Conflict] {
            assert!(is_wrong(Label::Silent, said), "{said:?}");
        }
        assert!(!is_wrong(Label::Cloud, Said::Edge) && !is_wrong(Label::Inside, Said::Conflict));
    }
}
