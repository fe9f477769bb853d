//! Every hop of a path with what it shows: at home, abroad, or nothing.

use std::net::IpAddr;

use super::{Fact, Route, Standpoint, Step, steadiness, triangle};
use crate::location::Says;
use crate::location::claims::speak_for;
use crate::moment::Rtt;
use crate::network::AddressScope;
use crate::place::{CountryCode, CountrySet, Distance};

/// One hop, and where it is as far as its sources and light say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Its TTL.
    pub ttl: u8,
    /// Who answered, and the best time.
    pub answer: Option<(IpAddr, Rtt)>,
    /// The suffix minimum: the smallest time of this and of every later hop that shows that packets got as far. It bounds
    /// how far away the hop is, whatever its own answer took.
    pub bound: Option<Rtt>,
    /// Whether a public address answered.
    pub is_public: bool,
    /// What it shows.
    pub shows: Shows,
}

/// What a hop shows of where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Nobody answered.
    Silence,
    /// An address that is not public: it may be anywhere.
    Private,
    /// Every source that knows it puts it at home; or it answered too soon to be abroad.
    Home,
    /// Every source that knows it puts it abroad, and light leaves it the time to be in these countries.
    Abroad(CountrySet),
    /// Every source that knows it puts it abroad, in these countries, and light refutes them all: a registered country is
    /// not a place. It is at home or somewhere else abroad.
    Elsewhere(CountrySet),
    /// Nothing says where it is, or sources disagree.
    Nothing,
}

/// A path, each hop with what it shows.
#[derive(Clone, Debug)]
pub struct Trail<'a> {
    route: Route<'a>,
    hops: Vec<Hop>,
    /// Which of them are abroad, by their place among them.
    abroad: Vec<usize>,
    /// Every pair of those that cannot both be where their sources say.
    contradictions: Vec<Fact>,
    /// How far away the nearest land is that is not home, at the least; `None` where nobody knows where the vantage stands.
    foreign_land: Option<Distance>,
}

impl<'a> Trail<'a> {
    /// Looks at every hop of `route`.
    pub fn of(mut route: Route<'a>) -> Self {
        let steps = std::mem::take(&mut route.steps);
        let mut hops = Vec::with_capacity(steps.len());
        let mut bound: Option<Rtt> = None;
        for Step { ttl, answer, witnessed } in steps.into_iter().rev() {
            bound = bound.into_iter().chain(witnessed).min();
            let is_public = answer.is_some_and(|(address, _)| AddressScope::of(address).is_global());
            hops.push(Hop { ttl, answer, bound, is_public, shows: Shows::Silence });
        }
        hops.reverse();
        let nearest_foreign = |at: &Standpoint<'_>| at.reach.nearest_foreign(route.home).map(|(distance, _)| distance);
        let foreign_land = route.standpoint.as_ref().and_then(nearest_foreign);
        let mut trail = Self { route, hops, abroad: Vec::new(), contradictions: Vec::new(), foreign_land };
        let is_timely = steadiness::allows_short(&trail);
        for index in 0..trail.hops.len() {
            let Some(shows) = trail.hops.get(index).map(|hop| trail.shows(hop, is_timely)) else { continue };
            if let Some(hop) = trail.hops.get_mut(index) {
                hop.shows = shows;
            }
        }
        trail.abroad = trail.places_abroad();
        trail.contradictions = triangle::contradictions(&trail);
        trail
    }

    /// The hops, in order of TTL.
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// The hops that are abroad, the target excepted; one that answers at several TTLs is one hop, where it did so first.
    pub fn abroad(&self) -> impl Iterator<Item = &Hop> {
        self.abroad.iter().filter_map(|place| self.hops.get(*place))
    }

    /// Every pair of hops abroad that cannot both be where their sources say.
    pub(super) fn contradictions(&self) -> &[Fact] {
        &self.contradictions
    }

    fn places_abroad(&self) -> Vec<usize> {
        let address = |hop: &Hop| hop.answer.map(|(address, _)| address);
        let is_new =
            |place: &usize, hop: &Hop| self.hops.iter().take(*place).all(|earlier| address(earlier) != address(hop));
        let counts = |(place, hop): &(usize, &Hop)| {
            matches!(hop.shows, Shows::Abroad(_)) && !self.is_target(hop) && is_new(place, hop)
        };
        self.hops.iter().enumerate().filter(counts).map(|(place, _)| place).collect()
    }

    /// Whether it is the target that answered.
    pub fn is_target(&self, hop: &Hop) -> bool {
        hop.answer.is_some_and(|(address, _)| address == self.route.target)
    }

    /// The hop at which the target answered.
    pub(super) fn target(&self) -> Option<&Hop> {
        self.hops.iter().find(|hop| self.is_target(hop))
    }

    /// The smallest time of an answer from the target itself.
    pub(super) fn target_rtt(&self) -> Option<Rtt> {
        self.route.target_rtt
    }

    /// The hops from the first public one on.
    pub(super) fn beyond_the_first_public(&self) -> impl Iterator<Item = &Hop> {
        self.hops.iter().skip_while(|hop| !hop.is_public)
    }

    /// Whether every distance from the first was asked, so that nothing lies between two hops.
    pub(super) fn is_unbroken(&self) -> bool {
        (1_u16..).zip(&self.hops).all(|(ttl, hop)| u16::from(hop.ttl) == ttl)
    }

    pub(super) fn standpoint(&self) -> Option<&Standpoint<'a>> {
        self.route.standpoint.as_ref()
    }

    /// Whether the vantage is known to stand abroad.
    pub(super) fn stands_abroad(&self) -> bool {
        self.standpoint().is_some_and(|standpoint| {
            let nearest = standpoint.reach.nearest_home(self.route.home);
            nearest.is_some_and(|distance| distance > standpoint.position.uncertainty)
        })
    }

    pub(super) fn unsteady_by(&self) -> Rtt {
        self.route.unsteady_by
    }

    /// The TTL of the last hop that answered.
    pub(super) fn last_ttl(&self) -> u8 {
        self.hops.iter().rev().find(|hop| hop.answer.is_some()).map_or(0, |hop| hop.ttl)
    }

    /// Whether every source that knows the target puts it at home.
    pub(super) fn is_target_registered_at_home(&self) -> bool {
        self.route.home.holds_all(&self.countries(self.route.target))
    }

    /// Whether light leaves no foreign land for whatever answered in `rtt`.
    pub(super) fn is_too_soon_to_be_abroad(&self, rtt: Rtt) -> bool {
        self.standpoint().is_some_and(|standpoint| {
            let radius = standpoint.radius(rtt);
            self.foreign_land.is_none_or(|distance| distance > radius)
                && self.route.home.holds_all(&standpoint.reach.within(radius))
        })
    }

    /// The time within which a hop must be reachable to count as abroad: its bound, less what the trace is unsteady by.
    pub(super) fn time_to_be_abroad(&self, hop: &Hop) -> Option<Rtt> {
        hop.bound.map(|bound| bound.beyond(self.unsteady_by()))
    }

    fn shows(&self, hop: &Hop, is_timely: bool) -> Shows {
        let Some((address, _)) = hop.answer else { return Shows::Silence };
        if is_timely && hop.bound.is_some_and(|bound| self.is_too_soon_to_be_abroad(bound)) {
            return Shows::Home;
        }
        if !hop.is_public {
            return Shows::Private;
        }
        let countries = self.countries(address);
        if self.route.home.holds_all(&countries) {
            return Shows::Home;
        }
        let Some((standpoint, time)) = self.standpoint().zip(self.time_to_be_abroad(hop)) else {
            return Shows::Nothing;
        };
        if !self.route.home.holds_none(&countries) {
            return Shows::Nothing;
        }
        let radius = standpoint.radius(time);
        let can_be = |country: &CountryCode| standpoint.reach.distance_to(*country).is_none_or(|least| least <= radius);
        let possible: CountrySet = countries.iter().filter(can_be).collect();
        if possible.is_empty() { Shows::Elsewhere(countries) } else { Shows::Abroad(possible) }
    }

    /// Every country that a source names for an address; none when no source says where it is. The country of the network
    /// that announces it, and the place in its name, count where another source knows the address too.
    fn countries(&self, address: IpAddr) -> CountrySet {
        let (mut placed, mut announced, mut named) = (CountrySet::default(), None, None);
        let claims = self.route.claims.about(address);
        for claim in claims {
            match &claim.says {
                Says::Country(country)
                | Says::Registered { country, .. }
                | Says::Region { country, .. }
                | Says::Landmark { country, .. } => placed.insert(*country),
                Says::Geofeed { country, publisher: speaker, .. }
                | Says::Serving { country, operator: speaker, .. }
                    if speak_for(speaker, claims) =>
                {
                    placed.insert(*country);
                }
                Says::Named { country, operator, .. } if speak_for(operator, claims) => {
                    named = named.or(Some(*country));
                }
                Says::Announced { country, .. } => announced = announced.or(*country),
                Says::NoEntry
                | Says::Geofeed { .. }
                | Says::Serving { .. }
                | Says::Named { .. }
                | Says::Edge { .. }
                | Says::Anycast { .. }
                | Says::Delegated { .. } => {}
            }
        }
        if !placed.is_empty() {
            announced.into_iter().chain(named).for_each(|country| placed.insert(country));
        }
        placed
    }
}
