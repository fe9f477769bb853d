//! What keeps a path from being told, in words.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::steadiness::OVERTAKEN_MS;
use super::{FAR_MS, FOREIGN_HOPS};
use crate::location::Place;
use crate::moment::Rtt;
use crate::place::CountrySet;

/// One reason why a path cannot be told; written out, a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// No trace was made.
    NotMeasured,
    /// Hops were silent.
    Silent {
        /// How many.
        silent: usize,
        /// Of how many.
        asked: usize,
    },
    /// The first hops were never asked, or some in between.
    NotFromTheStart,
    /// Too few hops are abroad.
    TooFewAbroad,
    /// The vantage is abroad itself.
    StandsAbroad,
    /// A hop is registered where it cannot be.
    Elsewhere {
        /// Its TTL.
        ttl: u8,
        /// Who answered.
        address: IpAddr,
        /// Where its sources put it.
        countries: CountrySet,
        /// Within which it would have had to be reached.
        time: Rtt,
    },
    /// Private addresses beyond the first public one.
    Private {
        /// The TTL and the address of the first.
        first: (u8, IpAddr),
        /// How many hops have such addresses.
        hops: usize,
    },
    /// Of some hops no source says where they are, or sources disagree.
    Untold {
        /// How many.
        hops: usize,
    },
    /// The target did not answer.
    TargetSilent,
    /// The target answered so soon that it would have been at home, were its answer its own.
    Overtaken {
        /// How many hops answered much later.
        hops: usize,
        /// The time of the target.
        rtt: Rtt,
    },
    /// The target is not known to be at home.
    TargetNotPlaced(Place),
    /// Every hop is registered at home, but the target took longer than anything at home does.
    Far {
        /// Its time.
        rtt: Rtt,
    },
    /// Too few public addresses answered to show a path.
    TooFewPublic {
        /// How many.
        hops: usize,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMeasured => write!(f, "the path was not measured"),
            Self::Silent { silent, asked } => {
                write!(f, "{silent} of {asked} hops were silent, and silence is never domestic")
            }
            Self::NotFromTheStart => write!(f, "not every hop from the first was asked"),
            Self::StandsAbroad => write!(f, "the vantage stands abroad, so that no path of its leaves home on its way"),
            Self::TooFewAbroad => {
                write!(
                    f,
                    "it takes {FOREIGN_HOPS} different hops to say that a path leaves: one may be a block used at home"
                )
            }
            Self::Elsewhere { ttl, address, countries, time } => {
                let refuted = "answered from nearer than that";
                write!(f, "hop {ttl} is {address}, which is registered in {countries} and {refuted}: {time}")
            }
            Self::Private { first: (ttl, address), hops } => {
                let more = if *hops == 1 { String::new() } else { format!(", the first of {hops}") };
                write!(f, "hop {ttl} is {address}{more}: a private address beyond the first public one may be anywhere")
            }
            Self::Untold { hops } => write!(f, "of {hops} hops no source says where they are, or sources disagree"),
            Self::TargetSilent => write!(f, "the target did not answer"),
            Self::Overtaken { hops, rtt } => {
                let late = format!("{hops} hops before it took more than {OVERTAKEN_MS} ms longer");
                write!(f, "the target answered in {rtt}, but {late}: somebody nearer may have answered in its name")
            }
            Self::TargetNotPlaced(Place::Edge) => write!(f, "the target is an edge, which may be anywhere"),
            Self::TargetNotPlaced(Place::Inside | Place::Outside | Place::Unknown) => {
                write!(f, "where the target is cannot be told")
            }
            Self::Far { rtt } => {
                write!(
                    f,
                    "the target answered in {rtt}: beyond {FAR_MS} ms no path is domestic, whatever its hops are registered as"
                )
            }
            Self::TooFewPublic { hops } => write!(f, "too few public addresses answered to show a path: {hops}"),
        }
    }
}
