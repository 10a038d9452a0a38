-- MySQL 8. For PostgreSQL: GENERATED ALWAYS AS IDENTITY, bytea, and smallint.
CREATE TABLE IF NOT EXISTS inbox (
  arrival BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  -- The same on every send: a repetition makes no second row. It sorts byte by byte, hence the collation.
  webhook_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
  kind VARCHAR(16) NOT NULL,
  event_key VARCHAR(64),
  apply VARCHAR(16) NOT NULL,
  -- The raw bytes, up to 1 MiB.
  body MEDIUMBLOB NOT NULL,
  processed TINYINT NOT NULL DEFAULT 0,
  INDEX inbox_key (event_key, webhook_id),
  INDEX inbox_open (processed, arrival)
);
