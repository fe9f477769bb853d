//! Outages and our own silence: never a breach, never compliant.

use super::Brief;
use crate::contact::Contact;
use crate::observation::Ping;
use crate::resolution::{Outcome, Resolution};
use crate::trace::Trace;
use crate::verdict::{Finding, RuleId};
use crate::workload::Host;

/// The name leads nowhere, by any view.
pub(super) fn unresolvable(brief: &Brief<'_>) -> Vec<Finding> {
    let subject = &brief.dossier.subject;
    let is_name = matches!(subject.endpoint.host(), Host::Name(_));
    if !is_name || !subject.addresses().is_empty() {
        return Vec::new();
    }
    let mut because: Vec<_> = subject.resolutions.iter().map(failure).collect();
    if because.is_empty() {
        because.push("no view was asked".to_owned());
    }
    brief.about_endpoint(RuleId::Unresolvable, because).into_iter().collect()
}

fn failure(resolution: &Resolution) -> String {
    let family = match resolution.family {
        crate::resolution::AddressFamily::A => "A",
        crate::resolution::AddressFamily::Aaaa => "AAAA",
    };
    let what = match &resolution.outcome {
        Outcome::Answered(_) => "answered without an address",
        Outcome::Failed(failure) => failure.as_str(),
    };
    format!("view {}: {family} {}: {what}", resolution.view, resolution.name)
}

/// No address of the endpoint answered in any way.
pub(super) fn unreachable(brief: &Brief<'_>) -> Vec<Finding> {
    let subject = &brief.dossier.subject;
    let addresses = subject.addresses();
    let tried = subject.traces.len() + subject.contacts.len() + subject.pings.len();
    let answered = subject.contacts.iter().any(Contact::answered)
        || subject.pings.iter().any(Ping::answered)
        || subject.traces.iter().any(Trace::target_answered);
    if addresses.is_empty() || tried == 0 || answered {
        return Vec::new();
    }
    let says = format!("none of {} addresses answered {tried} attempts", addresses.len());
    brief.about_endpoint(RuleId::Unreachable, vec![says]).into_iter().collect()
}

/// The last observation is too old to say anything of now.
pub(super) fn stale(brief: &Brief<'_>) -> Vec<Finding> {
    let (age, limit) = (brief.dossier.age_seconds(), brief.dossier.freshness_seconds);
    let says = || {
        let last = brief.dossier.subject.observed;
        format!("last observed at {last:.0}, {age} s ago; an observation counts for {limit} s")
    };
    (age > limit).then(|| brief.about_endpoint(RuleId::Stale, vec![says()])).flatten().into_iter().collect()
}
