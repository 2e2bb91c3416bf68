//! Rows, one file per entity. Only SQL and its rows live here; decisions are made in `reconcile`.

pub mod agent;
pub mod agent_certificate;
pub mod agent_change;
pub mod allocation;
pub mod api_token;
pub mod association;
pub mod attached;
pub mod audit;
pub mod capability;
pub mod certificate_authority;
pub mod compute;
pub mod container;
pub mod dead_letter;
pub mod drift;
pub mod entity;
pub mod environment_rule;
pub mod environment_worker;
pub mod filled;
pub mod hanging;
pub mod history;
pub mod identity;
pub mod join_token;
pub mod junk;
pub mod k8s_cluster;
pub mod k8s_object;
pub mod liveness;
pub mod match_conflict;
pub mod match_decision;
pub mod naming;
pub mod operation;
pub mod place;
pub(crate) mod record;
pub mod refusal;
pub(crate) mod row_change;
pub mod sample;
pub mod set_back;
pub mod shape;
pub mod source;
pub mod stored;
pub mod tag;
pub mod tag_origin;
pub mod usage;
pub mod web_session;
pub mod workload;

/// Cuts a text to a column of `most` characters, at a character's border. The JSON columns hold it whole.
#[must_use]
pub(crate) fn cut(text: &str, most: usize) -> &str {
    match text.char_indices().nth(most) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_text_is_cut_at_a_characters_border() {
        assert_eq!(cut("grün", 3), "grü");
        assert_eq!(cut("grün", 4), "grün");
        assert_eq!(cut("", 3), "");
    }
}
