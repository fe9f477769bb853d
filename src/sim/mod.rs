//! A simulated internet with a virtual clock, for tests and drills.
