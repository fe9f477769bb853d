use std::net::Ipv4Addr;

use super::first_hop::{Late, Spread};
use super::internet::{Flows, Internet, Weather};
use super::packet::checksum;
use super::score::Score;
use super::seen::{Seen, Sight};
use super::world::{There, VANTAGE, World};

/// An echo request of one flow as it leaves the vantage.
fn probe(host: Ipv4Addr, ttl: u8, flow: u16) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 32, 0xab, ttl, 0, 0, ttl, 1, 0, 0];
    bytes.extend(VANTAGE.octets());
    bytes.extend(host.octets());
    let sum = checksum(&bytes);
    bytes[10..12].copy_from_slice(&sum);
    bytes.extend([8, 0]);
    bytes.extend(flow.to_be_bytes());
    bytes.extend([0, 7, 0, ttl, 1, 2, 3, 4]);
    bytes
}

/// Who answers, when, and with what.
fn ask(
    internet: &mut Internet<'_>,
    host: Ipv4Addr,
    ttl: u8,
    flow: u16,
    at_ns: u64,
) -> Option<(Ipv4Addr, u64, Vec<u8>)> {
    let mut answer = Vec::new();
    let delay = internet.answer(&probe(host, ttl, flow), at_ns, &mut answer)?;
    Some((Ipv4Addr::new(answer[12], answer[13], answer[14], answer[15]), delay, answer))
}

/// What a tracer that keeps its flow and loses nothing sees.
fn trace_all(internet: &mut Internet<'_>, hosts: &[Ipv4Addr]) -> Seen {
    let mut seen = Seen::default();
    for &host in hosts {
        let sights = seen.0.entry(host).or_default();
        for ttl in 1..=20 {
            if let Some((from, delay, _)) = ask(internet, host, ttl, 77, 0) {
                sights.push(Sight { ttl, from, rtt_ns: Some(super::float(delay)) });
            }
        }
    }
    seen
}

fn traced(weather: Weather) -> (World, Vec<Ipv4Addr>, Flows, Seen) {
    let world = World::new(1);
    let hosts = world.destinations(50);
    let mut internet = Internet::new(&world, weather);
    let seen = trace_all(&mut internet, &hosts);
    let (_, flows) = internet.finish();
    (world, hosts, flows, seen)
}

#[test]
fn the_internet_is_as_it_is_said_to_be() {
    let world = World::new(1);
    let hosts = world.destinations(5_000);
    let prefixes: std::collections::BTreeSet<_> = hosts.iter().map(|host| host.octets()[..3].to_vec()).collect();
    assert_eq!((prefixes.len(), world.destinations(20_000).len()), (300, 20_000));
    let (mut hops, mut silent, mut dead, mut branched, mut domestic) = (0, 0, 0, 0, 0);
    for &host in &hosts {
        let distance = world.distance(host).unwrap();
        assert!((12..=18).contains(&distance), "{host} is {distance} hops away");
        let mut before_ns = 0;
        for ttl in 1..distance {
            let Some(There::Router(index, router)) = world.at(host, ttl, 1) else { panic!("{host} {ttl}") };
            assert!(router.rtt_ns > before_ns && router.level == ttl, "{host} {ttl}");
            (before_ns, hops, silent) = (router.rtt_ns, hops + 1, silent + u32::from(router.silent));
            let others = (2..20).filter_map(|flow| world.at(host, ttl, flow));
            branched += u32::from(others.into_iter().any(|there| matches!(there, There::Router(i, _) if i != index)));
        }
        let Some(There::Host { rtt_ns, dead: is_dead }) = world.at(host, distance, 1) else { panic!("{host}") };
        assert!(rtt_ns > before_ns && (1_000_000..250_000_000).contains(&rtt_ns), "{host}: {rtt_ns} ns");
        assert!(!(35_000_000..40_000_000).contains(&rtt_ns), "{host}: {rtt_ns} ns");
        domestic += u32::from(rtt_ns < 35_000_000);
        dead += u32::from(is_dead);
    }
    assert!((1_000..2_000).contains(&domestic), "{domestic} hosts of 5,000 are domestic");
    assert!((200..300).contains(&dead), "{dead} hosts of 5,000 are dead");
    assert!((130..170).contains(&(silent * 1000 / hops)), "{silent} of {hops} hops are silent");
    assert!((30..150).contains(&(branched * 1000 / hops)), "{branched} of {hops} hops differ by flow");
}

#[test]
fn neighbours_need_not_share_a_path() {
    let world = World::new(1);
    let ways = |host: Ipv4Addr| -> Vec<Option<Ipv4Addr>> {
        let router = |ttl| match world.at(host, ttl, 1) {
            Some(There::Router(_, router)) => Some(router.address),
            Some(There::Host { .. }) | None => None,
        };
        (1..20).map(router).collect()
    };
    let of_prefix = |host: Ipv4Addr, last| Ipv4Addr::new(host.octets()[0], host.octets()[1], host.octets()[2], last);
    let hosts = world.destinations(300);
    let halved = hosts.iter().filter(|host| ways(of_prefix(**host, 1)) != ways(of_prefix(**host, 254))).count();
    assert!((15..45).contains(&halved), "{halved} of 300 prefixes are halved");
    assert!(hosts.iter().all(|host| ways(of_prefix(*host, 1)) == ways(of_prefix(*host, 127))));
}

#[test]
fn an_answer_is_the_true_routers_and_quotes_the_probe() {
    let world = World::new(1);
    let mut internet = Internet::new(&world, Weather::default());
    let (mut terse, mut labelled) = (0, 0);
    for host in world.destinations(50) {
        for ttl in 1..world.distance(host).unwrap() {
            let probe = probe(host, ttl, 77);
            let flow = super::packet::Probe::read(&probe).unwrap().flow();
            let Some(There::Router(_, router)) = world.at(host, ttl, flow) else { panic!("{host} {ttl}") };
            let answer = ask(&mut internet, host, ttl, 77, 0);
            assert_eq!(answer.is_none(), router.silent);
            let Some((from, delay, bytes)) = answer else { continue };
            assert_eq!(from, router.address);
            assert!((router.rtt_ns..router.rtt_ns + 200_000).contains(&delay));
            assert_eq!((checksum(&bytes[..20]), checksum(&bytes[20..])), ([0; 2], [0; 2]), "{host} {ttl}");
            assert_eq!((usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), bytes[20]), (bytes.len(), 11));
            let quoted = &bytes[28..];
            assert_eq!((checksum(&quoted[..20]), &quoted[4..6], quoted[8]), ([0; 2], &probe[4..6], 1));
            assert_eq!((&quoted[12..20], &quoted[20..28]), (&probe[12..20], &probe[20..28]));
            assert_eq!(router.terse, quoted.get(28..32) != Some(&probe[28..]));
            terse += u32::from(router.terse);
            labelled += u32::from(router.label.is_some());
            assert_eq!(router.label.is_some(), bytes[25] == 32 && bytes.len() == 28 + 128 + 12);
        }
    }
    assert!(terse > 100 && labelled > 50, "{terse} {labelled}");
}

#[test]
fn hosts_answer_echo_requests_datagrams_and_handshakes() {
    let world = World::new(1);
    let mut internet = Internet::new(&world, Weather::default());
    let host = world.destinations(50).into_iter().find(|host| ask(&mut internet, *host, 64, 1, 0).is_some()).unwrap();
    let (from, _, echo) = ask(&mut internet, host, 64, 1, 0).unwrap();
    assert_eq!((from, &echo[20..22], &echo[24..32]), (host, &[0, 0][..], &probe(host, 64, 1)[24..32]));
    let packet = |protocol: u8, body: &[u8]| {
        let mut bytes = probe(host, 64, 1)[..20].to_vec();
        bytes[9] = protocol;
        bytes.extend_from_slice(body);
        bytes
    };
    let mut answer = Vec::new();
    let datagram = packet(17, &[0x80, 0, 0x82, 0x9a, 0, 12, 0, 0, 1, 2, 3, 4]);
    internet.answer(&datagram, 0, &mut answer).unwrap();
    assert_eq!((answer[9], &answer[20..22], &answer[48..]), (1, &[3, 3][..], &datagram[20..]));
    for (port, flags) in [([1, 187], 0x12), ([0, 22], 0x14)] {
        let syn = [&[0x80, 0][..], &port, &[0, 0, 0, 5], &[0; 4], &[0x50, 2, 0, 0, 0, 0, 0, 0]].concat();
        internet.answer(&packet(6, &syn), 0, &mut answer).unwrap();
        let pseudo = [&answer[12..20], &[0, 6, 0, 20], &answer[20..]].concat();
        assert_eq!((answer[33], &answer[28..32], checksum(&pseudo)), (flags, &[0, 0, 0, 6][..], [0; 2]));
    }
}

#[test]
fn routers_keep_to_their_rate_and_losses_to_their_share() {
    let world = World::new(1);
    let host = world.destinations(1)[0];
    let weather = Weather { replies_a_second: Some(500), limited_levels: 2, lost_of_a_million: 0 };
    let mut internet = Internet::new(&world, weather);
    let mut answered = |ttl| (0..20_000).filter(|&i| ask(&mut internet, host, ttl, 1, i * 100_000).is_some()).count();
    assert!(answered(2) == 1_050, "500 a second for two seconds, and 50 at once");
    assert_eq!(answered(3), 20_000);
    assert_eq!(internet.finish().0.limited, 20_000 - 1_050);

    let weather = Weather { lost_of_a_million: 10_000, ..Weather::default() };
    let mut internet = Internet::new(&world, weather);
    let answered = (0..20_000).filter(|&i| ask(&mut internet, host, 1, 1, i).is_some()).count();
    assert!((19_700..19_900).contains(&answered), "{answered} of 20,000");
}

#[test]
fn who_saw_everything_has_full_marks() {
    let (world, hosts, flows, seen) = traced(Weather::default());
    let score = Score::of(&world, &hosts, &flows, &seen);
    assert_eq!((score.found_hops, score.found_hosts, score.wrong), (score.true_hops, score.true_hosts, 0));
    assert!(score.true_hops > 50 * 9 && (40..50).contains(&score.true_hosts), "{score:?}");
    assert!(score.median_rtt_error_us.abs() < f64::EPSILON);
}

#[test]
fn what_is_missing_wrong_or_late_is_counted_as_such() {
    let (world, hosts, flows, seen) = traced(Weather::default());
    let full = Score::of(&world, &hosts, &flows, &seen);

    let mut missing = seen.clone();
    missing.0.values_mut().for_each(|sights| sights.retain(|sight| sight.ttl != 3));
    let score = Score::of(&world, &hosts, &flows, &missing);
    assert_eq!((score.found_hops, score.true_hops, score.wrong), (full.found_hops - 50, full.true_hops, 0));
    assert_eq!(score.found_hosts, full.found_hosts);

    let mut wrong = seen.clone();
    let (other, sights) = (wrong.0[&hosts[1]].clone(), wrong.0.get_mut(&hosts[0]).unwrap());
    sights.push(*other.iter().rfind(|sight| sight.from.octets()[0] == 62).unwrap());
    sights.extend([Sight { ttl: 5, from: hosts[0], rtt_ns: None }; 2]);
    assert_eq!(Score::of(&world, &hosts, &flows, &wrong).wrong, 2, "the same thing twice is wrong once");

    let mut late = seen.clone();
    late.0.values_mut().flatten().for_each(|sight| sight.rtt_ns = sight.rtt_ns.map(|rtt| rtt + 300_000.0));
    let score = Score::of(&world, &hosts, &flows, &late);
    assert!((score.median_rtt_error_us - 300.0).abs() < 1e-3, "{score:?}");

    let nothing = Score::of(&world, &hosts, &Flows::new(), &Seen::default());
    assert_eq!((nothing.found_hops, nothing.found_hosts, nothing.wrong), (0, 0, 0));
    assert!(nothing.true_hops > full.true_hops * 9 / 10 && nothing.median_rtt_error_us.is_nan());
}

/// A router that another flow to the same host would have met is wrong for one that keeps its flow.
#[test]
fn a_hop_of_another_flow_is_wrong() {
    let (world, hosts, mut flows, mut seen) = traced(Weather::default());
    let other_way = |host: &Ipv4Addr| {
        let right: Vec<_> = seen.0[host].iter().map(|sight| sight.from).collect();
        let ways = (1..12).flat_map(|ttl| (0..99).map(move |flow| (ttl, flow)));
        ways.into_iter().find_map(|(ttl, flow)| match world.at(*host, ttl, flow)? {
            There::Router(_, router) if !router.silent && !right.contains(&router.address) => {
                Some((*host, flow, Sight { ttl, from: router.address, rtt_ns: None }))
            }
            There::Router(..) | There::Host { .. } => None,
        })
    };
    let (host, flow, sight) = hosts.iter().find_map(other_way).unwrap();
    seen.0.get_mut(&host).unwrap().push(sight);
    assert_eq!(Score::of(&world, &hosts, &flows, &seen).wrong, 1);
    flows.get_mut(&host).unwrap().push((sight.ttl, flow));
    assert_eq!(Score::of(&world, &hosts, &flows, &seen).wrong, 0);

    // Where nobody asked, it may be what any flow of the tracer's would have met, and only that.
    let kept = flows[&host][0].1;
    seen.0.insert(host, vec![sight]);
    for (flow, wrong) in [(flow, 0), (kept, 1)] {
        flows.insert(host, vec![(64, flow)]);
        assert_eq!(Score::of(&world, &[host], &flows, &seen).wrong, wrong);
    }
}

#[test]
fn the_output_of_each_tracer_is_read() {
    let host = Ipv4Addr::new(45, 158, 55, 148);
    let sight = |ttl, last, rtt_ns| Sight { ttl, from: Ipv4Addr::new(62, 1, 0, last), rtt_ns };
    let expected = [sight(1, 0, Some(432_000.0)), sight(3, 2, Some(1_500_000.0))];

    let scamper = "{\"type\":\"cycle-start\", \"list_name\":\"default\"}\n\
        {\"type\":\"trace\", \"version\":\"0.1\", \"method\":\"icmp-echo-paris\", \"dst\":\"45.158.55.148\", \"hops\":[\
        {\"addr\":\"62.1.0.0\", \"probe_ttl\":1, \"probe_id\":0, \"rtt\":0.432},\
        {\"addr\":\"62.1.0.2\", \"probe_ttl\":3, \"probe_id\":0, \"rtt\":1.5}]}\n";
    let traceroute = "traceroute to 45.158.55.148 (45.158.55.148), 30 hops max, 60 byte packets\n \
        1  62.1.0.0  0.432 ms\n 2  *\n 3  62.1.0.2  1.5 ms !X\n";
    let atlas = "{\"af\":4,\"dst_addr\":\"45.158.55.148\",\"proto\":\"ICMP\",\"result\":[\
        {\"hop\":1,\"result\":[{\"from\":\"62.1.0.0\",\"rtt\":0.432,\"size\":28}]},{\"hop\":2,\"result\":[{\"x\":\"*\"}]},\
        {\"hop\":3,\"result\":[{\"from\":\"62.1.0.2\",\"rtt\":1.5}]}]}\n";
    let mut printed = Seen::default();
    printed.add_traceroute(host, traceroute);
    for seen in [Seen::from_scamper(scamper).unwrap(), Seen::from_atlas(atlas).unwrap(), printed] {
        assert_eq!(seen.0.into_iter().collect::<Vec<_>>(), [(host, expected.to_vec())]);
    }
}

#[test]
fn the_spread_of_the_first_hop_is_what_is_told_beyond_the_truth_and_the_lab_s_own_delay() {
    let (world, hosts, mut flows, mut seen) = traced(Weather::default());
    for (host, sights) in &mut seen.0 {
        let place = hosts.iter().position(|other| other == host).unwrap();
        let first = sights.iter_mut().find(|sight| sight.ttl == 1).unwrap();
        first.rtt_ns = first.rtt_ns.map(|rtt| rtt + 1000.0 * super::float(place as u64));
    }
    let late_by = |late_ns| -> Late { hosts.iter().map(|host| (*host, late_ns)).collect() };
    let spread = Spread::of(&world, (&flows, &late_by(0)), &seen);
    let is = |told: f64, expected: f64| (told - expected).abs() < 1e-3;
    assert!(spread.samples == 50 && is(spread.median_us, 25.0), "{spread:?}");
    assert!(is(spread.p95_us, 47.0) && is(spread.p99_us, 49.0), "{spread:?}");
    let mut late = late_by(10_000);
    assert!(is(Spread::of(&world, (&flows, &late), &seen).median_us, 15.0));
    // What was told of a first hop that was not asked was measured for another destination.
    flows.values_mut().skip(10).for_each(|asked| asked.retain(|(ttl, _)| *ttl > 1));
    assert_eq!(Spread::of(&world, (&flows, &late), &seen).samples, 10);
    late.retain(|host, _| *host == *flows.first_key_value().unwrap().0);
    assert_eq!(Spread::of(&world, (&flows, &late), &seen).samples, 1, "the others were not read at once");
    let nothing = Spread::of(&world, (&Flows::new(), &late), &seen);
    assert!(nothing.samples == 0 && nothing.median_us.is_nan());
}
