-- The id of the key that the settings of companies and endpoints are encrypted with; null while they are as they are.
--
-- Encrypted settings are a JSON text: "aes256gcm:", the id of the key, ":", and the Base64 of nonce and ciphertext.
ALTER TABLE store ADD COLUMN secrets_key_id TEXT CHECK (length(secrets_key_id) = 16);
