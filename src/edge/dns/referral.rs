//! The name servers that an answer names, and the addresses that came with them.

use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::{DNSClass, Name, RData, Record};

use crate::resolution::zone::MOST_SERVERS;

/// The most addresses that are taken from one answer: each of [`MOST_SERVERS`] in both families.
const MOST_GLUE: usize = 2 * MOST_SERVERS;

/// The name servers of a zone, as somebody told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Referral {
    /// The zone.
    pub(super) zone: Name,
    /// Its name servers, in the order of the answer, [`MOST_SERVERS`] at most.
    pub(super) servers: Vec<Name>,
    /// Time to live in seconds, the smallest of them.
    pub(super) ttl: u32,
    /// Addresses of theirs.
    glue: Vec<(Name, IpAddr)>,
}

impl Referral {
    /// What `message` says: in its answer, where it was asked for just that, else in its authority section.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let sections = [&message.answers, &message.authorities];
        let records = sections.into_iter().find(|section| section.iter().any(|record| server(record).is_some()))?;
        let first = records.iter().find(|record| server(record).is_some())?;
        let of_zone = || records.iter().filter(|record| record.name == first.name);
        let mut servers: Vec<Name> = Vec::new();
        for name in of_zone().filter_map(server) {
            if !servers.contains(name) && servers.len() < MOST_SERVERS {
                servers.push(name.clone());
            }
        }
        let ttl = of_zone().filter(|record| server(record).is_some()).map(|record| record.ttl).min()?;
        let named = message.additionals.iter().filter(|record| servers.contains(&record.name));
        let glue = named.filter_map(|record| Some((record.name.clone(), record.data.ip_addr()?))).take(MOST_GLUE);
        let glue = glue.collect();
        Some(Self { zone: first.name.clone(), servers, ttl, glue })
    }

    /// The addresses of a server, as far as who serves `bailiwick` may tell them: of names in another zone anybody could
    /// tell anything (RFC 5452 section 6).
    pub(super) fn addresses_of<'a>(
        &'a self,
        server: &'a Name,
        bailiwick: &'a Name,
    ) -> impl Iterator<Item = IpAddr> + 'a {
        let told = self.glue.iter().filter(move |(name, _)| name == server && bailiwick.zone_of(name));
        told.map(|(_, address)| *address)
    }
}

fn server(record: &Record) -> Option<&Name> {
    if let RData::NS(ns) = &record.data
        && record.dns_class == DNSClass::IN
    {
        Some(&ns.0)
    } else {
        None
    }
}
