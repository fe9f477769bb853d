//! What a path shows of its way before anybody knows where its target is: all that its course depends on, in a few bytes.

use super::{Course, FOREIGN_HOPS, Trail, stays, triangle};
use crate::location::Place;

/// What a path shows of its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// How many hops lie between the vantage and the last that answered, that one included.
    pub hops: u8,
    /// Whether it leaves home, wherever it ends.
    leaves: bool,
    /// Whether every source that knows the target puts it at home.
    is_said_to_end_at_home: bool,
    stays: Stays,
}

/// Whether a path stays at home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stays {
    /// Nothing says so.
    #[default]
    Never,
    /// If the target is at home.
    IfInside,
    /// Wherever the target is said to be: it answered too soon to be abroad.
    Always,
}

impl Outlook {
    /// What `trail` shows.
    pub fn of(trail: &Trail<'_>) -> Self {
        Self {
            hops: trail.last_ttl(),
            leaves: leaves(trail),
            is_said_to_end_at_home: trail.is_target_registered_at_home(),
            stays: stays::stays(trail),
        }
    }

    /// Whether the path leaves home, wherever it ends.
    pub fn leaves(self) -> bool {
        self.leaves
    }

    /// The course of the path to a target that is at `place`.
    pub fn course(self, place: Place) -> Course {
        let leaves = self.leaves || place == Place::Outside;
        match (leaves, self.stays, place) {
            (true, _, Place::Inside) => Course::LeavesAndReturns,
            (true, _, Place::Unknown) if self.is_said_to_end_at_home => Course::LeavesAndReturns,
            (true, _, Place::Outside | Place::Edge | Place::Unknown) => Course::Leaves,
            (false, Stays::Always, _) | (false, Stays::IfInside, Place::Inside) => Course::StaysIn,
            (false, Stays::IfInside | Stays::Never, _) => Course::Unknown,
        }
    }
}

/// From a vantage abroad no path leaves home on its way.
fn leaves(trail: &Trail<'_>) -> bool {
    trail.abroad().nth(FOREIGN_HOPS - 1).is_some()
        && !trail.stands_abroad()
        && triangle::surely_abroad(trail) >= FOREIGN_HOPS
}
