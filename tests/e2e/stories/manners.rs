//! Whom the daemon speaks to: what the inventory names, what the names in it lead to, and the resolver.

use super::network;
use crate::lab::{Instance, Lab, NameServer, Recursor, Settings, Zone, greet};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// Notes in the kernel to whom anything leaves this host, raw sockets included.
const WITNESS: &str = "table ip witness {
    set seen { type ipv4_addr; flags dynamic; size 65535; }
    chain leaving { type filter hook output priority 0; ip daddr != 127.0.0.0/8 add @seen { ip daddr }; }
}
table ip6 witness {
    set seen { type ipv6_addr; flags dynamic; size 65535; }
    chain leaving { type filter hook output priority 0; ip6 daddr 2000::/3 add @seen { ip6 daddr }; }
}";

pub(super) fn nothing_else_is_sent_anything() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (portal, resolver) = (net.v4("portal", "ix"), net.v4("dns", "isp"));
    // The name leads through an alias to the portal and to what is private, of one link, of many, and denied. What the
    // addresses are called, and where the portal redirects to, is made up by whoever runs them, and leads to a victim.
    let records = "portal CNAME alias\nalias A 175.107.60.1\nalias A 88.198.1.2\nalias A 10.1.2.3\nalias A 169.254.169.254\n\
                   alias A 224.0.0.1\nalias AAAA 2a01:4f8:0:1::2\nalias AAAA ff02::1\nvictim A 39.32.0.14";
    let zone = Zone { name: "example.gov.pk", ttl: 1, records };
    let pointers = Zone {
        name: "60.107.175.in-addr.arpa",
        ttl: 1,
        records: "1 PTR victim.example.gov.pk.\n2 PTR 14.0.32.39.example.gov.pk.",
    };
    let names = [zone.name, pointers.name];
    let _server = NameServer::start(&lab, "portal", portal, &[zone, pointers]);
    let _recursor = Recursor::start(&lab, "dns", resolver, portal, &names);
    let redirect = "HTTP/1.1 301 Moved Permanently\r\nLocation: http://39.32.0.14/\r\nConnection: close\r\n\r\n";
    let _portal = greet(&lab, "portal", SocketAddr::new(portal, 80), redirect);
    lab.output("khi-1", &["nft", WITNESS]);

    let settings = Settings {
        endpoints: &["tcp://portal.example.gov.pk:80", "tcp://88.198.1.2:443"],
        resolver: Some(resolver),
        probing: "reply_timeout = \"200ms\"\ndeny = [\"88.198.0.0/16\", \"2a01:4f8::/32\"]\nallow = [\"88.198.1.0/24\"]",
        ..Settings::default()
    };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    let seen = pehra.wait_for_journal(6);
    assert!(seen.iter().all(|observation| !observation.denied.is_empty()), "{seen:?}");

    let sent_to: BTreeSet<IpAddr> = ["ip", "ip6"].into_iter().flat_map(|family| addresses(&lab, family)).collect();
    assert_eq!(sent_to, BTreeSet::from([portal, resolver]));
    for endpoint in settings.endpoints {
        assert_eq!(pehra.standing(endpoint), Some("unproven"), "{endpoint}");
    }
}

/// Whom the kernel noted.
fn addresses(lab: &Lab, family: &str) -> Vec<IpAddr> {
    let listed = lab.output("khi-1", &["nft", "list", "set", family, "witness", "seen"]);
    let words = listed.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')));
    words.filter_map(|word| word.parse().ok()).collect()
}
