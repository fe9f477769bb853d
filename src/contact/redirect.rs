//! Where an answer sends us, as something that can be asked for.

use std::net::IpAddr;

use url::Url;

use super::call::Request;
use crate::workload::{Host, HostName};

/// A page that we are sent to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// The port.
    pub port: u16,
    /// The request for it, which wants no resources.
    pub request: Request,
}

impl Destination {
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
