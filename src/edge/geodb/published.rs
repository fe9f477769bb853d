//! What others publish of addresses, from files and URLs: geofeeds, regions of clouds, anycast lists, registries → claims.
//!
//! A file that cannot be read or used is an error, as any other of the configuration. A feed behind a URL is somebody
//! else's server, without which we begin and go on: it is fetched once a day, its last content is kept, and what is wrong
//! is said.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::open::{GeodbError, read_text};
use super::{Origin, Source, embedded};
use crate::config::geodb::{FeedPlace, GeodbConfig, GeofeedSource};
use crate::digest::Digest;
use crate::edge::{clock, fetch};
use crate::location::source::SourceFault;
use crate::location::source::anycast::AnycastList;
use crate::location::source::geofeed::Geofeed;
use crate::location::source::regions::{Published as Said, Regions};
use crate::location::source::registry::Delegations;
use crate::location::{Claim, Says};
use crate::network::Asn;
use crate::observation::DatabaseDigest;

/// The largest geofeed that is fetched, in bytes: about 400 000 prefixes.
const LARGEST_FEED: usize = 16 << 20;
/// How old a feed is when it is fetched again, and how long after one that failed.
const REFRESH: SignedDuration = SignedDuration::from_hours(24);
const RETRY: SignedDuration = SignedDuration::from_hours(1);

/// Whether feeds behind URLs are fetched.
#[derive(Clone, Copy)]
pub(super) enum Feeds<'a> {
    /// Nobody is asked.
    Leave,
    /// They are, unless those of another set are young enough.
    Fetch(Option<&'a Published>),
}

/// What is published, in the order of the configuration.
#[derive(Debug, Default)]
pub(super) struct Published {
    feeds: Vec<Feed>,
    regions: Vec<Sheet<Regions>>,
    anycast: Vec<Sheet<AnycastList>>,
    registries: Vec<Sheet<Delegations>>,
}

/// A table that was read.
#[derive(Debug)]
struct Sheet<T> {
    name: String,
    table: T,
    sha256: Digest,
    /// The day of the data, where it says so.
    dated: Option<Date>,
    /// The day of the data, or else when its file was changed.
    built: Timestamp,
    path: PathBuf,
}

/// A geofeed and its publisher.
#[derive(Debug)]
struct Feed {
    name: String,
    publisher: Vec<Asn>,
    place: FeedPlace,
    /// What was read last.
    content: Option<Arc<Content>>,
    /// When its URL was asked last.
    asked: Option<Timestamp>,
    /// Why it could not be read anew.
    trouble: Option<String>,
}

#[derive(Debug)]
struct Content {
    feed: Geofeed,
    sha256: Digest,
    built: Timestamp,
}

impl Published {
    pub(super) fn open(config: &GeodbConfig, feeds: Feeds<'_>) -> Result<Self, GeodbError> {
        let countries = embedded::regions();
        let mut published = Self::default();
        for file in &config.regions {
            let parse = |bytes: &[u8]| Regions::parse(file.cloud, bytes, countries).map(|table| (table.dated, table));
            published.regions.push(sheet(&file.name, &file.path, parse)?);
        }
        for file in &config.anycast {
            published
                .anycast
                .push(sheet(&file.name, &file.path, |bytes| AnycastList::parse(bytes).map(|t| (None, t)))?);
        }
        for file in &config.registries {
            let parse = |bytes: &[u8]| Delegations::parse(bytes).map(|table| (table.dated, table));
            published.registries.push(sheet(&file.name, &file.path, parse)?);
        }
        published.feeds = open_feeds(&config.geofeeds, feeds)?;
        Ok(published)
    }

    /// What is published of `address`.
    pub(super) fn claims(&self, address: IpAddr) -> Vec<Claim> {
        let claim = |source: &str, dated, says| Claim { about: address, source: source.to_owned(), dated, says };
        let feeds = self.feeds.iter().filter_map(|feed| {
            let (prefix, country) = feed.content.as_ref()?.feed.find(address)?;
            Some(claim(&feed.name, None, Says::Geofeed { prefix, country, publisher: feed.publisher.clone() }))
        });
        let regions = self.regions.iter().filter_map(|sheet| {
            let provider = sheet.table.cloud();
            let says = match sheet.table.find(address)? {
                Said::Region { region, country } => Says::Region { provider, region: region.to_owned(), country },
                Said::Edge { service } => Says::Edge { provider, service: service.to_owned() },
            };
            Some(claim(&sheet.name, sheet.dated, says))
        });
        let anycast = self.anycast.iter().filter_map(|sheet| {
            let prefix = sheet.table.find(address)?;
            Some(claim(&sheet.name, sheet.dated, Says::Anycast { prefix }))
        });
        let registries = self.registries.iter().filter_map(|sheet| {
            let delegation = sheet.table.find(address)?;
            let says = Says::Delegated { registry: delegation.registry.to_owned(), country: delegation.country };
            Some(claim(&sheet.name, sheet.dated, says))
        });
        feeds.chain(regions).chain(anycast).chain(registries).collect()
    }

    pub(super) fn digests(&self) -> Vec<DatabaseDigest> {
        let digest = |name: &str, sha256, built| DatabaseDigest { name: name.to_owned(), sha256, built };
        let feeds = self.feeds.iter().filter_map(|feed| {
            let content = feed.content.as_ref()?;
            Some(digest(&feed.name, content.sha256, content.built))
        });
        let regions = self.regions.iter().map(|sheet| digest(&sheet.name, sheet.sha256, sheet.built));
        let anycast = self.anycast.iter().map(|sheet| digest(&sheet.name, sheet.sha256, sheet.built));
        let registries = self.registries.iter().map(|sheet| digest(&sheet.name, sheet.sha256, sheet.built));
        feeds.chain(regions).chain(anycast).chain(registries).collect()
    }

    pub(super) fn sources(&self) -> Vec<Source> {
        let feeds = self.feeds.iter().map(Feed::source);
        let regions = self.regions.iter().map(|sheet| {
            let entries = sheet.table.len();
            sheet.source("cloud regions", entries, sheet.table.dirt.lines())
        });
        let anycast = self.anycast.iter().map(|sheet| {
            let entries = sheet.table.len();
            sheet.source("anycast prefixes", entries, sheet.table.dirt.lines())
        });
        let registries = self.registries.iter().map(|sheet| {
            let entries = sheet.table.len();
            sheet.source("registrations", entries, sheet.table.dirt.lines())
        });
        feeds.chain(regions).chain(anycast).chain(registries).collect()
    }

    /// What is wrong with feeds behind URLs, each with its name.
    pub(super) fn troubles(&self) -> impl Iterator<Item = String> {
        self.feeds.iter().filter_map(|feed| Some(format!("{}: {}", feed.name, feed.trouble.as_deref()?)))
    }

    /// Whether a feed behind a URL should be fetched now.
    pub(super) fn are_due(&self, now: Timestamp) -> bool {
        self.feeds.iter().any(|feed| matches!(feed.place, FeedPlace::Url(_)) && !feed.is_young(now))
    }
}

impl<T> Sheet<T> {
    fn source(&self, holds: &'static str, entries: usize, notes: Vec<String>) -> Source {
        Source {
            name: self.name.clone(),
            holds,
            entries,
            built: Some(self.built),
            sha256: Some(self.sha256),
            origin: Origin::File(self.path.clone()),
            notes,
        }
    }
}

fn sheet<T>(
    name: &str,
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<(Option<Date>, T), SourceFault>,
) -> Result<Sheet<T>, GeodbError> {
    let (bytes, changed) = read_text(path)?;
    let fault = |fault| GeodbError::Source { name: name.to_owned(), path: path.to_owned(), fault };
    let (dated, table) = parse(&bytes).map_err(fault)?;
    let day = dated.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|begin| begin.timestamp());
    let (name, path) = (name.to_owned(), path.to_owned());
    Ok(Sheet { name, table, sha256: Digest::of_bytes(&bytes), dated, built: day.unwrap_or(changed), path })
}

fn open_feeds(configured: &[GeofeedSource], feeds: Feeds<'_>) -> Result<Vec<Feed>, GeodbError> {
    let now = clock::now().wall;
    let mut opened = Vec::new();
    for source in configured {
        opened.push(Feed::begin(source, feeds)?);
    }
    if let Feeds::Fetch(_) = feeds {
        let due = opened.iter().filter(|feed| !feed.is_young(now));
        let urls: Vec<Url> = due.filter_map(|feed| feed.url().cloned()).collect();
        let mut answers = if urls.is_empty() { BTreeMap::new() } else { answers(urls) };
        for feed in &mut opened {
            if let Some(answer) = feed.url().and_then(|url| answers.remove(url)) {
                feed.handle_answer(answer, now);
            }
        }
    }
    Ok(opened)
}

/// What each URL answers, or why it does not, in words.
fn answers(urls: Vec<Url>) -> BTreeMap<Url, Result<Vec<u8>, String>> {
    match fetch::fetch_all(urls.clone(), LARGEST_FEED) {
        Ok(answers) => answers.into_iter().map(|(url, answer)| (url, answer.map_err(|e| e.to_string()))).collect(),
        Err(error) => urls.into_iter().map(|url| (url, Err(error.to_string()))).collect(),
    }
}

impl Feed {
    /// A feed with what is in its file, or with what was fetched before.
    fn begin(source: &GeofeedSource, feeds: Feeds<'_>) -> Result<Self, GeodbError> {
        let GeofeedSource { name, place, asns } = source;
        let mut feed = Self {
            name: name.clone(),
            publisher: asns.clone(),
            place: place.clone(),
            content: None,
            asked: None,
            trouble: None,
        };
        match (place, feeds) {
            (FeedPlace::Path(path), _) => {
                let Sheet { table, sha256, built, .. } =
                    sheet(name, path, |bytes| Geofeed::parse(bytes).map(|table| (None, table)))?;
                feed.content = Some(Arc::new(Content { feed: table, sha256, built }));
            }
            (FeedPlace::Url(_), Feeds::Leave) => feed.trouble = Some("not fetched for this".to_owned()),
            (FeedPlace::Url(_), Feeds::Fetch(before)) => {
                let same = before.and_then(|before| before.feeds.iter().find(|feed| feed.place == *place));
                if let Some(Self { content, asked, trouble, .. }) = same {
                    (feed.content, feed.asked, feed.trouble) = (content.clone(), *asked, trouble.clone());
                }
            }
        }
        Ok(feed)
    }

    fn url(&self) -> Option<&Url> {
        match &self.place {
            FeedPlace::Url(url) => Some(url),
            FeedPlace::Path(_) => None,
        }
    }

    fn is_young(&self, now: Timestamp) -> bool {
        let lasts = if self.trouble.is_some() { RETRY } else { REFRESH };
        self.asked.is_some_and(|asked| now.duration_since(asked) < lasts)
    }

    fn handle_answer(&mut self, answer: Result<Vec<u8>, String>, now: Timestamp) {
        self.asked = Some(now);
        let read = answer.and_then(|bytes| {
            let feed = Geofeed::parse(&bytes).map_err(|fault| fault.to_string())?;
            Ok(Content { feed, sha256: Digest::of_bytes(&bytes), built: now })
        });
        match read {
            Ok(content) => (self.content, self.trouble) = (Some(Arc::new(content)), None),
            Err(why) => {
                let kept = self.content.as_ref().map_or_else(
                    || "it says nothing until it can be".to_owned(),
                    |content| format!("what it said on {} stays", content.built.to_zoned(TimeZone::UTC).date()),
                );
                self.trouble = Some(format!("could not be fetched ({why}): {kept}"));
            }
        }
    }

    fn source(&self) -> Source {
        let publisher: Vec<_> = self.publisher.iter().map(Asn::to_string).collect();
        let mut notes = vec![format!("counts for what {} announces", publisher.join(" or "))];
        notes.extend(self.content.iter().flat_map(|content| content.feed.dirt.lines()));
        notes.extend(self.trouble.clone());
        Source {
            name: self.name.clone(),
            holds: "geofeed",
            entries: self.content.as_ref().map_or(0, |content| content.feed.len()),
            built: self.content.as_ref().map(|content| content.built),
            sha256: self.content.as_ref().map(|content| content.sha256),
            origin: match &self.place {
                FeedPlace::Path(path) => Origin::File(path.clone()),
                FeedPlace::Url(url) => Origin::Url(url.clone()),
            },
            notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_that_cannot_be_fetched_anew_keeps_what_it_said_and_is_tried_again_in_an_hour() {
        let url = "https://noc.example.net.pk/geofeed.csv".parse().unwrap();
        let source =
            GeofeedSource { name: "feed".to_owned(), place: FeedPlace::Url(url), asns: vec![Asn(9541), Asn(17557)] };
        let mut feed = Feed::begin(&source, Feeds::Fetch(None)).unwrap();
        let begun: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        feed.handle_answer(Ok(b"203.101.160.0/19,PK\n".to_vec()), begun);
        assert_eq!(feed.trouble, None);
        let later = begun + SignedDuration::from_hours(25);
        assert!(feed.is_young(begun + SignedDuration::from_hours(23)) && !feed.is_young(later));
        for answer in [Err("it answers 503 Service Unavailable".to_owned()), Ok(b"<html>\n".to_vec())] {
            feed.handle_answer(answer, later);
            let notes = feed.source().notes;
            assert_eq!(notes[0], "counts for what AS9541 or AS17557 announces");
            assert!(notes[1].ends_with(": what it said on 2026-11-20 stays"), "{notes:?}");
            assert_eq!(feed.source().entries, 1);
            assert!(!feed.is_young(later + SignedDuration::from_hours(2)));
        }
        feed.handle_answer(Ok(b"203.101.160.0/19,PK\n203.101.192.0/19,PK\n".to_vec()), later);
        assert_eq!((feed.source().entries, feed.trouble), (2, None));
    }
}
