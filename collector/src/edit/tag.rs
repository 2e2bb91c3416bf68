//! Tags that rules set: people put theirs in front of them, and do not take them away.

use serde_json::Value as Json;

use super::{EditError, FieldProblem, form::Form, forms::TAG, problem::DISCOVERED};
use crate::store::rows::{record::Shown, tag_origin::TagOrigin};

/// Refuses to delete what a rule would set again at once.
pub(super) fn may_be_deleted(form: &Form, stored: &Shown) -> Result<(), EditError> {
    let by_rule = TagOrigin::Rule.to_string();
    if form.kind.name != TAG.kind.name || stored.get("origin").and_then(Json::as_str) != Some(by_rule.as_str()) {
        return Ok(());
    }
    let expected = "a tag that somebody set; give this one a value of your own, or change the rule (its name is in the \
                    history of the tag)";
    Err(EditError::Invalid(vec![FieldProblem::new("tagKey", DISCOVERED, "is set by a rule", expected)]))
}
