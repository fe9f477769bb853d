//! `[http]`: the HTTP surface.

use std::net::{Ipv4Addr, SocketAddr};

use super::section::Section;
use super::value;

/// The HTTP surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where it listens; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Whether `POST /-/reload` reloads the configuration.
    pub reload: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 19924)), reload: false }
    }
}

/// Reads the section.
pub(super) fn read(root: &Section<'_>) -> HttpConfig {
    let default = HttpConfig::default();
    let section = root.section("http");
    let listen = section.or("listen", default.listen, |v| {
        let text = value::text(v)?;
        text.parse()
            .map_err(|_| format!("{text:?} is not an address with a port: write 127.0.0.1:19924 or [::1]:19924"))
    });
    let reload = section.or("reload", default.reload, value::flag);
    if !listen.ip().is_loopback() {
        let message = "anyone who reaches this address can read the metrics: put a firewall or a proxy in front of it";
        section.faults().warn(&section.spot_of("listen"), message);
    }
    HttpConfig { listen, reload }
}
