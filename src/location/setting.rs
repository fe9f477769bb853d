//! What has to be known of an address before any claim about it is weighed: who announces it, whether several sites answer
//! for it, and what its discs leave possible.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::disc::Disc;
use super::evidence::{Evidence, Reservation};
use super::fuse::Case;
use super::light::Speed;
use super::{EvidenceKind, OutlinesId, Says, Weight};
use crate::network::{AddressScope, Asn, NetworkKind};
use crate::place::{CountryCode, CountrySet, Home};

/// What is settled of one address before it is weighed.
#[derive(Debug)]
pub struct Setting<'a> {
    /// What counts as home.
    pub home: &'a Home,
    /// The moment for which is judged.
    moment: Timestamp,
    /// The borders used.
    pub borders: &'a OutlinesId,
    /// The address.
    pub address: IpAddr,
    /// Whether the address is a public one.
    pub is_public: bool,
    /// The network that announces it, where a table says so.
    pub asn: Option<Asn>,
    /// How that network's addresses relate to places.
    pub kind: NetworkKind,
    /// Two answers that cannot come from one place.
    pub apart: Option<Apart<'a>>,
    /// The discs, the judged vantage's first, with the countries they touch.
    pub discs: Vec<Seen<'a>>,
    /// Whether somebody lists the address as one that several sites answer for.
    listed: bool,
    /// The countries that all sound discs in glass leave of an address that is not shared, if there are any: where none
    /// is left, something was faster than light in glass, which then refutes nothing.
    pub glass: Option<CountrySet>,
    /// Whether the borders know where home is: without that, no disc can leave it out.
    home_is_drawn: bool,
}

/// A disc, and the countries whose land it touches.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// The disc.
    pub disc: Disc<'a>,
    /// Whether it is the judged vantage's.
    pub is_own: bool,
    /// By light in vacuum.
    pub vacuum: CountrySet,
    /// By light in glass.
    pub glass: CountrySet,
    /// Whether it may prove something of what answers here.
    pub may_prove: bool,
}

impl<'a> Setting<'a> {
    /// Reads the claims and the discs of `case`.
    pub fn of(case: &Case<'a>) -> Self {
        let is_public = AddressScope::of(case.address).is_global();
        let own = case.own.iter().map(|disc| (*disc, true));
        let discs: Vec<_> = own.chain(case.others.iter().map(|disc| (*disc, false))).collect();
        let measured = discs.iter().map(|(disc, _)| *disc).chain(case.rounds);
        let mut setting = Self {
            home: case.home,
            moment: case.moment,
            borders: case.borders,
            address: case.address,
            is_public,
            asn: None,
            kind: NetworkKind::Ordinary,
            apart: if is_public { apart(measured) } else { None },
            discs: Vec::new(),
            listed: false,
            glass: None,
            home_is_drawn: discs.first().is_none_or(|(disc, _)| disc.knows(case.home)),
        };
        for claim in &case.claims {
            setting.learn(&claim.says);
        }
        if is_public {
            setting.discs = discs.into_iter().map(|(disc, is_own)| setting.see(disc, is_own)).collect();
            let sound = setting.discs.iter().filter(|seen| seen.disc.is_sound());
            let glass = sound.map(|seen| seen.glass).filter(|countries| !countries.is_empty());
            setting.glass = glass.reduce(|left, by| left.intersection(&by)).filter(|_| !setting.is_shared());
        }
        setting
    }

    fn learn(&mut self, says: &Says) {
        if let Says::Announced { asn, kind, .. } = says {
            self.asn = self.asn.or(Some(*asn));
            self.kind = self.kind.max_sharing(*kind);
        }
        self.listed |= matches!(says, Says::Edge { .. } | Says::Anycast { .. });
    }

    /// A sound disc proves while nothing points to several sites and the network is no cloud; otherwise only the judged
    /// vantage's does, where it holds no foreign land.
    fn see(&self, disc: Disc<'a>, is_own: bool) -> Seen<'a> {
        let (vacuum, glass) = (disc.countries(Speed::Vacuum), disc.countries(Speed::Glass));
        let may_prove = if self.is_shared() {
            is_own && self.home.holds_all(&vacuum)
        } else {
            self.is_ordinary() || (is_own && self.home.holds_all(&vacuum))
        };
        Seen { disc, is_own, vacuum, glass, may_prove: may_prove && disc.is_sound() }
    }

    /// Whether several sites may answer for the address.
    pub fn is_shared(&self) -> bool {
        self.apart.is_some() || self.listed || self.kind == NetworkKind::Edge
    }

    /// Whether it is known that several sites answer for the address.
    pub fn is_edge(&self) -> bool {
        self.apart.is_some_and(|apart| apart.is_proof()) || self.listed || self.kind == NetworkKind::Edge
    }

    /// Whether what other vantages measured says something of what answers here.
    pub fn is_ordinary(&self) -> bool {
        !self.is_shared() && self.kind == NetworkKind::Ordinary
    }

    /// Whether the sound discs leave nothing of `countries` by light in glass.
    pub fn contradicts(&self, countries: &CountrySet) -> bool {
        self.glass.is_some_and(|left| left.intersection(countries).is_empty())
    }

    /// Whether a sound disc says something by light in glass.
    pub fn is_told_today(&self) -> bool {
        self.discs.iter().any(|seen| seen.disc.is_sound() && self.settles(&seen.glass))
    }

    /// Whether a set of countries is home alone, or leaves home out.
    pub fn settles(&self, countries: &CountrySet) -> bool {
        self.direction_of(countries).is_some()
    }

    /// Which way a set of countries points: 1 for home alone, -1 where home is left out, `None` for neither.
    pub fn direction_of(&self, countries: &CountrySet) -> Option<f64> {
        if self.home.holds_all(countries) {
            Some(1.0)
        } else {
            (self.home_is_drawn && self.home.holds_none(countries)).then_some(-1.0)
        }
    }

    /// `told` as a hint of `nats` towards `country`, or why it is none.
    pub fn hint(&self, told: Evidence<'a>, country: CountryCode, nats: f64) -> Evidence<'a> {
        if let Some(refutation) = self.refutation(country, Speed::Glass) {
            return Evidence { weight: Weight::Refuted, refutation: Some(refutation), ..told };
        }
        let at_home = self.home.contains(country);
        if self.is_shared() {
            Evidence { reservation: Some(Reservation::Shared), ..told }
        } else if at_home && self.kind == NetworkKind::Cloud {
            Evidence { reservation: Some(Reservation::CloudAtHome), ..told }
        } else {
            Evidence { nats: if at_home { nats } else { -nats }, country: Some(country), ..told }
        }
    }

    /// `told`, with a reservation where it is of a day that has not come.
    pub fn held_against_the_day(&self, told: Evidence<'a>) -> Evidence<'a> {
        let is_to_come = told.dated.is_some_and(|day| day > self.moment.to_zoned(TimeZone::UTC).date());
        if is_to_come { Evidence { reservation: Some(Reservation::NotYet), ..told } } else { told }
    }

    /// `told` as an attestation of `country`, or why it is none. A point of presence alone speaks for a shared address.
    pub fn attest(&self, told: Evidence<'a>, country: CountryCode) -> Evidence<'a> {
        let told = self.held_against_the_day(told);
        if told.reservation.is_some() {
            return told;
        }
        if let Some(refutation) = self.refutation(country, Speed::Vacuum) {
            return Evidence { weight: Weight::Refuted, refutation: Some(refutation), ..told };
        }
        if self.is_shared() && told.kind() != EvidenceKind::Pop {
            return Evidence { reservation: Some(Reservation::Shared), ..told };
        }
        Evidence { weight: Weight::Attested, country: Some(country), ..told }
    }

    /// Why the address cannot be in `country`: an answer that came too soon for that. A disc that touches no land refutes
    /// nothing: its vantage is not where it says.
    pub fn refutation(&self, country: CountryCode, speed: Speed) -> Option<Refutation<'a>> {
        if speed == Speed::Glass && self.glass.is_some_and(|left| left.is_empty()) {
            return None;
        }
        let speaks = speed == Speed::Glass || self.kind == NetworkKind::Ordinary;
        let applies = |seen: &&Seen<'_>| seen.disc.is_sound() && (seen.is_own || (!self.is_shared() && speaks));
        let seen = self.discs.iter().filter(applies).find(|seen| seen.excludes(country, speed))?;
        Some(Refutation { disc: seen.disc, speed })
    }
}

impl Seen<'_> {
    /// Whether the disc touches land, and none of `country`. One without any land in the borders is not excluded: nothing is
    /// known of where it is.
    fn excludes(&self, country: CountryCode, speed: Speed) -> bool {
        let touched = match speed {
            Speed::Vacuum => &self.vacuum,
            Speed::Glass => &self.glass,
        };
        !touched.is_empty() && !touched.contains(country) && self.disc.reach.distance_to(country).is_some()
    }
}

/// The first two discs of about the judged moment that by light in vacuum do not meet: sound ones, if there are two such.
fn apart<'a>(discs: impl Iterator<Item = Disc<'a>> + Clone) -> Option<Apart<'a>> {
    let of_the_day = discs.filter(|disc| disc.vantage.is_of_the_day());
    first_apart(&of_the_day.clone().filter(Disc::is_sound)).or_else(|| first_apart(&of_the_day))
}

fn first_apart<'a>(discs: &(impl Iterator<Item = Disc<'a>> + Clone)) -> Option<Apart<'a>> {
    discs.clone().enumerate().find_map(|(index, one)| {
        let other = discs.clone().skip(index + 1).find(|other| one.is_disjoint_from(other, Speed::Vacuum))?;
        Some(Apart { one, other })
    })
}

/// Two answers that cannot come from one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apart<'a> {
    /// The disc of the one.
    pub one: Disc<'a>,
    /// The disc of the other.
    pub other: Disc<'a>,
}

impl Apart<'_> {
    /// Whether that proves that several sites answer; otherwise somebody nearer may have answered in the name of one.
    pub fn is_proof(&self) -> bool {
        self.one.is_sound() && self.other.is_sound()
    }
}

/// An answer that came too soon for a claim to be true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refutation<'a> {
    /// The disc that does not reach what is claimed.
    pub disc: Disc<'a>,
    /// By which light.
    pub speed: Speed,
}

impl fmt::Display for Refutation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (radius, by) = (self.disc.radius(self.speed), self.speed.as_str());
        write!(f, "{} reaches no farther than {radius} by {by}", self.disc.measured())
    }
}
