//! Where things can be: countries, sets of them, points on the globe and the distances between.
//!
//! Nothing here decides where an address *is*; that is [`crate::location`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Mean radius of the Earth in kilometres (IUGG R1), used for every great-circle distance.
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// How much shorter than on the sphere of [`EARTH_RADIUS_KM`] a way on the real Earth can be. The WGS 84 ellipsoid is most
/// curved along the meridian at the equator, where its radius is a(1 - e²) = 6335.439 km; of two ways of equal length on
/// the sphere the real one is nowhere shorter than by 6335.439 / 6371.009.
pub const ELLIPSOID: f64 = 0.994_416;

/// A country: two upper-case ASCII letters as in ISO 3166-1, user-assigned codes (`XK`) included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode([u8; 2]);

/// The codes that ISO 3166-1 assigns (November 2026), and the user-assigned ones in use here: Kosovo (`XK`), and three
/// pieces of land that the map in `geodb/` gives to nobody.
const ASSIGNED: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW \
    XK XP XR XS";

/// Why a text is not a country code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a country code: write two letters, such as PK")]
pub struct InvalidCountryCode(String);

impl CountryCode {
    /// Pakistan, the default home.
    pub const PAKISTAN: Self = Self(*b"PK");

    /// Whether the code stands for anything.
    pub fn is_assigned(self) -> bool {
        ASSIGNED.split(' ').any(|code| code == self.as_str())
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Its place among all pairs of letters: a word of a [`CountrySet`], and the bit in it.
    fn bit(self) -> (usize, u64) {
        let [first, second] = self.0.map(|letter| usize::from(letter.saturating_sub(b'A')));
        let place = first * LETTERS + second;
        (place / WORD, 1 << (place % WORD))
    }

    fn at(place: usize) -> Option<Self> {
        let letter = |index: usize| Some(b'A' + u8::try_from(index).ok()?);
        Some(Self([letter(place / LETTERS)?, letter(place % LETTERS)?]))
    }
}

impl FromStr for CountryCode {
    type Err = InvalidCountryCode;

    /// Accepts two ASCII letters in either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(InvalidCountryCode(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<String> for CountryCode {
    type Error = InvalidCountryCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CountryCode> for String {
    fn from(code: CountryCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of countries in alphabetical order; the empty set means "we cannot tell". One bit for each pair of letters, so
/// that sets are compared, met and copied without allocation.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Vec<CountryCode>", into = "Vec<CountryCode>")]
pub struct CountrySet([u64; WORDS]);

const LETTERS: usize = 26;

const WORD: usize = 64;

/// Enough words for every pair of letters.
const WORDS: usize = (LETTERS * LETTERS).div_ceil(WORD);

impl CountrySet {
    /// Whether the set names no country.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// How many countries it names.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether it names `country`.
    pub fn contains(&self, country: CountryCode) -> bool {
        let (word, bit) = country.bit();
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds a country.
    pub fn insert(&mut self, country: CountryCode) {
        let (word, bit) = country.bit();
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    /// The countries, in order.
    pub fn iter(&self) -> impl Iterator<Item = CountryCode> + '_ {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let named = std::iter::successors(Some(*word), |left| Some(left & left.wrapping_sub(1)));
            let named = named.take_while(|left| *left != 0);
            named.filter_map(move |left| CountryCode::at(index * WORD + left.trailing_zeros() as usize))
        })
    }

    /// The countries named by both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = *self;
        for (word, other) in both.0.iter_mut().zip(other.0) {
            *word &= other;
        }
        both
    }

    /// Whether `other` names every country that this names.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(word, other)| word & !other == 0)
    }
}

impl FromIterator<CountryCode> for CountrySet {
    fn from_iter<I: IntoIterator<Item = CountryCode>>(countries: I) -> Self {
        let mut set = Self::default();
        for country in countries {
            set.insert(country);
        }
        set
    }
}

impl From<Vec<CountryCode>> for CountrySet {
    fn from(countries: Vec<CountryCode>) -> Self {
        countries.into_iter().collect()
    }
}

impl From<CountrySet> for Vec<CountryCode> {
    fn from(countries: CountrySet) -> Self {
        countries.iter().collect()
    }
}

impl fmt::Debug for CountrySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for CountrySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, country) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{country}")?;
        }
        Ok(())
    }
}

/// The countries that count as home. Usually one; policy may say more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Home(CountrySet);

impl Home {
    /// One country is home.
    pub fn of(country: CountryCode) -> Self {
        Self(std::iter::once(country).collect())
    }

    /// Several countries are home.
    pub fn of_all(countries: CountrySet) -> Self {
        Self(countries)
    }

    /// Whether `country` is home.
    pub fn contains(&self, country: CountryCode) -> bool {
        self.0.contains(country)
    }

    /// Whether every country of a non-empty set is home.
    pub fn holds_all(&self, countries: &CountrySet) -> bool {
        !countries.is_empty() && countries.is_subset(&self.0)
    }

    /// Whether no country of a non-empty set is home.
    pub fn holds_none(&self, countries: &CountrySet) -> bool {
        !countries.is_empty() && countries.intersection(&self.0).is_empty()
    }

    /// The home countries.
    pub fn countries(&self) -> &CountrySet {
        &self.0
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A length on the surface of the Earth in kilometres, finite and never negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Distance(f64);

/// Why a number that was read back is no distance.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} km is no distance: it is 0 or more")]
pub struct InvalidDistance(f64);

impl TryFrom<f64> for Distance {
    type Error = InvalidDistance;

    fn try_from(km: f64) -> Result<Self, Self::Error> {
        if km.is_finite() && km >= 0.0 { Ok(Self(km)) } else { Err(InvalidDistance(km)) }
    }
}

impl From<Distance> for f64 {
    fn from(distance: Distance) -> Self {
        distance.0
    }
}

impl Distance {
    /// No distance.
    pub const ZERO: Self = Self(0.0);

    /// `km` kilometres; anything below zero or not a number is zero.
    pub fn from_km(km: f64) -> Self {
        Self(if km.is_finite() { km.max(0.0) } else { 0.0 })
    }

    /// In kilometres.
    pub fn km(self) -> f64 {
        self.0
    }
}

impl std::ops::Add for Distance {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} km", self.0)
    }
}

/// A point on the globe: latitude -90 to 90 degrees north, longitude -180 to 180 degrees east.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Degrees")]
pub struct Coordinates {
    latitude: f64,
    longitude: f64,
}

/// Coordinates as written: any two numbers.
#[derive(Deserialize)]
struct Degrees {
    latitude: f64,
    longitude: f64,
}

impl TryFrom<Degrees> for Coordinates {
    type Error = InvalidCoordinates;

    fn try_from(written: Degrees) -> Result<Self, Self::Error> {
        Self::new(written.latitude, written.longitude)
    }
}

/// Why a pair of numbers is not a point on the globe.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InvalidCoordinates {
    /// Latitude outside -90 to 90 degrees.
    #[error("{0} is not a latitude: write degrees north, -90 to 90")]
    Latitude(f64),
    /// Longitude outside -180 to 180 degrees.
    #[error("{0} is not a longitude: write degrees east, -180 to 180")]
    Longitude(f64),
}

impl Coordinates {
    /// Degrees north and degrees east.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, InvalidCoordinates> {
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(InvalidCoordinates::Latitude(latitude));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(InvalidCoordinates::Longitude(longitude));
        }
        Ok(Self { latitude, longitude })
    }

    /// Degrees north.
    pub fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    pub fn longitude(self) -> f64 {
        self.longitude
    }

    /// A lower bound of the distance on the real Earth: for proofs.
    pub fn least_distance_to(self, other: Self) -> Distance {
        Distance::from_km(self.distance_to(other).km() * ELLIPSOID)
    }

    /// An upper bound of the distance that takes no trigonometry: along the meridian, then along the equator at the most.
    pub fn most_distance_to(self, other: Self) -> Distance {
        let (north, east) = ((self.latitude - other.latitude).abs(), (self.longitude - other.longitude).abs());
        Distance::from_km((north + east.min(360.0 - east)).to_radians() * EARTH_RADIUS_KM)
    }

    /// The great-circle distance (haversine, on a sphere of [`EARTH_RADIUS_KM`]).
    pub fn distance_to(self, other: Self) -> Distance {
        let (lat1, lat2) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_lat = ((lat2 - lat1) / 2.0).sin();
        let half_lon = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let chord = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lon * half_lon;
        Distance::from_km(2.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin())
    }
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4}, {:.4}", self.latitude, self.longitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn country_codes_are_two_letters_and_upper_case() {
        assert_eq!("pk".parse::<CountryCode>().unwrap().as_str(), "PK");
        for wrong in ["", "P", "PAK", "P1", "پک", "P\u{0}"] {
            assert!(wrong.parse::<CountryCode>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn letters_that_stand_for_no_country_are_known_as_such() {
        for code in ["PK", "AE", "XK", "ZW", "AD"] {
            assert!(code.parse::<CountryCode>().unwrap().is_assigned(), "{code}");
        }
        for code in ["XX", "ZZ", "AA", "UK"] {
            assert!(!code.parse::<CountryCode>().unwrap().is_assigned(), "{code}");
        }
        assert!(ASSIGNED.split(' ').all(|code| code.len() == 2), "{ASSIGNED}");
    }

    #[test]
    fn a_set_of_no_countries_is_neither_home_nor_abroad() {
        let home = Home::of("PK".parse().unwrap());
        assert!(!home.holds_all(&CountrySet::default()));
        assert!(!home.holds_none(&CountrySet::default()));
    }

    #[test]
    fn there_is_no_latitude_of_95_degrees() {
        assert_eq!(Coordinates::new(95.0, 70.0), Err(InvalidCoordinates::Latitude(95.0)));
        assert!(Coordinates::new(f64::NAN, 70.0).is_err());
        assert_eq!(Coordinates::new(30.0, 181.0), Err(InvalidCoordinates::Longitude(181.0)));
    }

    #[test]
    fn what_is_read_back_is_checked_as_well() {
        assert!(serde_json::from_str::<Coordinates>(r#"{"latitude":400.0,"longitude":0.0}"#).is_err());
        assert_eq!(serde_json::from_str::<Distance>("5.0").unwrap(), Distance::from_km(5.0));
        let error = serde_json::from_str::<Distance>("-5.0").unwrap_err().to_string();
        assert!(error.starts_with("-5 km is no distance"), "{error}");
    }

    #[test]
    fn no_way_along_a_meridian_and_the_equator_is_shorter_than_the_straight_one() {
        let points =
            [(24.9, 67.0), (31.6, 74.4), (-33.9, 151.2), (64.1, -21.9), (0.0, 180.0), (0.0, -180.0), (90.0, 3.0)];
        let points = points.map(|(north, east)| Coordinates::new(north, east).unwrap());
        for (a, b) in points.iter().flat_map(|a| points.iter().map(move |b| (a, b))) {
            assert!(a.most_distance_to(*b).km() >= a.distance_to(*b).km() - 1e-6, "{a} to {b}");
        }
    }

    #[test]
    fn karachi_is_1035_km_from_lahore() {
        let karachi = Coordinates::new(24.8608, 67.0104).unwrap();
        let lahore = Coordinates::new(31.558, 74.3507).unwrap();
        assert!((karachi.distance_to(lahore).km() - 1035.0).abs() < 2.0);
    }
}
