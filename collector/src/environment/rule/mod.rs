//! Rules: what evidence says of a resource's environment. Pure.
//!
//! A rule that assigns holds conditions over evidence; of those that match a resource the first by priority wins, and
//! what it decided by is kept. A rule that tags holds conditions too; all that match set their tags, and for each key the
//! first by priority wins. What such rules set is evidence for those that assign, and not for each other: no rule can keep
//! alive what another one said once. A rule that separates names two environments that must not share a compute. A rule
//! is data that people write ([`Rule`]); [`Compiled`] is the same one checked and ready.

mod check;
mod cover;
mod defaults;
mod fraction;
mod matcher;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use check::{Problem, check};
pub use defaults::defaults;
pub use matcher::{Compiled, Conclusion, RuleTag, RuleTags, evaluate, rivals, tags_of};

use super::ResourceType;

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleKind {
    /// Evidence decides an environment.
    #[default]
    Assign,
    /// Two environments must not share a compute.
    Separate,
    /// Evidence decides tags.
    Tag,
}

impl RuleKind {
    /// Word in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Separate => "separate",
            Self::Tag => "tag",
        }
    }
}

/// How many of a rule's conditions must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// Every one.
    #[default]
    All,
    /// At least one.
    Any,
}

/// Something that is known of a resource and may say what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceKind {
    /// A label of a container, a pod or a namespace; `key` names it.
    Label,
    /// A tag of the resource; `key` names it.
    Tag,
    /// The project of Docker Compose that a container belongs to.
    ComposeProject,
    /// The Kubernetes namespace.
    Namespace,
    /// The systemd unit of a process.
    Unit,
    /// The user that a process runs as.
    User,
    /// The host name of the compute.
    HostName,
    /// A domain that a virtual host answers to.
    VhostDomain,
    /// The image of a container.
    Image,
    /// The name of the workload or the container.
    WorkloadName,
    /// `container`, `vm`, `k8s_pod`, `process` or `vhost`.
    WorkloadType,
    /// The name of the compute.
    ComputeName,
}

impl EvidenceKind {
    /// Whether a condition on it names a key.
    #[must_use]
    pub const fn has_key(self) -> bool {
        matches!(self, Self::Label | Self::Tag)
    }
}

/// How evidence is compared. Case never matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// It is the value.
    Equals,
    /// It begins with it.
    Prefix,
    /// It ends with it.
    Suffix,
    /// It holds it.
    Contains,
    /// It fits the pattern: `*` stands for any text, `?` for one character.
    Glob,
    /// The regular expression is found in it.
    Regex,
    /// It is one of the values.
    In,
}

/// A condition on one piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// What is looked at.
    pub evidence: EvidenceKind,
    /// The key of a label or a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub key: Option<String>,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with; one value, but for `in`. Each has 1 to 256 characters.
    #[schema(min_items = 1, max_items = 200)]
    pub values: Vec<String>,
}

/// A type of resources that rules reach: stands for it in the description of the API.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes a text")]
enum Reach {
    Compute,
    Container,
    Workload,
    #[schema(rename = "k8s_namespace")]
    K8sNamespace,
}

/// Where a rule applies; what is left out narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scope {
    /// To resources of these types: `compute`, `container`, `workload`, `k8s_namespace`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Reach>)]
    pub resource_types: Vec<String>,
    /// To what belongs to this partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<i64>,
    /// To what belongs to this cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<i64>,
    /// To what stands in this datacenter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datacenter_id: Option<i64>,
}

/// A rule as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rule {
    /// Assign, separate or tag.
    pub kind: RuleKind,
    /// Name, unique among the rules.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", required = true)]
    pub name: String,
    /// For people.
    #[schema(max_length = 255)]
    pub description: Option<String>,
    /// The smallest comes first.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub priority: i64,
    /// Whether it is in force.
    pub enabled: bool,
    /// Assign and separate: code of the environment, that of the resource's partner, or else one without partner; empty
    /// otherwise.
    #[schema(max_length = 64)]
    pub environment_code: String,
    /// Separate: code of the environment that must be kept apart from it.
    #[schema(max_length = 64)]
    pub other_code: Option<String>,
    /// How sure it is, from 0 to 1; two digits are kept.
    #[serde(with = "fraction")]
    #[schema(value_type = f64, minimum = 0, maximum = 1, default = 0.8)]
    pub confidence: i64,
    /// Tag: the tags that it sets, by key, 1 to 20. A key that somebody else has set is left alone.
    #[schema(value_type = HashMap<String, String>)]
    pub tags: BTreeMap<String, String>,
    /// Assign and tag: how many conditions must hold.
    pub r#match: Matching,
    /// Assign and tag: the conditions, at least one.
    #[schema(max_items = 50)]
    pub conditions: Vec<Condition>,
    /// Where it applies.
    pub scope: Scope,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            kind: RuleKind::Assign,
            name: String::new(),
            description: None,
            priority: 500,
            enabled: true,
            environment_code: String::new(),
            other_code: None,
            confidence: 80,
            tags: BTreeMap::new(),
            r#match: Matching::All,
            conditions: Vec::new(),
            scope: Scope::default(),
        }
    }
}

/// Kinds of resources whose environment rules infer.
pub const INFERRED: [ResourceType; 4] =
    [ResourceType::Compute, ResourceType::K8sNamespace, ResourceType::Container, ResourceType::Workload];

/// One piece of evidence of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What it is.
    #[serde(rename = "evidence")]
    pub kind: EvidenceKind,
    /// Key of a label or a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it says.
    pub value: String,
}

impl Evidence {
    /// Evidence without a key.
    #[must_use]
    pub fn new(kind: EvidenceKind, value: impl Into<String>) -> Self {
        Self { kind, key: None, value: value.into() }
    }
}

/// What rules see of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its type.
    pub kind: ResourceType,
    /// Its key.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The partner that it belongs to.
    pub partner_id: Option<i64>,
    /// The cloud.
    pub cloud_id: Option<i64>,
    /// The datacenter.
    pub datacenter_id: Option<i64>,
    /// What is known of it. Tags that rules set are not among it.
    pub evidence: Vec<Evidence>,
    /// Tags that rules have set on it, by key.
    pub rule_tags: BTreeMap<String, String>,
}

/// The environments that a code may mean, by partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environments(std::collections::BTreeMap<(Option<i64>, String), i64>);

impl Environments {
    /// Enters an environment.
    pub fn insert(&mut self, partner: Option<i64>, code: &str, id: i64) {
        self.0.insert((partner, code.to_lowercase()), id);
    }

    /// Whether anybody has an environment with the code; within a partner when one is named.
    #[must_use]
    pub fn knows(&self, partner: Option<i64>, code: &str) -> bool {
        match partner {
            Some(_) => self.find(partner, code).is_some(),
            None => self.0.keys().any(|(_, known)| *known == code.to_lowercase()),
        }
    }

    /// Whether every partner that has an environment with the code `other` has one with `code`, too; only the one that
    /// is named, when one is.
    #[must_use]
    pub fn has_wherever(&self, partner: Option<i64>, code: &str, other: &str) -> bool {
        let holds = |partner| self.find(partner, other).is_none() || self.find(partner, code).is_some();
        match partner {
            Some(_) => holds(partner),
            None => holds(None) && self.0.keys().all(|(partner, _)| holds(*partner)),
        }
    }

    /// The partner's environment with the code, or else the one without partner.
    #[must_use]
    pub fn find(&self, partner: Option<i64>, code: &str) -> Option<i64> {
        let code = code.to_lowercase();
        self.0.get(&(partner, code.clone())).or_else(|| self.0.get(&(None, code))).copied()
    }
}
