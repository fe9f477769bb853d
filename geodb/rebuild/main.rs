//! Makes the data files of `geodb/` from unpacked packages; `geodb/rebuild.sh` fetches them and calls this.
//!
//! Usage: `geodb-rebuild PACKAGES OUT ASN_BUILT`. The same packages give the same bytes.

#![expect(clippy::disallowed_methods, reason = "reads packages and writes data files")]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

mod airports;
mod announced;
mod borders;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [packages, out, asn_built] = arguments.as_slice() else {
        return Err("usage: geodb-rebuild PACKAGES OUT ASN_BUILT".into());
    };
    let (packages, out) = (Path::new(packages), Path::new(out));

    let country = fs::read(packages.join("dbip-country-mmdb/dbip-country.mmdb"))?;
    fs::write(out.join("dbip-country.mmdb.gz"), gzip(&country)?)?;

    let asn = packages.join("asn");
    let (v4, v6) = (fs::read(asn.join("asn-ipv4-num.csv"))?, fs::read(asn.join("asn-ipv6-num.csv"))?);
    let announced = announced::draft(&v4, &v6, country, asn_built.parse()?)?;
    fs::write(out.join("routed-asn.gz"), announced.encode()?)?;

    let places = packages.join("airportsdata/airportsdata");
    let (airports, cities) = (fs::read(places.join("airports.csv"))?, fs::read(places.join("iata_macs.csv"))?);
    let chosen = fs::read(out.join("airports.csv"))?;
    fs::write(out.join("airports.csv"), airports::draft(&airports, &cities, &chosen)?)?;

    let atlas = fs::read(packages.join("world-atlas/countries-10m.json"))?;
    let codes = fs::read(out.join("countries.csv"))?;
    fs::write(out.join("borders.gz"), borders::draft(&atlas, &codes)?.encode()?)?;
    Ok(())
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes)?;
    out.finish()
}
