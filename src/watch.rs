//! The daemon without the world: schedule, alert book and ledger as one state machine.
