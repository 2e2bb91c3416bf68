//! Volatile measurements: only the latest of each resource is kept, and no history.

use std::collections::BTreeMap;

use orchestrix_common::model::{Source, Usage};

use super::{ApplyError, Reconciler, SessionKey, apply};
use crate::store::rows::{
    entity::entity_find,
    usage::{UsageRow, usage_set_computes_in_tx, usage_set_workloads_in_tx},
};

impl Reconciler {
    /// Stores the latest use of entities; those that are not known are passed over.
    ///
    /// # Errors
    /// When the session was superseded or the database failed.
    pub async fn record_usage(&self, session: &SessionKey, usages: &[Usage]) -> Result<(), ApplyError> {
        let mut by_source: BTreeMap<&Source, BTreeMap<&str, &Usage>> = BTreeMap::new();
        for usage in usages {
            by_source.entry(&usage.source).or_default().insert(&usage.native_id, usage);
        }
        let now = self.clock.now();
        crate::transaction!(self.db, |tx| {
            if let Err(refused) = apply::admit_in_tx(tx, session).await? {
                Err(refused)
            } else {
                let (mut workloads, mut computes) = (BTreeMap::new(), BTreeMap::new());
                for (source, usages) in &by_source {
                    for entity in entity_find(tx, session.agent_id, source, usages.keys().copied()).await? {
                        let Some((usage, resource_id)) = usages.get(entity.native_id.as_str()).zip(entity.resource_id)
                        else {
                            continue;
                        };
                        let Usage { source: _, native_id: _, cpu_millicores, memory_bytes } = **usage;
                        let row = UsageRow { resource_id, cpu_millicores, memory_bytes };
                        let kept = if entity.kind == "host" { &mut computes } else { &mut workloads };
                        kept.insert(resource_id, row);
                    }
                }
                let (workloads, computes): (Vec<_>, Vec<_>) =
                    (workloads.into_values().collect(), computes.into_values().collect());
                usage_set_workloads_in_tx(tx, &workloads, now).await?;
                usage_set_computes_in_tx(tx, &computes, now).await?;
                Ok(())
            }
        })?
    }
}
