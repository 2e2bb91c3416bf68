//! How full the queues in front of the sessions are.

use super::{AgentListener, Shared, outgoing};
use crate::{
    metrics::{Exposition, whole},
    tls_port::{HANDSHAKES, READY},
};

/// Lets the queues be looked at whenever somebody asks.
pub fn watch_queues(shared: &Shared, listener: &AgentListener, exposition: &Exposition) {
    let (opening, waiting, storing) = (shared.opening.clone(), shared.waiting.clone(), shared.storing.clone());
    let (registry, settings) = (shared.registry.clone(), shared.settings.clone());
    let (slots, ready) = (listener.port.slots.clone(), listener.port.ready.downgrade());
    exposition.sample_by(move || {
        let opened = settings.opening.saturating_sub(opening.available_permits());
        // Who opens holds a permit to wait as well.
        let places = settings.waiting.saturating_add(settings.opening);
        let waits = places.saturating_sub(waiting.available_permits()).saturating_sub(opened);
        let connections = ready.upgrade().map_or(0, |ready| ready.max_capacity() - ready.capacity());
        for (queue, depth, capacity) in [
            ("handshakes", HANDSHAKES - slots.available_permits().min(HANDSHAKES), HANDSHAKES),
            ("ready_connections", connections, READY),
            ("opening", opened, settings.opening),
            ("waiting", waits, settings.waiting),
            ("storing", settings.storing.saturating_sub(storing.available_permits()), settings.storing),
            ("outgoing", registry.most_waiting(), outgoing::WAITING),
        ] {
            metrics::gauge!("orchestrix_queue_depth", "queue" => queue).set(whole(depth));
            metrics::gauge!("orchestrix_queue_capacity", "queue" => queue).set(whole(capacity));
        }
    });
}
