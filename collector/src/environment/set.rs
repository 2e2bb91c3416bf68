//! The associations of one resource, and what may become of them. Pure.
//!
//! Each function turns the set that is there into the one that shall be and sees to what always holds: exactly one
//! primary unless it is empty, percentages within 100 in all. A person's word stays, whatever rules and measurements say.

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub use crate::store::rows::association::{AssociationRow as Association, Inference, Origin};

/// The whole, in hundredths of a per cent.
pub const WHOLE: i64 = 10_000;

/// What a person says of an association; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statement {
    /// Whether it is the resource's main one.
    pub primary: Option<bool>,
    /// The share in hundredths of a per cent; `Some(None)` takes it back.
    pub declared: Option<Option<i64>>,
    /// For programs and people; `Some(None)` takes it away.
    pub metadata: Option<Option<Json>>,
}

/// Why a person's statement cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A percentage is out of range.
    #[error("a share is between 0 and 100 per cent")]
    OutOfRange,
    /// The declared percentages would sum above 100.
    #[error("the declared shares of the resource would sum to {} per cent", percent(*.sum))]
    AboveWhole {
        /// What they would sum to, in hundredths.
        sum: i64,
        /// What is left for this one, in hundredths.
        left: i64,
    },
}

/// Shows hundredths as a number.
#[must_use]
pub fn percent(hundredths: i64) -> String {
    let (whole, part) = (hundredths / 100, hundredths % 100);
    if part == 0 { whole.to_string() } else { format!("{whole}.{part:02}") }
}

/// A person says that the resource belongs to an environment, or more of it. What rules inferred on the resource goes:
/// from now on its environments are what people say.
///
/// # Errors
/// When the declared shares do not fit.
pub fn stated(before: &[Association], environment_id: i64, statement: &Statement) -> Result<Vec<Association>, Refused> {
    let mut after: Vec<Association> = before
        .iter()
        .filter(|row| row.environment_id == environment_id || matches!(row.origin, Origin::Person | Origin::Legacy))
        .cloned()
        .collect();
    let index = match after.iter().position(|row| row.environment_id == environment_id) {
        Some(index) => index,
        None => {
            after.push(blank(environment_id, Origin::Person));
            after.len() - 1
        }
    };
    let row = &mut after[index];
    row.origin = Origin::Person;
    let Statement { primary, declared, metadata } = statement;
    if let Some(declared) = declared {
        if declared.is_some_and(|share| !(0..=WHOLE).contains(&share)) {
            return Err(Refused::OutOfRange);
        }
        row.declared = *declared;
    }
    if let Some(metadata) = metadata {
        row.metadata.clone_from(metadata);
    }
    if let Some(primary) = primary {
        row.primary = *primary;
    }
    if row.primary {
        for (other, row) in after.iter_mut().enumerate() {
            row.primary = other == index;
        }
    }
    let others: i64 = after.iter().enumerate().filter(|(at, _)| *at != index).filter_map(|(_, row)| row.declared).sum();
    let sum = others + after[index].declared.unwrap_or(0);
    if sum > WHOLE {
        return Err(Refused::AboveWhole { sum, left: (WHOLE - others).max(0) });
    }
    if statement.primary == Some(false) && !after.iter().any(|row| row.primary) {
        // Another one, if there is one.
        let row = after.remove(index);
        choose(&mut after);
        after.insert(index, row);
    }
    Ok(settle(after))
}

/// The set without the association with a key.
#[must_use]
pub fn without(before: &[Association], id: i64) -> Vec<Association> {
    settle(before.iter().filter(|row| row.id != Some(id)).cloned().collect())
}

/// What a rule concluded, or that none concludes anything. Nothing changes where a person has said something.
#[must_use]
pub fn inferred(before: &[Association], conclusion: Option<(i64, Inference)>) -> Vec<Association> {
    let stated = before.iter().any(|row| row.origin == Origin::Person);
    let conclusion = conclusion.filter(|_| !stated);
    let wanted = conclusion.as_ref().map(|(environment, _)| *environment);
    let mut after: Vec<Association> = before.to_vec();
    // What a rule inferred before goes, unless it was measured as well.
    after.retain_mut(|row| {
        if row.origin == Origin::Rule && Some(row.environment_id) != wanted {
            (row.origin, row.inference, row.primary) = (Origin::Measured, None, false);
            return row.measured.is_some() && !stated;
        }
        true
    });
    if let Some((environment_id, inference)) = conclusion {
        let index = match after.iter().position(|row| row.environment_id == environment_id) {
            Some(index) => index,
            None => {
                after.push(blank(environment_id, Origin::Rule));
                after.len() - 1
            }
        };
        // The legacy column says the same already, and stands where a person typed it.
        if after[index].origin != Origin::Legacy {
            let row = &mut after[index];
            (row.origin, row.inference) = (Origin::Rule, Some(inference));
            if !after.iter().any(|row| row.origin == Origin::Legacy && row.primary) {
                for (other, row) in after.iter_mut().enumerate() {
                    row.primary = other == index;
                }
            }
        }
    }
    settle(after)
}

/// What was measured, by environment, in hundredths; those that are not among it were not seen.
///
/// `host`: environments that nobody gave to the resource appear on it, because things of theirs run there.
#[must_use]
pub fn measured(before: &[Association], shares: &BTreeMap<i64, i64>, host: bool) -> Vec<Association> {
    let stated = before.iter().any(|row| row.origin == Origin::Person);
    let mut after: Vec<Association> = before.to_vec();
    after.retain_mut(|row| {
        row.measured = shares.get(&row.environment_id).copied();
        row.origin != Origin::Measured || (row.measured.is_some() && host && !stated)
    });
    for row in after.iter_mut().filter(|row| row.measured.is_none()) {
        row.measured = Some(0);
    }
    if host && !stated {
        for (environment, share) in shares {
            if !after.iter().any(|row| row.environment_id == *environment) {
                after.push(Association { measured: Some(*share), ..blank(*environment, Origin::Measured) });
            }
        }
    }
    settle(after)
}

/// A datacenter's legacy column names an environment, or another one than when it was last copied.
#[must_use]
pub fn copied(before: &[Association], environment_id: i64) -> Vec<Association> {
    let mut after: Vec<Association> = before.iter().filter(|row| row.origin != Origin::Legacy).cloned().collect();
    if !after.iter().any(|row| row.environment_id == environment_id) {
        let primary = !after.iter().any(|row| row.primary && row.origin == Origin::Person);
        if primary {
            after.iter_mut().for_each(|row| row.primary = false);
        }
        after.push(Association { primary, ..blank(environment_id, Origin::Legacy) });
    }
    settle(after)
}

fn blank(environment_id: i64, origin: Origin) -> Association {
    Association {
        id: None,
        environment_id,
        primary: false,
        origin,
        inference: None,
        declared: None,
        measured: None,
        allocated: None,
        metadata: None,
    }
}

/// Sees to what always holds.
fn settle(mut rows: Vec<Association>) -> Vec<Association> {
    allocate(&mut rows);
    if !rows.iter().any(|row| row.primary) {
        choose(&mut rows);
    }
    rows
}

/// Makes one of them the primary one: by origin, then by share.
fn choose(rows: &mut [Association]) {
    let rank = |row: &Association| (row.origin, -row.allocated.unwrap_or(-1), row.environment_id);
    if let Some(first) = rows.iter_mut().min_by_key(|row| rank(row)) {
        first.primary = true;
    }
}

/// What a person declared holds as it is; what was only measured shares the rest, cut in proportion where it is more.
fn allocate(rows: &mut [Association]) {
    let declared: i64 = rows.iter().filter_map(|row| row.declared).sum();
    let left = (WHOLE - declared).max(0);
    let only_measured = |row: &Association| if row.declared.is_none() { row.measured } else { None };
    let sum: i64 = rows.iter().filter_map(only_measured).sum();
    for row in rows {
        // Rounded down, so that the sum stays within.
        let fitted = |share: i64| if sum > left { share * left / sum } else { share };
        row.allocated = row.declared.or_else(|| only_measured(row).map(fitted));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inference(confidence: i64) -> Inference {
        Inference { rule_id: 1, rule_name: "r".to_owned(), evidence: Json::Null, confidence }
    }

    fn declare(share: i64) -> Statement {
        Statement { declared: Some(Some(share)), ..Statement::default() }
    }

    #[test]
    fn the_first_association_is_the_primary_one() {
        let set = stated(&[], 1, &Statement::default()).unwrap();
        assert!(set[0].primary && set[0].origin == Origin::Person);
        let set = stated(&set, 2, &Statement::default()).unwrap();
        assert_eq!(set.iter().map(|row| row.primary).collect::<Vec<_>>(), [true, false]);
        let set = stated(&set, 2, &Statement { primary: Some(true), ..Statement::default() }).unwrap();
        assert_eq!(set.iter().map(|row| row.primary).collect::<Vec<_>>(), [false, true]);
        assert!(without(&[Association { id: Some(5), ..set[1].clone() }, set[0].clone()], 5)[0].primary);
    }

    #[test]
    fn declared_shares_never_sum_above_the_whole() {
        let set = stated(&[], 1, &declare(6_000)).unwrap();
        assert_eq!(stated(&set, 2, &declare(4_001)), Err(Refused::AboveWhole { sum: 10_001, left: 4_000 }));
        assert_eq!(stated(&set, 2, &declare(4_000)).unwrap()[1].allocated, Some(4_000));
        assert_eq!(stated(&set, 1, &declare(10_001)), Err(Refused::OutOfRange));
        let text = Refused::AboveWhole { sum: 10_001, left: 4_000 }.to_string();
        assert_eq!(text, "the declared shares of the resource would sum to 100.01 per cent");
    }

    #[test]
    fn what_a_person_says_replaces_what_rules_inferred() {
        let set = inferred(&[], Some((2, inference(60))));
        assert_eq!(set[0].origin, Origin::Rule);
        let set = stated(&set, 1, &Statement::default()).unwrap();
        assert_eq!(set.iter().map(|row| (row.environment_id, row.origin)).collect::<Vec<_>>(), [(1, Origin::Person)]);
        assert_eq!(inferred(&set, Some((2, inference(99)))), set, "and rules do not speak again");
    }

    #[test]
    fn a_rule_that_no_longer_matches_takes_back_what_it_inferred() {
        let set = inferred(&[], Some((2, inference(60))));
        assert!(inferred(&set, None).is_empty());
        let both = measured(&set, &[(2, 500)].into(), true);
        let left = inferred(&both, None);
        assert_eq!(
            left.iter().map(|row| (row.origin, row.measured)).collect::<Vec<_>>(),
            [(Origin::Measured, Some(500))]
        );
    }

    #[test]
    fn a_declared_share_stands_beside_the_measured_one() {
        let set = stated(&[], 1, &declare(6_000)).unwrap();
        let set = measured(&set, &[(1, 2_500), (2, 700)].into(), true);
        assert_eq!(set.len(), 1, "a person said what it is for");
        assert_eq!((set[0].declared, set[0].measured, set[0].allocated), (Some(6_000), Some(2_500), Some(6_000)));
    }

    #[test]
    fn what_runs_on_a_host_that_nobody_gave_away_shows_on_it() {
        let set = measured(&[], &[(1, 2_500), (2, 4_000)].into(), true);
        assert_eq!(
            set.iter().map(|row| (row.allocated, row.primary)).collect::<Vec<_>>(),
            [(Some(2_500), false), (Some(4_000), true)]
        );
        assert!(measured(&set, &BTreeMap::new(), true).is_empty());
    }

    #[test]
    fn the_legacy_environment_gives_way_to_a_persons_and_stands_above_a_rules() {
        let legacy = copied(&[], 1);
        assert!(legacy[0].primary);
        let with_rule = inferred(&legacy, Some((2, inference(90))));
        assert!(with_rule[0].primary && !with_rule[1].primary);
        let stated = stated(&[], 2, &Statement::default()).unwrap();
        let both = copied(&stated, 1);
        assert_eq!(both.iter().map(|row| row.primary).collect::<Vec<_>>(), [true, false]);
        assert_eq!(copied(&legacy, 3).len(), 1, "the column changed");
    }

    #[derive(Clone, Debug)]
    enum Step {
        State(i64, Option<i64>, Option<bool>),
        Infer(Option<i64>),
        Measure(BTreeMap<i64, i64>),
        Copy(i64),
        Remove(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let environment = 1..4_i64;
        prop_oneof![
            (environment.clone(), proptest::option::of(0..=WHOLE), proptest::option::of(any::<bool>()))
                .prop_map(|(one, share, primary)| Step::State(one, share, primary)),
            proptest::option::of(environment.clone()).prop_map(Step::Infer),
            proptest::collection::btree_map(environment.clone(), 0..=WHOLE / 3, 0..4).prop_map(Step::Measure),
            environment.prop_map(Step::Copy),
            (0..4_usize).prop_map(Step::Remove),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_the_set_holds(steps in proptest::collection::vec(step(), 1..30)) {
            let mut set: Vec<Association> = Vec::new();
            for step in steps {
                let before = set.clone();
                set = match step.clone() {
                    Step::State(one, share, primary) => {
                        let statement = Statement { primary, declared: share.map(Some), metadata: None };
                        stated(&set, one, &statement).unwrap_or(set)
                    }
                    Step::Infer(one) => inferred(&set, one.map(|one| (one, inference(50)))),
                    Step::Measure(shares) => measured(&set, &shares, true),
                    Step::Copy(one) => copied(&set, one),
                    Step::Remove(at) => match set.get(at).and_then(|row| row.id) {
                        Some(id) => without(&set, id),
                        None => set,
                    },
                };
                for (index, row) in set.iter_mut().enumerate() {
                    row.id.get_or_insert(i64::try_from(index).unwrap() + 100 * row.environment_id);
                }
                prop_assert_eq!(set.iter().filter(|row| row.primary).count(), usize::from(!set.is_empty()));
                prop_assert!(set.iter().filter_map(|row| row.allocated).sum::<i64>() <= WHOLE);
                let mut environments: Vec<i64> = set.iter().map(|row| row.environment_id).collect();
                environments.sort_unstable();
                environments.dedup();
                prop_assert_eq!(environments.len(), set.len());
                if matches!(step, Step::Infer(_) | Step::Measure(_) | Step::Copy(_)) {
                    for row in before.iter().filter(|row| row.origin == Origin::Person) {
                        let kept = set.iter().find(|other| other.id == row.id);
                        prop_assert!(kept.is_some_and(|other| other.origin == Origin::Person && other.declared == row.declared && other.primary >= row.primary));
                    }
                }
            }
        }
    }
}
