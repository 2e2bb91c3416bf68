//! What a new configuration may change while the collector runs.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::certificate::ApiCertificate;
use crate::{config::Config, pki::RegisteredCluster};

/// Values that tasks read at each use. Cheap to clone; all clones are the same values.
#[derive(Clone, Debug)]
pub struct Live {
    /// Clusters whose agents enrol by their service account.
    pub(super) clusters: Arc<ArcSwap<Vec<RegisteredCluster>>>,
    /// How long history is kept; `None` for ever.
    pub(super) keep_history: watch::Sender<Option<Duration>>,
    /// The certificate of the API's port, where it has one.
    certificate: Option<ApiCertificate>,
}

impl Live {
    /// Begins with the values of a configuration.
    pub(super) fn new(
        clusters: Vec<RegisteredCluster>,
        keep_history: Option<Duration>,
        certificate: Option<ApiCertificate>,
    ) -> Self {
        let clusters = Arc::new(ArcSwap::from_pointee(clusters));
        Self { clusters, keep_history: watch::Sender::new(keep_history), certificate }
    }

    /// Takes over what a configuration says of them, and reads the files again that it names.
    pub fn take_over(&self, config: &Config) {
        if **self.clusters.load() != config.clusters {
            self.clusters.store(Arc::new(config.clusters.clone()));
        }
        self.keep_history.send_if_modified(|keep| std::mem::replace(keep, config.history.keep) != config.history.keep);
        if let Some(Err(error)) = self.certificate.as_ref().map(ApiCertificate::reload) {
            tracing::error!(error = &error as &dyn std::error::Error, "the API's certificate stays as it is");
        }
    }
}

#[cfg(test)]
mod tests {
    use orchestrix_common::config::Loader;

    use super::*;
    use crate::config;

    #[test]
    fn readers_hear_of_what_changed_and_of_nothing_else() {
        let config = |text: &str| config::load(Loader::new().toml(std::path::Path::new("x"), text)).unwrap().0;
        let live = Live::new(Vec::new(), config("").history.keep, None);
        let mut keep = live.keep_history.subscribe();
        live.take_over(&config("[log]\nlevel = 'debug'"));
        assert!(!keep.has_changed().unwrap());
        live.take_over(&config("[history]\nkeep_days = 0\n[[kubernetes]]\ncluster_uid = 'u'\nkeys_file = '/dev/null'"));
        assert!(keep.has_changed().unwrap());
        assert_eq!(*keep.borrow_and_update(), None);
        assert_eq!(live.clusters.load()[0].uid, "u");
    }
}
