//! The second shape of the callbacks, v2 (contract, section 4), made of the stored v1 body.
//!
//! It is a pure function of that body and of a [`Version`]: the same event has the same bytes at every send. Any body that
//! intake accepted has one; nothing that a robot handed in can make a delivery fail.
//!
//! What the contract's table leaves open is decided so (a version that decides otherwise is another [`Version`]):
//!
//! - **Order** is the tables' in `fields`, whatever order the intake had. Members that no table knows follow in the intake's
//!   order, in `data`, `callInstance` and `phoneLogs`; the slim shapes (`taskResult`, jobs, corrections) have none.
//! - **Nulls** are left out wherever they stand: as members, as entries of arrays, inside JSON that was a string.
//! - **Numbers and strings** keep their text.
//! - **JSON inside a string**: `properties` and `collectProperties` become what they hold if that is an object, and
//!   `userMeanDetail` if that is an array. Text that is blank or holds `null` is left out; any other text stays the string
//!   that it was, duplicate member names and half surrogate pairs included.
//! - **`resultValue`** of a 客户意向等级 is the letter: its `resultValueAlias`, else an A–F that stands alone or before 级;
//!   else the value as it was. Other results keep their value.
//! - **A correction** has `taskResult` only, as in v1. Without an id nobody could apply it: its entry has `companyId`,
//!   `sceneInstanceId`, `resultName` and `resultValue`.
//! - **An inbound call** has `callInstance` too, with `inboundInstanceId` and its further fields in it.
//! - **`luyinOssUrl`** of a call is that of `phoneLog` where `sceneInstance` has none, since `phoneLogs` has no place for it.
//! - **`calledTimes`** is the intake's, else what `corpName` says. `collectProperties`, `transferred`, `robotDefName`,
//!   `callRepeat` and `jobPhoneInfos` are there if the intake has members of these names.
//! - **A job**'s `updateTime` is its `gmtModified`; its `endTime` that of a job whose status is final (2, 6), else nothing:
//!   v1's `endDate` is a day that was planned.
//! - **The envelope** has `code` 200 and `resultMsg`; `errorStackTrace` is always null, and so left out.

mod fields;
mod nested;
mod writer;

use crate::intake::{Found, Invalid, Problem};
use crate::json::{Document, Place};
use crate::kind::Kind;
use writer::Writer;

/// A version of the serializer. What a version once wrote it writes for ever: deliveries keep theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// The first.
    #[default]
    First,
}

impl Version {
    /// The one that new deliveries get.
    pub const LATEST: Self = Self::First;

    /// Its number, from 1, as it is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::First => 1,
        }
    }

    /// The version of this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::First),
            _ => None,
        }
    }
}

/// The v2 body of an event: UTF-8 JSON without white space and without nulls.
///
/// # Errors
/// When the v1 body is not one that ringback rendered.
pub fn render(version: Version, v1_body: &[u8]) -> Result<Vec<u8>, Invalid> {
    let document = Document::read(v1_body)?;
    let (kind, data) = callback(&document)?;
    let mut writer = Writer::with_capacity(v1_body.len());
    match version {
        Version::First => {
            writer.raw(r#"{"code":200,"data":{"callbackType":""#);
            writer.raw(kind.data_type());
            writer.raw(r#"","data":"#);
            writer.object(&document, data, fields::of(kind));
            writer.raw(r#"},"resultMsg":""#);
            writer.raw(kind.result_msg());
            writer.raw(r#""}"#);
        }
    }
    Ok(writer.into_bytes())
}

/// The kind of a v1 body and its `data.data`, checked down to its leaves.
fn callback(document: &Document<'_>) -> Result<(Kind, Place), Invalid> {
    document.sound_names(Document::ALL)?;
    let outer = member(document, Document::ALL, "data")?;
    document.sound_names(outer).map_err(|e| e.under("data"))?;
    let data = member(document, outer, "data").map_err(|e| e.under("data"))?;
    let outside = |e: Invalid| e.under("data").under("data");
    document.object_at(data).map_err(outside)?;
    document.sound(data)?;
    let has_scene = document.member(data, "sceneInstance").is_some();
    let data_type = document.member(outer, "dataType");
    let kind = data_type
        .and_then(|name| document.as_text(name))
        .and_then(|name| Kind::of_callback(&name, has_scene));
    let wrong = || {
        Invalid::here(Problem::WrongType {
            found: data_type.map_or(Found::Null, |name| document.found(name)),
            allowed: "the dataType of a callback",
        })
    };
    let kind = kind.ok_or_else(|| wrong().under("dataType").under("data"))?;
    Ok((kind, data))
}

fn member(document: &Document<'_>, object: Place, name: &'static str) -> Result<Place, Invalid> {
    let missing = Problem::Missing { allowed: "an object" };
    let found = document.member(object, name);
    found.ok_or_else(|| Invalid::here(missing).under(name))
}

#[cfg(test)]
mod tests;
