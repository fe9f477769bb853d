//! A process that runs a tracer, and says what that cost: a process of its own, as the kernel keeps the peak of memory of
//! all children there ever were.

use std::fs::{File, read_to_string};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::{WaitStatus, wait};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::alarm;
use serde::{Deserialize, Serialize};

use super::device::keep_to_the_other_processors;

/// No run lasts longer, in seconds.
const LONGEST: u32 = 900;

/// What a tracer cost.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) wall_s: f64,
    /// The time of the processor, of its processes and of nothing else.
    pub(crate) cpu_s: f64,
    /// The peak of resident memory, of the largest of its processes.
    pub(crate) peak_kib: u64,
    /// How many of its processes ended otherwise than well.
    pub(crate) failures: u32,
}

/// A command that is run once, or once for each target.
#[derive(Debug, Args)]
pub(crate) struct Measured {
    /// Where its output goes: a file, or a directory with a file for each target
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Run it for each line of this file, as its last argument
    #[arg(long)]
    pub(crate) each: Option<PathBuf>,
    /// How many are run at once
    #[arg(long, default_value_t = 1)]
    pub(crate) at_once: u32,
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<String>,
}

impl Measured {
    /// Lets another process of this program do it.
    pub(crate) fn run(&self) -> io::Result<Cost> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("measured").arg("--output").arg(&self.output);
        if let Some(targets) = &self.each {
            command.arg("--each").arg(targets).args(["--at-once", &self.at_once.to_string()]);
        }
        let output = command.arg("--").args(&self.command).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("{}: {}", self.command[0], output.status)));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Runs it, here.
    pub(crate) fn measure(&self) -> io::Result<Cost> {
        set_child_subreaper(true)?;
        keep_to_the_other_processors()?;
        alarm::set(LONGEST);
        let begun = monotonic();
        let mut failures = 0;
        match &self.each {
            None => self.spawn(&[], &self.output)?,
            Some(targets) => {
                for (position, target) in (0..).zip(read_to_string(targets)?.lines()) {
                    if position >= self.at_once {
                        failures += u32::from(!waited()?.unwrap_or(true));
                    }
                    self.spawn(&[target], &self.output.join(target))?;
                }
            }
        }
        while let Some(ended_well) = waited()? {
            failures += u32::from(!ended_well);
        }
        let wall_s = monotonic().saturating_sub(begun).as_secs_f64();
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let cpu_s = seconds(usage.user_time()) + seconds(usage.system_time());
        Ok(Cost { wall_s, cpu_s, peak_kib: u64::try_from(usage.max_rss()).unwrap(), failures })
    }

    fn spawn(&self, further: &[&str], output: &Path) -> io::Result<()> {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).args(further).stdin(Stdio::null()).stdout(File::create(output)?);
        // It is waited for with everything that it started, below.
        command.spawn().map(drop)
    }
}

/// Waits until one child has ended, and says whether it did well; nothing when there is none.
fn waited() -> nix::Result<Option<bool>> {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(_, status)) => return Ok(Some(status == 0)),
            Ok(WaitStatus::Signaled(..)) => return Ok(Some(false)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into()
}

fn seconds(time: TimeVal) -> f64 {
    Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap()).as_secs_f64()
}
