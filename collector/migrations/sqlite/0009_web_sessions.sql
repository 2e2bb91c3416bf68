-- Sessions of the web UI: a browser holds a random secret in a cookie, the database its hash and the API token's.
CREATE TABLE IF NOT EXISTS web_sessions (
    secret_sha256 BLOB NOT NULL PRIMARY KEY,
    token_sha256 BLOB NOT NULL,
    created_at_us INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_web_session_expiry ON web_sessions (expires_at_us);
