//! Gathers what is known of resources for the rules: a few statements for many resources.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    ResourceType,
    rule::{Environments, Evidence, EvidenceKind, Subject},
    sql,
};
use crate::store::{Dialect, Executor, Row, StoreError, Value, rows::tag_origin::TagOrigin};

/// Label that Docker Compose puts on the containers of a project.
const COMPOSE_PROJECT: &str = "com.docker.compose.project";
/// Label that a kubelet puts on the containers of a pod.
const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
/// Pieces of evidence of one kind that a resource may have, beyond which the rest is left out.
const MOST: usize = 256;

/// Reads what is known of resources of a kind; those that are not there, or have ended, are left out, and so are
/// containers that a workload stands for.
///
/// # Errors
/// When a statement fails.
pub(super) async fn subjects(
    from: &mut impl Executor,
    dialect: Dialect,
    kind: ResourceType,
    keys: &[i64],
) -> Result<Vec<Subject>, StoreError> {
    let columns = match kind {
        ResourceType::Compute => "c.name AS name, c.hostname AS hostname".to_owned(),
        ResourceType::Container => {
            "t.name AS name, t.image AS image, c.name AS compute_name, c.hostname AS hostname".to_owned()
        }
        ResourceType::Workload => format!(
            "w.workload_name AS name, w.workload_type AS workload_type, w.image AS image, {} AS labels, {} AS details, \
             c.name AS compute_name, c.hostname AS hostname",
            dialect.json_text("w.labels"),
            dialect.json_text("w.isolation_details"),
        ),
        ResourceType::K8sNamespace => format!("n.name AS name, {} AS labels", dialect.json_text("n.labels")),
        _ => return Ok(Vec::new()),
    };
    let only = match kind {
        ResourceType::Container => " WHERE w.id IS NULL",
        ResourceType::Workload => " WHERE w.ended_at_us IS NULL",
        ResourceType::K8sNamespace => " WHERE n.ended_at_us IS NULL",
        _ => "",
    };
    let statement = format!(
        "SELECT q.value AS id, d.id AS datacenter_id, cl.id AS cloud_id, p.id AS partner_id, {columns} {}{only} \
         ORDER BY q.value",
        sql::chain(&sql::current, kind, dialect)
    );
    let list = Value::Text(Json::from(keys).to_string());
    let rows = from.fetch(statement, vec![list]).await?;
    let mut subjects = rows.iter().map(|row| subject(kind, row)).collect::<Result<Vec<_>, _>>()?;
    let mut tags = tags(from, kind, &subjects).await?;
    for subject in &mut subjects {
        let Tagged { by_others, by_rules } = tags.remove(&subject.id).unwrap_or_default();
        subject.evidence.extend(by_others);
        subject.rule_tags = by_rules;
        subject.evidence.sort();
        subject.evidence.dedup();
    }
    Ok(subjects)
}

fn subject(kind: ResourceType, row: &Row) -> Result<Subject, StoreError> {
    let name: String = row.get("name")?;
    let mut evidence = Vec::new();
    let mut add = |kind: EvidenceKind, value: Option<String>| {
        evidence.extend(value.filter(|value| !value.is_empty()).map(|value| Evidence::new(kind, value)));
    };
    match kind {
        ResourceType::Compute => {
            add(EvidenceKind::ComputeName, Some(name.clone()));
            add(EvidenceKind::HostName, row.get("hostname")?);
        }
        ResourceType::K8sNamespace => {
            add(EvidenceKind::Namespace, Some(name.clone()));
            evidence.extend(labels(&row.json("labels")?.unwrap_or(Json::Null)));
        }
        _ => {
            add(EvidenceKind::WorkloadName, Some(name.clone()));
            add(EvidenceKind::Image, row.get("image")?);
            add(EvidenceKind::ComputeName, row.get("compute_name")?);
            add(EvidenceKind::HostName, row.get("hostname")?);
            if kind == ResourceType::Workload {
                add(EvidenceKind::WorkloadType, row.get("workload_type")?);
                let labelled: Json = row.json("labels")?.unwrap_or(Json::Null);
                let details: Json = row.json("details")?.unwrap_or(Json::Null);
                let label = |key: &str| labelled.get(key).and_then(Json::as_str).map(ToOwned::to_owned);
                let detail = |key: &str| details.get(key).and_then(Json::as_str).map(ToOwned::to_owned);
                add(EvidenceKind::ComposeProject, label(COMPOSE_PROJECT));
                add(EvidenceKind::Namespace, detail("namespace").or_else(|| label(POD_NAMESPACE)));
                add(EvidenceKind::Unit, detail("unit"));
                add(EvidenceKind::User, detail("user"));
                let domains = details.get("domains").or_else(|| details.get("serverNames")).and_then(Json::as_array);
                for domain in domains.into_iter().flatten().take(MOST) {
                    add(EvidenceKind::VhostDomain, domain.as_str().map(ToOwned::to_owned));
                }
                evidence.extend(labels(&labelled));
            }
        }
    }
    Ok(Subject {
        kind,
        id: row.get("id")?,
        name,
        partner_id: row.get("partner_id")?,
        cloud_id: row.get("cloud_id")?,
        datacenter_id: row.get("datacenter_id")?,
        evidence,
        rule_tags: BTreeMap::new(),
    })
}

fn labels(labels: &Json) -> impl Iterator<Item = Evidence> {
    let members = labels.as_object().into_iter().flatten().take(MOST);
    members.filter_map(|(key, value)| {
        let value = value.as_str()?.to_owned();
        Some(Evidence { kind: EvidenceKind::Label, key: Some(key.clone()), value })
    })
}

/// The tags of a resource.
#[derive(Default)]
struct Tagged {
    by_others: Vec<Evidence>,
    by_rules: BTreeMap<String, String>,
}

impl Tagged {
    fn add(&mut self, key: String, value: String) {
        if self.by_others.len() < MOST {
            self.by_others.push(Evidence { kind: EvidenceKind::Tag, key: Some(key), value });
        }
    }
}

async fn tags(
    from: &mut impl Executor,
    kind: ResourceType,
    subjects: &[Subject],
) -> Result<BTreeMap<i64, Tagged>, StoreError> {
    let select = "SELECT resource_id, tag_key, tag_value, origin FROM resource_tags WHERE resource_type = ? AND";
    let keys: Vec<Value> = subjects.iter().map(|subject| Value::Int(subject.id)).collect();
    let mut found: BTreeMap<i64, Tagged> = BTreeMap::new();
    let by_rule = TagOrigin::Rule.to_string();
    for row in from.fetch_in(select, "resource_id", vec![kind.as_str().into()], keys.clone()).await? {
        let tagged = found.entry(row.get("resource_id")?).or_default();
        let (key, value) = (row.get("tag_key")?, row.get("tag_value")?);
        if row.get::<String>("origin")? == by_rule {
            tagged.by_rules.insert(key, value);
        } else {
            tagged.add(key, value);
        }
    }
    if kind == ResourceType::Compute {
        // The existing inventory has a table of its own for tags, which knows of computes and places only.
        let select = "SELECT entity_id, key_name, value FROM tags WHERE entity_type IN ('COMPUTE', 'compute') AND";
        for row in from.fetch_in(select, "entity_id", vec![], keys).await? {
            found.entry(row.get("entity_id")?).or_default().add(row.get("key_name")?, row.get("value")?);
        }
    }
    Ok(found)
}

/// Reads the codes of all environments.
///
/// # Errors
/// When the statement fails.
pub(super) async fn environments(from: &mut impl Executor) -> Result<Environments, StoreError> {
    let mut environments = Environments::default();
    for row in from.fetch("SELECT id, code, partner_id FROM environments ORDER BY id".to_owned(), vec![]).await? {
        environments.insert(row.get("partner_id")?, &row.get::<String>("code")?, row.get("id")?);
    }
    Ok(environments)
}
