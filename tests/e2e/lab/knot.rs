//! A name server that answers by where a question is from, as those of content-delivery networks do: knot.

use super::{Lab, Process, START, wait_for};
use std::fmt::Write as _;
use std::net::IpAddr;

/// A knot that answers by client subnet (RFC 7871).
pub(crate) struct SteeringServer {
    _process: Process,
}

impl SteeringServer {
    /// Serves `zone` on port 53 of `address`, where `www` is at `otherwise`, or where `by_subnet` has it for who asks.
    pub(crate) fn start(
        lab: &Lab,
        node: &'static str,
        address: IpAddr,
        zone: &str,
        otherwise: IpAddr,
        by_subnet: &[(&str, IpAddr)],
    ) -> Self {
        let directory = lab.path(node).display().to_string();
        lab.write(
            &format!("{node}/steered.zone"),
            &format!(
                "$TTL 30\n@ SOA ns1 hostmaster 1 3600 600 86400 30\n@ NS ns1\nns1 A {address}\nwww A {otherwise}\n"
            ),
        );
        let mut steering = format!("www.{zone}:\n");
        for (subnet, to) in by_subnet {
            let _ = write!(steering, "  - net: {subnet}\n    A: {to}\n");
        }
        lab.write(&format!("{node}/steering.conf"), &steering);
        let config = format!(
            "server:\n  listen: {address}@53\n  rundir: {directory}\n  udp-workers: 1\n  tcp-workers: 1\n  \
             background-workers: 1\n  edns-client-subnet: on\nlog:\n  - target: stderr\n    any: info\n\
             database:\n  storage: {directory}/knot\nmod-geoip:\n  - id: steering\n    config-file: {directory}/steering.conf\n    \
             ttl: 30\n    mode: subnet\nzone:\n  - domain: {zone}\n    storage: {directory}\n    file: steered.zone\n    \
             zonefile-sync: -1\n    module: mod-geoip/steering\n"
        );
        let config = lab.write(&format!("{node}/knot.conf"), &config).display().to_string();
        let process = lab.spawn(node, &["knotd", "-c", &config]);
        let server = format!("@{address}");
        wait_for(&format!("{zone} to be served"), START, || {
            let answer = lab.run(node, &["dig", "+short", "+tries=1", "+time=1", &server, zone, "SOA"]);
            (!answer.stdout.is_empty()).then_some(())
        });
        Self { _process: process }
    }
}
