//! What is to be said to an address, before anybody has said it.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::workload::Host;

/// One conversation that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Whom to speak to: this address and no other, whatever a name leads to.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// How many connections are attempted; the conversation is held over the first that comes about. At least 1.
    pub attempts: u8,
    /// How long one connection may take, and each step of the conversation.
    pub timeout: Duration,
    /// What is said once there is a connection.
    pub speech: Speech,
}

/// What is said over a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Speech {
    /// Nothing: the handshake of TCP is all.
    Nothing,
    /// An HTTP request.
    Http(Request),
    /// The greeting of a mail server, and TLS where it offers that (RFC 3207).
    Smtp {
        /// The name that its certificate should carry.
        name: Host,
    },
}

/// An HTTP request for a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Request {
    /// Whether TLS comes first.
    pub tls: bool,
    /// The name in SNI and `Host`, and in the certificate.
    pub host: Host,
    /// The path with its query; begins with `/`.
    pub path: String,
    /// Whether the page is read for the names of other hosts that a browser would be sent to.
    pub resources: bool,
}

impl Request {
    /// The URL that is asked for by way of `port`.
    pub fn url(&self, port: u16) -> String {
        let (scheme, usual) = if self.tls { ("https", 443) } else { ("http", 80) };
        let Self { host, path, .. } = self;
        if port == usual { format!("{scheme}://{host}{path}") } else { format!("{scheme}://{host}:{port}{path}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_the_port_where_it_is_not_the_usual_one() {
        let request =
            |tls, host: &str| Request { tls, host: host.parse().unwrap(), path: "/a?b".into(), resources: false };
        assert_eq!(request(true, "pbs.gov.pk").url(443), "https://pbs.gov.pk/a?b");
        assert_eq!(request(true, "2001:db8::1").url(80), "https://[2001:db8::1]:80/a?b");
        assert_eq!(request(false, "192.0.2.1").url(80), "http://192.0.2.1/a?b");
    }
}
