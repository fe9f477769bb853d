//! `[schedule]`: when endpoints are looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::workload::DataClass;

use super::section::{At, Section};
use super::value;

/// When endpoints are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleConfig {
    /// The longest time between two rounds of an endpoint.
    pub interval: Duration,
    /// The same for the classes that have an interval of their own.
    pub intervals: BTreeMap<DataClass, Duration>,
    /// The shortest time between two rounds of an endpoint, however short the TTLs of its name.
    pub ttl_floor: Duration,
    /// By how much a round may come early, as a fraction of its interval: 0 to 0.5.
    pub jitter: f64,
    /// How many rounds may run at once.
    pub concurrency: usize,
    /// How many intervals old the newest round may be before it is stale.
    pub stale_after_intervals: u32,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5 * 60),
            intervals: BTreeMap::new(),
            ttl_floor: Duration::from_secs(30),
            jitter: 0.1,
            concurrency: 16,
            stale_after_intervals: 3,
        }
    }
}

impl ScheduleConfig {
    /// The longest time between two rounds of an endpoint of `class`.
    pub fn interval_of(&self, class: Option<&DataClass>) -> Duration {
        class.and_then(|class| self.intervals.get(class)).copied().unwrap_or(self.interval)
    }

    /// The shortest time between two whole rounds of any endpoint, jitter aside.
    pub fn shortest(&self) -> Duration {
        self.intervals.values().copied().chain([self.interval]).min().unwrap_or(self.interval)
    }

    /// How old the newest round of an endpoint of `class` may be before it is stale.
    pub fn freshness_of(&self, class: Option<&DataClass>) -> Duration {
        self.interval_of(class).saturating_mul(self.stale_after_intervals)
    }
}

/// Reads the section. The classes that have an interval are given apart, to be held against the policy.
pub(super) fn read(section: &Section<'_>) -> (ScheduleConfig, Vec<(At<String>, Duration)>) {
    let default = ScheduleConfig::default();
    let second = Duration::from_secs(1);
    let interval = section.or("interval", default.interval, value::duration(second));
    let intervals = section.section("intervals").entries(value::duration(second));
    let ttl_floor = section.or("ttl_floor", default.ttl_floor, value::duration(second));
    let shortest = intervals.iter().map(|(_, interval)| *interval).chain([interval]).min().unwrap_or(interval);
    if section.has("ttl_floor") && ttl_floor > shortest {
        let message = format!("is longer than the shortest interval, {shortest:?}: write at most that");
        section.faults().error(&section.spot_of("ttl_floor"), message);
    }
    let config = ScheduleConfig {
        interval,
        intervals: BTreeMap::new(),
        ttl_floor: ttl_floor.min(shortest),
        jitter: section.or("jitter", default.jitter, value::number(0.0, 0.5, "a fraction of the interval")),
        concurrency: section.or("concurrency", default.concurrency, value::whole(1, 1024)),
        stale_after_intervals: section.or(
            "stale_after_intervals",
            default.stale_after_intervals,
            value::whole(1, 1000),
        ),
    };
    (config, intervals)
}
