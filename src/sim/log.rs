//! What happened in a run, in order: lines for people, and a digest over everything for comparing runs.

use std::fmt;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// The record of a run.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: Vec<String>,
    hasher: Sha256,
}

impl Log {
    /// Something worth reading.
    pub(super) fn note(&mut self, elapsed: Duration, line: fmt::Arguments<'_>) {
        let line = format!("{:>12.3} {line}", elapsed.as_secs_f64());
        self.hasher.update(line.as_bytes());
        self.lines.push(line);
    }

    /// A packet: counted in the digest only, since there are so many.
    pub(super) fn packet(&mut self, elapsed: Duration, bytes: &[u8]) {
        self.hasher.update(elapsed.as_nanos().to_be_bytes());
        self.hasher.update(bytes);
    }

    /// The lines, and the digest over them and every packet.
    pub(super) fn finish(self) -> (Vec<String>, String) {
        (self.lines, hex::encode(self.hasher.finalize()))
    }
}
