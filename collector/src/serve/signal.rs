//! Turns the signals that ask a service to end into a cancelled token.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::ServeError;

/// A token that is cancelled by SIGTERM or SIGINT. Must be called inside a runtime.
///
/// # Errors
/// When signals cannot be watched.
pub fn on_signal() -> Result<CancellationToken, ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signal)?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        // Both arms are cancel-safe: a signal that was not received stays pending.
        tokio::select! {
            _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "stopping"),
            _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "stopping"),
        }
        stop.cancel();
    });
    Ok(token)
}
