//! How much of a compute each environment takes, and of a place with many computes. Pure; whole numbers throughout.
//!
//! A workload takes, of each resource, the larger of what it uses and what is reserved for it. What an environment takes
//! is the dominant resource of its workloads: the larger of its shares of processor and memory. What the host itself uses
//! beyond its workloads, and workloads that no single environment claims, stay apart as unclaimed; the rest is idle. Where
//! dominant shares come to more than the whole, they are scaled to it. Shares are hundredths of a per cent and sum to
//! exactly 100.00 by the largest remainder.

use std::collections::BTreeMap;

use super::set::WHOLE;

/// Parts of the whole while shares are added up.
const FINE: u128 = 1_000_000_000;

/// An amount of processor and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Thousandths of a core.
    pub cpu_millicores: u64,
    /// Bytes.
    pub memory_bytes: u64,
}

/// What a workload takes, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Environments with their portion of it in hundredths of a per cent, at most the whole together; the rest is
    /// claimed by none.
    pub portions: Vec<(i64, i64)>,
    /// What it uses; zero where that is not known.
    pub used: Amount,
    /// What it takes ([`taken`]).
    pub taken: Amount,
}

/// What one resource of a workload counts for: what it uses or what is reserved for it, whichever is more; its limit
/// where neither is known; nothing where that is unlimited as well.
#[must_use]
pub fn taken(used: Option<u64>, reserved: Option<u64>, limit: Option<u64>) -> u64 {
    used.max(reserved).or(limit).unwrap_or(0)
}

/// Shares of a compute or a place, in hundredths of a per cent: all together are exactly [`WHOLE`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// By environment.
    pub shares: BTreeMap<i64, i64>,
    /// In use, and claimed by no environment.
    pub unclaimed: i64,
    /// Not in use.
    pub idle: i64,
}

/// Shares out a compute. A capacity of zero is not known, and that resource is left out; `None` when neither is known.
/// `host` is what the whole compute uses, where that was measured.
#[must_use]
pub fn allocate(capacity: Amount, host: Option<Amount>, parts: &[Part]) -> Option<Allocation> {
    if capacity == Amount::default() {
        return None;
    }
    let whole = u128::from(WHOLE.unsigned_abs());
    let mut claimed: BTreeMap<Option<i64>, (u128, u128)> = BTreeMap::new();
    let mut used = (0_u64, 0_u64);
    for Part { portions, used: of_it, taken } in parts {
        used = (used.0.saturating_add(of_it.cpu_millicores), used.1.saturating_add(of_it.memory_bytes));
        let mut left = whole;
        for (environment, portion) in portions {
            let portion = u128::from(portion.unsigned_abs()).min(left);
            left -= portion;
            add(&mut claimed, Some(*environment), *taken, portion);
        }
        add(&mut claimed, None, *taken, left);
    }
    if let Some(host) = host {
        let beyond = Amount {
            cpu_millicores: host.cpu_millicores.saturating_sub(used.0),
            memory_bytes: host.memory_bytes.saturating_sub(used.1),
        };
        add(&mut claimed, None, beyond, whole);
    }
    let dominant = |(cpu, memory): (u128, u128)| {
        let share = |amount: u128, of: u64| (amount * FINE).checked_div(u128::from(of) * whole).unwrap_or(0);
        share(cpu, capacity.cpu_millicores).max(share(memory, capacity.memory_bytes))
    };
    let mut shares: BTreeMap<i64, u128> = BTreeMap::new();
    let mut unclaimed = 0;
    for (claimant, amounts) in claimed {
        match claimant {
            Some(environment) => drop(shares.insert(environment, dominant(amounts))),
            None => unclaimed = dominant(amounts),
        }
    }
    let idle = FINE.saturating_sub(shares.values().sum::<u128>() + unclaimed);
    Some(apportioned(shares, unclaimed, idle))
}

fn add(claimed: &mut BTreeMap<Option<i64>, (u128, u128)>, claimant: Option<i64>, amount: Amount, portion: u128) {
    let sum = claimed.entry(claimant).or_default();
    sum.0 += u128::from(amount.cpu_millicores) * portion;
    sum.1 += u128::from(amount.memory_bytes) * portion;
}

/// Shares out a place: its computes, each weighted by its part of the place's processors and memory. `None` when there is
/// none of known capacity.
#[must_use]
pub fn roll_up<'a>(computes: impl IntoIterator<Item = (&'a Allocation, Amount)> + Clone) -> Option<Allocation> {
    let (mut cpu, mut memory) = (0_u128, 0_u128);
    for (_, capacity) in computes.clone() {
        cpu += u128::from(capacity.cpu_millicores);
        memory += u128::from(capacity.memory_bytes);
    }
    let (mut shares, mut unclaimed, mut idle) = (BTreeMap::new(), 0_u128, 0_u128);
    for (allocation, capacity) in computes {
        // Its part of the processors plus its part of the memory, times both sums.
        let weight =
            u128::from(capacity.cpu_millicores) * memory.max(1) + u128::from(capacity.memory_bytes) * cpu.max(1);
        let weighted = |share: i64| u128::from(share.unsigned_abs()) * weight;
        for (environment, share) in &allocation.shares {
            *shares.entry(*environment).or_default() += weighted(*share);
        }
        unclaimed += weighted(allocation.unclaimed);
        idle += weighted(allocation.idle);
    }
    (cpu + memory > 0).then(|| apportioned(shares, unclaimed, idle))
}

fn apportioned(shares: BTreeMap<i64, u128>, unclaimed: u128, idle: u128) -> Allocation {
    let weights: Vec<u128> = shares.values().copied().chain([unclaimed, idle]).collect();
    let mut parts = apportion(&weights).into_iter();
    let shares = shares.into_keys().zip(parts.by_ref()).collect();
    Allocation { shares, unclaimed: parts.next().unwrap_or(0), idle: parts.next().unwrap_or(0) }
}

/// Divides [`WHOLE`] in proportion to weights: each gets its quota rounded down, and what is left goes to the largest
/// remainders, the first of equal ones first. Without any weight the last one gets it all.
fn apportion(weights: &[u128]) -> Vec<i64> {
    let total: u128 = weights.iter().sum();
    let whole = u128::from(WHOLE.unsigned_abs());
    let Some(last) = weights.len().checked_sub(1) else { return Vec::new() };
    if total == 0 {
        return (0..=last).map(|index| if index == last { WHOLE } else { 0 }).collect();
    }
    let mut parts: Vec<i64> =
        weights.iter().map(|weight| i64::try_from(weight * whole / total).unwrap_or(WHOLE)).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(weights[*index] * whole % total), *index));
    let left = WHOLE - parts.iter().sum::<i64>();
    for index in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[index] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn amount(cpu_millicores: u64, memory_bytes: u64) -> Amount {
        Amount { cpu_millicores, memory_bytes }
    }

    fn part(environment: i64, cpu: u64, memory: u64) -> Part {
        let amount = amount(cpu, memory);
        Part { portions: vec![(environment, WHOLE)], used: amount, taken: amount }
    }

    fn sum(allocation: &Allocation) -> i64 {
        allocation.shares.values().sum::<i64>() + allocation.unclaimed + allocation.idle
    }

    #[test]
    fn the_dominant_resource_counts_and_the_rest_is_idle() {
        let parts = [part(1, 2_000, GIB), part(2, 100, 2 * GIB), Part { portions: vec![], ..part(0, 400, 0) }];
        let found = allocate(amount(4_000, 8 * GIB), None, &parts).unwrap();
        assert_eq!(found.shares, [(1, 5_000), (2, 2_500)].into());
        assert_eq!((found.unclaimed, found.idle), (1_000, 1_500));
    }

    #[test]
    fn what_the_host_itself_uses_is_unclaimed() {
        let found = allocate(amount(1_000, 0), Some(amount(600, 9)), &[part(1, 500, 5)]).unwrap();
        assert_eq!((found.shares[&1], found.unclaimed, found.idle), (5_000, 1_000, 4_000));
    }

    #[test]
    fn more_than_the_whole_is_scaled_to_it() {
        let found = allocate(amount(1_000, 1_000), None, &[part(1, 1_000, 0), part(2, 0, 500)]).unwrap();
        assert_eq!((found.shares[&1], found.shares[&2], found.idle), (6_667, 3_333, 0));
    }

    #[test]
    fn a_workload_of_two_environments_is_divided_as_declared() {
        let both = Part { portions: vec![(1, 6_000), (2, 3_000)], ..part(0, 1_000, 0) };
        let found = allocate(amount(1_000, 0), None, &[both]).unwrap();
        assert_eq!((found.shares[&1], found.shares[&2], found.unclaimed), (6_000, 3_000, 1_000));
    }

    #[test]
    fn what_is_reserved_counts_where_it_is_more_than_what_is_used() {
        assert_eq!(taken(Some(3), Some(5), Some(9)), 5);
        assert_eq!(taken(Some(7), Some(5), None), 7);
        assert_eq!(taken(None, None, Some(9)), 9);
        assert_eq!(taken(None, None, None), 0);
    }

    #[test]
    fn a_compute_of_unknown_capacity_has_no_shares() {
        assert_eq!(allocate(Amount::default(), None, &[part(1, 1, 1)]), None);
        assert_eq!(roll_up([]), None);
    }

    #[test]
    fn a_place_weighs_its_computes_by_capacity() {
        let full = Allocation { shares: [(1, WHOLE)].into(), ..Allocation::default() };
        let idle = Allocation { idle: WHOLE, ..Allocation::default() };
        let found = roll_up([(&full, amount(3_000, 3 * GIB)), (&idle, amount(1_000, GIB))]).unwrap();
        assert_eq!((found.shares[&1], found.idle), (7_500, 2_500));
        let found = roll_up([(&full, amount(3_000, 0)), (&idle, amount(1_000, 0))]).unwrap();
        assert_eq!((found.shares[&1], found.idle), (7_500, 2_500), "only processors are known");
    }

    prop_compose! {
        fn any_part()(
            portions in proptest::collection::btree_map(1..4_i64, 0..=WHOLE / 3, 0..4),
            used in (0..9_000_u64, 0..64 * GIB),
            more in (0..2_000_u64, 0..8 * GIB),
        ) -> Part {
            let used = amount(used.0, used.1);
            let taken = amount(used.cpu_millicores + more.0, used.memory_bytes + more.1);
            Part { portions: portions.into_iter().collect(), used, taken }
        }
    }

    prop_compose! {
        fn any_host()(
            capacity in (1..128_000_u64, 1..512 * GIB),
            host in proptest::option::of((0..128_000_u64, 0..512 * GIB)),
            parts in proptest::collection::vec(any_part(), 0..12),
        ) -> (Amount, Option<Amount>, Vec<Part>) {
            (amount(capacity.0, capacity.1), host.map(|(cpu, memory)| amount(cpu, memory)), parts)
        }
    }

    proptest! {
        #[test]
        fn shares_sum_to_exactly_the_whole_and_none_is_negative((capacity, host, parts) in any_host()) {
            let found = allocate(capacity, host, &parts).unwrap();
            prop_assert_eq!(sum(&found), WHOLE);
            prop_assert!(found.shares.values().chain([&found.unclaimed, &found.idle]).all(|share| *share >= 0));
        }

        #[test]
        fn the_order_of_workloads_means_nothing((capacity, host, parts) in any_host()) {
            let turned: Vec<Part> = parts.iter().rev().cloned().collect();
            prop_assert_eq!(allocate(capacity, host, &parts), allocate(capacity, host, &turned));
        }

        #[test]
        fn taking_more_never_lowers_an_environments_share(
            (capacity, host, mut parts) in any_host(),
            more in (0..9_000_u64, 0..64 * GIB),
        ) {
            parts.push(part(1, 10, 10));
            let before = allocate(capacity, host, &parts).unwrap();
            let last = parts.last_mut().unwrap();
            last.taken = amount(10 + more.0, 10 + more.1);
            let after = allocate(capacity, host, &parts).unwrap();
            prop_assert!(after.shares[&1] >= before.shares[&1], "{before:?} {after:?}");
            prop_assert!(after.idle <= before.idle);
        }

        #[test]
        fn roll_ups_sum_exactly_and_lie_between_their_computes(
            hosts in proptest::collection::vec(any_host(), 1..8),
        ) {
            let computes: Vec<(Allocation, Amount)> = hosts
                .iter()
                .map(|(capacity, host, parts)| (allocate(*capacity, *host, parts).unwrap(), *capacity))
                .collect();
            let list = || computes.iter().map(|(allocation, capacity)| (allocation, *capacity));
            let found = roll_up(list()).unwrap();
            prop_assert_eq!(sum(&found), WHOLE);
            let idle = || computes.iter().map(|(allocation, _)| allocation.idle);
            prop_assert!(found.idle + 1 >= idle().min().unwrap() && found.idle <= idle().max().unwrap() + 1);
            let turned: Vec<_> = list().rev().collect();
            prop_assert_eq!(roll_up(turned), Some(found));
        }
    }
}
