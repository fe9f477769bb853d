//! The servers of a zone themselves, found by following who serves what from the root, or told by another view.
//!
//! Everything on the way is written by strangers. An address is believed of a server's name only where the zone of who
//! tells it holds that name, and it is spoken to only where any endpoint's address would be; zones are followed downwards
//! alone; and what one name may cost is bounded in questions, in depth and in time.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::rr::Name;

use super::delegations::{Delegation, Delegations};
use super::exchange::Carrier;
use super::message::{Failed, Manner, Reply, Wanted};
use super::referral::Referral;
use super::{PORT, Panel, Said, ask_one, rank};
use crate::edge::clock;
use crate::resolution::chain::{MAX_ADDRESSES, fold};
use crate::resolution::zone::MOST_SERVERS;
use crate::resolution::{AddressFamily, NameFailure, Outcome};
use crate::round::Probing;
use crate::workload::HostName;

/// The most questions that one name may cost; one that is served in order costs fewer than ten.
const MOST_QUESTIONS: u32 = 64;

/// How many zones are followed downwards from one start. The deepest names in use have fewer than ten.
const MOST_REFERRALS: usize = 16;

/// How many names of servers are looked for in order to ask about one: one below that needs another, and so on.
const DEEPEST: u8 = 3;

/// The shortest and the longest time that one server is waited for, while there is time at all.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_millis(1500);

/// The view of the zones' own servers.
#[derive(Debug)]
pub(super) struct Authoritative {
    /// The servers of the root, where hints name them.
    pub(super) roots: Option<Vec<IpAddr>>,
    /// Whom it may speak to.
    probing: Probing,
    /// Where servers listen.
    pub(super) port: u16,
    known: Delegations,
    /// How often servers were chosen: each gets its turn.
    turn: AtomicUsize,
}

impl Authoritative {
    /// The view that begins at `roots`, and speaks to those whom `probing` lets it. The servers of the root are the operator's
    /// own choice, and need no leave.
    pub(super) fn new(roots: Option<Vec<IpAddr>>, probing: Probing) -> Self {
        Self { roots, probing, port: PORT, known: Delegations::default(), turn: AtomicUsize::new(0) }
    }

    /// `addresses`, those of IPv4 first since more hosts have it, each of a family first in its turn.
    fn in_turn(&self, addresses: &[IpAddr]) -> VecDeque<(IpAddr, bool)> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let (mut of_4, mut of_6): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv4());
        for family in [&mut of_4, &mut of_6] {
            let first = turn.checked_rem(family.len()).unwrap_or_default();
            family.rotate_left(first);
        }
        of_4.into_iter().chain(of_6).map(|address| (address, false)).collect()
    }
}

/// One way down to the servers of one name.
pub(super) struct Walk<'a> {
    view: &'a Authoritative,
    /// Who tells the servers of a zone, where no hints do.
    teller: Option<Panel>,
    deadline: Instant,
    questions_left: u32,
}

/// What one answer of a zone's server comes to.
enum Step {
    /// It is the answer.
    Answer(Result<Reply, Failed>),
    /// Others serve the zone that holds the name.
    Further(Delegation),
}

impl<'a> Walk<'a> {
    /// A way that has to end at `deadline`.
    pub(super) fn new(view: &'a Authoritative, teller: Option<Panel>, deadline: Instant) -> Self {
        Self { view, teller, deadline, questions_left: MOST_QUESTIONS }
    }

    /// What the servers of the zone that holds it say to a question.
    pub(super) async fn ask(&mut self, wanted: Wanted<'_>) -> Said<Result<Reply, Failed>> {
        self.walk(wanted, 0).await
    }

    async fn walk(&mut self, wanted: Wanted<'_>, depth: u8) -> Said<Result<Reply, Failed>> {
        let begun = match wanted.owner() {
            Ok(name) => self.begin(&name).await.map(|at| (name, at)),
            Err(failure) => Err(failure),
        };
        let (name, mut at) = match begun {
            Ok(begun) => begun,
            Err(failure) => return Said { server: None, said: Err(failure.into()) },
        };
        for _ in 0..MOST_REFERRALS {
            let Said { server, said } = self.ask_zone(at, wanted, &name, depth).await;
            match said {
                Ok(Step::Answer(said)) => return Said { server, said },
                Ok(Step::Further(next)) => at = next,
                Err(failure) => return Said { server, said: Err(failure.into()) },
            }
        }
        Said { server: None, said: Err(NameFailure::Lame.into()) }
    }

    /// The closest zone that is known, else the root, else what the other view tells.
    async fn begin(&mut self, name: &Name) -> Result<Delegation, NameFailure> {
        let now = clock::now().mono;
        if let Some(known) = self.view.known.closest(name, now) {
            return Ok(known);
        }
        match &self.view.roots {
            Some(roots) => Ok(Delegation { addresses: roots.clone(), ..Delegation::new(&Name::root(), 0, now) }),
            None => self.told(name).await,
        }
    }

    /// The closest zone around `name` of which the other view knows the servers.
    async fn told(&mut self, name: &Name) -> Result<Delegation, NameFailure> {
        let mut zone = name.clone();
        while !zone.is_root() {
            self.spend()?;
            let Some(teller) = &self.teller else { return Err(NameFailure::Unreachable) };
            match teller.ask(Wanted::Servers(&zone)).await.said {
                Ok(Reply { referral: Some(referral), .. }) if referral.zone == zone => {
                    let now = clock::now().mono;
                    return Ok(Delegation { nameless: referral.servers, ..Delegation::new(&zone, referral.ttl, now) });
                }
                Ok(_) => zone = zone.base_name(),
                Err(Failed { why, .. }) if why.is_an_answer() => zone = zone.base_name(),
                Err(Failed { why, .. }) => return Err(why),
            }
        }
        Err(NameFailure::Lame)
    }

    /// Asks the servers of a zone until one has an answer or knows who has; else the failure that says most. A server that
    /// was silent is asked once more when all have been asked.
    async fn ask_zone(
        &mut self,
        mut at: Delegation,
        wanted: Wanted<'_>,
        name: &Name,
        depth: u8,
    ) -> Said<Result<Step, NameFailure>> {
        let mut servers = self.view.in_turn(&at.addresses);
        let mut worst = Said { server: None, said: NameFailure::Unreachable };
        loop {
            while servers.iter().all(|(_, was_silent)| *was_silent) {
                let Some(nameless) = at.nameless.pop() else { break };
                let found = self.addresses_of(&nameless, depth + 1).await;
                servers.extend(self.view.in_turn(&found));
                at.addresses.extend(found);
            }
            let Some((address, was_silent)) = servers.pop_front() else { break };
            if let Err(failure) = self.spend() {
                worst = if rank(worst.said) > rank(failure) { worst } else { Said { server: None, said: failure } };
                break;
            }
            let server = SocketAddr::new(address, self.view.port);
            let until = self.wait_for(servers.len());
            let manner = Manner { recursion: false, ..Manner::default() };
            let said = ask_one(server, &Carrier::Udp, manner, wanted, until).await;
            match said.and_then(|reply| self.step(reply, &at, name)) {
                Ok(step) => {
                    if !at.zone.is_root() {
                        self.view.known.learn(&at, clock::now().mono);
                    }
                    return Said { server: Some(server), said: Ok(step) };
                }
                Err(failure) => {
                    if failure == NameFailure::Timeout && !was_silent {
                        servers.push_back((address, true));
                    }
                    if rank(failure) > rank(worst.said) {
                        let server = (failure != NameFailure::Timeout).then_some(server);
                        worst = Said { server, said: failure };
                    }
                }
            }
        }
        Said { server: worst.server, said: Err(worst.said) }
    }

    /// What an answer of a server of `at` comes to; a failure where another server has to be asked.
    fn step(&self, mut reply: Reply, at: &Delegation, name: &Name) -> Result<Step, NameFailure> {
        let is_below = |zone: &Name| *zone != at.zone && at.zone.zone_of(zone) && zone.zone_of(name);
        if let Some(referral) = reply.referral.as_deref().filter(|referral| is_below(&referral.zone))
            && reply.records.is_empty()
        {
            return Ok(Step::Further(self.delegation(referral, &at.zone)));
        }
        let is_authoritative = reply.is_authoritative();
        // Of other zones it says what it likes.
        reply.records.retain(|record| Name::from_ascii(&record.name).is_ok_and(|owner| at.zone.zone_of(&owner)));
        match reply.or_failure() {
            Ok(reply) if is_authoritative => Ok(Step::Answer(Ok(reply))),
            Err(failed) if is_authoritative && failed.why.is_an_answer() => Ok(Step::Answer(Err(failed))),
            Err(failed) if !failed.why.is_an_answer() => Err(failed.why),
            Ok(_) | Err(_) => Err(NameFailure::Lame),
        }
    }

    /// Who serves the zone below, as the servers of `bailiwick` say. A server whose address they may not tell is looked for,
    /// and one that may not be spoken to is none.
    fn delegation(&self, referral: &Referral, bailiwick: &Name) -> Delegation {
        let mut delegation = Delegation::new(&referral.zone, referral.ttl, clock::now().mono);
        for server in &referral.servers {
            let told: Vec<_> = referral.addresses_of(server, bailiwick).collect();
            if told.is_empty() {
                delegation.nameless.push(server.clone());
            }
            delegation.addresses.extend(told.into_iter().filter(|address| self.view.probing.admits(*address)));
        }
        delegation
    }

    /// The addresses of a server that may be spoken to; those of IPv6 where it has none of IPv4.
    fn addresses_of<'b>(
        &'b mut self,
        server: &'b Name,
        depth: u8,
    ) -> Pin<Box<dyn Future<Output = Vec<IpAddr>> + Send + 'b>> {
        Box::pin(async move {
            let Ok(name) = server.to_ascii().parse::<HostName>() else { return Vec::new() };
            for family in [AddressFamily::A, AddressFamily::Aaaa] {
                let wanted = Wanted::Addresses(&name, family);
                let spent = if self.teller.is_some() { self.spend() } else { Ok(()) };
                let said = match (&self.teller, spent) {
                    (_, Err(_)) => return Vec::new(),
                    (Some(teller), Ok(())) => teller.ask(wanted).await.said,
                    (None, Ok(())) if depth > DEEPEST => return Vec::new(),
                    (None, Ok(())) => self.walk(wanted, depth).await.said,
                };
                let Ok(reply) = said else { continue };
                if let Outcome::Answered(answer) = fold(&name, family, &reply.records, false).outcome {
                    let told = answer.addresses.into_iter().map(|told| told.address);
                    return told.filter(|address| self.view.probing.admits(*address)).take(MOST_SERVERS).collect();
                }
            }
            Vec::new()
        })
    }

    /// Takes one question from what is left.
    fn spend(&mut self) -> Result<(), NameFailure> {
        if clock::now().mono >= self.deadline {
            return Err(NameFailure::Timeout);
        }
        self.questions_left = self.questions_left.checked_sub(1).ok_or(NameFailure::Lame)?;
        Ok(())
    }

    /// Until when a server is waited for while so many others are left.
    fn wait_for(&self, others: usize) -> Instant {
        let now = clock::now().mono;
        let left = self.deadline.saturating_duration_since(now);
        // Itself, and once more each.
        let share = left / u32::try_from(2 * others.min(MAX_ADDRESSES) + 2).unwrap_or(u32::MAX);
        now + share.clamp(SHORTEST_WAIT, LONGEST_WAIT).min(left)
    }
}
