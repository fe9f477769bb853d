//! Files of measurements, whoever made them → observations: journals of ours, RIPE Atlas and scamper results.
//!
//! What a file is shows in its first bytes, not in its name. It is read whole or refused with the place of the fault,
//! and never more of it than a bound. Blocking: for commands, and for a blocking thread of the daemon.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::input::{self, Input};
use super::journal::read::{Entries, read_entries, read_segment};
use super::journal::{FileLine, JournalError};
use crate::config::landmark::{self, Landmark};
use crate::config::{ConfigErrors, Written, vantages};
use crate::entry::EntryError;
use crate::import::vantages::Vantages;
use crate::import::{self, ImportError, Remarks};
use crate::observation::Observation;

/// Some shells begin every file with it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What a file holds.
#[derive(Debug)]
pub struct Measurements {
    /// In their order.
    pub observations: Vec<Observation>,
    /// Whether another tool made them, which brings no claims.
    pub are_imported: bool,
    /// What was passed over, one a line, with the file.
    pub notes: Vec<String>,
}

/// What is to be said of a file, beside what it holds.
#[derive(Debug)]
pub struct Origin {
    /// Whether another tool made it, which brings no claims.
    pub are_imported: bool,
    /// What was passed over, one a line, with the file.
    pub notes: Vec<String>,
}

/// Why a file was refused, with its name and, where there is one, the line.
#[derive(Debug, thiserror::Error)]
pub enum MeasurementsError {
    /// The operating system refused, or it is packed in a way that we do not unpack, or too large.
    #[error("{}: failed to read: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no text.
    #[error("{}: byte {at} is not UTF-8: journals and measurements are text", .file.display())]
    NoText {
        /// The file.
        file: PathBuf,
        /// How many bytes before it are.
        at: usize,
    },
    /// It is neither a journal nor JSON.
    #[error("{}:1: it begins with neither [ nor {{: judge reads JSON and journals", .0.display())]
    NoJson(PathBuf),
    /// Something in it is not what other tools write.
    #[error("{}:{fault}", .file.display())]
    Import {
        /// The file.
        file: PathBuf,
        /// Where in it, and what.
        fault: ImportError,
    },
    /// It says where vantages stood, or which addresses are landmarks, and is wrong: one fault a line.
    #[error(transparent)]
    Written(#[from] ConfigErrors),
    /// It is a journal that does not verify.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An entry holds no observation that we know.
    #[error("{at}: {why}")]
    Entry {
        /// Where.
        at: FileLine,
        /// What is wrong.
        why: EntryError,
    },
}

/// The measurements in the file at `path` (`-` is standard input), of which at most `most` bytes are read, unpacked; or
/// in the directory of a journal.
pub fn read(path: &Path, vantages: &Vantages, most: u64) -> Result<Measurements, MeasurementsError> {
    let mut observations = Vec::new();
    let add = |seen| observations.push(seen);
    let Origin { are_imported, notes } = if path.is_dir() {
        journaled(read_entries(path)?, add)?
    } else {
        each_of(path, open(path, most)?, vantages, add)?
    };
    Ok(Measurements { observations, are_imported, notes })
}

/// The measurements in one file, and neither pipe nor device, one observation after the other as it is read, for whoever
/// has no room for all. After an error, what was handed over counts for nothing.
pub fn read_each(
    path: &Path,
    vantages: &Vantages,
    most: u64,
    handle: impl FnMut(Observation),
) -> Result<Origin, MeasurementsError> {
    each_of(path, open_file(path, most)?, vantages, handle)
}

fn each_of(
    path: &Path,
    input: Input,
    vantages: &Vantages,
    handle: impl FnMut(Observation),
) -> Result<Origin, MeasurementsError> {
    if is_journal(&input.head) {
        return journaled(read_segment(input.reader, &shown(path)), handle);
    }
    if !is_json(&input.head) {
        return Err(MeasurementsError::NoJson(shown(path)));
    }
    let parsed = import::parse_each(&text_of(path, input)?, vantages, handle);
    let Remarks { skipped, misnamed } =
        parsed.map_err(|fault| MeasurementsError::Import { file: shown(path), fault })?;
    let mut notes = Vec::new();
    if !skipped.is_empty() {
        let kinds: Vec<_> = skipped.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        notes.push(format!("{}: passed over {}: they tell no distance", shown(path).display(), kinds.join(", ")));
    }
    if misnamed > 0 {
        let file = shown(path);
        notes.push(format!(
            "{}: {misnamed} of another address (dst_addr) than their dst_name: what was measured counts",
            file.display()
        ));
    }
    Ok(Origin { are_imported: true, notes })
}

/// Where the vantages of other tools stood, by the file at `path`.
pub fn read_vantages(path: &Path) -> Result<Vantages, MeasurementsError> {
    Ok(vantages::parse(&written(path, open(path, input::MOST)?)?)?)
}

/// The same, by a file that is neither pipe nor device.
pub fn read_vantages_file(path: &Path) -> Result<Vantages, MeasurementsError> {
    Ok(vantages::parse(&written(path, open_file(path, input::MOST)?)?)?)
}

/// The landmarks among what other tools measured, by the file at `path`.
pub fn read_landmarks(path: &Path) -> Result<Vec<Landmark>, MeasurementsError> {
    Ok(landmark::parse(&written(path, open(path, input::MOST)?)?)?)
}

/// What `path` is called.
pub fn shown(path: &Path) -> PathBuf {
    if path == Path::new(input::STANDARD_INPUT) { PathBuf::from("standard input") } else { path.to_owned() }
}

fn open(path: &Path, most: u64) -> Result<Input, MeasurementsError> {
    input::open(path, most).map_err(|error| unreadable(path, error))
}

fn open_file(path: &Path, most: u64) -> Result<Input, MeasurementsError> {
    input::open_file(path, most).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> MeasurementsError {
    MeasurementsError::Unreadable { file: shown(path), error }
}

/// What a person wrote beside measurements.
fn written(path: &Path, input: Input) -> Result<Written, MeasurementsError> {
    let name = shown(path).display().to_string();
    Ok(Written { name, bytes: bytes_of(path, input)? })
}

fn bytes_of(path: &Path, mut input: Input) -> Result<Vec<u8>, MeasurementsError> {
    let mut bytes = Vec::new();
    input.reader.read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    Ok(bytes)
}

fn text_of(path: &Path, input: Input) -> Result<String, MeasurementsError> {
    let no_text = |at| MeasurementsError::NoText { file: shown(path), at };
    String::from_utf8(bytes_of(path, input)?).map_err(|error| no_text(error.utf8_error().valid_up_to()))
}

/// A segment begins with its header, and every line of it names its vantage before anything else that a result has.
fn is_journal(head: &[u8]) -> bool {
    head.starts_with(b"{\"segment\"") || head.starts_with(b"{\"entry\"")
}

/// Whether an array or an object begins; an empty file may have been one.
fn is_json(head: &[u8]) -> bool {
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
    head.is_empty() || matches!(text.first(), Some(b'[' | b'{'))
}

fn journaled(mut entries: Entries, mut handle: impl FnMut(Observation)) -> Result<Origin, MeasurementsError> {
    for entry in &mut entries {
        let (at, entry) = entry?;
        handle(entry.observation().map_err(|why| MeasurementsError::Entry { at, why })?);
    }
    let unfinished = |at| format!("{at}: the last line is unfinished and was left out");
    Ok(Origin { are_imported: false, notes: entries.unfinished().iter().map(unfinished).collect() })
}
