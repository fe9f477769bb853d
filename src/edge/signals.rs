//! TERM, INT and HUP.
