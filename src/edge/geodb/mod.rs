//! The databases: embedded and of the operator → claims.

pub mod announcements;
