//! The network most stories happen on: a vantage in Karachi, its provider with a name server, an exchange with a
//! government host behind it, and a cable to a host in Germany.
//!
//! ```text
//! khi-1 ── isp ── ix ── portal      175.107.60.1, of a network in Pakistan
//!           │      └─── sea ── abroad  88.198.1.2, of a network in Germany
//!          dns
//! ```
//! Addresses are those of real networks, so that the databases have something to say of them.

use crate::lab::{Lab, LongWay, Process, Topology};

/// How long the cable to Germany is, there and back, in milliseconds.
pub(super) const CABLE: u64 = 118;

/// What the operator's register says of both.
pub(super) const REGISTER: &str = "\
[[asset]]
prefix = \"175.107.60.0/24\"
country = \"PK\"
source = \"asset list of the lab\"
dated = 2026-01-01
[[asset]]
prefix = \"88.198.1.0/24\"
country = \"DE\"
source = \"asset list of the lab\"
dated = 2026-01-01
";

/// The drawing.
pub(super) fn drawing() -> Topology {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").host("dns").router("ix").host("portal").router("sea").host("abroad");
    net.link("khi-1", "isp", &["39.32.0.0/30", "2400:adc0:0:1::/126"]);
    net.link("dns", "isp", &["39.32.0.4/30"]);
    net.link("isp", "ix", &["39.32.0.8/30", "2400:adc0:0:2::/126"]);
    net.link("portal", "ix", &["175.107.60.0/30", "2407:e700:0:1::/126"]);
    net.link("ix", "sea", &["39.32.0.12/30", "2400:adc0:0:3::/126"]);
    net.link("sea", "abroad", &["88.198.1.0/30", "2a01:4f8:0:1::/126"]);
    net
}

/// Lays the cable.
pub(super) fn lay_cable(lab: &Lab) -> Process {
    let routers = [("62.115.1.1", 24), ("62.115.1.2", 96)];
    let ways = [
        LongWay { toward: "88.198.0.0/16", routers: &routers, reached_after: CABLE },
        LongWay { toward: "2a01:4f8::/32", routers: &[], reached_after: CABLE },
    ];
    LongWay::start(lab, "sea", &ways)
}
