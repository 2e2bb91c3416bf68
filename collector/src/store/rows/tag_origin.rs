//! Where a tag came from: the one vocabulary of it, in the column `origin`, in the API and on screens.
//!
//! | word | the tag was … |
//! | --- | --- |
//! | `person` | set by a person, in the API, the page or an import |
//! | `docker-label`, `podman-label` | a label of the container, as that engine tells it |
//! | `kubernetes-label` | a label of the pod, the namespace or the node |
//! | `rule` | set by a rule |
//! | `join-token` | given to every host that enrolled with the token |
//! | `legacy` | in the existing inventory's own table of tags |
//!
//! A source that has labels names its word by itself: `SOURCE-label`. What a person set is never overwritten by another
//! origin, and what a rule set gives way to every other one.

use std::fmt;

use orchestrix_common::model::Source;

/// Where a tag came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagOrigin {
    /// A person.
    Person,
    /// A label, as this source tells it.
    Label(Source),
    /// A rule.
    Rule,
    /// The token that the host enrolled with.
    JoinToken,
    /// The existing inventory.
    Legacy,
}

impl fmt::Display for TagOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person => f.write_str("person"),
            Self::Label(source) => write!(f, "{source}-label"),
            Self::Rule => f.write_str("rule"),
            Self::JoinToken => f.write_str("join-token"),
            Self::Legacy => f.write_str("legacy"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_origin_has_its_word() {
        let label = |source: &str| TagOrigin::Label(Source::from(source.to_owned())).to_string();
        assert_eq!(label("docker"), "docker-label");
        assert_eq!(label("kubernetes"), "kubernetes-label");
        let words = [TagOrigin::Person, TagOrigin::Rule, TagOrigin::JoinToken, TagOrigin::Legacy];
        assert_eq!(words.map(|origin| origin.to_string()), ["person", "rule", "join-token", "legacy"]);
    }
}
