//! An observation as journal bytes: sequence, previous hash, own hash; and how a chain is verified.
