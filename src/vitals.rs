//! What belongs to the daemon itself: what it did, what came of it, and how it is.
//!
//! A registry of the `prometheus` crate, counted by the shell from what the core returns; the core counts nothing.
//! Series of known label sets begin at zero, so that a rate is right from the first event on.

use std::collections::BTreeMap;

use prometheus::process_collector::ProcessCollector;
use prometheus::proto;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::alert::{self, Counts, SinkId};
use crate::edge::evidence::Condition;
use crate::exposition::text::{Family, Kind, Sample};
use crate::resolution::{NameFailure, Resolution, View};
use crate::trace::switchboard::Receipt;
use crate::trace::tally::Tally;
use crate::trace::{AnswerKind, Protocol};

/// How a round ended for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoundOutcome {
    /// Its observation is in the journal and was judged.
    Judged,
    /// Its observation could not be written to the journal and was not judged.
    Unjournaled,
    /// The name leads where it led before, and nothing else was asked.
    Unchanged,
    /// No observation came of it.
    Failed,
}

impl RoundOutcome {
    const ALL: [Self; 4] = [Self::Judged, Self::Unjournaled, Self::Unchanged, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Unjournaled => "unjournaled",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

/// What may come back to the probe sockets.
const RECEIPTS: [Receipt; 14] = [
    Receipt::Booked(Protocol::Icmp, AnswerKind::EchoReply),
    Receipt::Booked(Protocol::Icmp, AnswerKind::TimeExceeded),
    Receipt::Booked(Protocol::Icmp, AnswerKind::Unreachable),
    Receipt::Booked(Protocol::Udp, AnswerKind::PortUnreachable),
    Receipt::Booked(Protocol::Udp, AnswerKind::TimeExceeded),
    Receipt::Booked(Protocol::Udp, AnswerKind::Unreachable),
    Receipt::Booked(Protocol::Tcp, AnswerKind::SynAck),
    Receipt::Booked(Protocol::Tcp, AnswerKind::Reset),
    Receipt::Booked(Protocol::Tcp, AnswerKind::TimeExceeded),
    Receipt::Booked(Protocol::Tcp, AnswerKind::Unreachable),
    Receipt::Malformed,
    Receipt::Unrelated,
    Receipt::Forged,
    Receipt::Surplus,
];

/// The daemon's own counters and gauges.
#[derive(Clone, Debug)]
pub struct Vitals {
    registry: Registry,
    resolutions: IntCounterVec,
    pointers: IntCounterVec,
    probes: IntCounterVec,
    probes_unsent: IntCounterVec,
    replies: IntCounterVec,
    replies_lost: IntCounter,
    rounds: IntCounterVec,
    rounds_overdue: IntGauge,
    alerts: IntGaugeVec,
    deliveries: IntCounterVec,
    journaled: IntCounter,
    reload_successful: IntGauge,
    reload_success_time: IntGauge,
    evidence: IntGaugeVec,
    evidence_newest: IntGaugeVec,
    evidence_successful: IntGaugeVec,
}

impl Vitals {
    /// Everything at zero. Fails only where a name below is no metric name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let vitals = Self {
            resolutions: counters(
                &registry,
                "resolutions_total",
                "Questions to resolvers, by view and by what came of them.",
                &["view", "outcome"],
            )?,
            pointers: counters(
                &registry,
                "pointers_total",
                "Questions what an address is called, by what came of them.",
                &["outcome"],
            )?,
            probes: counters(&registry, "probes_sent_total", "Probes sent.", &["protocol"])?,
            probes_unsent: counters(
                &registry,
                "probes_unsent_total",
                "Probes that could not be sent: no route, no address, an interface that is down.",
                &["protocol"],
            )?,
            replies: counters(
                &registry,
                "replies_total",
                "What came back to the probe sockets, by what it turned out to be.",
                &["protocol", "kind"],
            )?,
            replies_lost: counter(
                &registry,
                "replies_lost_total",
                "What came back to raw probe sockets and was thrown away by the kernel because their buffer was full.",
            )?,
            rounds: counters(&registry, "rounds_total", "Rounds of endpoints, by how they ended.", &["outcome"])?,
            rounds_overdue: gauge(
                &registry,
                "rounds_overdue",
                "Endpoints that have waited for their round for more than ten seconds beyond its time.",
            )?,
            alerts: gauges(&registry, "alerts", "Alerts, by state.", &["state"])?,
            deliveries: counters(
                &registry,
                "alert_deliveries_total",
                "Alerts sent to sinks, by what came of it.",
                &["sink", "outcome"],
            )?,
            journaled: counter(
                &registry,
                "journal_observations_total",
                "Observations written to the journal since the start.",
            )?,
            reload_successful: gauge(
                &registry,
                "config_last_reload_successful",
                "Whether the last attempt to take up the configuration was successful.",
            )?,
            reload_success_time: gauge(
                &registry,
                "config_last_reload_success_timestamp_seconds",
                "When the configuration in force was taken up.",
            )?,
            evidence: gauges(
                &registry,
                "evidence_observations",
                "How many observations of other vantages are in use, by source; each of one address.",
                &["source"],
            )?,
            evidence_newest: gauges(
                &registry,
                "evidence_newest_observation_timestamp_seconds",
                "When the newest observation of a source of evidence was made; absent while it has none.",
                &["source"],
            )?,
            evidence_successful: gauges(
                &registry,
                "evidence_last_reload_successful",
                "Whether all files of a source of evidence could be read as they are now.",
                &["source"],
            )?,
            registry,
        };
        vitals.register_build()?;
        vitals.register_process()?;
        vitals.begin();
        Ok(vitals)
    }

    /// Begins the series that are the same everywhere at zero.
    fn begin(&self) {
        for outcome in RoundOutcome::ALL {
            self.rounds.with_label_values(&[outcome.as_str()]);
        }
        for protocol in [Protocol::Icmp, Protocol::Udp, Protocol::Tcp] {
            self.probes.with_label_values(&[protocol.as_str()]);
            self.probes_unsent.with_label_values(&[protocol.as_str()]);
        }
        for outcome in ["answered"].into_iter().chain(NameFailure::ALL.map(NameFailure::as_str)) {
            self.pointers.with_label_values(&[outcome]);
        }
        for receipt in RECEIPTS {
            let (protocol, kind) = words(receipt);
            self.replies.with_label_values(&[protocol, kind]);
        }
        self.set_alerts(Counts::default());
    }

    /// Begins the series of these views and sinks at zero.
    pub fn expect(&self, views: &[View], sinks: &[SinkId]) {
        for view in views {
            self.resolutions.with_label_values(&[view.0.as_str(), "answered"]);
            for failure in NameFailure::ALL {
                self.resolutions.with_label_values(&[view.0.as_str(), failure.as_str()]);
            }
        }
        for sink in sinks {
            for outcome in alert::Outcome::ALL {
                self.deliveries.with_label_values(&[sink.0.as_str(), outcome.as_str()]);
            }
        }
    }

    /// Counts a round and the answers in it.
    pub fn count_round(&self, outcome: RoundOutcome, resolutions: &[Resolution]) {
        self.rounds.with_label_values(&[outcome.as_str()]).inc();
        if outcome == RoundOutcome::Judged {
            self.journaled.inc();
        }
        for resolution in resolutions {
            self.resolutions.with_label_values(&[resolution.view.0.as_str(), resolution.outcome_word()]).inc();
        }
    }

    /// Counts an alert sent to a sink.
    pub fn count_delivery(&self, sink: &SinkId, outcome: alert::Outcome) {
        self.deliveries.with_label_values(&[sink.0.as_str(), outcome.as_str()]).inc();
    }

    /// Sets whether the last attempt to take up the configuration was successful, and when: `at`, a Unix time.
    pub fn set_reload(&self, successful: bool, at: i64) {
        self.reload_successful.set(successful.into());
        if successful {
            self.reload_success_time.set(at);
        }
    }

    /// Sets how every source of evidence is; those that are gone lose their series.
    pub fn set_evidence<'a>(&self, conditions: impl Iterator<Item = Condition<'a>>) {
        self.evidence.reset();
        self.evidence_newest.reset();
        self.evidence_successful.reset();
        for Condition { name, observations, newest, is_whole } in conditions {
            self.evidence.with_label_values(&[name]).set(i64::try_from(observations).unwrap_or(i64::MAX));
            self.evidence_successful.with_label_values(&[name]).set(is_whole.into());
            if let Some(newest) = newest {
                self.evidence_newest.with_label_values(&[name]).set(newest.as_second());
            }
        }
    }

    /// Sets how many endpoints wait beyond their time.
    pub fn set_overdue(&self, rounds: usize) {
        self.rounds_overdue.set(i64::try_from(rounds).unwrap_or(i64::MAX));
    }

    /// Brings the counters of probes and replies to what the prober has counted.
    pub fn set_probes(&self, tally: &Tally) {
        for (protocol, sent) in &tally.sent {
            raise(&self.probes.with_label_values(&[protocol.as_str()]), *sent);
        }
        for (protocol, unsent) in &tally.unsent {
            raise(&self.probes_unsent.with_label_values(&[protocol.as_str()]), *unsent);
        }
        for (receipt, received) in &tally.received {
            let (protocol, kind) = words(*receipt);
            raise(&self.replies.with_label_values(&[protocol, kind]), *received);
        }
        raise(&self.replies_lost, tally.lost);
    }

    /// Brings the counters of questions for names to what was asked, by what came of it.
    pub fn set_pointers(&self, tally: &BTreeMap<&'static str, u64>) {
        for (outcome, asked) in tally {
            raise(&self.pointers.with_label_values(&[outcome]), *asked);
        }
    }

    /// Sets how many alerts there are in each state.
    pub fn set_alerts(&self, counts: Counts) {
        for (state, count) in [("pending", counts.pending), ("firing", counts.firing), ("resolved", counts.resolved)] {
            self.alerts.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Everything, as it is now.
    pub fn families(&self) -> Vec<Family> {
        self.registry.gather().iter().map(family).collect()
    }

    fn register_build(&self) -> Result<(), prometheus::Error> {
        let build = gauges(&self.registry, "build_info", "The running program; always 1.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(())
    }

    fn register_process(&self) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(ProcessCollector::for_self()))
    }
}

/// Brings a counter to a total that somebody else keeps.
fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

/// The protocol and the kind of what came back.
fn words(receipt: Receipt) -> (&'static str, &'static str) {
    match receipt {
        Receipt::Booked(protocol, kind) => (protocol.as_str(), kind.as_str()),
        Receipt::Malformed => ("none", "malformed"),
        Receipt::Unrelated => ("none", "unrelated"),
        Receipt::Forged => ("none", "forged"),
        Receipt::Surplus => ("none", "surplus"),
    }
}

fn family(gathered: &proto::MetricFamily) -> Family {
    let counts = gathered.get_field_type() == proto::MetricType::COUNTER;
    let sample = |metric: &proto::Metric| Sample {
        labels: metric
            .get_label()
            .iter()
            .map(|pair| (pair.name().to_owned().into(), pair.value().to_owned()))
            .collect(),
        value: if counts { metric.get_counter().get_value() } else { metric.get_gauge().get_value() },
    };
    Family {
        name: gathered.name().to_owned().into(),
        help: gathered.help().to_owned().into(),
        kind: if counts { Kind::Counter } else { Kind::Gauge },
        samples: gathered.get_metric().iter().map(sample).collect(),
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("pehra")
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    let counters = IntCounterVec::new(options(name, help), labels)?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    let counter = IntCounter::with_opts(options(name, help))?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    let gauges = IntGaugeVec::new(options(name, help), labels)?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    let gauge = IntGauge::with_opts(options(name, help))?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::text::encode;

    #[test]
    fn known_series_begin_at_zero_and_every_family_says_what_it_is() {
        let vitals = Vitals::new().unwrap();
        vitals.expect(&[View("system".to_owned())], &[SinkId("webhook:hooks.example:443".to_owned())]);
        let families = vitals.families();
        assert!(families.iter().all(|family| !family.help.is_empty()));
        let text = encode(&families);
        for series in [
            "pehra_resolutions_total{outcome=\"timeout\",view=\"system\"} 0",
            "pehra_alert_deliveries_total{outcome=\"accepted\",sink=\"webhook:hooks.example:443\"} 0",
            "pehra_probes_sent_total{protocol=\"udp\"} 0",
            "pehra_pointers_total{outcome=\"no-such-name\"} 0",
            "pehra_replies_total{kind=\"forged\",protocol=\"none\"} 0",
            "pehra_rounds_total{outcome=\"unjournaled\"} 0",
            "pehra_alerts{state=\"firing\"} 0",
            "pehra_config_last_reload_successful 0",
            "pehra_journal_observations_total 0",
        ] {
            assert!(text.lines().any(|line| line == series), "{series} in\n{text}");
        }
        assert!(text.contains("process_resident_memory_bytes "));
    }

    #[test]
    fn evidence_that_is_gone_loses_its_series() {
        let vitals = Vitals::new().unwrap();
        let newest = Some("2026-11-22T00:00:00Z".parse().unwrap());
        let broken = Condition { name: "atlas", observations: 7, newest, is_whole: false };
        vitals.set_evidence(
            [broken, Condition { name: "fra", observations: 0, newest: None, is_whole: true }].into_iter(),
        );
        let text = encode(&vitals.families());
        assert!(text.contains("pehra_evidence_observations{source=\"atlas\"} 7\n"), "{text}");
        assert!(text.contains("pehra_evidence_last_reload_successful{source=\"atlas\"} 0\n"), "{text}");
        assert!(text.contains("pehra_evidence_last_reload_successful{source=\"fra\"} 1\n"), "{text}");
        assert!(!text.contains("timestamp_seconds{source=\"fra\"}"), "{text}");
        vitals.set_evidence(std::iter::empty());
        assert!(!encode(&vitals.families()).contains("source="));
    }

    #[test]
    fn counters_follow_what_the_prober_has_counted() {
        let vitals = Vitals::new().unwrap();
        for sent in [3, 7] {
            let [sent, unsent] = [sent, sent + 2].map(|count| [(Protocol::Udp, count)].into());
            let tally = Tally { lost: 8, sent, unsent, ..Tally::default() };
            vitals.set_probes(&tally);
        }
        let text = encode(&vitals.families());
        assert!(text.contains("pehra_probes_sent_total{protocol=\"udp\"} 7\n"), "{text}");
        assert!(text.contains("pehra_probes_unsent_total{protocol=\"udp\"} 9\n"), "{text}");
        assert!(text.contains("pehra_replies_lost_total 8\n"), "{text}");
    }
}
