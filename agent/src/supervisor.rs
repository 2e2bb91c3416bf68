//! What systemd is told (sd_notify(3)). Without systemd none of this does anything.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

/// Tells that the agent does its work, or that a reload is done.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells what the agent is doing, for `systemctl status`.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(&text.replace(['\n', '\r'], " "))]);
}

/// Tells that the configuration is being read again; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "systemd was not told"),
    }
}

/// Tells that the process ends.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog twice per period, as long as `alive` says yes within half of it; does nothing when there is none.
pub async fn watchdog<F: Future<Output = bool>>(alive: impl Fn(Duration) -> F) {
    let Some(period) = sd_notify::watchdog_enabled().filter(|period| *period > Duration::ZERO) else { return };
    let mut ticks = interval(period / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if alive(period / 2).await {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("the agent does not get on; systemd will restart it");
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}
