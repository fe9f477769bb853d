//! The rest of the world: the list of what we touch, and why.

pub mod alertmanager;
mod arrival;
pub mod client;
pub mod clock;
pub mod contact;
pub mod dns;
pub mod errqueue;
pub mod evidence;
mod fetch;
mod filter;
pub mod geodb;
pub mod http;
pub mod icmp;
mod inbox;
pub mod input;
pub mod inventory;
pub mod journal;
pub mod measurements;
pub mod notify;
mod outbox;
pub mod privileges;
pub mod prober;
pub mod signals;
mod socket;
pub mod turns;
mod vigil;
pub mod webhook;
