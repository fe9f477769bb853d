//! Drives the switchboard over real sockets.
