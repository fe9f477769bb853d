use std::time::Duration;

use super::*;
use crate::trace::tests::noon;

const HERE: &str = "203.0.113.1";

fn networks(rate: u32) -> Networks<u32> {
    Networks::new(Some(Pace::per_second(rate)))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_network_is_24_bits_of_ipv4_and_48_of_ipv6() {
    let same = |a, b| Prefix::of(address(a)) == Prefix::of(address(b));
    assert!(same("203.0.113.0", "203.0.113.255") && same("203.0.113.7", "::ffff:203.0.113.9"));
    assert!(same("2001:db8:5::1", "2001:db8:5:ffff::2"));
    for (one, other) in [("203.0.113.1", "203.0.112.1"), ("2001:db8:5::1", "2001:db8:6::1"), ("0.0.4.1", "::4:0:0:1")] {
        assert!(!same(one, other), "{one} {other}");
    }
}

#[test]
fn a_network_is_sent_its_budget_and_those_that_wait_have_a_turn_each() {
    let (mut networks, start) = (networks(100), noon().mono);
    let ids: Vec<_> = (0..10).map(|_| networks.join(address(HERE), start)).collect();
    let mut sent = [0_u32; 10];
    let mut ready: VecDeque<u32> = (0..10).collect();
    for tick in 0..1000 {
        let now = start + Duration::from_millis(tick);
        ready.extend(networks.poll_turn(now, |_| true));
        while let Some(who) = ready.pop_front() {
            let id = ids[who as usize];
            if networks.admits(id, who, true, now) {
                sent[who as usize] += 1;
                networks.charge(id, true, now);
                ready.push_back(who);
            }
        }
    }
    assert!((100..=104).contains(&sent.iter().sum::<u32>()), "{sent:?}");
    assert!(sent.iter().all(|count| (10..=11).contains(count)), "{sent:?}");
}

#[test]
fn who_was_begun_goes_before_who_was_not() {
    let (mut networks, start) = (networks(1), noon().mono);
    let id = networks.join(address(HERE), start);
    networks.join(address(HERE), start);
    assert!(networks.admits(id, 1, false, start));
    networks.charge(id, true, start);
    assert!(!networks.admits(id, 2, false, start) && !networks.admits(id, 1, true, start));
    let due = networks.poll_timeout().unwrap();
    assert_eq!((networks.poll_turn(start, |_| true), networks.poll_turn(due, |_| true)), (None, Some(1)));
    assert!(!networks.admits(id, 3, true, due), "it is not its turn");
    assert!(networks.admits(id, 1, true, due));
    networks.charge(id, false, due);
    assert_eq!(networks.poll_turn(due, |who| who != 3), Some(2), "nothing was sent, and 3 is gone");
}

#[test]
fn a_turn_that_is_not_taken_is_given_to_the_next() {
    let (mut networks, start) = (networks(1), noon().mono);
    let id = networks.join(address(HERE), start);
    networks.join(address(HERE), start);
    while networks.admits(id, 1, true, start) {
        networks.charge(id, true, start);
    }
    networks.admits(id, 2, true, start);
    let due = networks.poll_timeout().unwrap();
    assert_eq!(networks.poll_turn(due, |_| true), Some(1));
    networks.leave(id, 1);
    assert_eq!(networks.poll_turn(due, |_| true), Some(2));
}

#[test]
fn what_a_network_was_sent_outlives_those_who_sent_it_until_it_no_longer_counts() {
    let (mut networks, start) = (networks(100), noon().mono);
    let id = networks.join(address(HERE), start);
    while networks.admits(id, 1, true, start) {
        networks.charge(id, true, start);
    }
    networks.leave(id, 1);
    let again = networks.join(address(HERE), start);
    assert!(!networks.admits(again, 2, false, start), "a new trace has no new budget");
    networks.leave(again, 2);
    assert_eq!(networks.poll_timeout(), None, "nobody waits");
    for other in 0..10_000_u64 {
        let target = IpAddr::from(std::net::Ipv4Addr::from_bits(u32::try_from(other << 8).unwrap()));
        let now = start + Duration::from_millis(other);
        let id = networks.join(target, now);
        networks.charge(id, true, now);
        networks.leave(id, 3);
    }
    assert!(networks.known.len() < 50 && networks.names.len() < 50, "{}", networks.known.len());
}

#[test]
fn without_a_budget_everybody_may_send() {
    let (mut networks, now) = (Networks::new(None), noon().mono);
    let id = networks.join(address(HERE), now);
    for _ in 0..1000 {
        assert!(networks.admits(id, 1, true, now));
        networks.charge(id, true, now);
    }
    networks.leave(id, 1);
    assert_eq!((networks.poll_timeout(), networks.poll_turn(now, |_| true)), (None, None));
}
