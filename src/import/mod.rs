//! Other tools' measurements → observations. A file is read whole or refused, with the place of the fault.

pub mod atlas;
pub mod vantages;

/// Why a file of measurements was refused; the shell puts the file's name before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {fault}")]
pub struct ImportError {
    /// The line of the fault, from 1.
    pub line: usize,
    /// The column of the fault, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub fault: String,
}
