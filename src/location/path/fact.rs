//! What speaks for a way, as values; their words are what reports show.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::doubt::Doubt;
use super::plateau::Plateau;
use super::{Hop, Shows};
use crate::location::Grade;
use crate::moment::Rtt;
use crate::place::CountrySet;

/// One fact about a path; written out, a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The target is outside.
    TargetOutside(Grade),
    /// The target is inside, so a path that left has come back.
    TargetInside(Grade),
    /// Where the target is cannot be told, but every source puts it at home.
    TargetSaidAtHome,
    /// Where the target is cannot be told, nor whether the path comes back.
    ReturnUnknown,
    /// A hop is abroad.
    Abroad {
        /// Its TTL.
        ttl: u8,
        /// Who answered.
        address: IpAddr,
        /// Where it can be.
        countries: CountrySet,
        /// Its own best time.
        rtt: Rtt,
        /// The smallest time of an answer from there or beyond.
        bound: Rtt,
    },
    /// Two hops cannot both be where their sources say.
    Contradiction {
        /// Their TTLs.
        ttls: (u8, u8),
        /// Who answered there.
        addresses: (IpAddr, IpAddr),
        /// Within which an answer came back from the farther one.
        time: Rtt,
    },
    /// The last hop at home before the first abroad.
    LastAtHome {
        /// Its TTL.
        ttl: u8,
        /// Who answered.
        address: IpAddr,
    },
    /// Hops that answer alike hide where the path leaves home.
    Plateau(Plateau),
    /// The first hop is unsteady.
    Unsteady {
        /// By how much half of its answers are later than its best.
        by: Rtt,
    },
    /// The target answered too soon to have been reached by way of abroad.
    TooSoon {
        /// Its time.
        rtt: Rtt,
    },
    /// Every hop answered and is at home, and so is the target.
    AllHome {
        /// How many.
        hops: usize,
    },
    /// Something kept the path from being told.
    Doubt(Doubt),
}

impl Fact {
    /// The fact that `hop` is abroad, if it is.
    pub(super) fn abroad(hop: &Hop) -> Option<Self> {
        let Shows::Abroad(countries) = &hop.shows else { return None };
        let ((address, rtt), bound) = hop.answer.zip(hop.bound)?;
        Some(Self::Abroad { ttl: hop.ttl, address, countries: *countries, rtt, bound })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TargetOutside(grade) => write!(f, "the target is outside ({grade}): its traffic cannot stay in"),
            Self::TargetInside(grade) => write!(f, "the target is inside ({grade}), so traffic comes back"),
            Self::TargetSaidAtHome => {
                let back = "if they are right, traffic comes back";
                write!(f, "where the target is cannot be told, but every source puts it at home: {back}")
            }
            Self::ReturnUnknown => write!(f, "where the target is cannot be told, nor whether traffic comes back"),
            Self::Abroad { ttl, address, countries, rtt, bound } => {
                write!(f, "hop {ttl} is {address}, which every source that knows it puts in {countries} ({rtt}")?;
                if bound < rtt { write!(f, ", and {bound} from beyond it)") } else { f.write_str(")") }
            }
            Self::Contradiction { ttls: (one, other), addresses: _, time } => {
                let least = "is too little time for light to go by way of both";
                write!(f, "hops {one} and {other} cannot both be where their sources say: {time} {least}")
            }
            Self::LastAtHome { ttl, address } => {
                write!(f, "hop {ttl} is {address}, the last before that at home by its sources")
            }
            Self::Plateau(Plateau { ttls: (near, far), times: (least, longest) }) => {
                let hidden = "so that at which of them the path leaves cannot be told";
                write!(f, "hops {near} to {far} answer alike, as in a tunnel, in {least} to {longest}, {hidden}")
            }
            Self::Unsteady { by } => {
                let rule =
                    "so much is taken off before a time lets a hop be abroad, and no time shows that a path is short";
                write!(f, "half of the first hop's answers took {by} longer than its best: {rule}")
            }
            Self::TooSoon { rtt } => write!(f, "the target answered in {rtt}: too soon to have been abroad"),
            Self::AllHome { hops } => write!(
                f,
                "all {hops} hops answered, every source puts those on the way at home, and the target is inside"
            ),
            Self::Doubt(doubt) => doubt.fmt(f),
        }
    }
}
