//! Raise after n of m rounds, clear after k.
