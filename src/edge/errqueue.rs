//! Unprivileged probing by the error queue.
