//! Metric families as Prometheus text format 0.0.4.
