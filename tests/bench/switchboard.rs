//! What the trace engine itself costs, without any socket: `cargo bench --bench switchboard`.
//!
//! So many traces at once run through a simulated internet: 12 to 18 hops, round trips of 5 to 250 ms, 15 % of the routers
//! silent, one attempt a hop, 50,000 probes a second. Counted is the processor's time inside the switchboard alone, for each
//! probe and each trace, and how much memory all of them hold when they hold most.

#![expect(clippy::unwrap_used, reason = "a benchmark may fail on what it made itself")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]
#![expect(clippy::disallowed_methods, reason = "it reads the clocks and what the kernel says of it")]

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};
use pehra::moment::Moment;
use pehra::trace::Protocol;
use pehra::trace::courtesy::Courtesy;
use pehra::trace::packet::{checksum::Sum, ip};
use pehra::trace::plan::Plan;
use pehra::trace::switchboard::{Switchboard, Transmit};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const TICK: Duration = Duration::from_millis(1);

/// From whom, and what.
type Answer = (IpAddr, Vec<u8>);

fn main() {
    println!("traces  probes/trace  ns/probe  us/trace  held bytes/trace");
    for count in [100, 1_000, 5_000, 20_000] {
        run(count);
    }
}

fn plan(number: u32) -> Plan {
    let target = Ipv4Addr::from(0x0a00_0000 + number * 7).into();
    let flow = u16::try_from(number % 0x7fff).unwrap();
    Plan { attempts: 1, gap_limit: 5, ..Plan::for_address(target, Protocol::Icmp, flow) }
}

fn run(count: u32) {
    let start = Moment { wall: Timestamp::now(), mono: Instant::now() };
    let mut board = Switchboard::new(7, Courtesy::per_second(50_000, 10_000));
    let mut cost = Duration::ZERO;
    let before = resident();
    let began = cpu();
    for number in 0..count {
        board.start(plan(number), start);
    }
    cost += cpu().saturating_sub(began);
    let mut due: BTreeMap<u64, Vec<Answer>> = BTreeMap::new();
    let (mut probes, mut ended, mut most_held, mut held_here) = (0_u64, 0_u32, 0, 0);
    let mut sent: Vec<Transmit> = Vec::with_capacity(1_000);
    for tick in 0_u64.. {
        let now = start.after(TICK * u32::try_from(tick).unwrap());
        let arrived = due.remove(&tick).unwrap_or_default();
        held_here -= arrived.iter().map(|(_, bytes)| bytes.len() + 64).sum::<usize>();
        sent.clear();
        let began = cpu();
        for (from, bytes) in &arrived {
            board.handle_datagram(bytes, *from, now);
        }
        board.handle_timeout(now);
        while let Some(transmit) = board.poll_transmit(now) {
            sent.push(transmit);
        }
        while board.poll_trace().is_some() {
            ended += 1;
        }
        cost += cpu().saturating_sub(began);
        probes += u64::try_from(sent.len()).unwrap();
        for transmit in &sent {
            if let Some((after, from, bytes)) = answer(transmit) {
                held_here += bytes.len() + 64;
                due.entry(tick + after).or_default().push((from, bytes));
            }
        }
        if tick % 100 == 0 {
            most_held = most_held.max(resident().saturating_sub(before + held_here));
        }
        if ended == count {
            break;
        }
    }
    let nanoseconds = u64::try_from(cost.as_nanos()).unwrap();
    println!(
        "{count:6}  {:12.1}  {:8}  {:8.1}  {}",
        as_float(probes) / f64::from(count),
        nanoseconds / probes,
        as_float(nanoseconds) / 1e3 / f64::from(count),
        most_held / usize::try_from(count).unwrap(),
    );
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn as_float(value: u64) -> f64 {
    value as f64
}

/// What comes back of a probe, from whom, and after how many ticks.
fn answer(transmit: &Transmit) -> Option<(u64, IpAddr, Vec<u8>)> {
    let IpAddr::V4(target) = transmit.target else { return None };
    let number = u32::from(target);
    let distance = 12 + number % 7;
    let ttl = u32::from(transmit.ttl);
    let router = Ipv4Addr::from(0x6400_0000 + (ttl << 16) + (number >> 6) % 300);
    let far = 5 + u64::from(number % 246) * u64::from(ttl.min(distance)) / 18;
    let datagram = transmit.datagram(HERE);
    if ttl >= distance {
        return Some((far, transmit.target, icmp(transmit.target, 0, &datagram[24..])));
    }
    let is_silent = (u32::from(router).wrapping_mul(2_654_435_761) >> 16) % 100 < 15;
    (!is_silent).then(|| (far, router.into(), icmp(router.into(), 11, &[&[0; 4][..], &datagram[..28]].concat())))
}

fn icmp(from: IpAddr, kind: u8, rest: &[u8]) -> Vec<u8> {
    let checksum = Sum::default().bytes(&[kind, 0]).bytes(rest).checksum().to_be_bytes();
    ip::datagram(from, HERE, 60, ip::ICMP, &[&[kind, 0][..], &checksum, rest].concat())
}

fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// The memory this process holds, in bytes.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
