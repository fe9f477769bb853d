//! `TopoJSON` of Natural Earth → borders.

use std::collections::BTreeMap;
use std::error::Error;

use pehra::location::outlines::Draft;
use pehra::place::{CountryCode, Distance};
use serde::Deserialize;

/// Half a millimetre on a map of 1:10,000,000, the usual standard for where a line is drawn on such a map, and 0.3 km for
/// the grid of the package (half a step is 0.22 km) and for drawing its edges as great circles (0.04 km).
const TOLERANCE_KM: f64 = 5.3;

#[derive(Deserialize)]
struct Topology {
    objects: Objects,
    arcs: Vec<Vec<(i32, i32)>>,
    transform: Transform,
}

#[derive(Deserialize)]
struct Transform {
    scale: (f64, f64),
    translate: (f64, f64),
}

#[derive(Deserialize)]
struct Objects {
    countries: Collection,
}

#[derive(Deserialize)]
struct Collection {
    geometries: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    id: Option<String>,
    properties: Properties,
    #[serde(flatten)]
    shape: Shape,
}

#[derive(Deserialize)]
struct Properties {
    name: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "arcs")]
enum Shape {
    Polygon(Vec<Vec<i64>>),
    MultiPolygon(Vec<Vec<Vec<i64>>>),
}

#[derive(Deserialize)]
struct Row {
    feature: String,
    numeric: String,
    code: CountryCode,
}

pub(crate) fn draft(topojson: &[u8], codes: &[u8]) -> Result<Draft, Box<dyn Error>> {
    let topology: Topology = serde_json::from_slice(topojson)?;
    let rows: Vec<Row> = csv::Reader::from_reader(codes).deserialize().collect::<Result<_, _>>()?;
    let codes: BTreeMap<_, _> =
        rows.iter().map(|row| ((row.feature.as_str(), row.numeric.as_str()), row.code)).collect();
    let mut countries: Vec<CountryCode> = codes.values().copied().collect();
    countries.sort();
    countries.dedup();

    let mut owners = Vec::new();
    for feature in &topology.objects.countries.geometries {
        let name = feature.properties.name.as_str();
        let code = codes.get(&(name, feature.id.as_deref().unwrap_or_default()));
        let code = code.ok_or_else(|| format!("countries.csv has no row for {name:?}, {:?}", feature.id))?;
        let country = u16::try_from(countries.iter().position(|c| c == code).ok_or("sorted above")?)?;
        for arc in arcs(&feature.shape) {
            // TopoJSON writes an arc that is walked backwards as its complement.
            owners.push((u32::try_from(if arc < 0 { !arc } else { arc })?, country));
        }
    }
    owners.sort_unstable();
    Ok(Draft {
        name: "natural-earth-4.1.0-10m".to_owned(),
        tolerance: Distance::from_km(TOLERANCE_KM),
        latitude: (topology.transform.translate.1, topology.transform.scale.1),
        longitude: (topology.transform.translate.0, topology.transform.scale.0),
        countries,
        lines: topology.arcs,
        owners,
    })
}

fn arcs(shape: &Shape) -> Vec<i64> {
    match shape {
        Shape::Polygon(rings) => rings.concat(),
        Shape::MultiPolygon(polygons) => polygons.concat().concat(),
    }
}
