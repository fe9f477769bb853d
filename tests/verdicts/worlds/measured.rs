//! What a vantage measures of an address: true answers by several methods, later than light or just as soon, and answers
//! in the target's name that nobody may believe.

use std::net::IpAddr;

use jiff::Timestamp;
use pehra::contact::{Contact, ContactOutcome};
use pehra::moment::Rtt;
use pehra::observation::{Observation, Ping, PingBest};
use pehra::place::Coordinates;
use pehra::trace::{AnswerKind, Ending, Hop, HopAnswer, Protocol, Trace};

use super::dice::Dice;
use super::earth;

/// How long answers take, as a multiple of what light in vacuum takes.
#[derive(Clone, Copy)]
pub(crate) enum Slowness {
    /// Exactly as long.
    Light,
    /// Up to so many times as long.
    UpTo(f64),
    /// Up to so many times as long, and some of them much later for no reason of distance.
    Queues(f64),
    /// So late that distance cannot be told.
    Late,
}

/// The shortest time in which something at `site` can answer `stands`, at a time of this slowness.
pub(crate) fn round_trip(dice: &mut Dice, stands: Coordinates, site: Coordinates, slowness: Slowness) -> Rtt {
    let light = earth::there_and_back_ms(earth::least_km(stands, site));
    let ms = match slowness {
        Slowness::Light => light,
        Slowness::UpTo(most) => light * dice.between(1.0, most),
        Slowness::Queues(most) => light * dice.between(1.0, most) + dice.scale(0.1, 300.0),
        Slowness::Late => light + dice.between(50.0, 300.0),
    };
    // A host answers no sooner than in 10 microseconds, and an answer without a time is none.
    Rtt::from_ms(ms.max(0.01)).expect("a time")
}

/// Adds to an observation what its vantage measured of `address`; `rtt` is the best time, if there was an answer.
pub(crate) fn measure(dice: &mut Dice, seen: &mut Observation, address: IpAddr, rtt: Option<Rtt>) {
    let at = seen.observed;
    let Some(rtt) = rtt else { return silence(dice, seen, address) };
    let methods = 1 + dice.below(7);
    let later = |dice: &mut Dice| Rtt::from_ms(rtt.ms() + dice.between(0.0, 3.0)).expect("a time");
    if methods & 1 != 0 {
        let best = if methods == 1 { rtt } else { later(dice) };
        seen.traces.push(trace(dice, address, at, Some(best)));
    }
    if methods & 2 != 0 {
        let best = if methods & 1 == 0 { rtt } else { later(dice) };
        let outcome = ContactOutcome::Connected { rtt_ns: best, samples: 3 };
        seen.contacts.push(Contact::silent(address, 443, at, 3, outcome));
    }
    if methods & 4 != 0 {
        ping(seen, address, rtt);
    }
}

/// Adds three pings to an observation.
pub(crate) fn ping(seen: &mut Observation, address: IpAddr, rtt: Rtt) {
    let (started, best) = (seen.observed, Some(PingBest { rtt_ns: rtt, samples: 3 }));
    seen.pings.push(Ping { address, protocol: Protocol::Icmp, started, attempts: 3, resets: 0, best });
}

/// Nothing true was heard; now and then a firewall near by refuses in the target's name.
fn silence(dice: &mut Dice, seen: &mut Observation, address: IpAddr) {
    let started = seen.observed;
    if dice.percent(30) {
        let rtt_ns = Rtt::from_ms(0.2).expect("a time");
        let outcome = ContactOutcome::Refused { rtt_ns, samples: 3 };
        seen.contacts.push(Contact::silent(address, 443, started, 3, outcome));
    }
    if dice.percent(30) {
        seen.traces.push(trace(dice, address, started, None));
    }
}

fn trace(dice: &mut Dice, target: IpAddr, started: Timestamp, rtt: Option<Rtt>) -> Trace {
    let mut hops = Vec::new();
    for ttl in 1..=u8::try_from(dice.below(4)).expect("a few") {
        let from = IpAddr::from([203, 82, 48, ttl]);
        let answer = answer(from, Rtt::from_ms(dice.scale(0.1, 500.0)).expect("a time"), AnswerKind::TimeExceeded);
        let answers = if dice.percent(70) { vec![answer] } else { Vec::new() };
        hops.push(Hop { ttl, silent: u8::from(answers.is_empty()), answers, inherited: None });
    }
    let mut answers = Vec::new();
    if dice.percent(10) {
        let soon = Rtt::from_ms(0.1).expect("a time");
        answers.push(match dice.below(3) {
            0 => answer(target, soon, AnswerKind::Unreachable),
            1 => answer(target, soon, AnswerKind::Reset),
            _ => HopAnswer { unmatched: true, ..answer(target, soon, AnswerKind::EchoReply) },
        });
    }
    answers.extend(rtt.map(|rtt| answer(target, rtt, AnswerKind::EchoReply)));
    let ending = if answers.is_empty() { Ending::Silent } else { Ending::Reached };
    let ttl = u8::try_from(hops.len()).expect("a few") + 1;
    hops.push(Hop { ttl, silent: u8::from(answers.is_empty()), answers, inherited: None });
    Trace { target, protocol: Protocol::Icmp, started, port: None, flow: Some(7), hops, ending }
}

fn answer(from: IpAddr, rtt_ns: Rtt, kind: AnswerKind) -> HopAnswer {
    HopAnswer { from, rtt_ns, kind, late: false, unmatched: false, extras: None }
}
