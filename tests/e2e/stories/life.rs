//! How the daemon lives: it ends when told, keeps what it has when given nonsense, and outlives what it depends on.

use super::network;
use crate::lab::{
    Alertmanager, Instance, Lab, Settings, Topology, everywhere, judge, listen, rewrite_journal, state, wait_for,
};
use jiff::{SignedDuration, Timestamp};
use pehra::observation::Observation;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

pub(super) fn term_ends_it_with_rounds_in_flight() {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").silent_host("portal");
    net.link("khi-1", "isp", &["39.32.0.0/30"]).link("portal", "isp", &["175.107.60.0/30"]);
    let lab = Lab::up(&net);
    let endpoint = format!("tcp://{}:443", net.v4("portal", "isp"));
    let probing = "reply_timeout = \"20s\"";
    let settings = Settings { endpoints: &[&endpoint], probing, ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    wait_for("probes on their way", SOON, || pehra.metric("pehra_probes_sent_total", &[]).filter(|sent| *sent > 0.0));
    assert_eq!(pehra.journal().len(), 0, "the round is over already");
    assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));
}

pub(super) fn a_broken_configuration_is_refused() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let endpoint = format!("tcp://{}:443", net.v4("portal", "ix"));
    let settings = Settings { endpoints: &[&endpoint], sections: network::REGISTER, ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    pehra.wait_for_standing(&endpoint, "compliant", SOON);
    assert_eq!(pehra.metric("pehra_config_last_reload_successful", &[]), Some(1.0));
    pehra.reconfigure(&Settings { endpoints: &["gopher://nowhere"], sections: "[nonsense]\n", ..Settings::default() });
    pehra.process.signal("HUP");
    wait_for("the refusal", SOON, || {
        (pehra.metric("pehra_config_last_reload_successful", &[]) == Some(0.0)).then_some(())
    });
    let rounds = pehra.journal().len();
    let observations = pehra.wait_for_journal(rounds + 1);
    assert_eq!(observations[rounds].endpoint.to_string(), endpoint);
    pehra.reconfigure(&Settings { class: "secret", ..settings });
    pehra.process.signal("HUP");
    wait_for("the cure", SOON, || {
        pehra.metric("pehra_endpoint_standing", &[("endpoint", &endpoint), ("class", "secret")])
    });
    assert_eq!(pehra.metric("pehra_config_last_reload_successful", &[]), Some(1.0));
}

pub(super) fn a_full_disk_loses_nothing_that_was_written() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let endpoint = format!("tcp://{}:443", net.v4("portal", "ix"));
    let directory = state(&lab, "khi-1").display().to_string();
    let ballast = format!("{directory}/ballast");
    let mount = format!(
        "mkdir -p {directory}; mount -t tmpfs -o size=256k tmpfs {directory}; \
         dd if=/dev/zero of={ballast} bs=4k count=60 status=none"
    );
    lab.script(&mount);
    let settings =
        Settings { endpoints: &[&endpoint], sections: network::REGISTER, interval: "1s", ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    wait_for("the disk to be full", SOON, || {
        pehra.metric("pehra_rounds_total", &[("outcome", "unjournaled")]).filter(|rounds| *rounds > 0.0)
    });
    // What is in the journal counts until it is stale; what could not be written counts for nothing.
    pehra.wait_for_standing(&endpoint, "unproven", SOON);
    let stale = [("endpoint", endpoint.as_str()), ("rule", "stale")];
    assert_eq!(pehra.metric("pehra_endpoint_finding", &stale), Some(1.0));
    let written = pehra.journal();
    lab.script(&format!("rm {ballast}"));
    pehra.wait_for_journal(written.len() + 2);
    pehra.wait_for_standing(&endpoint, "compliant", SOON);
    assert_eq!(pehra.journal()[..written.len()], written);
}

pub(super) fn an_alertmanager_that_was_down_gets_the_alert_once() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _cable = network::lay_cable(&lab);
    let address = net.v4("abroad", "sea");
    let _listener = listen(&lab, "abroad", SocketAddr::new(address, 443));
    let endpoint = format!("tcp://{address}:443");
    let settings = Settings { endpoints: &[&endpoint], sections: network::REGISTER, ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    wait_for("a delivery to fail", SOON, || {
        pehra.metric("pehra_alert_deliveries_total", &[("outcome", "unreachable")]).filter(|failures| *failures > 0.0)
    });
    let alertmanager = Alertmanager::start(&lab, "khi-1");
    let is_there = || (!alertmanager.critical(&endpoint).is_empty()).then_some(());
    wait_for("the alert", SOON, is_there);
    let rounds = pehra.journal().len();
    pehra.wait_for_journal(rounds + 2);
    assert_eq!(alertmanager.critical(&endpoint).len(), 1);
    alertmanager.stop();
    let alertmanager = Alertmanager::start(&lab, "khi-1");
    wait_for("the alert again", SOON, || (!alertmanager.critical(&endpoint).is_empty()).then_some(()));
}

pub(super) fn a_killed_daemon_goes_on_where_it_was() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _cable = network::lay_cable(&lab);
    let address = net.v4("abroad", "sea");
    let _listener = listen(&lab, "abroad", SocketAddr::new(address, 443));
    let endpoint = format!("tcp://{address}:443");
    let settings = Settings { endpoints: &[&endpoint], sections: network::REGISTER, ..Settings::default() };
    let alertmanager = Alertmanager::start(&lab, "khi-1");
    let pehra = Instance::start(&lab, "khi-1", &settings);
    let since = || alertmanager.since(&endpoint).first().cloned();
    let raised = wait_for("the alert", SOON, since);
    let before = pehra.journal();
    pehra.process.signal("KILL");
    let pehra = Instance::start(&lab, "khi-1", &settings);
    let after = pehra.wait_for_journal(before.len() + 2);
    assert_eq!(after[..before.len()], before);
    assert_eq!(alertmanager.since(&endpoint), [raised], "one alert, raised when it was raised");
    pehra.process.signal("KILL");
    let at_home = network::REGISTER.replace("DE", "PK");
    let pehra = Instance::start(&lab, "khi-1", &Settings { sections: &at_home, ..settings });
    wait_for("the alert of a former life to resolve", SOON, || since().is_none().then_some(()));
    assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));
}

pub(super) fn what_was_known_of_a_vantage_is_known_after_a_restart() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (address, landmark) = (net.v4("portal", "ix"), net.v4("dns", "isp"));
    let endpoint = format!("tcp://{address}:443");
    // The landmark is the name server next door: whoever hears it so soon is not in Karachi.
    let sections = format!(
        "[[landmark]]\naddress = \"{landmark}\"\nname = \"frankfurt\"\ncountry = \"DE\"\nsource = \"the lab\"\n\
         latitude = 50.11\nlongitude = 8.68\n"
    );
    let settings = Settings { endpoints: &[&endpoint], sections: &sections, ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    wait_for("a round of the landmark and one of the endpoint", SOON, || {
        let journal = pehra.journal();
        (journal.iter().any(Observation::is_of_landmark) && !journal.iter().all(Observation::is_of_landmark))
            .then_some(())
    });
    let mut before = pehra.journal();
    assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));

    // What was measured counts from the next full hour on.
    for observation in &mut before {
        observation.observed -= SignedDuration::from_hours(1);
    }
    rewrite_journal(&lab, "khi-1", &before);
    let pehra = Instance::start(&lab, "khi-1", &settings);
    assert_eq!(pehra.metric("pehra_vantage_quarantined", &[("vantage", "khi-1")]), Some(1.0), "at once");
    let began = Timestamp::now();
    wait_for("a round of the endpoint", SOON, || {
        pehra.metric("pehra_endpoint_last_observation_timestamp_seconds", &[("endpoint", &endpoint)])
    });
    let proven = [("endpoint", endpoint.as_str()), ("grade", "proven")];
    assert_eq!(pehra.metric("pehra_endpoint_addresses", &proven), None, "nothing is proven from nowhere");
    let standing = pehra.standing(&endpoint);
    assert_eq!(pehra.terminate(Duration::from_secs(5)).code(), Some(0));

    let (lines, _) = judge(&lab, "khi-1", settings.class);
    let (after, earlier): (Vec<_>, Vec<_>) = lines.iter().partition(|line| {
        let observed = line["observed"].as_str().expect("a time");
        observed.parse::<Timestamp>().expect("a time") >= began - SignedDuration::from_mins(1)
    });
    assert!(earlier.iter().any(|line| line["grade"] == "proven"), "{earlier:#?}");
    assert!(after.iter().all(|line| line["standing"].as_str() == standing), "{standing:?}, {after:#?}");
}

pub(super) fn a_slow_endpoint_never_delays_another() {
    let mut net = Topology::default();
    net.host("khi-1").router("isp").silent_host("slow").host("quick");
    net.link("khi-1", "isp", &["39.32.0.0/30"]);
    net.link("slow", "isp", &["175.107.60.0/30"]).link("quick", "isp", &["175.107.60.4/30"]);
    let lab = Lab::up(&net);
    let [slow, quick] = ["slow", "quick"].map(|host| format!("tcp://{}:443", net.v4(host, "isp")));
    let probing = "reply_timeout = \"20s\"";
    let settings = Settings {
        endpoints: &[&slow, &quick],
        probing,
        interval: "1s",
        sections: network::REGISTER,
        ..Settings::default()
    };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    for observation in pehra.wait_for_journal(4) {
        assert_eq!(observation.endpoint.to_string(), quick);
    }
    assert_eq!((pehra.standing(&slow), pehra.standing(&quick)), (Some("unproven"), Some("compliant")));
    lab.output("khi-1", &["sh", "-ec", "curl --silent --fail http://127.0.0.1:19924/metrics | promtool check metrics"]);
}

pub(super) fn a_broken_database_is_refused() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let endpoint = format!("tcp://{}:443", net.v4("portal", "ix"));
    let database = lab.path("operator.mmdb");
    std::fs::write(&database, everywhere(*b"PK")).expect("a file");
    let sections =
        format!("{}[[geodb.database]]\nname = \"operator\"\npath = \"{}\"\n", network::REGISTER, database.display());
    let settings = Settings { endpoints: &[&endpoint], sections: &sections, ..Settings::default() };
    let pehra = Instance::start(&lab, "khi-1", &settings);
    let asks_operator = |observation: &Observation| {
        observation.databases.iter().find(|asked| asked.name == "operator").map(|asked| asked.sha256.to_string())
    };
    let good = asks_operator(&pehra.wait_for_journal(1)[0]).expect("the operator's database is asked");
    let whole = everywhere(*b"PK");
    let noise: Vec<u8> = (0..whole.len()).map(|index| (index * index % 251).to_le_bytes()[0]).collect();
    for broken in [&whole[..whole.len() / 2], &noise[..], &[]] {
        replace(&database, broken);
        pehra.process.signal("HUP");
        wait_for("the refusal", SOON, || {
            (pehra.metric("pehra_config_last_reload_successful", &[]) == Some(0.0)).then_some(())
        });
        let rounds = pehra.journal().len();
        let observations = pehra.wait_for_journal(rounds + 1);
        assert_eq!(asks_operator(&observations[rounds]), Some(good.clone()));
        replace(&database, &whole);
        pehra.process.signal("HUP");
        wait_for("the cure", SOON, || {
            (pehra.metric("pehra_config_last_reload_successful", &[]) == Some(1.0)).then_some(())
        });
    }
}

/// Puts a new file in the place of an old one, as every careful updater does.
fn replace(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    std::fs::write(&new, bytes).expect("a file");
    std::fs::rename(new, path).expect("a file to replace");
}
