//! Other tools' measurements → observations.

pub mod atlas;
pub mod vantages;
