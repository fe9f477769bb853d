//! The latest standing of every endpoint: the single source of what is shown.
