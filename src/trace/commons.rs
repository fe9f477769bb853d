//! What the traces of one switchboard have learned of the ways they share, so that not every one asks every router again.
//!
//! The first trace to a network explores: it looks for its target from a few hops away on. Those that follow ask their
//! target where its neighbours are, and the hop before it. Both go back towards us from there, and ask only what is not
//! known yet. What is known is who stands *before* a
//! router (Doubletree's stop set, Donnet et al., SIGMETRICS 2005; `FlashRoute`, Huang et al., IMC 2020), and it is known
//! only when so many traces with flows of their own have all met the same one there ([`Sharing::witnesses`]): routers that
//! share the load among them show themselves, and what lies on several ways is asked by every trace. A hop that nobody
//! answers at is known in the same manner: silence is somebody as well.
//!
//! A trace takes a hop over when it has itself met the router that follows, or has taken that over on the same terms.
//! While others are about to ask what it needs, it waits for them; what it could be the last witness of, it asks at once,
//! for all hops together, as the way of the others foretells them.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::plan::Sharing;
use super::switchboard::TraceId;
use super::tracer::{Known, Tracer};
use super::{HopAnswer, Protocol};
use crate::moment::Moment;

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
    before: BTreeMap<Place, Before>,
    woken: VecDeque<TraceId>,
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

/// A place on the way: so many silent hops before somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    protocol: Protocol,
    /// Who follows, and how far that is: a router, or the first address of the target's network, for the target itself.
    follower: IpAddr,
    ttl: u8,
    silent: u8,
}

/// Who stands at a place.
#[derive(Debug)]
struct Before {
    /// `None` for somebody who never answers.
    who: Option<HopAnswer>,
    /// When that was last measured.
    at: Moment,
    witnesses: u8,
    /// Whether two witnesses differed.
    is_varied: bool,
    /// How many traces are about to ask.
    reserved: u8,
    waiting: Vec<TraceId>,
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
        Self { who: None, at, witnesses: 0, is_varied: false, reserved: 0, waiting: Vec::new() }
    }

    fn is_silent(&self) -> bool {
        self.who.is_none() && self.witnesses > 0 && !self.is_varied
    }

    fn router(&self) -> Option<IpAddr> {
        self.who.as_ref().map(|answer| answer.from)
    }
}

impl Pupil {
    /// For a trace that has just begun.
    pub(super) fn new(tracer: &Tracer, sharing: Sharing) -> Self {
        let plan = tracer.plan();
        let network = Network(plan.protocol, network_of(plan.target));
        Self { sharing, network, role: Role::Waiting, reserved: Vec::new(), told: Vec::new() }
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

    /// The trace is over: what it knows is told, and what it was about to ask others may.
    pub(super) fn leave(&mut self, id: TraceId, pupil: &mut Pupil, tracer: &mut Tracer, now: Moment) {
        if pupil.role != Role::Waiting {
            self.walk(id, pupil, tracer, now);
        }
        for (_, place) in std::mem::take(&mut pupil.reserved) {
            self.release(place);
        }
        let reach = self.networks.entry(pupil.network).or_default();
        let furthest = tracer.furthest();
        if pupil.role == Role::Exploring {
            reach.explorer = None;
            reach.distance = tracer.reached_at().or((furthest > 0).then(|| furthest.saturating_add(1)));
        } else if pupil.role == Role::Following {
            reach.distance = tracer.reached_at().or(reach.distance);
        }
        if reach.explorer.is_none() {
            self.woken.extend(reach.waiting.drain(..));
        }
    }

    /// A trace for which something has changed.
    pub(super) fn poll_woken(&mut self) -> Option<TraceId> {
        self.woken.pop_front()
    }

    fn begin(&mut self, id: TraceId, pupil: &mut Pupil, tracer: &mut Tracer) {
        if self.before.len() > MOST {
            self.before.retain(|_, before| before.reserved > 0 || !before.waiting.is_empty());
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
        let unreached = || tracer.expected().unwrap_or_else(|| tracer.furthest().saturating_add(1));
        let top = tracer.reached_at().or_else(refused).unwrap_or_else(unreached);
        let mut cursor = Cursor {
            place: Some(Place { protocol, follower: pupil.network.1, ttl: top, silent: 0 }),
            is_certain: tracer.reached_at().is_some(),
            is_pending: tracer.is_going_on(top),
        };
        for ttl in (first..top).rev() {
            if cursor.place.and_then(|place| self.before.get(&place)).is_some_and(Before::is_silent) {
                tracer.spare(ttl);
            }
            match tracer.known(ttl) {
                Known::Answered(_) | Known::Several | Known::Silent => self.pass(&mut cursor, pupil, tracer, ttl, now),
                Known::Asked => {
                    cursor.is_pending = true;
                    self.foretell(&mut cursor);
                }
                Known::Unasked => self.decide(&mut cursor, id, pupil, tracer, ttl, now),
            }
            if cursor.place.is_none() && cursor.is_pending {
                break;
            }
        }
        // What has been asked further towards us than this trace can tell of yet must keep nobody waiting.
        let is_asked = |(ttl, _): &(u8, Place)| tracer.known(*ttl) != Known::Asked;
        for (_, place) in pupil.reserved.extract_if(.., |reserved| is_asked(reserved)).collect::<Vec<_>>() {
            self.release(place);
        }
    }

    /// Passes a hop of which the trace knows, and is its witness.
    fn pass(&mut self, cursor: &mut Cursor, pupil: &mut Pupil, tracer: &Tracer, ttl: u8, now: Moment) {
        let known = tracer.known(ttl);
        if let Some(at) = pupil.reserved.iter().position(|(reserved, _)| *reserved == ttl) {
            let (_, place) = pupil.reserved.swap_remove(at);
            self.release(place);
        }
        let is_own = !tracer.is_inherited(ttl) && !pupil.told.contains(&ttl);
        if let Some(place) = cursor.place.filter(|_| cursor.is_certain && is_own) {
            pupil.told.push(ttl);
            self.testify(place, known, tracer.measured(ttl), now);
        }
        match known {
            Known::Answered(router) => {
                let protocol = tracer.plan().protocol;
                let place = Some(Place { protocol, follower: router, ttl, silent: 0 });
                *cursor = Cursor { place, is_certain: true, is_pending: false };
            }
            Known::Silent => {
                cursor.place = cursor.place.map(|place| Place { silent: place.silent + 1, ..place });
            }
            Known::Several | Known::Asked | Known::Unasked => {
                *cursor = Cursor { place: None, is_certain: false, is_pending: false };
            }
        }
    }

    /// A trace has met somebody, or nobody, at a place.
    fn testify(&mut self, place: Place, known: Known, answer: Option<HopAnswer>, now: Moment) {
        let who = answer.filter(|_| known != Known::Silent);
        let is_several = known == Known::Several;
        let before = self.before.entry(place).or_insert_with(|| Before::unmet(now));
        if before.witnesses > 0 && now.mono.saturating_duration_since(before.at.mono) > KEPT {
            (before.witnesses, before.is_varied) = (0, false);
        }
        let is_same = before.witnesses == 0 || before.router() == who.as_ref().map(|answer| answer.from);
        before.is_varied |= !is_same || is_several;
        before.witnesses = before.witnesses.saturating_add(1);
        if is_same {
            (before.who, before.at) = (who, now);
        }
        self.woken.extend(before.waiting.drain(..));
    }

    /// Somebody who was about to ask does not any longer, or has.
    fn release(&mut self, place: Place) {
        if let Some(before) = self.before.get_mut(&place) {
            before.reserved = before.reserved.saturating_sub(1);
            self.woken.extend(before.waiting.drain(..));
        }
    }

    /// Goes past a hop that is being asked, as the others did.
    fn foretell(&self, cursor: &mut Cursor) {
        cursor.is_certain = false;
        let Some(place) = cursor.place.take() else { return };
        let Some(before) = self.before.get(&place).filter(|before| before.witnesses > 0 && !before.is_varied) else {
            return;
        };
        cursor.place = Some(beyond(place, before));
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
        let sharing = pupil.sharing;
        let before = self.before.entry(place).or_insert_with(|| Before::unmet(now));
        let is_old = now.mono.saturating_duration_since(before.at.mono) > KEPT;
        let missing = if is_old { sharing.witnesses } else { sharing.witnesses.saturating_sub(before.witnesses) };
        let missing = missing.max(u8::from(before.at.mono < sharing.since));
        if before.is_varied && !is_old {
            tracer.want(ttl);
            *cursor = Cursor { place: None, is_certain: false, is_pending: true };
        } else if missing == 0 {
            if cursor.is_certain {
                tracer.inherit(ttl, before.who.clone(), before.at.wall);
            }
            cursor.place = Some(beyond(place, before));
        } else if before.reserved < missing {
            before.reserved += 1;
            pupil.reserved.push((ttl, place));
            tracer.want(ttl);
            cursor.is_pending = true;
            self.foretell(cursor);
        } else {
            if cursor.is_certain && !before.waiting.contains(&id) {
                before.waiting.push(id);
            }
            cursor.is_pending = true;
            self.foretell(cursor);
        }
    }
}

/// The place before the one where `before` stands.
fn beyond(place: Place, before: &Before) -> Place {
    match before.router() {
        Some(router) => Place { follower: router, ttl: place.ttl - place.silent - 1, silent: 0, ..place },
        None => Place { silent: place.silent + 1, ..place },
    }
}

fn network_of(target: IpAddr) -> IpAddr {
    match target {
        IpAddr::V4(target) => Ipv4Addr::from_bits(target.to_bits() & !0xff).into(),
        IpAddr::V6(target) => Ipv6Addr::from_bits(target.to_bits() >> 80 << 80).into(),
    }
}
