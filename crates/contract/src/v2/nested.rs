//! JSON that stands inside a string.

use crate::json::{Document, Place};

/// The one member of the object that is put around the text: only objects can be read.
const AROUND: (&str, &str) = (r#"{"":"#, "}");

/// Hands on the value that a text holds, as a document and the value's place in it; `None` where the text is not one JSON
/// value whose names differ, whose strings are Unicode, and which is not too deep.
pub(super) fn with_value<T>(text: &str, then: impl FnOnce(&Document<'_>, Place) -> T) -> Option<T> {
    let (before, behind) = AROUND;
    let around = format!("{before}{text}{behind}");
    let document = Document::read(around.as_bytes()).ok()?;
    // A text such as `1,"a":2` has more than one value.
    if document.count(Document::ALL) != 1 {
        return None;
    }
    document.sound(Document::ALL).ok()?;
    let (_, value) = document.walk(Document::ALL).member(&document)?;
    Some(then(&document, value))
}
