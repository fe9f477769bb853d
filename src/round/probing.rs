//! How much a round may ask of the network.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::deny::DenyList;
use crate::contact::call::{Request, Speech};
use crate::network::AddressScope;
use crate::trace::Protocol;
use crate::workload::{Endpoint, Scheme};

/// What is asked beyond addresses and the way to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// Whether TLS, HTTP and SMTP are spoken with endpoints that speak them; otherwise the handshake of TCP is all.
    pub converse: bool,
    /// How many redirects are followed from one page; 0 for none. Over each, names are looked up and addresses spoken to.
    pub redirects: u8,
    /// Whether pages are read for the names of other hosts that browsers are sent to.
    pub resources: bool,
    /// Whether it is asked who serves the zone of a name and takes its mail, and they are spoken to.
    pub zone: bool,
}

/// How much a round may ask of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probing {
    /// The protocols of a trace, in the order they are tried; none for no traces.
    pub protocols: Vec<Protocol>,
    /// How many probes a trace sends to each distance.
    pub attempts: u8,
    /// The hop limit of its first probes.
    pub first_ttl: u8,
    /// The largest hop limit.
    pub last_ttl: u8,
    /// How many more probes it sends to a distance where nobody answered, although somebody did further on.
    pub retries: u8,
    /// How many of its probes may be on their way at once.
    pub window: u8,
    /// After how many silent hops in a row it ends.
    pub gap_limit: u8,
    /// How long it waits for a reply.
    pub reply_timeout: Duration,
    /// How long it may take.
    pub trace_timeout: Duration,
    /// How many connections are attempted to each address; 0 for none.
    pub contact_attempts: u8,
    /// How long one connection may take.
    pub contact_timeout: Duration,
    /// What is asked beyond addresses and the way to them.
    pub beyond: Beyond,
    /// The most addresses of one endpoint that are traced and contacted; of the rest only the sources are asked.
    pub max_addresses: usize,
    /// How long the round may take before what is missing is recorded as missing.
    pub deadline: Duration,
    /// Whether a trace takes over hops that others to neighbours of its target have measured since the round began.
    pub share: bool,
    /// Whether it is asked what addresses are called.
    pub names: bool,
    /// Prefixes that may be spoken to although they are not global.
    pub allow: Vec<IpNet>,
    /// Networks that are never sent anything.
    pub deny: DenyList,
}

impl Probing {
    /// Whether an address that a name led to may be spoken to. An IPv4 address in the dress of IPv6 never is: no honest
    /// zone has one.
    pub fn permits(&self, address: IpAddr) -> bool {
        let disguised = address.to_canonical() != address;
        let allowed = self.allow.iter().any(|prefix| prefix.contains(&address));
        !disguised && (AddressScope::of(address).is_global() || allowed)
    }
    /// Whether an address that a name led to is spoken to: it [may be](Self::permits), and is not on the deny list.
    pub fn admits(&self, address: IpAddr) -> bool {
        self.permits(address) && self.deny.denies(address).is_none()
    }

    /// What is said to the addresses of `endpoint`; `None` where they are not spoken to.
    pub(super) fn speech(&self, endpoint: &Endpoint) -> Option<Speech> {
        let request = |tls| {
            let path = endpoint.path();
            let path = path.split('#').next().unwrap_or_default();
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            Speech::Http(Request { tls, host: endpoint.host().clone(), path, resources: self.beyond.resources })
        };
        match endpoint.scheme() {
            Scheme::Dns => None,
            Scheme::Https if self.beyond.converse => Some(request(true)),
            Scheme::Http if self.beyond.converse => Some(request(false)),
            Scheme::Smtp if self.beyond.converse => Some(Speech::Smtp { name: endpoint.host().clone() }),
            Scheme::Https | Scheme::Http | Scheme::Smtp | Scheme::Tcp => Some(Speech::Nothing),
        }
    }
}
