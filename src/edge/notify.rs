//! What systemd is told: ready, reloading, stopping, alive. Without systemd nobody listens and nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

/// Everything is open, and the first rounds are due as soon as the journal was read back.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// What a person sees in `systemctl status`.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// A reload begins; [`ready`] ends it. Since version 253 systemd wants the monotonic time of it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(since_boot) => tell(&[NotifyState::Reloading, since_boot]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// No more rounds are started.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: running rounds are given a moment")]);
}

/// The loop went round. Called by the loop itself, so that a stuck loop is a silent one.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often [`alive`] has to be called: half of what the unit's `WatchdogSec=` allows; `None` when nobody counts.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!(%error, "failed to notify the service manager");
    }
}
