//! Whom this host asks: `/etc/resolv.conf`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use hickory_resolver::config::{ConnectionConfig, ResolverConfig};
use hickory_resolver::system_conf::read_system_conf;

use crate::edge::input::{Stamp, stamp};

/// Where hosts say whom they ask.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The servers of the host. The file is looked at for each question, as the C library does, since it may appear after we
/// start and changes with the network; it is read when it has changed.
#[derive(Debug, Default)]
pub(super) struct System {
    read: Mutex<Option<(Stamp, Vec<SocketAddr>)>>,
}

impl System {
    /// Its servers just now; none where nobody knows them.
    pub(super) fn servers(&self) -> Vec<SocketAddr> {
        let Some(now) = stamp(Path::new(RESOLV_CONF)) else { return Vec::new() };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, servers)) = read.as_ref()
            && *then == now
        {
            return servers.clone();
        }
        let servers = servers_of_this_host();
        *read = Some((now, servers.clone()));
        servers
    }
}

/// Whom this host's own configuration says to ask; nobody where it cannot be read.
pub fn servers_of_this_host() -> Vec<SocketAddr> {
    read_system_conf().map(|(system, _)| servers_in(&system)).unwrap_or_default()
}

/// The servers that a configuration names, in its order.
pub(super) fn servers_in(system: &ResolverConfig) -> Vec<SocketAddr> {
    let port = |connections: &[ConnectionConfig]| connections.first().map_or(53, |c| c.port);
    system.name_servers().iter().map(|server| SocketAddr::new(server.ip, port(&server.connections))).collect()
}
