//! `[resolution]` and `[[resolver]]`: who is asked for names.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use crate::resolution::View;
use crate::round::deny::DenyList;

use super::denied;
use super::fault::{Spot, quoted};
use super::section::{At, Reading, Section};
use super::value;

/// The name of the view that asks the way this host does.
pub const SYSTEM_VIEW: &str = "system";

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

/// One view: a resolver that is asked every name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverConfig {
    /// Its name in metrics and findings.
    pub view: View,
    /// Whom it asks.
    pub server: ResolverAddress,
    /// How long an answer may take, retries included.
    pub timeout: Duration,
}

/// Whom a view asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// How a question is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// UDP, and TCP where an answer is truncated.
    Udp,
    /// TCP only.
    Tcp,
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
    Resolution { resolvers: resolvers(root, &section, deny), zones, trust_anchor }
}

fn resolvers(root: &Section<'_>, section: &Section<'_>, deny: &DenyList) -> Vec<ResolverConfig> {
    let system = section.or("system", true, value::flag);
    let timeout = section.or("timeout", DEFAULT_TIMEOUT, value::duration(Duration::from_millis(100)));
    let mut resolvers = Vec::new();
    let mut named: BTreeMap<String, Spot> = BTreeMap::new();
    if system {
        resolvers.push(ResolverConfig { view: View(SYSTEM_VIEW.into()), server: ResolverAddress::System, timeout });
        named.insert(SYSTEM_VIEW.into(), section.spot("system"));
    }
    let written = root.sections("resolver");
    for section in &written {
        let name = section.require("name", "the name of the view, such as name = \"ptcl\"", value::name);
        let address = section.require("address", "where it listens, such as address = \"203.0.113.53\"", address);
        let words = [("udp", Transport::Udp), ("tcp", Transport::Tcp)];
        let transport = section.or("transport", Transport::Udp, |v| value::word(v, &words));
        let timeout = section.or("timeout", timeout, value::duration(Duration::from_millis(100)));
        let Some(name) = name else { continue };
        if let Some(first) = named.get(&name.value) {
            let message = format!("{} is already the name of a view ({first}): give it another", quoted(&name.value));
            root.faults().error(&name.spot, message);
            continue;
        }
        named.insert(name.value.clone(), name.spot);
        if let Some(address) = address {
            if let Some(why) = denied::asked(address.value.ip(), deny) {
                root.faults().warn(&address.spot, why);
            }
            let server = ResolverAddress::Server { address: address.value, transport };
            resolvers.push(ResolverConfig { view: View(name.value), server, timeout });
        }
    }
    if !system && written.is_empty() {
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

/// An address with or without a port; 53 where it has none.
fn address(value: &DeValue<'_>) -> Reading<SocketAddr> {
    let text = value::text(value)?;
    let address = text.parse().ok().or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, 53)));
    address.filter(|a: &SocketAddr| a.port() != 0 && !a.ip().is_unspecified() && !a.ip().is_multicast()).ok_or_else(
        || {
            format!(
                "{} is not the address of a server: write 203.0.113.53, 203.0.113.53:5353 or [2001:db8::53]:53",
                quoted(&text)
            )
        },
    )
}
