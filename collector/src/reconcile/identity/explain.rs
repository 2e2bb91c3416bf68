//! What a decision says of itself: in words for people, and as data for programs. It is stored and shown as it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Evidence;

/// What was decided about a host, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Explanation {
    /// What was decided, in one sentence.
    pub summary: String,
    /// What the host showed that can identify it, strongest first.
    pub shown: Vec<Shown>,
    /// What it showed that identifies nothing, each with the reason.
    pub ignored: Vec<Reason>,
    /// Every compute that shares something with it, by id.
    pub candidates: Vec<Fit>,
}

/// Something that identifies a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Shown {
    /// For example `machine_id`.
    pub evidence: String,
    /// Its value.
    pub content: String,
}

/// How well a candidate fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Fit {
    /// The compute.
    pub compute_id: i64,
    /// Its name.
    pub name: String,
    /// `taken`, `possible` (a person may say that it is this one) or `rejected`.
    pub verdict: Verdict,
    /// Kinds of evidence that agree, strongest first, for example `machine_id`.
    pub agrees: Vec<String>,
    /// Kinds of evidence that contradict.
    pub differs: Vec<String>,
    /// Agents that speak for it and still answer.
    pub answering: Vec<String>,
    /// One sentence: why it was taken or not.
    pub reason: String,
    /// What speaks for it.
    pub why: Vec<Reason>,
    /// What speaks against it.
    pub why_not: Vec<Reason>,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The host is this compute.
    Taken,
    /// A person may say that it is this one.
    Possible,
    /// It is another machine, or nothing says that it is this one.
    #[default]
    Rejected,
}

/// One thing that speaks for or against something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Reason {
    /// Stable word for programs: `same`, `same-other-byte-order`, `same-without-domain`, `differs`, `vetoed`, `shared`,
    /// `needs-more`, `junk`, `inside-container`, `answering`, `several` or `stronger-elsewhere`.
    pub code: String,
    /// Kind of evidence it is about, for example `machine_id`; empty when it is about none.
    pub evidence: String,
    /// The host's value.
    pub ours: Option<String>,
    /// The compute's value.
    pub theirs: Option<String>,
    /// In words.
    pub text: String,
}

impl Reason {
    pub(super) fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: text.into(), ..Self::default() }
    }

    pub(super) fn about(self, kind: Evidence, ours: Option<&str>, theirs: Option<&str>) -> Self {
        let evidence = kind.word().to_owned();
        Self { evidence, ours: ours.map(str::to_owned), theirs: theirs.map(str::to_owned), ..self }
    }
}
