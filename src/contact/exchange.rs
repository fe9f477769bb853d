//! HTTP: what was asked, what the answer says of itself, and where it sends us.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::moment::Rtt;
use crate::workload::HostName;

/// The most bytes of a body that are read, where the page is read at all or has to be read to the end.
pub const MOST_BODY: u64 = 512 << 10;

/// The most bytes of a body that nobody wants to read: what the other side has sent by then is read, and no more asked
/// for.
pub const MOST_UNREAD_BODY: u64 = 16 << 10;

/// The most bytes of a list of what a point of presence says of itself.
pub const MOST_TRACE: u64 = 4 << 10;

/// The most characters of the URL of a redirect: as many as a head may have, since those of logins (SAML) have thousands.
pub const MOST_URL: usize = 16 << 10;

/// The headers that are kept: of those that content-delivery networks and their servers set about themselves, in the
/// order of their names. What they mean is for [`super::pop`] to say. Cookies are never among them.
pub const KEPT: [&str; 43] = [
    "akamai-grn",
    "ali-swift-global-savetime",
    "cdn-cachedat",
    "cdn-edgestorageid",
    "cdn-pullzone",
    "cdn-requestcountrycode",
    "cdn-requestpullcode",
    "cf-cache-status",
    "cf-ray",
    "eagleid",
    "eo-log-uuid",
    "fly-request-id",
    "location",
    "server",
    "server-timing",
    "via",
    "x-77-cache",
    "x-77-pop",
    "x-akamai-edgescape",
    "x-akamai-request-id",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-azure-ref",
    "x-cache",
    "x-cache-node",
    "x-cdn",
    "x-cdn-pop",
    "x-edge-ip",
    "x-edge-location",
    "x-edge-pop",
    "x-github-request-id",
    "x-hw",
    "x-id",
    "x-id-fe",
    "x-iinfo",
    "x-llid",
    "x-msedge-ref",
    "x-nf-request-id",
    "x-nws-log-uuid",
    "x-pop",
    "x-served-by",
    "x-sucuri-id",
    "x-vercel-id",
];

/// The path under which Cloudflare's points of presence say which they are.
pub const TRACE_PATH: &str = "/cdn-cgi/trace";

/// The most hosts of resources that are kept of one page.
pub const MOST_RESOURCES: usize = 64;

/// The most characters of a header's value that are kept.
pub const MOST_VALUE: usize = 512;

/// One request, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked for.
    pub url: String,
    /// What came of it.
    pub outcome: HttpOutcome,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpOutcome {
    /// An answer.
    Answered(Answer),
    /// None.
    Failed(HttpFailure),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// From the request to the end of the answer's head. The page may have been made meanwhile: no bound worth having.
    pub took_ns: Rtt,
    /// The headers that are [`KEPT`], each name in lower case, in the order in which they came; values are cut at
    /// [`MOST_VALUE`] characters. Of [`TRACE_PATH`] also the lines `colo` and `loc` of the body.
    pub headers: Vec<(String, String)>,
    /// How many bytes of the body were read.
    pub body_bytes: u64,
    /// Whether it went on beyond what was read of it ([`MOST_BODY`], or [`MOST_UNREAD_BODY`] where nobody wanted to know),
    /// or beyond the time we had, or broke off.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub body_cut: bool,
    /// Where it sends us: an absolute URL of `http` or `https` without a user in it, where it sends us anywhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub redirect: Option<String>,
    /// Other hosts that a browser is sent to by the page, in order; none where that was not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub resources: Vec<HostName>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub resources_left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Exchange {
    /// A request that was not answered.
    pub fn failed(url: String, failure: HttpFailure) -> Self {
        Self { url, outcome: HttpOutcome::Failed(failure) }
    }
}

impl Answer {
    /// Whether a point of presence of Cloudflare gave it, which says under [`TRACE_PATH`] which it is.
    pub fn is_of_cloudflare(&self) -> bool {
        let says_so = |(name, value): &(String, String)| match name.as_str() {
            "cf-ray" => true,
            "server" => value.eq_ignore_ascii_case("cloudflare"),
            _ => false,
        };
        self.headers.iter().any(says_so)
    }
}

/// Of a header what is kept, if anything is: its name in lower case, and its value, cut.
pub fn kept(name: &str, value: &[u8]) -> Option<(String, String)> {
    let name = name.to_ascii_lowercase();
    let value = || String::from_utf8_lossy(value).chars().take(MOST_VALUE).collect();
    KEPT.contains(&name.as_str()).then(|| (name, value()))
}

/// The lines `colo` (which point of presence) and `loc` (the country of whoever asks) of what [`TRACE_PATH`] answers:
/// `key=value`, one a line.
pub fn of_trace(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let is_code = |value: &str| (2..=16).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric());
    let wanted = pairs.filter(|(key, value)| ["colo", "loc"].contains(key) && is_code(value));
    wanted.map(|(key, value)| (key.to_owned(), value.to_owned())).take(2).collect()
}

/// Where an answer sends whoever asked for `url`: an absolute URL of `http` or `https`, [`MOST_URL`] characters at most.
/// A user and a password in it are left out: they would be sent along.
pub fn redirect(url: &str, status: u16, location: &str) -> Option<String> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) || location.len() > MOST_URL {
        return None;
    }
    let mut target = Url::parse(url).ok()?.join(location).ok()?;
    let is_spoken = matches!(target.scheme(), "http" | "https") && target.has_host();
    if !is_spoken || target.set_username("").is_err() || target.set_password(None).is_err() {
        return None;
    }
    target.set_fragment(None);
    let target = String::from(target);
    (target.len() <= MOST_URL).then_some(target)
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpFailure {
    /// Its head did not come in time.
    Timeout,
    /// The connection was closed before its head was complete.
    Closed,
    /// Its head is no HTTP, or too long.
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_login(location: &str) -> Option<String> {
        redirect("https://portal.gov.pk:8443/login?next=/", 302, location)
    }

    #[test]
    fn a_redirect_leads_from_where_it_was_said() {
        for (location, target) in [
            ("https://login.example.com/a#top", "https://login.example.com/a"),
            ("//id.example.com", "https://id.example.com/"),
            ("/home", "https://portal.gov.pk:8443/home"),
            ("../x", "https://portal.gov.pk:8443/x"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("HTTP://[::FFFF:7f00:1]/", "http://[::ffff:7f00:1]/"),
            ("https://admin:secret@example.com/", "https://example.com/"),
            ("https://portal.gov.pk@example.com/", "https://example.com/"),
            ("https:\\\\example.com\\a", "https://example.com/a"),
            (" \thttps://exa\nmple.com/ ", "https://example.com/"),
        ] {
            assert_eq!(from_login(location).as_deref(), Some(target), "{location}");
        }
    }

    #[test]
    fn nobody_is_sent_to_files_scripts_or_nowhere() {
        let long = format!("https://example.com/{}", "a".repeat(MOST_URL));
        let escaped = format!("https://example.com/{}", "پ".repeat(MOST_URL / 4));
        for location in
            ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "gopher://x/", "http://", &long, &escaped]
        {
            assert_eq!(from_login(location), None, "{location}");
        }
        for status in [200, 201, 300, 304, 404] {
            assert_eq!(redirect("http://a.pk/", status, "/b"), None, "{status}");
        }
    }

    #[test]
    fn headers_are_kept_by_name_and_cut() {
        assert!(
            KEPT.is_sorted() && KEPT.iter().all(|name| *name == name.to_ascii_lowercase() && !name.contains("cookie"))
        );
        assert_eq!(kept("CF-RAY", b"8f2a-KHI"), Some(("cf-ray".into(), "8f2a-KHI".into())));
        assert_eq!(kept("set-cookie", b"session=1"), None);
        let (_, value) = kept("via", "\u{202e}".repeat(MOST_VALUE * 2).as_bytes()).unwrap();
        assert_eq!(value.chars().count(), MOST_VALUE);
        assert_eq!(kept("server", b"\xff").unwrap().1, "\u{fffd}");
    }

    #[test]
    fn a_point_of_presence_is_read_from_its_lines() {
        let body = b"fl=4f1\nh=pbs.gov.pk\nip=203.0.113.1\ncolo=KHI\nsliver=none\nloc=PK\ncolo=LHE\n";
        assert_eq!(of_trace(body), [("colo".into(), "KHI".into()), ("loc".into(), "PK".into())]);
        assert_eq!(of_trace(b"<html>colo=\x1b[31m\ncolo=<b>\ncolo=\xff\xff\nloc"), []);
    }
}
