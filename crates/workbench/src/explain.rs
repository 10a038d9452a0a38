//! Why a signature does not verify: the most frequent trouble of whoever writes a receiver.
//!
//! A signature is a short recipe: a key, a message, a hash, and how its result is written. When what a request carries, or what
//! a receiver has computed, does not follow the recipe, other recipes are tried – those that real code follows by mistake – until
//! one gives the very signature. What then differs from the right recipe is the cause, and certain. Where no recipe fits, what is
//! suspicious about the request is told, as a suspicion.
//!
//! Nothing here is sent anywhere, and no secret is part of what is told.

mod bodies;
mod cause;
mod recipe;
mod request;

pub use cause::Cause;
pub use request::{ParseError, Request};

use ringback_contract::webhook::{Secret, TOLERANCE_S};
use ringback_contract::{headers, sign};
use serde::Serialize;
use serde_json::Value;

use crate::receiver::App;
use recipe::{Given, Goal};

/// What is known besides the request.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Signing secrets of the endpoint that are valid, as texts.
    pub secrets: Vec<String>,
    /// Secrets that were valid once, or are those of other endpoints.
    pub other_secrets: Vec<String>,
    /// The company's appKey and appSecret, for `sign`.
    pub app: Option<App>,
    /// The signature that the receiver's own code has computed.
    pub computed: Option<String>,
    /// The wall clock when the request came, seconds since 1970.
    pub now_s: i64,
}

/// What was found about one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which signature: `webhook-signature`, `sign`, or `computed`.
    pub signature: &'static str,
    /// Whether it is right.
    pub verifies: bool,
    /// Why it is not, the certain causes first.
    pub causes: Vec<Cause>,
}

/// Explains every signature that there is something to check with.
#[must_use]
pub fn explain(request: &Request, known: &Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !known.secrets.is_empty() || !known.other_secrets.is_empty() {
        findings.push(webhook(request, known));
        if let Some(computed) = &known.computed {
            findings.push(own(request, known, computed));
        }
    }
    if let Some(app) = &known.app {
        findings.push(body_sign(request, app));
    }
    findings
}

/// The signature in the headers.
fn webhook(request: &Request, known: &Known) -> Finding {
    let mut causes = cause::of_headers(request);
    let (id, timestamp) = (
        request.header(headers::WEBHOOK_ID),
        request.header(headers::WEBHOOK_TIMESTAMP),
    );
    let signature = request
        .header(headers::WEBHOOK_SIGNATURE)
        .or_else(|| cause::renamed(request).map(|(_, value)| value));
    let mut fits = false;
    if let (Some(id), Some(timestamp), Some(signature)) = (id, timestamp, signature) {
        let given = Given::new(id, timestamp, &request.body, known);
        match recipe::find(&given, &Goal::Header(signature)) {
            Some(found) => {
                fits = true;
                causes.extend(found);
            }
            None => causes.extend(cause::suspicions(request)),
        }
        causes.extend(cause::of_time(timestamp, known.now_s, TOLERANCE_S));
    }
    // It may be a part of one, or another thing altogether: no signature fits that.
    if !fits && known.secrets.iter().any(|secret| !is_secret(secret)) {
        causes.retain(|cause| *cause != Cause::WrongSecret);
        causes.push(Cause::SecretNotASecret);
    }
    if !fits && causes.is_empty() {
        causes.push(Cause::WrongSecret);
    }
    causes.dedup();
    Finding {
        signature: headers::WEBHOOK_SIGNATURE,
        verifies: fits && causes.is_empty(),
        causes,
    }
}

/// What the receiver's own code has computed.
fn own(request: &Request, known: &Known, computed: &str) -> Finding {
    let id = request.header(headers::WEBHOOK_ID).unwrap_or_default();
    let timestamp = request.header(headers::WEBHOOK_TIMESTAMP).unwrap_or_default();
    let given = Given::new(id, timestamp, &request.body, known);
    let causes = recipe::find(&given, &Goal::Computed(computed)).unwrap_or_else(|| vec![Cause::NoRecipe]);
    Finding {
        signature: "computed",
        verifies: causes.is_empty(),
        causes,
    }
}

/// `sign` in the body, which covers `dateTime` alone.
fn body_sign(request: &Request, app: &App) -> Finding {
    let finding = |causes: Vec<Cause>| Finding {
        signature: "sign",
        verifies: causes.is_empty(),
        causes,
    };
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body) => body,
        Err(_) => return finding(vec![Cause::NotJson]),
    };
    // The samples have both beside the kind's objects; receivers that unwrap the envelope keep the inner part only.
    let data = [&body["data"]["data"], &body["data"], &body]
        .into_iter()
        .find(|data| !data["dateTime"].is_null() || !data["sign"].is_null());
    let Some(data) = data else {
        return finding(vec![Cause::SignAbsent]);
    };
    match (data["sign"].as_str(), data["dateTime"].as_str()) {
        (None, _) => finding(vec![Cause::SignAbsent]),
        (_, None) => finding(vec![Cause::DateTimeAbsent]),
        (Some(found), Some(date_time)) if sign::verify(&app.key, &app.secret, date_time, found) => {
            finding(Vec::new())
        }
        (Some(found), Some(date_time)) => finding(recipe::find_sign(app, date_time, found)),
    }
}

/// A secret that can be read.
fn is_secret(text: &str) -> bool {
    Secret::parse(text.trim()).is_ok()
}

#[cfg(test)]
mod tests;
