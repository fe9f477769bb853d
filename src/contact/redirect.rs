//! Where an answer sends us, as something that can be asked for.

use std::net::IpAddr;

use url::Url;

use super::call::Request;
use crate::workload::{Host, HostName};

/// The ports where pages are asked for that others send us to: whoever writes them must not have us knock anywhere else.
const PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// A page that we are sent to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// The port.
    pub port: u16,
    /// The request for it, which wants no resources.
    pub request: Request,
}

impl Destination {
    /// Whether it may be asked for, by an endpoint that listens at `own`: ports of pages, and that one.
    pub fn is_at_port_of_pages(&self, own: u16) -> bool {
        self.port == own || PORTS.contains(&self.port)
    }

    /// What `url` stands for; `None` where that is nothing to be asked for by HTTP, or names a host as no host is named.
    pub fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = match url.host()? {
            url::Host::Domain(name) => Host::Name(name.parse::<HostName>().ok()?),
            url::Host::Ipv4(address) => Host::Address(IpAddr::V4(address)),
            url::Host::Ipv6(address) => Host::Address(IpAddr::V6(address).to_canonical()),
        };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path());
        let port = url.port_or_known_default()?;
        Some(Self { port, request: Request { tls, host, path, resources: false } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_sends_us_to_other_ports_than_those_of_pages() {
        let is_open = |url: &str, own| Destination::of(url).unwrap().is_at_port_of_pages(own);
        for open in ["https://a.gov.pk/", "http://a.gov.pk/", "https://a.gov.pk:8443/", "http://a.gov.pk:9443/"] {
            assert!(is_open(open, 9443), "{open}");
        }
        for closed in ["http://a.gov.pk:22/", "http://a.gov.pk:6379/", "http://a.gov.pk:2375/"] {
            assert!(!is_open(closed, 443), "{closed}");
        }
    }

    #[test]
    fn only_pages_are_asked_for_and_nothing_that_a_url_may_carry_besides() {
        let told = |url: &str| {
            Destination::of(url).map(|Destination { port, request: Request { tls, host, path, .. } }| {
                format!("{tls} {host} {port} {path}")
            })
        };
        assert_eq!(told("https://Login.Example.COM/a?b=c#d").as_deref(), Some("true login.example.com 443 /a?b=c"));
        assert_eq!(told("http://user:secret@a.gov.pk:8080").as_deref(), Some("false a.gov.pk 8080 /"));
        assert_eq!(told("http://[::ffff:127.0.0.1]/").as_deref(), Some("false 127.0.0.1 80 /"));
        assert_eq!(told("http://2130706433/").as_deref(), Some("false 127.0.0.1 80 /"), "a number is an address");
        assert_eq!(told("https://b\u{fc}cher.example/").as_deref(), Some("true xn--bcher-kva.example 443 /"));
        for other in
            ["ftp://a.gov.pk/", "file:///etc/passwd", "javascript:alert(1)", "/login", "https://", "https://a b/"]
        {
            assert_eq!(told(other), None, "{other}");
        }
    }
}
