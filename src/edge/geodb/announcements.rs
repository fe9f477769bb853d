//! Who announces an address: sorted ranges, each with its network, held in some ten megabytes.
//!
//! As bytes: one line of JSON that says what follows, then columns of fixed width, little-endian, all gzipped. For each
//! network its number (u32), then the two letters of the country of nearly all its addresses (zeros for none), then in how
//! many countries the addresses of one without such a country lie (u8); the two letters of each of these; the names, each
//! ended by a line feed; for each range of IPv4 how far it starts after the one before (u32), then its network's place
//! plus one, zero for nobody (u32); the same for IPv6, with the starts themselves (u128).

use std::io::{Read, Write};
use std::net::IpAddr;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::network::Asn;
use crate::place::{CountryCode, CountrySet};

/// The most bytes that a table may inflate to: several times the routing table of today.
const INFLATED: u64 = 64 << 20;

/// The version of the form above.
const FORMAT: u32 = 2;

/// Who announces what.
#[derive(Debug)]
pub struct Announcements {
    sha256: Digest,
    built: Timestamp,
    asns: Vec<Asn>,
    countries: Vec<Option<CountryCode>>,
    /// The countries of networks without one that has nearly all, one network's after the other's.
    spread: Vec<CountryCode>,
    spread_ends: Vec<u32>,
    names: String,
    name_ends: Vec<u32>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

/// Ranges of addresses: each reaches to the start of the next.
#[derive(Debug)]
struct Ranges<A> {
    starts: Vec<A>,
    /// The place of the network in the list plus one; zero for nobody.
    networks: Vec<u32>,
}

/// A network of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcer<'a> {
    /// Its number.
    pub asn: Asn,
    /// What it is called.
    pub name: &'a str,
    /// Where at least nine tenths of the addresses it announces lie.
    pub country: Option<CountryCode>,
    /// Where there is no such country: those in each of which at least one in a hundred of these addresses lie.
    pub countries: CountrySet,
}

/// Why bytes are not a table of announcements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnouncementsError {
    /// Not gzip, cut short, or larger than any routing table.
    #[error("inflate the table: not gzip, cut short, or too large")]
    Inflate,
    /// The first line is not what it should be.
    #[error("read the header of the table: {0}")]
    Header(String),
    /// The columns are shorter or longer than the header says, out of order, or name a network that does not exist.
    #[error("read the table: {0}")]
    Columns(&'static str),
}

/// A table on its way to become bytes.
#[derive(Clone, Debug)]
pub struct Draft {
    /// When its source was built.
    pub built: Timestamp,
    /// The networks by number.
    pub networks: Vec<DraftNetwork>,
    /// The starts of the ranges of IPv4, each with the place of its network, `None` for nobody.
    pub v4: Vec<(u32, Option<u32>)>,
    /// The same for IPv6.
    pub v6: Vec<(u128, Option<u32>)>,
}

/// A network of a table on its way to become bytes.
#[derive(Clone, Debug)]
pub struct DraftNetwork {
    /// Its number.
    pub asn: Asn,
    /// What it is called: one line.
    pub name: String,
    /// Where at least nine tenths of the addresses it announces lie.
    pub country: Option<CountryCode>,
    /// Where there is no such country: those in each of which at least one in a hundred of these addresses lie.
    pub countries: CountrySet,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    built: Timestamp,
    networks: u32,
    spread: u32,
    names: u32,
    ipv4: u32,
    ipv6: u32,
}

impl Draft {
    /// The bytes, the same every time.
    pub fn encode(&self) -> std::io::Result<Vec<u8>> {
        let count = |length: usize| u32::try_from(length).map_err(std::io::Error::other);
        let header = Header {
            format: FORMAT,
            built: self.built,
            networks: count(self.networks.len())?,
            spread: count(self.networks.iter().map(|network| network.countries.len()).sum())?,
            names: count(self.networks.iter().map(|network| network.name.len() + 1).sum())?,
            ipv4: count(self.v4.len())?,
            ipv6: count(self.v6.len())?,
        };
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        serde_json::to_writer(&mut out, &header)?;
        out.write_all(b"\n")?;
        self.write_spread(&mut out)?;
        for network in &self.networks {
            out.write_all(network.name.as_bytes())?;
            out.write_all(b"\n")?;
        }
        let mut last = 0;
        for (start, _) in &self.v4 {
            out.write_all(&start.wrapping_sub(last).to_le_bytes())?;
            last = *start;
        }
        write_networks(&mut out, self.v4.iter().map(|(_, network)| *network))?;
        for (start, _) in &self.v6 {
            out.write_all(&start.to_le_bytes())?;
        }
        write_networks(&mut out, self.v6.iter().map(|(_, network)| *network))?;
        out.finish()
    }

    /// The numbers of the networks, and where their addresses lie.
    fn write_spread(&self, out: &mut impl Write) -> std::io::Result<()> {
        for network in &self.networks {
            out.write_all(&network.asn.0.to_le_bytes())?;
        }
        for network in &self.networks {
            out.write_all(network.country.as_ref().map_or("\0\0", CountryCode::as_str).as_bytes())?;
        }
        for network in &self.networks {
            out.write_all(&[u8::try_from(network.countries.len()).map_err(std::io::Error::other)?])?;
        }
        let mut countries = self.networks.iter().flat_map(|network| network.countries.iter());
        countries.try_for_each(|country| out.write_all(country.as_str().as_bytes()))
    }
}

fn write_networks(out: &mut impl Write, places: impl Iterator<Item = Option<u32>>) -> std::io::Result<()> {
    places.map(|place| place.map_or(0, |place| place + 1)).try_for_each(|place| out.write_all(&place.to_le_bytes()))
}

impl Announcements {
    /// Reads a table as `geodb/rebuild.sh` writes it, gzipped.
    pub fn decode(bytes: &[u8]) -> Result<Self, AnnouncementsError> {
        let mut inflated = Vec::new();
        let read = GzDecoder::new(bytes).take(INFLATED + 1).read_to_end(&mut inflated);
        if read.is_err() || inflated.len() as u64 > INFLATED {
            return Err(AnnouncementsError::Inflate);
        }
        parse(&inflated, Digest::of_bytes(bytes))
    }

    /// Of the bytes as they were given to [`Announcements::decode`].
    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    /// When its source was built.
    pub fn built(&self) -> Timestamp {
        self.built
    }

    /// How many ranges somebody announces.
    pub fn entries(&self) -> usize {
        self.v4.announced() + self.v6.announced()
    }

    /// Who announces `address`.
    pub fn announcer(&self, address: IpAddr) -> Option<Announcer<'_>> {
        let network = match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.network(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.network(v6.to_bits()),
        };
        self.at(network?)
    }

    /// The network with this number.
    pub fn network(&self, asn: Asn) -> Option<Announcer<'_>> {
        self.at(self.asns.binary_search(&asn).ok()?)
    }

    fn at(&self, place: usize) -> Option<Announcer<'_>> {
        let end = *self.name_ends.get(place)? as usize;
        let before = |ends: &[u32]| place.checked_sub(1).and_then(|before| ends.get(before)).map(|end| *end as usize);
        let name = self.names.get(before(&self.name_ends).map_or(0, |end| end + 1)..end)?;
        let countries =
            self.spread.get(before(&self.spread_ends).unwrap_or(0)..*self.spread_ends.get(place)? as usize)?;
        let (asn, country) = (*self.asns.get(place)?, *self.countries.get(place)?);
        Some(Announcer { asn, name, country, countries: countries.iter().copied().collect() })
    }
}

impl<A: Ord + Copy> Ranges<A> {
    fn network(&self, address: A) -> Option<usize> {
        let range = self.starts.partition_point(|start| *start <= address).checked_sub(1)?;
        self.networks.get(range)?.checked_sub(1).map(|place| place as usize)
    }

    fn announced(&self) -> usize {
        self.networks.iter().filter(|place| **place != 0).count()
    }

    fn check(&self, networks: usize) -> Result<(), AnnouncementsError> {
        if !self.starts.is_sorted_by(|a, b| a < b) {
            return Err(AnnouncementsError::Columns("the ranges are not in order"));
        }
        if self.networks.iter().any(|place| *place as usize > networks) {
            return Err(AnnouncementsError::Columns("a range names a network that does not exist"));
        }
        Ok(())
    }
}

fn parse(inflated: &[u8], sha256: Digest) -> Result<Announcements, AnnouncementsError> {
    let end = inflated.iter().position(|b| *b == b'\n').unwrap_or(inflated.len());
    let (header, rest) = inflated.split_at(end);
    let header: Header = serde_json::from_slice(header).map_err(|e| AnnouncementsError::Header(e.to_string()))?;
    if header.format != FORMAT {
        let fault = format!("format {} where this version reads format {FORMAT}", header.format);
        return Err(AnnouncementsError::Header(fault));
    }
    let mut columns = Columns(rest.get(1..).unwrap_or_default());
    let asns: Vec<Asn> = columns.u32s(header.networks)?.map(Asn).collect();
    let countries = columns.cut(2, header.networks)?.as_chunks().0.iter().copied().map(country).collect();
    let spread_ends = ends(columns.cut(1, header.networks)?);
    let spread = columns.cut(2, header.spread)?.as_chunks().0.iter().copied().map(country).collect::<Option<_>>();
    let spread: Vec<_> = spread.ok_or(AnnouncementsError::Columns("a country is not two letters"))?;
    let names = columns.cut(1, header.names)?.to_vec();
    let names = String::from_utf8(names).map_err(|_| AnnouncementsError::Columns("a name is not UTF-8"))?;
    let v4_starts = columns.u32s(header.ipv4)?.scan(0u32, |at, step| {
        *at = at.wrapping_add(step);
        Some(*at)
    });
    let v4 = Ranges { starts: v4_starts.collect(), networks: columns.u32s(header.ipv4)?.collect() };
    let v6_starts = columns.cut(16, header.ipv6)?.as_chunks().0.iter().map(|start| u128::from_le_bytes(*start));
    let v6 = Ranges { starts: v6_starts.collect(), networks: columns.u32s(header.ipv6)?.collect() };
    let name_ends: Vec<u32> =
        (0u32..).zip(names.bytes()).filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
    if name_ends.len() != asns.len() || !columns.0.is_empty() {
        return Err(AnnouncementsError::Columns("more or fewer names or bytes than the header says"));
    }
    if spread_ends.last().map_or(0, |end| *end as usize) != spread.len() {
        return Err(AnnouncementsError::Columns("more or fewer countries than the header says"));
    }
    if !asns.is_sorted_by(|a, b| a < b) {
        return Err(AnnouncementsError::Columns("the networks are not in order"));
    }
    v4.check(asns.len())?;
    v6.check(asns.len())?;
    let built = header.built;
    Ok(Announcements { sha256, built, asns, countries, spread, spread_ends, names, name_ends, v4, v6 })
}

/// Where the countries of each network end, in a list of all.
fn ends(lengths: &[u8]) -> Vec<u32> {
    let grow = |end: &mut u32, length: &u8| {
        *end = end.saturating_add(u32::from(*length));
        Some(*end)
    };
    lengths.iter().scan(0, grow).collect()
}

fn country(letters: [u8; 2]) -> Option<CountryCode> {
    std::str::from_utf8(&letters).ok()?.parse().ok()
}

/// The columns that have not been read yet.
struct Columns<'a>(&'a [u8]);

impl<'a> Columns<'a> {
    fn cut(&mut self, width: usize, rows: u32) -> Result<&'a [u8], AnnouncementsError> {
        let cut = width.checked_mul(rows as usize).and_then(|length| self.0.split_at_checked(length));
        let (column, rest) = cut.ok_or(AnnouncementsError::Columns("fewer bytes than the header says"))?;
        self.0 = rest;
        Ok(column)
    }

    fn u32s(&mut self, rows: u32) -> Result<impl Iterator<Item = u32> + use<'a>, AnnouncementsError> {
        Ok(self.cut(4, rows)?.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draft() -> Draft {
        let network = |asn, name: &str, country: &str, countries: &[&str]| DraftNetwork {
            asn: Asn(asn),
            name: name.to_owned(),
            country: country.parse().ok(),
            countries: countries.iter().map(|country| country.parse::<CountryCode>().unwrap()).collect(),
        };
        let networks = vec![
            network(7, "Seven", "PK", &[]),
            network(9541, "Cybernet, پاکستان", "", &["AE", "PK"]),
            network(23888, "", "PK", &[]),
            network(24940, "Hetzner", "", &["DE", "FI", "US"]),
        ];
        let v4 = vec![(0, None), (0x0100_0000, Some(1)), (0x0200_0000, Some(2)), (0x0300_0000, None)];
        let v6 = vec![(0, None), (0x2400 << 112, Some(0)), (0x2401 << 112, None)];
        Draft { built: Timestamp::UNIX_EPOCH, networks, v4, v6 }
    }

    fn announced(table: &Announcements, address: &str) -> Option<u32> {
        table.announcer(address.parse().unwrap()).map(|announcer| announcer.asn.0)
    }

    #[test]
    fn a_range_reaches_to_the_start_of_the_next() {
        let table = Announcements::decode(&draft().encode().unwrap()).unwrap();
        for (address, asn) in [
            ("0.255.255.255", None),
            ("1.0.0.0", Some(9541)),
            ("1.255.255.255", Some(9541)),
            ("2.0.0.0", Some(23888)),
            ("3.0.0.0", None),
            ("255.255.255.255", None),
            ("::ffff:1.2.3.4", Some(9541)),
            ("23ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
            ("2400::", Some(7)),
            ("2400:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(7)),
            ("2401::", None),
        ] {
            assert_eq!(announced(&table, address), asn, "{address}");
        }
        assert_eq!(table.entries(), 3);
    }

    #[test]
    fn a_network_is_found_by_its_number() {
        let table = Announcements::decode(&draft().encode().unwrap()).unwrap();
        let (country, countries) = ("PK".parse().ok(), CountrySet::default());
        let seven = Announcer { asn: Asn(7), name: "Seven", country, countries };
        assert_eq!(table.network(Asn(7)), Some(seven));
        assert_eq!(table.network(Asn(9541)).map(|n| n.name), Some("Cybernet, پاکستان"));
        assert_eq!(table.network(Asn(23888)).map(|n| n.name), Some(""));
        assert_eq!(table.network(Asn(8)), None);
    }

    #[test]
    fn a_network_of_several_countries_has_each_of_them_and_no_other() {
        let table = Announcements::decode(&draft().encode().unwrap()).unwrap();
        let of = |asn| table.network(Asn(asn)).map(|network| (network.country, network.countries.to_string()));
        let (home, none) = ("PK".parse().ok(), String::new());
        assert_eq!(of(7), Some((home, none.clone())));
        assert_eq!(of(9541), Some((None, "AE, PK".to_owned())));
        assert_eq!(of(23888), Some((home, none)));
        assert_eq!(of(24940), Some((None, "DE, FI, US".to_owned())));
    }

    #[test]
    fn ranges_out_of_order_and_networks_that_do_not_exist_are_errors() {
        let mut swapped = draft();
        swapped.v6.swap(1, 2);
        let mut unknown = draft();
        unknown.v4[1].1 = Some(4);
        let mut unsorted = draft();
        unsorted.networks.swap(0, 1);
        for draft in [swapped, unknown, unsorted] {
            assert!(matches!(Announcements::decode(&draft.encode().unwrap()), Err(AnnouncementsError::Columns(_))));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_table_is_a_table_or_an_error(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(), asked in any::<u32>(),
        ) {
            let (mut bytes, whole) = (Vec::new(), draft().encode().unwrap());
            GzDecoder::new(&whole[..]).read_to_end(&mut bytes).unwrap();
            for (index, byte) in damage {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            if let Ok(table) = parse(&bytes, Digest::ZERO) {
                let _ = table.announcer(IpAddr::from(asked.to_be_bytes()));
                let _ = table.network(Asn(asked));
            }
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(parse(&bytes, Digest::ZERO).is_err());
            prop_assert!(Announcements::decode(&whole[..cut.index(whole.len())]).is_err());
        }
    }
}
