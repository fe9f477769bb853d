//! Targets → paths: so many at once, each printed as it ends, until all are traced or somebody stops it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use indicatif::ProgressBar;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::multipath::ways;
use super::note;
use super::output::{Form, Printer, progress};
use super::targets::{denied, refused};
use crate::edge::clock;
use crate::edge::dns::Resolvers;
use crate::edge::dns::hosts::HostsFile;
use crate::edge::dns::pointers::Pointers;
use crate::edge::prober::{Ended as Attempted, ProberHandle};
use crate::edge::signals::Signals;
use crate::export::{Mapped, Traced};
use crate::resolution::{AddressFamily, Outcome, View};
use crate::round::deny::DenyList;
use crate::trace::Ending;
use crate::trace::multipath::{Completion, Wanted};
use crate::trace::plan::Plan;
use crate::workload::{Host, HostName};

/// How many paths are handed to the printer together, of those that ended at the same time.
const TOGETHER: usize = 64;

/// What is asked of every target.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// All but target and flow.
    pub(super) plan: Plan,
    /// The families whose addresses of a name are traced.
    pub(super) families: &'static [AddressFamily],
    /// Whether all addresses of a name are, and not only the first.
    pub(super) all: bool,
    /// Whether names may lead into private networks.
    pub(super) private: bool,
    /// Who is sent nothing, wherever a name leads.
    pub(super) deny: DenyList,
    /// What is wanted of all the ways; `None` where one path is.
    pub(super) ways: Option<Wanted>,
    /// Whether it is asked what hops are called.
    pub(super) names: bool,
}

impl Wish {
    /// Those of the addresses of `name` that are traced: the first that may be, or all that may. Those before it that may
    /// not, or all of them, are remarked on.
    fn chosen(&self, name: &HostName, found: Vec<IpAddr>) -> Result<Addresses, Vec<String>> {
        let (mut addresses, mut remarks) = (Vec::new(), Vec::new());
        for address in found {
            if !self.all && !addresses.is_empty() {
                break;
            }
            match self.refuses(address) {
                Some(why) => remarks.push(format!("{name} leads to {address}, which {why}")),
                None => addresses.push(address),
            }
        }
        if addresses.is_empty() { Err(remarks) } else { Ok(Addresses { addresses, remarks }) }
    }

    /// Why nothing is sent to an address that a name leads to; `None` where something is.
    fn refuses(&self, address: IpAddr) -> Option<String> {
        match self.deny.told(address) {
            Some(by) => Some(denied(by)),
            None => refused(address, self.private).map(str::to_owned),
        }
    }
}

/// Whom targets are asked of.
pub(super) struct Session {
    pub(super) prober: ProberHandle,
    pub(super) resolvers: Resolvers,
    pub(super) view: View,
    /// What this host's operator calls addresses; it goes before what is asked of anybody.
    pub(super) hosts_file: HostsFile,
    pub(super) pointers: Arc<Pointers>,
    pub(super) lookups: Semaphore,
    /// Cancelled when nobody waits any longer; the prober then ends every trace with what it has.
    pub(super) stop: CancellationToken,
    pub(super) wish: Wish,
}

/// What it came to.
#[derive(Debug)]
pub(super) struct Ended {
    /// Paths traced to their end.
    pub(super) whole: usize,
    /// Those of them of which nothing could be sent.
    pub(super) unsent: usize,
    /// Paths broken off.
    pub(super) partial: usize,
    /// Targets without an address to trace.
    pub(super) nowhere: usize,
    /// Targets, and further addresses of names, of which nothing has been measured.
    pub(super) left: usize,
    /// Paths whose hops were not all asked what they are called, as they should have been.
    pub(super) unnamed: usize,
    /// Whether a signal ended it.
    pub(super) is_stopped: bool,
    /// Whether what was measured could be printed.
    pub(super) written: io::Result<()>,
}

/// What a target came to.
enum Visit {
    Traced {
        seen: Vec<Seen>,
        /// How many of its addresses were left when it was stopped.
        left: usize,
        /// What is to be said of its addresses.
        remarks: Vec<String>,
    },
    /// It has no address to trace, and why.
    Nowhere(Vec<String>),
    /// It was stopped before anything was measured.
    Left,
}

/// The addresses of a target that are to be traced.
struct Addresses {
    addresses: Vec<IpAddr>,
    /// What is to be said of those that are not.
    remarks: Vec<String>,
}

struct Seen {
    found: Found,
    /// What hops are called, as far as that is known; `None` when asking was broken off.
    names: Option<BTreeMap<IpAddr, String>>,
}

/// What was found of a target.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// One path.
    Path(Traced),
    /// All the ways.
    Ways(Mapped),
}

impl Found {
    fn is_empty(&self) -> bool {
        match self {
            Self::Path(traced) => traced.trace.hops.is_empty(),
            Self::Ways(mapped) => mapped.paths.hops.is_empty(),
        }
    }

    fn is_broken_off(&self) -> bool {
        match self {
            Self::Path(traced) => traced.is_broken_off,
            Self::Ways(mapped) => mapped.paths.completion == Completion::Stopped,
        }
    }

    fn is_unsent(&self) -> bool {
        match self {
            Self::Path(traced) => traced.trace.ending == Ending::Unsent,
            Self::Ways(mapped) => mapped.paths.ending == Ending::Unsent,
        }
    }

    fn responders(&self) -> Vec<IpAddr> {
        match self {
            Self::Path(traced) => traced.trace.responders(),
            Self::Ways(mapped) => mapped.paths.responders(),
        }
    }
}

/// Traces them all.
pub(super) async fn trace_all(
    session: Arc<Session>,
    hosts: Vec<Host>,
    at_once: usize,
    form: Form,
) -> io::Result<Ended> {
    let progress = progress(hosts.len());
    let Printer { sender, thread } = Printer::start(&form, progress.clone())?;
    let (stop, given_up) = (session.stop.clone(), CancellationToken::new());
    let signals = tokio::spawn(heed(Signals::open()?, stop.clone(), given_up.clone()));
    let mut crew = Crew { session, form, paths: Vec::new(), sender, progress, ended: Ended::of(hosts.len()) };
    tokio::select! {
        () = crew.trace(hosts, at_once) => {}
        () = given_up.cancelled() => {}
    }
    let Crew { sender, progress, mut ended, .. } = crew;
    drop(sender);
    tokio::select! {
        printed = spawn_blocking(|| thread.join()) => {
            let broken = || Err(io::Error::other("the printer broke off"));
            let printed = printed.map_or_else(|_| broken(), |printed| printed.unwrap_or_else(|_| broken()));
            ended.written = ended.written.and(printed);
        }
        () = given_up.cancelled() => {}
    }
    let is_missing = given_up.is_cancelled() || ended.partial + ended.left + ended.unnamed > 0;
    ended.is_stopped = stop.is_cancelled() && is_missing;
    progress.finish_and_clear();
    signals.abort();
    Ok(ended)
}

/// The first signal ends all traces, the second waits for nobody.
async fn heed(mut signals: Signals, stop: CancellationToken, given_up: CancellationToken) {
    signals.next().await;
    stop.cancel();
    signals.next().await;
    given_up.cancel();
}

struct Crew {
    session: Arc<Session>,
    form: Form,
    /// What is to be printed next.
    paths: Vec<u8>,
    sender: mpsc::Sender<Vec<u8>>,
    progress: ProgressBar,
    ended: Ended,
}

impl Crew {
    async fn trace(&mut self, hosts: Vec<Host>, at_once: usize) {
        let mut hosts = hosts.into_iter();
        let mut visits = JoinSet::new();
        loop {
            while visits.len() < at_once && !self.session.stop.is_cancelled() {
                let Some(host) = hosts.next() else { break };
                let session = Arc::clone(&self.session);
                visits.spawn(session.visit(host));
            }
            let Some(first) = visits.join_next().await else { break };
            let more = std::iter::from_fn(|| visits.try_join_next()).take(TOGETHER);
            for visit in std::iter::once(first).chain(more).flatten() {
                self.handle_visit(visit);
            }
            let paths = std::mem::take(&mut self.paths);
            if !paths.is_empty() && self.sender.send(paths).await.is_err() || self.ended.written.is_err() {
                return;
            }
        }
    }

    /// Takes note of what a target came to, and of what is to be printed of it.
    fn handle_visit(&mut self, visit: Visit) {
        self.progress.inc(1);
        if !matches!(visit, Visit::Left) {
            self.ended.left -= 1;
        }
        match visit {
            Visit::Traced { seen, left, remarks } => {
                self.ended.left += left;
                self.progress.suspend(|| note(remarks));
                for Seen { found, names } in seen {
                    self.ended.count(&found, self.session.stop.is_cancelled());
                    self.ended.unnamed += usize::from(names.is_none());
                    if let Err(error) = self.form.render(&found, &names.unwrap_or_default(), &mut self.paths) {
                        self.ended.written = Err(error);
                    }
                }
            }
            Visit::Nowhere(whys) => {
                self.ended.nowhere += 1;
                self.progress.suspend(|| note(whys));
            }
            Visit::Left => {}
        }
    }
}

impl Ended {
    /// Nothing yet, of so many targets.
    fn of(left: usize) -> Self {
        Self { whole: 0, unsent: 0, partial: 0, nowhere: 0, left, unnamed: 0, is_stopped: false, written: Ok(()) }
    }

    fn count(&mut self, found: &Found, is_stopped: bool) {
        if is_stopped && found.is_broken_off() {
            self.partial += 1;
            return;
        }
        self.whole += 1;
        self.unsent += usize::from(found.is_unsent());
    }
}

impl Session {
    async fn visit(self: Arc<Self>, host: Host) -> Visit {
        let (name, Addresses { addresses, remarks }) = match host {
            Host::Address(address) => (None, Addresses { addresses: vec![address], remarks: Vec::new() }),
            Host::Name(name) => {
                let found = tokio::select! {
                    // On the heap while it lasts: thousands wait for their trace, few for their name.
                    found = Box::pin(self.addresses(&name)) => found,
                    () = self.stop.cancelled() => return Visit::Left,
                };
                match found {
                    Ok(addresses) => (Some(name), addresses),
                    Err(whys) => return Visit::Nowhere(whys),
                }
            }
        };
        let (mut seen, mut left) = (Vec::new(), addresses.len());
        for address in addresses {
            let Some(found) = self.find(name.clone(), address).await else { break };
            if self.stop.is_cancelled() && found.is_empty() {
                break;
            }
            let names = Box::pin(self.names(&found)).await;
            seen.push(Seen { found, names });
            left -= 1;
        }
        if seen.is_empty() { Visit::Left } else { Visit::Traced { seen, left, remarks } }
    }

    /// The path, or the ways, to an address; `None` when looking for them broke off.
    async fn find(&self, name: Option<HostName>, target: IpAddr) -> Option<Found> {
        let seed = clock::seed();
        let plan = Plan { target, ..self.wish.plan.clone() };
        if let Some(wanted) = self.wish.ways {
            let paths = Box::pin(ways(&self.prober, &plan, wanted, seed)).await?;
            return Some(Found::Ways(Mapped { name, paths, ended: clock::now().wall }));
        }
        let flow = seed.to_le_bytes().first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
        let Attempted { trace, is_broken_off } = self.prober.attempt(Plan { flow, ..plan }).await;
        Some(Found::Path(Traced { name, trace, ended: clock::now().wall, is_broken_off }))
    }

    /// The addresses of `name` that are to be traced, IPv4 first, or why there is none. As programs of this host have it,
    /// what its operator wrote goes before what resolvers say.
    async fn addresses(&self, name: &HostName) -> Result<Addresses, Vec<String>> {
        let families = self.wish.families.iter();
        let written: Vec<_> = families.flat_map(|family| self.hosts_file.addresses(name, *family)).collect();
        if written.is_empty() {
            self.wish.chosen(name, self.resolved(name).await?)
        } else {
            self.wish.chosen(name, written)
        }
    }

    /// What the resolver says that `name` leads to, IPv4 first.
    async fn resolved(&self, name: &HostName) -> Result<Vec<IpAddr>, Vec<String>> {
        let _slot = self.lookups.acquire().await;
        let ask = async |family| {
            let is_wanted = self.wish.families.contains(&family);
            if is_wanted { Some(self.resolvers.lookup(&self.view, name, family).await.outcome) } else { None }
        };
        let (v4, v6) = tokio::join!(ask(AddressFamily::A), ask(AddressFamily::Aaaa));
        let (mut addresses, mut whys) = (Vec::new(), BTreeSet::new());
        for outcome in [v4, v6].into_iter().flatten() {
            match outcome {
                Outcome::Answered(answer) => addresses.extend(answer.addresses.iter().map(|found| found.address)),
                Outcome::Failed(failure) => drop(whys.insert(failure.as_str())),
            }
        }
        if addresses.is_empty() {
            let whys = whys.into_iter().collect::<Vec<_>>().join(", ");
            return Err(vec![format!("{name} has no address to trace: {whys}")]);
        }
        Ok(addresses)
    }

    /// What hops are called, as far as that is asked and known; `None` when nobody waits for it any longer.
    async fn names(self: &Arc<Self>, found: &Found) -> Option<BTreeMap<IpAddr, String>> {
        if !self.wish.names {
            return Some(BTreeMap::new());
        }
        let mut asked = JoinSet::new();
        for address in found.responders() {
            let session = Arc::clone(self);
            asked.spawn(async move {
                let pointer = session.pointers.point(&session.resolvers, &session.view, address).await;
                Some((address, pointer.names().first()?.clone()))
            });
        }
        tokio::select! {
            names = asked.join_all() => Some(names.into_iter().flatten().collect()),
            () = self.stop.cancelled() => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Protocol;

    /// Of these addresses of a name, those that are traced and what is remarked, or why there is none.
    fn chosen(all: bool, found: &[&str]) -> Result<(Vec<String>, Vec<String>), Vec<String>> {
        let wish = Wish {
            plan: Plan::for_address([0; 4].into(), Protocol::Icmp, 0),
            families: &[AddressFamily::A],
            all,
            private: false,
            deny: ["203.99.0.0/16".parse().unwrap()].into_iter().collect(),
            ways: None,
            names: false,
        };
        let found = found.iter().map(|address| address.parse().unwrap()).collect();
        let chosen = wish.chosen(&"pbs.gov.pk".parse().unwrap(), found);
        chosen.map(|Addresses { addresses, remarks }| (addresses.iter().map(ToString::to_string).collect(), remarks))
    }

    #[test]
    fn what_is_passed_over_before_the_first_address_that_may_be_traced_is_told() {
        let found = ["203.99.0.1", "1.1.1.1", "10.0.0.1", "1.0.0.1"];
        let denied = "pbs.gov.pk leads to 203.99.0.1, which is denied (203.99.0.0/16): it is sent nothing";
        let (traced, remarks) = chosen(false, &found).unwrap();
        assert_eq!((traced, remarks), (vec!["1.1.1.1".to_owned()], vec![denied.to_owned()]));
        let (traced, remarks) = chosen(true, &found).unwrap();
        assert_eq!((traced, remarks.len()), (vec!["1.1.1.1".to_owned(), "1.0.0.1".to_owned()], 2));
        assert!(chosen(false, &["1.1.1.1", "10.0.0.1"]).unwrap().1.is_empty());
        assert_eq!(chosen(false, &["203.99.0.1", "10.0.0.1"]).unwrap_err().len(), 2);
    }
}
