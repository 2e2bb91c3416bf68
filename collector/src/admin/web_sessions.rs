//! Sessions of the web UI: opened with an API token, ended by their holder, by time, or with the token.

use std::time::Duration;

use orchestrix_common::time::Timestamp;
use zeroize::Zeroizing;

use super::{
    AdminError,
    api_tokens::{generate, hash_token},
};
use crate::store::{
    Db,
    rows::web_session::{WebSessionRow, web_session_delete_in_tx, web_session_insert_in_tx, web_session_sweep_in_tx},
};

/// How long a session lasts: a working day.
pub(crate) const SESSION_LIFE: Duration = Duration::from_secs(12 * 3_600);

/// Prefix of a session's secret, so that one that leaked can be told from an API token.
const PREFIX: &str = "ows_";

/// Opens a session for the API token with this hash and returns its secret. Sessions that ended are swept away.
pub(crate) async fn open_web_session(
    db: &Db,
    now: Timestamp,
    token_sha256: &[u8],
) -> Result<Zeroizing<String>, AdminError> {
    let secret = generate(PREFIX)?;
    let row = WebSessionRow {
        secret_sha256: hash_token(&secret),
        token_sha256: token_sha256.to_vec(),
        created_at: now,
        expires_at: now.plus(SESSION_LIFE),
    };
    crate::transaction!(db, |tx| {
        web_session_sweep_in_tx(tx, now).await?;
        web_session_insert_in_tx(tx, &row).await?;
    })?;
    Ok(secret)
}

/// Ends a session. One that ended already stays so.
pub(crate) async fn end_web_session(db: &Db, secret_sha256: &[u8]) -> Result<(), AdminError> {
    crate::transaction!(db, |tx| web_session_delete_in_tx(tx, secret_sha256).await?)?;
    Ok(())
}
