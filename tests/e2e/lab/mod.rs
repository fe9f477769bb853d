//! A small internet that exists while its handle does.
//!
//! Everything lives in the namespaces of one `unshare` process whose init is `cat` on a pipe that we hold: when the
//! pipe closes, because the story ended, panicked, or was killed, init ends and the kernel takes every process,
//! interface and mount with it. Nothing is left behind and nothing outside is touched, so stories run side by side.

mod alertmanager;
mod asker;
mod authority;
mod dns;
mod flooder;
mod forger;
mod knot;
mod liar;
mod listener;
mod long_way;
mod mmdb;
mod page;
mod pehra;
mod process;
mod topology;
mod wait;

pub(crate) use alertmanager::Alertmanager;
pub(crate) use asker::ask_zones;
pub(crate) use authority::Authority;
pub(crate) use dns::{NameServer, Recursor, SignedServer, Zone};
pub(crate) use flooder::{Water, flood};
pub(crate) use forger::{LIARS, forge, forge_knowing};
pub(crate) use knot::SteeringServer;
pub(crate) use liar::{Lie, lie};
pub(crate) use listener::{greet, listen};
pub(crate) use long_way::LongWay;
pub(crate) use mmdb::everywhere;
pub(crate) use page::{Manner, page, page_in};
pub(crate) use pehra::{
    Instance, Settings, inspect, inspect_in_words, inspect_trusting, judge, rewrite_journal, start_with_inventory,
    state, trace,
};
pub(crate) use process::Process;
pub(crate) use topology::Topology;
pub(crate) use wait::wait_for;

use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a program that a lab needs may take to come up on a busy machine.
pub(crate) const START: Duration = Duration::from_secs(20);

const PROGRAMS: [&str; 19] = [
    "unshare",
    "nsenter",
    "ip",
    "nft",
    "sysctl",
    "setpriv",
    "timeout",
    "curl",
    "dig",
    "ping",
    "traceroute",
    "ldns-keygen",
    "ldns-signzone",
    "nsd",
    "nsd-control",
    "knotd",
    "unbound",
    "prometheus-alertmanager",
    "promtool",
];

/// A network built from a [`Topology`], and a directory for the files of the programs in it.
pub(crate) struct Lab {
    holder: Child,
    init: u32,
    directory: TempDir,
}

impl Lab {
    /// Builds the network: returns when every address is up and every route is in.
    pub(crate) fn up(topology: &Topology) -> Self {
        let directory = tempfile::Builder::new().prefix("pehra-lab-").tempdir().expect("a directory");
        let mut holder = unshare()
            .args(["sh", "-ec", "mount -t tmpfs tmpfs /run; mkdir /run/netns; ip link set lo up; echo up; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut first = String::new();
        BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
        assert_eq!(first, "up\n", "unshare made no world");
        let init = process::only_child(holder.id());
        let lab = Self { holder, init, directory };
        let script = lab.write("network.sh", &topology.script());
        lab.script(&format!(". {}", script.display()));
        wait_for("every link to carry packets", Duration::from_secs(10), || lab.carries_packets().then_some(()));
        lab
    }

    /// Whether the kernel has taken up every link: until then, up to a second after they are set up, it drops what is
    /// sent, and the first neighbour of a path stays unknown for another. Nor does anybody use an IPv6 address that is
    /// tentative.
    fn carries_packets(&self) -> bool {
        let everywhere = |what: &[&str]| {
            let command = ["ip", "-all", "netns", "exec", "ip", "-oneline"];
            let output = self.enter().args(command).args(what).output().expect("nsenter");
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let is_up =
            |said: String| said.lines().filter(|line| line.contains("link/")).all(|link| link.contains("state UP"));
        let is_none = |said: String| !said.contains("inet6");
        everywhere(&["link", "show", "type", "veth"]).is_some_and(is_up)
            && everywhere(&["-6", "address", "show", "tentative"]).is_some_and(is_none)
    }

    /// Starts a program on a node.
    pub(crate) fn spawn(&self, node: &str, command: &[&str]) -> Process {
        Process::start(&format!("{} on {node}", command[0]), self.on(node).args(command))
    }

    /// Runs a short program on a node to its end, for ten seconds at most.
    pub(crate) fn run(&self, node: &str, command: &[&str]) -> Output {
        self.on(node).args(["timeout", "10"]).args(command).output().expect("nsenter")
    }

    /// Runs a shell command on a node to its end, for so many seconds at most; it has to succeed.
    pub(crate) fn run_within(&self, seconds: u32, node: &str, command: &str) {
        let within = ["timeout", &seconds.to_string(), "sh", "-ec", command];
        let output = self.on(node).args(within).output().expect("nsenter");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What a short program on a node prints; it has to succeed.
    pub(crate) fn output(&self, node: &str, command: &[&str]) -> String {
        let output = self.run(node, command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?} on {node}: {}: {said}", output.status);
        String::from_utf8(output.stdout).expect("text")
    }

    /// The body of a page as a program on `node` sees it, or nothing while nobody serves it.
    pub(crate) fn get(&self, node: &str, url: &str) -> Option<String> {
        let output = self.run(node, &["curl", "--silent", "--fail", "--max-time", "5", url]);
        output.status.success().then(|| String::from_utf8(output.stdout).expect("text"))
    }

    /// Writes a file into the lab's directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// A path in the lab's directory: the same inside and outside, except below what the lab mounted.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file of the lab as it is seen within, where mounts of the lab cover what is beneath.
    pub(crate) fn inside(&self, path: &Path) -> PathBuf {
        let within = path.strip_prefix("/").expect("an absolute path");
        Path::new("/proc").join(self.init.to_string()).join("root").join(within)
    }

    /// Makes `address` the name server of every node, for programs that ask as the system is configured.
    pub(crate) fn resolve_by(&self, address: IpAddr) {
        let path = self.write("resolv.conf", &format!("nameserver {address}\noptions timeout:1 attempts:1\n"));
        self.script(&format!("mount --bind {} /etc/resolv.conf", path.display()));
    }

    /// Runs a shell script in the lab but on no node: for what belongs to all of it, such as mounts.
    pub(crate) fn script(&self, script: &str) {
        let output = self.enter().args(["timeout", "30", "sh", "-ec", script]).output().expect("nsenter");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn on(&self, node: &str) -> Command {
        let mut command = self.enter();
        command.args(["ip", "netns", "exec", node]);
        command
    }

    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--all", "--target", &self.init.to_string(), "--"]);
        command
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// A program that runs inside a lab and is this test program again.
pub(crate) enum Role {
    LongWay,
    Forger,
    Flooder,
    Liar,
    Listener,
    Asker,
    Page,
}

impl Role {
    pub(crate) fn parse(argument: &str) -> Option<Self> {
        match argument {
            long_way::ROLE => Some(Self::LongWay),
            forger::ROLE => Some(Self::Forger),
            flooder::ROLE => Some(Self::Flooder),
            liar::ROLE => Some(Self::Liar),
            listener::ROLE => Some(Self::Listener),
            asker::ROLE => Some(Self::Asker),
            page::ROLE => Some(Self::Page),
            _ => None,
        }
    }

    pub(crate) fn play(&self, arguments: &[String]) -> ExitCode {
        match self {
            Self::LongWay => long_way::play(arguments),
            Self::Forger => forger::play(arguments),
            Self::Flooder => flooder::play(arguments),
            Self::Liar => liar::play(arguments),
            Self::Listener => listener::play(arguments),
            Self::Asker => asker::play(arguments),
            Self::Page => page::play(arguments),
        }
    }
}

/// What this host lacks, in words for a person.
pub(crate) fn missing_prerequisites() -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let exists = |program: &&str| std::env::split_paths(&path).any(|directory| directory.join(program).is_file());
    let mut missing: Vec<String> =
        PROGRAMS.iter().filter(|program| !exists(program)).map(|program| format!("no program {program}")).collect();
    if missing.is_empty() && !unshare().arg("true").output().is_ok_and(|output| output.status.success()) {
        missing.push("may not create network namespaces".to_owned());
    }
    if std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").is_err() {
        missing.push("may not open /dev/net/tun".to_owned());
    }
    missing
}

/// As root plainly; as anybody else through a user namespace in which we are root.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
}
