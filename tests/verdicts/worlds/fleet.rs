//! Vantages: where they say they stand, and where they do.

use pehra::place::{Coordinates, Home};
use pehra::vantage::{Position, Vantage};

use super::dice::Dice;
use super::globe::{self, Globe, Spot};

/// A vantage, and the truth about it.
pub(crate) struct Standing {
    pub(crate) vantage: Vantage,
    /// Where it really stands.
    pub(crate) stands: Coordinates,
    /// Whether that is farther from where it says than it allows for.
    pub(crate) is_moved: bool,
    /// The stated position's place in [`Globe::stands`].
    place: usize,
}

impl Standing {
    /// Where it says it stands.
    pub(crate) fn stated(&self) -> Option<Position> {
        self.vantage.position
    }
}

/// Some vantages, and whose home they watch.
pub(crate) struct Fleet<'a> {
    pub(crate) home: &'a Home,
    pub(crate) standings: Vec<Standing>,
    ground: usize,
}

/// The most vantages of a fleet.
const VANTAGES: usize = 6;

impl<'a> Fleet<'a> {
    /// A fleet that follows from the dice.
    pub(crate) fn generate(dice: &mut Dice, globe: &'a Globe) -> Self {
        let ground = if dice.percent(40) { 0 } else { dice.below(globe.grounds.len()) };
        let count = 1 + dice.below(VANTAGES);
        let standings = (0..count).map(|index| standing(dice, globe, ground, index)).collect();
        Self { home: &globe.grounds[ground].home, standings, ground }
    }

    /// A place for a target: near a vantage, round home, or anywhere.
    pub(crate) fn spot(&self, dice: &mut Dice, globe: &Globe) -> Spot {
        let ground = &globe.grounds[self.ground];
        let (_, near) = &globe.stands[dice.pick(&self.standings).place];
        match dice.below(10) {
            0..4 if !near.is_empty() => *dice.pick(near),
            0..7 => *dice.pick(&ground.spots),
            _ => *dice.pick(&globe.anywhere),
        }
    }
}

fn standing(dice: &mut Dice, globe: &Globe, ground: usize, index: usize) -> Standing {
    let ground = &globe.grounds[ground];
    let places = match dice.below(10) {
        0..5 => &ground.within,
        5..7 => &ground.beside,
        _ => &globe.elsewhere,
    };
    let place = *dice.pick(places);
    let (stated, _) = globe.stands[place];
    let uncertainty_km = *dice.pick(&[0.0, 1.0, 5.0, 25.0, 100.0]);
    let (bearing, away) = (dice.between(0.0, std::f64::consts::TAU), dice.between(0.0, uncertainty_km));
    let vantage = globe::vantage(&format!("v{index}"), stated, uncertainty_km);
    Standing { vantage, stands: globe::moved(stated, bearing, away), is_moved: false, place }
}
