//! RIPE Atlas traceroute JSON.
