//! Kubernetes: a cluster in each datacenter, with a namespace for each application.

use super::{
    FillError, Now, Writer, environments,
    places::{Places, key},
    statement::{Table, row},
    words::APPS,
};

static CLUSTER: Table = Table {
    name: "k8s_clusters",
    columns: &["id", "uid", "name", "version", "status", "first_seen_at_us", "changed_at_us"],
};
static NAMESPACE: Table = Table {
    name: "k8s_namespaces",
    columns: &["id", "cluster_id", "name", "uid", "status", "labels", "first_seen_at_us", "changed_at_us"],
};

/// Key of the namespace that an application has in the cluster of a datacenter; both count from zero.
pub(super) fn namespace(datacenter: usize, app: usize) -> i64 {
    key(datacenter * APPS.len() + app + 1)
}

pub(super) fn write(
    writer: &mut Writer,
    places: &Places,
    now: Now,
    chance: &mut fastrand::Rng,
) -> Result<(), FillError> {
    for (index, datacenter) in places.datacenters.iter().enumerate() {
        let (cluster, seen) = (key(index + 1), now.ago(300, chance));
        let (uid, name) = (format!("{cluster:08x}-0000-4000-a000-000000000000"), format!("{}-k8s", datacenter.code));
        writer.add(&CLUSTER, row![cluster, uid, name, "v1.31.1", "ACTIVE", seen, seen])?;
        for (app, name) in APPS.into_iter().enumerate() {
            let id = namespace(index, app);
            let uid = format!("{cluster:08x}-{app:04x}-4000-a000-000000000001");
            let labels = format!(r#"{{"kubernetes.io/metadata.name":"{name}"}}"#);
            writer.add(&NAMESPACE, row![id, cluster, name, uid, "Active", labels, seen, seen])?;
            if app % 3 == 0 {
                environments::associate(writer, environments::choose(datacenter.partner, chance), "k8s_namespace", id)?;
            }
        }
    }
    Ok(())
}
