//! Hash-chained segment files.
