//! A scenario: one sentence, a world, and a timeline of changes and expectations.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{Config, Draft, Written as ConfigFile};

use super::world::{World, estate_names};
use super::written::{EstateWritten, StepWritten, Written};

/// Something in a scenario that leads nowhere: where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invalid {
    key: String,
    what: String,
}

impl Invalid {
    pub(super) fn new(key: impl Into<String>, what: impl fmt::Display) -> Self {
        Self { key: key.into(), what: what.to_string() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// Why a file is not a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScenario {
    /// It is not the TOML of a scenario.
    #[error("{file}:{line}: {what}")]
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there; it names the key.
        what: String,
    },
    /// Something in it leads nowhere.
    #[error("{file}: {key}: {what}")]
    Meaning {
        /// The file.
        file: String,
        /// The key, with its tables before it.
        key: String,
        /// What is wrong and what to do.
        what: String,
    },
}

/// A scenario that makes sense.
#[derive(Debug)]
pub struct Scenario {
    /// The sentence that says what is shown.
    pub title: String,
    /// What the wall clock shows at the beginning.
    pub start: Timestamp,
    pub(super) seed: u64,
    pub(super) world: World,
    /// The daemon's configuration file, estates included; without it no daemon runs.
    pub(super) config: Option<Config>,
    pub(super) steps: Vec<Step>,
}

/// One step, at its time since the beginning.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) key: String,
    pub(super) written: StepWritten,
    /// The configuration from this step on, where the step changes it.
    pub(super) config: Option<Config>,
}

impl Scenario {
    /// The scenario written in `text`, which was read from `file`; `worlds` holds the texts of worlds that scenarios
    /// share, by name.
    pub fn parse(file: &str, text: &str, worlds: &BTreeMap<String, String>) -> Result<Self, InvalidScenario> {
        let written = parse(file, text)?;
        let Some(name) = &written.world else { return Self::compile(vec![(file, written)]) };
        let shared = worlds.get(name).ok_or_else(|| {
            let known = worlds.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            meaning(file, Invalid::new("world", format!("no world is called {name:?}: write one of {known}")))
        })?;
        let shared_file = format!("{name}.toml");
        let shared = parse(&shared_file, shared)?;
        Self::compile(vec![(&shared_file, shared), (file, written)])
    }

    fn compile(mut parts: Vec<(&str, Written)>) -> Result<Self, InvalidScenario> {
        let borrowed: Vec<_> = parts.iter().map(|(file, part)| (*file, part)).collect();
        let world = World::compile(&borrowed).map_err(|(file, invalid)| meaning(&file, invalid))?;
        let mut config = None;
        for (file, part) in &mut parts {
            config = merge(config, part.config.take());
            add_estates(config.as_mut(), &part.estate).map_err(|invalid| meaning(file, invalid))?;
        }
        let start = parts.iter().rev().find_map(|(_, part)| part.start).unwrap_or_else(default_start);
        let seed = parts.iter().rev().find_map(|(_, part)| part.seed).unwrap_or(0);
        let Some((file, own)) = parts.pop() else { return Err(meaning("", Invalid::new("step", "is missing"))) };
        let mut steps = timeline(own.step).map_err(|invalid| meaning(file, invalid))?;
        let config = read_configs(config, &mut steps).map_err(|invalid| meaning(file, invalid))?;
        // Every change is tried once, so that a slip in the last step shows before the first.
        let mut trial = world.clone();
        for step in &steps {
            let key = format!("{}.change", step.key);
            trial.change(&key, &step.written.change).map_err(|invalid| meaning(file, invalid))?;
        }
        Ok(Self { title: own.title, start, seed, world, config, steps })
    }
}

fn parse(file: &str, text: &str) -> Result<Written, InvalidScenario> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        InvalidScenario::Syntax { file: file.to_owned(), line, what: error.message().to_owned() }
    })
}

fn meaning(file: &str, Invalid { key, what }: Invalid) -> InvalidScenario {
    InvalidScenario::Meaning { file: file.to_owned(), key, what }
}

fn default_start() -> Timestamp {
    // 2026-06-01T00:00:00Z: any instant would do; a Monday is easy to count from.
    Timestamp::from_second(1_780_272_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A configuration with another on top: lists are joined, of single values the later counts.
fn merge(base: Option<toml::Table>, own: Option<toml::Table>) -> Option<toml::Table> {
    let (Some(mut base), Some(own)) = (base.clone(), own.clone()) else { return own.or(base) };
    for (key, value) in own {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Array(before)), toml::Value::Array(more)) => before.extend(more),
            (Some(toml::Value::Table(before)), toml::Value::Table(more)) => before.extend(more),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    Some(base)
}

fn timeline(written: Vec<StepWritten>) -> Result<Vec<Step>, Invalid> {
    let mut now = Duration::ZERO;
    let mut steps = Vec::new();
    for (index, written) in written.into_iter().enumerate() {
        let key = format!("step[{index}]");
        let at = match (written.at, written.elapse) {
            (Some(_), Some(_)) => return Err(Invalid::new(key, "has both at and elapse: leave one out")),
            (Some(at), None) => at.0,
            (None, Some(elapse)) => now + elapse.0,
            (None, None) => now,
        };
        if at < now {
            return Err(Invalid::new(format!("{key}.at"), "is before the step before it: time goes forward"));
        }
        if written.expect.trace.len() > written.trace.len() {
            return Err(Invalid::new(format!("{key}.expect.trace"), "expects more traces than the step takes"));
        }
        if written.expect.multipath.len() > written.multipath.len() {
            return Err(Invalid::new(format!("{key}.expect.multipath"), "expects more ways than the step looks for"));
        }
        now = at;
        steps.push(Step { at, key, written, config: None });
    }
    Ok(steps)
}

/// Reads the configuration, and that of every step which changes one: top-level keys are replaced whole.
fn read_configs(config: Option<toml::Table>, steps: &mut [Step]) -> Result<Option<Config>, Invalid> {
    let Some(mut table) = config else { return Ok(None) };
    let first = read_config("config", &table)?;
    for step in steps {
        if let Some(change) = step.written.change.config.take() {
            table.extend(change);
            step.config = Some(read_config(&format!("{}.change.config", step.key), &table)?);
        }
    }
    Ok(Some(first))
}

/// The configuration that a table is, as if it were the file `pehra.toml`.
fn read_config(key: &str, table: &toml::Table) -> Result<Config, Invalid> {
    let text = toml::to_string(table).map_err(|error| Invalid::new(key, error))?;
    let written = ConfigFile { name: key.to_owned(), bytes: text.into_bytes() };
    let (config, _warnings) =
        Draft::open(&written, Path::new("/etc/pehra")).finish().map_err(|errors| Invalid::new(key, errors))?;
    Ok(config)
}

fn add_estates(mut config: Option<&mut toml::Table>, estates: &[EstateWritten]) -> Result<(), Invalid> {
    for (index, estate) in estates.iter().enumerate() {
        let key = format!("estate[{index}]");
        let endpoints = estate_names(&key, estate)?.into_iter().map(|name| name.name.as_str().to_owned());
        add_endpoints(&key, config.as_deref_mut(), &estate.workload, endpoints)?;
    }
    Ok(())
}

fn add_endpoints(
    key: &str,
    config: Option<&mut toml::Table>,
    workload: &str,
    endpoints: impl Iterator<Item = String>,
) -> Result<(), Invalid> {
    let workloads = config.and_then(|c| c.get_mut("workload")).and_then(toml::Value::as_array_mut);
    let mut tables = workloads.into_iter().flatten().filter_map(toml::Value::as_table_mut);
    let table = tables.find(|table| table.get("id").and_then(toml::Value::as_str) == Some(workload));
    let table = table.ok_or_else(|| {
        Invalid::new(format!("{key}.workload"), format!("no [[config.workload]] has the id {workload:?}"))
    })?;
    let list = table.entry("endpoints").or_insert_with(|| toml::Value::Array(Vec::new()));
    if let Some(list) = list.as_array_mut() {
        list.extend(endpoints.map(toml::Value::String));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        title = "A router answers"
        vantage = "probe"
        place.karachi = [24.86, 67.01]
        node.probe = { place = "karachi", addresses = ["203.101.160.10"] }
        node.gw = { place = "karachi", addresses = ["203.101.160.1"] }
        path = [{ to = "203.101.184.84", via = ["gw"] }]
        step = [{ elapse = "1m30s" }, { elapse = "500ms" }]
    "#;

    fn error(text: &str) -> String {
        Scenario::parse("x.toml", text, &BTreeMap::new()).unwrap_err().to_string()
    }

    #[test]
    fn time_of_steps_adds_up() {
        let scenario = Scenario::parse("x.toml", GOOD, &BTreeMap::new()).unwrap();
        let times: Vec<_> = scenario.steps.iter().map(|step| step.at.as_millis()).collect();
        assert_eq!(times, [90_000, 90_500]);
    }

    #[test]
    fn a_slip_is_named_with_file_and_key() {
        assert_eq!(
            error(&GOOD.replace(r#"via = ["gw"]"#, r#"via = ["gv"]"#)),
            "x.toml: path[0].via: no node is called \"gv\": add [node.gv]"
        );
        assert!(error(&GOOD.replace("24.86", "95")).starts_with("x.toml: place.karachi: 95 is not a latitude"));
        assert!(error(&GOOD.replace("500ms", "soon")).starts_with("x.toml:8: \"soon\" is not a stretch of time"));
        let unknown = error(&GOOD.replace("addresses = [\"203.101.160.1\"]", "adresses = []"));
        assert!(unknown.starts_with("x.toml:6: unknown field `adresses`"), "{unknown}");
        let late = GOOD.replace("{ elapse = \"500ms\" }", "{ change.node.gv = { silent = true } }");
        assert!(error(&late).starts_with("x.toml: step[1].change.node.gv: is new and has no place"));
    }
}
