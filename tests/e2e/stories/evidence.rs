//! What cannot be known from home: files of what vantages abroad measured make it provable.

use super::network;
use crate::lab::{Alertmanager, Instance, Lab, Settings, inspect, listen, wait_for};
use jiff::Timestamp;
use pehra::observation::Observation;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

const FRANKFURT: &str = "[[vantage]]\nid = \"atlas-1004\"\nlatitude = 50.11\nlongitude = 8.68\nuncertainty_km = 5\n";

/// A ping of RIPE Atlas from Frankfurt, now.
fn ping(address: IpAddr, ms: f64) -> String {
    let timestamp = Timestamp::now().as_second();
    format!(
        "{{\"type\":\"ping\",\"prb_id\":1004,\"timestamp\":{timestamp},\"af\":4,\"proto\":\"ICMP\",\
         \"dst_addr\":\"{address}\",\"dst_name\":\"{address}\",\"result\":[{{\"rtt\":{ms}}},{{\"rtt\":9.5}}]}}\n"
    )
}

pub(super) fn a_foreign_vantage_proves_outside() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _cable = network::lay_cable(&lab);
    let (address, landmark) = (net.v4("abroad", "sea"), net.v4("portal", "ix"));
    let _listener = listen(&lab, "abroad", SocketAddr::new(address, 443));
    let endpoint = format!("tcp://{address}:443");
    let vantages = lab.write("evidence/vantages.toml", FRANKFURT);
    let sections = format!(
        "[[evidence]]\nname = \"frankfurt\"\npath = \"{}\"\nvantages = \"{}\"\n\
         [[landmark]]\naddress = \"{landmark}\"\nname = \"portal\"\ncountry = \"PK\"\nsource = \"the lab\"\n",
        lab.path("evidence/*.json").display(),
        vantages.display(),
    );
    let settings = Settings { endpoints: &[&endpoint], sections: &sections, ..Settings::default() };
    let alertmanager = Alertmanager::start(&lab, "khi-1");
    let mut pehra = Instance::start(&lab, "khi-1", &settings);
    let source = [("source", "frankfurt")];
    let is_whole = |pehra: &Instance<'_>| pehra.metric("pehra_evidence_last_reload_successful", &source);
    assert_eq!(is_whole(&pehra), Some(0.0), "there is nothing to read");
    pehra.wait_for_journal(3);
    let outside = [("endpoint", endpoint.as_str()), ("place", "outside"), ("grade", "proven")];
    assert_eq!(pehra.metric("pehra_endpoint_addresses", &outside), None, "nothing is proven from home alone");
    assert_eq!(alertmanager.critical(&endpoint), Vec::<serde_json::Value>::new());

    let file = lab.write("evidence/one.json", &ping(address, 1.2));
    pehra.process.signal("HUP");
    pehra.wait_for_standing(&endpoint, "breach", SOON);
    wait_for("the alert", SOON, || (!alertmanager.critical(&endpoint).is_empty()).then_some(()));
    assert_eq!(alertmanager.critical(&endpoint)[0]["alertname"], "PehraDestinationOutside");
    assert_eq!(pehra.metric("pehra_endpoint_addresses", &outside), Some(1.0));
    assert_eq!((is_whole(&pehra), pehra.metric("pehra_evidence_observations", &source)), (Some(1.0), Some(1.0)));
    assert_eq!(pehra.metric("pehra_vantage_quarantined", &[("vantage", "atlas-1004")]), Some(0.0));
    let (lines, status) = inspect(&lab, "khi-1", &settings);
    assert_eq!((&lines[0]["place"], &lines[0]["grade"], status), (&"outside".into(), &"proven".into(), Some(2)));

    lab.write("evidence/one.json", "{\"type\":\"ping\",\n");
    pehra.process.signal("HUP");
    wait_for("the refusal", SOON, || (is_whole(&pehra) == Some(0.0)).then_some(()));
    pehra.process.wait_for_line(&format!("{}:1:", file.display()), SOON);
    assert_eq!(pehra.metric("pehra_config_last_reload_successful", &[]), Some(1.0));
    let rounds = pehra.journal().len();
    let journal = pehra.wait_for_journal(rounds + 4);
    assert_eq!(pehra.standing(&endpoint), Some("breach"), "what was read before counts");

    std::fs::remove_file(&file).expect("a file");
    pehra.process.signal("HUP");
    wait_for("it to be forgotten", SOON, || {
        pehra.metric("pehra_evidence_observations", &source).filter(|it| *it == 0.0)
    });
    let forgotten = pehra.journal().len();
    pehra.wait_for_journal(forgotten + 6);
    assert_eq!(pehra.metric("pehra_endpoint_addresses", &outside), None);
    assert_eq!(alertmanager.critical(&endpoint).len(), 1, "that nobody abroad looks any more clears nothing");

    assert!(journal[rounds..].iter().any(Observation::is_of_landmark), "landmarks are measured");
    assert_eq!(pehra.standing(&landmark.to_string()), None, "and not judged");
    assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));
}
