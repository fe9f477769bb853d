//! Round-trip times beside those of addresses whose place is known.
//!
//! - Source: the smallest time each vantage at home got from the address, and the vantage's [`Yardstick`].
//! - Direction: *near* and *soon* say inside, *far* says outside. Near is sooner than anything abroad can be expected to
//!   answer that vantage; soon is sooner than everything known to be abroad, in [`ENOUGH`] networks or more, answered any of
//!   the same vantages; far is slower, from every vantage at home, than anything at home was found to be while those vantages
//!   reached home in time.
//! - Weight: [`weigh::NEAR`] and [`weigh::NEAR_TWICE`], [`weigh::soon`], [`weigh::FAR`] and [`weigh::FAR_ONCE`]; a group of
//!   its own. A long time proves nothing, and is no more than a hint here.
//! - Says nothing of a shared address, nor, where it says inside, of a cloud's.

use std::collections::BTreeSet;
use std::fmt;

use super::{Evidence, Reservation};
use crate::location::disc::Witness;
use crate::location::setting::Setting;
use crate::location::weigh;
use crate::location::yardstick::{ENOUGH, Known, SLOW_MS, Yardstick};
use crate::moment::Rtt;
use crate::network::{Asn, NetworkKind};

/// The best time of one vantage at home, and what its times are measured by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gauge<'a> {
    /// The vantage.
    pub vantage: Witness<'a>,
    /// Its smallest time.
    pub rtt: Rtt,
    /// What it is measured by.
    pub yardstick: &'a Yardstick,
}

/// What a time says beside those of known places.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement<'a> {
    /// Sooner than anything abroad can be expected to answer.
    Near(Gauge<'a>),
    /// Sooner than everything known to be abroad.
    Soon {
        /// The fastest of the answers.
        fastest: Gauge<'a>,
        /// The fastest of the addresses known to be abroad, from any of the same vantages.
        abroad: &'a Known,
        /// In how many different networks each of the vantages measured some at the least.
        count: usize,
    },
    /// Slower than home, from everywhere.
    Far {
        /// The fastest of the answers.
        fastest: Gauge<'a>,
        /// From how many vantages.
        vantages: usize,
        /// In how many different networks those stand that reached home in time.
        normal: usize,
    },
}

pub(in crate::location) fn weigh<'a>(gauges: &[Gauge<'a>], setting: &Setting<'a>) -> Vec<Evidence<'a>> {
    let Some(fastest) = gauges.iter().min_by_key(|gauge| gauge.rtt) else { return Vec::new() };
    if setting.is_shared() {
        return Vec::new();
    }
    let near = near(gauges, setting);
    if !near.is_empty() {
        return near;
    }
    soon(gauges, *fastest, setting).or_else(|| far(gauges, *fastest, setting)).into_iter().collect()
}

/// One for each vantage; only the first two in different networks weigh anything.
fn near<'a>(gauges: &[Gauge<'a>], setting: &Setting<'a>) -> Vec<Evidence<'a>> {
    let mut near: Vec<_> = gauges.iter().filter(|gauge| gauge.yardstick.is_near(gauge.rtt)).collect();
    near.sort_by_key(|gauge| (gauge.rtt, gauge.vantage));
    let mut counted: Vec<Option<Asn>> = Vec::new();
    let weigh = |gauge: &Gauge<'a>| {
        // Two vantages whose networks nobody knows may stand in one.
        let network = gauge.yardstick.asn;
        let nats = match (counted.as_slice(), network) {
            ([], _) => weigh::NEAR,
            ([Some(first)], Some(second)) if *first != second => weigh::NEAR_TWICE - weigh::NEAR,
            _ => 0.0,
        };
        if nats > 0.0 {
            counted.push(network);
        }
        inside(Statement::Near(*gauge), nats, setting)
    };
    near.into_iter().map(weigh).collect()
}

fn inside<'a>(statement: Statement<'a>, nats: f64, setting: &Setting<'_>) -> Evidence<'a> {
    let told = tell(statement);
    if setting.kind == NetworkKind::Cloud {
        return Evidence { reservation: Some(Reservation::CloudAtHome), ..told };
    }
    Evidence { nats, ..told }
}

/// Sooner than everything known to be abroad answered the same vantages: one comparison of the smallest times, so that
/// many vantages are not as many chances.
fn soon<'a>(gauges: &[Gauge<'a>], fastest: Gauge<'a>, setting: &Setting<'a>) -> Option<Evidence<'a>> {
    let known: Option<Vec<&Known>> = gauges.iter().map(|gauge| gauge.yardstick.fastest_abroad.as_ref()).collect();
    let known = known?;
    // Where all that is known is on the other side of the world, it says nothing of the countries nearby.
    let abroad = known.iter().min_by_key(|known| known.rtt).filter(|known| known.rtt.ms() <= SLOW_MS)?;
    if known.iter().any(|known| known.address == setting.address) {
        return None;
    }
    let count = known.iter().map(|known| known.count).min().filter(|count| *count >= ENOUGH)?;
    let statement = Statement::Soon { fastest, abroad, count };
    (fastest.rtt < abroad.rtt).then(|| inside(statement, weigh::soon(count), setting))
}

/// Far from every vantage that got an answer, where at least one is known to have reached home in time meanwhile.
fn far<'a>(gauges: &[Gauge<'a>], fastest: Gauge<'a>, setting: &Setting<'a>) -> Option<Evidence<'a>> {
    if !gauges.iter().all(|gauge| gauge.yardstick.is_slow(gauge.rtt)) {
        return None;
    }
    // An address says nothing of itself by what it was on another day.
    let reached =
        |gauge: &&Gauge<'_>| gauge.yardstick.normal.as_ref().is_some_and(|home| home.address != setting.address);
    let normal: BTreeSet<_> = gauges.iter().filter(reached).map(|gauge| gauge.yardstick.asn).collect();
    let nats = match normal.len() {
        0 => return None,
        1 => weigh::FAR_ONCE,
        _ => weigh::FAR,
    };
    let statement = Statement::Far { fastest, vantages: gauges.len(), normal: normal.len() };
    Some(Evidence { nats, ..tell(statement) })
}

fn tell(statement: Statement<'_>) -> Evidence<'_> {
    let source = match &statement {
        Statement::Near(gauge) => &gauge.vantage.id.0,
        Statement::Soon { .. } | Statement::Far { .. } => "all vantages at home",
    };
    Evidence::note(source, super::Statement::RttGap(statement))
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Near(Gauge { rtt, yardstick, vantage }) => {
                write!(f, "{rtt} from {vantage}: sooner than anything abroad can be expected to answer")?;
                let Some((floor, near)) = yardstick.floor.as_ref().zip(yardstick.near()) else { return Ok(()) };
                write!(f, " ({near}, 0.8 of {}: {})", floor.rtt, floor.from)
            }
            Self::Soon { fastest, abroad: Known { address, rtt, .. }, count } => {
                write!(f, "{} from {} at best: sooner than everything known", fastest.rtt, fastest.vantage)?;
                write!(
                    f,
                    " to be abroad answered the same vantages ({address}: {rtt}, the fastest of those in at least {count} \
                     networks)"
                )
            }
            Self::Far { fastest, vantages, normal } => {
                write!(f, "{} from {} at best", fastest.rtt, fastest.vantage)?;
                if *vantages > 1 {
                    write!(f, " of {vantages} vantages")?;
                }
                let each = if *vantages > 1 { " from each" } else { "" };
                write!(f, ": slower than {SLOW_MS} ms{each}")?;
                if let Some(Known { address, rtt, .. }) = &fastest.yardstick.fastest_landmark {
                    write!(f, " and than the fastest landmark abroad ({address}: {rtt})")?;
                }
                let networks = if *normal == 1 { "1 network".to_owned() } else { format!("{normal} networks") };
                write!(f, ", while vantages in {networks} reached others at home in time")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::location::fuse::{Case, fuse};
    use crate::location::yardstick::{Floor, UNKNOWN};
    use crate::location::{Claim, OutlinesId, Says};
    use crate::place::{CountryCode, CountrySet, Home};
    use crate::vantage::VantageId;

    fn ms(ms: f64) -> Rtt {
        Rtt::from_ms(ms).unwrap()
    }

    /// A vantage in the network `asn` with a floor of 25 ms that measured addresses in `count` networks abroad, 43 ms at
    /// best.
    fn yardstick(asn: u32, count: usize, is_normal: bool) -> Yardstick {
        let known = |rtt, count| Known { rtt: ms(rtt), address: "192.0.2.1".parse().unwrap(), count };
        Yardstick {
            asn: Some(Asn(asn)),
            floor: Some(Floor { rtt: ms(25.0), from: "a test".to_owned() }),
            fastest_abroad: Some(known(43.0, count)),
            fastest_landmark: None,
            normal: is_normal.then(|| known(5.0, 1)),
        }
    }

    /// What times of these vantages weigh, one number for each piece of evidence.
    fn weights(kind: NetworkKind, measured: &[(f64, &Yardstick)]) -> Vec<f64> {
        let names: Vec<_> = (0..measured.len()).map(|index| VantageId(format!("v{index}"))).collect();
        let (name, countries) = ("Example".to_owned(), CountrySet::default());
        let says = Says::Announced { asn: Asn(1), name, kind, country: None, countries };
        let about = "203.101.184.84".parse().unwrap();
        let claim = Claim { about, source: "table".to_owned(), dated: None, says };
        let (home, moment) = (Home::of(CountryCode::PAKISTAN), "2026-11-21T00:00:00Z".parse().unwrap());
        let borders = OutlinesId { name: "none".to_owned(), sha256: Digest::ZERO };
        let mut case = Case::new(about, &home, &borders, moment);
        case.claims = vec![&claim];
        for (id, (rtt, yardstick)) in names.iter().zip(measured) {
            case.gauges.push(Gauge { vantage: Witness { id, other_day: None }, rtt: ms(*rtt), yardstick });
        }
        let location = fuse(&case);
        let gaps = location.evidence.iter().filter(|e| matches!(e.statement, super::super::Statement::RttGap(_)));
        gaps.map(|evidence| evidence.nats).collect()
    }

    fn of_hosts(measured: &[(f64, &Yardstick)]) -> Vec<f64> {
        weights(NetworkKind::Ordinary, measured)
    }

    #[test]
    fn a_near_answer_weighs_two_and_a_second_from_another_network_one_more() {
        let (one, same, other) = (yardstick(1, 0, false), yardstick(1, 0, false), yardstick(2, 0, false));
        assert_eq!(of_hosts(&[(19.9, &one)]), [2.0]);
        assert_eq!(of_hosts(&[(3.0, &one), (4.0, &same)]), [2.0, 0.0], "one network may have one fault");
        assert_eq!(of_hosts(&[(3.0, &one), (4.0, &same), (5.0, &other)]), [2.0, 0.0, 1.0]);
        assert_eq!(of_hosts(&[(3.0, &one), (95.0, &other)]), [2.0], "a detour from elsewhere changes nothing");
        assert!(of_hosts(&[(20.0, &one)]).is_empty(), "0.8 of the floor is no longer near");
    }

    #[test]
    fn vantages_of_which_the_network_is_not_known_are_taken_for_one() {
        let nameless = Yardstick { asn: None, ..yardstick(1, 0, false) };
        let named = yardstick(2, 0, false);
        assert_eq!(of_hosts(&[(3.0, &nameless), (4.0, &named)]), [2.0, 0.0]);
        assert_eq!(of_hosts(&[(3.0, &named), (4.0, &nameless)]), [2.0, 0.0]);
    }

    #[test]
    fn an_answer_that_outruns_everything_known_abroad_weighs_as_a_rank_test_does() {
        let (ten, four) = (yardstick(1, 10, true), yardstick(2, 4, true));
        assert_eq!(of_hosts(&[(39.3, &ten)]), [weigh::soon(10)]);
        assert_eq!(of_hosts(&[(39.3, &ten), (90.0, &yardstick(2, 5, true))]), [weigh::soon(5)]);
        assert!(of_hosts(&[(43.0, &ten)]).is_empty());
        let distant = Known { rtt: ms(250.0), ..ten.fastest_abroad.clone().unwrap() };
        let distant = Yardstick { fastest_abroad: Some(distant), ..ten.clone() };
        assert!(
            of_hosts(&[(200.0, &distant)]).iter().all(|nats| *nats <= 0.0),
            "another continent says nothing of the neighbours"
        );
        assert!(of_hosts(&[(39.3, &four)]).is_empty(), "four are too few");
        assert!(of_hosts(&[(39.3, &ten), (90.0, &four)]).is_empty(), "from every vantage");
    }

    #[test]
    fn far_is_slow_from_everywhere_while_home_is_reached_in_time() {
        let (one, other, lost) = (yardstick(1, 9, true), yardstick(2, 9, true), yardstick(3, 9, false));
        assert_eq!(of_hosts(&[(150.0, &one), (160.0, &other)]), [weigh::FAR]);
        assert_eq!(of_hosts(&[(150.0, &one), (160.0, &lost)]), [weigh::FAR_ONCE]);
        assert_eq!(of_hosts(&[(150.0, &one)]), [weigh::FAR_ONCE]);
        assert!(of_hosts(&[(150.0, &lost)]).is_empty(), "it may have been a bad day");
        assert!(of_hosts(&[(150.0, &one), (79.0, &other)]).is_empty());
        assert!(of_hosts(&[(150.0, &one), (160.0, &other), (30.0, &UNKNOWN)]).is_empty(), "an answer nobody can place");
    }

    #[test]
    fn far_says_slower_than_what() {
        let vantage = VantageId("lhe".to_owned());
        let landmark = Known { rtt: ms(95.0), address: "192.0.2.9".parse().unwrap(), count: 1 };
        let without = yardstick(1, 9, true);
        let with = Yardstick { fastest_landmark: Some(landmark), ..without.clone() };
        let told = |yardstick, vantages, normal| {
            let fastest = Gauge { vantage: Witness { id: &vantage, other_day: None }, rtt: ms(150.0), yardstick };
            Statement::Far { fastest, vantages, normal }.to_string()
        };
        assert_eq!(
            told(&without, 1, 1),
            "150.000 ms from lhe at best: slower than 80 ms, while vantages in 1 network reached others at home in time"
        );
        assert_eq!(
            told(&with, 3, 2),
            "150.000 ms from lhe at best of 3 vantages: slower than 80 ms from each and than the fastest landmark abroad \
             (192.0.2.9: 95.000 ms), while vantages in 2 networks reached others at home in time"
        );
    }

    #[test]
    fn a_cloud_is_never_inside_by_its_times_and_an_edge_nowhere() {
        let (one, other) = (yardstick(1, 9, true), yardstick(2, 9, true));
        assert_eq!(weights(NetworkKind::Cloud, &[(3.0, &one), (4.0, &other)]), [0.0, 0.0]);
        assert_eq!(weights(NetworkKind::Cloud, &[(150.0, &one), (160.0, &other)]), [weigh::FAR]);
        assert!(weights(NetworkKind::Edge, &[(3.0, &one)]).is_empty());
    }
}
