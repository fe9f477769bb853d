//! `[[landmark]]`: addresses of which is known where they are. They are measured as endpoints are, and say how far away
//! others are; nothing is judged of them. The configuration lists them, and so does a file of its own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::calibration::contradiction::LANDMARK_UNCERTAINTY_KM;
use crate::location::outlines::Outlines;
use crate::location::{Claim, Says};
use crate::network::AddressScope;
use crate::place::{Coordinates, CountryCode};

use super::document::Written;
use super::fault::{ConfigErrors, Fault, Faults, Spot};
use super::section::{self, At, Reading, Section};
use super::{value, vantage};

/// An address of which is known where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmark {
    /// The address.
    pub address: IpAddr,
    /// Its name in evidence.
    pub name: String,
    /// The country it is in.
    pub country: CountryCode,
    /// Where it stands, if that is known.
    pub coordinates: Option<Coordinates>,
    /// Who says so, in words that an auditor can follow.
    pub source: String,
    /// Where its country is written.
    pub spot: Spot,
}

impl Landmark {
    /// What is claimed of its address.
    pub fn claim(&self) -> Claim {
        let says = Says::Landmark { name: self.name.clone(), country: self.country, coordinates: self.coordinates };
        Claim { about: self.address, source: self.source.clone(), dated: None, says }
    }

    /// What is wrong with it by these borders: coordinates that are not in its country, nor near it.
    fn fault(&self, outlines: &Outlines) -> Option<Fault> {
        let at = self.coordinates.filter(|at| outlines.contains(*at) != Some(self.country))?;
        let away = outlines.reach(at).distance_to(self.country).filter(|away| away.km() > LANDMARK_UNCERTAINTY_KM)?;
        let message = format!("{} is {away} from {at}: correct the country or the coordinates", self.country);
        Some(Fault { spot: self.spot.clone(), message })
    }

    /// What is wrong with it beside another declaration of the same address: a place that is not the same.
    fn fault_beside(&self, other: &Self) -> Option<Fault> {
        let is_same = (self.country, self.coordinates) == (other.country, other.coordinates);
        let message = format!(
            "{} is declared {} here and {} in {}: correct one of them, or leave it out",
            self.address,
            self.place(),
            other.place(),
            other.spot
        );
        (!is_same).then(|| Fault { spot: self.spot.clone(), message })
    }

    /// Where it is declared to be.
    fn place(&self) -> String {
        let at = self.coordinates.map_or_else(String::new, |at| format!(" at {at}"));
        format!("in {}{at}", self.country)
    }
}

/// Refuses landmarks whose coordinates are not in the country that is declared, give or take [`LANDMARK_UNCERTAINTY_KM`].
/// Of a country without land on the map nothing can be said. Takes milliseconds for one that is abroad.
pub fn hold_against(landmarks: &[Landmark], outlines: &Outlines) -> Result<(), ConfigErrors> {
    let faults: Vec<_> = landmarks.iter().filter_map(|landmark| landmark.fault(outlines)).collect();
    if faults.is_empty() { Ok(()) } else { Err(ConfigErrors(faults)) }
}

/// Refuses `landmarks` that `others`, which are declared elsewhere, have at another place: neither would count.
pub fn hold_together(landmarks: &[Landmark], others: &[Landmark]) -> Result<(), ConfigErrors> {
    let others: BTreeMap<IpAddr, &Landmark> = others.iter().map(|other| (other.address, other)).collect();
    let faults: Vec<_> =
        landmarks.iter().filter_map(|landmark| landmark.fault_beside(others.get(&landmark.address)?)).collect();
    if faults.is_empty() { Ok(()) } else { Err(ConfigErrors(faults)) }
}

/// Reads a file that holds nothing but landmarks.
pub fn parse(written: &Written) -> Result<Vec<Landmark>, ConfigErrors> {
    let faults = Faults::default();
    let landmarks = section::read_document(written, &faults, |root| {
        let landmarks = read(root);
        if root.length("landmark") == 0 && !root.is_faulty("landmark") {
            faults.error(&root.document(), "no [[landmark]]: declare one, or leave the file out");
        }
        landmarks
    });
    faults.verdict()?;
    Ok(landmarks.unwrap_or_default().into_iter().map(|at| at.value).collect())
}

/// Reads the entries.
pub(super) fn read(root: &Section<'_>) -> Vec<At<Landmark>> {
    let (mut addresses, mut names) = (BTreeMap::new(), BTreeMap::new());
    let mut landmarks = Vec::new();
    for entry in root.sections("landmark") {
        let address = entry.require("address", "the address, such as address = \"185.1.8.1\"", address);
        let name = entry.require("name", "its name in evidence, such as name = \"uae-ix\"", value::text);
        let country = entry.require("country", "two letters, such as country = \"AE\"", value::country);
        let source = entry.require("source", "who says so, such as source = \"the operator's own page\"", value::text);
        let coordinates = vantage::coordinates(&entry);
        let address = address.filter(|address| is_first(&mut addresses, address, &entry));
        let name = name.filter(|name| is_first(&mut names, name, &entry));
        if let (Some(address), Some(name), Some(country), Some(source)) = (address, name, country, source) {
            let (name, source) = (name.value, source.value);
            let At { value: country, spot } = country;
            landmarks.push(address.map(|address| Landmark { address, name, country, coordinates, source, spot }));
        }
    }
    landmarks
}

/// Whether no landmark before has this address or name; otherwise that is reported.
fn is_first<T: Ord + Clone + std::fmt::Display>(
    taken: &mut BTreeMap<T, Spot>,
    it: &At<T>,
    entry: &Section<'_>,
) -> bool {
    if let Some(first) = taken.get(&it.value) {
        let message = format!("{} is that of another landmark already ({first}): leave one of them", it.value);
        entry.faults().error(&it.spot, message);
        return false;
    }
    taken.insert(it.value.clone(), it.spot.clone());
    true
}

fn address(value: &toml::de::DeValue<'_>) -> Reading<IpAddr> {
    let text = value::text(value)?;
    let address: Option<IpAddr> = text.parse().ok().map(|address: IpAddr| address.to_canonical());
    let address = address.ok_or_else(|| format!("{text:?} is not an address: write one, such as 185.1.8.1"))?;
    if AddressScope::of(address).is_global() {
        Ok(address)
    } else {
        Err(format!("{address} is no address of the Internet: name one that is reached over it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        "[[landmark]]\naddress = \"185.1.8.1\"\nname = \"uae-ix\"\ncountry = \"AE\"\nsource = \"its page\"\n";

    fn parsed(text: &str) -> Result<Vec<Landmark>, ConfigErrors> {
        parse(&Written { name: "marks.toml".to_owned(), bytes: text.into() })
    }

    #[test]
    fn a_landmark_is_a_claim_about_its_address() {
        let placed = format!("{ONE}latitude = 25.2\nlongitude = 55.3\n");
        for (text, coordinates) in [(ONE, None), (placed.as_str(), Some(Coordinates::new(25.2, 55.3).unwrap()))] {
            let landmarks = parsed(&text.replace("185.1.8.1", "::ffff:185.1.8.1")).unwrap();
            let claim = landmarks[0].claim();
            let (name, country) = ("uae-ix".to_owned(), "AE".parse().unwrap());
            assert_eq!(claim.says, Says::Landmark { name, country, coordinates });
            assert_eq!((claim.source.as_str(), claim.about), ("its page", "185.1.8.1".parse().unwrap()));
        }
    }

    #[test]
    fn a_fault_names_the_line_of_its_key_and_the_cure() {
        let with = |line: &str| format!("{ONE}{line}\n");
        let without = |key: &str| ONE.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
        let in_place = |from: &str, to: &str| ONE.replace(from, to);
        for (text, at) in [
            (with("height = 3"), "6: landmark.height: unknown key"),
            (with("latitude = 25.2"), "1: landmark.longitude: is missing beside its other half"),
            (with("longitude = 55\nlatitude = 95"), "7: landmark.latitude: 95 is out of range"),
            (with("latitude = \"25\"\nlongitude = 5"), "6: landmark.latitude: is a string here"),
            (without("source"), "1: landmark.source: is missing"),
            (without("address"), "1: landmark.address: is missing"),
            (in_place("185.1.8.1", "uae-ix.net"), "2: landmark.address: \"uae-ix.net\" is not an address"),
            (in_place("185.1.8.1", "10.0.0.1"), "2: landmark.address: 10.0.0.1 is no address of the Internet"),
            (in_place("\"AE\"", "\"UAE\""), "4: landmark.country: "),
            (in_place("\"AE\"", "\"ZZ\""), "4: landmark.country: ZZ is no country"),
            (in_place("uae-ix", " "), "3: landmark.name: is empty"),
            (
                format!("{ONE}{ONE}"),
                "7: landmark.address: 185.1.8.1 is that of another landmark already (marks.toml:2)",
            ),
            (format!("{ONE}[[landmark\n"), "6: "),
            ("landmarks = []\n".to_owned(), "1: landmarks: unknown key, did you mean \"landmark\"?"),
            ("landmark = 5\n".to_owned(), "1: landmark: must be a list of tables"),
        ] {
            let errors = parsed(&text).unwrap_err().to_string();
            assert!(
                errors.starts_with(&format!("marks.toml:{at}")) || errors.contains(&format!("\nmarks.toml:{at}")),
                "{text}: {errors}"
            );
        }
        assert_eq!(
            parsed("").unwrap_err().to_string(),
            "marks.toml: no [[landmark]]: declare one, or leave the file out"
        );
    }

    #[test]
    fn coordinates_outside_of_the_declared_country_are_refused() {
        let outlines = Outlines::decode(include_bytes!("../../geodb/borders.gz")).unwrap();
        let held = |country: &str, (latitude, longitude): (f64, f64)| {
            let at = format!("latitude = {latitude}\nlongitude = {longitude}\n");
            let landmarks = parsed(&format!("{}{at}", ONE.replace("\"AE\"", &format!("{country:?}")))).unwrap();
            hold_against(&landmarks, &outlines).map_err(|errors| errors.to_string())
        };
        let (karachi, wagah, reunion) = ((24.8607, 67.0011), (31.6047, 74.574), (-20.9, 55.5));
        let refused = held("DE", karachi).unwrap_err();
        let start = "marks.toml:4: landmark.country: DE is ";
        let end = " from 24.8607, 67.0011: correct the country or the coordinates";
        assert!(refused.starts_with(start) && refused.ends_with(end), "{refused}");
        for (country, at) in [("PK", karachi), ("PK", wagah), ("IN", wagah), ("FR", reunion), ("RE", reunion)] {
            assert_eq!(held(country, at), Ok(()), "{country} {at:?}");
        }
        assert_eq!(hold_against(&parsed(ONE).unwrap(), &outlines), Ok(()), "without coordinates nothing is said");
    }

    #[test]
    fn one_address_at_two_places_is_refused_with_both() {
        let held = |one: &str, other: &str| {
            let other = parse(&Written { name: "pehra.toml".to_owned(), bytes: format!("\n{other}").into() }).unwrap();
            hold_together(&parsed(one).unwrap(), &other).map_err(|errors| errors.to_string())
        };
        let placed = format!("{ONE}latitude = 25.2\nlongitude = 55.3\n");
        let (renamed, elsewhere) = (ONE.replace("uae-ix", "another"), ONE.replace("\"AE\"", "\"PK\""));
        for (one, other) in [(ONE, renamed.as_str()), (&placed, &placed), (ONE, &ONE.replace(".8.1", ".8.2"))] {
            assert_eq!(held(one, other), Ok(()), "{one} {other}");
        }
        let start = "marks.toml:4: landmark.country: 185.1.8.1 is declared in ";
        let end = " in pehra.toml:5: correct one of them, or leave it out";
        for (one, other, words) in [
            (&elsewhere, placed.as_str(), "PK here and in AE at 25.2000, 55.3000"),
            (&placed, ONE, "AE at 25.2000, 55.3000 here and in AE"),
        ] {
            assert_eq!(held(one, other), Err(format!("{start}{words}{end}")));
        }
    }
}
