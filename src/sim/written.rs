//! A scenario as it is written: the TOML, key by key. [`super::scenario`] turns it into what it means.
//!
//! Nothing here knows the rest of the file; a name that leads nowhere is found when it is compiled.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Deserializer};

use crate::network::NetworkKind;
use crate::place::CountryCode;
use crate::resolution::NameFailure;
use crate::trace::Protocol;
use crate::workload::HostName;

/// The longest stretch of time that can be written: ten years.
const LONGEST: Duration = Duration::from_secs(3653 * 86_400);

/// A stretch of time as people write it: `400ms`, `30s`, `10m`, `1h30m`, `3d` (days of 24 hours).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lapse(pub(super) Duration);

impl<'de> Deserialize<'de> for Lapse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.parse::<Span>().and_then(|s| s.to_duration(SpanRelativeTo::days_are_24_hours()));
        let lapse = parsed.ok().and_then(|d| Duration::try_from(d).ok()).filter(|lapse| *lapse <= LONGEST);
        lapse.map(Self).ok_or_else(|| {
            let what = "is not a stretch of time up to ten years: write 400ms, 30s, 10m, 1h30m or 3d";
            serde::de::Error::custom(format!("{text:?} {what}"))
        })
    }
}

/// The whole file: a scenario, or a world that scenarios share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// One sentence that says what is shown; a world has none.
    #[serde(default)]
    pub(super) title: String,
    /// The world this adds to.
    pub(super) world: Option<String>,
    /// Everything left to chance follows from it.
    pub(super) seed: Option<u64>,
    /// What the wall clock shows at the beginning.
    pub(super) start: Option<Timestamp>,
    /// The node at which the daemon stands.
    pub(super) vantage: Option<String>,
    /// How much longer cables are than great circles.
    pub(super) inflation: Option<f64>,
    /// What each crossing of a link takes beside its length, in milliseconds.
    pub(super) hop_ms: Option<f64>,
    /// The most by which a reply is later than it could be, in milliseconds.
    pub(super) jitter_ms: Option<f64>,
    /// Places by name: degrees north, degrees east.
    #[serde(default)]
    pub(super) place: BTreeMap<String, [f64; 2]>,
    /// Routers and hosts by name.
    #[serde(default)]
    pub(super) node: BTreeMap<String, NodeWritten>,
    #[serde(default)]
    pub(super) link: Vec<LinkWritten>,
    #[serde(default)]
    pub(super) path: Vec<PathWritten>,
    #[serde(default)]
    pub(super) name: Vec<NameWritten>,
    /// What addresses are called.
    #[serde(default)]
    pub(super) pointer: Vec<PointerWritten>,
    #[serde(default)]
    pub(super) says: Vec<SaysWritten>,
    #[serde(default)]
    pub(super) network: Vec<NetworkWritten>,
    #[serde(default)]
    pub(super) estate: Vec<EstateWritten>,
    /// The daemon's configuration, as in `pehra.toml`; without it no daemon runs and only traces are asked for.
    pub(super) config: Option<toml::Table>,
    #[serde(default)]
    pub(super) step: Vec<StepWritten>,
}

/// A router or a host. In a change, only what is written changes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeWritten {
    pub(super) place: Option<String>,
    /// Its addresses, the one it answers from first; a prefix makes it a whole farm of hosts.
    pub(super) addresses: Option<Vec<AddressWritten>>,
    /// It never says that a hop limit ran out or that there is no way on.
    pub(super) silent: Option<bool>,
    /// Extra time before anything it says by ICMP.
    pub(super) icmp_delay: Option<Lapse>,
    /// It says at most so many things by ICMP in a second.
    pub(super) answers_per_second: Option<u32>,
    /// What it forwards and accepts nothing of.
    pub(super) drops: Option<Vec<Protocol>>,
    /// It forwards nothing and says so.
    pub(super) refuses: Option<RefusalWritten>,
    /// What it makes up for every probe that comes by, beside forwarding it.
    pub(super) forges: Option<Vec<Forgery>>,
    /// It translates the destination of what it forwards to this address, where the way goes on as if it had not.
    pub(super) sends_on: Option<IpAddr>,
    /// It translates the destination of what it forwards, and back what is said of that, so that whoever says something
    /// from there on says it in the name of the destination.
    pub(super) fronts: Option<bool>,
    /// How many bytes of what follows the IP header it quotes.
    pub(super) quotes: Option<usize>,
    /// What it answers when it is the destination.
    pub(super) answers: Option<Vec<Protocol>>,
    /// Ports on which it completes a TCP handshake.
    pub(super) open: Option<Vec<u16>>,
    /// Ports on which it resets; all others are filtered.
    pub(super) closed: Option<Vec<u16>>,
}

/// An address or a prefix.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum AddressWritten {
    One(IpAddr),
    Many(IpNet),
}

/// What a router says when it does not forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RefusalWritten {
    /// It forwards after all (to end a refusal in a change).
    Nothing,
    /// No route.
    Network,
    /// The host is not there.
    Host,
    /// Forbidden by an administrator.
    Prohibited,
}

/// What a liar sends. None of it can be told to be the answer to a probe by anyone who checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Forgery {
    /// A time-exceeded that quotes a packet to somebody else, as one who has not seen ours would guess it.
    WrongQuote,
    /// An answer in the target's name to a probe that was never sent.
    WrongKey,
    /// An echo reply with the right key from somebody who is not the target.
    WrongSource,
    /// A time-exceeded whose quote ends in the middle of the IP header.
    Truncated,
    /// A reply of no sense at all.
    Garbage,
}

/// How long it takes from one node to another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkWritten {
    pub(super) between: [String; 2],
    /// One way, in milliseconds, in place of what follows from their places.
    pub(super) ms: f64,
}

/// The way packets to a destination go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathWritten {
    /// Only from this node; from everywhere when absent.
    pub(super) from: Option<String>,
    pub(super) to: AddressWritten,
    /// The nodes in order, the last being the host; a list stands for routers among which flows are spread.
    pub(super) via: Vec<HopWritten>,
    /// Where packets then circle until their hop limit runs out.
    #[serde(default)]
    pub(super) circle: Vec<HopWritten>,
}

/// One hop of a path.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum HopWritten {
    One(String),
    Spread(Vec<String>),
}

/// What a name leads to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameWritten {
    pub(super) name: HostName,
    /// Only for this view; for every view when absent.
    pub(super) view: Option<String>,
    #[serde(default = "default_ttl")]
    pub(super) ttl: Lapse,
    #[serde(default)]
    pub(super) a: Vec<std::net::Ipv4Addr>,
    #[serde(default)]
    pub(super) aaaa: Vec<std::net::Ipv6Addr>,
    pub(super) cname: Option<HostName>,
    /// It leads nowhere, in this way.
    pub(super) fails: Option<NameFailure>,
}

fn default_ttl() -> Lapse {
    Lapse(Duration::from_secs(300))
}

/// What an address is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PointerWritten {
    pub(super) address: IpAddr,
    pub(super) names: Vec<String>,
}

/// What a database says of a prefix.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SaysWritten {
    pub(super) source: String,
    pub(super) prefix: IpNet,
    pub(super) country: CountryCode,
}

/// An announced network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkWritten {
    pub(super) asn: u32,
    pub(super) name: String,
    #[serde(default)]
    pub(super) kind: NetworkKind,
    pub(super) country: Option<CountryCode>,
    pub(super) prefixes: Vec<IpNet>,
}

/// Many endpoints of one kind: `{}` in the name is replaced by a number from 1, addresses are taken in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EstateWritten {
    pub(super) count: u32,
    pub(super) name: String,
    pub(super) prefix: IpNet,
    #[serde(default = "default_ttl")]
    pub(super) ttl: Lapse,
    /// The workload that the endpoints are added to.
    pub(super) workload: String,
}

/// One step of the timeline: time passes, something changes, traces are taken, and what is expected is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepWritten {
    /// When, since the beginning.
    pub(super) at: Option<Lapse>,
    /// When, since the step before.
    pub(super) elapse: Option<Lapse>,
    #[serde(default)]
    pub(super) change: ChangeWritten,
    #[serde(default)]
    pub(super) trace: Vec<TraceWritten>,
    /// Traces of many flows, each by the flows that follow from the number of its `flow`.
    #[serde(default)]
    pub(super) multipath: Vec<TraceWritten>,
    #[serde(default)]
    pub(super) expect: ExpectWritten,
}

/// What changes in the world.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeWritten {
    #[serde(default)]
    pub(super) name: Vec<NameWritten>,
    #[serde(default)]
    pub(super) pointer: Vec<PointerWritten>,
    #[serde(default)]
    pub(super) node: BTreeMap<String, NodeWritten>,
    #[serde(default)]
    pub(super) path: Vec<PathWritten>,
    pub(super) network: Option<Connection>,
    #[serde(default)]
    pub(super) sink: BTreeMap<String, SinkState>,
    pub(super) journal: Option<JournalState>,
    /// A new configuration file, whole, which the daemon is told to read.
    pub(super) config: Option<toml::Table>,
    /// The daemon is stopped and started with what it saved.
    #[serde(default)]
    pub(super) restart: bool,
}

/// How the daemon's host is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Connection {
    /// As it should be.
    #[default]
    Up,
    /// The host has no route: nothing can be sent, and it knows.
    Down,
    /// Everything is sent and nothing arrives.
    Dark,
}

/// How somebody who is told of alerts is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SinkState {
    /// It takes what it is sent.
    #[default]
    Up,
    /// The process is gone: connections are refused, and what it held in memory is lost.
    Down,
    /// It runs, but nothing reaches it.
    Unreachable,
    /// It answers 503 and takes nothing.
    Failing,
}

/// How the disk under the journal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum JournalState {
    /// It takes entries.
    #[default]
    Working,
    /// The disk is full.
    Full,
}

/// A trace that is asked for by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TraceWritten {
    /// The node that measures, in place of the daemon's.
    pub(super) from: Option<String>,
    pub(super) to: IpAddr,
    #[serde(default = "default_protocol")]
    pub(super) protocol: Protocol,
    /// Where TCP knocks.
    pub(super) port: Option<u16>,
    #[serde(default)]
    pub(super) flow: u16,
}

fn default_protocol() -> Protocol {
    Protocol::Icmp
}

/// What is expected at a step. What is not mentioned is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectWritten {
    /// The traces of this step, in order.
    #[serde(default)]
    pub(super) trace: Vec<TraceExpected>,
    /// The ways of this step, in order.
    #[serde(default)]
    pub(super) multipath: Vec<MultipathExpected>,
    /// The most probes sent since the step before.
    pub(super) probes_at_most: Option<usize>,
    /// Exactly these addresses were sent probes or connected to since the step before.
    pub(super) spoken_to: Option<Vec<IpAddr>>,
    /// The most `probes`, `connections` or `lookups` within any one second since the step before.
    #[serde(default)]
    pub(super) per_second_at_most: BTreeMap<String, usize>,
    /// The standing of endpoints.
    #[serde(default)]
    pub(super) standing: BTreeMap<String, String>,
    /// The findings of endpoints: exactly these rules, in any order.
    #[serde(default)]
    pub(super) findings: BTreeMap<String, Vec<String>>,
    /// Place and grade of addresses: `inside probable`.
    #[serde(default)]
    pub(super) place: BTreeMap<IpAddr, String>,
    /// The alerts that Alertmanager holds: exactly these, `critical PehraDestinationOutside https://…`, in any order.
    pub(super) alerts: Option<Vec<String>>,
    /// How often Alertmanager told somebody of a new alert since the beginning.
    pub(super) pages: Option<usize>,
    /// How often Alertmanager told somebody that one was over since the beginning.
    pub(super) all_clears: Option<usize>,
    /// Everything that webhooks were told since the beginning, in order; `over: ` stands before what was cleared.
    pub(super) webhook: Option<Vec<String>>,
    /// Lines of the exposition; a line that starts with `!` is to be absent, as a beginning of a line.
    #[serde(default)]
    pub(super) metrics: Vec<String>,
    /// Completed rounds of endpoints since the beginning: `3`, `>= 3` or `<= 3`.
    #[serde(default)]
    pub(super) rounds: BTreeMap<String, String>,
    /// The most rounds started within any one second since the beginning.
    pub(super) rounds_per_second_at_most: Option<usize>,
    /// The least time between two rounds of the same endpoint since the beginning.
    pub(super) rounds_apart_at_least: Option<Lapse>,
    /// The longest time between two rounds of the same endpoint since the beginning.
    pub(super) rounds_apart_at_most: Option<Lapse>,
    /// The least number of endpoints of that standing.
    #[serde(default)]
    pub(super) count: BTreeMap<String, usize>,
}

/// What a trace is expected to have seen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TraceExpected {
    pub(super) ending: String,
    /// Hop by hop: who answered, `*` for silence, with `syn-ack`, `reset`, `unreachable`, `sent on to …`, `late` or
    /// `2 silent` after it where that is so. Silence
    /// at the end is left out.
    pub(super) hops: Vec<String>,
    /// The best time of an answer from the target is at least this, in milliseconds.
    pub(super) rtt_ms_at_least: Option<f64>,
    /// The best time of an answer from the target is at most this, in milliseconds.
    pub(super) rtt_ms_at_most: Option<f64>,
}

/// What all the ways to an address are expected to be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MultipathExpected {
    pub(super) ending: String,
    /// Hop by hop: who is there, in order of address. `?` stands behind them where it cannot be told that nobody else is.
    pub(super) hops: Vec<Vec<String>>,
}
