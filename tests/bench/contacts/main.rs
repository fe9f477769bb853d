//! What conversations and resolutions cost: the CPU of contacts and lookups beside that of `prometheus-blackbox-exporter` making the same probes of
//! the same endpoints, in turns. `tests/bench/contact` builds it and starts what it talks to.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench fails on what it does not expect, and prints")]
#![expect(clippy::disallowed_methods, reason = "it reads files of /proc")]

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeSpec, TimeVal};
use nix::unistd::{SysconfVar, sysconf};
use pehra::config::probing::ProbingConfig;
use pehra::config::resolver::{ResolverAddress, ResolverConfig, Transport};
use pehra::contact::call::{Call, Request, Speech};
use pehra::contact::certificate::{Session, Tls, Trust};
use pehra::contact::exchange::{Answer, HttpOutcome};
use pehra::edge::client;
use pehra::edge::contact::Caller;
use pehra::edge::dns::Resolvers;
use pehra::edge::turns::Turns;
use pehra::resolution::{AddressFamily, View};
use pehra::trace::courtesy::Courtesy;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Parser)]
struct Bench {
    /// How many endpoints: addresses from 127.1.0.0 on.
    #[arg(long, default_value_t = 1000)]
    endpoints: u32,
    /// How many times each of the two goes over them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many at once.
    #[arg(long, default_value_t = 32)]
    at_once: usize,
    /// Where HTTP is spoken.
    #[arg(long)]
    http: u16,
    /// Where HTTPS is spoken, and by which kind of key: `ECDSA:8443`.
    #[arg(long)]
    https: Vec<String>,
    /// Where a resolver answers.
    #[arg(long)]
    dns: u16,
    /// The authority of the certificates.
    #[arg(long)]
    authority: PathBuf,
    /// The process of the blackbox exporter.
    #[arg(long)]
    exporter_pid: u32,
    /// Its port.
    #[arg(long)]
    exporter: u16,
}

/// What is asked, and of whom.
#[derive(Debug, Clone)]
struct Task {
    what: String,
    kind: Kind,
    port: u16,
    /// The most of the exporter's time that is asked of us.
    share: f64,
}

/// What one probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dns,
    Http,
    Https,
}

impl Bench {
    fn tasks(&self) -> Vec<Task> {
        let dns = Task { what: "dns".into(), kind: Kind::Dns, port: self.dns, share: 1.0 / 3.0 };
        let http = Task { what: "http".into(), kind: Kind::Http, port: self.http, share: 1.0 / 3.0 };
        let https = self.https.iter().map(|https| {
            let (kind, port) = https.split_once(':').unwrap();
            Task { what: format!("https, {kind}"), kind: Kind::Https, port: port.parse().unwrap(), share: 0.5 }
        });
        [dns, http].into_iter().chain(https).collect()
    }

    /// The milliseconds of CPU of one resolution of ours.
    async fn lookups(&self, task: &Task) -> f64 {
        let view = View("bench".to_owned());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, task.port));
        let server = ResolverAddress::Server { address, transport: Transport::Udp };
        let config = ResolverConfig { view: view.clone(), server, timeout: TIMEOUT, subnet: None };
        let resolvers = Arc::new(Resolvers::open(&[config], &ProbingConfig::default().round).unwrap());
        let slots = Arc::new(Semaphore::new(self.at_once));
        let before = own_ms();
        let mut running = JoinSet::new();
        for number in 0..self.endpoints {
            let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
            let (resolvers, view, name) = (Arc::clone(&resolvers), view.clone(), name(number).parse().unwrap());
            running.spawn(async move {
                let resolution = resolvers.lookup(&view, &name, AddressFamily::A).await;
                drop(slot);
                resolution
            });
        }
        let resolutions = running.join_all().await;
        let spent = own_ms() - before;
        assert!(resolutions.iter().all(|resolution| resolution.addresses().count() == 1));
        spent / f64::from(self.endpoints)
    }

    /// The milliseconds of CPU of one contact of ours, all of them over one after another.
    async fn contacts(&self, task: &Task, caller: &Arc<Caller>) -> f64 {
        let turns = Arc::new(Turns::new(Courtesy::per_second(1_000_000, 1_000_000)));
        let slots = Arc::new(Semaphore::new(self.at_once));
        let before = own_ms();
        let mut running = JoinSet::new();
        for number in 0..self.endpoints {
            let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
            let (caller, turns, call) = (Arc::clone(caller), Arc::clone(&turns), call(task, number));
            running.spawn(async move {
                let contact = caller.call(&call, &turns).await;
                drop(slot);
                contact
            });
        }
        let contacts = running.join_all().await;
        let spent = own_ms() - before;
        for contact in contacts {
            let answer = contact.exchanges.first().map(|exchange| &exchange.outcome);
            let is_whole = matches!(answer, Some(HttpOutcome::Answered(Answer { status: 200, body_cut: false, .. })));
            let is_trusted = matches!(contact.tls, Some(Tls::Established(Session { trust: Trust::Trusted, .. })));
            assert!(is_whole && is_trusted == (task.kind == Kind::Https), "{contact:?}");
        }
        spent / f64::from(self.endpoints)
    }

    /// That of one probe of the exporter.
    async fn theirs(&self, task: &Task) -> f64 {
        let client = client::build(TIMEOUT).unwrap();
        let slots = Arc::new(Semaphore::new(self.at_once));
        let before = ms_of(self.exporter_pid);
        let mut running = JoinSet::new();
        for number in 0..self.endpoints {
            let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
            let asked = client.get(self.probe(task, number));
            running.spawn(async move {
                let said = asked.send().await.unwrap().text().await.unwrap();
                drop(slot);
                said
            });
        }
        let answers = running.join_all().await;
        let spent = ms_of(self.exporter_pid) - before;
        for said in answers {
            assert!(said.contains("\nprobe_success 1\n"), "{said}");
            assert_eq!(said.contains("\nprobe_http_ssl 1\n"), task.kind == Kind::Https, "{said}");
        }
        spent / f64::from(self.endpoints)
    }

    fn probe(&self, task: &Task, number: u32) -> String {
        let place = format!("{}:{}", address(number), task.port);
        let query = match task.kind {
            Kind::Dns => format!("module=dns_a&target=127.0.0.1:{}", task.port),
            Kind::Http => format!("module=http_2xx&hostname={}&target=http://{place}/", name(number)),
            Kind::Https => format!("module=http_2xx&hostname={}&target=https://{place}/", name(number)),
        };
        format!("http://127.0.0.1:{}/probe?{query}", self.exporter)
    }
}

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + number).into()
}

fn name(number: u32) -> String {
    format!("e{number}.bench.test")
}

fn call(task: &Task, number: u32) -> Call {
    let host = name(number).parse().unwrap();
    let request = Request { tls: task.kind == Kind::Https, host, path: "/".into(), resources: false };
    let speech = Speech::Http(request);
    Call { address: address(number), port: task.port, attempts: 1, timeout: TIMEOUT, speech }
}

/// User and system time of this process, in milliseconds.
fn own_ms() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let ms = |time: TimeVal| Duration::from(TimeSpec::new(time.tv_sec(), time.tv_usec() * 1000)).as_secs_f64() * 1e3;
    ms(usage.user_time()) + ms(usage.system_time())
}

/// That of another, from `/proc/PID/stat` (proc(5), fields 14 and 15).
fn ms_of(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    let a_second = u32::try_from(sysconf(SysconfVar::CLK_TCK).unwrap().unwrap()).unwrap();
    f64::from(ticks) * 1e3 / f64::from(a_second)
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn main() -> ExitCode {
    let bench = Bench::parse();
    let mut authorities = RootCertStore::empty();
    authorities.add(CertificateDer::from_pem_file(&bench.authority).unwrap()).unwrap();
    let caller = Arc::new(Caller::new(authorities).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "{} endpoints, {} rounds, {} at once; CPU for each, median [all]",
        bench.endpoints, bench.rounds, bench.at_once
    );
    let mut is_met = true;
    for task in bench.tasks() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..bench.rounds {
            ours.push(runtime.block_on(async {
                match task.kind {
                    Kind::Dns => bench.lookups(&task).await,
                    Kind::Http | Kind::Https => bench.contacts(&task, &caller).await,
                }
            }));
            theirs.push(runtime.block_on(bench.theirs(&task)));
        }
        let (own, other) = (median(ours.clone()), median(theirs.clone()));
        is_met &= own <= other * task.share;
        println!(
            "{}: pehra {own:.3} ms {ours:.3?}, blackbox_exporter {other:.3} ms {theirs:.3?}: {:.2} of it, asked at most {:.2}",
            task.what,
            own / other,
            task.share
        );
    }
    if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
