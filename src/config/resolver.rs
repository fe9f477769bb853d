//! `[resolution]` and `[[resolver]]`: who is asked for names.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use toml::de::DeValue;

use crate::resolution::View;
use crate::round::deny::DenyList;
use crate::workload::HostName;

use super::denied;
use super::fault::{Spot, quoted};
use super::section::{At, Reading, Section};
use super::value;

/// The name of the view that asks the way this host does.
pub const SYSTEM_VIEW: &str = "system";

/// The name of the view that asks the servers of each zone.
pub const AUTHORITATIVE_VIEW: &str = "authoritative";

/// How long a resolver may take, retries included, where the file does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long what a zone says holds, where the file does not say.
const DEFAULT_ZONE_INTERVAL: Duration = Duration::from_secs(3600);

/// How zones are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneConfig {
    /// How often a zone and its servers are asked, whatever the TTLs.
    pub interval: Duration,
    /// The file with the keys that signatures are checked from, instead of the keys of the root.
    pub trust_anchor: Option<PathBuf>,
}

/// Where DNS over HTTPS is found in a server, where the file does not say (RFC 8484 section 4.1.1).
const DEFAULT_PATH: &str = "/dns-query";

/// The longest prefixes of IPv4 and of IPv6 in whose name anybody should ask (RFC 7871 section 11.1).
const LONGEST_SUBNETS: (u8, u8) = (24, 56);

/// One view: whoever is asked every name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverConfig {
    /// Its name in metrics and findings.
    pub view: View,
    /// Whom it asks.
    pub server: ResolverAddress,
    /// How long an answer may take, retries included.
    pub timeout: Duration,
    /// For whom it asks (EDNS Client Subnet, RFC 7871); at most a /24 of IPv4 or a /56 of IPv6.
    pub subnet: Option<IpNet>,
}

/// Whom a view asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolverAddress {
    /// Whatever this host's own configuration says (`/etc/resolv.conf`).
    System,
    /// One server.
    Server {
        /// Its address and port.
        address: SocketAddr,
        /// How the question is carried.
        transport: Transport,
    },
    /// The servers of the zone itself.
    Authoritative {
        /// The file that names the servers of the root; `None` where the first view is asked for the servers of a zone.
        hints: Option<NamedFile>,
    },
}

/// How a question is carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP, and TCP where an answer is truncated.
    Udp,
    /// TCP only.
    Tcp,
    /// DNS over TLS (RFC 7858).
    Tls(Authentication),
    /// DNS over HTTPS (RFC 8484), by POST.
    Https {
        /// By what the server is known.
        authentication: Authentication,
        /// Where in the server, beginning with `/`.
        path: String,
    },
}

/// By what the server at the other end is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// The name that its certificate has to be for; `None` where that is its address.
    pub server_name: Option<HostName>,
    /// Who has to have issued the certificate, in PEM; `None` for whoever this host trusts.
    pub ca_file: Option<NamedFile>,
    /// Where the configuration says that it is to be known.
    pub spot: Spot,
}

/// A file, and where the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Where the configuration says so.
    pub spot: Spot,
}

impl ResolverConfig {
    /// The file that it names, if any.
    pub fn file(&self) -> Option<&Path> {
        let named = match &self.server {
            ResolverAddress::System => None,
            ResolverAddress::Authoritative { hints } => hints.as_ref(),
            ResolverAddress::Server { transport, .. } => match transport {
                Transport::Udp | Transport::Tcp => None,
                Transport::Tls(authentication) | Transport::Https { authentication, .. } => {
                    authentication.ca_file.as_ref()
                }
            },
        };
        named.map(|file| file.path.as_path())
    }
}

/// The words for how a question is carried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carriage {
    Udp,
    Tcp,
    Tls,
    Https,
}

impl Carriage {
    const WORDS: [(&'static str, Self); 4] =
        [("udp", Self::Udp), ("tcp", Self::Tcp), ("tls", Self::Tls), ("https", Self::Https)];

    /// The port where it is usual.
    fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 53,
            Self::Tls => 853,
            Self::Https => 443,
        }
    }
}

/// What both sections say.
#[derive(Debug)]
pub(super) struct Resolution {
    /// Who is asked for names.
    pub(super) resolvers: Vec<ResolverConfig>,
    /// How zones are asked.
    pub(super) zones: ZoneConfig,
    /// The file with the keys that signatures are checked from, and where it is named.
    pub(super) trust_anchor: Option<At<PathBuf>>,
}

/// Reads both sections, and warns of servers that `deny` holds; relative paths start at `directory`.
pub(super) fn read(root: &Section<'_>, directory: &Path, deny: &DenyList) -> Resolution {
    let section = root.section("resolution");
    let (zones, trust_anchor) = zones(&section, directory);
    Resolution { resolvers: resolvers(root, &section, directory, deny), zones, trust_anchor }
}

fn resolvers(root: &Section<'_>, section: &Section<'_>, directory: &Path, deny: &DenyList) -> Vec<ResolverConfig> {
    let system = section.or("system", true, value::flag);
    let timeout = section.or("timeout", DEFAULT_TIMEOUT, value::duration(SHORTEST_TIMEOUT));
    let mut resolvers = Vec::new();
    let mut named: BTreeMap<String, Spot> = BTreeMap::new();
    if system {
        let server = ResolverAddress::System;
        resolvers.push(ResolverConfig { view: View(SYSTEM_VIEW.into()), server, timeout, subnet: None });
        named.insert(SYSTEM_VIEW.into(), section.spot("system"));
    }
    let authoritative = authoritative(section, timeout, directory);
    if authoritative.is_some() {
        named.insert(AUTHORITATIVE_VIEW.into(), section.spot_of("authoritative"));
    }
    let written = root.sections("resolver");
    for section in &written {
        let Some((resolver, address)) = resolver(section, timeout, directory, &mut named) else { continue };
        if let Some(why) = denied::asked(address.value.ip(), deny) {
            root.faults().warn(&address.spot, why);
        }
        resolvers.push(resolver);
    }
    if let Some((authoritative, hinted)) = authoritative {
        if !hinted && !system && written.is_empty() {
            let message =
                "asks nobody: without another view to tell the servers of a zone it needs hints = \"named.root\"";
            root.faults().error(&section.spot_of("authoritative"), message);
        }
        resolvers.push(authoritative);
    } else if !system && written.is_empty() {
        root.faults().error(&section.spot("system"), "leaves nobody to ask: add a [[resolver]], or set system = true");
    }
    resolvers
}

/// Reads what of the section `[resolution]` is about zones; relative paths start at `directory`. The file is told of with
/// the place where it is named.
fn zones(section: &Section<'_>, directory: &Path) -> (ZoneConfig, Option<At<PathBuf>>) {
    let interval = section.or("zone_interval", DEFAULT_ZONE_INTERVAL, value::duration(Duration::from_secs(60)));
    let trust_anchor = section.read("trust_anchor", value::text).map(|at| at.map(|path| directory.join(path)));
    (ZoneConfig { interval, trust_anchor: trust_anchor.as_ref().map(|at| at.value.clone()) }, trust_anchor)
}

/// The shortest timeout that is accepted.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

/// The view of the zones' own servers, where it is switched on, and whether hints are written for it.
fn authoritative(section: &Section<'_>, timeout: Duration, directory: &Path) -> Option<(ResolverConfig, bool)> {
    let hints = file(section, "hints", directory);
    let hinted = section.has("hints");
    if !section.or("authoritative", false, value::flag) {
        if hinted {
            let message = "is not used: set authoritative = true as well, or leave it out";
            section.faults().warn(&section.spot_of("hints"), message);
        }
        return None;
    }
    let server = ResolverAddress::Authoritative { hints };
    Some((ResolverConfig { view: View(AUTHORITATIVE_VIEW.into()), server, timeout, subnet: None }, hinted))
}

/// One entry, and where its server is.
fn resolver(
    section: &Section<'_>,
    timeout: Duration,
    directory: &Path,
    named: &mut BTreeMap<String, Spot>,
) -> Option<(ResolverConfig, At<SocketAddr>)> {
    let name = section.require("name", "the name of the view, such as name = \"ptcl\"", value::name);
    let carriage = section.or("transport", Carriage::Udp, |v| value::word(v, &Carriage::WORDS));
    let address = "where it listens, such as address = \"203.0.113.53\"";
    let address = section.require("address", address, |v| self::address(v, carriage.port()));
    let transport = transport(section, carriage, directory);
    let timeout = section.or("timeout", timeout, value::duration(SHORTEST_TIMEOUT));
    let subnet = section.read("client_subnet", subnet).map(|at| at.value);
    let name = name?;
    if let Some(first) = named.get(&name.value) {
        let message = format!("{} is already the name of a view ({first}): give it another", quoted(&name.value));
        section.faults().error(&name.spot, message);
        return None;
    }
    named.insert(name.value.clone(), name.spot);
    let address = address?;
    let server = ResolverAddress::Server { address: address.value, transport };
    Some((ResolverConfig { view: View(name.value), server, timeout, subnet }, address))
}

fn transport(section: &Section<'_>, carriage: Carriage, directory: &Path) -> Transport {
    let server_name = section.read("server_name", server_name).map(|at| at.value);
    let ca_file = file(section, "ca_file", directory);
    let path = section.or("path", DEFAULT_PATH.to_owned(), path);
    let is_secured = matches!(carriage, Carriage::Tls | Carriage::Https);
    let keys = [("server_name", is_secured), ("ca_file", is_secured), ("path", carriage == Carriage::Https)];
    for (key, means_something) in keys {
        if !means_something && section.has(key) {
            let others = if key == "path" { "\"https\"" } else { "\"tls\" or \"https\"" };
            let message = format!("means nothing to this transport: write transport = {others}, or leave it out");
            section.faults().error(&section.spot_of(key), message);
        }
    }
    let authentication = Authentication { server_name, ca_file, spot: section.spot_of("transport") };
    match carriage {
        Carriage::Udp => Transport::Udp,
        Carriage::Tcp => Transport::Tcp,
        Carriage::Tls => Transport::Tls(authentication),
        Carriage::Https => Transport::Https { authentication, path },
    }
}

fn file(section: &Section<'_>, key: &'static str, directory: &Path) -> Option<NamedFile> {
    let At { value, spot } = section.read(key, value::text)?;
    Some(NamedFile { path: directory.join(value), spot })
}

/// The name in a certificate. An address is not written: it is known already.
fn server_name(value: &DeValue<'_>) -> Reading<HostName> {
    let text = value::text(value)?;
    if text.parse::<IpAddr>().is_ok() {
        let shown = quoted(&text);
        return Err(format!(
            "{shown} is an address: leave server_name out, and the certificate has to name the address"
        ));
    }
    value::parsed(value)
}

/// A path of HTTP without a query.
fn path(value: &DeValue<'_>) -> Reading<String> {
    let text = value::text(value)?;
    let allowed = |c: char| {
        c.is_ascii_graphic() && !matches!(c, '?' | '#' | '{' | '}' | '"' | '<' | '>' | '\\' | '^' | '`' | '|')
    };
    if text.starts_with('/') && text.chars().all(allowed) {
        Ok(text)
    } else {
        Err(format!("{} is not a path: write it as \"/dns-query\", without host, query or template", quoted(&text)))
    }
}

/// A prefix that says no more of anybody than resolvers may (RFC 7871 section 11.1).
fn subnet(value: &DeValue<'_>) -> Reading<IpNet> {
    let prefix = value::prefix(value)?;
    let (longest_of_4, longest_of_6) = LONGEST_SUBNETS;
    let longest = if prefix.addr().is_ipv4() { longest_of_4 } else { longest_of_6 };
    if prefix.prefix_len() <= longest {
        return Ok(prefix);
    }
    Err(format!(
        "{prefix} says too much of its hosts: write at most a /{longest_of_4} of IPv4 or a /{longest_of_6} of IPv6 (RFC 7871)"
    ))
}

/// An address with or without a port; the `usual` one where it has none.
fn address(value: &DeValue<'_>, usual: u16) -> Reading<SocketAddr> {
    let text = value::text(value)?;
    let address = text.parse().ok().or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, usual)));
    address.filter(|a: &SocketAddr| a.port() != 0 && !a.ip().is_unspecified() && !a.ip().is_multicast()).ok_or_else(
        || {
            format!(
                "{} is not the address of a server: write 203.0.113.53, 203.0.113.53:5353 or [2001:db8::53]:53",
                quoted(&text)
            )
        },
    )
}
