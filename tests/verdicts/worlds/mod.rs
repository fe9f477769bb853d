//! Generated worlds in which everything is known: where vantages really stand, who really answers for an address from
//! where, and how much later than light; and whole observations of them, with claims that may all be wrong.

mod claims;
mod dice;
mod earth;
mod fleet;
mod globe;
mod measured;

use std::net::IpAddr;

use pehra::location::Claim;
use pehra::moment::Rtt;
use pehra::observation::Observation;
use pehra::resolution::{AddressFamily, Addressed, Answer, Outcome, Resolution, View};

use super::evidence::portal;

pub(crate) use dice::Dice;
pub(crate) use fleet::{Fleet, Moves, Standing};
pub(crate) use globe::{Globe, Spot};
use measured::Slowness;

/// When every observation is made.
pub(crate) const NOW: &str = "2026-11-21T12:00:00Z";

/// What answers for an address.
pub(crate) struct Target {
    pub(crate) address: IpAddr,
    pub(crate) sites: Vec<Spot>,
    /// The place in `sites` of the one that each vantage reaches.
    reached: Vec<usize>,
}

impl Target {
    /// Who answers a vantage.
    pub(crate) fn reached_by(&self, vantage: usize) -> Spot {
        self.sites[self.reached[vantage]]
    }
}

/// A world, as one vantage of a fleet judges it.
pub(crate) struct World<'a> {
    pub(crate) fleet: &'a Fleet<'a>,
    /// Which vantage judges.
    pub(crate) subject: usize,
    pub(crate) targets: Vec<Target>,
    /// By vantage.
    pub(crate) observations: Vec<Observation>,
}

/// Whether addresses of several sites are told as such, where discs do not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anycast {
    Told,
    Untold,
}

impl<'a> World<'a> {
    /// A world that follows from the dice.
    pub(crate) fn generate(dice: &mut Dice, globe: &Globe, fleet: &'a Fleet<'a>, anycast: Anycast) -> Self {
        let subject = dice.below(fleet.standings.len());
        let count = [1, 1, 1, 2, 3][dice.below(5)];
        let targets: Vec<_> = (0..count).map(|index| target(dice, globe, fleet, index)).collect();
        let addresses: Vec<_> = targets.iter().map(|target| target.address).collect();
        let mut observations: Vec<_> =
            fleet.standings.iter().map(|standing| observation(standing, &addresses)).collect();
        let slowness = *dice.pick(&[
            Slowness::Light,
            Slowness::UpTo(1.05),
            Slowness::UpTo(1.6),
            Slowness::UpTo(6.0),
            Slowness::Queues(2.0),
        ]);
        for target in &targets {
            let mut best = Vec::new();
            for (vantage, seen) in observations.iter_mut().enumerate() {
                let stands = fleet.standings[vantage].stands;
                let answered = dice.percent(85);
                let rtt = answered.then(|| measured::round_trip(dice, stands, target.reached_by(vantage).at, slowness));
                measured::measure(dice, seen, target.address, rtt);
                best.push(seen.best_rtt(target.address).map(|best| best.rtt));
            }
            let truth = target.reached_by(subject).country;
            let mut claims = claims::claims(dice, target.address, truth, fleet.home);
            if target.sites.len() > 1 && anycast == Anycast::Told && !are_apart(&fleet.standings, &best) {
                claims.push(claims::told_shared(dice, target.address));
            }
            observations[subject].claims.extend(claims);
        }
        Self { fleet, subject, targets, observations }
    }

    /// What the judging vantage saw, and what all others did.
    pub(crate) fn seen(&self) -> (&Observation, Vec<&Observation>) {
        let others = self.observations.iter().enumerate().filter(|(vantage, _)| *vantage != self.subject);
        (&self.observations[self.subject], others.map(|(_, seen)| seen).collect())
    }

    /// Tells of every address of several sites that it is one.
    pub(crate) fn tell(&mut self, dice: &mut Dice) {
        let several = self.targets.iter().filter(|target| target.sites.len() > 1);
        let told: Vec<_> = several.map(|target| claims::told_shared(dice, target.address)).collect();
        self.observations[self.subject].claims.extend(told);
    }

    /// Says where every vantage really stands.
    pub(crate) fn put_right(&mut self) {
        for (seen, standing) in self.observations.iter_mut().zip(&self.fleet.standings) {
            if let Some(position) = seen.vantage.position.as_mut().filter(|_| standing.is_moved) {
                position.coordinates = standing.stands;
            }
        }
    }

    /// The claim of a source about an address.
    pub(crate) fn claim(&self, about: IpAddr, source: &str) -> Option<&Claim> {
        let claims = &self.observations[self.subject].claims;
        claims.iter().find(|claim| claim.about == about && claim.source == source)
    }
}

fn target(dice: &mut Dice, globe: &Globe, fleet: &Fleet<'_>, index: u8) -> Target {
    let address = match dice.below(20) {
        0 => IpAddr::from([10, 0, 0, index]),
        1 => IpAddr::from([0x2400, 0xadc0, 0, 0, 0, 0, 0, u16::from(index)]),
        _ => IpAddr::from([203, 175, 64, index]),
    };
    let is_private = matches!(address, IpAddr::V4(v4) if v4.is_private());
    let count = if is_private || dice.percent(15) { 2 + dice.below(3) } else { 1 };
    let sites: Vec<_> = (0..count).map(|_| fleet.spot(dice, globe)).collect();
    let reached = fleet.standings.iter().map(|standing| {
        let away = |site: &usize| earth::least_km(standing.stands, sites[*site].at);
        let nearest = (0..count).min_by(|a, b| away(a).total_cmp(&away(b))).expect("a site");
        if dice.percent(70) { nearest } else { dice.below(count) }
    });
    let reached = reached.collect();
    Target { address, sites, reached }
}

/// Whether two trusted vantages got answers that cannot come from one place.
fn are_apart(standings: &[Standing], best: &[Option<Rtt>]) -> bool {
    let discs: Vec<_> = standings.iter().zip(best).filter(|(standing, _)| !standing.is_moved).collect();
    let apart = |(a, a_rtt): (&Standing, Option<Rtt>), (b, b_rtt): (&Standing, Option<Rtt>)| {
        let (Some((a, a_rtt)), Some((b, b_rtt))) = (a.stated().zip(a_rtt), b.stated().zip(b_rtt)) else { return false };
        let both = earth::reach_km(a_rtt) + a.uncertainty.km() + earth::reach_km(b_rtt) + b.uncertainty.km();
        earth::least_km(a.coordinates, b.coordinates) > both
    };
    let first = discs.iter().enumerate();
    first
        .into_iter()
        .any(|(index, (a, a_rtt))| discs.iter().skip(index + 1).any(|(b, b_rtt)| apart((a, **a_rtt), (b, **b_rtt))))
}

fn observation(standing: &Standing, addresses: &[IpAddr]) -> Observation {
    let observed = NOW.parse().expect("a moment");
    let answered = |address: &IpAddr| Addressed { address: *address, ttl: 60 };
    let resolution = || Resolution {
        name: "portal.gov.pk".parse().expect("a name"),
        family: AddressFamily::A,
        view: View("system".to_owned()),
        server: None,
        asked: observed,
        elapsed_ns: Rtt::default(),
        followed: Vec::new(),
        subnet: None,
        outcome: Outcome::Answered(Answer {
            chain: Vec::new(),
            addresses: addresses.iter().map(answered).collect(),
            authenticated: false,
            left_out: 0,
        }),
    };
    let endpoint = "https://portal.gov.pk".parse().expect("an endpoint");
    let begun = Observation::begun(endpoint, portal(), standing.vantage.clone(), observed);
    Observation { resolutions: vec![resolution()], ..begun }
}
