//! The judge: every rule is asked, exemptions are applied, the worst finding is the standing.

use std::cmp::Reverse;

use super::judgement::Ruling;
use super::policy::Policy;
use super::rules::{self, Brief};
use super::{Judgement, Standing};
use crate::dossier::Dossier;

/// What the policy makes of the endpoint. Total and pure: the same dossier and policy always give the same verdict.
pub fn judge<'a>(dossier: &'a Dossier<'a>, policy: &'a Policy) -> Judgement<'a> {
    let brief = Brief::new(dossier, policy);
    let mut rulings: Vec<_> = rules::RULES.iter().flat_map(|rule| rule(&brief)).collect();
    for ruling in &mut rulings {
        exempt(ruling, &brief);
    }
    rulings.sort_by_key(|ruling| (Reverse(ruling.standing), ruling.rule, ruling.address));
    Judgement { dossier, policy, rulings }
}

/// A finding that a certificate in force covers is exempt, and says by which. A notice needs no exemption.
fn exempt<'a>(ruling: &mut Ruling<'a>, brief: &Brief<'a>) {
    if ruling.standing == Standing::Notice {
        return;
    }
    let mut in_force = brief.nocs().filter(|noc| noc.until >= brief.today);
    if let Some(noc) = in_force.find(|noc| noc.rules.iter().any(|rule| rule == ruling.rule.as_str())) {
        ruling.standing = Standing::Exempt;
        ruling.covered = Some(noc);
    }
}
