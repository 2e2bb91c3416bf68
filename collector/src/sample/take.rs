//! Reads what a sample consists of.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;

use crate::{
    query::{Context, Counts, counts_by_partner},
    store::{
        Db, StoreError,
        rows::{
            allocation::{AllocationRow, allocation_all},
            sample::{CountSample, Part, UseSample},
        },
    },
};

/// Shares are hundredths of a per cent.
const WHOLE: u128 = 10_000;

#[derive(Default)]
struct Sum {
    computes: u64,
    cpu: u128,
    memory: u128,
}

/// What environments take at this moment, as the shares of computes were last stored. The parts that nobody has are told
/// as well, so that a time at which nothing was measured is one.
pub(super) async fn used(db: &Db, at: Timestamp) -> Result<Vec<UseSample>, StoreError> {
    let mut sums: BTreeMap<Part, Sum> = [Part::Unclaimed, Part::Idle].map(|part| (part, Sum::default())).into();
    let mut executor = db;
    for row in allocation_all(&mut executor, db.dialect()).await? {
        let AllocationRow { shares, unclaimed, idle, cpu_millicores, memory_bytes, .. } = row;
        let parts = shares.into_iter().map(|(id, share)| (Part::Environment(id), share));
        for (part, share) in parts.chain([(Part::Unclaimed, unclaimed), (Part::Idle, idle)]) {
            let share = u128::from(share.unsigned_abs());
            let sum = sums.entry(part).or_default();
            sum.computes += u64::from(share > 0);
            sum.cpu += share * u128::from(cpu_millicores);
            sum.memory += share * u128::from(memory_bytes);
        }
    }
    let amount = |sum: u128| u64::try_from(sum / WHOLE).unwrap_or(u64::MAX);
    let samples = sums.into_iter().map(|(part, sum)| UseSample {
        at,
        part,
        computes: sum.computes,
        cpu_millicores: amount(sum.cpu),
        memory_bytes: amount(sum.memory),
    });
    Ok(samples.collect())
}

/// How much there is at each partner, and in no place.
pub(super) async fn counts(db: &Db, now: Timestamp, at: Timestamp) -> Result<Vec<CountSample>, StoreError> {
    let counts = counts_by_partner(db, &Context::of(db, now)).await?;
    let sample = |(partner_id, counts): (i64, Counts)| {
        let Counts { computes, connected, unreachable, unwatched, covered, workloads, workloads_unknown: _ } = counts;
        CountSample { at, partner_id, computes, connected, unreachable, unwatched, covered, workloads }
    };
    Ok(counts.into_iter().map(sample).collect())
}
