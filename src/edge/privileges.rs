//! Drops `CAP_NET_RAW` once the sockets are open.
