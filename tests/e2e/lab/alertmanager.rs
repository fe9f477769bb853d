//! A real Alertmanager, and what it holds.

use super::{Lab, Process, START, wait_for};
use serde_json::Value;

/// An Alertmanager on port 9093 of the loopback of one node.
pub(crate) struct Alertmanager<'a> {
    lab: &'a Lab,
    node: &'static str,
    process: Process,
}

impl<'a> Alertmanager<'a> {
    /// Where it listens, as programs on its node see it.
    pub(crate) const URL: &'static str = "http://127.0.0.1:9093";

    /// Starts it, empty, and returns when it takes alerts.
    pub(crate) fn start(lab: &'a Lab, node: &'static str) -> Self {
        let config = lab.write("alertmanager.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n");
        let config = format!("--config.file={}", config.display());
        let storage = format!("--storage.path={}", lab.path("alertmanager").display());
        let listen = "--web.listen-address=127.0.0.1:9093";
        let process = lab.spawn(
            node,
            &["prometheus-alertmanager", &config, &storage, listen, "--cluster.listen-address=", "--log.level=debug"],
        );
        let alertmanager = Self { lab, node, process };
        wait_for("Alertmanager to be ready", START, || lab.get(node, "http://127.0.0.1:9093/-/ready"));
        alertmanager
    }

    /// The alerts that are firing now.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let body = self.lab.get(self.node, "http://127.0.0.1:9093/api/v2/alerts").expect("an answer of Alertmanager");
        serde_json::from_str(&body).expect("a list of alerts")
    }

    /// The labels of the critical alerts about an endpoint.
    pub(crate) fn critical(&self, endpoint: &str) -> Vec<Value> {
        self.about(endpoint).map(|mut alert| alert["labels"].take()).collect()
    }

    /// Since when the critical alerts about an endpoint fire.
    pub(crate) fn since(&self, endpoint: &str) -> Vec<Value> {
        self.about(endpoint).map(|mut alert| alert["startsAt"].take()).collect()
    }

    fn about(&self, endpoint: &str) -> impl Iterator<Item = Value> {
        let is_meant = move |labels: &Value| labels["severity"] == "critical" && labels["endpoint"] == endpoint;
        self.alerts().into_iter().filter(move |alert| is_meant(&alert["labels"]))
    }

    /// Ends it; it forgets every alert.
    pub(crate) fn stop(self) {
        self.process.kill();
    }
}
