//! Outages and our own silence: never a breach, never compliant.

use super::Brief;
use crate::contact::Contact;
use crate::location::Location;
use crate::observation::Ping;
use crate::resolution::{Outcome, Resolution};
use crate::trace::Trace;
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;
use crate::workload::Host;

/// The name leads nowhere, or a view did not say where: an address that it would have given may be anywhere.
pub(super) fn unresolvable<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let resolutions = &brief.dossier.subject.resolutions;
    let leads_nowhere = brief.dossier.found.is_empty();
    let unsaid = move |resolution: &&Resolution| leads_nowhere || says_nothing(&resolution.outcome);
    let is_told = !resolutions.is_empty() && !resolutions.iter().any(|resolution| unsaid(&resolution));
    if is_told || matches!(brief.dossier.subject.endpoint.host(), Host::Address(_)) {
        return Vec::new();
    }
    let because = move || match resolutions.as_slice() {
        [] => vec!["no view was asked".to_owned()],
        asked => asked.iter().filter(unsaid).map(failure).collect(),
    };
    brief.about_endpoint(RuleId::Unresolvable, because).into_iter().collect()
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

/// No address of the endpoint answered in any way, or one is never asked: nothing that is known of it is measured.
pub(super) fn unreachable<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let subject = &brief.dossier.subject;
    let addresses = brief.dossier.found.len();
    let traced = subject.traces.iter().filter(|trace| !trace.hops.is_empty()).count();
    let contacts = || subject.own_contacts();
    let tried = traced + contacts().count() + subject.pings.len();
    let answered = contacts().any(Contact::answered)
        || subject.pings.iter().any(Ping::answered)
        || subject.traces.iter().any(Trace::target_answered);
    if addresses == 0 || tried == 0 || answered {
        return denied(brief);
    }
    let says = move || vec![format!("none of {addresses} addresses answered {tried} attempts")];
    brief.about_endpoint(RuleId::Unreachable, says).into_iter().chain(denied(brief)).collect()
}

fn denied<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let ruling = |location: &Location<'_>| {
        let by = brief.dossier.subject.denies(location.address)?;
        let says = format!("{} is never sent anything: {by} is on the deny list", location.address);
        brief.about_address(RuleId::Unreachable, location, move || vec![says.clone()])
    };
    brief.locations().filter_map(ruling).collect()
}

/// The last observation is too old to say anything of now.
pub(super) fn stale<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let (age, limit) = (brief.dossier.age_seconds(), brief.dossier.freshness_seconds);
    let last = brief.dossier.subject.observed;
    let says = move || vec![format!("last observed at {last:.0}, {age} s ago; an observation counts for {limit} s")];
    (age > limit).then(|| brief.about_endpoint(RuleId::Stale, says)).flatten().into_iter().collect()
}
