//! Codes of airports and cities → where those are: by such codes operators of edges name their sites.
//!
//! The table (`geodb/airports.csv`) has the codes that operators were seen to use, and no others: what is not in it is no
//! claim.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::place::CountryCode;

/// Where airports and cities are, by their IATA codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AirportTable(BTreeMap<String, Airport>);

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Airport {
    /// The city.
    pub city: String,
    /// Where that is.
    pub country: CountryCode,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AirportTableFault {
    /// It is no such table at all.
    #[error("it is no table of airports (code,country,city,source): {0}")]
    Foreign(String),
    /// A row cannot be used.
    #[error("{0}: {1}")]
    Row(String, &'static str),
}

impl AirportTable {
    /// Reads a table: CSV of code, country, city, source.
    pub fn parse(table: &str) -> Result<Self, AirportTableFault> {
        #[derive(Deserialize)]
        struct Row {
            code: String,
            country: CountryCode,
            city: String,
            source: String,
        }
        let mut read = BTreeMap::new();
        for row in csv::Reader::from_reader(table.as_bytes()).into_deserialize() {
            let row: Row = row.map_err(|error| AirportTableFault::Foreign(error.to_string()))?;
            let fault = |what| Err(AirportTableFault::Row(row.code.clone(), what));
            if row.code.len() != 3 || !row.code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return fault("no code: write three capital letters");
            }
            if !row.country.is_assigned() || row.city.is_empty() || row.source.is_empty() {
                return fault("no place: write a country, a city and where that is known from");
            }
            if read.contains_key(&row.code) {
                return fault("a code that was told before");
            }
            read.insert(row.code, Airport { city: row.city, country: row.country });
        }
        if read.is_empty() { Err(AirportTableFault::Foreign("it is empty".to_owned())) } else { Ok(Self(read)) }
    }

    /// What a code stands for, in whatever case it is written.
    pub fn of(&self, code: &str) -> Option<&Airport> {
        (code.len() == 3).then(|| self.0.get(&code.to_ascii_uppercase())).flatten()
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_knows_where_codes_are() {
        let table = AirportTable::parse(include_str!("../../../geodb/airports.csv")).unwrap();
        let told = |code| table.of(code).map(|airport| format!("{}, {}", airport.city, airport.country));
        for (code, place) in [
            ("KHI", "Karachi, PK"),
            ("lhe", "Lahore, PK"),
            ("ISB", "Islamabad, PK"),
            ("SIN", "Singapore, SG"),
            ("MCT", "Muscat, OM"),
            ("LHR", "London, GB"),
            ("TYO", "Tokyo, JP"),
        ] {
            assert_eq!(told(code).as_deref(), Some(place), "{code}");
        }
        for code in ["ZZZ", "", "KH", "KHIX", "ک"] {
            assert_eq!(told(code), None, "{code}");
        }
        let at_home = table.0.values().filter(|airport| airport.country == CountryCode::PAKISTAN).count();
        assert!(table.len() > 400 && at_home > 50, "{} {at_home}", table.len());
    }

    #[test]
    fn a_table_that_says_too_little_or_too_much_is_refused() {
        let refused = |rows: &str| AirportTable::parse(&format!("code,country,city,source\n{rows}")).is_err();
        assert!(!refused("KHI,PK,Karachi,a list\n"));
        for rows in
            ["", "khi,PK,Karachi,a list\n", "KHI,XX,Karachi,a list\n", "KHI,PK,,a list\n", "KHI,PK,K,a\nKHI,PK,K,a\n"]
        {
            assert!(refused(rows), "{rows}");
        }
    }
}
