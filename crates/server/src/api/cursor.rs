//! Cursors: where a list goes on. Opaque to clients: they take one from an answer and hand it back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The lists that have cursors. A cursor of one is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum List {
    /// Companies, by number.
    Companies = 1,
    /// Events, newest first.
    Events = 2,
    /// Deliveries, newest first.
    Deliveries = 3,
    /// Replays, newest first.
    Replays = 4,
    /// The audit log, newest first.
    Audit = 5,
    /// A reconciliation, by id from the smallest on.
    Reconciliation = 6,
}

/// The version of the form, so that a later one can tell older cursors.
const VERSION: u8 = 1;

/// The text of a cursor.
pub(crate) fn encode(list: List, after: i64) -> String {
    let mut bytes = [VERSION, list as u8, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes[2..].copy_from_slice(&after.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What [`encode`] was given; `None` for a text that is no cursor of this list.
pub(crate) fn decode(list: List, text: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    match bytes.as_slice() {
        [VERSION, kind, after @ ..] if *kind == list as u8 => {
            Some(i64::from_be_bytes(after.try_into().ok()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_lead_back_to_their_own_list_only() {
        const ALL: [List; 6] = [
            List::Companies,
            List::Events,
            List::Deliveries,
            List::Replays,
            List::Audit,
            List::Reconciliation,
        ];
        for list in ALL {
            for after in [i64::MIN, -1, 0, 151, i64::MAX] {
                let text = encode(list, after);
                assert_eq!(decode(list, &text), Some(after));
                for other in ALL {
                    assert_eq!(decode(other, &text).is_some(), other == list);
                }
                for broken in [
                    &text[1..],
                    &text[..text.len() - 1],
                    "",
                    "151",
                    "AQE",
                    &format!("{text}A"),
                ] {
                    assert_eq!(decode(list, broken), None, "{broken:?}");
                }
            }
        }
    }
}
