//! `pehra trace --multipath`: all the ways, where routers spread flows.

use super::network;
use crate::lab::{Lab, LongWay, Process, trace};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// Between the exchange and the government host, in both families: one router, three that mesh with two, and one.
const SPREAD: [[&[&str]; 4]; 2] = [
    [&["62.115.1.1"], &["62.115.2.1", "62.115.2.2", "62.115.2.3"], &["62.115.3.1", "62.115.3.2"], &["62.115.4.1"]],
    [
        &["2001:5a0:1::1"],
        &["2001:5a0:2::1", "2001:5a0:2::2", "2001:5a0:2::3"],
        &["2001:5a0:3::1", "2001:5a0:3::2"],
        &["2001:5a0:4::1"],
    ],
];

/// How many hops are before them: the provider and the exchange.
const BEFORE: usize = 2;

fn spread(lab: &Lab) -> Process {
    let levels = SPREAD.map(|family| family.map(|level| level.join("|")));
    let [v4, v6] =
        levels.each_ref().map(|family| [2, 4, 6, 8].into_iter().zip(family).map(|(ms, level)| (level.as_str(), ms)));
    let (v4, v6) = (v4.collect::<Vec<_>>(), v6.collect::<Vec<_>>());
    let way = |toward, routers| LongWay { toward, routers, reached_after: 10 };
    LongWay::start(lab, "ix", &[way("175.107.60.0/24", &v4), way("2407:e700::/32", &v6)])
}

pub(super) fn are_all_found() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _spread = spread(&lab);
    let means: [(bool, &[&str]); 3] = [(true, &["--protocol", "icmp"]), (true, &["--protocol", "udp"]), (false, &[])];
    for (family, target) in [net.v4("portal", "ix"), net.v6("portal", "ix")].into_iter().enumerate() {
        let target = target.to_string();
        for (is_capable, means) in means {
            let arguments =
                [means, &["--multipath", "--confidence", "0.999", "--rate", "1000", "--json", &target]].concat();
            // One run in a thousand may miss a router, two hardly ever the same; what is found must be there in each.
            let found = [0, 1].map(|_| {
                let line = lab.output("khi-1", &trace(is_capable, &arguments));
                let ways: Value = serde_json::from_str(&line).expect("one JSON object");
                assert_eq!((&ways["type"], &ways["ending"]), (&"multipath".into(), &"reached".into()), "{ways:#}");
                assert_eq!((&ways["completion"], &ways["hops"][3]["assurance"]), (&"whole".into(), &"stated".into()));
                assert!(ways["diamonds"][0]["meshed"] == true || ways["diamonds"][0]["width"] != 3, "{ways:#}");
                levels(&ways)
            });
            let union = |level: usize| found.iter().flat_map(|run| run[level].clone()).collect::<BTreeSet<_>>();
            assert!(found.iter().all(|run| run.len() == BEFORE + 5), "{found:#?}");
            for (level, there) in SPREAD[family].iter().enumerate() {
                let there: BTreeSet<IpAddr> = there.iter().map(|text| text.parse().expect("an address")).collect();
                assert_eq!(union(BEFORE + level), there, "{means:?}");
            }
            assert_eq!(union(BEFORE + 4), BTreeSet::from([target.parse().expect("an address")]));
        }
    }
}

/// Who is at each hop; every edge is between those.
fn levels(ways: &Value) -> Vec<BTreeSet<IpAddr>> {
    let address = |value: &Value| -> IpAddr { value.as_str().expect("text").parse().expect("an address") };
    let hops = ways["hops"].as_array().expect("hops");
    let all =
        |hop: &Value| hop["vertices"].as_array().expect("vertices").iter().map(|v| address(&v["address"])).collect();
    let levels: Vec<BTreeSet<IpAddr>> = hops.iter().map(all).collect();
    for (hop, pair) in hops[1..].iter().zip(levels.windows(2)) {
        let edges = hop["edges"].as_array().expect("edges");
        let is_between =
            |edge: &Value| pair[0].contains(&address(&edge["from"])) && pair[1].contains(&address(&edge["to"]));
        assert!(!edges.is_empty() && edges.iter().all(is_between), "{hop:#}");
    }
    levels
}

pub(super) fn are_told_to_a_person_and_refused_by_judge() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _spread = spread(&lab);
    let target = net.v4("portal", "ix").to_string();
    let told = lab.output("khi-1", &trace(true, &["--multipath=full", "--rate", "1000", "--numeric", &target]));
    let title = format!("{target} by icmp, all ways (full, 95 % a hop)\n      1  ");
    assert!(told.starts_with(&title) && told.contains("\nreached at hop 7, "), "{told}");
    assert!(told.contains("can tell apart, with 95 % at least"), "{told}");

    let traced = trace(true, &["--multipath", "--rate", "1000", "--json", &target]);
    let script = format!("{} | {} judge -", traced.join(" "), traced[0]);
    let judged = lab.run("khi-1", &["sh", "-c", &script]);
    let said = String::from_utf8(judged.stderr).expect("text");
    assert_eq!((judged.status.code(), judged.stdout.len()), (Some(65), 0), "{said}");
    assert!(said.contains("nothing but pehra trace --multipath: only traceroutes and pings"), "{said}");

    // What is named first is begun first: some of it is seen when the second target is told.
    let near = net.v4("isp", "khi-1").to_string();
    let mut pehra = lab.spawn("khi-1", &trace(true, &["--multipath", "--rate", "20", "--numeric", &target, &near]));
    pehra.wait_for_line("reached at hop 1", Duration::from_secs(10));
    pehra.signal("INT");
    pehra.wait_for_line(&format!("{target} by icmp, all ways"), Duration::from_secs(5));
    pehra.wait_for_line("incomplete: broken off", Duration::from_secs(5));
    pehra.wait_for_line("stopped: 1 paths traced, 1 in part, 0 not begun", Duration::from_secs(5));
    assert_eq!(pehra.wait(Duration::from_secs(5)).code(), Some(130));
}
