//! # pehra: where government data really answers from
//!
//! Reading this page from top to bottom is reading the product: a [`workload`] is watched from a [`vantage`]; its name
//! gives a [`resolution`], its addresses a [`trace`] and a [`contact`]; what all that says of *where* is a [`location`];
//! a round of it is an [`observation`], which becomes a journal [`entry`] before anyone judges it; what a week of them says of
//! the vantages themselves is a [`calibration`]; the fresh observations of an endpoint are a [`dossier`]; dossier and policy
//! give a [`verdict`]; verdicts over time give an [`alert`]; and the [`ledger`] of it all is shown by the [`exposition`].
//! What other tools measured comes in by the [`import`], and what we traced goes out to them by the [`export`].
//!
//! Everything down to [`sim`] is pure: values in, values out, no clock, no randomness, no socket, no file. Time and
//! seeds are arguments. Only the shell ([`edge`], [`agent`], [`command`], [`vitals`]) touches the world.
//! `tests/architecture.rs` holds the tree to this order.

#![forbid(unsafe_code)]

// Vocabulary: values everybody speaks.
pub mod digest;
pub mod moment;
pub mod network;
pub mod place;
pub mod printable;
pub mod provider;
pub mod vantage;
pub mod workload;

// The chapters, each named after the value it yields.
pub mod resolution;
pub mod trace;
pub mod contact;
pub mod location;
pub mod observation;
pub mod round;
pub mod entry;
pub mod import;
pub mod export;
pub mod calibration;
pub mod dossier;
pub mod verdict;
pub mod report;
pub mod alert;
pub mod schedule;
pub mod ledger;
pub mod exposition;
pub mod watch;
pub mod config;
pub mod sim;

// The shell.
pub mod agent;
pub mod cli;
pub mod command;
pub mod edge;
pub mod vitals;
