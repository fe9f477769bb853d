//! `pehra geodb`: what the databases are, and what they say.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Exit;
use crate::cli::CONFIG;
use crate::config::ConfigErrors;
use crate::edge::geodb::Geodb;
use crate::edge::inventory;

mod info;
mod lookup;

/// Arguments of `pehra geodb`.
#[derive(Debug, Args)]
pub struct GeodbCommand {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// What the databases are: how old, how large, under which terms
    Info {
        #[command(flatten)]
        asked: Asked,
    },
    /// What every source says of addresses
    Lookup {
        /// The addresses, IPv4 or IPv6
        #[arg(required = true, value_name = "IP")]
        addresses: Vec<std::net::IpAddr>,
        #[command(flatten)]
        asked: Asked,
    },
}

#[derive(Debug, Args)]
struct Asked {
    /// The configuration that names further databases; without it, /etc/pehra/pehra.toml where there is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl GeodbCommand {
    /// Does it.
    pub fn run(self) -> Exit {
        let (Question::Info { asked } | Question::Lookup { asked, .. }) = &self.question;
        let geodb = match asked.open() {
            Ok(geodb) => geodb,
            Err(exit) => return exit,
        };
        let out = &mut anstream::stdout().lock();
        let printed = match &self.question {
            Question::Info { asked } if asked.json => info::print_json(&geodb.sources(), out),
            Question::Info { .. } => info::print(&geodb.sources(), out),
            Question::Lookup { addresses, asked } if asked.json => lookup::print_json(&geodb, addresses, out),
            Question::Lookup { addresses, .. } => lookup::print(&geodb, addresses, out),
        };
        // A reader that went away has seen enough.
        if printed.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) { Exit::Failed } else { Exit::Fine }
    }
}

impl Asked {
    /// The databases of the configuration, or those that are embedded; errors go to standard error.
    fn open(&self) -> Result<Geodb, Exit> {
        let usual = Path::new(CONFIG);
        let Some(path) = self.config.as_deref().or_else(|| usual.exists().then_some(usual)) else {
            return Ok(Geodb::embedded());
        };
        let (config, _) = inventory::load(path).map_err(|errors| refused(&errors))?;
        let geodb = Geodb::open_and_fetch(&config.geodb, &config.assets, None).map_err(|error| {
            let _gone = writeln!(anstream::stderr(), "failed to {error}");
            Exit::BadConfiguration
        })?;
        geodb.with_landmarks(&config.landmarks).map_err(|errors| refused(&errors))
    }
}

/// Tells what is wrong with a configuration.
fn refused(errors: &ConfigErrors) -> Exit {
    let _gone = writeln!(anstream::stderr(), "{errors}");
    Exit::BadConfiguration
}
