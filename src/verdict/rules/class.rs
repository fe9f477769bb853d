//! A workload without a class cannot be judged: that is a finding, never a default.

use super::Brief;
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;

/// The workload declares no class, or one that the policy does not know.
pub(super) fn missing<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let (workload, class) = (&brief.dossier.subject.declared.workload, brief.class());
    if class.is_some_and(|class| brief.policy.classes.contains_key(class)) {
        return Vec::new();
    }
    let says = move || match class {
        None => format!("workload {workload} declares no class of data"),
        Some(class) => format!("workload {workload} declares class {class}, which the policy does not know"),
    };
    brief.about_endpoint(RuleId::ClassMissing, move || vec![says()]).into_iter().collect()
}
