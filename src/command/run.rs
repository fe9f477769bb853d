//! `pehra run`: the daemon.
//!
//! The probe sockets come first, and the capability is dropped while there is one thread and nothing foreign was read:
//! inventories of the configuration may be behind URLs. Then what may fail for good: the configuration, the listener,
//! the journal; and only then a runtime and everything else.

use std::io::{ErrorKind, IsTerminal, stdout};
use std::net::TcpListener;
use std::path::PathBuf;

use clap::Args;
use tracing::{error, info, warn};

use crate::agent::reload::{PrepareError, Prepared, prepare};
use crate::agent::{Agent, AgentError, Parts, show};
use crate::cli::CONFIG;
use crate::edge::journal::{Journal, JournalError};
use crate::edge::privileges;
use crate::edge::prober::ProbeSockets;

use super::{Exit, logging};

/// Arguments of `pehra run`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Run {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "PEHRA_CONFIG", default_value = CONFIG)]
    config: PathBuf,
    /// Keep the journal and the state of alerts here, whatever the configuration says
    #[arg(long, value_name = "DIR", env = "STATE_DIRECTORY")]
    state: Option<PathBuf>,
    /// Show verdicts on standard output as they change; on a terminal they always are
    #[arg(long)]
    show: bool,
    /// What is logged: error, warn, info, debug or trace, or a filter such as pehra=debug
    #[arg(long, value_name = "FILTER", env = "PEHRA_LOG")]
    log: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  pehra run --config deploy/demo.toml
      a first look from a clone: the sample inventory and the embedded databases, without privileges
  pehra run --config /etc/pehra/pehra.toml --show
      verdicts on standard output, whatever that is
  PEHRA_LOG=debug pehra run --state /tmp/pehra
      each round in the log, with the names and addresses in it

Signals: TERM and INT end it within five seconds, HUP takes up the configuration again.

Exit status: 0 told to stop, 64 wrong command line, 74 the listener or the journal cannot be had or the journal cannot be
finished in time, 77 no permission, 78 wrong configuration.";

impl Run {
    /// Does it.
    pub fn run(self) -> Exit {
        let show = self.show || stdout().is_terminal();
        let usual = if show { "error,pehra=warn" } else { "error,pehra=info" };
        logging::start(self.log.as_deref().unwrap_or(usual));
        let outcome = self.open(show).and_then(watch);
        match outcome {
            Ok(()) => Exit::Fine,
            Err(error) => {
                error!("{error}");
                error.exit()
            }
        }
    }

    fn open(self, show: bool) -> Result<Parts, RunError> {
        let sockets = ProbeSockets::open().map_err(|error| RunError::Sockets(error.to_string()))?;
        privileges::drop_raw().map_err(|error| RunError::Sockets(error.to_string()))?;
        let prepared = prepare(&self.config, self.state.as_deref(), None)?;
        let config = &prepared.config;
        for warning in &prepared.warnings {
            warn!("{warning}");
        }
        let listen = config.http.listen;
        let listener = TcpListener::bind(listen)
            .map_err(|error| RunError::Io(format!("listen on {listen}: {error}: see [http] listen"), error.kind()))?;
        let (journal, opened) =
            Journal::open(&config.journal_directory(), &config.vantage.id, config.journal_segment_bytes)?;
        for torn in &opened.torn {
            warn!("the last line of the journal was not finished; it was moved to {}", torn.display());
        }
        info!(entries = opened.sequence, head = %opened.head, raw = sockets.are_raw(), "the journal and the probe sockets are open");
        if show {
            show::greet(&greeting(&prepared, &sockets, &listener));
        }
        Ok(Parts { path: self.config, state: self.state, prepared, listener, sockets, journal, show })
    }
}

/// What the daemon will do, for a person who watches it begin.
fn greeting(prepared: &Prepared, sockets: &ProbeSockets, listener: &TcpListener) -> Vec<String> {
    let config = &prepared.config;
    let endpoints: usize = config.workloads.iter().map(|workload| workload.endpoints.len()).sum();
    let position = match &config.vantage.position {
        Some(position) => format!("at {} ± {}", position.coordinates, position.uncertainty),
        None => "without coordinates, so that no round-trip time proves anything".to_owned(),
    };
    let probes = if sockets.are_raw() { "raw sockets" } else { "error queues (no CAP_NET_RAW: UDP traces only)" };
    let metrics = listener.local_addr().map_or_else(|_| String::new(), |at| format!("http://{at}/metrics"));
    vec![
        format!(
            "pehra {} watches {endpoints} endpoints of {} workloads",
            env!("CARGO_PKG_VERSION"),
            config.workloads.len()
        ),
        format!("  vantage   {} {position}", config.vantage.id),
        format!("  home      {}, by {}", config.home(), config.policy.title),
        format!("  probes    {probes}"),
        format!("  journal   {}", config.journal_directory().display()),
        format!("  metrics   {metrics}"),
        String::new(),
    ]
}

fn watch(parts: Parts) -> Result<(), RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| RunError::Io(format!("begin threads: {error}"), error.kind()))?;
    let outcome = runtime.block_on(async { Box::pin(Agent::start(parts)?.run()).await });
    // Threads that still wait for the system's resolver or a disk are not waited for.
    runtime.shutdown_background();
    Ok(outcome?)
}

/// Why the daemon did not begin, or did not end in order.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error("failed to {0}")]
    Io(String, ErrorKind),
    #[error("{0}")]
    Sockets(String),
    #[error("failed to {0}")]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Agent(#[from] AgentError),
}

impl RunError {
    fn exit(&self) -> Exit {
        match self {
            Self::Prepare(_) => Exit::BadConfiguration,
            Self::Io(_, ErrorKind::PermissionDenied) | Self::Sockets(_) => Exit::NoPermission,
            Self::Journal(JournalError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
                Exit::NoPermission
            }
            Self::Io(..) | Self::Journal(_) | Self::Agent(_) => Exit::Failed,
        }
    }
}
