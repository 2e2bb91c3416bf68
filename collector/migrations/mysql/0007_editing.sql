-- The audit log as a chain: each entry holds a hash over itself and the one before it in its chain, one chain for each
-- collector. Entries from before have none.
ALTER TABLE audit_log ADD COLUMN chain VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE audit_log ADD COLUMN chain_hash VARCHAR(64) NOT NULL DEFAULT '';
CREATE INDEX idx_audit_chain ON audit_log (chain, id);

-- Where each chain ends: what is missing at its end shows here.
CREATE TABLE IF NOT EXISTS audit_chains (
    chain VARCHAR(64) NOT NULL PRIMARY KEY,
    entries BIGINT NOT NULL,
    head VARCHAR(64) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
