//! When a connection may be attempted: connections keep to a budget of their own, as large as that of probes, all together
//! and to each destination network.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, sleep_until};

use crate::edge::clock;
use crate::trace::courtesy::{Bookings, Courtesy};

/// Gives turns to whoever wants to connect, in the order in which they ask.
#[derive(Debug)]
pub struct Turns(Mutex<Bookings>);

impl Turns {
    /// Turns that keep to `courtesy`.
    pub fn new(courtesy: Courtesy) -> Self {
        Self(Mutex::new(Bookings::new(courtesy)))
    }

    /// Waits until a connection to `address` may be attempted.
    pub async fn wait(&self, address: IpAddr) {
        // First the network's turn, lest the host wait for one network.
        let at = self.lock().of_network(address, clock::now().mono);
        sleep_until(Instant::from_std(at)).await;
        let at = self.lock().of_host(clock::now().mono);
        sleep_until(Instant::from_std(at)).await;
    }

    fn lock(&self) -> MutexGuard<'_, Bookings> {
        // What is behind it is whole whenever a task can break off.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
