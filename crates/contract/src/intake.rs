//! Intake: reads what a robot hands in, checks it, normalises it, and renders the v1 body that is stored and
//! sent (contract, sections 2 and 3).
//!
//! An intake keeps the order and presence of its members, the text of its numbers and strings, and all that is
//! unknown. Only white space goes, two names and two types are put right, and calls get their `sign` and
//! `dateTime`. The body is a pure function of the input and the [`Stamp`], to the byte.

mod check;
mod correction;
mod current;
mod fields;
mod invalid;
mod stamp;

use std::fmt;

use crate::json::{self, Document, Place};
use crate::kind::Kind;

pub(crate) use correction::INTENT_LEVEL;
pub use correction::parse_correction;
pub use current::{current_call, current_call_called_back};
pub use invalid::{Found, Invalid, Problem};
pub use stamp::{Signing, Stamp};

use check::{check, required_integer, required_object};
use stamp::Template;

/// A checked and normalised callback, not yet stamped. It owns its text; `Debug` shows no payload.
#[derive(Clone)]
pub struct Intake {
    kind: Kind,
    company_id: i64,
    entity_id: i64,
    call_job_id: Option<i64>,
    job_status: Option<i64>,
    phone: Option<Box<str>>,
    digest: [u8; 32],
    template: Template,
}

impl Intake {
    /// The kind of callback.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The company it belongs to.
    #[must_use]
    pub const fn company_id(&self) -> i64 {
        self.company_id
    }

    /// The id by which the kind is keyed: `callInstanceId` of calls and corrections, `inboundInstanceId`,
    /// `callJobId`.
    #[must_use]
    pub const fn entity_id(&self) -> i64 {
        self.entity_id
    }

    /// The job it belongs to, where the intake says so.
    #[must_use]
    pub const fn call_job_id(&self) -> Option<i64> {
        self.call_job_id
    }

    /// The new status of a job; `None` for the other kinds.
    #[must_use]
    pub const fn job_status(&self) -> Option<i64> {
        self.job_status
    }

    /// The customer's number (`customerTelephone`), as it came; `None` for jobs and corrections.
    #[must_use]
    pub fn phone(&self) -> Option<&str> {
        self.phone.as_deref()
    }

    /// The SHA-256 of the normalised `data.data` as a JSON value: the order of members, `sign` and `dateTime`
    /// of the first level, escapes of strings and the way a number is written make no difference.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The whole v1 body: UTF-8 JSON without white space. The same intake and stamp give the same bytes.
    #[must_use]
    pub fn render(&self, stamp: &Stamp<'_>) -> Vec<u8> {
        self.template.fill(stamp)
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("kind", &self.kind)
            .field("company_id", &self.company_id)
            .field("entity_id", &self.entity_id)
            .finish_non_exhaustive()
    }
}

/// Reads an intake of this kind: the `data.data` object, or the whole envelope of the samples, which is told by
/// its `data.dataType`. For corrections only the envelope has all there is to know; see [`parse_correction`]
/// for what the API takes.
///
/// # Errors
/// When the input is no JSON object, is an envelope of another kind, lacks a required field, or has a field of a
/// wrong type.
pub fn parse(kind: Kind, input: &[u8]) -> Result<Intake, Invalid> {
    match kind {
        Kind::Call => parse_call(kind, "callInstanceId", input),
        Kind::Inbound => parse_call(kind, "inboundInstanceId", input),
        Kind::Job => parse_job(input),
        Kind::Correction => correction::parse_envelope(input),
    }
}

fn parse_call(kind: Kind, id_name: &'static str, input: &[u8]) -> Result<Intake, Invalid> {
    let (mut document, data) = open(kind, input)?.sound()?;
    let scene = required_object(&document, data, "sceneInstance")?;
    let required = |name| required_integer(&document, scene, name).map_err(|e| e.under("sceneInstance"));
    let company_id = required("companyId")?;
    let entity_id = required(id_name)?;
    check(&mut document, data, fields::CALL)?;
    let in_scene = |name| document.member(scene, name);
    Ok(Intake {
        kind,
        company_id,
        entity_id,
        call_job_id: in_scene("callJobId").and_then(|id| document.as_i64(id)),
        job_status: None,
        phone: in_scene("customerTelephone")
            .and_then(|phone| document.as_text(phone))
            .map(Into::into),
        digest: digest(&document, data)?,
        template: Template::stamped(kind, &document, data)?,
    })
}

fn parse_job(input: &[u8]) -> Result<Intake, Invalid> {
    let (mut document, data) = open(Kind::Job, input)?.sound()?;
    let company_id = required_integer(&document, data, "companyId")?;
    let call_job_id = required_integer(&document, data, "callJobId")?;
    let status = required_integer(&document, data, "status")?;
    check(&mut document, data, fields::JOB)?;
    Ok(Intake {
        kind: Kind::Job,
        company_id,
        entity_id: call_job_id,
        call_job_id: Some(call_job_id),
        job_status: Some(status),
        phone: None,
        digest: digest(&document, data)?,
        template: Template::plain(Kind::Job, &document, data),
    })
}

/// An input, seen to be either `data.data` alone or an envelope of the right kind around it.
struct Opened<'a> {
    document: Document<'a>,
    /// The `data.data`, of which only the names of the outermost level were checked.
    data: Place,
    is_enveloped: bool,
}

impl<'a> Opened<'a> {
    /// Checks the `data.data` down to its leaves.
    fn sound(self) -> Result<(Document<'a>, Place), Invalid> {
        self.document.sound_members(self.data)?;
        Ok((self.document, self.data))
    }
}

fn open(kind: Kind, input: &[u8]) -> Result<Opened<'_>, Invalid> {
    let document = Document::read(input)?;
    document.sound_names(Document::ALL)?;
    let inner = match document.object_member(Document::ALL, "data") {
        Some(data) => enveloped(kind, &document, data)?,
        None => None,
    };
    Ok(Opened {
        is_enveloped: inner.is_some(),
        data: inner.unwrap_or(Document::ALL),
        document,
    })
}

/// The `data.data` of an envelope whose `data` is at this place; `None` where that has no `dataType`, and so is something
/// else.
fn enveloped(kind: Kind, document: &Document<'_>, data: Place) -> Result<Option<Place>, Invalid> {
    document.sound_names(data).map_err(|e| e.under("data"))?;
    let Some(data_type) = document.member(data, "dataType") else {
        return Ok(None);
    };
    let refused = |invalid: Invalid| invalid.under("dataType").under("data");
    let name = match document.found(data_type) {
        Found::Text => document.string(data_type).map_err(refused)?,
        found => {
            return Err(refused(Invalid::here(Problem::WrongType {
                found,
                allowed: "a string",
            })));
        }
    };
    if name != kind.data_type() {
        return Err(refused(Invalid::here(Problem::WrongDataType {
            allowed: kind.data_type(),
        })));
    }
    const ALLOWED: &str = "an object";
    let problem = match document.member(data, "data") {
        Some(inner) if document.found(inner) == Found::Object => {
            // Paths inside data.data begin there, as they do without the envelope.
            document.sound_names(inner)?;
            return Ok(Some(inner));
        }
        Some(inner) => Problem::WrongType {
            found: document.found(inner),
            allowed: ALLOWED,
        },
        None => Problem::Missing { allowed: ALLOWED },
    };
    Err(Invalid::here(problem).under("data").under("data"))
}

fn digest(document: &Document<'_>, data: Place) -> Result<[u8; 32], Invalid> {
    json::digest(document, data, &["sign", "dateTime"])
}

#[cfg(test)]
pub(crate) mod tests;
