//! Directories and URLs of workloads → text.
