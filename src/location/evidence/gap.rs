//! Round-trip times beside those of addresses whose place is known.
//!
//! - Source: the smallest time each vantage at home got from the address, and the vantage's [`Yardstick`].
//! - Direction: *near* and *soon* say inside, *far* says outside. Near is sooner than anything abroad can be expected to
//!   answer that vantage; soon is sooner than everything known to be abroad did; far is slower, from every vantage at
//!   home, than anything at home was found to be while those vantages reached home in time.
//! - Weight: [`weigh::NEAR`] and [`weigh::NEAR_TWICE`], [`weigh::SOON`], [`weigh::FAR`] and [`weigh::FAR_ONCE`]; a group of
//!   its own. A long time proves nothing, and is no more than a hint here.
//! - Says nothing of a shared address, nor, where it says inside, of a cloud's.

use std::collections::BTreeSet;
use std::fmt;

use super::{Evidence, Reservation};
use crate::location::setting::Setting;
use crate::location::weigh;
use crate::location::yardstick::Yardstick;
use crate::moment::Rtt;
use crate::network::{Asn, NetworkKind};
use crate::vantage::VantageId;

/// The best time of one vantage at home, and what its times are measured by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gauge<'a> {
    /// The vantage.
    pub vantage: &'a VantageId,
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
    Soon(Gauge<'a>),
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
    let soon = gauges.iter().filter(|gauge| gauge.yardstick.is_soon(gauge.rtt)).min_by_key(|gauge| gauge.rtt);
    soon.map(|gauge| inside(Statement::Soon(*gauge), weigh::SOON, setting))
        .or_else(|| far(gauges, *fastest))
        .into_iter()
        .collect()
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

/// Far from every vantage that got an answer, where at least one is known to have reached home in time meanwhile.
fn far<'a>(gauges: &[Gauge<'a>], fastest: Gauge<'a>) -> Option<Evidence<'a>> {
    if !gauges.iter().all(|gauge| gauge.yardstick.is_slow(gauge.rtt)) {
        return None;
    }
    let normal: BTreeSet<_> = gauges.iter().filter(|g| g.yardstick.is_normal()).map(|g| g.yardstick.asn).collect();
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
        Statement::Near(gauge) | Statement::Soon(gauge) => &gauge.vantage.0,
        Statement::Far { .. } => "all vantages at home",
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
            Self::Soon(Gauge { rtt, yardstick, vantage }) => {
                write!(f, "{rtt} from {vantage}: sooner than everything known to be abroad")?;
                let Some(known) = &yardstick.fastest_abroad else { return Ok(()) };
                write!(f, " ({}: {}, the fastest of {})", known.address, known.rtt, known.count)
            }
            Self::Far { fastest, vantages, normal } => {
                write!(f, "{} from {} at best", fastest.rtt, fastest.vantage)?;
                if *vantages > 1 {
                    write!(f, " of {vantages} vantages")?;
                }
                let networks = if *normal == 1 { "1 network".to_owned() } else { format!("{normal} networks") };
                write!(f, ", while vantages in {networks} reached others at home in time")
            }
        }
    }
}
