//! A page → the hosts that a browser is sent to by it: for scripts, style sheets, fonts, pictures and pages in the page.
//!
//! What scripts and style sheets fetch in their turn is not known: nothing is run, and nothing else is read. What a page
//! links to is no resource: nobody is sent there before choosing to go.

use std::collections::BTreeSet;

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use url::{Host, Url};

use super::exchange::MOST_RESOURCES;
use crate::workload::HostName;

/// Relations by which a `link` has something fetched (HTML, section 4.6.7), or a connection made.
const FETCHED: [&str; 9] = [
    "stylesheet",
    "icon",
    "apple-touch-icon",
    "manifest",
    "preload",
    "modulepreload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
];

/// The most bytes of an attribute that are read: a list of pictures of several sizes has room, a picture has not.
const MOST_ATTRIBUTE: usize = 8 << 10;

/// The hosts of the resources of a page in HTML, but that of the page itself, in the order in which they are first named:
/// [`MOST_RESOURCES`] of them, and how many more there are. `url` is where the page is.
pub fn of_page(url: &str, html: &[u8]) -> (Vec<HostName>, usize) {
    let Ok(page) = Url::parse(url) else { return (Vec::new(), 0) };
    let mut base = page.clone();
    let mut is_based = false;
    let (mut seen, mut hosts) = (BTreeSet::new(), Vec::new());
    for tag in tags(html) {
        if tag.name.as_slice() == b"base" {
            // The first that says where counts (HTML, section 4.2.3).
            if let Some(moved) = attribute(&tag, "href").filter(|_| !is_based).and_then(|href| page.join(&href).ok()) {
                (base, is_based) = (moved, true);
            }
            continue;
        }
        let addressed = references(&tag).into_iter().filter_map(|reference| host(&base, &reference));
        for host in addressed.filter(|host| page.host_str() != Some(host.as_str())) {
            if seen.insert(host.clone()) && hosts.len() < MOST_RESOURCES {
                hosts.push(host);
            }
        }
    }
    (hosts, seen.len().saturating_sub(MOST_RESOURCES))
}

/// The tags of a page, scripts and the like taken for the text that they are.
fn tags(html: &[u8]) -> impl Iterator<Item = StartTag<()>> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(html, emitter).map_while(Result::ok);
    tokens.filter_map(|token| if let Token::StartTag(tag) = token { Some(tag) } else { None })
}

/// What a tag has fetched, as it is written there.
fn references(tag: &StartTag<()>) -> Vec<String> {
    let names: &[&str] = match tag.name.as_slice() {
        b"script" => &["src", "href", "xlink:href"],
        b"img" | b"source" => &["src", "srcset"],
        b"link" if is_fetched(tag) => &["href", "imagesrcset"],
        b"iframe" | b"frame" | b"audio" | b"embed" | b"track" | b"input" => &["src"],
        b"video" => &["src", "poster"],
        b"object" => &["data"],
        b"image" | b"use" => &["href", "xlink:href"],
        b"body" | b"table" | b"td" => &["background"],
        _ => &[],
    };
    let written = names.iter().filter_map(|name| Some((*name, attribute(tag, name)?)));
    written.flat_map(|(name, text)| if name.ends_with("srcset") { candidates(&text) } else { vec![text] }).collect()
}

fn is_fetched(tag: &StartTag<()>) -> bool {
    let relations = attribute(tag, "rel").unwrap_or_default().to_ascii_lowercase();
    relations.split_ascii_whitespace().any(|relation| FETCHED.contains(&relation))
}

/// The addresses of a `srcset`: each up to a blank, then perhaps a size, then a comma (HTML, section 4.8.4.2.1).
fn candidates(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        if rest.is_empty() {
            return found;
        }
        let (address, after) = rest.split_at(rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len()));
        let alone = address.trim_end_matches(',');
        found.push(alone.to_owned());
        rest = if alone.len() < address.len() { after } else { after.find(',').map_or("", |comma| &after[comma..]) };
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = &tag.attributes.get(name.as_bytes())?.value;
    (value.len() <= MOST_ATTRIBUTE).then(|| String::from_utf8_lossy(value).into_owned())
}

/// The name of the host of a resource that is fetched by HTTP. An address has none.
fn host(base: &Url, reference: &str) -> Option<HostName> {
    let url = base.join(reference).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    match url.host()? {
        Host::Domain(name) => name.parse().ok(),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(html: &str) -> Vec<String> {
        let (hosts, left_out) = of_page("https://pbs.gov.pk/news/today", html.as_bytes());
        assert_eq!(left_out, 0);
        hosts.into_iter().map(String::from).collect()
    }

    #[test]
    fn hosts_are_those_of_what_is_fetched_in_order_each_once() {
        let html = r#"<!doctype html><html><head>
            <link rel=stylesheet href=//fonts.googleapis.com/css?family=Noto>
            <LINK REL="preload stylesheet" HREF='https://cdn.example.com/a.css'>
            <link rel=canonical href=https://canonical.example.com><a href=https://link.example.com>x</a>
            <script async src="https://cdn.example.com/a.js"></script><script src=/own.js></script>
            <script>document.write('<script src=https://inline.example.com>')</script>
            <!-- <img src=https://comment.example.com> --><title><img src=https://title.example.com></title>
            <img src="data:image/png;base64,AA" srcset="https://a.example.com/1.png 1x, https://b.example.com/2,3.png 2x,https://c.example.com">
            <iframe src="https://tube.example.com/x"></iframe><img src=https://192.0.2.1/a.png><img src="mailto:a@example.com">
            <img src=https://PBS.gov.pk./x><img src="https://user:pw@pixel.example.com/"><video poster=//v.example.com></video>"#;
        let expected = [
            "fonts.googleapis.com",
            "cdn.example.com",
            "a.example.com",
            "b.example.com",
            "c.example.com",
            "tube.example.com",
            "pixel.example.com",
            "v.example.com",
        ];
        assert_eq!(found(html), expected);
    }

    #[test]
    fn the_first_base_says_where_everything_else_is() {
        let html =
            "<base target=x><base href=//cdn.example.com/a/><base href=//no.example.com><img src=b.png><img src=/c>";
        assert_eq!(found(html), ["cdn.example.com"]);
        assert_eq!(found("<base href=data:,x><img src=b.png>"), Vec::<String>::new());
    }

    #[test]
    fn garbage_is_no_reason_to_stop() {
        let html = "<img src=https://a\u{202e}b.example.com><img src='https://-.example.com'><<<img src=https://\0><img src=https://ok.example.com";
        assert_eq!(found(html), Vec::<String>::new());
        assert_eq!(found("</p <b x=<img src=//q.example.com>><img/src=//ok.example.com>"), ["ok.example.com"]);
        let latin = of_page("https://pbs.gov.pk/", b"\xff\xfe<img alt='\xe9' src=//ok.example.com>").0;
        assert_eq!(latin[0].as_str(), "ok.example.com");
    }

    #[test]
    fn more_hosts_than_are_kept_are_counted() {
        let tags: Vec<_> = (0..1_000).map(|number| format!("<img src=//{}.example.com>", number % 500)).collect();
        let html = tags.concat();
        let (hosts, left_out) = of_page("https://pbs.gov.pk/", html.as_bytes());
        assert_eq!((hosts.len(), left_out), (MOST_RESOURCES, 500 - MOST_RESOURCES));
        assert_eq!(hosts[63].as_str(), "63.example.com");
    }

    proptest! {
        #[test]
        fn no_page_is_too_odd(html in "(<(img|base|script|link|/script|!--) ?(src|href|srcset|rel)?=?['\"]?[a-z:/.,#&; ]{0,20}['\"]?>?){0,20}") {
            of_page("https://pbs.gov.pk/", html.as_bytes());
        }
    }
}
