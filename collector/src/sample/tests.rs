//! Samples on both databases: what is taken, what is kept, and what is read of them.

use std::time::Duration;

use orchestrix_common::time::Timestamp;

use super::sample;
use crate::{
    query::{
        GrowthSeries, UseSeries, growth,
        testing::{now, on_both, places, run},
        use_over_time,
    },
    store::Db,
};

on_both! {
    a_sample_says_what_there_is_and_what_it_is_used_for,
    a_time_is_sampled_once,
    the_past_is_thinned_and_ends_with_the_history,
}

const QUARTER: Duration = Duration::from_secs(900);

/// Two computes in the cellar and one nowhere; production has half of the first, and a quarter of the second.
async fn inventory(db: &Db) {
    places(db).await;
    run(
        db,
        "INSERT INTO environments (id, name, code, type, partner_id) VALUES (7, 'Production', 'PROD', 'PRODUCTION', 1)",
        vec![],
    )
    .await;
    for (id, place) in [(1, "1"), (2, "1"), (3, "NULL")] {
        let sql = format!("INSERT INTO computes (id, name, datacenter_id) VALUES ({id}, 'c{id}', {place})");
        run(db, &sql, vec![]).await;
    }
    for (id, shares, unclaimed, idle) in [(1, r#"{"7": 5000}"#, 1_000, 4_000), (2, r#"{"7": 2500}"#, 0, 7_500)] {
        let sql = format!(
            "INSERT INTO compute_allocations (compute_id, shares, unclaimed, idle, cpu_millicores, memory_bytes, \
             changed_at_us) VALUES ({id}, '{shares}', {unclaimed}, {idle}, 4000, 8000000000, 1)"
        );
        run(db, &sql, vec![]).await;
    }
}

async fn everything(db: &Db) -> (Vec<UseSeries>, Vec<GrowthSeries>, Vec<Timestamp>) {
    let (begin, end) = (Timestamp::from_micros(0), now().plus(Duration::from_secs(86_400)));
    let (used, grown) = (use_over_time(db, begin, end).await.unwrap(), growth(db, begin, end).await.unwrap());
    assert_eq!(used.times, grown.times);
    (used.series, grown.series, grown.times.into_iter().map(|time| time.0).collect())
}

async fn a_sample_says_what_there_is_and_what_it_is_used_for(db: &Db) {
    inventory(db).await;
    assert!(sample(db, now(), None).await.unwrap());
    run(db, "UPDATE compute_allocations SET shares = '{}', idle = 9000 WHERE compute_id = 1", vec![]).await;
    run(db, "DELETE FROM compute_allocations WHERE compute_id = 2", vec![]).await;
    assert!(sample(db, now().plus(QUARTER), None).await.unwrap());
    let (used, grown, times) = everything(db).await;
    assert_eq!(times, [now(), now().plus(QUARTER)]);
    let of = |part: &str| used.iter().find(|series| series.part == part).unwrap();
    let production = of("environment");
    assert_eq!((production.code.as_deref(), production.environment_id), (Some("PROD"), Some(7)));
    assert_eq!(production.cpu_millicores, [Some(3_000), None], "half of four cores and a quarter of four");
    assert_eq!(production.memory_bytes, [Some(6_000_000_000), None]);
    assert_eq!(production.computes, [Some(2), None]);
    assert_eq!(of("unclaimed").cpu_millicores, [Some(400), Some(400)]);
    assert_eq!(of("unclaimed").computes, [Some(1), Some(1)]);
    assert_eq!(of("idle").cpu_millicores, [Some(4_600), Some(3_600)]);
    let total: u64 = used.iter().filter_map(|series| series.cpu_millicores[0]).sum();
    assert_eq!(total, 8_000, "parts are the whole together");
    let counts: Vec<_> = grown.iter().map(|series| (series.name.as_deref(), series.computes[0])).collect();
    assert_eq!(counts, [(Some("self"), Some(2)), (None, Some(1))]);
    assert_eq!(grown[0].unwatched, [Some(2), Some(2)]);
    // An environment that goes leaves its line behind, without a name.
    run(db, "DELETE FROM environments WHERE id = 7", vec![]).await;
    let (used, ..) = everything(db).await;
    assert_eq!((used[0].environment_id, used[0].code.as_deref()), (Some(7), None));
    let none = use_over_time(db, Timestamp::from_micros(0), Timestamp::from_micros(1)).await.unwrap();
    assert_eq!((none.times.len(), none.series.len()), (0, 0));
}

async fn a_time_is_sampled_once(db: &Db) {
    inventory(db).await;
    let second = Duration::from_secs(1);
    assert!(sample(db, now(), None).await.unwrap());
    assert!(!sample(db, now().plus(QUARTER - second), None).await.unwrap());
    run(db, "DELETE FROM computes WHERE id = 3", vec![]).await;
    // Another collector that was at it at the same time changes nothing.
    let (used, counts) = {
        let at = now();
        (super::take::used(db, at).await.unwrap(), super::take::counts(db, now(), at).await.unwrap())
    };
    let stored = crate::transaction!(db, |tx| {
        crate::store::rows::sample::sample_insert_in_tx(tx, &used, &counts).await?;
    });
    stored.unwrap();
    let (_, grown, times) = everything(db).await;
    assert_eq!(times, [now()]);
    assert_eq!(grown[1].computes, [Some(1)]);
}

async fn the_past_is_thinned_and_ends_with_the_history(db: &Db) {
    places(db).await;
    let day = Duration::from_secs(86_400);
    let begin = now().minus(day * 3);
    for quarter in 0..3 * 96 {
        assert!(sample(db, begin.plus(QUARTER * quarter), None).await.unwrap());
    }
    let (.., times) = everything(db).await;
    let old = times.iter().filter(|at| **at < now().minus(day * 2)).count();
    assert!((24..=25).contains(&old), "{old} of the first day");
    assert_eq!(times.len() - old, 2 * 96);
    assert!(sample(db, now().plus(day), Some(day * 3)).await.unwrap());
    let (.., times) = everything(db).await;
    assert!(times[0] >= now().minus(day * 2), "{}", times[0]);
    assert_eq!(times.last(), Some(&now().plus(day)));
}
