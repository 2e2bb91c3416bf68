//! How the history names a row of a kind: a word, a number and, where the number is not the row's own, a key.

use serde_json::{Map, Value as Json};

use super::Kind;

/// What tells the rows of a kind apart in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Its own number.
    Number,
    /// The number of the resource it is a part of, and a column of its own.
    Part { of: &'static str, key: &'static str },
    /// The number of the resource it is attached to; that one's type and a column of its own, as `type:key`.
    Attached { kind: &'static str, of: &'static str, key: &'static str },
    /// A text of its own. The number is that of its compute, for those who read, and zero when it has none.
    Text,
}

impl Kind {
    /// What `history.resource_type` calls rows of this kind.
    pub(crate) fn history_type(&self) -> &'static str {
        match self.name {
            "environmentassociation" => "environment_association",
            "automationtarget" => "automation_target",
            "networkdevice" => "network_device",
            "resourcepool" => "resource_pool",
            name if self.resource_type.is_empty() => name,
            _ => self.resource_type,
        }
    }

    /// What tells its rows apart in the history.
    pub(crate) fn identity(&self) -> Identity {
        match self.name {
            "tag" => Identity::Attached { kind: "resource_type", of: "resource_id", key: "tag_key" },
            "capability" => Identity::Part { of: "compute_id", key: "capability_type" },
            "agent" => Identity::Text,
            _ => Identity::Number,
        }
    }

    /// `history.resource_id` and `history.resource_key` of a row, given by its columns.
    pub(crate) fn history_key(&self, row: &Map<String, Json>) -> (i64, String) {
        let number = |column: &str| row.get(column).and_then(Json::as_i64).unwrap_or(0);
        let text = |column: &str| row.get(column).and_then(Json::as_str).unwrap_or_default();
        match self.identity() {
            Identity::Number => (number(self.key), String::new()),
            Identity::Part { of, key } => (number(of), text(key).to_owned()),
            Identity::Attached { kind, of, key } => (number(of), format!("{}:{}", text(kind), text(key))),
            Identity::Text => (number("compute_id"), text(self.key).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::catalog::KINDS;

    #[test]
    fn no_two_kinds_share_a_word_in_the_history() {
        let words: BTreeSet<_> = KINDS.iter().map(|kind| kind.history_type()).collect();
        assert_eq!(words.len(), KINDS.len());
    }

    #[test]
    fn a_row_is_named_by_its_number_or_by_what_it_belongs_to() {
        let key = |kind: &str, row: Json| Kind::find(kind).unwrap().history_key(row.as_object().unwrap());
        assert_eq!(key("compute", json!({ "id": 7, "name": "web" })), (7, String::new()));
        let tag = json!({ "resource_type": "compute", "resource_id": 7, "tag_key": "owner" });
        assert_eq!(key("tag", tag), (7, "compute:owner".to_owned()));
        let capability = json!({ "compute_id": 7, "capability_type": "docker" });
        assert_eq!(key("capability", capability), (7, "docker".to_owned()));
        assert_eq!(key("agent", json!({ "id": "0190", "compute_id": 7 })), (7, "0190".to_owned()));
    }
}
