//! Real name servers: nsd has the zones, unbound asks it and remembers for as long as a TTL lasts.

use super::{Lab, Process, START, wait_for};
use std::fmt::Write as _;
use std::net::IpAddr;

/// The records of a zone, in zone file syntax, and the TTL in seconds of those that name none.
pub(crate) struct Zone<'a> {
    pub(crate) name: &'a str,
    pub(crate) ttl: u32,
    pub(crate) records: &'a str,
}

/// An nsd that is the authority for a few zones.
pub(crate) struct NameServer<'a> {
    lab: &'a Lab,
    node: &'static str,
    address: IpAddr,
    _process: Process,
}

impl<'a> NameServer<'a> {
    /// Serves `zones` on port 53 of `address`, and returns when they are served.
    pub(crate) fn start(lab: &'a Lab, node: &'static str, address: IpAddr, zones: &[Zone<'_>]) -> Self {
        let directory = lab.path(node).display().to_string();
        let mut config = format!(
            "server:\n  ip-address: {address}\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  \
             database: \"\"\n  zonesdir: {directory}\n  pidfile: {directory}/nsd.pid\n  \
             xfrdfile: {directory}/xfrd.state\n  zonelistfile: {directory}/zone.list\n\
             remote-control:\n  control-enable: yes\n  control-interface: {directory}/nsd.ctl\n"
        );
        for zone in zones {
            write_zone(lab, node, address, zone);
            let _ = write!(config, "zone:\n  name: {}\n  zonefile: {}.zone\n", zone.name, zone.name);
        }
        let config = lab.write(&format!("{node}/nsd.conf"), &config).display().to_string();
        let process = lab.spawn(node, &["nsd", "-d", "-c", &config]);
        let server = Self { lab, node, address, _process: process };
        for zone in zones {
            server.wait_for_serial(zone);
        }
        server
    }

    /// Replaces a zone, and returns when the new one is served.
    pub(crate) fn publish(&self, zone: &Zone<'_>) {
        write_zone(self.lab, self.node, self.address, zone);
        let config = self.lab.path(self.node).join("nsd.conf").display().to_string();
        self.lab.output(self.node, &["nsd-control", "-c", &config, "reload", zone.name]);
        self.wait_for_serial(zone);
    }

    /// The serial number is the digest of the zone, so that it tells which text is being served.
    fn wait_for_serial(&self, zone: &Zone<'_>) {
        let serial = format!(" {} ", serial(zone));
        let server = format!("@{}", self.address);
        wait_for(&format!("{} to be served", zone.name), START, || {
            let answer = self.lab.run(self.node, &["dig", "+short", "+tries=1", "+time=1", &server, zone.name, "SOA"]);
            String::from_utf8_lossy(&answer.stdout).contains(&serial).then_some(())
        });
    }
}

fn write_zone(lab: &Lab, node: &str, address: IpAddr, zone: &Zone<'_>) {
    let Zone { name, ttl, records } = zone;
    let kind = if address.is_ipv6() { "AAAA" } else { "A" };
    let text = format!(
        "$ORIGIN {name}.\n$TTL {ttl}\n@ SOA ns1 hostmaster {} 3600 600 86400 {ttl}\n@ NS ns1\nns1 {kind} {address}\n\
         {records}\n",
        serial(zone)
    );
    lab.write(&format!("{node}/{name}.zone"), &text);
}

fn serial(zone: &Zone<'_>) -> u32 {
    zone.records.bytes().fold(17_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 1_000_000
}

/// An nsd that serves zones as they are in the directory of the lab, signatures included, and says how it is called.
pub(crate) struct SignedServer {
    _process: Process,
}

impl SignedServer {
    /// Serves `zones`, by name and file, on port 53 of `addresses`, and returns when the last of them is served.
    pub(crate) fn start(
        lab: &Lab,
        node: &'static str,
        addresses: &[IpAddr],
        identity: &str,
        zones: &[(&str, &str)],
    ) -> Self {
        let (directory, all) = (lab.path("").display().to_string(), lab.path(node).display().to_string());
        let mut config = format!(
            "server:\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n  nsid: ascii_{identity}\n  \
             zonesdir: {directory}\n  pidfile: {all}/nsd.pid\n  xfrdfile: {all}/xfrd.state\n  zonelistfile: {all}/zone.list\n"
        );
        for address in addresses {
            let _ = writeln!(config, "  ip-address: {address}");
        }
        for (name, file) in zones {
            let _ = write!(config, "zone:\n  name: {name}\n  zonefile: {file}\n");
        }
        let config = lab.write(&format!("{node}/nsd.conf"), &config).display().to_string();
        let process = lab.spawn(node, &["nsd", "-d", "-c", &config]);
        let (server, last) = (format!("@{}", addresses[0]), zones[zones.len() - 1].0);
        wait_for(&format!("{last} to be served"), START, || {
            let answer = lab.run(node, &["dig", "+short", "+tries=1", "+time=1", &server, last, "SOA"]);
            (!answer.stdout.is_empty()).then_some(())
        });
        Self { _process: process }
    }
}

/// An unbound that resolves for its network.
pub(crate) struct Recursor {
    _process: Process,
}

impl Recursor {
    /// Answers on port 53 of `address`, asking `authority` about `zones`.
    pub(crate) fn start(lab: &Lab, node: &'static str, address: IpAddr, authority: IpAddr, zones: &[&str]) -> Self {
        Self::start_with(lab, node, address, authority, zones, "")
    }

    /// The same, with more lines of the `server` section.
    pub(crate) fn start_with(
        lab: &Lab,
        node: &'static str,
        address: IpAddr,
        authority: IpAddr,
        zones: &[&str],
        lines: &str,
    ) -> Self {
        let directory = lab.path(node).display().to_string();
        let mut config = format!(
            "server:\n  interface: {address}\n  access-control: 0.0.0.0/0 allow\n  access-control: ::/0 allow\n  \
             do-daemonize: no\n  use-syslog: no\n  username: \"\"\n  chroot: \"\"\n  directory: {directory}\n  \
             pidfile: {directory}/unbound.pid\n  module-config: iterator\n  num-threads: 1\n{lines}\
             remote-control:\n  control-enable: no\n"
        );
        for zone in zones {
            let _ = write!(config, "stub-zone:\n  name: {zone}\n  stub-addr: {authority}\n  stub-no-cache: no\n");
        }
        let config = lab.write(&format!("{node}/unbound.conf"), &config).display().to_string();
        let process = lab.spawn(node, &["unbound", "-d", "-c", &config]);
        let server = format!("@{address}");
        wait_for("unbound to answer", START, || {
            let question = ["dig", "+short", "+tries=1", "+time=1", &server, zones[0], "SOA"];
            (!lab.run(node, &question).stdout.is_empty()).then_some(())
        });
        Self { _process: process }
    }
}
