//! What every source says of addresses.

use std::io::{self, Write};
use std::net::IpAddr;

use serde::Serialize;

use crate::edge::geodb::Geodb;
use crate::location::{Claim, Says};
use crate::network::{AddressScope, Asn, NetworkKind};
use crate::printable::Printable;

/// An address as `--json` prints it.
#[derive(Serialize)]
struct Line {
    address: IpAddr,
    scope: AddressScope,
    claims: Vec<Claim>,
}

pub(super) fn print_json(geodb: &Geodb, addresses: &[IpAddr], out: &mut dyn Write) -> io::Result<()> {
    addresses.iter().try_for_each(|address| {
        let line = Line { address: *address, scope: AddressScope::of(*address), claims: geodb.claims(*address) };
        writeln!(out, "{}", serde_json::to_string(&line)?)
    })
}

pub(super) fn print(geodb: &Geodb, addresses: &[IpAddr], out: &mut dyn Write) -> io::Result<()> {
    for (index, address) in addresses.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let scope = AddressScope::of(*address);
        writeln!(out, "{gap}{address}  {}", in_words(scope))?;
        let claims = geodb.claims(*address);
        let width = claims.iter().map(|claim| claim.source.chars().count()).max().unwrap_or(0);
        for claim in claims {
            let source = Printable(&claim.source).to_string();
            let dated = claim.dated.map(|day| day.to_string()).unwrap_or_default();
            writeln!(out, "  {source:<width$}  {dated:<10}  {}", said(&claim.says))?;
        }
    }
    Ok(())
}

fn in_words(scope: AddressScope) -> &'static str {
    match scope {
        AddressScope::Global => "globally reachable",
        AddressScope::Private => "private: it is in many places at once",
        AddressScope::Shared => "shared behind a carrier's NAT: it is in many places at once",
        AddressScope::Loopback => "loopback: it is whoever asks",
        AddressScope::LinkLocal => "link-local: it is on the link of whoever asks",
        AddressScope::Multicast => "multicast: it is several receivers",
        AddressScope::Relayed => "of relays or of a service with sites everywhere: whichever is next answers",
        AddressScope::Reserved => "reserved: nothing on the Internet answers from it",
    }
}

fn said(says: &Says) -> String {
    match says {
        Says::Country(country) => country.to_string(),
        Says::NoEntry => "no entry".to_owned(),
        Says::Announced { asn, name, kind, country, countries } => {
            let places = match country {
                Some(country) => format!("; nearly all its addresses are in {country}"),
                None if countries.is_empty() => String::new(),
                None => format!("; at least one in a hundred of its addresses in each of {countries}"),
            };
            announced(*asn, name, *kind, &places)
        }
        Says::Registered { prefix, country } => format!("{country}, by the entry for {prefix}"),
        Says::Serving { label, country, .. } => format!("{country}, as {} says of itself", Printable(label)),
        Says::Geofeed { prefix, country, publisher } => {
            let publisher: Vec<_> = publisher.iter().map(Asn::to_string).collect();
            format!("{country}, by the entry for {prefix}; counts where {} announces it", publisher.join(" or "))
        }
        Says::Region { provider, region, country } => {
            format!("{country}, in the region {} of {provider}", Printable(region))
        }
        Says::Edge { provider, service } => {
            format!("shared edge of {provider}, by {}: where it is served depends on who asks", Printable(service))
        }
        Says::Anycast { prefix } => format!("anycast, by the entry for {prefix}: several sites answer"),
        Says::Landmark { name, country, .. } => format!("{country}, as the landmark {}", Printable(name)),
        Says::Named { name, code, place, country, .. } => {
            let (name, code, place) = (Printable(name), Printable(code), Printable(place));
            format!("{country}, as {code} in the name {name} is {place}")
        }
        Says::Delegated { registry, country } => format!("registered in {country} by {}", Printable(registry)),
    }
}

fn announced(asn: Asn, name: &str, kind: NetworkKind, places: &str) -> String {
    let operator = Geodb::operator(asn).unwrap_or(name);
    let operator = Printable(operator);
    let kind = match kind {
        NetworkKind::Ordinary => String::new(),
        NetworkKind::Edge => format!("; shared edge of {operator}: where it is served depends on who asks"),
        NetworkKind::Cloud => format!("; cloud of {operator}: a region or an edge"),
    };
    format!("{asn} {}{places}{kind}", Printable(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(addresses: &[&str]) -> String {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let mut out = Vec::new();
        print(&Geodb::embedded(), &addresses, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_address_is_shown_with_what_every_source_says() {
        let text = shown(&["203.101.184.84", "104.16.0.1", "65.109.77.254", "10.0.0.1"]);
        assert!(text.starts_with("203.101.184.84  globally reachable\n  dbip-country  2026-06-01  PK\n"), "{text}");
        assert!(text.contains("\n  routed-asn    2026-06-17  AS9541 Cyber"), "{text}");
        assert!(text.contains("; nearly all its addresses are in PK\n"), "{text}");
        let many = "; at least one in a hundred of its addresses in each of DE, FI, GB, IR\n";
        assert!(text.contains(many), "{text}");
        assert!(text.contains("; shared edge of Cloudflare: where it is served depends on who asks\n"), "{text}");
        assert!(text.ends_with("\n\n10.0.0.1  private: it is in many places at once\n"), "{text}");
    }

    #[test]
    fn the_name_of_a_network_cannot_move_the_cursor() {
        let text = announced(Asn(7), "evil\u{1b}[2J", NetworkKind::Ordinary, "");
        assert_eq!(text, "AS7 evil\\u{1b}[2J");
    }

    #[test]
    fn json_is_one_object_an_address() {
        let mut out = Vec::new();
        print_json(&Geodb::embedded(), &["203.101.184.84".parse().unwrap(), "::1".parse().unwrap()], &mut out).unwrap();
        let lines: Vec<serde_json::Value> =
            String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["address"], "203.101.184.84");
        assert_eq!(lines[0]["scope"], "global");
        assert_eq!(lines[0]["claims"][0]["says"]["country"], "PK");
        assert_eq!(lines[1]["scope"], "loopback");
        assert_eq!(lines[1]["claims"], serde_json::json!([]));
    }
}
