//! The daemon's own process and operational metrics.
