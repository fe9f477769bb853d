//! The words of an alert: its labels, its static summary and its evidence. Text that comes from strangers is made
//! printable on the way.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Labels, Severity};
use crate::observation::Declared;
use crate::printable::{Escaped, Printable};
use crate::vantage::VantageId;
use crate::verdict::{Finding, RuleId, Verdict};
use crate::workload::Endpoint;

/// The most findings whose evidence one description tells.
const FINDINGS_TOLD: usize = 8;
/// The most facts told of one finding.
const FACTS_TOLD: usize = 6;

/// The label set by which receivers know the alert, its values uncut: two alerts never share one. A workload without a class has no label `class`: Alertmanager takes
/// an empty label for none.
pub(super) fn labels(
    endpoint: &Endpoint,
    rule: RuleId,
    severity: Severity,
    declared: &Declared,
    vantage: &VantageId,
) -> Labels {
    let class = declared.class.as_ref().map(|class| ("class", class.0.as_str()));
    let texts = [
        ("workload", declared.workload.0.as_str()),
        ("entity", &declared.entity),
        ("jurisdiction", &declared.jurisdiction.0),
        ("endpoint", endpoint.as_str()),
        ("vantage", &vantage.0),
    ];
    let shown = texts.into_iter().chain(class).map(|(name, text)| (name.to_owned(), Escaped(text).to_string()));
    let own = [
        ("alertname".to_owned(), alert_name(rule)),
        ("severity".to_owned(), severity.as_str().to_owned()),
        ("rule".to_owned(), rule.as_str().to_owned()),
    ];
    shown.chain(own).filter(|(_, value)| !value.is_empty()).collect()
}

/// `Pehra` and the rule's name in camel case: `PehraDestinationOutside`.
fn alert_name(rule: RuleId) -> String {
    let mut name = String::from("Pehra");
    for word in rule.as_str().split('-') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The annotations of the alert on what `rule` found.
pub(super) fn annotations(
    verdict: &Verdict,
    rule: RuleId,
    declared: &Declared,
    runbook_base: Option<&str>,
) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::from([
        ("summary".to_owned(), summary(rule).to_owned()),
        ("description".to_owned(), description(verdict, rule, declared)),
    ]);
    if let Some(base) = runbook_base {
        annotations.insert("runbook_url".to_owned(), format!("{base}{rule}"));
    }
    annotations
}

fn description(verdict: &Verdict, rule: RuleId, declared: &Declared) -> String {
    let findings: Vec<&Finding> = verdict.findings.iter().filter(|finding| finding.rule == rule).collect();
    let mut text = format!(
        "{} of {} ({}), seen from {} at {:.0}:",
        Printable(verdict.endpoint.as_str()),
        Printable(&declared.workload.0),
        Printable(&declared.entity),
        Printable(&verdict.vantage.0),
        verdict.observed,
    );
    for finding in findings.iter().take(FINDINGS_TOLD) {
        tell(&mut text, finding);
    }
    if findings.len() > FINDINGS_TOLD {
        let _ = write!(text, " And {} more.", findings.len() - FINDINGS_TOLD);
    }
    text
}

fn tell(text: &mut String, finding: &Finding) {
    let _ = write!(text, " {}", finding.standing);
    if let Some(address) = finding.address {
        let _ = write!(text, " at {address}");
    }
    if let Some(grade) = finding.grade {
        let _ = write!(text, ", {grade}");
    }
    for (index, fact) in finding.because.iter().take(FACTS_TOLD).enumerate() {
        let _ = write!(text, "{} {}", if index == 0 { ":" } else { ";" }, Printable(fact));
    }
    text.push('.');
}

fn summary(rule: RuleId) -> &'static str {
    match rule {
        RuleId::DestinationOutside => "A workload that must stay at home is served from abroad.",
        RuleId::DestinationUnproven => "It cannot be told where a workload that must stay at home is served from.",
        RuleId::DestinationConflict => "The evidence on where a workload is served from contradicts itself.",
        RuleId::EdgeOpaque => "A workload that must stay at home is served by a shared edge of unknown place.",
        RuleId::EdgeOutside => "A workload that must stay at home is served by a shared edge abroad.",
        RuleId::PathOutside => "Traffic to a workload that must stay at home leaves the country on its way.",
        RuleId::NameserverOutside => "The zone of a workload that must stay at home is served from abroad.",
        RuleId::MailOutside => "The mail of a workload that must stay at home is taken abroad.",
        RuleId::AliasOutside => "The name of a workload that must stay at home is in the hands of a foreign operator.",
        RuleId::RedirectOutside => "The pages of a workload that must stay at home send people abroad.",
        RuleId::ViewDivergence => "Resolvers disagree on where a workload is, or lead nowhere that can be reached.",
        RuleId::ProviderUnaccredited => "A workload runs on a provider that may not run it.",
        RuleId::ProviderLapsed => "A workload runs on a provider that no longer may run it.",
        RuleId::ProviderUnknown => "It is not known who runs a workload, or they are not in the register.",
        RuleId::ClassMissing => "A workload declares no class of data.",
        RuleId::NocExpired => "The no-objection certificate of a workload has expired.",
        RuleId::NocExpiring => "The no-objection certificate of a workload expires soon.",
        RuleId::Unresolvable => "The name of a workload leads to no address.",
        RuleId::Unreachable => "No address of a workload answers.",
        RuleId::Stale => "A workload has not been observed for too long.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::location::Grade;
    use crate::verdict::Standing;
    use crate::workload::{DataClass, Jurisdiction, WorkloadId};

    fn declared(entity: &str, class: Option<&str>) -> Declared {
        Declared {
            workload: WorkloadId("land-records".to_owned()),
            entity: entity.to_owned(),
            jurisdiction: Jurisdiction("punjab".to_owned()),
            class: class.map(|class| DataClass(class.to_owned())),
            provider: None,
        }
    }

    fn verdict(findings: Vec<Finding>) -> Verdict {
        Verdict {
            endpoint: "https://portal.example.gov.pk".parse().unwrap(),
            vantage: VantageId("ntc-isb-1".to_owned()),
            observed: "2026-11-21T10:00:00.25Z".parse().unwrap(),
            standing: Standing::Breach,
            findings,
            policy: Digest::ZERO,
        }
    }

    fn outside(address: &str, because: &[&str]) -> Finding {
        Finding {
            rule: RuleId::DestinationOutside,
            standing: Standing::Breach,
            address: Some(address.parse().unwrap()),
            grade: Some(Grade::Proven),
            because: because.iter().map(|fact| (*fact).to_owned()).collect(),
        }
    }

    #[test]
    fn every_rule_has_a_name_and_a_summary_that_is_a_sentence() {
        assert_eq!(alert_name(RuleId::DestinationOutside), "PehraDestinationOutside");
        assert_eq!(alert_name(RuleId::Stale), "PehraStale");
        for rule in RuleId::ALL {
            assert!(summary(rule).ends_with('.') && summary(rule).starts_with(char::is_uppercase), "{rule}");
        }
    }

    #[test]
    fn an_alert_is_known_by_the_labels_of_the_contract() {
        let endpoint = verdict(vec![]).endpoint;
        let vantage = VantageId("ntc-isb-1".to_owned());
        let declared = declared("Punjab Land Records Authority", Some("restricted"));
        let labels = labels(&endpoint, RuleId::DestinationOutside, Severity::Critical, &declared, &vantage);
        let listed: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            listed,
            [
                "alertname=PehraDestinationOutside",
                "class=restricted",
                "endpoint=https://portal.example.gov.pk",
                "entity=Punjab Land Records Authority",
                "jurisdiction=punjab",
                "rule=destination-outside",
                "severity=critical",
                "vantage=ntc-isb-1",
                "workload=land-records",
            ]
        );
    }

    #[test]
    fn long_endpoints_that_differ_at_their_ends_are_two_alerts() {
        let name = ["a", "b", "c", "d"].map(|letter| letter.repeat(60)).join(".");
        let labels_of = |port: u16| {
            let endpoint: Endpoint = format!("https://{name}:{port}").parse().unwrap();
            let vantage = VantageId("ntc-isb-1".to_owned());
            labels(&endpoint, RuleId::Stale, Severity::Info, &declared("PLRA\n", None), &vantage)
        };
        assert_ne!(labels_of(8001), labels_of(8002));
        assert_eq!(labels_of(8001)["entity"], "PLRA\\u{a}");
    }

    #[test]
    fn a_workload_without_a_class_has_no_such_label() {
        let (verdict, declared) = (verdict(vec![]), declared("", None));
        let labels = labels(&verdict.endpoint, RuleId::ClassMissing, Severity::Info, &declared, &verdict.vantage);
        assert!(!labels.contains_key("class") && !labels.contains_key("entity"));
    }

    #[test]
    fn the_description_tells_the_evidence_and_obeys_no_escape_in_it() {
        let verdict = verdict(vec![outside("203.0.113.9", &["1.2 ms from fra-1", "dbip says \u{1b}[31mDE"])]);
        let annotations = annotations(
            &verdict,
            RuleId::DestinationOutside,
            &declared("PLRA\n", Some("restricted")),
            Some("https://example.gov.pk/runbooks/"),
        );
        assert_eq!(
            annotations["description"],
            "https://portal.example.gov.pk of land-records (PLRA\\u{a}), seen from ntc-isb-1 at 2026-11-21T10:00:00Z: \
             breach at 203.0.113.9, proven: 1.2 ms from fra-1; dbip says \\u{1b}[31mDE."
        );
        assert_eq!(annotations["runbook_url"], "https://example.gov.pk/runbooks/destination-outside");
    }

    #[test]
    fn a_hundred_addresses_are_told_in_few_words() {
        let findings = (0..100).map(|n| outside(&format!("203.0.113.{n}"), &["x"; 50])).collect();
        let text = description(&verdict(findings), RuleId::DestinationOutside, &declared("PLRA", None));
        assert!(text.ends_with("And 92 more."), "{text}");
        assert!(text.len() < 2000);
    }
}
