//! What the whole is for.

use super::network;
use crate::lab::{Alertmanager, Instance, Lab, NameServer, Recursor, Settings, Zone, listen, wait_for};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const ENDPOINT: &str = "tcp://portal.example.gov.pk:443";
const HOME: &str = "portal A 175.107.60.1";
const ABROAD: &str = "portal A 88.198.1.2";
const TTL: u32 = 3;

/// A TTL, the round after it, and time for a busy machine; nowhere near the interval of an hour.
const SOON: Duration = Duration::from_secs(30);

pub(super) fn is_one_critical_alert_and_resolves() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _cable = network::lay_cable(&lab);
    let (home, abroad) = (net.v4("portal", "ix"), net.v4("abroad", "sea"));
    let _listeners =
        [listen(&lab, "portal", SocketAddr::new(home, 443)), listen(&lab, "abroad", SocketAddr::new(abroad, 443))];
    let zone = |records| Zone { name: "example.gov.pk", ttl: TTL, records };
    let (authority, resolver) = (home, net.v4("dns", "isp"));
    let server = NameServer::start(&lab, "portal", authority, &[zone(HOME)]);
    let _recursor = Recursor::start(&lab, "dns", resolver, authority, &["example.gov.pk"]);
    let alertmanager = Alertmanager::start(&lab, "khi-1");
    let settings = Settings {
        endpoints: &[ENDPOINT],
        resolver: Some(resolver),
        sections: network::REGISTER,
        interval: "1h",
        ..Settings::default()
    };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    pehra.wait_for_standing(ENDPOINT, "compliant", SOON);
    assert_eq!(alertmanager.alerts(), Vec::<serde_json::Value>::new());

    server.publish(&zone(ABROAD));
    let moved = Instant::now();
    pehra.wait_for_standing(ENDPOINT, "breach", SOON);
    let in_metrics = moved.elapsed();
    wait_for("an alert", SOON, || (!alertmanager.critical(ENDPOINT).is_empty()).then_some(()));
    let in_alertmanager = moved.elapsed();
    println!(
        "moved abroad (TTL {TTL} s): breach in the metrics after {in_metrics:.1?}, alert after {in_alertmanager:.1?}"
    );
    let unchanged = || pehra.metric("pehra_rounds_total", &[("outcome", "unchanged")]).unwrap_or_default();
    let before = unchanged();
    wait_for("rounds that find the name where it was", SOON, || (unchanged() >= before + 2.0).then_some(()));
    let alerts = alertmanager.critical(ENDPOINT);
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    assert_eq!(alerts[0]["alertname"], "PehraDestinationOutside");
    assert_eq!(alerts[0]["jurisdiction"], "punjab");

    server.publish(&zone(HOME));
    let moved = Instant::now();
    pehra.wait_for_standing(ENDPOINT, "compliant", SOON);
    wait_for("the alert to resolve", SOON, || alertmanager.critical(ENDPOINT).is_empty().then_some(()));
    println!("moved back: resolved after {:.1?}", moved.elapsed());
    assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));
}
