-- Sessions of the web UI: a browser holds a random secret in a cookie, the database its hash and the API token's.
CREATE TABLE IF NOT EXISTS web_sessions (
    secret_sha256 BINARY(32) NOT NULL PRIMARY KEY,
    token_sha256 BINARY(32) NOT NULL,
    created_at_us BIGINT NOT NULL,
    expires_at_us BIGINT NOT NULL,
    INDEX idx_web_session_expiry (expires_at_us)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
