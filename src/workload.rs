//! What is watched: workloads, their endpoints, the class of their data, and who is told.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::printable::is_hostile;
use crate::provider::ProviderId;

/// A host name in lower case without a trailing dot: letters, digits, hyphens and underscores in labels of at most 63
/// bytes, 253 bytes in all (RFC 1035, RFC 2181). Internationalised names are written in their `xn--` form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Why a text is not a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host name: write letters, digits, hyphens and dots, 253 characters at most")]
pub struct InvalidHostName(String);

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label_is_valid = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() <= 253 && name.split('.').all(label_is_valid) {
            Ok(Self(name))
        } else {
            Err(InvalidHostName(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for HostName {
    type Error = InvalidHostName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an endpoint speaks; it fixes the port where none is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Port 443.
    Https,
    /// Port 80.
    Http,
    /// Any port; it must be given.
    Tcp,
    /// Port 53: the name is watched, the server is not spoken to.
    Dns,
    /// Port 25.
    Smtp,
}

impl Scheme {
    /// The word before `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Dns => "dns",
            Self::Smtp => "smtp",
        }
    }

    /// The port where the endpoint names none; `None` where it has to.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Https => Some(443),
            Self::Http => Some(80),
            Self::Tcp => None,
            Self::Dns => Some(53),
            Self::Smtp => Some(25),
        }
    }
}

/// What an endpoint names: something to look up, or an address as it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Host {
    /// An address; nothing is looked up.
    Address(IpAddr),
    /// A name to look up.
    Name(HostName),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
            Self::Address(IpAddr::V4(v4)) => v4.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl FromStr for Host {
    type Err = InvalidHostName;

    /// An address without brackets, or a name, which does not end in a number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        let name: HostName = text.parse()?;
        let last = name.as_str().rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidHostName(text.chars().take(80).collect()));
        }
        Ok(Self::Name(name))
    }
}

/// Something that is watched: `https://host[:port][/path]`, `tcp://host:port`, `dns://host`, `smtp://host`, a bare host
/// name (taken as https) or an address.
///
/// Its text is its identity: the label of its metrics and alerts, and its name in the journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    text: String,
    scheme: Scheme,
    host: Host,
    port: u16,
}

/// What a path, a query or a fragment begins with.
const PATH: [char; 3] = ['/', '?', '#'];

/// Why a text is not an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// A scheme that is not spoken.
    #[error("{0:?} is not a scheme: write https, http, tcp, dns or smtp")]
    Scheme(String),
    /// The host part is no name and no address.
    #[error(transparent)]
    Host(#[from] InvalidHostName),
    /// The port is missing or out of range.
    #[error("{0:?} has no port from 1 to 65535: write one, as in tcp://db.example.gov.pk:5432")]
    Port(String),
    /// Credentials, spaces, or characters that change how the text around them is shown.
    #[error("{0:?} holds a user name, a space, a control character or an invisible one: leave it out")]
    Unwanted(String),
}

impl Endpoint {
    /// The text by which it is known: as written, without a trailing dot or slash and with the host in lower case.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it speaks.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What it names.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What comes after the host and the port; empty, or from `/`, `?` or `#` on.
    pub fn path(&self) -> &str {
        let rest = self.text.split_once("://").map_or(self.text.as_str(), |(_, rest)| rest);
        rest.find(PATH).and_then(|at| rest.get(at..)).unwrap_or_default()
    }

    /// Whether both name one thing, however they are written: `pbs.gov.pk` and `https://pbs.gov.pk` do.
    pub fn reaches_the_same_as(&self, other: &Self) -> bool {
        let parts = |endpoint: &Self| (endpoint.scheme, endpoint.host.clone(), endpoint.port);
        parts(self) == parts(other) && self.path() == other.path()
    }
}

impl From<IpAddr> for Endpoint {
    /// The address as it stands.
    fn from(address: IpAddr) -> Self {
        let host = Host::Address(address.to_canonical());
        Self { text: bare(&host), scheme: Scheme::Https, port: 443, host }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(120).collect::<String>();
        if text.is_empty() || text.chars().any(|c| is_hostile(c) || c.is_whitespace() || c == '@') {
            return Err(InvalidEndpoint::Unwanted(shown()));
        }
        let (scheme_text, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let scheme = parse_scheme(scheme_text)?;
        let (authority, path) = rest.find(PATH).map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = split_authority(authority);
        let host: Host = host.parse()?;
        let given = port.map(|p| p.parse::<u16>().ok().filter(|p| *p > 0).ok_or_else(shown));
        let port = match given {
            Some(port) => port.map_err(InvalidEndpoint::Port)?,
            None => scheme.default_port().ok_or_else(|| InvalidEndpoint::Port(shown()))?,
        };
        let port_text = if scheme.default_port() == Some(port) { String::new() } else { format!(":{port}") };
        let path = path.strip_suffix('/').unwrap_or(path);
        let text = match scheme_text {
            Some(_) => format!("{}://{host}{port_text}{path}", scheme.as_str()),
            None if port_text.is_empty() && path.is_empty() => bare(&host),
            None => format!("{host}{port_text}{path}"),
        };
        Ok(Self { text, scheme, host, port })
    }
}

fn bare(host: &Host) -> String {
    match host {
        Host::Address(address) => address.to_string(),
        Host::Name(name) => name.to_string(),
    }
}

fn parse_scheme(text: Option<&str>) -> Result<Scheme, InvalidEndpoint> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("https") => Ok(Scheme::Https),
        Some("http") => Ok(Scheme::Http),
        Some("tcp") => Ok(Scheme::Tcp),
        Some("dns") => Ok(Scheme::Dns),
        Some("smtp") => Ok(Scheme::Smtp),
        Some(other) => Err(InvalidEndpoint::Scheme(other.chars().take(40).collect())),
    }
}

/// Splits `host:port`, `[v6]:port` and a bare IPv6 address.
fn split_authority(authority: &str) -> (&str, Option<&str>) {
    if let Some(inner) = authority.strip_prefix('[') {
        return match inner.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, port.strip_prefix(':').or(Some(port))),
            None => (authority, None),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (authority, None),
    }
}

impl TryFrom<String> for Endpoint {
    type Error = InvalidEndpoint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.text
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The name of a workload in the inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkloadId(pub String);

impl fmt::Display for WorkloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A class of data, by the name that the policy file declares for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DataClass(pub String);

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is told: `federal`, `punjab`, … Only alert routing reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Jurisdiction(pub String);

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A service of a government body, as its inventory declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Its name.
    pub id: WorkloadId,
    /// The body that answers for it.
    pub entity: String,
    /// Who is told about it.
    pub jurisdiction: Jurisdiction,
    /// The class of its data; none is a finding, never a default.
    pub class: Option<DataClass>,
    /// Who is said to run it.
    pub provider: Option<ProviderId>,
    /// Where it is reached. An endpoint belongs to exactly one workload.
    pub endpoints: Vec<Endpoint>,
}

/// A dated no-objection certificate: these rules do not count against this workload until that day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noc {
    /// Whose.
    pub workload: WorkloadId,
    /// The rules it covers, by name.
    pub rules: Vec<String>,
    /// The certificate's own reference.
    pub reference: String,
    /// The last day on which it holds.
    pub until: Date,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn an_endpoint_is_known_by_its_tidied_text() {
        for (written, known, port) in [
            ("https://Portal.Example.gov.pk/", "https://portal.example.gov.pk", 443),
            ("https://portal.example.gov.pk:443", "https://portal.example.gov.pk", 443),
            ("https://portal.example.gov.pk:8443/login", "https://portal.example.gov.pk:8443/login", 8443),
            ("tcp://db.example.gov.pk:5432", "tcp://db.example.gov.pk:5432", 5432),
            ("pbs.gov.pk.", "pbs.gov.pk", 443),
            ("175.107.63.150", "175.107.63.150", 443),
            ("2400:adc0::1", "2400:adc0::1", 443),
            ("https://[2400:adc0::1]:8443", "https://[2400:adc0::1]:8443", 8443),
            ("smtp://mx.example.gov.pk", "smtp://mx.example.gov.pk", 25),
        ] {
            let endpoint = endpoint(written);
            assert_eq!((endpoint.as_str(), endpoint.port()), (known, port), "{written}");
            assert_eq!(known.parse::<Endpoint>().unwrap(), endpoint, "{known} names itself");
        }
    }

    #[test]
    fn endpoints_are_compared_by_what_they_reach() {
        for (one, other, same) in [
            ("pbs.gov.pk", "https://pbs.gov.pk", true),
            ("PBS.gov.pk/a/", "https://pbs.gov.pk:443/a", true),
            ("2400:adc0::1", "https://[2400:adc0::1]", true),
            ("pbs.gov.pk", "http://pbs.gov.pk", false),
            ("pbs.gov.pk", "tcp://pbs.gov.pk:443", false),
            ("pbs.gov.pk", "https://pbs.gov.pk:8443", false),
            ("pbs.gov.pk", "https://pbs.gov.pk/a", false),
            ("pbs.gov.pk?a=/b", "https://pbs.gov.pk?a=/c", false),
        ] {
            assert_eq!(endpoint(one).reaches_the_same_as(&endpoint(other)), same, "{one} {other}");
        }
    }

    #[test]
    fn what_is_not_an_endpoint_is_refused_with_a_cure() {
        for wrong in [
            "",
            "ftp://example.gov.pk",
            "tcp://db.example.gov.pk",
            "https://user@host",
            "https://a b",
            "https://example.gov.pk:0",
            "https://example.gov.pk:99999",
            "https://-a.gov.pk",
            "1.2.3",
            "a..b",
            "https://[::1",
            "https://[::1]x",
            "x\u{1b}[31m",
            "https://example.gov.pk/\u{202e}lanretni",
            "https://example.gov.pk/a\u{200b}b",
            "https://example.gov.pk/\u{feff}",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong:?}");
        }
    }
}
