//! Who is never sent anything.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

use crate::location::source::prefixes::PrefixTable;

/// Nobody in particular, or many at once: this network (RFC 1122), one link (RFC 3927, RFC 4291), several receivers
/// (RFC 5771, RFC 4291), everybody (RFC 919). And whoever tells a machine in a cloud its keys, where that is not by an
/// address of one link: of [Alibaba](https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata),
/// [Azure](https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16) and
/// [AWS](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html).
const NEVER: [&str; 10] = [
    "0.0.0.0/8",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "fd00:ec2::254/128",
    "fe80::/10",
    "ff00::/8",
];

static NOBODY: LazyLock<PrefixTable<()>> = LazyLock::new(|| {
    let mut table = PrefixTable::default();
    for prefix in NEVER.into_iter().filter_map(|text| text.parse().ok()) {
        table.insert(prefix, ());
    }
    table
});

/// The networks that are never sent anything: those that are told, and those that are nobody in particular.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenyList(PrefixTable<()>);

impl DenyList {
    /// The network for which nothing is sent to `address`; `None` where something may be.
    pub fn denies(&self, address: IpAddr) -> Option<IpNet> {
        self.0.find(address).or_else(|| NOBODY.find(address)).map(|(prefix, ())| prefix)
    }

    /// The network among those that were told, and not of nobody in particular, that holds `address`.
    pub fn told(&self, address: IpAddr) -> Option<IpNet> {
        self.0.find(address).map(|(prefix, ())| prefix)
    }
}

impl FromIterator<IpNet> for DenyList {
    fn from_iter<I: IntoIterator<Item = IpNet>>(prefixes: I) -> Self {
        let mut table = PrefixTable::default();
        for prefix in prefixes {
            table.insert(prefix, ());
        }
        Self(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(list: &DenyList, address: &str) -> Option<String> {
        list.denies(address.parse().unwrap()).map(|prefix| prefix.to_string())
    }

    #[test]
    fn the_narrowest_network_that_was_told_holds_an_address() {
        let list: DenyList =
            ["203.0.113.0/24", "203.0.113.128/25", "2001:db8::/32"].map(|p| p.parse().unwrap()).into_iter().collect();
        for (address, by) in [
            ("203.0.113.1", Some("203.0.113.0/24")),
            ("203.0.113.129", Some("203.0.113.128/25")),
            ("::ffff:203.0.113.1", Some("203.0.113.0/24")),
            ("203.0.112.255", None),
            ("2001:db8:ffff::1", Some("2001:db8::/32")),
            ("2001:db9::1", None),
        ] {
            assert_eq!(denied(&list, address).as_deref(), by, "{address}");
        }
    }

    #[test]
    fn nobody_in_particular_is_never_sent_anything() {
        let list = DenyList::default();
        for (address, by) in [
            ("0.0.0.0", Some("0.0.0.0/8")),
            ("169.254.169.254", Some("169.254.0.0/16")),
            ("::ffff:169.254.169.254", Some("169.254.0.0/16")),
            ("100.100.100.200", Some("100.100.100.200/32")),
            ("100.100.100.201", None),
            ("168.63.129.16", Some("168.63.129.16/32")),
            ("fd00:ec2::254", Some("fd00:ec2::254/128")),
            ("fd00:ec2::253", None),
            ("224.0.0.1", Some("224.0.0.0/4")),
            ("255.255.255.255", Some("255.255.255.255/32")),
            ("::", Some("::/128")),
            ("fe80::1", Some("fe80::/10")),
            ("ff02::1", Some("ff00::/8")),
            ("127.0.0.1", None),
            ("10.0.0.1", None),
            ("::1", None),
        ] {
            assert_eq!(denied(&list, address).as_deref(), by, "{address}");
            assert_eq!(list.told(address.parse().unwrap()), None);
        }
    }
}
