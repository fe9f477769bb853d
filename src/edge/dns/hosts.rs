//! What this host's operator calls addresses (`/etc/hosts`), which the C library looks at before it asks anybody.
//!
//! That is no evidence of what the DNS says, so that views do not look there; only whoever wants what programs of this
//! host get, as `pehra trace` does.

use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use hickory_proto::op::Query;
use hickory_proto::rr::{Name, RecordType};
use hickory_resolver::Hosts;
use hickory_resolver::lookup::Lookup;

use crate::edge::input;
use crate::resolution::AddressFamily;
use crate::workload::HostName;

/// Where it is.
const FILE: &str = "/etc/hosts";

/// The largest that is read, in bytes: a million names.
const MOST: u64 = 64 << 20;

/// The names of a file of hosts.
#[derive(Debug, Default)]
pub struct HostsFile(Hosts);

impl HostsFile {
    /// Those of this host. Without the file there are none, as for the C library.
    pub fn of_this_host() -> io::Result<Self> {
        let mut bytes = Vec::new();
        match input::open_file(Path::new(FILE), MOST) {
            Ok(mut file) => drop(file.reader.read_to_end(&mut bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Self::parse(&bytes)
    }

    /// Those that are written in `bytes`; a line that makes no sense counts for nothing, as for the C library.
    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let mut hosts = Hosts::default();
        hosts.read_hosts_conf(String::from_utf8_lossy(bytes).as_bytes())?;
        Ok(Self(hosts))
    }

    /// The addresses of `name`, in the order of the file, each once.
    pub fn addresses(&self, name: &HostName, family: AddressFamily) -> Vec<IpAddr> {
        let kind = match family {
            AddressFamily::A => RecordType::A,
            AddressFamily::Aaaa => RecordType::AAAA,
        };
        let query = Name::from_ascii(name.as_str()).map(|name| Query::query(name, kind));
        let found = query.ok().and_then(|query| self.0.lookup_static_host(&query));
        let mut addresses = Vec::new();
        for address in found.iter().flat_map(Lookup::answers).filter_map(|record| record.data.ip_addr()) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_addresses_that_are_written_before_it() {
        let text = b"# this host\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # too\nnonsense portal.gov.pk\n\
                     203.0.113.9 Portal.Gov.PK portal \xff\n203.0.113.8 portal.gov.pk\n203.0.113.9 portal.gov.pk\n";
        let hosts = HostsFile::parse(text).unwrap();
        let found = |name: &str, family| {
            let found = hosts.addresses(&name.parse().unwrap(), family);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(found("localhost", AddressFamily::A), ["127.0.0.1"]);
        assert_eq!(found("localhost", AddressFamily::Aaaa), ["::1"]);
        assert_eq!(found("PORTAL.gov.pk.", AddressFamily::A), ["203.0.113.9", "203.0.113.8"]);
        assert_eq!(found("portal", AddressFamily::A), ["203.0.113.9"]);
        assert!(found("portal.gov.pk", AddressFamily::Aaaa).is_empty());
        assert!(found("gov.pk", AddressFamily::A).is_empty());
    }
}
