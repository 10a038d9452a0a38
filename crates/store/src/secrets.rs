//! The keys that settings are encrypted with where they are stored: AES-256-GCM, of ring, which TLS brings along.
//!
//! Whole settings are encrypted, not single members, so that no new secret can be forgotten. Whoever moves an encrypted text
//! to another row, or changes it, finds that it can no longer be read.

use std::fmt;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest, Sha256};

/// What an encrypted text begins with.
const SCHEME: &str = "aes256gcm";
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a key's hash that are its id.
const ID_BYTES: usize = 8;
/// Keys at most: the one that encrypts, and older ones.
pub const KEYS_MOST: usize = 8;
/// The file in the store's directory with the key that a store makes for itself.
pub const KEY_FILE: &str = "secrets-key";

/// Where the keys are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// In [`KEY_FILE`] of the store's directory, which is made with a new key where nothing is encrypted yet.
    #[default]
    OwnFile,
    /// In this file, a line each.
    File(PathBuf),
    /// Here.
    Keys(Keys),
    /// There are none: settings are stored as they are. For simulations, and tests that look into the file.
    Plain,
}

/// Keys: the first encrypts, and all decrypt. Only their ids are ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(Arc<[Key]>);

#[derive(Clone)]
struct Key {
    id: String,
    aead: Arc<LessSafeKey>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Key {}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.ids())
    }
}

/// Why an encrypted text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It was encrypted with another key.
    #[error("it is encrypted with the key {0}, which is none of those that are set")]
    OtherKey(String),
    /// It is not what was encrypted.
    #[error("it was damaged or moved after it was encrypted")]
    Damaged,
}

impl Keys {
    /// Keys from their texts: the Base64 of 32 bytes each. `None` when one is something else, or there are none or too many.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let keys: Option<Vec<Key>> = texts.into_iter().map(Key::parse).collect();
        keys.filter(|keys| (1..=KEYS_MOST).contains(&keys.len()))
            .map(|keys| Self(keys.into()))
    }

    /// The keys in a file, a line each; empty lines are passed over.
    ///
    /// # Errors
    /// It cannot be read, or holds something else.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Self::parse(lines).ok_or_else(|| {
            let allowed = "it must hold 1 to 8 keys, a line each: the Base64 of 32 bytes";
            io::Error::new(io::ErrorKind::InvalidData, allowed)
        })
    }

    /// Makes a file with a new key, readable for its owner only. It is on disk before anything is encrypted with it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn make_file(path: &Path) -> io::Result<Self> {
        let mut bytes = [0; KEY_BYTES];
        random(&mut bytes)?;
        let text = STANDARD.encode(bytes);
        // Under another name first: a crash must not leave half a key.
        let unfinished = path.with_extension("new");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        if let Some(dir) = path.parent() {
            std::fs::File::open(dir)?.sync_all()?;
        }
        Self::of_file(path)
    }

    /// The id of the key that encrypts.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.first().map_or("", |key| &key.id)
    }

    /// Whether one of the keys has this id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    /// All ids, for messages.
    #[must_use]
    pub fn ids(&self) -> String {
        let ids: Vec<&str> = self.0.iter().map(|key| key.id.as_str()).collect();
        ids.join(", ")
    }

    /// Encrypts the JSON of one row, whose `place` it is bound to; the result is JSON as well.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub(crate) fn seal(&self, place: &str, json: &str) -> io::Result<String> {
        let Some(key) = self.0.first() else {
            return Err(io::Error::other("there is no key"));
        };
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut sealed = json.as_bytes().to_vec();
        key.aead
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| io::Error::other("the settings are too long to be encrypted"))?;
        let mut bytes = nonce.to_vec();
        bytes.append(&mut sealed);
        Ok(format!("\"{SCHEME}:{}:{}\"", key.id, STANDARD.encode(bytes)))
    }

    /// Decrypts what [`Keys::seal`] made for this place.
    pub(crate) fn open(&self, place: &str, sealed: &Sealed<'_>) -> Result<String, Unreadable> {
        let key = self.0.iter().find(|key| key.id == sealed.id);
        let key = key.ok_or_else(|| Unreadable::OtherKey(sealed.id.to_owned()))?;
        let bytes = STANDARD.decode(sealed.text).map_err(|_| Unreadable::Damaged)?;
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(Unreadable::Damaged)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let json = key
            .aead
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut sealed)
            .map_err(|_| Unreadable::Damaged)?;
        String::from_utf8(json.to_vec()).map_err(|_| Unreadable::Damaged)
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; KEY_BYTES] = STANDARD.decode(text.trim()).ok()?.try_into().ok()?;
        let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?);
        // The key has 256 random bits: its hash says nothing about it.
        let hash = Sha256::new_with_prefix(b"ringback secrets key").chain_update(bytes);
        let id = hash
            .finalize()
            .iter()
            .take(ID_BYTES)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Some(Self {
            id,
            aead: Arc::new(aead),
        })
    }
}

/// An encrypted text, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed<'a> {
    id: &'a str,
    text: &'a str,
}

impl<'a> Sealed<'a> {
    /// `None` for settings that are stored as they are: these are a JSON object.
    pub(crate) fn parse(json: &'a str) -> Option<Self> {
        let text = json.strip_prefix('"')?.strip_suffix('"')?;
        let (id, text) = text.strip_prefix(SCHEME)?.strip_prefix(':')?.split_once(':')?;
        Some(Self { id, text })
    }

    /// The id of the key that encrypted it.
    pub(crate) const fn id(&self) -> &'a str {
        self.id
    }
}

/// Random bytes of the operating system, for a nonce or a key. No decision depends on them, and simulations have no keys.
fn random(bytes: &mut [u8]) -> io::Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| io::Error::other("the operating system gives no random bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const SECOND: &str = "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const JSON: &str = r#"{"appSecret":"hush"}"#;

    fn keys(texts: &[&str]) -> Keys {
        Keys::parse(texts.iter().copied()).unwrap()
    }

    fn open(keys: &Keys, place: &str, text: &str) -> Result<String, Unreadable> {
        keys.open(place, &Sealed::parse(text).unwrap())
    }

    #[test]
    fn what_is_sealed_is_opened_with_any_of_the_keys_and_at_its_place_only() {
        let sealed = keys(&[FIRST]).seal("company:1", JSON).unwrap();
        assert!(!sealed.contains("hush"), "{sealed}");
        assert!(serde_json::from_str::<String>(&sealed).is_ok(), "{sealed}");
        for good in [&[FIRST][..], &[SECOND, FIRST]] {
            assert_eq!(open(&keys(good), "company:1", &sealed).as_deref(), Ok(JSON));
        }
        assert_eq!(
            open(&keys(&[SECOND]), "company:1", &sealed),
            Err(Unreadable::OtherKey(keys(&[FIRST]).id().to_owned()))
        );
        assert_eq!(
            open(&keys(&[FIRST]), "company:2", &sealed),
            Err(Unreadable::Damaged)
        );
        // No two are alike, or a reader of the file would see which settings are the same.
        assert_ne!(sealed, keys(&[FIRST]).seal("company:1", JSON).unwrap());
    }

    #[test]
    fn a_changed_byte_is_found() {
        let keys = keys(&[FIRST]);
        let sealed = keys.seal("company:1", JSON).unwrap();
        let begin = sealed.rfind(':').unwrap() + 1;
        for at in begin..sealed.len() - 1 {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let found = open(&keys, "company:1", &changed);
            assert!(found == Err(Unreadable::Damaged), "{at}");
        }
        for cut in ["\"aes256gcm:x\"", "{}", "\"\"", "\"other:a:b\""] {
            assert!(Sealed::parse(cut).is_none(), "{cut}");
        }
    }

    #[test]
    fn keys_are_32_bytes_and_few() {
        assert!(Keys::parse([]).is_none());
        assert!(Keys::parse(["", FIRST]).is_none());
        assert!(Keys::parse(["MDEyMw=="]).is_none());
        assert!(Keys::parse([FIRST; KEYS_MOST]).is_some());
        assert!(Keys::parse([FIRST; KEYS_MOST + 1]).is_none());
        let debug = format!("{:?}", keys(&[FIRST, SECOND]));
        assert!(!debug.contains("MDEy") && debug.len() < 60, "{debug}");
    }

    #[test]
    fn a_file_is_made_for_its_owner_and_read_again() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(KEY_FILE);
        let made = Keys::make_file(&path).unwrap();
        assert_eq!(Keys::of_file(&path).unwrap(), made);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        std::fs::write(&path, format!("{FIRST}\n\n {SECOND} \n")).unwrap();
        assert_eq!(Keys::of_file(&path).unwrap(), keys(&[FIRST, SECOND]));
        std::fs::write(&path, "hush").unwrap();
        let error = Keys::of_file(&path).unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
