//! CA certificates with their sealed keys.

use orchestrix_common::time::Timestamp;

use crate::store::{Executor, Row, StoreError, Tx};

/// One CA certificate.
#[derive(Clone, Debug)]
pub struct CertificateAuthorityRow {
    /// UUID.
    pub id: String,
    /// `root`, `issuing`, or `cross`: the root of that generation, certified by the one before it.
    pub role: String,
    /// Counts within the role, from 1.
    pub generation: i64,
    /// The certificate.
    pub certificate_der: Vec<u8>,
    /// Its key, as the collector sealed it; empty for `cross`, and once the root is retired.
    pub sealed_key: Vec<u8>,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when certificates come from it; `None` while it is only prepared.
    pub activated_at: Option<Timestamp>,
    /// Since when it is trusted no more.
    pub retired_at: Option<Timestamp>,
    /// How many seconds agents have to renew once it is activated; `None` means the default.
    pub renew_within_secs: Option<i64>,
}

impl TryFrom<Row> for CertificateAuthorityRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            role: row.get("role")?,
            generation: row.get("generation")?,
            certificate_der: row.get("certificate_der")?,
            sealed_key: row.get("sealed_key")?,
            not_before: row.time("not_before_at_us")?,
            not_after: row.time("not_after_at_us")?,
            created_at: row.time("created_at_us")?,
            activated_at: row.time_opt("activated_at_us")?,
            retired_at: row.time_opt("retired_at_us")?,
            renew_within_secs: row.get("renew_within_secs")?,
        })
    }
}

const SELECT: &str = "SELECT id, role, generation, certificate_der, sealed_key, not_before_at_us, not_after_at_us, \
                      created_at_us, activated_at_us, retired_at_us, renew_within_secs FROM certificate_authorities \
                      ORDER BY role, generation LIMIT 1000";

/// All CA certificates, by role and generation. There are a few: a new one comes once in half a year.
///
/// # Errors
/// When the database fails.
pub async fn certificate_authority_list(db: &mut impl Executor) -> Result<Vec<CertificateAuthorityRow>, StoreError> {
    db.fetch(SELECT.to_owned(), Vec::new()).await?.into_iter().map(TryInto::try_into).collect()
}

/// As [`certificate_authority_list`], locked until the end of the transaction.
///
/// # Errors
/// When the database fails.
pub async fn certificate_authority_lock_in_tx(tx: &mut Tx) -> Result<Vec<CertificateAuthorityRow>, StoreError> {
    let sql = format!("{SELECT}{}", tx.dialect().for_update());
    tx.fetch(sql, Vec::new()).await?.into_iter().map(TryInto::try_into).collect()
}

/// What changes when a root takes its next step, small enough to be asked for every other second: `None` before there is
/// a CA, else a number that differs after each step and each new certificate.
///
/// # Errors
/// When the database fails.
pub async fn certificate_authority_mark(db: &mut impl Executor) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT CAST(COUNT(*) + COUNT(activated_at_us) + COUNT(retired_at_us) AS SIGNED) AS n \
               FROM certificate_authorities"
        .to_owned();
    let row = db.fetch_optional(sql, Vec::new()).await?;
    Ok(row.map(|row| row.get::<i64>("n")).transpose()?.filter(|mark| *mark > 0))
}

/// Notes that certificates come from a root from now on.
///
/// # Errors
/// When the database fails.
pub async fn certificate_authority_activate_in_tx(
    tx: &mut Tx,
    id: &str,
    renew_within_secs: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE certificate_authorities SET activated_at_us = ?, renew_within_secs = ? WHERE id = ?";
    tx.execute(sql, vec![now.into(), renew_within_secs.into(), id.into()]).await.map(drop)
}

/// Notes that certificates are trusted no more, and forgets their keys.
///
/// # Errors
/// When the database fails.
pub async fn certificate_authority_retire_in_tx(tx: &mut Tx, ids: &[&str], now: Timestamp) -> Result<(), StoreError> {
    for id in ids {
        let sql = "UPDATE certificate_authorities SET retired_at_us = ?, sealed_key = ? WHERE id = ?";
        tx.execute(sql, vec![now.into(), Vec::<u8>::new().into(), (*id).into()]).await?;
    }
    Ok(())
}

/// Stores a CA certificate unless its role has that generation already; says whether it is stored.
///
/// # Errors
/// When the database fails.
pub async fn certificate_authority_insert_in_tx(
    tx: &mut Tx,
    row: &CertificateAuthorityRow,
) -> Result<bool, StoreError> {
    let sql = format!(
        "INSERT INTO certificate_authorities (id, role, generation, certificate_der, sealed_key, not_before_at_us, \
         not_after_at_us, created_at_us, activated_at_us, retired_at_us, renew_within_secs) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?){}",
        tx.dialect().on_conflict(&["role", "generation"], &[])
    );
    let values = vec![
        row.id.as_str().into(),
        row.role.as_str().into(),
        row.generation.into(),
        row.certificate_der.clone().into(),
        row.sealed_key.clone().into(),
        row.not_before.into(),
        row.not_after.into(),
        row.created_at.into(),
        row.activated_at.into(),
        row.retired_at.into(),
        row.renew_within_secs.into(),
    ];
    tx.execute(sql, values).await?;
    // Counts of affected rows differ between the databases. A locking read sees what another collector committed.
    let lock = tx.dialect().for_update();
    let sql = format!("SELECT id FROM certificate_authorities WHERE role = ? AND generation = ?{lock}");
    let stored = tx.fetch_optional(sql, vec![row.role.as_str().into(), row.generation.into()]).await?;
    Ok(stored.map(|stored| stored.get::<String>("id")).transpose()?.as_deref() == Some(row.id.as_str()))
}
