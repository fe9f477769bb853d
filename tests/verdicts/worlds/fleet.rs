//! Vantages: where they say they stand, and where they do; and what they measured of landmarks, by which one that does
//! not stand where it says is found out, or not.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use pehra::calibration::{Calibration, Hubs, Window};
use pehra::location::{Claim, Says};
use pehra::place::{Coordinates, Home};
use pehra::vantage::{Position, Vantage};

use super::dice::Dice;
use super::earth;
use super::globe::{self, Globe, Spot};
use super::measured::{self, Slowness};
use super::observation;

/// How many landmarks there are round every vantage.
const LANDMARKS: u8 = 3;

/// How far from where it is declared to be a landmark is at most, in km.
const LANDMARK_ERROR_KM: f64 = 45.0;

/// What is granted to declarations of landmarks, in km.
const LANDMARK_GRACE_KM: f64 = 50.0;

static HUBS: LazyLock<Arc<Hubs>> = LazyLock::new(|| Arc::new(Hubs::shipped()));

/// Whether vantages that do not stand where they say are contradicted by what they measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moves {
    /// Landmarks near by answered them sooner than light allows from where they say they stand.
    Contradicted,
    /// All landmarks answered them late: nothing could have told.
    Unnoticed,
}

/// A vantage, and the truth about it.
pub(crate) struct Standing {
    pub(crate) vantage: Vantage,
    /// Where it really stands.
    pub(crate) stands: Coordinates,
    /// Whether that is farther from where it says than it allows for.
    pub(crate) is_moved: bool,
    /// The stated position's place in [`Globe::stands`].
    place: usize,
    landmarks: Vec<Landmark>,
}

struct Landmark {
    stands: Coordinates,
    declared: Coordinates,
}

impl Standing {
    /// Where it says it stands.
    pub(crate) fn stated(&self) -> Option<Position> {
        self.vantage.position
    }
}

/// Some vantages, whose home they watch, and what is known of them.
pub(crate) struct Fleet<'a> {
    pub(crate) home: &'a Home,
    pub(crate) standings: Vec<Standing>,
    pub(crate) calibration: Calibration,
    ground: usize,
}

/// The most vantages of a fleet.
const VANTAGES: usize = 6;

/// How many vantages of a hundred do not stand where they say, and how far away the farthest of them stand, in km.
const MOVED: usize = 12;
const FARTHEST_KM: f64 = 3000.0;

impl<'a> Fleet<'a> {
    /// A fleet that follows from the dice.
    pub(crate) fn generate(dice: &mut Dice, globe: &'a Globe, moves: Moves) -> Self {
        let ground = if dice.percent(40) { 0 } else { dice.below(globe.grounds.len()) };
        let home = &globe.grounds[ground].home;
        let count = 1 + dice.below(VANTAGES);
        let standings: Vec<_> = (0..count).map(|index| standing(dice, globe, ground, index)).collect();
        let calibration = Calibration::new(home, Arc::clone(&HUBS), Window::Around);
        let mut fleet = Self { home, standings, calibration, ground };
        fleet.survey(dice, globe, moves);
        fleet
    }

    /// Measures the landmarks from every vantage, its own first. One that is moved and not as `moves` has it is put back.
    fn survey(&mut self, dice: &mut Dice, globe: &Globe, moves: Moves) {
        let near: Vec<Vec<Coordinates>> =
            self.standings.iter().map(|standing| standing.landmarks.iter().map(|mark| mark.stands).collect()).collect();
        for index in 0..self.standings.len() {
            let standing = &self.standings[index];
            let slowness = match moves {
                Moves::Contradicted if standing.is_moved => Slowness::UpTo(1.5),
                Moves::Contradicted => Slowness::Queues(3.0),
                Moves::Unnoticed => Slowness::Late,
            };
            let mut seen = Vec::new();
            for (owner, marks) in near.iter().enumerate() {
                for (number, at) in marks.iter().enumerate() {
                    if owner != index && dice.percent(50) {
                        continue;
                    }
                    let slowness = if owner == index { slowness } else { Slowness::Late };
                    seen.push(((owner, number), measured::round_trip(dice, standing.stands, *at, slowness)));
                }
            }
            let contradictions = seen.iter().filter(|((owner, number), rtt)| {
                let (stated, mark) = (standing.stated().expect("stated"), &self.standings[*owner].landmarks[*number]);
                let reach = earth::reach_km(*rtt) + stated.uncertainty.km() + LANDMARK_GRACE_KM;
                earth::least_km(stated.coordinates, mark.declared) > reach
            });
            let contradictions = contradictions.count();
            let as_wanted = match moves {
                Moves::Contradicted => contradictions >= 2,
                Moves::Unnoticed => contradictions == 0,
            };
            if standing.is_moved && !as_wanted {
                let stated = standing.stated().expect("stated").coordinates;
                self.standings[index].is_moved = false;
                self.standings[index].stands = stated;
                continue;
            }
            self.observe(globe, index, &seen);
        }
        self.calibration.finish();
    }

    fn observe(&mut self, globe: &Globe, index: usize, seen: &[((usize, usize), pehra::moment::Rtt)]) {
        for ((owner, number), rtt) in seen {
            let address =
                IpAddr::from([91, 0, u8::try_from(*owner).expect("few"), u8::try_from(*number).expect("few")]);
            let mut observed = observation(&self.standings[index], &[address]);
            let declared = self.standings[*owner].landmarks[*number].declared;
            let name = format!("landmark-{owner}-{number}");
            let country = globe.country_near(self.standings[*owner].place);
            let says = Says::Landmark { name, country, coordinates: Some(declared) };
            observed.claims.extend([Claim { about: address, source: "landmarks".to_owned(), dated: None, says }]);
            measured::ping(&mut observed, address, *rtt);
            self.calibration.handle_observation(&observed, &globe.borders);
        }
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
    let is_moved = dice.percent(MOVED);
    let farthest = if is_moved { FARTHEST_KM } else { uncertainty_km };
    let nearest = if is_moved { uncertainty_km } else { 0.0 };
    let (bearing, away) = (dice.bearing(), dice.between(nearest, farthest));
    let stands = earth::moved(stated, bearing, away);
    let landmark = |_| {
        let stands = dice.near(stands, 80.0);
        let (bearing, away) = (dice.bearing(), dice.between(0.0, LANDMARK_ERROR_KM));
        Landmark { stands, declared: earth::moved(stands, bearing, away) }
    };
    let landmarks = (0..LANDMARKS).map(landmark).collect();
    let vantage = globe::vantage(&format!("v{index}"), stated, uncertainty_km);
    Standing { vantage, stands, is_moved, place, landmarks }
}
