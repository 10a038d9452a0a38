//! The one home of randomness: everything here comes from the operating system's generator.

use std::fmt::Write;

/// Fills `buffer` with random bytes.
///
/// # Panics
/// When the operating system has no random source. Nothing that needs secrets can go on without one.
#[expect(clippy::disallowed_methods, reason = "the home of randomness")]
pub fn fill(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system provides random bytes");
}

/// `N` random bytes.
///
/// # Panics
/// As [`fill`].
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// A token of 256 random bits: 64 lower-case hexadecimal digits.
///
/// # Panics
/// As [`fill`].
#[must_use]
pub fn token() -> String {
    bytes::<32>()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A random fraction: at least 0, less than 1, evenly spread. For jitter.
///
/// # Panics
/// As [`fill`].
#[must_use]
pub fn fraction() -> f64 {
    fraction_of(u64::from_le_bytes(bytes()))
}

/// The 53 upper bits of `bits` as a fraction: an `f64` holds no more exactly, and so none rounds up to 1.
fn fraction_of(bits: u64) -> f64 {
    const STEPS: f64 = (1_u64 << 53) as f64;
    (bits >> 11) as f64 / STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_lower_case_and_different() {
        let (a, b) = (token(), token());
        assert_eq!(a.len(), 64);
        assert!(
            a.bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        );
        assert_ne!(a, b);
    }

    #[test]
    fn fractions_stay_below_one() {
        assert_eq!(fraction_of(0), 0.0);
        assert_eq!(fraction_of(1 << 63), 0.5);
        assert!(fraction_of(u64::MAX) < 1.0);
        assert!((0.0..1.0).contains(&fraction()));
    }
}
