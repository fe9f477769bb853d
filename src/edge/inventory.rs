//! Files, directories and URLs of the configuration → text, and the text → a [`Config`].
//!
//! Blocking: called from `main` before there is a runtime, and from a blocking thread on reload.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::{Config, ConfigErrors, Draft, Fault, InventoryPlace, LARGEST_FILE, Spot, Written};

use super::dns::signatures::Anchors;
use super::fetch::fetch;

/// Reads the configuration at `path` with everything it names: the configuration and its warnings, or every error of
/// every file.
pub fn load(path: &Path) -> Result<(Config, Vec<Fault>), ConfigErrors> {
    let name = path.display().to_string();
    let main = match read(path) {
        Ok(bytes) => Written { name, bytes },
        Err(error) => {
            let message = format!("failed to read the configuration: {error}: correct the path or its permissions");
            return Err(ConfigErrors(vec![Fault { spot: Spot::file(&name), message }]));
        }
    };
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut draft = Draft::open(&main, directory);
    if let Some((file, spot)) = draft.policy_file() {
        add_file(&mut draft, &file, &spot, Draft::add_policy);
    }
    if let Some((file, spot)) = draft.trust_anchor()
        && let Err(error) = Anchors::open(&file)
    {
        draft.object(&spot, error.to_string());
    }
    for source in draft.inventory() {
        match &source.place {
            InventoryPlace::Path(path) => add_path(&mut draft, path, &source.spot),
            InventoryPlace::Url(url) => match fetch(url, LARGEST_FILE) {
                Ok(bytes) => draft.add_targets(&Written { name: url.to_string(), bytes }),
                Err(why) => draft.refuse(&source.spot, format!("failed to fetch {url}: {why}: see that it answers")),
            },
        }
    }
    draft.finish()
}

/// Of what a configuration is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// Itself, the policy, the trust anchor and the inventories; directories with what is in them.
    pub files: Vec<PathBuf>,
    /// Whether it names inventories by URL.
    pub names_urls: bool,
}

/// Of what the configuration at `path` is made, as far as it can be read.
pub fn sources(path: &Path) -> Sources {
    let mut sources = Sources { files: vec![path.to_owned()], names_urls: false };
    let Ok(bytes) = read(path) else { return sources };
    let main = Written { name: path.display().to_string(), bytes };
    let draft = Draft::open(&main, path.parent().unwrap_or(Path::new("")));
    sources.files.extend(draft.policy_file().into_iter().chain(draft.trust_anchor()).map(|(file, _)| file));
    for source in draft.inventory() {
        match source.place {
            InventoryPlace::Path(path) => {
                sources.files.extend(toml_files(&path).unwrap_or_default());
                sources.files.push(path);
            }
            InventoryPlace::Url(_) => sources.names_urls = true,
        }
    }
    sources
}

/// Adds a file, or the `*.toml` files of a directory in the order of their names.
fn add_path(draft: &mut Draft, path: &Path, spot: &Spot) {
    if !path.is_dir() {
        return add_file(draft, path, spot, Draft::add_inventory);
    }
    match toml_files(path) {
        Ok(files) if files.is_empty() => {
            draft.refuse(spot, format!("{} holds no *.toml file: add one or leave it out", path.display()));
        }
        Ok(files) => files.iter().for_each(|file| add_file(draft, file, spot, Draft::add_inventory)),
        Err(error) => draft.refuse(spot, unreadable(path, &error)),
    }
}

fn add_file(draft: &mut Draft, path: &Path, spot: &Spot, add: impl Fn(&mut Draft, &Written)) {
    match read(path) {
        Ok(bytes) => add(draft, &Written { name: path.display().to_string(), bytes }),
        Err(error) => draft.refuse(spot, unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("failed to read {}: {error}: correct the path or its permissions", path.display())
}

/// The `*.toml` files of a directory in the order of their names; hidden files are left out.
fn toml_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The bytes of a file, and no more than one beyond the largest that is accepted.
#[expect(clippy::disallowed_methods, reason = "the configuration is read here")]
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
