//! CA certificates with their sealed keys.

use orchestrix_common::time::Timestamp;

use crate::store::{Executor, Row, StoreError, Tx};

/// One CA certificate.
#[derive(Clone, Debug)]
pub struct CertificateAuthorityRow {
    /// UUID.
    pub id: String,
    /// `root` or `issuing`.
    pub role: String,
    /// Counts within the role, from 1.
    pub generation: i64,
    /// The certificate.
    pub certificate_der: Vec<u8>,
    /// Its key, as the collector sealed it.
    pub sealed_key: Vec<u8>,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
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
        })
    }
}

/// All CA certificates, by role and generation. There are a few: a new one comes once in half a year.
///
/// # Errors
/// When the database fails.
pub async fn certificate_authority_list(db: &mut impl Executor) -> Result<Vec<CertificateAuthorityRow>, StoreError> {
    let sql = "SELECT id, role, generation, certificate_der, sealed_key, not_before_at_us, not_after_at_us, \
               created_at_us FROM certificate_authorities ORDER BY role, generation LIMIT 1000";
    db.fetch(sql.to_owned(), Vec::new()).await?.into_iter().map(TryInto::try_into).collect()
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
         not_after_at_us, created_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?){}",
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
    ];
    tx.execute(sql, values).await?;
    // Counts of affected rows differ between the databases. A locking read sees what another collector committed.
    let lock = tx.dialect().for_update();
    let sql = format!("SELECT id FROM certificate_authorities WHERE role = ? AND generation = ?{lock}");
    let stored = tx.fetch_optional(sql, vec![row.role.as_str().into(), row.generation.into()]).await?;
    Ok(stored.map(|stored| stored.get::<String>("id")).transpose()?.as_deref() == Some(row.id.as_str()))
}
