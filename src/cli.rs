//! argv as a type.
