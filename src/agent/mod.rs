//! Connects the core to the edge.

pub mod reload;
