//! How a location was derived, line by line: what each group of hints came to, and what would have changed the outcome.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::disc::Disc;
use super::evidence::Evidence;
use super::evidence::disc::LISTED;
use super::fuse::{Case, fuse};
use super::light::{Speed, shortest_round_trip_ms};
use super::setting::Setting;
use super::weigh::{Group, PROBABLE};
use super::{Claim, EvidenceKind, Grade, Location, Place};
use crate::moment::Rtt;
use crate::network::NetworkKind;
use crate::place::{CountrySet, Distance};
use crate::printable::Printable;
use crate::vantage::VantageId;

/// What the hints of a group come to, in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupSum {
    /// The group.
    pub group: Group,
    /// As they add up.
    pub before: f64,
    /// What counts of it.
    pub after: f64,
    /// Whether several sites may answer for the address, so that nothing counts.
    pub is_of_shared: bool,
}

/// What is tried where an answer would have to come in less than some time.
const A_LITTLE_LESS: f64 = 0.999;

/// A change, and what the place would be with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Would<'a> {
    /// The change.
    pub change: Change<'a>,
    /// Where the address would be.
    pub place: Place,
    /// How well that would be known.
    pub grade: Grade,
}

/// A change of what is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Change<'a> {
    /// Without all that a source says in evidence of a kind.
    Without {
        /// The kind of its evidence.
        kind: EvidenceKind,
        /// The source.
        source: &'a str,
    },
    /// Without everything that a vantage measured.
    WithoutVantage(&'a VantageId),
    /// With an answer to a vantage in less than so many milliseconds.
    Sooner {
        /// The vantage.
        vantage: &'a VantageId,
        /// The time.
        ms: f64,
    },
    /// With so many nats more from a group that says nothing yet.
    More(f64),
    /// With a second group that says the same, where one alone says enough.
    Second,
    /// With an answer, too soon to be at home, to a vantage in one of these countries, which the discs leave.
    FromAbroad(CountrySet),
}

impl Location<'_> {
    /// What the hints of each group come to: nothing on a shared address, which they do not decide about.
    pub fn groups(&self) -> impl Iterator<Item = GroupSum> {
        let is_of_shared = self.place == Place::Edge;
        Group::ALL.into_iter().zip(self.sums).map(move |(group, (before, counted))| {
            let after = if is_of_shared { 0.0 } else { counted };
            GroupSum { group, before, after, is_of_shared }
        })
    }

    /// The same of the groups that say something, be it that their hints cancel each other.
    pub fn groups_that_speak(&self) -> impl Iterator<Item = GroupSum> {
        self.groups().filter(|sum| sum.before != 0.0 || self.evidence.iter().any(|e| e.group() == Some(sum.group)))
    }

    /// What all hints come to, in nats.
    pub fn sum(&self) -> f64 {
        self.groups().map(|sum| sum.after).sum()
    }
}

/// What would have changed the outcome of `case`, which is `location`.
pub fn would<'a>(case: &Case<'a>, location: &Location<'a>) -> Vec<Would<'a>> {
    let mut would = without(case, location);
    let setting = Setting::of(case);
    if setting.is_public && !setting.is_shared() && location.grade != Grade::Proven {
        would.extend(sooner(case, &setting));
        would.extend(more(location, setting.kind));
    }
    would
}

/// What changes when one source, or one vantage, is left out.
fn without<'a>(case: &Case<'a>, location: &Location<'a>) -> Vec<Would<'a>> {
    let differs = |change: Change<'a>, case: &Case<'a>| {
        let Location { place, grade, .. } = fuse(case);
        ((place, grade) != (location.place, location.grade)).then_some(Would { change, place, grade })
    };
    let kind_of = |claim: &Claim| location.evidence.iter().find(|e| e.is_of(claim)).map(Evidence::kind);
    let said: Vec<_> = case.claims.iter().map(|claim| (kind_of(claim), claim.source.as_str())).collect();
    let sources = said.iter().enumerate().filter_map(|(index, (kind, source))| {
        let is_first = !said.get(..index)?.contains(&(*kind, source));
        let change = Change::Without { kind: kind.filter(|_| is_first)?, source };
        let mut less = case.clone();
        let others = case.claims.iter().zip(&said).filter(|(_, said)| **said != (*kind, *source));
        less.claims = others.map(|(claim, _)| *claim).collect();
        differs(change, &less)
    });
    let measured = case.own.iter().chain(&case.others).map(|disc| disc.vantage.id);
    let vantages = measured.filter_map(|vantage| {
        let mut less = case.clone();
        less.own = less.own.filter(|disc| disc.vantage.id != vantage);
        less.rounds = less.rounds.filter(|disc| disc.vantage.id != vantage);
        less.others.retain(|disc| disc.vantage.id != vantage);
        less.gauges.retain(|gauge| gauge.vantage.id != vantage);
        less.approaches.retain(|approach| approach.vantage.id != vantage);
        differs(Change::WithoutVantage(vantage), &less)
    });
    sources.chain(vantages).collect()
}

/// How soon an answer would have to come to prove something: for each place the vantage that lacks the least, tried out.
fn sooner<'a>(case: &Case<'a>, setting: &Setting<'a>) -> Vec<Would<'a>> {
    let best = |place: Place, bound: &dyn Fn(&Disc<'a>) -> Option<f64>| {
        let discs = case.own.iter().chain(&case.others);
        let mut bounds: Vec<_> = discs.filter_map(|disc| Some((bound(disc)?, disc))).collect();
        bounds.sort_by(|a, b| (a.1.rtt.ms() / a.0).total_cmp(&(b.1.rtt.ms() / b.0)));
        let mut changes = bounds.into_iter().map(|(ms, disc)| (ms, disc.vantage.id));
        let (ms, vantage) = changes.find(|(ms, vantage)| proves(case, vantage, *ms, place))?;
        Some(Would { change: Change::Sooner { vantage, ms }, place, grade: Grade::Proven })
    };
    let inside = best(Place::Inside, &|disc| bound(disc, disc.reach.nearest_foreign(case.home)?.0));
    let outside = best(Place::Outside, &|disc| bound(disc, disc.reach.nearest_home(case.home)?));
    let is_abroad =
        |disc: &Disc<'_>| disc.reach.nearest_home(case.home).is_some_and(|distance| distance > Distance::ZERO);
    let discs = || case.own.iter().chain(&case.others);
    // Where the borders do not show home, no disc leaves it out.
    let is_drawn = discs().all(|disc| disc.knows(case.home));
    let nobody_abroad = setting.is_ordinary() && is_drawn && !discs().any(is_abroad);
    let left = setting.discs.iter().map(|seen| seen.vacuum).reduce(|left, by| left.intersection(&by));
    let foreign = left.map(|left| left.iter().filter(|country| !case.home.contains(*country)).collect::<CountrySet>());
    let is_open = nobody_abroad && foreign.is_none_or(|foreign| !foreign.is_empty());
    let change = Change::FromAbroad(foreign.unwrap_or_default());
    let from_abroad = is_open.then_some(Would { change, place: Place::Outside, grade: Grade::Proven });
    [inside, outside, from_abroad].into_iter().flatten().collect()
}

/// Whether an answer to `vantage` in a little less than `ms` would prove `place`.
fn proves(case: &Case<'_>, vantage: &VantageId, ms: f64, place: Place) -> bool {
    let mut sooner = case.clone();
    for disc in sooner.own.iter_mut().chain(&mut sooner.others).filter(|disc| disc.vantage.id == vantage) {
        disc.rtt = Rtt::from_ms(ms * A_LITTLE_LESS).unwrap_or(disc.rtt);
    }
    let found = fuse(&sooner);
    (found.place, found.grade) == (place, Grade::Proven)
}

/// The time under which a disc would not reach land `distance` away; `None` where the vantage's own uncertainty does.
fn bound(disc: &Disc<'_>, distance: Distance) -> Option<f64> {
    let left = Distance::from_km(distance.km() - disc.position.uncertainty.km());
    (left > Distance::ZERO).then(|| shortest_round_trip_ms(left, Speed::Vacuum))
}

/// What is missing to the nearer of the two places, as far as one more group can give it: none puts a cloud at home, beside
/// discs.
fn more<'a>(location: &Location<'a>, kind: NetworkKind) -> Option<Would<'a>> {
    let sum = location.sum();
    if location.place != Place::Unknown || location.grade != Grade::Indeterminate || sum == 0.0 {
        return None;
    }
    let place = if sum > 0.0 { Place::Inside } else { Place::Outside };
    let lacking = (PROBABLE - sum.abs()).max(0.0).copysign(sum);
    let is_of_cloud_at_home = kind == NetworkKind::Cloud && place == Place::Inside;
    let is_able = |group: Group| {
        (group == Group::Glass || !is_of_cloud_at_home) && (group.counted(lacking) - lacking).abs() < f64::EPSILON
    };
    let spoke: Vec<_> = location.groups_that_speak().map(|sum| sum.group).collect();
    let is_open = Group::ALL.into_iter().any(|group| !spoke.contains(&group) && is_able(group));
    let change = if lacking == 0.0 { Change::Second } else { Change::More(lacking) };
    is_open.then_some(Would { change, place, grade: Grade::Probable })
}

impl fmt::Display for Would<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "would be {} ({}) {}", self.place, self.grade, self.change)
    }
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Without { kind, source } => write!(f, "without what {} says ({})", Printable(source), kind.as_str()),
            Self::WithoutVantage(vantage) => write!(f, "without what {vantage} measured"),
            Self::Sooner { vantage, ms } => write!(f, "if it answered {vantage} in less than {ms:.3} ms"),
            Self::More(nats) => write!(f, "if a group that says nothing yet gave {nats:+.2} nats"),
            Self::Second => f.write_str("if a second group agreed: one alone says enough, and it takes two"),
            Self::FromAbroad(countries) => {
                f.write_str("if a vantage ")?;
                match countries.len() {
                    0 => f.write_str("abroad")?,
                    1 => write!(f, "in {countries}")?,
                    2..=LISTED => write!(f, "in one of {countries}")?,
                    more => write!(f, "in one of the {more} foreign countries that its discs leave")?,
                }
                f.write_str(" had an answer from it too soon to come from home; none there has measured it")
            }
        }
    }
}

impl fmt::Display for GroupSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = self.group.bounds();
        write!(f, "{:+.2} nats, of which ", self.before)?;
        if self.is_of_shared {
            f.write_str("none count, since hints place no shared address")
        } else if self.after == 0.0 && self.before != 0.0 {
            f.write_str("none count, since they contradict each other")
        } else {
            write!(f, "{:+.2} count (no less than {least:+.1}, no more than {most:+.1})", self.after)
        }
    }
}

impl Serialize for GroupSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_struct("GroupSum", 3)?;
        written.serialize_field("group", &self.group)?;
        written.serialize_field("nats", &self.before)?;
        written.serialize_field("counted", &self.after)?;
        written.end()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::digest::Digest;
    use crate::location::{OutlinesId, Says};
    use crate::place::{CountryCode, Home};

    /// An address of unknown place, of which the hints come to so much: registry, names, gap, path, glass.
    fn unknown(counted: [f64; Group::ALL.len()]) -> Location<'static> {
        Location {
            address: "203.101.184.84".parse().unwrap(),
            place: Place::Unknown,
            grade: Grade::Indeterminate,
            countries: CountrySet::default(),
            asn: None,
            registered: CountrySet::default(),
            evidence: Vec::new(),
            sums: counted.map(|nats| (nats, nats)),
        }
    }

    fn said(counted: [f64; Group::ALL.len()]) -> Option<String> {
        more(&unknown(counted), NetworkKind::Ordinary).map(|would| would.to_string())
    }

    #[test]
    fn no_group_but_discs_would_put_a_cloud_at_home() {
        let said = |counted| more(&unknown(counted), NetworkKind::Cloud).map(|would| would.place);
        assert_eq!(said([0.0, 0.0, 0.0, 0.0, 4.0]), None);
        assert_eq!(said([0.0, 0.0, 0.0, 0.0, -4.0]), Some(Place::Outside));
        assert_eq!(said([-1.7, 0.0, 0.0, 0.0, 0.0]), Some(Place::Outside));
    }

    #[test]
    fn what_a_group_comes_to_and_what_would_change_it_is_said_in_words() {
        let sum = |group, before, after| GroupSum { group, before, after, is_of_shared: false }.to_string();
        let bounds = "count (no less than -1.9, no more than +1.9)";
        assert_eq!(sum(Group::Registry, 2.55, 1.9), format!("+2.55 nats, of which +1.90 {bounds}"));
        assert_eq!(sum(Group::Registry, 0.0, 0.0), format!("+0.00 nats, of which +0.00 {bounds}"));
        assert_eq!(sum(Group::Glass, -8.0, 0.0), "-8.00 nats, of which none count, since they contradict each other");
        let of_shared = GroupSum { group: Group::Glass, before: -4.0, after: 0.0, is_of_shared: true }.to_string();
        assert_eq!(of_shared, "-4.00 nats, of which none count, since hints place no shared address");
        let abroad =
            |codes: &[&str]| Change::FromAbroad(codes.iter().map(|code| code.parse().unwrap()).collect()).to_string();
        let answer = "had an answer from it too soon to come from home; none there has measured it";
        assert_eq!(abroad(&[]), format!("if a vantage abroad {answer}"));
        assert_eq!(abroad(&["IN"]), format!("if a vantage in IN {answer}"));
        assert_eq!(abroad(&["IN", "IR"]), format!("if a vantage in one of IN, IR {answer}"));
        let without = Change::Without { kind: EvidenceKind::Database, source: "dbip-country" };
        assert_eq!(without.to_string(), "without what dbip-country says (database)");
    }

    /// What `read` makes of an address of which so much is said.
    fn of<T>(said: &[(&str, Says)], read: impl Fn(&Case<'_>, &Location<'_>) -> T) -> T {
        let about = "203.101.184.84".parse().unwrap();
        let (home, borders) =
            (Home::of(CountryCode::PAKISTAN), OutlinesId { name: String::new(), sha256: Digest::ZERO });
        let claim = |(source, says): &(&str, Says)| Claim {
            about,
            source: (*source).to_owned(),
            dated: None,
            says: says.clone(),
        };
        let claims: Vec<_> = said.iter().map(claim).collect();
        let case = Case { claims: claims.iter().collect(), ..Case::new(about, &home, &borders, Timestamp::UNIX_EPOCH) };
        read(&case, &fuse(&case))
    }

    fn without_each(said: &[(&str, Says)]) -> Vec<String> {
        of(said, |case, location| without(case, location).iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_source_is_left_out_with_all_it_says_and_listed_once() {
        let registered = |country: &str| Says::Registered {
            prefix: "203.101.184.0/24".parse().unwrap(),
            country: country.parse().unwrap(),
        };
        let (both, other) = (["PK", "DE"].map(|country| ("assets", registered(country))), ("other", registered("PK")));
        assert_eq!(without_each(&both), ["would be unknown (indeterminate) without what assets says (register)"]);
        let [at_home, abroad] = both;
        assert_eq!(
            without_each(&[at_home, other, abroad]),
            ["would be inside (attested) without what assets says (register)"]
        );
    }

    #[test]
    fn a_group_whose_hints_cancel_has_spoken() {
        let said = [("one", "PK"), ("another", "DE")]
            .map(|(source, country)| (source, Says::Country(country.parse().unwrap())));
        let groups = of(&said, |_, location| location.groups_that_speak().collect::<Vec<_>>());
        let [GroupSum { group: Group::Registry, before, .. }] = groups.as_slice() else { panic!("{groups:?}") };
        assert!(before.abs() < f64::EPSILON);
    }

    #[test]
    fn hints_count_for_nothing_on_a_shared_address() {
        let edge = Location { place: Place::Edge, ..unknown([0.0, 0.0, 0.0, 0.0, -4.0]) };
        let groups: Vec<_> = edge.groups_that_speak().map(|sum| sum.to_string()).collect();
        assert_eq!(groups, ["-4.00 nats, of which none count, since hints place no shared address"]);
        assert!(edge.sum().abs() < f64::EPSILON);
    }

    #[test]
    fn where_one_group_alone_says_enough_a_second_would_decide() {
        let second = "if a second group agreed: one alone says enough, and it takes two";
        assert_eq!(said([0.0, 0.0, 3.0, 0.0, 0.0]), Some(format!("would be inside (probable) {second}")));
        assert_eq!(said([0.85, 0.0, 0.0, 0.0, -4.0]), Some(format!("would be outside (probable) {second}")));
    }

    #[test]
    fn where_too_little_is_said_a_group_that_can_give_it_would_decide() {
        let lacking = |nats| Some(format!("would be {nats} nats"));
        let gave = "(probable) if a group that says nothing yet gave";
        assert_eq!(said([1.7, 0.0, 0.0, 0.0, 0.0]), lacking(format!("inside {gave} +1.30")));
        assert_eq!(said([-1.9, 0.0, 0.0, -0.5, 0.0]), lacking(format!("outside {gave} -0.60")));
        assert_eq!(said([-1.9, 2.5, 2.0, 0.0, -1.0]), None, "no path weighs as much as is missing");
        assert_eq!(said([-1.9, 2.5, 2.0, 0.0, -0.5]), lacking(format!("inside {gave} +0.90")));
        assert_eq!(said([-1.9, 2.5, 2.0, 0.5, -0.5]), None, "every group has spoken");
        assert_eq!(said([0.0; 5]), None, "neither place is nearer");
    }
}
