//! The first token.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;
use crate::{query::testing::run, store::rows::api_token::api_token_list};

#[tokio::test]
async fn the_first_start_makes_a_token_and_later_ones_keep_it() {
    let test = TestDb::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.token");
    let clock = ManualClock::at(now());
    admin::ensure_admin_token(&test.db, &path, &clock).await.unwrap();
    let token = fs::read_to_string(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(token.trim().len(), 4 + 64, "256 bits");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    let rows = async || api_token_list(&mut &test.db, "", 10).await.unwrap();
    assert_eq!((rows().await.len(), rows().await[0].role.as_str()), (1, "admin"));
    assert!(!rows().await[0].secret_sha256.windows(8).any(|part| token.as_bytes().windows(8).any(|seen| seen == part)));

    admin::ensure_admin_token(&test.db, &path, &clock).await.unwrap();
    assert_eq!((fs::read_to_string(&path).unwrap(), rows().await.len()), (token.clone(), 1));

    // The database was made anew: the file counts.
    run(&test.db, "DELETE FROM api_tokens", vec![]).await;
    admin::ensure_admin_token(&test.db, &path, &clock).await.unwrap();
    assert_eq!(rows().await.len(), 1);

    // A revoked one stays revoked; a new file makes a new token.
    run(&test.db, "UPDATE api_tokens SET revoked_at_us = 1", vec![]).await;
    admin::ensure_admin_token(&test.db, &path, &clock).await.unwrap();
    assert!(rows().await[0].revoked_at.is_some());
    fs::remove_file(&path).unwrap();
    admin::ensure_admin_token(&test.db, &path, &clock).await.unwrap();
    assert_ne!(fs::read_to_string(&path).unwrap(), token);
    assert_eq!(rows().await.len(), 2);
}

#[tokio::test]
async fn a_file_without_a_token_is_refused_with_advice() {
    let test = TestDb::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.token");
    fs::write(&path, "\n").unwrap();
    let error = admin::ensure_admin_token(&test.db, &path, &ManualClock::at(now())).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains("admin.token") && cause.contains("remove it"), "{error}: {cause}");
    let missing = folder.path().join("none/admin.token");
    assert!(admin::ensure_admin_token(&test.db, &missing, &ManualClock::at(now())).await.is_err());
}

#[tokio::test]
async fn several_starts_at_once_agree_on_one_token() {
    let test = TestDb::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.token");
    let clock = ManualClock::at(now());
    let starts = (0..8).map(|_| admin::ensure_admin_token(&test.db, &path, &clock));
    for done in futures::future::join_all(starts).await {
        done.unwrap();
    }
    let rows = api_token_list(&mut &test.db, "", 10).await.unwrap();
    assert_eq!(rows.len(), 1);
}
