//! All the ways to an address as a JSON object, for a line of its own. No other tool has this form: it is ours.
//!
//! | where | field | says |
//! |---|---|---|
//! | object | `type` | `multipath`, always |
//! | object | `name`, `target` | the name that was asked for, where it was one; the address |
//! | object | `protocol` | what was really sent: `icmp`, `udp` |
//! | object | `vantage` | the name of who traced, where it has one |
//! | object | `started`, `ended` | when, to the nanosecond (RFC 3339) |
//! | object | `method`, `confidence` | `lite` or `full`; how sure each hop was to be, 0.5 to 0.999 |
//! | object | `probes` | how many were sent, at most |
//! | object | `completion` | `whole`; `spent`: the bound of probes came first; `stopped` |
//! | object | `ending` | as of a trace ([`Ending`]) |
//! | hop | `ttl`, `flows`, `silent` | how far; how many flows were asked; how many of them nobody answered |
//! | hop | `assurance` | whether there is nobody else, on ways that flows of `protocol` can tell apart ([`Assurance`]) |
//! | vertex | `address`, `rtt_ms`, `flows`, `kind` | who answered, the shortest time, how many flows, what was said ([`AnswerKind`]) |
//! | vertex | `unmatched` | no answer said to which probe it was: the time is an upper bound, and anybody may have sent it |
//! | edge | `from`, `to`, `flows` | who of the hop before was met before whom of this one, by how many flows |
//! | diamond | `parts_at`, `meets_at`, `length` | the TTLs of the hops round it (0 is this host), and how far apart they are |
//! | diamond | `width`, `meshed`, `asymmetry` | the most vertices of a hop; more edges than link all; how uneven (0: even) |
//! | diamond | `thorough` | next hops were looked for behind every vertex by itself |

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::Mapped;
use crate::moment::Rtt;
use crate::trace::multipath::{Assurance, Completion, Diamond, Edge, MultipathHop, Vertex};
use crate::trace::{AnswerKind, Ending};
use crate::workload::HostName;

/// What `type` says.
pub const KIND: &str = "multipath";

/// One object.
#[derive(Debug, Serialize)]
pub struct MultipathResult<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    target: IpAddr,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vantage: Option<&'a str>,
    started: Timestamp,
    ended: Timestamp,
    method: &'static str,
    confidence: f64,
    probes: usize,
    completion: Completion,
    ending: Ending,
    hops: Vec<WrittenHop>,
    diamonds: Vec<WrittenDiamond>,
}

#[derive(Debug, Serialize)]
struct WrittenHop {
    ttl: u8,
    assurance: Assurance,
    flows: usize,
    silent: usize,
    vertices: Vec<WrittenVertex>,
    edges: Vec<WrittenEdge>,
}

#[derive(Debug, Serialize)]
struct WrittenVertex {
    address: IpAddr,
    rtt_ms: f64,
    flows: usize,
    kind: AnswerKind,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unmatched: bool,
}

#[derive(Debug, Serialize)]
struct WrittenEdge {
    from: IpAddr,
    to: IpAddr,
    flows: usize,
}

#[derive(Debug, Serialize)]
struct WrittenDiamond {
    parts_at: u8,
    meets_at: u8,
    length: u8,
    width: usize,
    meshed: bool,
    asymmetry: usize,
    thorough: bool,
}

impl<'a> MultipathResult<'a> {
    /// The object of ways that were looked for from `vantage`.
    pub fn new(mapped: &'a Mapped, vantage: Option<&'a str>) -> Self {
        let paths = &mapped.paths;
        Self {
            kind: KIND,
            name: mapped.name.as_ref().map(HostName::as_str),
            target: paths.target,
            protocol: paths.protocol.as_str(),
            vantage,
            started: paths.started,
            ended: mapped.ended,
            method: paths.method.as_str(),
            confidence: paths.confidence.probability(),
            probes: paths.probes,
            completion: paths.completion,
            ending: paths.ending,
            hops: paths.hops.iter().map(WrittenHop::new).collect(),
            diamonds: paths.diamonds.iter().map(WrittenDiamond::new).collect(),
        }
    }
}

impl WrittenHop {
    fn new(hop: &MultipathHop) -> Self {
        Self {
            ttl: hop.ttl,
            assurance: hop.assurance,
            flows: hop.flows,
            silent: hop.silent,
            vertices: hop.vertices.iter().map(WrittenVertex::new).collect(),
            edges: hop.edges.iter().map(|&Edge { from, to, flows }| WrittenEdge { from, to, flows }).collect(),
        }
    }
}

impl WrittenVertex {
    fn new(vertex: &Vertex) -> Self {
        let &Vertex { address, flows, rtt, kind, unmatched } = vertex;
        Self { address, rtt_ms: Rtt::ms(rtt), flows, kind, unmatched }
    }
}

impl WrittenDiamond {
    fn new(diamond: &Diamond) -> Self {
        let &Diamond { parts_at, meets_at, width, meshed, asymmetry, thorough } = diamond;
        Self { parts_at, meets_at, length: diamond.length(), width, meshed, asymmetry, thorough }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::network::Protocol;
    use crate::trace::multipath::{Confidence, Method, Multipaths};

    fn vertex(last: u8, flows: usize, microseconds: u64) -> Vertex {
        Vertex {
            address: [203, 101, 184, last].into(),
            flows,
            rtt: Rtt::from_duration(std::time::Duration::from_micros(microseconds)),
            kind: if last == 84 { AnswerKind::PortUnreachable } else { AnswerKind::TimeExceeded },
            unmatched: false,
        }
    }

    fn edge(from: u8, to: u8, flows: usize) -> Edge {
        Edge { from: [203, 101, 184, from].into(), to: [203, 101, 184, to].into(), flows }
    }

    /// Two ways that mesh, and a silent hop.
    pub(in crate::export) fn example() -> Mapped {
        let hop = |ttl, vertices: Vec<Vertex>, edges, silent, assurance| {
            let flows = vertices.iter().map(|vertex| vertex.flows).sum::<usize>() + silent;
            MultipathHop { ttl, vertices, edges, flows, silent, assurance }
        };
        let meshed = vec![edge(2, 4, 6), edge(3, 4, 3), edge(3, 5, 3)];
        let unmatched = Vertex { unmatched: true, ..vertex(5, 6, 4700) };
        let paths = Multipaths {
            target: [203, 101, 184, 84].into(),
            protocol: Protocol::Udp,
            started: "2026-06-01T12:00:00Z".parse().unwrap(),
            method: Method::Lite,
            confidence: Confidence::default(),
            probes: 61,
            completion: Completion::Whole,
            ending: Ending::Reached,
            hops: vec![
                hop(1, vec![vertex(1, 6, 412)], vec![], 0, Assurance::Stated),
                hop(
                    2,
                    vec![vertex(2, 9, 3201), vertex(3, 8, 3310)],
                    vec![edge(1, 2, 4), edge(1, 3, 2)],
                    0,
                    Assurance::Stated,
                ),
                hop(3, vec![vertex(4, 9, 4500), unmatched], meshed, 2, Assurance::Doubtful),
                hop(4, vec![], vec![], 6, Assurance::Silent),
                hop(5, vec![vertex(84, 6, 41_932)], vec![], 0, Assurance::Stated),
            ],
            diamonds: vec![Diamond { parts_at: 1, meets_at: 4, width: 2, meshed: true, asymmetry: 1, thorough: true }],
        };
        Mapped { name: Some("pakistan.gov.pk".parse().unwrap()), paths, ended: "2026-06-01T12:00:02Z".parse().unwrap() }
    }

    #[test]
    fn the_object_is_as_its_table_says() {
        let mut mapped = example();
        mapped.paths.hops.drain(..2);
        mapped.paths.hops.truncate(1);
        let expected = concat!(
            r#"{"type":"multipath","name":"pakistan.gov.pk","target":"203.101.184.84","protocol":"udp","vantage":"khi-1","#,
            r#""started":"2026-06-01T12:00:00Z","ended":"2026-06-01T12:00:02Z","method":"lite","confidence":0.95,"#,
            r#""probes":61,"completion":"whole","ending":"reached","hops":[{"ttl":3,"assurance":"doubtful","flows":17,"#,
            r#""silent":2,"vertices":[{"address":"203.101.184.4","rtt_ms":4.5,"flows":9,"kind":"time-exceeded"},"#,
            r#"{"address":"203.101.184.5","rtt_ms":4.7,"flows":6,"kind":"time-exceeded","unmatched":true}],"#,
            r#""edges":[{"from":"203.101.184.2","to":"203.101.184.4","flows":6},"#,
            r#"{"from":"203.101.184.3","to":"203.101.184.4","flows":3},"#,
            r#"{"from":"203.101.184.3","to":"203.101.184.5","flows":3}]}],"#,
            r#""diamonds":[{"parts_at":1,"meets_at":4,"length":3,"width":2,"meshed":true,"asymmetry":1,"thorough":true}]}"#,
        );
        assert_eq!(serde_json::to_string(&MultipathResult::new(&mapped, Some("khi-1"))).unwrap(), expected);
    }
}
