//! A round-trip time, drawn as a disc round its vantage: the responder is somewhere in it.
//!
//! - Source: the smallest round-trip time a vantage ever got from the address itself, and the borders in use.
//! - Direction: inside when the disc holds no foreign land, outside when it leaves out home. A home vantage's disc always
//!   touches home, so that it can never say outside; a long time says nothing.
//! - Weight: proof by light in vacuum; by light in glass [`weigh::GLASS_DISC`], where several weigh as much as one, and
//!   nothing where they contradict each other or leave no land in common. What several discs leave together may prove what
//!   none proves alone. One that came sooner than what hops on the way answered proves and refutes nothing, and weighs nothing; one of another day proves and refutes nothing, and weighs [`weigh::GLASS_DISC_OF_ANOTHER_DAY`]
//!   where none of the day tells or leaves no land of it: addresses move.
//! - Not refuted by anything, but of addresses that several sites may answer for it says less. Of a cloud's address only
//!   the judged vantage's disc proves, and only that home answers it; in glass the disc of any vantage weighs as it does
//!   elsewhere, in both directions, but does not stand alone: it takes a second group that agrees. Of a shared address the
//!   discs of other vantages are not listed; that of the judged vantage may show that home answers it there, or refute what
//!   is said of the serving point, and the address stays an edge.

use std::fmt;

use super::Evidence;
use crate::location::disc::{Disc, Witness};
use crate::location::light::Speed;
use crate::location::path::steadiness::OVERTAKEN_MS;
use crate::location::setting::{Seen, Setting};
use crate::location::{OutlinesId, Weight, weigh};
use crate::moment::Rtt;
use crate::place::CountrySet;

/// What a time, or its absence, says.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement<'a> {
    /// An answer bounds how far away the responder is.
    Within {
        /// The disc.
        disc: Disc<'a>,
        /// By which light.
        speed: Speed,
        /// The countries whose land it touches.
        countries: CountrySet,
        /// The borders used.
        borders: &'a OutlinesId,
    },
    /// All proving discs together leave this.
    Joint(CountrySet),
    /// An answer to a vantage of which nobody knows where it stands.
    Unplaced(Unplaced<'a>),
    /// Nobody ever got an answer.
    Silence,
    /// Not a public address.
    NotPublic,
}

/// An answer to a vantage of which nobody knows where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Unplaced<'a> {
    /// The vantage.
    pub vantage: Witness<'a>,
    /// Its smallest time.
    pub rtt: Rtt,
    /// What contradicts the coordinates it has, if it has any.
    pub quarantined: Option<String>,
}

/// How many countries are listed by name before they are only counted.
pub(in crate::location) const LISTED: usize = 12;

pub(in crate::location) fn weigh<'a>(seen: &Seen<'a>, borders: &'a OutlinesId, setting: &Setting<'a>) -> Evidence<'a> {
    let (weight, nats, speed, countries) = if seen.may_prove && setting.settles(&seen.vacuum) {
        (Weight::Proof, 0.0, Speed::Vacuum, seen.vacuum)
    } else {
        let sign = setting.direction_of(&seen.glass).unwrap_or(0.0);
        let nats = if seen.disc.is_sound() {
            weigh::GLASS_DISC
        } else if seen.disc.is_overtaken() || setting.is_told_today() || setting.contradicts(&seen.glass) {
            0.0
        } else {
            weigh::GLASS_DISC_OF_ANOTHER_DAY
        };
        (Weight::Hint, sign * nats, Speed::Glass, seen.glass)
    };
    let statement = Statement::Within { disc: seen.disc, speed, countries, borders };
    let told = Evidence::note(&seen.disc.vantage.id.0, super::Statement::Disc(statement));
    Evidence { weight, nats, ..told }
}

pub(in crate::location) fn joint(countries: CountrySet) -> Evidence<'static> {
    let told = Evidence::note("all vantages", super::Statement::Disc(Statement::Joint(countries)));
    Evidence { weight: Weight::Proof, ..told }
}

pub(in crate::location) fn unplaced(unplaced: Unplaced<'_>) -> Evidence<'_> {
    Evidence::note("vantage", super::Statement::Disc(Statement::Unplaced(unplaced)))
}

pub(in crate::location) fn silence() -> Evidence<'static> {
    Evidence::note("all vantages", super::Statement::Disc(Statement::Silence))
}

pub(in crate::location) fn not_public() -> Evidence<'static> {
    Evidence::note("all vantages", super::Statement::Disc(Statement::NotPublic))
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within { disc, speed, countries, borders } => {
                let (radius, by) = (disc.radius(*speed), speed.as_str());
                write!(f, "{}: within {radius} by {by}, which ", disc.measured())?;
                match countries.len() {
                    0 => f.write_str("touches no land")?,
                    1..=LISTED => write!(f, "touches {countries}")?,
                    more => write!(f, "touches {more} countries")?,
                }
                write!(f, " (borders: {})", borders.name)?;
                if !disc.is_overtaken() {
                    return Ok(());
                }
                write!(f, ", but {} hops before it took more than {OVERTAKEN_MS} ms longer", disc.overtaken)?;
                f.write_str(": somebody nearer may have answered in its name, so that it proves nothing")
            }
            Self::Joint(countries) => write!(f, "all discs together, by light in vacuum, leave {countries}"),
            Self::Unplaced(Unplaced { vantage, rtt, quarantined: None }) => {
                write!(f, "answered {vantage} in {rtt}: without coordinates it proves nothing")
            }
            Self::Unplaced(Unplaced { vantage, rtt, quarantined: Some(why) }) => {
                write!(f, "answered {vantage} in {rtt}: it is in quarantine and proves nothing: {why}")
            }
            Self::Silence => f.write_str("no answer shows how far away it is, and that is no evidence"),
            Self::NotPublic => {
                f.write_str("not a public address: whoever answers to it stands somewhere else from each vantage")
            }
        }
    }
}
