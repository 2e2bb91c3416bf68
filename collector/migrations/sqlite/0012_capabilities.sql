-- Who said that a compute has a capability: `discovery` or `person`. `discovered` holds what discovery sees beside a
-- person's word ({"capabilityVersion", "configuration"}); NULL when it sees none, or when the row is its own.
ALTER TABLE compute_capabilities ADD COLUMN origin TEXT NOT NULL DEFAULT 'discovery';
ALTER TABLE compute_capabilities ADD COLUMN discovered TEXT;
