//! Writes v2 from the places of a v1 document. Each part says whether it wrote anything: what has nothing to say leaves no
//! trace, and a null never has.

use super::fields::{Field, How, Shape};
use super::nested::with_value;
use crate::intake::{Found, INTENT_LEVEL};
use crate::json::{Document, Place};

/// The statuses of a job that has ended: completed and terminated (contract, section 1).
const ENDED: [i64; 2] = [2, 6];

pub(super) struct Writer {
    out: String,
}

/// A member of v2 that is to be made.
#[derive(Clone, Copy)]
struct Making<'d, 'a> {
    document: &'d Document<'a>,
    /// The `data.data` that it belongs to, in its document.
    object: Place,
    /// The value of v1, where there is one that is not null.
    value: Option<Place>,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// The object there in this shape; what is none is copied.
    pub(super) fn object(&mut self, document: &Document<'_>, place: Place, shape: &Shape) -> bool {
        if document.found(place) != Found::Object {
            return self.copy(document, place);
        }
        self.out.push('{');
        for field in shape.fields {
            let named = |name| {
                document
                    .member(place, name)
                    .filter(|value| is_there(document, *value))
            };
            let making = Making {
                document,
                object: place,
                value: named(field.from).or_else(|| named(field.name)),
            };
            self.part("{", |writer| {
                writer.raw("\"");
                writer.raw(field.name);
                writer.raw("\":");
                writer.made(field, making)
            });
        }
        if shape.keeps_unknown {
            self.unknown(document, place, shape);
        }
        self.out.push('}');
        true
    }

    /// The members that the shape does not know, in their order.
    fn unknown(&mut self, document: &Document<'_>, object: Place, shape: &Shape) {
        let is_known = |name: &str| {
            let mut fields = shape.fields.iter();
            fields.any(|field| field.name == name || field.from == name) || shape.left_out.contains(&name)
        };
        let mut walk = document.walk(object);
        while let Some((name, value)) = walk.member(document) {
            if document.string(name).is_ok_and(|name| !is_known(&name)) {
                self.member(document, name, value);
            }
        }
    }

    fn member(&mut self, document: &Document<'_>, name: Place, value: Place) {
        self.part("{", |writer| {
            writer.raw(document.raw(name));
            writer.raw(":");
            writer.copy(document, value)
        });
    }

    /// A member or an entry behind the bracket that opened, or behind a comma. It goes again if it wrote nothing.
    fn part(&mut self, bracket: &str, write: impl FnOnce(&mut Self) -> bool) {
        let mark = self.out.len();
        if !self.out.ends_with(bracket) {
            self.raw(",");
        }
        if !write(self) {
            self.out.truncate(mark);
        }
    }

    /// A value as it is, nulls aside.
    fn copy(&mut self, document: &Document<'_>, place: Place) -> bool {
        match document.found(place) {
            Found::Null => return false,
            Found::Boolean | Found::Number | Found::Text => self.raw(document.raw(place)),
            Found::Array => self.entries(document, place, Self::copy),
            Found::Object => {
                self.raw("{");
                let mut walk = document.walk(place);
                while let Some((name, value)) = walk.member(document) {
                    self.member(document, name, value);
                }
                self.raw("}");
            }
        }
        true
    }

    fn entries(
        &mut self,
        document: &Document<'_>,
        array: Place,
        mut write: impl FnMut(&mut Self, &Document<'_>, Place) -> bool,
    ) {
        self.raw("[");
        let mut walk = document.walk(array);
        while let Some(entry) = walk.entry(document) {
            self.part("[", |writer| write(writer, document, entry));
        }
        self.raw("]");
    }

    /// An array of objects of this shape; what is none is copied.
    fn each(&mut self, document: &Document<'_>, place: Place, shape: &Shape) -> bool {
        if document.found(place) != Found::Array {
            return self.copy(document, place);
        }
        self.entries(document, place, |writer, document, entry| {
            writer.object(document, entry, shape)
        });
        true
    }

    /// The value of a member.
    fn made(&mut self, field: &Field, making: Making<'_, '_>) -> bool {
        let Making {
            document,
            object,
            value,
        } = making;
        match (field.how, value) {
            (How::Recording, None) => self.recording(document),
            (How::CalledTimes, None) => self.called_times(document, object),
            (How::Level, _) => self.level(making),
            (How::EndTime, None) => self.end_time(document, object),
            (_, None) => false,
            (How::Copied | How::Recording | How::CalledTimes | How::EndTime, Some(value)) => {
                self.copy(document, value)
            }
            (How::Bit, Some(value)) => self.bit(document, value),
            (How::Shaped(shape), Some(value)) => self.object(document, value, shape),
            (How::Each(shape), Some(value)) => self.each(document, value, shape),
            (How::Inner(name, shape), Some(value)) => {
                let inner = match document.found(value) {
                    Found::Object => document.member(value, name),
                    _ => Some(value),
                };
                inner.is_some_and(|inner| self.each(document, inner, shape))
            }
            (How::Unquoted, Some(value)) => {
                self.unquoted(document, value, Found::Object, |writer, document, inside| {
                    writer.copy(document, inside)
                })
            }
            (How::UnquotedEach(shape), Some(value)) => {
                self.unquoted(document, value, Found::Array, |writer, document, inside| {
                    writer.each(document, inside, shape)
                })
            }
        }
    }

    fn bit(&mut self, document: &Document<'_>, value: Place) -> bool {
        match document.raw(value) {
            "true" => self.raw("1"),
            "false" => self.raw("0"),
            _ => return self.copy(document, value),
        }
        true
    }

    /// What a string holds, if that is of this kind; the string as it is if not; nothing if the string says nothing.
    fn unquoted(
        &mut self,
        document: &Document<'_>,
        value: Place,
        kind: Found,
        write: impl Fn(&mut Self, &Document<'_>, Place) -> bool,
    ) -> bool {
        let Some(text) = document.as_text(value) else {
            return write(self, document, value);
        };
        if text.trim_ascii().is_empty() {
            return false;
        }
        let written = with_value(&text, |inner, inside| match inner.found(inside) {
            Found::Null => Some(false),
            found if found == kind => Some(write(self, inner, inside)),
            _ => None,
        });
        match written.flatten() {
            Some(written) => written,
            None => self.copy(document, value),
        }
    }

    fn recording(&mut self, document: &Document<'_>) -> bool {
        let inside = |object, name| document.object_member(object, name);
        let log = inside(Document::ALL, "data")
            .and_then(|outer| inside(outer, "data"))
            .and_then(|data| inside(data, "phoneLog"));
        let recording = log.and_then(|log| document.member(log, "luyinOssUrl"));
        recording.is_some_and(|recording| self.copy(document, recording))
    }

    fn called_times(&mut self, document: &Document<'_>, scene: Place) -> bool {
        let told = document
            .member(scene, "corpName")
            .and_then(|told| document.as_text(told));
        let written = told.and_then(|told| {
            with_value(&told, |told, inside| {
                if told.found(inside) != Found::Object {
                    return false;
                }
                let times = told
                    .member(inside, "calledTimes")
                    .filter(|times| told.is_i64(*times));
                times.is_some_and(|times| self.copy(told, times))
            })
        });
        written.unwrap_or(false)
    }

    fn level(&mut self, making: Making<'_, '_>) -> bool {
        let Making {
            document,
            object,
            value,
        } = making;
        let text = |name| {
            document
                .member(object, name)
                .and_then(|value| document.as_text(value))
        };
        if text("resultName").is_some_and(|name| name == INTENT_LEVEL) {
            let alias = document.member(object, "resultValueAlias");
            let spoken = alias.filter(|alias| {
                let alias = document.as_text(*alias);
                alias.is_some_and(|alias| !alias.trim_ascii().is_empty())
            });
            if let Some(alias) = spoken {
                return self.copy(document, alias);
            }
            if let Some(letter) = text("resultValue").as_deref().and_then(letter_of) {
                self.raw("\"");
                self.raw(letter);
                self.raw("\"");
                return true;
            }
        }
        value.is_some_and(|value| self.copy(document, value))
    }

    fn end_time(&mut self, document: &Document<'_>, job: Place) -> bool {
        let status = document
            .member(job, "status")
            .and_then(|status| document.as_i64(status));
        if !status.is_some_and(|status| ENDED.contains(&status)) {
            return false;
        }
        let changed = document.member(job, "gmtModified");
        changed.is_some_and(|changed| self.copy(document, changed))
    }
}

fn is_there(document: &Document<'_>, value: Place) -> bool {
    document.found(value) != Found::Null
}

/// The level that a value such as `C级(很少)` begins with.
fn letter_of(value: &str) -> Option<&str> {
    let letter = value.get(..1).filter(|letter| ("A"..="F").contains(letter))?;
    let behind = &value[1..];
    (behind.is_empty() || behind.starts_with('级')).then_some(letter)
}
