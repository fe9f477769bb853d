//! As written → as meant: text in, a validated configuration out.
