//! `pehra trace`: the trace engine alone, for a person and for other tools.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args};
use ipnet::IpNet;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::multipath::MultipathArguments;
use self::session::{Ended, Session, Wish};
use self::targets::Targets;
use super::verdicts::Refusal;
use super::{Exit, logging};
use crate::config::probing::ProbingConfig;
use crate::config::resolver::{ResolverAddress, ResolverConfig, SYSTEM_VIEW};
use crate::edge::dns::Resolvers;
use crate::edge::dns::hosts::HostsFile;
use crate::edge::input::STANDARD_INPUT;
use crate::edge::prober::{ProbeSockets, Prober};
use crate::edge::{clock, privileges};
use crate::network;
use crate::printable::{Escaped, is_hostile};
use crate::resolution::{AddressFamily, View};
use crate::round::deny::DenyList;
use crate::trace::Protocol;
use crate::trace::courtesy::Courtesy;
use crate::trace::multipath::Confidence;
use crate::trace::plan::{Plan, Sharing, TCP_DESTINATION};
use crate::workload::Host;

mod denied;
mod lines;
mod multipath;
mod output;
mod session;
mod targets;

/// The most traces under way at once.
const AT_ONCE: usize = 2048;

/// The most without `CAP_NET_RAW`, where every trace has a socket of its own.
const AT_ONCE_UNPRIVILEGED: usize = 256;

/// The most names that are asked for at once.
const LOOKUPS: usize = 64;

/// The most targets for whose hops it is asked what they are called.
const NAMED: usize = 16;

/// How long an answer of the system's resolver may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// What is to be known of ways that were looked for by ICMP.
const BLIND: &str = "by icmp, routers that spread load by ports, as Linux and many others can, show one way only: prefer \
                     --protocol udp or tcp";

/// Traces the path to each target: who answers at every distance, how fast, and how it ends.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    group = ArgGroup::new("what").required(true).multiple(true).args(["named", "targets"]),
    group = ArgGroup::new("many").args(["multipath", "share"]),
)]
#[expect(clippy::struct_excessive_bools, reason = "the switches of a command line")]
pub struct TraceCommand {
    /// Addresses and names
    #[arg(value_name = "TARGET")]
    named: Vec<Host>,

    /// A file with one address or name a line, 64 MiB unpacked at most, or - for standard input; # begins a comment, and
    /// it may be packed by gzip. It is read to its end and refused with every fault before anything is sent
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,

    /// What is sent: icmp, udp, or tcp, which knocks at port 443, or at the one written after a colon, 1 to 65535
    #[arg(long, value_name = "icmp|udp|tcp[:PORT]", default_value = "icmp", value_parser = probe)]
    protocol: Probe,

    /// The most probes a second, all traces together, 1 to 100000. At the beginning, and after each pause that was long
    /// enough for them, four leave at once (8 ms' worth where that is more, one at 33 a second and less)
    #[arg(long, value_name = "PACKETS", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,

    /// The most of them, a second, to targets of one network (one /24 of IPv4, one /48 of IPv6), 1 to 100000; in the same
    /// manner
    #[arg(long, value_name = "PACKETS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    network_rate: u32,

    /// How many probes are sent to each distance, 1 to 10
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=10))]
    attempts: u8,

    /// How many probes more are sent to a distance where nobody answered, although somebody did further on, 0 to 10
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=10))]
    retries: u8,

    /// Do not ask again for each target what many have found alike: neighbours of one /24 (IPv6: /48) whose ways
    /// meet. Hops that are taken over are marked `inherited`: they are inferred, with --confidence at each place, and
    /// no witnesses
    #[arg(long)]
    share: bool,

    /// The first distance that is asked, 1 to 255
    #[arg(long, value_name = "HOPS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    first_ttl: u8,

    /// The last distance that is asked, 1 to 255
    #[arg(long, value_name = "HOPS", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..))]
    max_ttl: u8,

    /// After how many silent distances in a row nothing further is asked, 1 to 255
    #[arg(long, value_name = "HOPS", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..))]
    gap_limit: u8,

    /// Trace the IPv4 address of a name alone; without -4 and -6 a name is traced to its first IPv4 address, or to its
    /// first IPv6 address where it has no other
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,

    /// Trace the IPv6 address of a name alone
    #[arg(short = '6', long)]
    ipv6: bool,

    /// Trace every address of a name, of both families or of the one that is asked for
    #[arg(long)]
    all: bool,

    /// Do not ask what hops are called. It is asked for 16 targets at most, and never with --json
    #[arg(short, long)]
    numeric: bool,

    /// Trace addresses of private networks and of this host also where a file or a name leads to them
    #[arg(long)]
    private: bool,

    /// A network that is sent nothing, whatever leads there, such as 203.0.113.0/24; any number of times
    #[arg(long, value_name = "PREFIX", value_parser = network::prefix)]
    deny: Vec<IpNet>,

    /// A file with such networks, one prefix a line, or - for standard input; # begins a comment, and it may be packed by
    /// gzip
    #[arg(long, value_name = "FILE")]
    deny_file: Option<PathBuf>,

    /// Print RIPE Atlas traceroute results, one JSON object a line, which `pehra judge` reads; with --multipath objects
    /// of our own form, which it passes over
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    ways: MultipathArguments,

    /// What to call this host in --json, as the vantages file of `pehra judge` has it
    #[arg(long, value_name = "NAME", requires = "json", value_parser = plain)]
    vantage: Option<String>,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Probe {
    protocol: Protocol,
    port: u16,
}

const EXAMPLES: &str = "\
Names are looked for in /etc/hosts, and asked of the system's resolver where they are not there. All probes of a \
trace are of one flow, so that routers that balance load send them one way; --multipath asks many flows instead, a \
probe of each at a time, and says how sure it is at every hop that nobody else is there, on ways that the protocol \
can tell apart. Many routers, as Linux can, spread load by ports, which ICMP has not: prefer --protocol udp or tcp \
for it.

Without CAP_NET_RAW paths are traced by UDP, one probe of each at a time. Nothing is sent to addresses of many \
receivers, of one link or reserved, nor to those denied; what is left out for that is noted on standard error, also \
where it is the first address of a name. Targets of one network wait for each other, and are spread among the others. \
The nearest routers are asked no faster than they answer. A path has a `*` for each probe that nobody answered within \
a second.

TCP sends what begins a connection and completes none. It passes firewalls that eat the rest; but a proxy or firewall \
on the way may answer in the name of the target, so that the time of such an answer is nobody's distance.

Examples:
  pehra trace pbs.gov.pk
  pehra trace pbs.gov.pk --protocol tcp
  pehra trace --targets hosts.txt --rate 2000 --attempts 1 --json > traces.jsonl
  pehra trace pbs.gov.pk --multipath --confidence 0.99
  pehra trace 203.101.184.84 --json --vantage khi-1 | pehra judge - --vantages vantages.toml

Paths are printed as they end, in no order. Ctrl-C ends all traces and prints what they have measured so far; what was \
broken off says so (`broken_off` in --json), also where the target had answered. A second one waits for nothing.

Exit status:
  0    done, whether targets answered or not
  64   wrong command line
  65   wrong file of targets
  68   a name without an address, or every target denied
  74   nothing could be sent or printed
  77   no permission
  130  stopped by Ctrl-C before all was done";

impl TraceCommand {
    /// Does it.
    pub fn run(self) -> Exit {
        logging::start("error");
        self.trace().unwrap_or_else(|refusal| refusal.say("trace"))
    }

    fn trace(&self) -> Result<Exit, Refusal> {
        let refused = |error: String| Refusal(Exit::NoPermission, error);
        let sockets = ProbeSockets::open().map_err(|error| refused(error.to_string()))?;
        privileges::drop_raw().map_err(|error| refused(error.to_string()))?;
        if self.first_ttl > self.max_ttl {
            let why =
                format!("--first-ttl {} is beyond --max-ttl, {}: give a smaller one", self.first_ttl, self.max_ttl);
            return Err(Refusal(Exit::Usage, why));
        }
        // What others wrote is read without the capability.
        let is_input = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new(STANDARD_INPUT));
        if is_input(&self.targets) && is_input(&self.deny_file) {
            let why = "--targets and --deny-file cannot both be read from standard input: give one of them a file";
            return Err(Refusal(Exit::Usage, why.to_owned()));
        }
        let deny = denied::read(&self.deny, self.deny_file.as_deref())?;
        let Targets { hosts, remarks } = Targets::read(&self.named, self.targets.as_deref(), self.private, &deny)?;
        note(remarks);
        if !sockets.are_raw() && self.protocol.protocol != Protocol::Udp {
            let each = if self.ways.wanted().is_some() { "flow" } else { "path" };
            note([format!("no CAP_NET_RAW: paths are traced by UDP, one probe of each {each} at a time")]);
        }
        if sockets.are_raw() && self.protocol.protocol == Protocol::Icmp && self.ways.wanted().is_some() {
            note([BLIND.to_owned()]);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let failed = |error: io::Error| Refusal(Exit::Failed, format!("failed to begin: {error}"));
        let runtime = runtime.map_err(failed)?;
        let ended = runtime.block_on(self.trace_all(hosts, deny, sockets)).map_err(failed)?;
        runtime.shutdown_background();
        conclude(ended)
    }

    async fn trace_all(&self, hosts: Vec<Host>, deny: DenyList, sockets: ProbeSockets) -> io::Result<Ended> {
        let (stop, at_once) = (CancellationToken::new(), self.at_once(sockets.are_raw()));
        let courtesy = Courtesy::per_second(self.rate, self.network_rate);
        let (prober, task) = Prober::spawn(sockets, clock::seed(), courtesy, stop.clone())?;
        let view = View(SYSTEM_VIEW.to_owned());
        let server = ResolverAddress::System;
        let system = ResolverConfig { view: view.clone(), server, timeout: LOOKUP_TIMEOUT, subnet: None };
        let resolvers = Resolvers::open(&[system], &ProbingConfig::default().round).map_err(io::Error::other)?;
        let hosts_file = HostsFile::of_this_host().unwrap_or_else(|error| {
            note([format!("/etc/hosts: failed to read: {error}: names are asked of the resolver alone")]);
            HostsFile::default()
        });
        let session = Session {
            prober: prober.clone(),
            resolvers,
            view,
            hosts_file,
            pointers: Arc::default(),
            lookups: Semaphore::new(LOOKUPS),
            stop: stop.clone(),
            wish: self.wish(hosts.len(), at_once, deny),
        };
        let form = if self.json { output::Form::Json(self.vantage.clone()) } else { output::Form::Paths };
        let ended = session::trace_all(Arc::new(session), hosts, at_once, form).await;
        stop.cancel();
        task.await.map_err(io::Error::other)?;
        note(lost(prober.tally().lost));
        ended
    }

    /// How many targets keep the pace, even if no hop of theirs answers: more of them would only each take longer. Of all
    /// the ways to a target, each probe is a trace by itself.
    fn at_once(&self, are_raw: bool) -> usize {
        let rate = usize::try_from(self.rate).unwrap_or(usize::MAX);
        let window = self.usual_plan().window;
        let (window, traces) = match (self.ways.wanted(), are_raw) {
            (Some(_), _) => (window, usize::from(window)),
            (None, true) => (window, 1),
            (None, false) => (1, 1),
        };
        let most = if are_raw { AT_ONCE } else { AT_ONCE_UNPRIVILEGED };
        (2 * rate / usize::from(window)).clamp(1, most / traces)
    }

    /// The plan of every trace, but for target and flow. Its deadline leaves time to ask every distance one probe after
    /// the other, even where all that are traced at once are of one network and wait for each other.
    fn plan(&self, at_once: usize) -> Plan {
        let usual = self.usual_plan();
        let probes =
            (u32::from(self.attempts) + u32::from(self.retries)) * u32::from(self.max_ttl - self.first_ttl + 1);
        let turn = Duration::from_secs(at_once as u64) / self.network_rate;
        Plan {
            first_ttl: self.first_ttl,
            last_ttl: self.max_ttl,
            gap_limit: self.gap_limit,
            attempts: self.attempts,
            retries: self.retries,
            sharing: self
                .share
                .then(|| Sharing::since(clock::now().mono, self.ways.confidence().unwrap_or(Confidence::HIGHEST))),
            deadline: usual.deadline.max((usual.reply_timeout + turn) * probes),
            ..usual
        }
    }

    fn usual_plan(&self) -> Plan {
        let Probe { protocol, port } = self.protocol;
        Plan { port, ..Plan::for_address([0; 4].into(), protocol, 0) }
    }

    fn wish(&self, targets: usize, at_once: usize, deny: DenyList) -> Wish {
        Wish {
            plan: self.plan(at_once),
            families: match (self.ipv4, self.ipv6) {
                (true, _) => &[AddressFamily::A],
                (false, true) => &[AddressFamily::Aaaa],
                (false, false) => &[AddressFamily::A, AddressFamily::Aaaa],
            },
            all: self.all,
            private: self.private,
            deny,
            ways: self.ways.wanted(),
            names: !self.json && !self.numeric && targets <= NAMED,
        }
    }
}

/// What it comes to.
fn conclude(ended: Ended) -> Result<Exit, Refusal> {
    ended.written.map_err(|error| Refusal(Exit::Failed, format!("failed to print: {error}")))?;
    if ended.is_stopped {
        let Ended { whole, partial, left, unnamed, .. } = ended;
        note([format!("stopped: {whole} paths traced, {partial} in part, {left} not begun")]);
        note((unnamed > 0).then(|| "stopped: it was not known yet what all hops are called".to_owned()));
        return Ok(Exit::Stopped);
    }
    if ended.nowhere > 0 {
        return Ok(Exit::NoHost);
    }
    let is_nothing_sent = ended.whole > 0 && ended.whole == ended.unsent;
    Ok(if is_nothing_sent { Exit::Failed } else { Exit::Fine })
}

/// What is to be said of replies that the kernel threw away.
fn lost(replies: u64) -> Option<String> {
    (replies > 0).then(|| {
        format!(
            "{replies} replies were lost as they came faster than they were read: hops may look silent that are not; raise \
             net.core.rmem_max, or lower --rate"
        )
    })
}

/// Says what a person should know beside the paths.
fn note(notes: impl IntoIterator<Item = String>) {
    let mut err = anstream::stderr().lock();
    for note in notes {
        let _ = writeln!(err, "note: {}", Escaped(&note));
    }
}

fn probe(text: &str) -> Result<Probe, String> {
    let lower = text.to_ascii_lowercase();
    let (word, written) = lower.split_once(':').map_or((lower.as_str(), None), |(word, port)| (word, Some(port)));
    let protocol = match word {
        "icmp" => Protocol::Icmp,
        "udp" => Protocol::Udp,
        "tcp" => Protocol::Tcp,
        _ => return Err("write icmp, udp or tcp, or tcp and a port, as in tcp:25".to_owned()),
    };
    let port = written.map_or(Some(TCP_DESTINATION), |port| port.parse().ok().filter(|port| *port > 0));
    let is_whole = written.is_none() || protocol == Protocol::Tcp;
    let whole = port.filter(|_| is_whole).map(|port| Probe { protocol, port });
    whole.ok_or_else(|| "tcp alone has a port, from 1 to 65535: write one, as in tcp:25".to_owned())
}

fn plain(text: &str) -> Result<String, String> {
    let is_plain = !text.is_empty() && !text.chars().any(|c| is_hostile(c) || c.is_whitespace());
    is_plain.then(|| text.to_owned()).ok_or_else(|| "write a name without spaces, such as khi-1".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        trace: TraceCommand,
    }

    fn parsed(arguments: &[&str]) -> Result<TraceCommand, clap::Error> {
        Line::try_parse_from(["trace"].iter().chain(arguments)).map(|line| line.trace)
    }

    #[test]
    fn a_command_line_that_makes_no_sense_is_refused() {
        for wrong in [
            &[][..],
            &["--json"],
            &["not a name"],
            &["1.1.1.0/24"],
            &["1.1.1.1", "--protocol", "sctp"],
            &["1.1.1.1", "--protocol", "tcp:"],
            &["1.1.1.1", "--protocol", "tcp:0"],
            &["1.1.1.1", "--protocol", "tcp:65536"],
            &["1.1.1.1", "--protocol", "udp:53"],
            &["1.1.1.1", "--rate", "0"],
            &["1.1.1.1", "--rate", "100001"],
            &["1.1.1.1", "--network-rate", "0"],
            &["1.1.1.1", "--deny", "203.0.113.7/24"],
            &["1.1.1.1", "--deny", "203.0.113.7"],
            &["1.1.1.1", "--attempts", "0"],
            &["1.1.1.1", "--first-ttl", "0"],
            &["1.1.1.1", "--max-ttl", "256"],
            &["1.1.1.1", "-4", "-6"],
            &["1.1.1.1", "--vantage", "khi-1"],
            &["1.1.1.1", "--json", "--vantage", "khi 1"],
            &["1.1.1.1", "--confidence", "0.95"],
            &["1.1.1.1", "--max-probes", "500"],
            &["1.1.1.1", "--multipath", "--confidence", "1"],
            &["1.1.1.1", "--multipath=half"],
            &["1.1.1.1", "--multipath", "--max-probes", "10"],
            &["1.1.1.1", "--multipath", "--attempts", "2"],
        ] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
        for right in [
            &["--targets", "-"][..],
            &["1.1.1.1", "pbs.gov.pk", "--targets", "file", "--json"],
            &["--multipath", "1.1.1.1"],
        ] {
            assert!(parsed(right).is_ok(), "{right:?}");
        }
    }

    #[test]
    fn tcp_knocks_at_the_port_that_is_written_after_it() {
        let plan = |protocol| parsed(&["1.1.1.1", "--protocol", protocol]).unwrap().plan(1);
        assert_eq!((plan("tcp").protocol, plan("tcp").port), (Protocol::Tcp, 443));
        assert_eq!((plan("TCP:25").protocol, plan("tcp:25").port), (Protocol::Tcp, 25));
    }

    #[test]
    fn the_deadline_leaves_time_for_one_probe_after_the_other_and_for_those_of_the_same_network() {
        let plan = |arguments: &[&str], at_once| parsed(&[&["1.1.1.1"][..], arguments].concat()).unwrap().plan(at_once);
        let long = plan(&["--attempts", "10", "--max-ttl", "255"], 50);
        assert_eq!((long.attempts, long.last_ttl, long.deadline), (10, 255, Duration::from_millis(3825 * 1100)));
        assert_eq!(plan(&["--attempts", "1", "--retries", "0"], 50).deadline, Duration::from_secs(45));
        let crowded = plan(&["--attempts", "1", "--retries", "0", "--network-rate", "1"], 50);
        assert_eq!(crowded.deadline, Duration::from_secs(51 * 30));
    }

    #[test]
    fn whatever_a_signal_broke_off_is_no_success() {
        let ended = |is_stopped, nowhere| {
            let (whole, unsent, partial, left, unnamed) = (1, 0, 1, 0, 0);
            conclude(Ended { whole, unsent, partial, nowhere, left, unnamed, is_stopped, written: Ok(()) }).unwrap()
        };
        assert_eq!((ended(true, 1), ended(false, 1), ended(false, 0)), (Exit::Stopped, Exit::NoHost, Exit::Fine));
    }

    #[test]
    fn as_many_paths_are_traced_at_once_as_the_rate_feeds() {
        let at_once = |rate| parsed(&["1.1.1.1", "--rate", rate]).unwrap().at_once(true);
        assert_eq!([at_once("1"), at_once("200"), at_once("100000")], [1, 50, AT_ONCE]);
        assert_eq!(parsed(&["1.1.1.1"]).unwrap().at_once(false), AT_ONCE_UNPRIVILEGED);
        let ways = parsed(&["1.1.1.1", "--multipath"]).unwrap();
        assert_eq!([ways.at_once(true), ways.at_once(false)], [50, AT_ONCE_UNPRIVILEGED / 8]);
    }
}
