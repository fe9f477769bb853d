//! A workload without a class cannot be judged: that is a finding, never a default.

use super::Brief;
use crate::verdict::{Finding, RuleId};

/// The workload declares no class, or one that the policy does not know.
pub(super) fn missing(brief: &Brief<'_>) -> Vec<Finding> {
    let workload = &brief.dossier.subject.declared.workload;
    let says = match brief.class() {
        None => Some(format!("workload {workload} declares no class of data")),
        Some(class) if !brief.policy.classes.contains_key(class) => {
            Some(format!("workload {workload} declares class {class}, which the policy does not know"))
        }
        Some(_) => None,
    };
    says.and_then(|says| brief.about_endpoint(RuleId::ClassMissing, vec![says])).into_iter().collect()
}
