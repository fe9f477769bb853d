use super::*;

fn alert(rule: &str, resolved: bool) -> Alert {
    Alert {
        labels: [("alertname".to_owned(), "Pehra".to_owned()), ("rule".to_owned(), rule.to_owned())].into(),
        annotations: [("summary".to_owned(), "Something.".to_owned())].into(),
        starts_at: "2026-11-21T10:00:00Z".parse().unwrap(),
        ends_at: "2026-11-21T10:04:00Z".parse().unwrap(),
        resolved,
    }
}

fn message(alerts: &[Alert]) -> serde_json::Value {
    serde_json::to_value(Message::of(&SinkId("hook".to_owned()), alerts)).unwrap()
}

#[test]
fn a_message_reads_like_one_of_alertmanager() {
    let expected = serde_json::json!({
        "version": "4", "receiver": "hook", "status": "firing", "groupKey": "pehra", "truncatedAlerts": 0,
        "groupLabels": {}, "commonLabels": {"alertname": "Pehra", "rule": "a"},
        "commonAnnotations": {"summary": "Something."}, "externalURL": "",
        "alerts": [{
            "status": "firing", "labels": {"alertname": "Pehra", "rule": "a"},
            "annotations": {"summary": "Something."}, "startsAt": "2026-11-21T10:00:00.000Z",
            "endsAt": "2026-11-21T10:04:00.000Z", "generatorURL": "", "fingerprint": "fc06b6477b014f91",
        }],
    });
    assert_eq!(message(&[alert("a", false)]), expected);
}

#[test]
fn a_message_is_resolved_when_all_of_it_is() {
    assert_eq!(message(&[alert("a", true), alert("b", true)])["status"], "resolved");
    let mixed = message(&[alert("a", true), alert("b", false)]);
    assert_eq!(mixed["status"], "firing");
    assert_eq!(mixed["commonLabels"], serde_json::json!({"alertname": "Pehra"}));
}
