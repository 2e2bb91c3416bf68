//! Where a database stands: what ran, what is missing, and what is in the way.

use super::{
    super::{Db, Executor as _, StoreError},
    Migration, Obstacle, TABLE,
    existing::Existing,
    obstacle,
    statement::{Statement, read},
};

/// Number of the migration that makes the tables of the existing inventory.
const INVENTORY: i64 = 1;

/// A database before it is migrated.
pub(super) struct Survey {
    known: &'static [Migration],
    /// Numbers of the migrations that ran to their end.
    done: Vec<i64>,
    pub(super) existing: Existing,
    pub(super) obstacles: Vec<Obstacle>,
}

impl Survey {
    /// Reads where the database stands and changes nothing.
    pub(super) async fn read(db: &Db, known: &'static [Migration]) -> Result<Self, StoreError> {
        let mut survey = Self::of_nothing(known);
        survey.existing = Existing::read(db).await?;
        if survey.existing.tables.contains_key(TABLE) {
            survey.read_done(db).await?;
        }
        let Self { known, existing, .. } = &survey;
        let inventory: Vec<_> = known
            .iter()
            .filter(|migration| migration.version == INVENTORY)
            .flat_map(|migration| read(migration.sql))
            .collect();
        // The tables of the inventory may be anybody's; the others are ours.
        let ours = |migration: &&Migration| migration.version != INVENTORY;
        let pending_ours: Vec<Statement> =
            survey.pending().filter(ours).flat_map(|migration| read(migration.sql)).collect();
        let mut obstacles = obstacle::legacy(&inventory, existing);
        obstacles.extend(obstacle::not_ours(&pending_ours, existing));
        survey.obstacles.extend(obstacles);
        Ok(survey)
    }

    /// The same, with what the database user may not do: told before a statement fails for it.
    pub(super) async fn read_with_privileges(db: &Db, known: &'static [Migration]) -> Result<Self, StoreError> {
        if let Some(lacks) = obstacle::privileges(db, &[]).await? {
            let mut survey = Self::of_nothing(known);
            survey.existing = Existing::read(db).await?;
            // What ran cannot be read; where nothing ever did, everything is still to be done.
            let begun = survey.existing.tables.contains_key(TABLE);
            let all = if begun { None } else { obstacle::privileges(db, &survey.statements()).await? };
            survey.obstacles.push(all.unwrap_or(lacks));
            return Ok(survey);
        }
        let mut survey = Self::read(db, known).await?;
        let lacks = obstacle::privileges(db, &survey.statements()).await?;
        survey.obstacles.extend(lacks);
        Ok(survey)
    }

    /// What is missing.
    fn statements(&self) -> Vec<Statement> {
        self.pending().flat_map(|migration| read(migration.sql)).collect()
    }

    /// The survey of a database that does not exist yet.
    pub(super) fn of_nothing(known: &'static [Migration]) -> Self {
        Self { known, done: Vec::new(), existing: Existing::default(), obstacles: Vec::new() }
    }

    async fn read_done(&mut self, mut db: &Db) -> Result<(), StoreError> {
        let sql = format!("SELECT version, success + 0 AS success, checksum FROM {TABLE} ORDER BY version");
        let mut newer = Vec::new();
        for row in db.fetch(sql, vec![]).await? {
            let (version, success): (i64, bool) = (row.get("version")?, row.get("success")?);
            let Some(migration) = self.known.iter().find(|migration| migration.version == version) else {
                newer.push(version);
                continue;
            };
            if success {
                if row.get::<Vec<u8>>("checksum")? != migration.checksum() {
                    self.obstacles.push(Obstacle::Altered { migration: migration.name });
                }
                self.done.push(version);
            }
        }
        if !newer.is_empty() {
            let newest = self.known.last().map_or("none", |migration| migration.name);
            self.obstacles.push(Obstacle::Newer { versions: newer, newest });
        }
        Ok(())
    }

    /// The migrations that ran, and those that are missing.
    pub(super) fn applied(&self) -> impl Iterator<Item = &'static Migration> {
        self.known.iter().filter(|migration| self.done.contains(&migration.version))
    }

    /// The migrations that are missing, or were cut short.
    pub(super) fn pending(&self) -> impl Iterator<Item = &'static Migration> {
        self.known.iter().filter(|migration| !self.done.contains(&migration.version))
    }

    /// Number of the newest migration that ran, of a newer program too.
    pub(super) fn newest(&self) -> i64 {
        let newer = self.obstacles.iter().flat_map(|obstacle| match obstacle {
            Obstacle::Newer { versions, .. } => versions.as_slice(),
            _ => &[],
        });
        newer.chain(&self.done).copied().max().unwrap_or(0)
    }

    /// Whether the database user may not do something that is needed.
    pub(super) fn lacks_privileges(&self) -> bool {
        self.obstacles.iter().any(|obstacle| matches!(obstacle, Obstacle::Privileges { .. }))
    }

    /// What cannot be relied on in the tables of the existing inventory, a sentence for each of those tables.
    pub(super) fn doubts(&self) -> impl Iterator<Item = (String, String)> {
        let inventory = self.known.iter().filter(|migration| migration.version == INVENTORY);
        let tables = inventory.flat_map(|migration| read(migration.sql)).filter_map(|statement| match statement {
            Statement::Create(create) => Some(create.table),
            _ => None,
        });
        tables.filter_map(|table| self.existing.doubt(&table).map(|doubt| (table, doubt)))
    }

    /// Refuses when something is in the way.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.obstacles.is_empty() { Ok(()) } else { Err(StoreError::Obstacles(self.obstacles.clone())) }
    }
}
