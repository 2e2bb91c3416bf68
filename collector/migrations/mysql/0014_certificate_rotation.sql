-- One root CA follows another. Times as in 0002.

-- activated_at_us: since when certificates come from a root; NULL while it is only prepared.
-- retired_at_us: since when it is trusted no more; its key is gone then.
-- renew_within_secs: how much time agents have to renew once it is activated; NULL means the default.
ALTER TABLE certificate_authorities ADD COLUMN activated_at_us BIGINT;
ALTER TABLE certificate_authorities ADD COLUMN retired_at_us BIGINT;
ALTER TABLE certificate_authorities ADD COLUMN renew_within_secs INT;
UPDATE certificate_authorities SET activated_at_us = created_at_us WHERE activated_at_us IS NULL;

-- root_generation: which root a certificate comes from; NULL, as earlier versions leave it, means the first.
ALTER TABLE agent_certificates ADD COLUMN root_generation INT;
