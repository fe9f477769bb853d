//! When a connection may be attempted: connections keep to a budget of their own, as large as that of probes, all together
//! and to each destination network.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until};

use crate::edge::clock;
use crate::trace::courtesy::{Courtesy, Prefix};
use crate::trace::pace::Pace;

/// So many networks are remembered before those are forgotten that no longer count.
const REMEMBERED: usize = 64;

/// Gives turns to whoever wants to connect, to each network in the order in which they ask. Who stops waiting has taken
/// nothing: only those who go are charged.
#[derive(Debug)]
pub struct Turns {
    host: Mutex<Pace>,
    /// Of each network; `None` for as fast as the host may.
    budget: Option<Pace>,
    networks: std::sync::Mutex<Networks>,
}

#[derive(Debug)]
struct Networks {
    /// Whoever holds a pace has the turn.
    known: BTreeMap<Prefix, Arc<Mutex<Pace>>>,
    /// How many may be known before some are forgotten.
    most: usize,
}

impl Turns {
    /// Turns that keep to `courtesy`.
    pub fn new(courtesy: Courtesy) -> Self {
        let networks = Networks { known: BTreeMap::new(), most: REMEMBERED };
        Self { host: Mutex::new(courtesy.host), budget: courtesy.network, networks: std::sync::Mutex::new(networks) }
    }

    /// Waits until a connection to `address` may be attempted.
    pub async fn wait(&self, address: IpAddr) {
        // First the network's turn, lest the host wait for one network.
        let network = self.budget.as_ref().map(|budget| self.network(address, budget));
        let mut network = match &network {
            Some(pace) => Some(turn(pace).await),
            None => None,
        };
        let mut host = turn(&self.host).await;
        let now = clock::now().mono;
        host.charge(now);
        if let Some(network) = &mut network {
            network.charge(now);
        }
    }

    fn network(&self, address: IpAddr, budget: &Pace) -> Arc<Mutex<Pace>> {
        // What is behind it is whole whenever a task can break off.
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        networks.of(address, budget)
    }
}

/// Waits for the turn that the pace gives next, behind those who wait for it already.
async fn turn(pace: &Mutex<Pace>) -> MutexGuard<'_, Pace> {
    let pace = pace.lock().await;
    if let Some(next) = pace.next() {
        sleep_until(Instant::from_std(next)).await;
    }
    pace
}

impl Networks {
    fn of(&mut self, address: IpAddr, budget: &Pace) -> Arc<Mutex<Pace>> {
        if self.known.len() >= self.most {
            let now = clock::now().mono;
            let counts = |pace: &Pace| pace.full_at().is_some_and(|full| full > now);
            // Who has the pace, or is about to ask for it, has it counted by himself.
            self.known.retain(|_, pace| Arc::strong_count(pace) > 1 || pace.try_lock().is_ok_and(|pace| counts(&pace)));
            self.most = (2 * self.known.len()).max(REMEMBERED);
        }
        let pace = self.known.entry(Prefix::of(address)).or_insert_with(|| Arc::new(Mutex::new(budget.clone())));
        Arc::clone(pace)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

    /// How long so many turns to each of these take, asked for at once.
    async fn waited(courtesy: Courtesy, count: usize, addresses: &[IpAddr]) -> Duration {
        let (turns, began) = (Arc::new(Turns::new(courtesy)), clock::now().mono);
        let mut all = JoinSet::new();
        for address in addresses.iter().copied().cycle().take(count * addresses.len()) {
            let turns = Arc::clone(&turns);
            all.spawn(async move { turns.wait(address).await });
        }
        all.join_all().await;
        clock::now().mono - began
    }

    #[tokio::test]
    async fn each_network_and_the_host_are_kept_to_their_budgets() {
        // 4 at once, then one each 5 milliseconds.
        let long = Duration::from_millis(100);
        assert!(waited(Courtesy::per_second(400, 200), 24, &[HERE, ELSEWHERE]).await >= long, "each network");
        assert!(waited(Courtesy::per_second(200, 200), 12, &[HERE, ELSEWHERE]).await >= long, "the host");
    }

    #[tokio::test]
    async fn a_network_that_has_to_wait_holds_up_no_other() {
        let turns = Turns::new(Courtesy::per_second(1000, 1));
        turns.wait(HERE).await;
        let held_up = turns.wait(HERE);
        tokio::pin!(held_up);
        assert!(timeout(Duration::ZERO, &mut held_up).await.is_err());
        assert!(timeout(Duration::from_millis(500), turns.wait(ELSEWHERE)).await.is_ok());
    }

    #[tokio::test]
    async fn who_stops_waiting_takes_nobodys_turn() {
        let turns = Turns::new(Courtesy::per_second(20, 10));
        turns.wait(HERE).await;
        for address in [HERE, ELSEWHERE] {
            for _ in 0..200 {
                drop(timeout(Duration::ZERO, turns.wait(address)).await);
            }
        }
        let next = timeout(Duration::from_secs(3), async {
            turns.wait(HERE).await;
            turns.wait(ELSEWHERE).await;
        });
        assert!(next.await.is_ok(), "200 that went away would have been 20 seconds");
    }

    #[test]
    fn networks_that_no_longer_count_are_forgotten() {
        let turns = Turns::new(Courtesy::per_second(1000, 1000));
        let held = turns.network(HERE, &Pace::default());
        for network in 0..10_000_u32 {
            turns.network(Ipv4Addr::from_bits(network << 8).into(), &Pace::default());
        }
        let networks = turns.networks.lock().unwrap();
        assert!(networks.known.len() <= 2 * REMEMBERED, "{}", networks.known.len());
        assert!(networks.known.get(&Prefix::of(HERE)).is_some_and(|pace| Arc::ptr_eq(pace, &held)));
    }
}
