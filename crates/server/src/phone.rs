//! Phone numbers are found by a keyed hash: the store never holds one as an index in the clear.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key of one store.
#[derive(Clone)]
pub(crate) struct PhoneKey(Hmac<Sha256>);

impl PhoneKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(Hmac::new_from_slice(&key).expect("an HMAC takes keys of any length"))
    }

    /// The first 64 bits of HMAC-SHA256 over the number without white space.
    pub(crate) fn hash(&self, phone: &str) -> i64 {
        let mut mac = self.0.clone();
        for part in phone.split_whitespace() {
            mac.update(part.as_bytes());
        }
        let digest = mac.finalize().into_bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        i64::from_be_bytes(first)
    }
}

impl std::fmt::Debug for PhoneKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_has_the_same_hash_and_another_key_another() {
        let (a, b) = (PhoneKey::new([1; 32]), PhoneKey::new([2; 32]));
        assert_eq!(a.hash("13700000000"), a.hash(" 137 0000 0000 "));
        assert_ne!(a.hash("13700000000"), a.hash("13700000001"));
        assert_ne!(a.hash("13700000000"), b.hash("13700000000"));
    }
}
