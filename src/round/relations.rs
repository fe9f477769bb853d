//! The hosts that an endpoint depends on or sends people to, as far as a round has come across them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::contact::call::{Request, Speech};
use crate::contact::redirect::Destination;
use crate::observation::{Related, Role};
use crate::resolution::{Outcome, Resolution, zone};
use crate::workload::{Host, HostName};

/// The most hosts of one role that are looked at.
const MOST_HOSTS: usize = zone::MOST_SERVERS;

/// The most addresses of each family of another host that are kept.
const MOST_ADDRESSES: usize = 16;

/// The most addresses of other hosts that one round speaks to.
const MOST_CALLS: usize = 32;

/// The most pages of other hosts that one round asks for.
const MOST_PAGES: usize = 16;

/// Port 53: name servers answer over TCP as well (RFC 7766 section 5).
const DNS: u16 = 53;

/// Port 25: where mail is taken (RFC 5321 section 4.5.4.2).
const SMTP: u16 = 25;

/// The other hosts of a round.
#[derive(Debug, Default)]
pub(super) struct Relations {
    /// What named each first.
    hosts: BTreeMap<(Role, Host), String>,
    /// What came of looking each name up, whatever it is to the endpoint.
    resolutions: BTreeMap<HostName, Vec<Resolution>>,
    /// The pages that people are sent to, each with over how many redirects it was come to first.
    pages: BTreeMap<Destination, u8>,
    /// Those that were asked for: one address of a host answers for all.
    asked: BTreeSet<Destination>,
    /// What is said to whom.
    calls: BTreeSet<(IpAddr, u16, Speech)>,
}

impl Relations {
    /// Takes up a host; whether it was not known in that role.
    pub(super) fn relate(&mut self, role: Role, host: &Host, named_by: &str) -> bool {
        let of_role = self.hosts.keys().filter(|(known, _)| *known == role).count();
        let key = (role, host.clone());
        if self.hosts.contains_key(&key) || of_role >= MOST_HOSTS {
            return false;
        }
        self.hosts.insert(key, named_by.to_owned());
        true
    }

    /// Takes up a page that people are sent to.
    pub(super) fn send(&mut self, page: Destination, over: u8) {
        self.pages.entry(page).or_insert(over);
    }

    /// Whether a name is still to be looked up, which it is from now on.
    pub(super) fn begin_lookup(&mut self, name: &HostName) -> bool {
        let is_new = !self.resolutions.contains_key(name);
        self.resolutions.entry(name.clone()).or_default();
        is_new
    }

    /// Takes up where a name leads: to [`MOST_ADDRESSES`] at most, and the rest is counted.
    pub(super) fn resolved(&mut self, mut resolution: Resolution) {
        if let Outcome::Answered(answer) = &mut resolution.outcome {
            answer.left_out += answer.addresses.len().saturating_sub(MOST_ADDRESSES);
            answer.addresses.truncate(MOST_ADDRESSES);
        }
        self.resolutions.entry(resolution.name.clone()).or_default().push(resolution);
    }

    /// The addresses that a host is known to have.
    pub(super) fn addresses(&self, host: &Host) -> BTreeSet<IpAddr> {
        match host {
            Host::Address(address) => BTreeSet::from([*address]),
            Host::Name(name) => {
                let known = self.resolutions.get(name).map(Vec::as_slice).unwrap_or_default();
                known.iter().flat_map(Resolution::addresses).collect()
            }
        }
    }

    /// What is still to be said to an address of a host, by all that the host is to the endpoint: the port, the speech, and over
    /// how many redirects it was come to.
    pub(super) fn calls(&mut self, host: &Host, address: IpAddr) -> Vec<(u16, Speech, u8)> {
        let mut calls = Vec::new();
        if self.hosts.contains_key(&(Role::NameServer, host.clone())) {
            calls.push((DNS, Speech::Nothing, 0));
        }
        if self.hosts.contains_key(&(Role::Mail, host.clone())) {
            calls.push((SMTP, Speech::Smtp { name: host.clone() }, 0));
        }
        for (page, over) in &self.pages {
            let speech = Speech::Http(page.request.clone());
            let is_room = self.asked.len() < MOST_PAGES && !self.calls.contains(&(address, page.port, speech.clone()));
            if page.request.host == *host && is_room && self.asked.insert(page.clone()) {
                calls.push((page.port, speech, *over));
            }
        }
        calls.retain(|(port, speech, _)| {
            let is_page = matches!(speech, Speech::Http(_));
            (is_page || self.calls.len() < MOST_CALLS) && self.calls.insert((address, *port, speech.clone()))
        });
        calls
    }

    /// A page could not be asked for where that was tried: another address of its host may do.
    pub(super) fn missed(&mut self, port: u16, request: &Request) {
        self.asked.retain(|page| (page.port, &page.request) != (port, request));
    }

    /// All of them, with where their names lead.
    pub(super) fn related(&self) -> Vec<Related> {
        let related = |((role, host), named_by): (&(Role, Host), &String)| {
            let resolutions = match host {
                Host::Address(_) => Vec::new(),
                Host::Name(name) => self.resolutions.get(name).cloned().unwrap_or_default(),
            };
            Related { host: host.clone(), role: *role, named_by: named_by.clone(), resolutions }
        };
        self.hosts.iter().map(related).collect()
    }
}
