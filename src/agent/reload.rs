//! A new configuration, or the old one and a metric.
