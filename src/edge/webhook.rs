//! Posts alerts to a webhook.
