//! Criteria as a tree: what a level asks for is known when the request is checked, how a test of environments is best
//! written only when the inventory can be asked.

use super::criteria::Condition;
use crate::{
    environment::{
        ResourceType,
        sql::{self, Wanted},
    },
    store::{Db, StoreError},
};

/// What rows must fulfil.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Criterion {
    /// A condition on columns.
    Plain(Condition),
    /// It belongs to one of these environments.
    Environment {
        /// What rows are.
        kind: ResourceType,
        /// Which environments.
        wanted: Wanted,
        /// Whether what is inherited counts.
        inherited: bool,
        /// It belongs to none of them.
        none: bool,
    },
    /// All of them, or any of them.
    Joined {
        /// The members.
        members: Vec<Self>,
        /// Between them.
        word: &'static str,
        /// What no members come to.
        empty: &'static str,
    },
    /// It is not so.
    Not(Box<Self>),
}

impl Criterion {
    /// All of these.
    pub(super) const fn all(members: Vec<Self>) -> Self {
        Self::Joined { members, word: " AND ", empty: "1 = 1" }
    }

    /// One of these.
    pub(super) const fn one_of(members: Vec<Self>) -> Self {
        Self::Joined { members, word: " OR ", empty: "1 = 0" }
    }

    /// The condition, in the form that suits the inventory.
    pub(super) async fn resolve(&self, db: &Db) -> Result<Condition, StoreError> {
        match self {
            Self::Plain(condition) => Ok(condition.clone()),
            Self::Environment { kind, wanted, inherited, none } => {
                let sql::Condition { sql, values } = match none {
                    true => sql::effective_filter(*kind, "t", wanted, *inherited),
                    false => sql::effective_condition(db, *kind, "t", wanted, *inherited).await?,
                };
                let condition = Condition::new(format!("({sql})"), values);
                Ok(if *none { condition.untrue() } else { condition })
            }
            Self::Joined { members, word, empty } => {
                let mut conditions = Vec::with_capacity(members.len());
                for member in members {
                    conditions.push(Box::pin(member.resolve(db)).await?);
                }
                Ok(Condition::join(conditions, word, empty))
            }
            Self::Not(inner) => Ok(Box::pin(inner.resolve(db)).await?.untrue()),
        }
    }
}
