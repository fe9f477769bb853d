//! A simulated internet with a virtual clock, for tests and drills.
//!
//! A [`Scenario`] is a sentence, a world and a timeline, in TOML that a network engineer can review. [`run()`] plays it:
//! it hops from wake-up to wake-up of the real machines (the switchboard, rounds, the watch) and carries what they send,
//! traces as bytes, so that a day takes as long as what happens in it. Nothing here reads a clock, opens a socket or
//! draws its own randomness: the same scenario gives the same run, to the last byte.
//!
//! # How a scenario is written
//!
//! ```
//! let text = r#"
//! title = "A router that says nothing is a silent hop"
//! vantage = "probe"                        # the node at which the daemon stands
//!
//! [place]                                  # degrees north, degrees east
//! karachi = [24.8608, 67.0104]
//! islamabad = [33.7215, 73.0433]
//!
//! [node]                                   # routers and hosts; times follow from where they are
//! probe = { place = "karachi", addresses = ["203.101.160.10"] }
//! gateway = { place = "karachi", addresses = ["203.101.160.1"] }
//! core = { place = "islamabad", addresses = ["203.101.161.1"], silent = true }
//! portal = { place = "islamabad", addresses = ["203.101.184.84"], open = [443] }
//!
//! [[path]]                                 # hop by hop; a list in the list spreads flows
//! to = "203.101.184.0/24"
//! via = ["gateway", "core", "portal"]
//!
//! [[step]]
//! trace = [{ to = "203.101.184.84" }]
//! expect.trace = [{ ending = "reached", hops = ["gateway", "*", "portal"] }]
//!
//! [[step]]
//! elapse = "10m"                           # or at = "10m", since the beginning
//! change.node.portal = { answers = [] }
//! trace = [{ to = "203.101.184.84", protocol = "udp" }]
//! expect.trace = [{ ending = "silent", hops = ["gateway"] }]
//! "#;
//! let scenario = pehra::sim::Scenario::parse("example.toml", text, &Default::default())?;
//! assert_eq!(scenario.title, "A router that says nothing is a silent hop");
//! # Ok::<(), pehra::sim::InvalidScenario>(())
//! ```
//!
//! In a step, time passes first, then things change, then traces are taken, and then what is expected is looked at.
//! With a `[config]`, which is a `pehra.toml`, the daemon runs as well; what it asks for is answered by `[[name]]` (DNS, by
//! view), `[[says]]` and `[[network]]` (databases, which may be wrong), and whom it tells is simulated too. `world = "…"`
//! adds to a world that scenarios share. `tests/sim/scenarios/` has an example of everything.

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
mod outgoing;
mod prober;
mod run;
mod scenario;
mod topology;
mod wire;
mod world;
mod written;

pub use run::{Report, run};
pub use scenario::{InvalidScenario, Scenario};
