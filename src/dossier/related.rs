//! Hosts that an endpoint depends on, or that it sends people to, and where those are.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Companions, Found, Instruments, find};
use crate::observation::{Observation, Related, Role};
use crate::resolution::zone::NameServer;
use crate::workload::Host;

/// The most addresses of related hosts that are located for one endpoint: more than sixteen name servers and as many
/// mail servers have in both families, with what a page redirects to.
pub const MOST_RELATED: usize = 256;

/// A related host.
#[derive(Clone, Debug)]
pub struct Kin<'a> {
    /// The host.
    pub host: Host,
    /// What it is to the endpoint.
    pub role: Role,
    /// What named it.
    pub named_by: &'a str,
    /// Where its addresses are, in order. No trace leads there, so that the way to them is unknown.
    pub found: Vec<Found<'a>>,
}

/// The hosts related to `subject`, in order: those that were looked up, and name servers that were asked without.
pub(super) fn related<'a>(
    subject: &'a Observation,
    companions: &Companions<'a>,
    instruments: Instruments<'a>,
) -> Vec<Kin<'a>> {
    let mut left = MOST_RELATED;
    let mut locate = |addresses: BTreeSet<IpAddr>| {
        let taken = addresses.len().min(left);
        left -= taken;
        addresses.into_iter().take(taken).map(|address| find(address, subject, companions, instruments)).collect()
    };
    let servers = subject.zone.iter().flat_map(|zone| &zone.servers);
    let is_looked_up = |server: &&NameServer| subject.related.iter().any(|related| is_of(related, server));
    let unlisted = servers.clone().filter(|server| !is_looked_up(server));
    let mut kin = Vec::with_capacity(subject.related.len());
    for related in &subject.related {
        let asked = servers.clone().filter(|server| is_of(related, server)).flat_map(asked);
        let found = locate(related.addresses().into_iter().chain(asked).collect());
        kin.push(Kin { host: related.host.clone(), role: related.role, named_by: &related.named_by, found });
    }
    for server in unlisted {
        let (host, found) = (Host::Name(server.name.clone()), locate(asked(server).collect()));
        kin.push(Kin { host, role: Role::NameServer, named_by: "its zone", found });
    }
    kin
}

/// Whether `related` is that name server.
fn is_of(related: &Related, server: &NameServer) -> bool {
    related.role == Role::NameServer && matches!(&related.host, Host::Name(name) if *name == server.name)
}

/// The addresses at which it was asked.
fn asked(server: &NameServer) -> impl Iterator<Item = IpAddr> {
    server.answers.iter().map(|answer| answer.address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::{Contact, ContactOutcome};
    use crate::dossier::Dossier;
    use crate::location::disc::Borders;
    use crate::location::outlines::Outlines;
    use crate::location::path::Way;
    use crate::location::{Claim, Grade, Place, Says};
    use crate::moment::Rtt;
    use crate::place::{Coordinates, Distance, Home};
    use crate::resolution::zone::{Security, ServerAnswer, Zone};
    use crate::resolution::{NameFailure, Outcome, View};
    use crate::vantage::Position;

    const ENDPOINT: &str = "https://203.101.184.84";

    fn server(name: &str, address: &str) -> NameServer {
        let answer = ServerAnswer {
            address: address.parse().unwrap(),
            elapsed_ns: Rtt::default(),
            outcome: Outcome::Failed(NameFailure::NoData),
            authoritative: true,
            asked_for: name.parse().unwrap(),
            calls_itself: None,
        };
        NameServer { name: name.parse().unwrap(), answers: vec![answer] }
    }

    fn zone(servers: Vec<NameServer>, observation: &Observation) -> Zone {
        Zone {
            name: "portal.gov.pk".parse().unwrap(),
            apex: None,
            view: View("system".to_owned()),
            asked: observation.observed,
            servers,
            mail: Vec::new(),
            services: Vec::new(),
            issuers: Vec::new(),
            security: Security::Indeterminate,
            failures: Vec::new(),
        }
    }

    fn listed(role: Role, host: &str) -> Related {
        let host = host.parse().unwrap();
        Related { host, role, named_by: "zone gov.pk".to_owned(), resolutions: Vec::new() }
    }

    /// From Frankfurt, or elsewhere.
    fn stands(observation: &mut Observation, latitude: f64, longitude: f64) {
        let coordinates = Coordinates::new(latitude, longitude).unwrap();
        observation.vantage.position = Some(Position { coordinates, uncertainty: Distance::from_km(5.0) });
    }

    fn shaken(address: &str, ms: f64, observation: &Observation) -> Contact {
        let outcome = ContactOutcome::Connected { rtt_ns: Rtt::from_ms(ms).unwrap(), samples: 3 };
        Contact::silent(address.parse().unwrap(), 443, observation.observed, 3, outcome)
    }

    #[test]
    fn related_hosts_are_located_as_the_endpoint_is() {
        let mut subject = crate::entry::tests::observation("khi", ENDPOINT);
        stands(&mut subject, 24.8608, 67.0104);
        subject.related = vec![listed(Role::NameServer, "ns1.gov.pk"), listed(Role::Mail, "198.51.101.7")];
        let servers = vec![server("ns1.gov.pk", "203.101.184.9"), server("ns2.example.com", "5.9.0.1")];
        subject.zone = Some(zone(servers, &subject));
        subject.contacts.push(shaken("203.101.184.9", 0.5, &subject));
        let says = Says::Country("DE".parse().unwrap());
        let claim = Claim { about: "5.9.0.1".parse().unwrap(), source: "dbip".to_owned(), dated: None, says };
        subject.claims.extend([claim]);
        let mut other = crate::entry::tests::observation("fra", ENDPOINT);
        stands(&mut other, 50.1155, 8.6842);
        other.zone = Some(zone(vec![server("ns2.example.com", "5.9.0.1")], &other));
        other.contacts = vec![shaken("5.9.0.1", 0.8, &other)];

        let outlines = Outlines::decode(include_bytes!("../../geodb/borders.gz")).unwrap();
        let mut borders = Borders::new(std::sync::Arc::new(outlines));
        borders.meet(&subject.vantage);
        borders.meet(&other.vantage);
        let home = Home::of("PK".parse().unwrap());
        let companions = Companions::new([&subject, &other], &borders, &home);
        let instruments = Instruments { borders: &borders, home: &home, calibration: None };
        let dossier = Dossier::assemble(&subject, &companions, instruments, subject.observed, 60);
        let told: Vec<_> =
            dossier.related.iter().map(|kin| (kin.host.to_string(), kin.role, kin.found.len())).collect();
        let expected = [
            ("ns1.gov.pk", Role::NameServer, 1),
            ("198.51.101.7", Role::Mail, 1),
            ("ns2.example.com", Role::NameServer, 1),
        ];
        assert_eq!(told, expected.map(|(host, role, count)| (host.to_owned(), role, count)));
        let location = |index: usize| &dossier.related[index].found[0].location;
        assert_eq!((location(0).place, location(0).grade), (Place::Inside, Grade::Proven), "by a handshake of its own");
        assert_eq!((location(2).place, location(2).grade), (Place::Outside, Grade::Proven), "by that of another");
        assert_eq!(dossier.related[2].found[0].path.way(), Way::Outside);
        assert_eq!(dossier.found.len(), 1, "they are none of the endpoint's own");
    }

    #[test]
    fn thousands_of_related_addresses_do_not_take_thousands_of_locations() {
        let mut subject = crate::entry::tests::observation("khi", ENDPOINT);
        subject.related = (0..2000).map(|n| listed(Role::Redirect, &format!("5.9.{}.{}", n / 250, n % 250))).collect();
        let (borders, home) = (crate::location::disc::tests::without_land(), Home::of("PK".parse().unwrap()));
        let instruments = Instruments { borders: &borders, home: &home, calibration: None };
        let dossier = Dossier::assemble(&subject, &Companions::default(), instruments, subject.observed, 60);
        assert_eq!(dossier.related.len(), 2000);
        assert_eq!(dossier.related.iter().map(|kin| kin.found.len()).sum::<usize>(), MOST_RELATED);
    }
}
