-- Who said that a compute has a capability: `discovery` or `person`. `discovered` holds what discovery sees beside a
-- person's word ({"capabilityVersion", "configuration"}); NULL when it sees none, or when the row is its own.
ALTER TABLE compute_capabilities
    ADD COLUMN origin VARCHAR(16) NOT NULL DEFAULT 'discovery',
    ADD COLUMN discovered JSON;
