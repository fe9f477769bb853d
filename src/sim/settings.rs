//! What a configuration means to the machines that the simulation drives.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::alert::patience::Patience;
use crate::alert::{AlertSettings, SinkId, SinkKind};
use crate::config::alerting::AlertConfig;
use crate::config::{Config, Draft, Written};
use crate::location::disc::Borders;
use crate::observation::Declared;
use crate::round::Probing;
use crate::schedule::Pace;
use crate::watch::{Settings, Watched};

use super::scenario::Invalid;

/// The first rounds of a new list of endpoints are spread over this time, at most.
const START_WINDOW: Duration = Duration::from_secs(30);

/// The configuration that a table is, as if it were the file `pehra.toml`.
pub(super) fn read(key: &str, table: &toml::Table) -> Result<Config, Invalid> {
    let text = toml::to_string(table).map_err(|error| Invalid::new(key, error))?;
    let written = Written { name: key.to_owned(), bytes: text.into_bytes() };
    let (config, _warnings) =
        Draft::open(&written, Path::new("/etc/pehra")).finish().map_err(|errors| Invalid::new(key, errors))?;
    Ok(config)
}

/// What a watch is told of it.
pub(super) fn of_watch(config: &Config, borders: Borders) -> Settings {
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
    Settings {
        vantage: config.vantage.clone(),
        watched,
        policy: config.policy.clone(),
        borders,
        pace: Pace {
            floor: config.schedule.ttl_floor,
            jitter: config.schedule.jitter,
            start_window: START_WINDOW,
            in_flight: config.schedule.concurrency,
        },
        alerts: of_alerts(&config.alerting),
        databases: Vec::new(),
    }
}

fn of_alerts(config: &AlertConfig) -> AlertSettings {
    let patience = Patience {
        raise: config.raise_after as usize,
        of: config.raise_of as usize,
        clear: config.clear_after as usize,
    };
    let alertmanagers = config.alertmanagers.iter().map(|url| (SinkId(url.to_string()), SinkKind::Alertmanager));
    let webhooks = config.webhooks.iter().map(|url| (SinkId(url.to_string()), SinkKind::Webhook));
    AlertSettings {
        patience,
        prompt: Patience { raise: 1, of: 1, ..patience },
        resend: config.resend,
        resolved_for: config.resolved_for,
        runbook_base: config.runbook_base_url.as_ref().map(ToString::to_string),
        sinks: alertmanagers.chain(webhooks).collect(),
        ..AlertSettings::default()
    }
}

/// What a round may ask.
pub(super) fn of_round(config: &Config) -> Probing {
    let probing = &config.probing;
    Probing {
        protocols: probing.protocols.clone(),
        attempts: probing.attempts,
        first_ttl: probing.first_ttl,
        last_ttl: probing.last_ttl,
        window: probing.window,
        gap_limit: probing.gap_limit,
        reply_timeout: probing.reply_timeout,
        trace_timeout: probing.trace_timeout,
        contact_attempts: probing.contact_attempts,
        contact_timeout: probing.contact_timeout,
        max_addresses: 32,
        deadline: config.schedule.round_timeout,
        allow: Vec::new(),
    }
}
