//! Outages and our own silence: never a breach, never compliant.

use super::Brief;
use crate::contact::Contact;
use crate::observation::Ping;
use crate::resolution::{Outcome, Resolution};
use crate::trace::Trace;
use crate::verdict::{Finding, RuleId};
use crate::workload::Host;

/// The name leads nowhere, or a view did not say where: an address that it would have given may be anywhere.
pub(super) fn unresolvable(brief: &Brief<'_>) -> Vec<Finding> {
    let subject = &brief.dossier.subject;
    if matches!(subject.endpoint.host(), Host::Address(_)) {
        return Vec::new();
    }
    let leads_nowhere = subject.addresses().is_empty();
    let unsaid = |resolution: &&Resolution| leads_nowhere || says_nothing(&resolution.outcome);
    let mut because: Vec<_> = subject.resolutions.iter().filter(unsaid).map(failure).collect();
    if subject.resolutions.is_empty() {
        because.push("no view was asked".to_owned());
    }
    let finding = (!because.is_empty()).then(|| brief.about_endpoint(RuleId::Unresolvable, because));
    finding.flatten().into_iter().collect()
}

/// Whether an outcome leaves open which addresses there are.
fn says_nothing(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Answered(answer) => answer.left_out > 0,
        Outcome::Failed(failure) => !failure.is_an_answer(),
    }
}

fn failure(resolution: &Resolution) -> String {
    let family = match resolution.family {
        crate::resolution::AddressFamily::A => "A",
        crate::resolution::AddressFamily::Aaaa => "AAAA",
    };
    let what = match &resolution.outcome {
        Outcome::Answered(answer) if answer.left_out > 0 => format!("{} addresses were left out", answer.left_out),
        Outcome::Answered(_) => "answered without an address".to_owned(),
        Outcome::Failed(failure) => failure.as_str().to_owned(),
    };
    format!("view {}: {family} {}: {what}", resolution.view, resolution.name)
}

/// No address of the endpoint answered in any way.
pub(super) fn unreachable(brief: &Brief<'_>) -> Vec<Finding> {
    let subject = &brief.dossier.subject;
    let addresses = subject.addresses();
    let traced = subject.traces.iter().filter(|trace| !trace.hops.is_empty()).count();
    let tried = traced + subject.contacts.len() + subject.pings.len();
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
