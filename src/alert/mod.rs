//! Verdicts over time → alerts.

pub mod patience;
