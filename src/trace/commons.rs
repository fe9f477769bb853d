//! What the traces of one switchboard have learned of the ways they share, so that not every one asks every router again.
//!
//! The first trace to a network explores: it looks for its target from a few hops away on. Those that follow ask their
//! target where its neighbours are, and the hop before it. Both go back towards us from there, and ask only what is not
//! known yet. What is known is who stands *before* a router (Doubletree's stop set, Donnet et al., SIGMETRICS 2005;
//! `FlashRoute`, Huang et al., IMC 2020), and it is known only when so many traces of this round with flows of their own
//! have all met the same one there ([`Sharing::witnesses`]): routers that share the load among them show themselves, and
//! what lies on several ways is asked by every trace. A hop that nobody answers at is known in the same manner: silence is
//! somebody as well.
//!
//! A trace takes a hop over when it has itself met the router that follows, or has taken that over on the same terms. So
//! what is between its target and the nearest router that it met it asks itself: neighbours may be behind unlike routers. A
//! router with a private address is the same one only for neighbours. What was measured before this host slept is forgotten.
//! While others are about to ask what it needs, it waits for them; what it could be the last witness of, it asks at once,
//! for all hops together, as the way of the others foretells them.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::courtesy::Prefix;
use super::plan::Sharing;
use super::switchboard::TraceId;
use super::tracer::{Known, Tracer};
use super::{HopAnswer, Protocol};
use crate::moment::Moment;
use crate::network::AddressScope;

use places::{Place, Places, Trodden};

mod places;

/// What was not met again for so long is learned anew: routes change.
const KEPT: Duration = Duration::from_secs(600);

/// Where a trace to a network begins of which nothing is known: some hops away, as those before are mostly known.
const FIRST: u8 = 8;

/// More places than this are not remembered.
const MOST: usize = 1 << 17;

/// What is shared.
#[derive(Debug, Default)]
pub(super) struct Commons {
    networks: BTreeMap<Network, Reach>,
    before: Places<Before>,
    woken: VecDeque<TraceId>,
    /// When this host last woke: its clock stood still before, so that nobody knows how old is what was measured earlier.
    woke: Option<Instant>,
}

/// Targets that are neighbours: of one /24, or one /48 for IPv6, asked by one protocol. By its first address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Network(Protocol, IpAddr);

/// How a network is reached.
#[derive(Debug, Default)]
struct Reach {
    /// How far the last of its hosts was, or the first that is silent.
    distance: Option<u8>,
    /// The whole trace under way.
    explorer: Option<TraceId>,
    waiting: Vec<TraceId>,
}

/// Who stands at a place.
#[derive(Debug)]
struct Before {
    /// `None` for somebody who never answers.
    who: Option<HopAnswer>,
    /// When that was last measured.
    at: Moment,
    /// When the last of those were measured that met it: as many as any trace wants.
    witnesses: VecDeque<Instant>,
    /// Whether two witnesses differed.
    is_varied: bool,
    /// How many traces are about to ask.
    reserved: u8,
    /// Who waits for them, and since when they count for it.
    waiting: Vec<(TraceId, Instant)>,
}

/// What a trace that shares is up to.
#[derive(Debug)]
pub(super) struct Pupil {
    sharing: Sharing,
    network: Network,
    role: Role,
    /// What it is about to ask, by TTL.
    reserved: Vec<(u8, Place)>,
    /// The TTLs it has been a witness of.
    told: Vec<u8>,
    trodden: Trodden,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Somebody explores the way to its network.
    Waiting,
    /// It does.
    Exploring,
    /// It knows how far its neighbours are.
    Following,
}

/// How it goes on towards us.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    /// `None` where it is not known who follows.
    place: Option<Place>,
    /// Whether that is known of this trace, and not foretold.
    is_certain: bool,
    /// Whether somebody further on is still asked.
    is_pending: bool,
}

impl Before {
    /// Somebody whom no trace has met.
    fn unmet(at: Moment) -> Self {
        Self { who: None, at, witnesses: VecDeque::new(), is_varied: false, reserved: 0, waiting: Vec::new() }
    }

    fn is_silent(&self) -> bool {
        self.who.is_none() && self.is_agreed()
    }

    /// Whether all witnesses there are have met the same.
    fn is_agreed(&self) -> bool {
        !self.witnesses.is_empty() && !self.is_varied
    }

    /// Whether what is known is of no use to a trace on these terms: neither the answer, nor who has witnessed it, as a
    /// flow that comes again in every round is no new witness.
    fn is_old(&self, sharing: Sharing, now: Moment) -> bool {
        self.at.mono < sharing.since || now.mono.saturating_duration_since(self.at.mono) > KEPT
    }

    /// How many more witnesses a trace on these terms wants: those from before its round count for nothing.
    fn missing(&self, sharing: Sharing) -> u8 {
        let counted = self.witnesses.iter().filter(|at| **at >= sharing.since).count();
        sharing.witnesses.saturating_sub(u8::try_from(counted).unwrap_or(u8::MAX))
    }

    fn router(&self) -> Option<IpAddr> {
        self.who.as_ref().map(|answer| answer.from)
    }
}

impl Pupil {
    /// For a trace that has just begun.
    pub(super) fn new(tracer: &Tracer, sharing: Sharing) -> Self {
        let plan = tracer.plan();
        let network = Network(plan.protocol, Prefix::of(plan.target).first());
        let (reserved, told, trodden) = Default::default();
        Self { sharing, network, role: Role::Waiting, reserved, told, trodden }
    }

    /// Whether it must not ask anything yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.role == Role::Waiting
    }
}

impl Commons {
    /// Something has happened to the trace: what it is to ask, and what it can take over.
    pub(super) fn guide(&mut self, id: TraceId, pupil: &mut Pupil, tracer: &mut Tracer, now: Moment) {
        if pupil.role == Role::Waiting {
            self.begin(id, pupil, tracer);
        }
        if pupil.role != Role::Waiting {
            self.walk(id, pupil, tracer, now);
        }
    }

    /// The trace, which was guided to its end and has told what it knows, is over: what it was about to ask others may.
    pub(super) fn leave(&mut self, pupil: &mut Pupil, tracer: &Tracer) {
        for (_, place) in std::mem::take(&mut pupil.reserved) {
            self.release(place, &mut pupil.trodden);
        }
        let reach = self.networks.entry(pupil.network).or_default();
        // Whoever found nobody has also found something: the next ones then ask all hops, and need not wait for each other.
        let beyond = tracer.answered_up_to().saturating_add(1);
        if pupil.role == Role::Exploring {
            reach.explorer = None;
            reach.distance = tracer.reached_at().or(Some(beyond));
        } else if pupil.role == Role::Following {
            reach.distance = tracer.reached_at().or(reach.distance.max(Some(beyond)));
        }
        if reach.explorer.is_none() {
            self.woken.extend(reach.waiting.drain(..));
        }
    }

    /// This host slept: nothing that was measured before is believed any longer.
    pub(super) fn handle_suspension(&mut self, now: Moment) {
        self.woke = Some(now.mono);
        for before in self.before.all() {
            (before.who, before.is_varied) = (None, false);
            before.witnesses.clear();
        }
    }

    /// A trace for which something has changed.
    pub(super) fn poll_woken(&mut self) -> Option<TraceId> {
        self.woken.pop_front()
    }

    fn begin(&mut self, id: TraceId, pupil: &mut Pupil, tracer: &mut Tracer) {
        if self.before.len() > MOST {
            self.before.retain(|before| before.reserved > 0 || !before.waiting.is_empty());
        }
        if self.networks.len() > MOST {
            self.networks.retain(|_, reach| reach.explorer.is_some() || !reach.waiting.is_empty());
        }
        let reach = self.networks.entry(pupil.network).or_default();
        match (reach.explorer, reach.distance) {
            (Some(_), _) => {
                if !reach.waiting.contains(&id) {
                    reach.waiting.push(id);
                }
            }
            (None, Some(distance)) => {
                pupil.role = Role::Following;
                tracer.guide(distance);
            }
            (None, None) => {
                pupil.role = Role::Exploring;
                reach.explorer = Some(id);
                tracer.explore(FIRST);
            }
        }
    }

    /// Goes from the target towards us, hop by hop.
    fn walk(&mut self, id: TraceId, pupil: &mut Pupil, tracer: &mut Tracer, now: Moment) {
        let plan = tracer.plan();
        let (protocol, first) = (plan.protocol, plan.first_ttl);
        let refused = || tracer.end().map(|ttl| ttl.saturating_add(1));
        let unreached = || tracer.expected().unwrap_or_else(|| unexpected(tracer));
        let top = tracer.reached_at().or_else(refused).unwrap_or_else(unreached);
        let mut cursor = Cursor {
            place: Some(Place { protocol, within: None, follower: pupil.network.1, ttl: top, silent: 0 }),
            is_certain: tracer.reached_at().is_some(),
            is_pending: tracer.is_going_on(top),
        };
        for ttl in (first..top).rev() {
            let mut known = tracer.known(ttl);
            if known == Known::Asked && self.is_known_silent(&cursor, &mut pupil.trodden) {
                tracer.spare(ttl);
                known = tracer.known(ttl);
            }
            match known {
                Known::Answered(_) | Known::Several | Known::Silent | Known::Unsent => {
                    self.pass(&mut cursor, pupil, tracer, ttl, now);
                }
                Known::Asked => {
                    cursor.is_pending = true;
                    self.foretell(&mut cursor, pupil);
                }
                Known::Unasked => self.decide(&mut cursor, id, pupil, tracer, ttl, now),
            }
            if cursor.place.is_none() && cursor.is_pending {
                break;
            }
        }
        // What has been asked further towards us than this trace can tell of yet must keep nobody waiting, nor what it will
        // not ask any more as its target turned out to be nearer.
        let is_settled = |(ttl, _): &(u8, Place)| *ttl >= top || tracer.known(*ttl) != Known::Asked;
        for (_, place) in pupil.reserved.extract_if(.., |reserved| is_settled(reserved)).collect::<Vec<_>>() {
            self.release(place, &mut pupil.trodden);
        }
    }

    fn is_known_silent(&mut self, cursor: &Cursor, trodden: &mut Trodden) -> bool {
        cursor.place.and_then(|place| self.before.get(place, trodden)).is_some_and(|before| before.is_silent())
    }

    /// Passes a hop of which the trace knows, and is its witness.
    fn pass(&mut self, cursor: &mut Cursor, pupil: &mut Pupil, tracer: &Tracer, ttl: u8, now: Moment) {
        let known = tracer.known(ttl);
        let reserved = pupil.reserved.iter().position(|(reserved, _)| *reserved == ttl);
        let reserved = reserved.map(|at| pupil.reserved.swap_remove(at).1);
        let is_own = !tracer.is_inherited(ttl) && !pupil.told.contains(&ttl);
        let mut has_told = false;
        if let Some(place) = cursor.place.filter(|_| cursor.is_certain && is_own)
            && let Some((at, answer)) = tracer.measured(ttl).filter(|_| known != Known::Unsent)
        {
            pupil.told.push(ttl);
            has_told = self.testify(pupil, place, known, answer, earlier(now, at));
        } else if known == Known::Several
            && let Some(place) = cursor.place.filter(|_| cursor.is_certain)
            && let Some(before) = self.before.get(place, &mut pupil.trodden)
        {
            // It may have told too early.
            before.is_varied = true;
        }
        match reserved {
            Some(place) if has_told && cursor.place == Some(place) => self.settle(place, &mut pupil.trodden),
            Some(place) => self.release(place, &mut pupil.trodden),
            None => {}
        }
        match known {
            Known::Answered(router) => {
                let protocol = tracer.plan().protocol;
                let within = within(router, pupil.network);
                let place = Some(Place { protocol, within, follower: router, ttl, silent: 0 });
                *cursor = Cursor { place, is_certain: true, is_pending: false };
            }
            Known::Silent => {
                cursor.place = cursor.place.map(|place| Place { silent: place.silent + 1, ..place });
            }
            Known::Several | Known::Unsent | Known::Asked | Known::Unasked => {
                *cursor = Cursor { place: None, is_certain: false, is_pending: false };
            }
        }
    }

    /// A trace on these terms has met somebody, or nobody, at a place, whom it had asked then. Whether it counts as a
    /// witness.
    fn testify(
        &mut self,
        pupil: &mut Pupil,
        place: Place,
        known: Known,
        answer: Option<HopAnswer>,
        at: Moment,
    ) -> bool {
        if self.woke.is_some_and(|woke| at.mono < woke) {
            return false;
        }
        let who = answer.filter(|_| known != Known::Silent);
        let is_several = known == Known::Several;
        let (sharing, trodden) = (pupil.sharing, &mut pupil.trodden);
        let Some(before) = self.before.get_or_begin(place, trodden, || Before::unmet(at)) else { return false };
        let is_old = before.is_old(sharing, at);
        if is_old {
            before.witnesses.clear();
            before.is_varied = false;
        }
        let is_first = before.witnesses.is_empty();
        let is_same = is_first || before.router() == who.as_ref().map(|answer| answer.from);
        before.is_varied |= !is_same || is_several;
        before.witnesses.push_back(at.mono);
        if before.witnesses.len() > usize::from(sharing.witnesses) {
            before.witnesses.pop_front();
        }
        if is_same && (is_first || at.mono >= before.at.mono) {
            (before.who, before.at) = (who, at);
        }
        // One witness more, and one less to come: nothing has changed for others who wait, if it counts for them.
        let is_decided = is_old || before.is_varied || before.missing(sharing) == 0;
        let changes = |(_, since): &mut (TraceId, Instant)| is_decided || at.mono < *since;
        self.woken.extend(before.waiting.extract_if(.., changes).map(|(trace, _)| trace));
        true
    }

    /// Somebody who was about to ask has.
    fn settle(&mut self, place: Place, trodden: &mut Trodden) {
        if let Some(before) = self.before.get(place, trodden) {
            before.reserved = before.reserved.saturating_sub(1);
        }
    }

    /// Somebody who was about to ask has not, and does not any longer, or has and cannot tell.
    fn release(&mut self, place: Place, trodden: &mut Trodden) {
        if let Some(before) = self.before.get(place, trodden) {
            before.reserved = before.reserved.saturating_sub(1);
            self.woken.extend(before.waiting.drain(..).map(|(trace, _)| trace));
        }
    }

    /// Goes past a hop that is being asked, as the others did.
    fn foretell(&mut self, cursor: &mut Cursor, pupil: &mut Pupil) {
        cursor.is_certain = false;
        let Some(place) = cursor.place.take() else { return };
        let before = self.before.get(place, &mut pupil.trodden).filter(|before| before.is_agreed());
        cursor.place = before.map(|before| beyond(place, before, pupil.network));
    }

    /// What becomes of a hop that has not been asked.
    fn decide(
        &mut self,
        cursor: &mut Cursor,
        id: TraceId,
        pupil: &mut Pupil,
        tracer: &mut Tracer,
        ttl: u8,
        now: Moment,
    ) {
        let Some(place) = cursor.place.filter(|_| cursor.is_certain || cursor.is_pending) else {
            // Who follows will never be known: it cannot be taken over.
            tracer.want(ttl);
            *cursor = Cursor { place: None, is_certain: false, is_pending: true };
            return;
        };
        let (sharing, network) = (pupil.sharing, pupil.network);
        if cursor.is_certain && place.follower == network.1 {
            // Neighbours behind silence need not be behind the same routers: only a router that was met vouches for those
            // before it.
            tracer.want(ttl);
            cursor.is_pending = true;
            self.foretell(cursor, pupil);
            return;
        }
        let Some(before) = self.before.get_or_begin(place, &mut pupil.trodden, || Before::unmet(now)) else { return };
        let is_old = before.is_old(sharing, now);
        let missing = if is_old { sharing.witnesses } else { before.missing(sharing) };
        if before.is_varied && !is_old {
            tracer.want(ttl);
            *cursor = Cursor { place: None, is_certain: false, is_pending: true };
        } else if missing == 0 {
            if cursor.is_certain {
                tracer.inherit(ttl, before.who.clone(), before.at.wall);
            }
            cursor.place = Some(beyond(place, before, network));
        } else {
            if before.reserved < missing {
                before.reserved += 1;
                pupil.reserved.push((ttl, place));
                tracer.want(ttl);
            } else if cursor.is_certain && !before.waiting.iter().any(|(trace, _)| *trace == id) {
                before.waiting.push((id, sharing.since));
            }
            cursor.is_pending = true;
            self.foretell(cursor, pupil);
        }
    }
}

/// The place before the one where `before` stands.
fn beyond(place: Place, before: &Before, network: Network) -> Place {
    match before.router() {
        Some(router) => Place {
            within: within(router, network),
            follower: router,
            ttl: place.ttl - place.silent - 1,
            silent: 0,
            ..place
        },
        None => Place { silent: place.silent + 1, ..place },
    }
}

/// Where a trace that does not know how far its target is goes on from towards us.
fn unexpected(tracer: &Tracer) -> u8 {
    let beyond = tracer.answered_up_to().saturating_add(1);
    // When nobody has answered from where it began, what is before that is asked from there.
    tracer.guided_from().filter(|from| !tracer.is_going_on(*from)).map_or(beyond, |from| from.max(beyond))
}

/// Who alone can mean this router by its address: unrelated networks use the same private ones.
fn within(router: IpAddr, network: Network) -> Option<IpAddr> {
    match AddressScope::of(router) {
        AddressScope::Private | AddressScope::Shared | AddressScope::LinkLocal => Some(network.1),
        AddressScope::Global
        | AddressScope::Loopback
        | AddressScope::Multicast
        | AddressScope::Relayed
        | AddressScope::Reserved => None,
    }
}

/// That instant on both clocks, as seen from `now`.
fn earlier(now: Moment, at: Instant) -> Moment {
    let ago = SignedDuration::try_from(now.mono.saturating_duration_since(at)).unwrap_or(SignedDuration::MAX);
    Moment { wall: now.wall.checked_sub(ago).unwrap_or(Timestamp::MIN), mono: at }
}

#[cfg(test)]
mod tests;
