//! What one trace is asked to do: target, protocol, TTL range, attempts, window, deadlines, flow identity.
