//! What the configuration means to the machines of the core.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::alert::AlertSettings;
use crate::alert::patience::Patience;
use crate::location::disc::Borders;
use crate::observation::{DatabaseDigest, Declared};
use crate::schedule::Pace;
use crate::watch::{Settings, Watched};
use crate::workload::Endpoint;

use super::Config;
use super::alerting::AlertConfig;

/// The first rounds of a new list of endpoints are spread over this time, at most.
const START_WINDOW: Duration = Duration::from_secs(30);

/// What a watch is told of `config`.
pub fn of_watch(config: &Config, borders: Borders, databases: Vec<DatabaseDigest>) -> Settings {
    let pace = Pace {
        floor: config.schedule.ttl_floor,
        start_window: START_WINDOW,
        in_flight: config.schedule.concurrency,
        jitter: config.schedule.jitter,
    };
    Settings {
        vantage: config.vantage.clone(),
        watched: watched(config),
        landmarks: landmarks(config),
        policy: config.policy.clone(),
        borders,
        pace,
        alerts: of_alerts(&config.alerting),
        databases,
    }
}

fn watched(config: &Config) -> BTreeMap<Endpoint, Watched> {
    let mut watched = BTreeMap::new();
    for workload in &config.workloads {
        let class = workload.class.as_ref();
        let one = Watched {
            declared: Declared::from(workload),
            interval: config.schedule.interval_of(class),
            freshness: config.schedule.freshness_of(class),
        };
        watched.extend(workload.endpoints.iter().map(|endpoint| (endpoint.clone(), one.clone())));
    }
    watched
}

/// Landmarks are measured as often as what has no interval of its own.
fn landmarks(config: &Config) -> BTreeMap<Endpoint, Duration> {
    config.landmarks.iter().map(|landmark| (Endpoint::from(landmark.address), config.schedule.interval)).collect()
}

fn of_alerts(config: &AlertConfig) -> AlertSettings {
    let patience = Patience {
        raise: config.raise_after as usize,
        of: config.raise_of as usize,
        clear: config.clear_after as usize,
    };
    AlertSettings {
        patience,
        prompt: Patience { raise: config.prompt_raise_after as usize, ..patience },
        resend: config.resend,
        remind_after: config.remind_after,
        resolved_for: config.resolved_for,
        runbook_base: config.runbook_base_url.as_ref().map(ToString::to_string),
        external_labels: config.external_labels.clone(),
        sinks: config.sinks().into_iter().map(|(name, (kind, _))| (name, kind)).collect(),
    }
}
