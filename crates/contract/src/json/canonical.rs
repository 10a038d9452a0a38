//! The canonical form that digests are taken of: two values have the same form exactly if they are the same
//! JSON value, whatever the order of members, the escapes of strings, or the way a number is written.
//!
//! Digests are stored, so the form is fixed: a change of it would make repetitions look new.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Member, Node, Object};

/// The canonical form of an object, without the members of these names on its first level.
pub(crate) fn canonical(object: &Object<'_>, but: &[&str], out: &mut Vec<u8>) {
    let members = &object.members;
    let mut order = Vec::with_capacity(members.len());
    for (at, member) in members.iter().enumerate() {
        let name = member.name.as_str();
        if !but.contains(&name) {
            order.push((start_of(name), at));
        }
    }
    order.sort_unstable_by(|(one_start, one), (other_start, other)| {
        let names = || shortlex(members[*one].name.as_str(), members[*other].name.as_str());
        one_start.cmp(other_start).then_with(names)
    });
    out.push(b'{');
    push_length(order.len(), out);
    for (_, at) in order {
        let Member { name, value } = &members[at];
        push_bytes(name.as_str().as_bytes(), out);
        push(value, out);
    }
}

/// The order of names: the shorter first, then by bytes. Most comparisons end at the length.
pub(super) fn shortlex(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// The beginning of a name as a number, in the order of [`shortlex`]: its length (two bytes) and its first six bytes. It
/// tells most names apart at the cost of comparing two integers. Names that are too long for it all look the same.
fn start_of(name: &str) -> u64 {
    let Ok(length) = u16::try_from(name.len()) else {
        return u64::MAX;
    };
    let mut start = [0; 8];
    let (before, first) = start.split_at_mut(2);
    before.copy_from_slice(&length.to_be_bytes());
    let shown = name.len().min(first.len());
    first[..shown].copy_from_slice(&name.as_bytes()[..shown]);
    u64::from_be_bytes(start)
}

/// Each value begins with a byte of its kind; what has no fixed length says it first, so that no two forms
/// run into each other.
fn push(node: &Node<'_>, out: &mut Vec<u8>) {
    match node {
        Node::Null => out.push(b'n'),
        Node::Boolean(true) => out.push(b't'),
        Node::Boolean(false) => out.push(b'f'),
        Node::Number(text) => push_number(text, out),
        Node::Text(text) => {
            out.push(b'"');
            push_bytes(text.as_str().as_bytes(), out);
        }
        Node::Array(entries) => {
            out.push(b'[');
            push_length(entries.len(), out);
            for entry in entries {
                push(entry, out);
            }
        }
        Node::Object(object) => canonical(object, &[], out),
    }
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn push_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let low = (length & 0x7f).to_le_bytes()[0];
        length >>= 7;
        if length == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    push_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Nearly all numbers are integers with fewer digits than this.
const PLAIN_DIGITS: usize = 19;

/// The same form as [`push_number`]'s, for digits alone, of which only the last may be cut: JSON has no zeros in front.
fn push_integer(negative: bool, digits: &str, out: &mut Vec<u8>) {
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return out.push(b'0');
    }
    out.push(if negative { b'-' } else { b'+' });
    let power = digits.len() - significant.len();
    // Fewer than twenty digits were cut: one digit tells how many, or two.
    match u8::try_from(power) {
        Ok(power @ 0..10) => push_bytes(&[b'0' + power], out),
        _ => push_bytes(power.to_string().as_bytes(), out),
    }
    push_bytes(significant.as_bytes(), out);
}

/// A number by its value: sign, the power of ten of its last digit, and its digits without zeros at either end.
fn push_number(text: &str, out: &mut Vec<u8>) {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if unsigned.len() <= PLAIN_DIGITS && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return push_integer(negative, unsigned, out);
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (digits, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (Cow::Owned([whole, fraction].concat()), fraction),
        None => (Cow::Borrowed(mantissa), ""),
    };
    let without_end = digits.trim_end_matches('0');
    let significant = without_end.trim_start_matches('0');
    if significant.is_empty() {
        return out.push(b'0');
    }
    // Lengths fit an i128 by far. An exponent that does not is kept as text: such numbers are compared by how
    // they are written.
    let zeros_cut = digits.len() - without_end.len();
    let shift = zeros_cut as i128 - fraction.len() as i128;
    match exponent
        .parse::<i128>()
        .ok()
        .and_then(|power| power.checked_add(shift))
    {
        Some(power) => {
            out.push(if negative { b'-' } else { b'+' });
            push_bytes(power.to_string().as_bytes(), out);
            push_bytes(significant.as_bytes(), out);
        }
        None => {
            out.push(b'e');
            push_bytes(text.as_bytes(), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn beginnings_are_in_the_order_of_names(one in "[ab\u{0}é]{0,9}", other in "[ab\u{0}é]{0,9}", long: bool) {
            let lengthen = |name: String| if long { format!("{name}{}", "x".repeat(65_530)) } else { name };
            let (one, other) = (lengthen(one), lengthen(other));
            let by_beginning = start_of(&one).cmp(&start_of(&other));
            prop_assert_eq!(by_beginning.then_with(|| shortlex(&one, &other)), shortlex(&one, &other));
        }
    }
}
