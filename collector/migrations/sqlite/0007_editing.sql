-- The audit log as a chain: each entry holds a hash over itself and the one before it in its chain, one chain for each
-- collector. Entries from before have none.
ALTER TABLE audit_log ADD COLUMN chain TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_log ADD COLUMN chain_hash TEXT NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS idx_audit_chain ON audit_log (chain, id);

-- Where each chain ends: what is missing at its end shows here.
CREATE TABLE IF NOT EXISTS audit_chains (
    chain TEXT NOT NULL PRIMARY KEY,
    entries INTEGER NOT NULL,
    head TEXT NOT NULL
);
