//! The real binary: its configuration, what it serves, what it has written.

use super::{Alertmanager, Authority, Lab, Process, START, wait_for};
use pehra::edge::journal::Journal;
use pehra::entry::{self, Chain, Header};
use pehra::observation::Observation;
use pehra::vantage::VantageId;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pehra");
const METRICS: &str = "http://127.0.0.1:19924/metrics";

/// What every instance calls itself.
const VANTAGE: &str = "khi-1";

/// Takes away every capability, and the way to get one back.
const NO_CAPABILITY: [&str; 4] = ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"];

/// What a story says of the configuration; the rest is the same for all, and quick.
pub(crate) struct Settings<'a> {
    /// The class of the one workload, `land-records`.
    pub(crate) class: &'a str,
    /// Its endpoints.
    pub(crate) endpoints: &'a [&'a str],
    /// Whom to ask for names; nobody when there is nobody.
    pub(crate) resolver: Option<IpAddr>,
    /// The longest time between two rounds.
    pub(crate) interval: &'a str,
    /// Lines of `[vantage]` beside its name.
    pub(crate) vantage: &'a str,
    /// Lines of `[probing]`.
    pub(crate) probing: &'a str,
    /// Whole sections more.
    pub(crate) sections: &'a str,
}

/// Karachi, where the lab's vantage stands unless a story says otherwise.
pub(crate) const KARACHI: &str = "latitude = 24.8607\nlongitude = 67.0011\nuncertainty_km = 5";

/// How long a lab's replies are waited for, unless a story says otherwise.
const REPLY_TIMEOUT: &str = "reply_timeout = \"500ms\"";

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            class: "restricted",
            endpoints: &[],
            resolver: None,
            interval: "2s",
            vantage: KARACHI,
            probing: REPLY_TIMEOUT,
            sections: "",
        }
    }
}

impl Settings<'_> {
    fn text(&self, state: &Path) -> String {
        let mut text = format!(
            "home = \"PK\"\nstate_directory = \"{}\"\n[vantage]\nid = \"{VANTAGE}\"\n{}\n\
             [schedule]\ninterval = {:?}\nttl_floor = \"1s\"\njitter = 0.0\n\
             [probing]\ncontact_timeout = \"1s\"\npackets_per_second = 2000\nnetwork_packets_per_second = 2000\n{}\n\
             [alerting]\nraise_after = 1\nraise_of = 1\nclear_after = 1\nresend = \"1s\"\n\
             alertmanagers = [\"{}\"]\n\
             [resolution]\nsystem = {}\ntimeout = \"1s\"\n",
            state.display(),
            self.vantage,
            self.interval,
            self.probing,
            Alertmanager::URL,
            self.resolver.is_none(),
        );
        if let Some(address) = self.resolver {
            let _ = write!(text, "[[resolver]]\nname = \"lab\"\naddress = \"{address}\"\n");
        }
        let _ = write!(
            text,
            "[[provider]]\nid = \"ntc\"\nname = \"National Telecommunication Corporation\"\nstatus = \"accredited\"\n\
             valid_until = 2099-12-31\nasns = [{HOME_ASN}, {ABROAD_ASN}]\n\
             [[workload]]\nid = \"land-records\"\nentity = \"Punjab Land Records Authority\"\n\
             jurisdiction = \"punjab\"\nclass = \"{}\"\nprovider = \"ntc\"\nendpoints = {:?}\n{}",
            self.class, self.endpoints, self.sections
        );
        text
    }
}

/// The networks that announce the lab's addresses in the real world.
const HOME_ASN: u32 = 23_888;
const ABROAD_ASN: u32 = 24_940;

/// A running `pehra run`.
pub(crate) struct Instance<'a> {
    lab: &'a Lab,
    node: &'static str,
    state: PathBuf,
    pub(crate) process: Process,
}

impl<'a> Instance<'a> {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(lab: &'a Lab, node: &'static str, settings: &Settings<'_>) -> Self {
        Self::start_behind(lab, node, &[], settings)
    }

    /// The same without any capability.
    pub(crate) fn start_without_capabilities(lab: &'a Lab, node: &'static str, settings: &Settings<'_>) -> Self {
        Self::start_behind(lab, node, &NO_CAPABILITY, settings)
    }

    fn start_behind(lab: &'a Lab, node: &'static str, before: &[&str], settings: &Settings<'_>) -> Self {
        let config = configure(lab, node, settings).display().to_string();
        let process = lab.spawn(node, &[before, &[PROGRAM, "run", "--config", &config]].concat());
        let mut instance = Self { lab, node, state: state(lab, node), process };
        wait_for("the daemon to be ready", START, || {
            assert!(instance.process.runs(), "the daemon ended: {:#?}", instance.process.lines());
            lab.get(node, "http://127.0.0.1:19924/-/ready")
        });
        instance
    }

    /// Writes another configuration in place of the one it runs with.
    pub(crate) fn reconfigure(&self, settings: &Settings<'_>) {
        configure(self.lab, self.node, settings);
    }

    /// Everything that Prometheus would read.
    pub(crate) fn metrics(&self) -> Option<String> {
        self.lab.get(self.node, METRICS)
    }

    /// A metric of which one series has all these labels; nothing while there is no such series.
    pub(crate) fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let page = self.metrics()?;
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let is_meant = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label.as_str()))
        };
        page.lines().find(is_meant)?.rsplit(' ').next()?.parse().ok()
    }

    /// The standing of an endpoint, when it has one.
    pub(crate) fn standing(&self, endpoint: &str) -> Option<&'static str> {
        let series = |standing| [("endpoint", endpoint), ("standing", standing)];
        ["compliant", "unproven", "suspect", "breach", "exempt"]
            .into_iter()
            .find(|standing| self.metric("pehra_endpoint_standing", &series(standing)) == Some(1.0))
    }

    /// Waits until an endpoint has this standing.
    pub(crate) fn wait_for_standing(&self, endpoint: &str, standing: &str, within: Duration) {
        wait_for(&format!("{endpoint} to be {standing}"), within, || {
            (self.standing(endpoint) == Some(standing)).then_some(())
        });
    }

    /// Everything in its journal, each entry held against its hash and the one before. A line without an end is being
    /// written.
    pub(crate) fn journal(&self) -> Vec<Observation> {
        let directory = self.lab.inside(&self.state.join("journal").join(VANTAGE));
        let files = std::fs::read_dir(&directory).map(|files| files.map(|file| file.expect("a file").path()));
        let mut segments: Vec<PathBuf> = files
            .map(|paths| paths.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect())
            .unwrap_or_default();
        segments.sort();
        let mut chain = Chain::new(VantageId(VANTAGE.to_owned()));
        let mut observations = Vec::new();
        for path in segments {
            let text = std::fs::read_to_string(&path).expect("a segment");
            let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            for (number, line) in whole.enumerate() {
                if number == 0 {
                    let header = Header::parse(line.as_bytes()).expect("a header");
                    chain.handle_header(&header).expect("a segment that goes on");
                } else {
                    let entry = entry::parse(line.as_bytes()).expect("an entry");
                    chain.handle_entry(&entry).expect("the next entry");
                    observations.push(entry.observation().expect("an observation"));
                }
            }
        }
        observations
    }

    /// Waits until the journal holds `count` observations.
    pub(crate) fn wait_for_journal(&self, count: usize) -> Vec<Observation> {
        wait_for("observations in the journal", Duration::from_secs(30), || {
            Some(self.journal()).filter(|observations| observations.len() >= count)
        })
    }

    /// Asks it to end, as systemd does, and gives it the time that systemd gives it.
    pub(crate) fn terminate(mut self, within: Duration) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait(within)
    }
}

/// Puts a journal with these observations in the place of the one that was written on `node`, whose daemon has ended.
pub(crate) fn rewrite_journal(lab: &Lab, node: &str, observations: &[Observation]) {
    let directory = lab.inside(&state(lab, node).join("journal"));
    std::fs::remove_dir_all(&directory).expect("a journal");
    let journal = Journal::open(&directory, &VantageId(VANTAGE.to_owned()), 1 << 20);
    journal.expect("a new journal").0.append_all(observations).expect("room for it");
}

/// Starts the daemon with an inventory behind `url`, and waits for nothing.
pub(crate) fn start_with_inventory(lab: &Lab, node: &'static str, url: &str) -> Process {
    let text = format!("inventory = [\"{url}\"]\n{}", Settings::default().text(&state(lab, node)));
    let config = lab.write(&format!("{node}/pehra.toml"), &text).display().to_string();
    lab.spawn(node, &[PROGRAM, "run", "--config", &config])
}

/// One round for a person: the lines of `pehra inspect --json` and how it exited.
pub(crate) fn inspect(lab: &Lab, node: &'static str, settings: &Settings<'_>) -> (Vec<serde_json::Value>, Option<i32>) {
    inspect_behind(lab, node, &[], settings)
}

/// The same on a host that trusts `authority`, and no other.
pub(crate) fn inspect_trusting(
    lab: &Lab,
    node: &'static str,
    authority: &Authority<'_>,
    settings: &Settings<'_>,
) -> (Vec<serde_json::Value>, Option<i32>) {
    let trusted = format!("SSL_CERT_FILE={}", authority.file.display());
    inspect_behind(lab, node, &["env", "--unset=SSL_CERT_DIR", &trusted], settings)
}

fn inspect_behind(
    lab: &Lab,
    node: &'static str,
    before: &[&str],
    settings: &Settings<'_>,
) -> (Vec<serde_json::Value>, Option<i32>) {
    let config = configure(lab, node, settings).display().to_string();
    let class = ["--class", settings.class];
    let command = [before, &[PROGRAM, "inspect", "--json", "--config", &config], &class, settings.endpoints];
    said(lab, node, &command.concat())
}

/// The same as a person reads it on a terminal, colours included.
pub(crate) fn inspect_in_words(lab: &Lab, node: &'static str, settings: &Settings<'_>) -> String {
    let config = configure(lab, node, settings).display().to_string();
    let coloured = ["env", "CLICOLOR_FORCE=1", PROGRAM, "inspect", "--config", &config, "--class", settings.class];
    let command = [&coloured, settings.endpoints];
    String::from_utf8(lab.run(node, &command.concat()).stdout).expect("text")
}

/// What the journal of `node` gives when it is judged again: the lines of `pehra judge --json` and how it exited.
pub(crate) fn judge(lab: &Lab, node: &str, class: &str) -> (Vec<serde_json::Value>, Option<i32>) {
    let journal = state(lab, node).join("journal").join(VANTAGE).display().to_string();
    let judge = format!("exec {PROGRAM} judge --class {class} --json {journal}/*.jsonl");
    said(lab, node, &["sh", "-c", &judge])
}

/// The command line of `pehra trace`, with or without any capability.
pub(crate) fn trace<'a>(is_capable: bool, arguments: &[&'a str]) -> Vec<&'a str> {
    let before = if is_capable { &[][..] } else { &NO_CAPABILITY[..] };
    [before, &[PROGRAM, "trace"], arguments].concat()
}

/// Runs a command that prints a JSON object a line.
fn said(lab: &Lab, node: &str, command: &[&str]) -> (Vec<serde_json::Value>, Option<i32>) {
    let output = lab.run(node, command);
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
    (lines, output.status.code())
}

/// Where an instance on `node` keeps its state.
pub(crate) fn state(lab: &Lab, node: &str) -> PathBuf {
    lab.path(node).join("state")
}

fn configure(lab: &Lab, node: &str, settings: &Settings<'_>) -> PathBuf {
    let state = state(lab, node);
    std::fs::create_dir_all(&state).expect("a directory");
    lab.write(&format!("{node}/pehra.toml"), &settings.text(&state))
}
