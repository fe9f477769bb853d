//! Ledger → metric families, one short function each.

pub mod text;
