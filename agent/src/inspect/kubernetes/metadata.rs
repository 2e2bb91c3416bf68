//! The metadata of an object as far as it is kept.
//!
//! Managed fields, finalizers and annotations are passed over while the answer is read, so what people keep in
//! annotations (`last-applied-configuration` holds whole objects, values of variables included) never gets into memory.

use std::{collections::BTreeMap, fmt};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::Resource;
use orchestrix_common::{model::DEFAULT_LIMITS, time::Timestamp};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use crate::inspect::text;

/// Marks the mirror of a static pod and holds the UID by which its kubelet knows it.
pub(super) const MIRROR: &str = "kubernetes.io/config.mirror";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Projected {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    labels: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
    #[serde(default)]
    annotations: Kept,
}

/// Reads metadata and leaves out what is not kept.
pub(super) fn projected<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    let Projected {
        name,
        namespace,
        uid,
        resource_version,
        creation_timestamp,
        deletion_timestamp,
        labels,
        owner_references,
        annotations: Kept(annotations),
    } = Projected::deserialize(deserializer)?;
    Ok(ObjectMeta {
        name,
        namespace,
        uid,
        resource_version,
        creation_timestamp,
        deletion_timestamp,
        labels,
        owner_references,
        annotations: (!annotations.is_empty()).then_some(annotations),
        ..ObjectMeta::default()
    })
}

/// The one annotation that is kept.
#[derive(Default)]
struct Kept(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pick;
        impl<'de> Visitor<'de> for Pick {
            type Value = Kept;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("annotations")
            }

            fn visit_unit<E>(self) -> Result<Kept, E> {
                Ok(Kept::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kept, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == MIRROR {
                        kept.insert(key, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Kept(kept))
            }
        }
        deserializer.deserialize_any(Pick)
    }
}

/// What every object says of itself.
pub(super) struct Common {
    pub(super) uid: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) labels_truncated: u32,
    pub(super) created_at: Option<Timestamp>,
}

/// Reads it; `None` for an object without name or UID, which no server sends.
pub(super) fn common<K: Resource>(object: &K) -> Option<Common> {
    let meta = object.meta();
    let (labels, labels_truncated) = text::labels(meta.labels.clone().unwrap_or_default(), &DEFAULT_LIMITS);
    Some(Common {
        uid: meta.uid.clone().filter(|uid| !uid.is_empty())?,
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().filter(|name| !name.is_empty())?,
        labels,
        labels_truncated,
        created_at: meta.creation_timestamp.as_ref().map(moment),
    })
}

/// A time of the API.
pub(super) fn moment(time: &Time) -> Timestamp {
    Timestamp::from_micros(time.0.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Object {
        #[serde(deserialize_with = "projected")]
        metadata: ObjectMeta,
    }

    #[test]
    fn what_people_keep_in_annotations_is_passed_over() {
        let json = r#"{ "metadata": { "name": "web", "uid": "u", "creationTimestamp": "2024-05-01T10:00:00Z",
            "labels": { "app": "web" }, "managedFields": [{ "manager": "planted" }], "finalizers": ["planted"],
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "planted",
                             "kubernetes.io/config.mirror": "00ff" } } }"#;
        let Object { metadata } = serde_json::from_str(json).unwrap();
        assert_eq!(metadata.annotations.as_ref().map(BTreeMap::len), Some(1));
        assert_eq!(metadata.annotations.as_ref().unwrap()[MIRROR], "00ff");
        assert_eq!(
            metadata.creation_timestamp.as_ref().map(|time| moment(time).to_string()).unwrap(),
            "2024-05-01T10:00:00Z"
        );
        assert!(!serde_json::to_string(&metadata).unwrap().contains("planted"));
    }

    #[test]
    fn annotations_may_be_null() {
        let Object { metadata } = serde_json::from_str(r#"{ "metadata": { "annotations": null } }"#).unwrap();
        assert_eq!(metadata.annotations, None);
    }
}
