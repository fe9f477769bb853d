//! What the whole daemon makes of it.

crate::scenarios![];
