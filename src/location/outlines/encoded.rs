//! A map as bytes: one line of JSON that says what follows, then columns of fixed width, all gzipped.
//!
//! The columns, little-endian: for each line the number of its points (u32); for each ownership the line (u32), then for
//! each the country (u16); for each point how far east of the one before it is (i32), then for each how far north (i32).
//! The first point of a line counts from the origin of the grid.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::Outlines;
use super::apart::Apart;
use super::line::{Corner, Line, SEGMENTS};
use crate::digest::Digest;
use crate::location::OutlinesId;
use crate::place::{CountryCode, Distance};

/// The most bytes that a map may inflate to: ten times what the most detailed map we know takes.
const INFLATED: u64 = 64 << 20;

/// The version of the form above.
const FORMAT: u32 = 1;

/// Why bytes are not a map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutlinesError {
    /// Not gzip, cut short, or larger than any map.
    #[error("inflate the borders: not gzip, cut short, or too large")]
    Inflate,
    /// The first line is not what it should be.
    #[error("read the header of the borders: {0}")]
    Header(String),
    /// The columns are not as long as the header says.
    #[error("read the borders: {found} bytes of columns where the header says {expected}")]
    Length {
        /// What the header says.
        expected: u64,
        /// What there is.
        found: usize,
    },
    /// A line or a country is named that does not exist.
    #[error("read the borders: an owner of a line that does not exist, or a country that does not exist")]
    Owner,
    /// A point is not on the globe.
    #[error("read the borders: line {0} leaves the globe")]
    Globe(usize),
}

/// A map on its way to become bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it is called.
    pub name: String,
    /// How far a line may really be from where it is drawn.
    pub tolerance: Distance,
    /// Degrees north of grid index zero, and of one step.
    pub latitude: (f64, f64),
    /// Degrees east of grid index zero, and of one step.
    pub longitude: (f64, f64),
    /// The countries, in alphabetical order.
    pub countries: Vec<CountryCode>,
    /// The lines; each point is (east, north) from the one before.
    pub lines: Vec<Vec<(i32, i32)>>,
    /// Which line belongs to which country, by their places in the lists above.
    pub owners: Vec<(u32, u16)>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    name: String,
    tolerance_km: f64,
    latitude: (f64, f64),
    longitude: (f64, f64),
    countries: Vec<CountryCode>,
    lines: u32,
    owners: u32,
    points: u32,
}

impl Draft {
    /// The bytes, the same every time.
    pub fn encode(&self) -> std::io::Result<Vec<u8>> {
        let count = |length: usize| u32::try_from(length).map_err(std::io::Error::other);
        let header = Header {
            format: FORMAT,
            name: self.name.clone(),
            tolerance_km: self.tolerance.km(),
            latitude: self.latitude,
            longitude: self.longitude,
            countries: self.countries.clone(),
            lines: count(self.lines.len())?,
            owners: count(self.owners.len())?,
            points: count(self.lines.iter().map(Vec::len).sum())?,
        };
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        serde_json::to_writer(&mut out, &header)?;
        out.write_all(b"\n")?;
        for line in &self.lines {
            out.write_all(&count(line.len())?.to_le_bytes())?;
        }
        for (line, _) in &self.owners {
            out.write_all(&line.to_le_bytes())?;
        }
        for (_, country) in &self.owners {
            out.write_all(&country.to_le_bytes())?;
        }
        for (east, _) in self.lines.iter().flatten() {
            out.write_all(&east.to_le_bytes())?;
        }
        for (_, north) in self.lines.iter().flatten() {
            out.write_all(&north.to_le_bytes())?;
        }
        out.finish()
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Outlines, OutlinesError> {
    let mut inflated = Vec::new();
    let read = GzDecoder::new(bytes).take(INFLATED + 1).read_to_end(&mut inflated);
    if read.is_err() || inflated.len() as u64 > INFLATED {
        return Err(OutlinesError::Inflate);
    }
    parse(&inflated, Digest::of_bytes(bytes))
}

pub(super) fn parse(inflated: &[u8], sha256: Digest) -> Result<Outlines, OutlinesError> {
    let end = inflated.iter().position(|b| *b == b'\n').unwrap_or(inflated.len());
    let (header, columns) = inflated.split_at(end);
    let header = parse_header(header)?;
    let columns = Columns::of(columns.get(1..).unwrap_or_default(), &header)?;
    let owners = columns.owners_by_line(&header)?;
    let mut corners = columns.corners(&header);
    let mut lines = Vec::new();
    for (index, (length, owners)) in std::iter::zip(&columns.lengths, owners).enumerate() {
        let line: Option<Vec<Corner>> = corners.next_line(*length).collect();
        let line = line.filter(|line| line.len() == *length as usize).ok_or(OutlinesError::Globe(index))?;
        // Pieces share the corner at which one ends and the next begins.
        let starts = (0..line.len().max(2) - 1).step_by(SEGMENTS);
        lines.extend(starts.filter_map(|start| {
            let piece = line.get(start..line.len().min(start + SEGMENTS + 1))?;
            Some(Line::through(piece, &owners))
        }));
    }
    Ok(Outlines {
        id: OutlinesId { name: header.name, sha256 },
        tolerance: Distance::from_km(header.tolerance_km),
        apart: Apart::of(header.countries.len(), &lines),
        countries: header.countries,
        lines,
    })
}

fn parse_header(text: &[u8]) -> Result<Header, OutlinesError> {
    let header: Header = serde_json::from_slice(text).map_err(|e| OutlinesError::Header(e.to_string()))?;
    if header.format != FORMAT {
        let fault = format!("format {} where this version reads format {FORMAT}", header.format);
        return Err(OutlinesError::Header(fault));
    }
    if !header.countries.is_sorted_by(|a, b| a < b) {
        return Err(OutlinesError::Header("the countries are not in order".to_owned()));
    }
    Ok(header)
}

/// The columns, cut out of the bytes.
struct Columns<'a> {
    lengths: Vec<u32>,
    owned: &'a [u8],
    owners: &'a [u8],
    east: &'a [u8],
    north: &'a [u8],
}

impl<'a> Columns<'a> {
    fn of(bytes: &'a [u8], header: &Header) -> Result<Self, OutlinesError> {
        let (lines, owners, points) = (u64::from(header.lines), u64::from(header.owners), u64::from(header.points));
        let expected = 4 * lines + 6 * owners + 8 * points;
        let wrong = OutlinesError::Length { expected, found: bytes.len() };
        if bytes.len() as u64 != expected {
            return Err(wrong);
        }
        let mut rest = bytes;
        let mut cut = |length: u64| {
            let (column, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            rest = after;
            Some(column)
        };
        let mut all =
            || Some((cut(4 * lines)?, cut(4 * owners)?, cut(2 * owners)?, cut(4 * points)?, cut(4 * points)?));
        let (lengths, owned, owners, east, north) = all().ok_or(wrong)?;
        Ok(Self { lengths: u32s(lengths).collect(), owned, owners, east, north })
    }

    fn owners_by_line(&self, header: &Header) -> Result<Vec<Vec<u16>>, OutlinesError> {
        let mut by_line = vec![Vec::new(); self.lengths.len()];
        for (line, country) in u32s(self.owned).zip(u16s(self.owners)) {
            if usize::from(country) >= header.countries.len() {
                return Err(OutlinesError::Owner);
            }
            by_line.get_mut(line as usize).ok_or(OutlinesError::Owner)?.push(country);
        }
        Ok(by_line)
    }

    fn corners(&self, header: &Header) -> Corners<'a> {
        Corners { east: self.east, north: self.north, latitude: header.latitude, longitude: header.longitude }
    }
}

/// The corners that have not been read yet.
struct Corners<'a> {
    east: &'a [u8],
    north: &'a [u8],
    latitude: (f64, f64),
    longitude: (f64, f64),
}

impl Corners<'_> {
    /// The next `length` corners; `None` in place of one that is not on the globe.
    fn next_line(&mut self, length: u32) -> impl Iterator<Item = Option<Corner>> + use<'_> {
        let bytes = self.east.len().min((length as usize).saturating_mul(4));
        let (east, more_east) = self.east.split_at(bytes);
        let (north, more_north) = self.north.split_at(bytes);
        (self.east, self.north) = (more_east, more_north);
        let (latitude, longitude) = (self.latitude, self.longitude);
        let steps = i32s(east).zip(i32s(north));
        steps.scan((0i64, 0i64), move |at, (east, north)| {
            *at = (at.0 + i64::from(east), at.1 + i64::from(north));
            let latitude = on_grid(latitude, at.1, 90.0);
            let longitude = on_grid(longitude, at.0, 180.0);
            Some(latitude.zip(longitude).map(|(latitude, longitude)| Corner { latitude, longitude }))
        })
    }
}

/// Degrees of a grid index, unless that is beyond `most`. Rounding may carry the very edge of the map a hair over it.
fn on_grid((zero, step): (f64, f64), index: i64, most: f64) -> Option<f32> {
    #[expect(clippy::cast_precision_loss, reason = "an index that loses precision is far off the globe")]
    let degrees = zero + step * index as f64;
    #[expect(clippy::cast_possible_truncation, reason = "two metres at the most")]
    (degrees.abs() < most + 1e-9).then(|| degrees.clamp(-most, most) as f32)
}

fn u32s(column: &[u8]) -> impl Iterator<Item = u32> + '_ {
    column.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes))
}

fn i32s(column: &[u8]) -> impl Iterator<Item = i32> + '_ {
    column.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes))
}

fn u16s(column: &[u8]) -> impl Iterator<Item = u16> + '_ {
    column.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
}
