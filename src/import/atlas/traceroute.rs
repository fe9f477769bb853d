//! The hops of a traceroute, and where it is one of ours what only ours say.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::import::record::{Fault, Record};
use crate::import::usable;
use crate::moment::Rtt;
use crate::trace::extras::{Extras, Label};
use crate::trace::refusal::Refusal;
use crate::trace::{AnswerKind, Ending, Hop, HopAnswer, Protocol, Trace};

#[derive(Deserialize)]
struct Traceroute {
    endtime: Option<i64>,
    paris_id: Option<u16>,
    port: Option<u16>,
    #[serde(default)]
    result: Vec<WrittenHop>,
    ending: Option<Ending>,
}

#[derive(Deserialize)]
struct WrittenHop {
    hop: Option<u8>,
    #[serde(default)]
    result: Vec<WrittenReply>,
    #[serde(default)]
    inherited: bool,
    measured: Option<Timestamp>,
}

#[derive(Deserialize)]
struct WrittenReply {
    from: Option<String>,
    rtt: Option<f64>,
    err: Option<WrittenError>,
    /// Where the probe that it answers was headed when it arrived, where somebody on the way had changed that.
    edst: Option<String>,
    icmpext: Option<WrittenExtension>,
    /// The TCP flags of the reply, by their initials.
    flags: Option<String>,
    late: Option<IgnoredAny>,
    dup: Option<IgnoredAny>,
    kind: Option<AnswerKind>,
    #[serde(default)]
    after_timeout: bool,
    #[serde(default)]
    unmatched: bool,
}

/// What an ICMP error says of why there is no way on.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenError {
    Letter(char),
    Code(u8),
    Other(IgnoredAny),
}

impl WrittenError {
    /// `None` for what nobody writes.
    fn read(&self) -> Option<Refusal> {
        Some(match self {
            Self::Letter('N') => Refusal::Network,
            Self::Letter('H') => Refusal::Host,
            Self::Letter('P') => Refusal::Protocol,
            Self::Letter('p') => Refusal::Port,
            Self::Letter('A') => Refusal::Prohibited,
            Self::Letter('h') => Refusal::Scope,
            Self::Code(code) => Refusal::Other(*code),
            Self::Letter(_) | Self::Other(IgnoredAny) => return None,
        })
    }
}

/// What an ICMP error tells by extensions (RFC 4884).
#[derive(Deserialize)]
struct WrittenExtension {
    /// 1 if it says where they begin.
    rfc4884: Option<u8>,
    #[serde(default)]
    obj: Vec<WrittenObject>,
}

/// Of one class of many; labels are of the class of MPLS.
#[derive(Deserialize)]
struct WrittenObject {
    #[serde(default)]
    mpls: Vec<Label>,
}

/// The path, and how long it took to trace it.
pub(super) fn read(
    record: Record<'_>,
    protocol: Protocol,
    target: IpAddr,
    started: Timestamp,
) -> Result<(Trace, Rtt), Fault> {
    let written: Traceroute = record.read()?;
    let seconds = written.endtime.map_or(0, |end| end.saturating_sub(started.as_second()));
    let elapsed = Rtt::from_duration(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    let mut hops: Vec<Hop> = written.result.iter().filter_map(|hop| hop.read(started)).collect();
    hops.sort_by_key(|hop| hop.ttl);
    let (port, flow) = (written.port, written.paris_id);
    let mut trace = Trace { target, protocol, started, port, flow, hops, ending: Ending::Reached };
    if let Some(ending) = written.ending {
        trace.ending = ending;
    } else if !trace.target_answered() {
        let last_is_silent = trace.hops.last().is_none_or(|hop| hop.answers.is_empty());
        trace.ending = if last_is_silent { Ending::Silent } else { Ending::Exhausted };
    }
    Ok((trace, elapsed))
}

impl WrittenHop {
    /// `None` for an entry that is no hop, such as the probe's own error.
    fn read(&self, started: Timestamp) -> Option<Hop> {
        let probes: Vec<_> = self.result.iter().filter(|reply| reply.is_to_its_probe()).collect();
        let answers: Vec<_> = probes.iter().filter_map(|reply| reply.read()).collect();
        let silent = probes.len().saturating_sub(answers.len());
        let inherited = self.measured.or(self.inherited.then_some(started));
        Some(Hop { ttl: self.hop?, answers, silent: u8::try_from(silent).unwrap_or(u8::MAX), inherited })
    }
}

impl WrittenReply {
    /// Whether it is the first answer to a probe of this hop; what came late was sent for an earlier one.
    fn is_to_its_probe(&self) -> bool {
        self.late.is_none() && self.dup.is_none()
    }

    /// `None` for silence, and for a reply without a usable time.
    fn read(&self) -> Option<HopAnswer> {
        let from = crate::import::address("from", self.from.as_deref()?).ok()?;
        let rtt_ns = usable(self.rtt?)?;
        let is_reset = self.flags.as_deref().is_some_and(|flags| flags.contains('R'));
        let kind = match (self.kind, &self.err) {
            (Some(kind), _) => kind,
            (None, Some(_)) => AnswerKind::Unreachable,
            (None, None) if is_reset => AnswerKind::Reset,
            (None, None) => AnswerKind::Unstated,
        };
        let rewritten = self.edst.as_deref().and_then(|edst| crate::import::address("edst", edst).ok());
        let unmatched = self.unmatched || (self.edst.is_some() && rewritten.is_none());
        let refusal = self.err.as_ref().filter(|_| kind == AnswerKind::Unreachable).and_then(WrittenError::read);
        let extras = self.extras(rewritten, refusal.and_then(|refusal| refusal.code(from)));
        Some(HopAnswer { from, rtt_ns, kind, late: self.after_timeout, unmatched, extras })
    }

    fn extras(&self, rewritten: Option<IpAddr>, code: Option<u8>) -> Option<Box<Extras>> {
        let objects = self.icmpext.iter().flat_map(|extension| &extension.obj);
        let labels: Vec<Label> = objects.flat_map(|object| &object.mpls).copied().collect();
        let is_unannounced = self.icmpext.as_ref().is_some_and(|extension| extension.rfc4884 == Some(0));
        let unannounced = is_unannounced && !labels.is_empty();
        let extras = Extras { labels, unannounced, rewritten, code };
        (extras != Extras::default()).then(|| Box::new(extras))
    }
}
