//! What the claims say of an address, as far as calibration cares: on which side of the border everybody has it, which
//! network it is in, and whether it is a landmark.
//!
//! Facts are joined, never replaced: whatever the order in which they come, the same remains, and sources that contradict
//! each other leave nothing known.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;

use crate::location::claims::speak_for;
use crate::location::{Claim, Says};
use crate::network::{Asn, NetworkKind};
use crate::place::{Coordinates, CountryCode, Home};
use crate::printable::Printable;

/// On which side of the border an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Home,
    Abroad,
}

/// A landmark, as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Landmark {
    pub(super) name: String,
    /// Unless it is declared in several.
    pub(super) country: Option<CountryCode>,
    pub(super) coordinates: Option<Coordinates>,
}

/// What a landmark is called, with its address where that is not its name.
pub(super) struct Called<'a>(pub(super) &'a str, pub(super) IpAddr);

impl fmt::Display for Called<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, address) = self;
        if name.parse() == Ok(*address) {
            return write!(f, "the landmark {address}");
        }
        write!(f, "the landmark {} ({address})", Printable(name))
    }
}

/// What counts once, however many addresses in it are known: the network that announces an address, or where nobody or
/// more than one is known to, its /24 or /48.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Neighbourhood {
    Announced(Asn),
    Prefix(IpNet),
}

/// What was named: the networks that announce an address, or the countries it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Named<T> {
    #[default]
    Nothing,
    One(T),
    Several,
}

/// What was said of one address.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    votes: Sides,
    attested: Sides,
    landmarks: Sides,
    kind: NetworkKind,
    is_listed: bool,
    announcers: Named<Asn>,
    /// The countries of those networks.
    of_network: Named<CountryCode>,
    /// The countries that everybody else names.
    of_others: Named<CountryCode>,
    /// What was declared; of several declarations the one that comes first by name.
    landmark: Option<Landmark>,
}

/// Which sides were named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sides {
    home: bool,
    abroad: bool,
}

impl Sides {
    fn name(&mut self, country: CountryCode, home: &Home) {
        if home.contains(country) { self.home = true } else { self.abroad = true }
    }

    fn join(&mut self, other: Self) {
        self.home |= other.home;
        self.abroad |= other.abroad;
    }

    fn are_none(self) -> bool {
        self == Self::default()
    }

    /// The only side named.
    fn only(self) -> Option<Side> {
        match (self.home, self.abroad) {
            (true, false) => Some(Side::Home),
            (false, true) => Some(Side::Abroad),
            (true, true) | (false, false) => None,
        }
    }
}

impl<T: Copy + PartialEq> Named<T> {
    fn join(&mut self, other: Self) {
        *self = match (*self, other) {
            (Self::Nothing, named) | (named, Self::Nothing) => named,
            (Self::One(a), Self::One(b)) if a == b => Self::One(a),
            (Self::One(_) | Self::Several, Self::One(_) | Self::Several) => Self::Several,
        };
    }

    /// What was named and nothing else.
    fn only(self) -> Option<T> {
        match self {
            Self::One(named) => Some(named),
            Self::Nothing | Self::Several => None,
        }
    }
}

impl Facts {
    /// What `claims`, which are all about one address, say on the day `today`.
    pub(super) fn of(claims: &[Claim], home: &Home, today: Date) -> Self {
        let mut facts = Self::default();
        for claim in claims {
            facts.take(claim, claims, home, today);
        }
        facts
    }

    fn take(&mut self, claim: &Claim, claims: &[Claim], home: &Home, today: Date) {
        let has_come = claim.dated.is_none_or(|day| day <= today);
        match &claim.says {
            // A feed counts for nothing where others than its publisher announce the address.
            Says::Geofeed { publisher, .. } if !speak_for(publisher, claims) => {}
            Says::Country(country) | Says::Geofeed { country, .. } => {
                self.votes.name(*country, home);
                self.of_others.join(Named::One(*country));
            }
            Says::Announced { asn, kind, country, countries, .. } => {
                self.announcers.join(Named::One(*asn));
                self.kind = self.kind.max_sharing(*kind);
                match country {
                    Some(country) => {
                        self.votes.name(*country, home);
                        self.of_network.join(Named::One(*country));
                    }
                    // Of a network in many countries hardly an address is in one that is not listed; a cloud lists its
                    // regions, and may have an edge anywhere.
                    None => self.votes.abroad |= *kind == NetworkKind::Ordinary && home.holds_none(countries),
                }
            }
            Says::Registered { country, .. } | Says::Region { country, .. } if has_come => {
                self.attested.name(*country, home);
                self.of_others.join(Named::One(*country));
            }
            Says::Named { operator, .. } if !speak_for(operator, claims) => {}
            Says::Named { country, .. } => self.of_others.join(Named::One(*country)),
            Says::Edge { .. } | Says::Anycast { .. } => self.is_listed = true,
            Says::Landmark { name, country, coordinates } => {
                self.landmarks.name(*country, home);
                self.of_others.join(Named::One(*country));
                let landmark = Landmark { name: name.clone(), country: Some(*country), coordinates: *coordinates };
                self.declare(landmark);
            }
            Says::NoEntry
            | Says::Registered { .. }
            | Says::Region { .. }
            | Says::Serving { .. }
            | Says::Delegated { .. } => {}
        }
    }

    /// Two declarations of different places leave the landmark without one.
    fn declare(&mut self, landmark: Landmark) {
        match &mut self.landmark {
            None => self.landmark = Some(landmark),
            Some(declared) => {
                let coordinates = declared.coordinates.filter(|_| declared.coordinates == landmark.coordinates);
                let country = declared.country.filter(|_| declared.country == landmark.country);
                if landmark.name < declared.name {
                    *declared = landmark;
                }
                (declared.country, declared.coordinates) = (country, coordinates);
            }
        }
    }

    /// Takes up what was said at another time.
    pub(super) fn join(&mut self, other: &Self) {
        self.votes.join(other.votes);
        self.attested.join(other.attested);
        self.landmarks.join(other.landmarks);
        self.kind = self.kind.max_sharing(other.kind);
        self.is_listed |= other.is_listed;
        self.announcers.join(other.announcers);
        self.of_network.join(other.of_network);
        self.of_others.join(other.of_others);
        if let Some(landmark) = other.landmark.as_ref().filter(|landmark| self.landmark.as_ref() != Some(landmark)) {
            self.declare(landmark.clone());
        }
    }

    /// Whether several sites may answer for the address.
    pub(super) fn is_shared(&self) -> bool {
        self.is_listed || self.kind == NetworkKind::Edge
    }

    /// The one network that announces it.
    pub(super) fn asn(&self) -> Option<Asn> {
        self.announcers.only()
    }

    /// The network in which `address`, which this is about, counts: addresses of one often stand together.
    pub(super) fn neighbourhood(&self, address: IpAddr) -> Neighbourhood {
        let length = if address.is_ipv4() { 24 } else { 48 };
        let prefix = || IpNet::new_assert(address, length).trunc();
        self.asn().map_or_else(|| Neighbourhood::Prefix(prefix()), Neighbourhood::Announced)
    }

    /// Its network, if that is an ordinary one and nothing says that the address is in several places.
    pub(super) fn ordinary_asn(&self) -> Option<Asn> {
        self.asn().filter(|_| !self.is_shared() && self.kind == NetworkKind::Ordinary)
    }

    /// Its network, if that is an ordinary one, and the country in which that network and everybody else have it.
    pub(super) fn unanimous(&self) -> Option<(Asn, CountryCode)> {
        let country = self.of_network.only().filter(|country| self.of_others.only() == Some(*country))?;
        Some((self.ordinary_asn()?, country))
    }

    /// The landmark that it is, unless several sites may answer for it or its declarations are at odds.
    pub(super) fn landmark(&self) -> Option<(&Landmark, Side)> {
        let side = self.landmarks.only().filter(|_| !self.is_shared())?;
        Some((self.landmark.as_ref()?, side))
    }

    /// Where everybody has it: by its declaration as a landmark, or else by who attests it, or else by every database
    /// and the country of its network, or the countries where none is home. A cloud's address that databases have at home may be an edge, and counts for
    /// nothing.
    pub(super) fn side(&self) -> Option<Side> {
        if self.is_shared() {
            None
        } else if !self.landmarks.are_none() {
            self.landmarks.only()
        } else if !self.attested.are_none() {
            self.attested.only()
        } else {
            self.votes.only().filter(|side| *side == Side::Abroad || self.kind == NetworkKind::Ordinary)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::source::regions::Cloud;
    use crate::place::CountrySet;

    fn country(code: &str) -> CountryCode {
        code.parse().unwrap()
    }

    fn says(code: &str) -> Says {
        Says::Country(country(code))
    }

    fn announced(asn: u32, kind: NetworkKind, code: Option<&str>) -> Says {
        let (name, countries) = ("Example".to_owned(), CountrySet::default());
        Says::Announced { asn: Asn(asn), name, kind, country: code.map(country), countries }
    }

    fn landmark(name: &str, code: &str, latitude: Option<f64>) -> Says {
        let coordinates = latitude.map(|latitude| Coordinates::new(latitude, 55.0).unwrap());
        Says::Landmark { name: name.to_owned(), country: country(code), coordinates }
    }

    fn facts(says: Vec<Says>) -> Facts {
        let about = "198.51.100.7".parse().unwrap();
        let dated = Some("2026-06-01".parse().unwrap());
        let claims: Vec<_> =
            says.into_iter().map(|says| Claim { about, source: "a test".to_owned(), dated, says }).collect();
        Facts::of(&claims, &Home::of(country("PK")), "2026-06-02".parse().unwrap())
    }

    #[test]
    fn a_landmark_that_is_named_after_its_address_is_called_so_once() {
        let told = |name| Called(name, "2001:db8::1".parse().unwrap()).to_string();
        assert_eq!(told("uae-ix"), "the landmark uae-ix (2001:db8::1)");
        assert_eq!(told("2001:0DB8::1"), "the landmark 2001:db8::1");
        assert_eq!(told("2001:db8::2"), "the landmark 2001:db8::2 (2001:db8::1)");
    }

    #[test]
    fn an_address_is_where_every_database_and_its_network_have_it() {
        use NetworkKind::{Cloud, Edge, Ordinary};
        for (said, side) in [
            (vec![says("AE")], Some(Side::Abroad)),
            (vec![says("AE"), says("DE")], Some(Side::Abroad)),
            (vec![says("AE"), says("PK")], None),
            (vec![says("AE"), announced(1, Ordinary, Some("PK"))], None),
            (vec![says("PK"), announced(1, Ordinary, Some("PK"))], Some(Side::Home)),
            (vec![says("PK"), announced(1, Cloud, None)], None),
            (vec![says("AE"), announced(1, Cloud, None)], Some(Side::Abroad)),
            (vec![says("AE"), announced(1, Edge, None)], None),
            (vec![says("AE"), Says::Anycast { prefix: "198.51.100.0/24".parse().unwrap() }], None),
            (vec![Says::NoEntry, announced(1, Ordinary, None)], None),
            (vec![Says::Delegated { registry: "apnic".to_owned(), country: country("PK") }], None),
        ] {
            assert_eq!(facts(said.clone()).side(), side, "{said:?}");
        }
    }

    #[test]
    fn a_network_of_many_countries_has_its_addresses_abroad_where_none_of_them_is_home() {
        use NetworkKind::{Cloud, Edge, Ordinary};
        let in_many = |kind, codes: &[&str]| {
            let (name, countries) = ("Example".to_owned(), codes.iter().copied().map(country).collect());
            Says::Announced { asn: Asn(1), name, kind, country: None, countries }
        };
        for (said, side) in [
            (vec![in_many(Ordinary, &["DE", "FI"])], Some(Side::Abroad)),
            (vec![says("DE"), in_many(Ordinary, &["DE", "FI"])], Some(Side::Abroad)),
            (vec![says("PK"), in_many(Ordinary, &["DE", "FI"])], None),
            (vec![says("PK"), in_many(Ordinary, &["DE", "PK"])], Some(Side::Home)),
            (vec![in_many(Ordinary, &["DE", "PK"])], None),
            (vec![in_many(Ordinary, &[])], None),
            (vec![in_many(Cloud, &["DE", "FI"])], None),
            (vec![says("DE"), in_many(Cloud, &["DE", "FI"])], Some(Side::Abroad)),
            (vec![in_many(Edge, &["DE", "FI"])], None),
        ] {
            assert_eq!(facts(said.clone()).side(), side, "{said:?}");
        }
    }

    #[test]
    fn who_attests_outdoes_databases_and_a_landmark_outdoes_both() {
        let region =
            |code| Says::Region { provider: Cloud::Aws, region: "me-central-1".to_owned(), country: country(code) };
        assert_eq!(facts(vec![says("PK"), region("AE")]).side(), Some(Side::Abroad));
        assert_eq!(facts(vec![says("PK"), region("AE"), landmark("x", "PK", None)]).side(), Some(Side::Home));
        assert_eq!(facts(vec![says("PK"), landmark("x", "AE", None), landmark("x", "PK", None)]).side(), None);
        let tomorrow = facts(vec![Says::NoEntry]);
        assert_eq!(tomorrow.side(), None);
    }

    #[test]
    fn what_is_dated_later_attests_nothing() {
        let claim = Claim {
            about: "198.51.100.7".parse().unwrap(),
            source: "register".to_owned(),
            dated: Some("2026-06-03".parse().unwrap()),
            says: Says::Registered { prefix: "198.51.100.0/24".parse().unwrap(), country: country("AE") },
        };
        let home = Home::of(country("PK"));
        assert_eq!(Facts::of(std::slice::from_ref(&claim), &home, "2026-06-02".parse().unwrap()).side(), None);
        let on_the_day = Facts::of(std::slice::from_ref(&claim), &home, "2026-06-03".parse().unwrap());
        assert_eq!(on_the_day.side(), Some(Side::Abroad));
    }

    #[test]
    fn only_what_its_network_and_everybody_else_name_is_unanimous() {
        let network = |code| announced(1, NetworkKind::Ordinary, code);
        let named = Says::Named {
            name: "fra1.example".to_owned(),
            code: "fra".to_owned(),
            place: "Frankfurt".to_owned(),
            country: country("DE"),
            operator: vec![Asn(1)],
        };
        for (said, code) in [
            (vec![says("PK"), says("PK"), network(Some("PK"))], Some("PK")),
            (vec![says("PK"), network(Some("PK")), Says::NoEntry], Some("PK")),
            (vec![says("PK"), says("IN"), network(Some("PK"))], None),
            (vec![says("PK"), network(Some("IN"))], None),
            (vec![says("PK"), network(Some("PK")), named], None),
            (vec![says("PK"), network(None)], None),
            (vec![network(Some("PK"))], None),
            (vec![says("PK"), announced(1, NetworkKind::Cloud, Some("PK"))], None),
        ] {
            assert_eq!(facts(said.clone()).unanimous(), code.map(|code| (Asn(1), country(code))), "{said:?}");
        }
    }

    #[test]
    fn addresses_of_one_network_or_of_one_prefix_are_neighbours() {
        let [one, two] = [1, 2].map(|asn| facts(vec![announced(asn, NetworkKind::Ordinary, None)]));
        let nobody = Facts::default();
        let mut both = one.clone();
        both.join(&two);
        let near = |(facts, address): (&Facts, &str), (others, other): (&Facts, &str)| {
            let at = |address: &str| address.parse().unwrap();
            facts.neighbourhood(at(address)) == others.neighbourhood(at(other))
        };
        assert!(near((&one, "198.51.100.7"), (&one, "203.101.184.1")));
        assert!(!near((&one, "198.51.100.7"), (&two, "198.51.100.7")));
        for unknown in [&nobody, &both] {
            assert!(near((unknown, "198.51.100.7"), (unknown, "198.51.100.250")));
            assert!(!near((unknown, "198.51.100.7"), (unknown, "198.51.101.7")));
            assert!(near((unknown, "2001:db8:1:2::1"), (unknown, "2001:db8:1:3::1")));
            assert!(!near((unknown, "2001:db8:1::1"), (unknown, "2001:db8:2::1")));
        }
    }

    #[test]
    fn joining_does_not_depend_on_the_order() {
        let all = [
            facts(vec![says("AE"), announced(1, NetworkKind::Ordinary, None)]),
            facts(vec![says("AE"), announced(2, NetworkKind::Cloud, None)]),
            facts(vec![landmark("b", "AE", Some(25.0))]),
            facts(vec![landmark("a", "AE", Some(26.0))]),
            facts(vec![landmark("c", "AE", None)]),
        ];
        let joined = |order: &[usize]| {
            let mut facts = Facts::default();
            for index in order {
                facts.join(&all[*index]);
            }
            facts
        };
        let forwards = joined(&[0, 1, 2, 3, 4]);
        assert_eq!(forwards, joined(&[4, 3, 2, 1, 0]));
        assert_eq!(forwards, joined(&[2, 4, 0, 3, 1, 2, 2]));
        assert_eq!(forwards.asn(), None, "two networks announce it");
        assert_eq!(
            forwards.landmark().map(|(landmark, _)| (landmark.name.as_str(), landmark.coordinates)),
            Some(("a", None))
        );
    }
}
