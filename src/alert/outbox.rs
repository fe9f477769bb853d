//! Label sets on their way to sinks: sent, sent again, resolved, and forgotten once everybody has taken them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::line::{Line, Version};
use super::saved::SavedPosting;
use super::{Alert, AlertSettings, Labels, Outcome, SinkId, SinkKind};
use crate::moment::Moment;

/// How long a resolved alert is kept for a sink that has not taken it, beyond the time it is sent to the others.
const UNDELIVERED_FOR: Duration = Duration::from_secs(24 * 3600);
/// A standing alert is void after this many intervals without being sent again (Prometheus, rules/alerting.go).
const VOID_AFTER: u32 = 4;

/// The name of a delivery, until its outcome is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryId(u64);

/// Alerts for one sink, to be sent at once; the outcome goes back to the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// To whom.
    pub sink: SinkId,
    /// What; never empty.
    pub alerts: Vec<Alert>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PostingId(u64);

/// One label set.
#[derive(Debug)]
struct Posting {
    labels: Labels,
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    /// How often its endpoint is looked at.
    interval: Duration,
    ended: Option<Ended>,
    version: Version,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    at: Timestamp,
    /// Until when it is sent.
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Outbox {
    resend: Duration,
    resolved_for: Duration,
    lines: BTreeMap<SinkId, Line>,
    postings: BTreeMap<PostingId, Posting>,
    by_labels: BTreeMap<Labels, PostingId>,
    /// When to see whether a resolved posting can be forgotten.
    endings: BTreeSet<(Instant, PostingId)>,
    issued: u64,
}

impl Outbox {
    pub(super) fn new(settings: &AlertSettings) -> Self {
        let lines = settings.sinks.iter().map(|(sink, kind)| (sink.clone(), Line::new(*kind))).collect();
        Self {
            resend: settings.resend,
            resolved_for: settings.resolved_for,
            lines,
            postings: BTreeMap::new(),
            by_labels: BTreeMap::new(),
            endings: BTreeSet::new(),
            issued: 0,
        }
    }

    /// Other settings: a sink that is new is told of everything that stands, one that is gone is owed nothing.
    pub(super) fn handle_reconfigured(&mut self, settings: &AlertSettings, now: Moment) {
        self.resend = settings.resend;
        self.resolved_for = settings.resolved_for;
        self.lines.retain(|sink, line| settings.sinks.get(sink) == Some(&line.kind));
        let standing = || self.postings.iter().filter(|(_, posting)| posting.ended.is_none()).map(|(id, _)| *id);
        for (sink, kind) in &settings.sinks {
            self.lines.entry(sink.clone()).or_insert_with(|| {
                let mut line = Line::new(*kind);
                standing().for_each(|id| line.owe(id, now.mono));
                line
            });
        }
    }

    /// Fires a label set: a new one, or one that was resolved and is still known.
    pub(super) fn fire(
        &mut self,
        labels: &Labels,
        annotations: &BTreeMap<String, String>,
        starts_at: Timestamp,
        interval: Duration,
        now: Moment,
    ) -> PostingId {
        let id = self.by_labels.get(labels).copied().unwrap_or_else(|| PostingId(self.issue()));
        let version = self.postings.get(&id).map_or(0, |posting| posting.version) + 1;
        let (labels, annotations) = (labels.clone(), annotations.clone());
        self.by_labels.insert(labels.clone(), id);
        self.postings.insert(id, Posting { labels, annotations, starts_at, interval, ended: None, version });
        self.lines.values_mut().for_each(|line| line.owe(id, now.mono));
        id
    }

    /// Words and interval of a standing label set as they are now; they go out when it is next sent.
    pub(super) fn amend(&mut self, id: PostingId, annotations: &BTreeMap<String, String>, interval: Duration) {
        if let Some(posting) = self.postings.get_mut(&id) {
            posting.annotations.clone_from(annotations);
            posting.interval = interval;
        }
    }

    /// Sends a standing label set again to those who hear of changes only.
    pub(super) fn remind(&mut self, id: PostingId, now: Moment) {
        let Some(posting) = self.postings.get_mut(&id) else { return };
        posting.version += 1;
        let webhooks = self.lines.values_mut().filter(|line| line.kind == SinkKind::Webhook);
        webhooks.for_each(|line| line.owe(id, now.mono));
    }

    /// Resolves a label set.
    pub(super) fn resolve(&mut self, id: PostingId, now: Moment) {
        let Some(posting) = self.postings.get_mut(&id) else { return };
        let until = now.mono + self.resolved_for;
        posting.ended = Some(Ended { at: now.wall, until });
        posting.version += 1;
        self.endings.insert((until, id));
        self.lines.values_mut().for_each(|line| line.owe(id, now.mono));
    }

    pub(super) fn labels(&self, id: PostingId) -> Option<&Labels> {
        self.postings.get(&id).map(|posting| &posting.labels)
    }

    pub(super) fn standing(&self, labels: &Labels) -> Option<PostingId> {
        let id = self.by_labels.get(labels)?;
        self.postings.get(id).filter(|posting| posting.ended.is_none()).map(|_| *id)
    }

    /// How many label sets stand, and how many are resolved and still kept.
    pub(super) fn count(&self) -> (usize, usize) {
        let standing = self.postings.values().filter(|posting| posting.ended.is_none()).count();
        (standing, self.postings.len() - standing)
    }

    pub(super) fn poll_delivery(&mut self, now: Moment) -> Option<Delivery> {
        let id = DeliveryId(self.issued);
        let (resend, postings) = (self.resend, &mut self.postings);
        let (sink, alerts) = self.lines.iter_mut().find_map(|(sink, line)| {
            let (mut alerts, mut versions) = (Vec::new(), Vec::new());
            for posting_id in line.take(now.mono) {
                if let Some(posting) = postings.get_mut(&posting_id) {
                    alerts.push(posting.as_of(now, resend));
                    versions.push((posting_id, posting.version));
                }
            }
            if alerts.is_empty() {
                return None;
            }
            line.begin(id, versions);
            Some((sink.clone(), alerts))
        })?;
        self.issue();
        Some(Delivery { id, sink, alerts })
    }

    /// Whether a sink took news it had not had.
    pub(super) fn handle_delivery(&mut self, id: DeliveryId, outcomes: &[Outcome], now: Moment) -> bool {
        let mut news = false;
        for line in self.lines.values_mut() {
            for (posting_id, version, is_news) in line.settle(id, outcomes, self.resend, now.mono) {
                let Some(posting) = self.postings.get(&posting_id) else {
                    line.forget(posting_id);
                    continue;
                };
                news |= is_news;
                let next = now.mono + self.resend;
                if posting.version != version {
                    line.owe_unless_due(posting_id, now.mono);
                } else if line.kind == SinkKind::Alertmanager && posting.ended.is_none_or(|end| next <= end.until) {
                    line.owe_unless_due(posting_id, next);
                }
            }
        }
        news
    }

    /// Forgets what is over and known to everybody; whether there was something.
    pub(super) fn handle_timeout(&mut self, now: Moment) -> bool {
        let mut forgotten = false;
        while self.endings.first().is_some_and(|(at, _)| *at <= now.mono) {
            let Some((_, id)) = self.endings.pop_first() else { break };
            let Some(posting) = self.postings.get(&id) else { continue };
            let Some(ended) = posting.ended.filter(|ended| ended.until <= now.mono) else { continue };
            let everybody_knows = self.lines.values().all(|line| line.has(id, posting.version));
            if everybody_knows || now.mono >= ended.until + UNDELIVERED_FOR {
                self.by_labels.remove(&posting.labels);
                self.postings.remove(&id);
                self.lines.values_mut().for_each(|line| line.forget(id));
                forgotten = true;
            } else {
                self.endings.insert((now.mono + self.resend, id));
            }
        }
        forgotten
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let ending = self.endings.first().map(|(at, _)| *at);
        self.lines.values().filter_map(Line::poll_timeout).chain(ending).min()
    }

    pub(super) fn save(&self) -> Vec<SavedPosting> {
        let saved = self.postings.iter().map(|(id, posting)| SavedPosting {
            labels: posting.labels.clone(),
            annotations: posting.annotations.clone(),
            starts_at: posting.starts_at,
            interval_seconds: posting.interval.as_secs(),
            ended_at: posting.ended.map(|ended| ended.at),
            taken_by: self.takers(*id, posting.version),
        });
        saved.collect()
    }

    fn takers(&self, id: PostingId, version: Version) -> Vec<SinkId> {
        self.lines.iter().filter(|(_, line)| line.has(id, version)).map(|(sink, _)| sink.clone()).collect()
    }

    /// Takes up saved label sets. Alertmanagers are sent all of them at once, whatever they had: they may have been
    /// restarted too. Others get what they had not taken.
    pub(super) fn restore(&mut self, saved: Vec<SavedPosting>, now: Moment) {
        for posting in saved {
            let id = PostingId(self.issue());
            let ended = posting.ended_at.map(|at| {
                let ago = Duration::try_from(now.wall.duration_since(at)).unwrap_or_default();
                Ended { at, until: now.mono + self.resolved_for.saturating_sub(ago) }
            });
            if let Some(ended) = ended {
                self.endings.insert((ended.until, id));
            }
            for (sink, line) in &mut self.lines {
                let taken = posting.taken_by.contains(sink);
                if taken {
                    line.note_accepted(id, 1);
                }
                if !taken || line.kind == SinkKind::Alertmanager {
                    line.owe(id, now.mono);
                }
            }
            self.by_labels.insert(posting.labels.clone(), id);
            let interval = Duration::from_secs(posting.interval_seconds);
            let (labels, annotations, starts_at) = (posting.labels, posting.annotations, posting.starts_at);
            self.postings.insert(id, Posting { labels, annotations, starts_at, interval, ended, version: 1 });
        }
    }

    fn issue(&mut self) -> u64 {
        self.issued += 1;
        self.issued - 1
    }
}

impl Posting {
    /// The alert to send now. A wall clock that was set back pulls the dates along: receivers refuse an alert that ends
    /// before it starts, and hold one that ends in the future for standing.
    fn as_of(&mut self, now: Moment, resend: Duration) -> Alert {
        self.starts_at = self.starts_at.min(now.wall);
        if let Some(ended) = &mut self.ended {
            ended.at = ended.at.min(now.wall);
        }
        let void = SignedDuration::try_from(self.interval.max(resend).saturating_mul(VOID_AFTER));
        let void_at = now.wall.checked_add(void.unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX);
        Alert {
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            starts_at: self.starts_at,
            ends_at: self.ended.map_or(void_at, |ended| ended.at),
            resolved: self.ended.is_some(),
        }
    }
}
