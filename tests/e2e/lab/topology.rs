//! Who is linked to whom, and the commands that make it so. Pure: it writes a script, [`super::Lab`] runs it.

use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::net::IpAddr;

/// A network on paper: hosts, routers and links between them. Every node gets a route to every address, along the
/// fewest links.
#[derive(Default)]
pub(crate) struct Topology {
    nodes: BTreeMap<&'static str, Node>,
    links: Vec<Link>,
}

#[derive(Default)]
struct Node {
    forwards: bool,
    silenced: Option<&'static str>,
}

struct Link {
    ends: [&'static str; 2],
    subnets: Vec<IpNet>,
}

impl Topology {
    /// A machine that sends and receives, and forwards nothing.
    pub(crate) fn host(&mut self, name: &'static str) -> &mut Self {
        self.node(name, Node::default())
    }

    /// A machine that forwards, and answers for packets that run out of hops on it.
    pub(crate) fn router(&mut self, name: &'static str) -> &mut Self {
        self.node(name, Node { forwards: true, ..Node::default() })
    }

    /// A router that never says that a packet ran out of hops.
    pub(crate) fn silent_router(&mut self, name: &'static str) -> &mut Self {
        self.node(name, Node { forwards: true, silenced: Some(NO_ERRORS) })
    }

    /// A host that takes packets and answers none.
    pub(crate) fn silent_host(&mut self, name: &'static str) -> &mut Self {
        self.node(name, Node { silenced: Some(NOTHING), ..Node::default() })
    }

    fn node(&mut self, name: &'static str, node: Node) -> &mut Self {
        assert!(name.len() <= 15, "{name} is also the name of an interface: 15 characters at most");
        assert!(self.nodes.insert(name, node).is_none(), "{name} exists already");
        self
    }

    /// Joins two nodes. In each subnet the first node gets the first host address, the second the second.
    pub(crate) fn link(&mut self, first: &'static str, second: &'static str, subnets: &[&str]) -> &mut Self {
        for end in [first, second] {
            assert!(self.nodes.contains_key(end), "no node {end}");
        }
        let subnets = subnets.iter().map(|text| text.parse().expect("a subnet")).collect();
        self.links.push(Link { ends: [first, second], subnets });
        self
    }

    /// The IPv4 address of `node` on its link with `peer`.
    pub(crate) fn v4(&self, node: &str, peer: &str) -> IpAddr {
        self.facing(node, peer, false).expect("an IPv4 link")
    }

    /// The IPv6 address of `node` on its link with `peer`.
    pub(crate) fn v6(&self, node: &str, peer: &str) -> IpAddr {
        self.facing(node, peer, true).expect("an IPv6 link")
    }

    fn facing(&self, node: &str, peer: &str, v6: bool) -> Option<IpAddr> {
        self.links.iter().find_map(|link| {
            let place = link.ends.iter().position(|&end| end == node)?;
            if link.ends[1 - place] != peer {
                return None;
            }
            let subnet = link.subnets.iter().find(|subnet| subnet.addr().is_ipv6() == v6)?;
            Some(host_address(*subnet, place))
        })
    }

    /// The shell script that builds the network in an empty world.
    pub(crate) fn script(&self) -> String {
        let mut script = String::from("set -e\n");
        for name in self.nodes.keys() {
            let _ = writeln!(script, "ip netns add {name}");
        }
        script.push_str("ip -batch - <<'END'\n");
        for Link { ends: [first, second], .. } in &self.links {
            let _ = writeln!(script, "link add name {second} netns {first} type veth peer name {first} netns {second}");
        }
        script.push_str("END\n");
        for (name, node) in &self.nodes {
            self.write_node(&mut script, name, node);
        }
        script
    }

    fn write_node(&self, script: &mut String, name: &str, node: &Node) {
        let _ = writeln!(script, "ip netns exec {name} sysctl -qw {}", settings(node));
        // The links are there already, and keep what was the default when they were made. Until its own address on a link is
        // no longer tentative, a router asks nobody there for a neighbour of what it forwards: its IPv6 goes nowhere for up
        // to two seconds.
        for peer in self.neighbours(name) {
            let _ = writeln!(script, "ip netns exec {name} sysctl -qw net.ipv6.conf.{peer}.accept_dad=0");
        }
        if let Some(rules) = node.silenced {
            let _ = writeln!(script, "ip netns exec {name} nft '{rules}'");
        }
        let _ = writeln!(script, "ip -n {name} -batch - <<'END'\nlink set lo up");
        for link in &self.links {
            let Some(place) = link.ends.iter().position(|&end| end == name) else { continue };
            let peer = link.ends[1 - place];
            for subnet in &link.subnets {
                let address = host_address(*subnet, place);
                let length = subnet.prefix_len();
                let _ = writeln!(script, "address add {address}/{length} dev {peer}{}", no_detection(address));
            }
            let _ = writeln!(script, "link set {peer} up");
        }
        for v6 in [false, true] {
            for (prefix, via) in self.routes(name, v6) {
                let _ = writeln!(script, "route add {prefix} via {via}");
            }
        }
        script.push_str("END\n");
    }

    /// Every prefix that `from` is not attached to, with the neighbour that is nearest to it.
    fn routes(&self, from: &str, v6: bool) -> BTreeMap<IpNet, IpAddr> {
        let attached: BTreeSet<IpNet> = self.prefixes(from, v6).collect();
        let mut routes = BTreeMap::new();
        let mut known = BTreeSet::from([from]);
        let mut queue = VecDeque::from([(from, None)]);
        while let Some((node, via)) = queue.pop_front() {
            if let Some(via) = via {
                for prefix in self.prefixes(node, v6).filter(|prefix| !attached.contains(prefix)) {
                    routes.entry(prefix).or_insert(via);
                }
            }
            for neighbour in self.neighbours(node) {
                let Some(address) = self.facing(neighbour, node, v6) else { continue };
                if known.insert(neighbour) {
                    queue.push_back((neighbour, via.or(Some(address))));
                }
            }
        }
        routes
    }

    fn neighbours(&self, node: &str) -> impl Iterator<Item = &'static str> {
        self.links.iter().filter_map(move |link| {
            let place = link.ends.iter().position(|&end| end == node)?;
            Some(link.ends[1 - place])
        })
    }

    fn prefixes(&self, node: &str, v6: bool) -> impl Iterator<Item = IpNet> {
        let links = self.links.iter().filter(move |link| link.ends.contains(&node));
        let subnets = links.flat_map(|link| link.subnets.iter().map(IpNet::trunc));
        subnets.filter(move |prefix| prefix.addr().is_ipv6() == v6)
    }
}

const NO_ERRORS: &str = "add table inet silence; \
    add chain inet silence out { type filter hook output priority 0; }; \
    add rule inet silence out icmp type time-exceeded drop; \
    add rule inet silence out icmpv6 type time-exceeded drop";

const NOTHING: &str = "add table inet silence; \
    add chain inet silence in { type filter hook input priority 0; }; \
    add rule inet silence in meta l4proto { icmp, tcp, udp } drop; \
    add rule inet silence in icmpv6 type echo-request drop";

/// Error messages are not rationed in the lab, and addresses work at once.
fn settings(node: &Node) -> String {
    let forwards = u8::from(node.forwards);
    format!(
        "net.ipv4.ip_forward={forwards} net.ipv6.conf.all.forwarding={forwards} net.ipv6.conf.all.accept_dad=0 \
         net.ipv6.conf.default.accept_dad=0 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
         net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=10000 net.ipv4.conf.all.rp_filter=0"
    )
}

fn no_detection(address: IpAddr) -> &'static str {
    if address.is_ipv6() { " nodad" } else { "" }
}

/// The first and the second address after that of the subnet itself, which in IPv6 belongs to any router.
fn host_address(subnet: IpNet, place: usize) -> IpAddr {
    let addresses = match subnet {
        IpNet::V4(subnet) => [1, 2].map(|offset| IpAddr::from((subnet.network().to_bits() + offset).to_be_bytes())),
        IpNet::V6(subnet) => [1, 2].map(|offset| IpAddr::from((subnet.network().to_bits() + offset).to_be_bytes())),
    };
    addresses[place]
}
