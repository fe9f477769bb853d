//! What the traces of one target give away of those who stand in its way: translators and proxies.
//!
//! Nothing here is proof, and nothing makes a verdict better: where an answer came from is written by whoever sent it.

use std::fmt;
use std::net::IpAddr;

use super::{HopAnswer, Protocol, Trace};
use crate::moment::Rtt;

/// How many hops nearer than the way goes an answer must come from to be another's. Where routers balance load, two flows
/// to one target may take ways that differ by a hop or two, and where a tunnel hides hops from some probes by as many: three
/// is the least that neither explains. A judgement, not a measurement.
const NEARER: u8 = 3;

/// Something odd about the way to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// Somebody translates the destination of what is sent there.
    Translated {
        /// The distance of the first to say so.
        ttl: u8,
        /// Where it goes in place of the target.
        to: IpAddr,
    },
    /// Somebody before the target says in its name that probes ran out of hops: a translator of its address does, for itself
    /// and for all who are behind it.
    Fronted {
        /// The distance of the first to say so.
        ttl: u8,
    },
    /// Somebody answers TCP in the name of the target from nearer than the way there is long.
    Nearer {
        /// The distance from which TCP was answered.
        ttl: u8,
        /// The distance at which somebody else, or the target, answered other probes.
        way: u8,
    },
    /// Somebody answers TCP in the name of the target sooner than the target answers other probes, by
    /// [so much](Rtt::is_of_another_host) that these are two.
    Sooner {
        /// The best time of an answer to TCP.
        handshake: Rtt,
        /// The best time of an answer to other probes.
        echo: Rtt,
    },
}

impl fmt::Display for Suspicion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Translated { ttl, to } => {
                write!(f, "probes arrive at hop {ttl} with {to} as their destination: translated on the way")
            }
            Self::Fronted { ttl } => {
                write!(
                    f,
                    "probes run out of hops at hop {ttl} in the name of the target: a translator of its address stands there"
                )
            }
            Self::Nearer { ttl, way } => {
                write!(
                    f,
                    "TCP is answered from hop {ttl}, and other probes go on to hop {way}: by a proxy or firewall on the way"
                )
            }
            Self::Sooner { handshake, echo } => {
                write!(
                    f,
                    "TCP is answered in {handshake}, and other probes in {echo}: by a proxy or firewall on the way"
                )
            }
        }
    }
}

/// What is odd about the way to `target`, in order, each once; `handshake` is the best time of a connection to it, where one
/// was made.
pub fn suspicions<'a>(
    traces: impl IntoIterator<Item = &'a Trace>,
    target: IpAddr,
    handshake: Option<Rtt>,
) -> Vec<Suspicion> {
    let traces: Vec<&Trace> = traces.into_iter().filter(|trace| trace.target == target).collect();
    let (by_tcp, by_others): (Vec<&Trace>, Vec<&Trace>) =
        traces.iter().partition(|trace| trace.protocol == Protocol::Tcp);
    let mut found: Vec<Suspicion> = traces.iter().filter_map(|trace| translated(trace)).collect();
    found.extend(traces.iter().filter_map(|trace| fronted(trace)));
    found.extend(nearer(&by_tcp, &by_others));
    found.extend(sooner(&by_tcp, &by_others, handshake));
    found.sort();
    found.dedup();
    found
}

fn translated(trace: &Trace) -> Option<Suspicion> {
    answers(trace).find_map(|(ttl, answer)| Some(Suspicion::Translated { ttl, to: answer.rewritten()? }))
}

fn fronted(trace: &Trace) -> Option<Suspicion> {
    let is_in_its_name = |answer: &HopAnswer| answer.from == trace.target && answer.kind.is_on_the_way();
    answers(trace).find_map(|(ttl, answer)| is_in_its_name(answer).then_some(Suspicion::Fronted { ttl }))
}

fn nearer(by_tcp: &[&Trace], by_others: &[&Trace]) -> Option<Suspicion> {
    let in_its_name =
        |trace: &&Trace| answers(trace).filter(|(_, answer)| is_handshake(trace, answer)).map(|(ttl, _)| ttl).min();
    let ttl = by_tcp.iter().filter_map(in_its_name).min()?;
    let length =
        |trace: &&Trace| answers(trace).filter(|(_, answer)| trace.is_witness(answer)).map(|(ttl, _)| ttl).max();
    // The shortest that the way is said to be, among those that say as much.
    let way = by_others.iter().filter_map(length).min()?;
    (way >= ttl.saturating_add(NEARER)).then_some(Suspicion::Nearer { ttl, way })
}

fn sooner(by_tcp: &[&Trace], by_others: &[&Trace], connected: Option<Rtt>) -> Option<Suspicion> {
    let times = |trace: &&Trace| {
        let theirs = answers(trace).filter(|(_, answer)| is_handshake(trace, answer)).map(|(_, answer)| answer.rtt_ns);
        theirs.filter(|rtt| *rtt >= Rtt::SHORTEST).min()
    };
    let handshake = by_tcp.iter().filter_map(times).chain(connected).min()?;
    let echo = by_others.iter().filter_map(|trace| trace.target_rtt()).map(|(rtt, _)| rtt).min()?;
    handshake.is_of_another_host(echo).then_some(Suspicion::Sooner { handshake, echo })
}

/// What this trace itself was answered: what was taken over says something of the way to another.
fn answers(trace: &Trace) -> impl Iterator<Item = (u8, &HopAnswer)> {
    let measured = trace.hops.iter().filter(|hop| hop.inherited.is_none());
    measured.flat_map(|hop| hop.answers.iter().map(|answer| (hop.ttl, answer)))
}

/// Whether it is what the target, or somebody in its name, says to TCP.
fn is_handshake(trace: &Trace, answer: &HopAnswer) -> bool {
    answer.kind.is_of_tcp() && answer.from == trace.target
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::extras::Extras;
    use crate::trace::tests::{router, target};
    use crate::trace::{AnswerKind, Ending, Hop};

    fn answer(from: IpAddr, ms: f64, kind: AnswerKind) -> HopAnswer {
        let rtt_ns = Rtt::from_ms(ms).unwrap();
        HopAnswer { from, rtt_ns, kind, late: false, unmatched: false, extras: None }
    }

    /// So many routers, a millisecond each, and then what the target says.
    fn trace(protocol: Protocol, routers: u8, ms: f64, kind: AnswerKind) -> Trace {
        let way = (1..=routers).map(|ttl| (ttl, answer(router(ttl), f64::from(ttl), AnswerKind::TimeExceeded)));
        let hops = way.chain([(routers + 1, answer(target(), ms, kind))]);
        let hops = hops.map(|(ttl, answer)| Hop { ttl, answers: vec![answer], silent: 0, inherited: None }).collect();
        let started = jiff::Timestamp::UNIX_EPOCH;
        Trace { target: target(), protocol, started, port: None, flow: None, hops, ending: Ending::Reached }
    }

    fn echo(routers: u8, ms: f64) -> Trace {
        trace(Protocol::Icmp, routers, ms, AnswerKind::EchoReply)
    }

    fn found(traces: &[Trace]) -> Vec<Suspicion> {
        suspicions(traces, target(), None)
    }

    #[test]
    fn an_honest_way_gives_no_reason() {
        for kind in [AnswerKind::SynAck, AnswerKind::Reset] {
            for (routers, ms) in [(9, 40.0), (7, 40.0), (11, 40.0), (9, 30.1), (9, 400.0)] {
                assert_eq!(found(&[echo(9, 40.0), trace(Protocol::Tcp, routers, ms, kind)]), [], "{routers} {ms}");
            }
        }
        assert_eq!(found(&[trace(Protocol::Tcp, 1, 0.3, AnswerKind::SynAck)]), [], "nothing to hold it against");
    }

    #[test]
    fn who_answers_tcp_from_nearer_or_sooner_is_another() {
        let far = echo(9, 40.0);
        let near = |routers, ms| trace(Protocol::Tcp, routers, ms, AnswerKind::SynAck);
        assert_eq!(found(&[far.clone(), near(6, 38.0)]), [Suspicion::Nearer { ttl: 7, way: 10 }]);
        let times = Suspicion::Sooner { handshake: Rtt::from_ms(26.0).unwrap(), echo: Rtt::from_ms(40.0).unwrap() };
        assert_eq!(found(&[far.clone(), near(9, 26.0)]), [times]);
        assert_eq!(found(&[near(2, 3.0), far.clone()]).len(), 2, "whichever came first");
        assert_eq!(suspicions([&far], target(), Rtt::from_ms(26.0)), [times], "by a connection");
        assert_eq!(suspicions([&far], target(), Rtt::from_ms(31.0)), []);
        let mut elsewhere = near(2, 3.0);
        elsewhere.target = router(7);
        assert_eq!(found(&[echo(9, 40.0), elsewhere]), []);
    }

    #[test]
    fn the_length_of_a_way_is_that_of_its_witnesses() {
        let mut way = echo(9, 40.0);
        way.hops.truncate(4);
        let near = trace(Protocol::Tcp, 1, 3.0, AnswerKind::SynAck);
        assert_eq!(found(&[way.clone(), near.clone()]), []);
        way.hops[3].ttl = 5;
        assert_eq!(found(&[way.clone(), near.clone()]), [Suspicion::Nearer { ttl: 2, way: 5 }]);
        way.hops[3].answers[0].unmatched = true;
        assert_eq!(found(&[way, near]), []);
    }

    #[test]
    fn who_is_sent_elsewhere_is_translated() {
        let mut way = echo(4, 40.0);
        let to = router(77);
        for hop in &mut way.hops[2..4] {
            hop.answers[0].extras = Some(Box::new(Extras { rewritten: Some(to), ..Extras::default() }));
        }
        assert_eq!(found(&[way.clone(), way]), [Suspicion::Translated { ttl: 3, to }]);
    }

    #[test]
    fn who_says_in_the_name_of_the_target_that_hops_ran_out_is_a_translator_before_it() {
        let mut way = echo(6, 40.0);
        for hop in &mut way.hops[3..5] {
            hop.answers = vec![answer(target(), 9.0, AnswerKind::TimeExceeded)];
        }
        assert_eq!(found(&[way.clone(), echo(4, 40.0), way.clone()]), [Suspicion::Fronted { ttl: 4 }]);
        way.hops.truncate(4);
        assert_eq!(
            found(&[way.clone()]),
            [Suspicion::Fronted { ttl: 4 }],
            "also where nobody is known to be behind it"
        );
        way.hops[3].inherited = Some(jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(found(&[way]), []);
    }

    #[test]
    fn every_suspicion_is_told_in_its_own_words() {
        let (handshake, echo) = (Rtt::from_ms(1.0).unwrap(), Rtt::from_ms(40.0).unwrap());
        for (suspicion, words) in [
            (Suspicion::Translated { ttl: 3, to: router(7) }, "at hop 3 with 198.18.0.7 as their destination"),
            (Suspicion::Fronted { ttl: 3 }, "at hop 3 in the name of the target"),
            (Suspicion::Nearer { ttl: 2, way: 9 }, "from hop 2, and other probes go on to hop 9"),
            (Suspicion::Sooner { handshake, echo }, "in 1.000 ms, and other probes in 40.000 ms"),
        ] {
            assert!(suspicion.to_string().contains(words), "{suspicion}");
        }
    }

    #[test]
    fn what_was_taken_over_makes_nobody_suspicious() {
        let taken_over = |mut trace: Trace| {
            for hop in &mut trace.hops {
                hop.inherited = Some(jiff::Timestamp::UNIX_EPOCH);
            }
            trace
        };
        let (tcp, echo) = (trace(Protocol::Tcp, 4, 5.0, AnswerKind::SynAck), echo(9, 40.0));
        assert!(!found(&[tcp.clone(), echo.clone()]).is_empty());
        assert_eq!(found(&[tcp.clone(), taken_over(echo.clone())]), []);
        assert_eq!(found(&[taken_over(tcp), echo]), []);
    }
}
