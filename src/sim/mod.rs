//! A simulated internet with a virtual clock, for tests and drills.
//!
//! A [`scenario`](Scenario) is a sentence, a world and a timeline, in TOML that a network engineer can review: places,
//! routers and hosts, paths, names, databases; what changes when; what is expected. The driver hops from wake-up to
//! wake-up of the real state machines and carries the bytes they send, so a day takes as long as what happens in it.
//! Nothing here reads a clock, opens a socket or draws its own randomness: the same scenario gives the same run.

mod agenda;
mod alertmanager;
mod asked;
mod claims;
mod daemon;
mod diary;
mod expect;
mod internet;
mod judged;
mod log;
mod names;
mod prober;
mod run;
mod scenario;
mod topology;
mod wire;
mod world;
mod written;

pub use run::{Report, run};
pub use scenario::{InvalidScenario, Scenario};
