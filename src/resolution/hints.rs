//! A hint file → the addresses of the root's servers.
//!
//! The form is that of `named.root` as IANA publishes it: one record a line, of type NS, A or AAAA.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// Why a text is no hint file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHints {
    /// A line is no record of a name server or of its address.
    #[error("line {0} is no record of type NS, A or AAAA")]
    Line(usize),
    /// No address of a name server of the root is in it.
    #[error("it holds no address of a name server of the root")]
    Nobody,
}

/// The addresses of the name servers of the root, in the order of the text, each once.
pub fn parse(text: &str) -> Result<Vec<IpAddr>, InvalidHints> {
    let mut roots = BTreeSet::new();
    let mut told: Vec<(String, IpAddr)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let record = line.split(';').next().unwrap_or_default();
        let fields: Vec<&str> = record.split_ascii_whitespace().collect();
        let (owner, kind, data) = match fields.as_slice() {
            [] => continue,
            [owner, between @ .., kind, data] if between.iter().all(|field| is_ttl_or_class(field)) => {
                (owner.to_ascii_lowercase(), kind.to_ascii_uppercase(), *data)
            }
            _ => return Err(InvalidHints::Line(number)),
        };
        let address = data.parse::<IpAddr>().ok();
        match (kind.as_str(), address) {
            ("NS", None) if owner == "." => roots.extend([data.to_ascii_lowercase()]),
            ("A", Some(address @ IpAddr::V4(_))) | ("AAAA", Some(address @ IpAddr::V6(_))) => {
                told.push((owner, address));
            }
            (_, _) => return Err(InvalidHints::Line(number)),
        }
    }
    let mut addresses = Vec::new();
    for (owner, address) in told {
        if roots.contains(&owner) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(InvalidHints::Nobody) } else { Ok(addresses) }
}

fn is_ttl_or_class(field: &str) -> bool {
    field.eq_ignore_ascii_case("IN") || field.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED_ROOT: &str = "\
;       This file holds the information on root name servers needed to
;       initialize cache of Internet domain name servers
;
.                        3600000      NS    A.ROOT-SERVERS.NET.
A.ROOT-SERVERS.NET.      3600000      A     198.41.0.4
A.ROOT-SERVERS.NET.      3600000      AAAA  2001:503:ba3e::2:30
;
; FORMERLY NS1.ISI.EDU
;
.                        3600000 IN   NS    B.ROOT-SERVERS.NET.
b.root-servers.net.                   A     170.247.170.2  ; its third address
b.root-servers.net.                   A     170.247.170.2
stranger.example.                     A     203.0.113.1
; End of file
";

    #[test]
    fn the_addresses_of_the_roots_servers_are_read_as_iana_publishes_them() {
        let addresses: Vec<_> = parse(NAMED_ROOT).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["198.41.0.4", "2001:503:ba3e::2:30", "170.247.170.2"]);
    }

    #[test]
    fn what_is_no_hint_file_is_refused_by_its_line() {
        for (text, error) in [
            ("", InvalidHints::Nobody),
            (". NS a.\n", InvalidHints::Nobody),
            ("a. A 198.41.0.4\n", InvalidHints::Nobody),
            ("\n<!DOCTYPE html>\n", InvalidHints::Line(2)),
            (". NS a.\na. A 198.41.0\n", InvalidHints::Line(2)),
            (". NS a.\na. AAAA 198.41.0.4\n", InvalidHints::Line(2)),
            ("$ORIGIN .\n", InvalidHints::Line(1)),
            ("example. NS a.\n", InvalidHints::Line(1)),
            (". CH NS a.\n", InvalidHints::Line(1)),
        ] {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
    }
}
