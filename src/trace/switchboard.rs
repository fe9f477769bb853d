//! Many tracers on one socket: issues probe keys, encodes probes, matches and routes replies.
