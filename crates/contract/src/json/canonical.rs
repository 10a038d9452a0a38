//! The canonical form that digests are taken of: two values have the same form exactly if they are the same
//! JSON value, whatever the order of members, the escapes of strings, or the way a number is written.
//!
//! Digests are stored, so the form is fixed: a change of it would make repetitions look new.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Node, Object};

/// The canonical form of an object, without the members of these names on its first level.
pub(crate) fn canonical(object: &Object<'_>, but: &[&str], out: &mut Vec<u8>) {
    let mut order: Vec<_> = object
        .members
        .iter()
        .map(|m| (m.name.as_str(), &m.value))
        .filter(|(n, _)| !but.contains(n))
        .collect();
    order.sort_unstable_by(|(one, _), (other, _)| shortlex(one, other));
    out.push(b'{');
    push_length(order.len(), out);
    for (name, value) in order {
        push_bytes(name.as_bytes(), out);
        push(value, out);
    }
}

/// The order of names: the shorter first, then by bytes. Most comparisons end at the length.
pub(super) fn shortlex(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
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

/// A number by its value: sign, the power of ten of its last digit, and its digits without zeros at either end.
fn push_number(text: &str, out: &mut Vec<u8>) {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
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
