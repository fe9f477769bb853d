//! What the hops just before the target say of its place.
//!
//! - Source: a trace of a vantage whose place is known, each hop placed by every source that knows it and by light.
//! - Direction: inside when the way was at home to its very last hop, outside when its last hops were abroad.
//! - Weight: [`weigh::APPROACH`] for each vantage, and [`weigh::PATH_CAP`] for all of them: routers are what databases
//!   place worst.
//! - Says nothing of a shared address, nor, where it says inside, of a cloud's.

use std::fmt;

use super::{Evidence, Reservation};
use crate::location::disc::Witness;
use crate::location::path::approach::{Approach, Side};
use crate::location::setting::Setting;
use crate::location::weigh;
use crate::network::NetworkKind;

/// How a vantage's path comes to its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statement<'a> {
    /// The vantage.
    pub vantage: Witness<'a>,
    /// From which side, by which hops.
    pub approach: Approach,
}

pub(in crate::location) fn weigh<'a>(statement: Statement<'a>, setting: &Setting<'a>) -> Evidence<'a> {
    let side = statement.approach.side;
    let told = Evidence::note(&statement.vantage.id.0, super::Statement::Path(statement));
    let reservation = match side {
        _ if setting.is_shared() => Some(Reservation::Shared),
        Side::Home if setting.kind == NetworkKind::Cloud => Some(Reservation::CloudAtHome),
        Side::Home | Side::Abroad => None,
    };
    let nats = match side {
        _ if reservation.is_some() => 0.0,
        Side::Home => weigh::APPROACH,
        Side::Abroad => -weigh::APPROACH,
    };
    Evidence { nats, reservation, ..told }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Approach { side, hops, last_ttl, last } = self.approach;
        let course = match side {
            Side::Home => "was at home all along, to",
            Side::Abroad => "ended abroad, with",
        };
        write!(f, "the way from {} {course} {last} at hop {last_ttl},", self.vantage)?;
        write!(f, " just before the target, by {hops} different hops")
    }
}
