//! The state machine of one trace: what to ask next, and when to stop.
