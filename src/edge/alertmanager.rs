//! Posts alerts to Alertmanager API v2.
