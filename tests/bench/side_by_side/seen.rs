//! What a tracer says it saw, read from its own output.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Deserialize;

/// What was seen on the way to each host: who answered at which distance, and the time that is said to have taken, in
/// nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen(pub(crate) BTreeMap<Ipv4Addr, Vec<Sight>>);

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sight {
    pub(crate) ttl: u8,
    pub(crate) from: Ipv4Addr,
    pub(crate) rtt_ns: Option<f64>,
}

impl Seen {
    fn add(&mut self, host: Ipv4Addr, ttl: u8, from: Ipv4Addr, rtt_ms: Option<f64>) {
        self.0.entry(host).or_default().push(Sight { ttl, from, rtt_ns: rtt_ms.map(|rtt| rtt * 1e6) });
    }

    /// Lines of `sc_warts2json`; those that are no traces are passed over.
    pub(crate) fn from_scamper(lines: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Line {
            #[serde(rename = "type")]
            kind: String,
            dst: Option<Ipv4Addr>,
            #[serde(default)]
            hops: Vec<Hop>,
        }
        #[derive(Deserialize)]
        struct Hop {
            addr: Ipv4Addr,
            probe_ttl: u8,
            rtt: f64,
        }
        let mut seen = Self::default();
        for line in lines.lines() {
            let line: Line = serde_json::from_str(line)?;
            if let (Some(host), "trace") = (line.dst, line.kind.as_str()) {
                line.hops.iter().for_each(|hop| seen.add(host, hop.probe_ttl, hop.addr, Some(hop.rtt)));
            }
        }
        Ok(seen)
    }

    /// Lines of RIPE Atlas traceroutes. Answers that were late have no time; a packet that nobody answered is no sight.
    pub(crate) fn from_atlas(lines: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Line {
            dst_addr: Ipv4Addr,
            #[serde(default)]
            result: Vec<Hop>,
        }
        #[derive(Deserialize)]
        struct Hop {
            #[serde(default)]
            hop: u8,
            #[serde(default)]
            result: Vec<Reply>,
        }
        #[derive(Deserialize)]
        struct Reply {
            from: Option<Ipv4Addr>,
            rtt: Option<f64>,
        }
        let mut seen = Self::default();
        for line in lines.lines() {
            let line: Line = serde_json::from_str(line)?;
            for hop in &line.result {
                for reply in &hop.result {
                    if let Some(from) = reply.from {
                        seen.add(line.dst_addr, hop.hop, from, reply.rtt);
                    }
                }
            }
        }
        Ok(seen)
    }

    /// Adds what `traceroute -n` printed of one host.
    pub(crate) fn add_traceroute(&mut self, host: Ipv4Addr, text: &str) {
        for line in text.lines() {
            let mut words = line.split_whitespace().peekable();
            let Some(ttl) = words.next().and_then(|word| word.parse().ok()) else { continue };
            let mut from = None;
            while let Some(word) = words.next() {
                if let Ok(address) = word.parse() {
                    from = Some(address);
                } else if let (Some(from), Ok(rtt), Some(&"ms")) = (from, word.parse(), words.peek()) {
                    self.add(host, ttl, from, Some(rtt));
                }
            }
        }
    }
}
