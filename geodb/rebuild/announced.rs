//! Ranges of addresses with their networks, and where each network's addresses lie.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::IpAddr;

use jiff::Timestamp;
use maxminddb::{Reader, WithinOptions, path};
use pehra::edge::geodb::announcements::{Draft, DraftNetwork};
use pehra::network::Asn;
use pehra::place::{CountryCode, CountrySet};
use serde::Deserialize;

/// Longer names are cut: they are for people.
const NAME_CHARACTERS: usize = 80;

#[derive(Deserialize)]
struct Row {
    first: u128,
    last: u128,
    asn: u32,
    name: String,
}

/// Consecutive addresses, both ends included.
#[derive(Clone, Copy)]
struct Range<T> {
    first: u128,
    last: u128,
    of: T,
}

pub(crate) fn draft(v4: &[u8], v6: &[u8], country_mmdb: Vec<u8>, built: Timestamp) -> Result<Draft, Box<dyn Error>> {
    let mut names = BTreeMap::new();
    let (v4, v6) = (announced(v4, &mut names)?, announced(v6, &mut names)?);
    let database = Reader::from_source(country_mmdb)?;
    let (v4_spread, v6_spread) = (spread(&v4, &located(&database, true)?), spread(&v6, &located(&database, false)?));
    let networks: Vec<_> = names
        .into_iter()
        .map(|(asn, name)| {
            let spread = v4_spread.get(&asn).or_else(|| v6_spread.get(&asn)).copied().unwrap_or_default();
            let name = name.chars().take(NAME_CHARACTERS).collect();
            DraftNetwork { asn, name, country: spread.country, countries: spread.countries }
        })
        .collect();
    let starts = |ranges: &[Range<Asn>]| starts(ranges, &networks);
    let v4_starts = starts(&v4).into_iter().filter_map(|(start, at)| Some((u32::try_from(start).ok()?, at))).collect();
    let v6_starts = starts(&v6);
    Ok(Draft { built, networks, v4: v4_starts, v6: v6_starts })
}

fn announced(csv: &[u8], names: &mut BTreeMap<Asn, String>) -> Result<Vec<Range<Asn>>, Box<dyn Error>> {
    let mut ranges: Vec<Range<Asn>> = Vec::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    for row in reader.deserialize() {
        let Row { first, last, asn, name } = row?;
        if let Some(before) = ranges.last_mut().filter(|before| before.last >= first) {
            // Where two rows overlap, the later one is the more specific.
            if before.first >= first || before.last > last {
                return Err(format!("the rows of AS{asn} at {first} and before it lie within each other").into());
            }
            before.last = first - 1;
        }
        ranges.push(Range { first, last, of: Asn(asn) });
        names.insert(Asn(asn), name.replace('\n', " "));
    }
    Ok(ranges)
}

/// Where each range starts, with the place of its network in the list; gaps start with nobody.
fn starts(ranges: &[Range<Asn>], networks: &[DraftNetwork]) -> Vec<(u128, Option<u32>)> {
    let mut starts: Vec<(u128, Option<u32>)> = Vec::new();
    let mut free = 0;
    for range in ranges {
        if range.first > free {
            starts.push((free, None));
        }
        let place = networks.binary_search_by_key(&range.of, |network| network.asn).ok();
        let place = place.and_then(|place| u32::try_from(place).ok());
        if starts.last().is_none_or(|(_, before)| *before != place) {
            starts.push((range.first, place));
        }
        free = range.last.wrapping_add(1);
    }
    starts.push((free, None));
    starts
}

/// The country of every network of the database, in order of addresses.
fn located(database: &Reader<Vec<u8>>, v4: bool) -> Result<Vec<Range<CountryCode>>, Box<dyn Error>> {
    let whole = if v4 { "0.0.0.0/0" } else { "::/0" };
    let mut ranges = Vec::new();
    for found in database.within(whole.parse()?, WithinOptions::default())? {
        let found = found?;
        let code: Option<String> = found.decode_path(&path!["country_code"])?;
        let Some(of) = code.and_then(|code| code.parse().ok()) else { continue };
        let network = found.network()?;
        let (first, bits) = match network.ip() {
            IpAddr::V4(first) => (u128::from(first.to_bits()), 32),
            IpAddr::V6(first) => (first.to_bits(), 128),
        };
        if (bits == 32) == v4 {
            let host = u128::MAX.checked_shr(128 - bits + u32::from(network.prefix())).unwrap_or(0);
            ranges.push(Range { first, last: first | host, of });
        }
    }
    ranges.sort_by_key(|range| range.first);
    Ok(ranges)
}

/// Where the addresses of a network lie.
#[derive(Clone, Copy, Default)]
struct Spread {
    /// At least nine tenths of them.
    country: Option<CountryCode>,
    /// At least one in a hundred of them in each; empty where there is one with nine tenths.
    countries: CountrySet,
}

/// For each network that announces any of it, where its addresses lie.
fn spread(announced: &[Range<Asn>], located: &[Range<CountryCode>]) -> BTreeMap<Asn, Spread> {
    let mut shares: BTreeMap<Asn, (u128, BTreeMap<CountryCode, u128>)> = BTreeMap::new();
    for range in announced {
        let (total, by_country) = shares.entry(range.of).or_default();
        *total += range.last - range.first + 1;
        let from = located.partition_point(|l| l.last < range.first);
        for l in located.iter().skip(from).take_while(|l| l.first <= range.last) {
            *by_country.entry(l.of).or_default() += l.last.min(range.last) - l.first.max(range.first) + 1;
        }
    }
    shares.into_iter().map(|(asn, (total, by_country))| (asn, Spread::of(total, &by_country))).collect()
}

impl Spread {
    fn of(total: u128, by_country: &BTreeMap<CountryCode, u128>) -> Self {
        let country = by_country.iter().find(|(_, share)| total - **share <= total / 10).map(|(country, _)| *country);
        if country.is_some() {
            return Self { country, ..Self::default() };
        }
        let many = by_country.iter().filter(|(_, share)| **share >= total.div_ceil(100));
        Self { country, countries: many.map(|(country, _)| *country).collect() }
    }
}
