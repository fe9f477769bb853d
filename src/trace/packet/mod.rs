//! Bytes ↔ probes and replies.
