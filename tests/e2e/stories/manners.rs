//! Whom the daemon speaks to: what the inventory names, what the names in it lead to, and the resolver.

use super::network;
use crate::lab::{Authority, Instance, Lab, NameServer, Recursor, Settings, Zone, greet, inspect, page};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

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
    // That a view gives private addresses is a finding of its own.
    for (endpoint, standing) in settings.endpoints.iter().zip(["suspect", "unproven"]) {
        assert_eq!(pehra.standing(endpoint), Some(standing), "{endpoint}");
    }
}

/// The same of everything but what makes neighbours known to each other, this host itself included.
const WITNESS_OF_ALL: &str = "table ip witness {
    set seen { type ipv4_addr; flags dynamic; size 65535; }
    chain leaving { type filter hook output priority 0; add @seen { ip daddr }; }
}
table ip6 witness {
    set seen { type ipv6_addr; flags dynamic; size 65535; }
    chain leaving {
        type filter hook output priority 0;
        meta l4proto { tcp, udp } add @seen { ip6 daddr };
        icmpv6 type echo-request add @seen { ip6 daddr };
    }
}";

pub(super) fn nothing_is_sent_where_names_rebind_to() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (portal, resolver) = (net.v4("portal", "ix"), net.v4("dns", "isp"));
    // It serves the zone and takes its mail as well, as far as the zone says.
    let records = "@ NS rebinds\n@ MX 10 rebinds\nwww A 175.107.60.1\nwww HTTPS 1 . ipv4hint=127.0.0.1 ipv6hint=::1\n\
                   rebinds A 127.0.0.1\nrebinds A 127.1.2.3\nrebinds A 0.0.0.0\nrebinds A 10.1.2.3\nrebinds A 169.254.169.254\n\
                   rebinds A 100.100.100.200\nrebinds A 168.63.129.16\nrebinds A 255.255.255.255\n\
                   rebinds AAAA ::1\nrebinds AAAA ::\nrebinds AAAA fe80::1\nrebinds AAAA fd00:ec2::254\n\
                   rebinds AAAA ::ffff:127.0.0.1\nrebinds AAAA ::ffff:169.254.169.254\nrebinds AAAA 64:ff9b::a9fe:a9fe\n\
                   rebinds AAAA 2002:7f00:1::1";
    let zone = Zone { name: "example.gov.pk", ttl: 1, records };
    let _server = NameServer::start(&lab, "portal", portal, &[zone]);
    let _recursor = Recursor::start(&lab, "dns", resolver, portal, &["example.gov.pk"]);
    let identity = Authority::new(&lab, "authority").issue("www.example.gov.pk");
    let to = [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "https://rebinds.example.gov.pk/",
        "http://localhost:19924/metrics",
    ];
    let ports = || (8001_u16..).zip(to);
    let mut sites: Vec<_> = ports()
        .map(|(port, to)| {
            let sent = ["HTTP/1.1 302 Found", &format!("Location: {to}")];
            page(&lab, "portal", SocketAddr::new(portal, port), &identity, &sent)
        })
        .collect();
    lab.output("khi-1", &["nft", WITNESS_OF_ALL]);

    let mut endpoints: Vec<String> = ports().map(|(port, _)| format!("https://www.example.gov.pk:{port}")).collect();
    endpoints.extend(["https", "dns", "smtp"].map(|scheme| format!("{scheme}://rebinds.example.gov.pk")));
    let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
    let settings = Settings {
        endpoints: &endpoints,
        resolver: Some(resolver),
        probing: "reply_timeout = \"200ms\"",
        ..Settings::default()
    };
    let (lines, status) = inspect(&lab, "khi-1", &settings);
    for site in &mut sites {
        site.wait_for_line("GET / HTTP/1.1", Duration::from_secs(5));
    }
    let sent_to = || -> BTreeSet<IpAddr> { ["ip", "ip6"].into_iter().flat_map(|it| addresses(&lab, it)).collect() };
    assert_eq!(sent_to(), BTreeSet::from([portal, resolver]));
    for (ping, this_host) in [("-4", "127.0.0.1"), ("-6", "::1")] {
        lab.output("khi-1", &["ping", ping, "-c", "1", this_host]);
        assert!(sent_to().contains(&this_host.parse().expect("an address")), "what is sent to {this_host} is seen");
    }
    let rebound: Vec<_> = lines.iter().filter(|line| line["address"] != "175.107.60.1").collect();
    assert!(rebound.len() >= 3 * 8, "{}", rebound.len());
    for line in rebound {
        assert!(line["contacts"].is_null() && line["hops"] == Value::Array(Vec::new()), "{line:#}");
        assert_ne!(line["standing"], "compliant", "{line:#}");
    }
    assert_eq!(status, Some(3));
}

/// Whom the kernel noted.
fn addresses(lab: &Lab, family: &str) -> Vec<IpAddr> {
    let listed = lab.output("khi-1", &["nft", "list", "set", family, "witness", "seen"]);
    let words = listed.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')));
    words.filter_map(|word| word.parse().ok()).collect()
}
