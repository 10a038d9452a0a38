//! Request bodies: their content type, their limit, and the time they may take. And the JSON answers.

use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::BytesMut;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use ringback_core::limits;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{Problem, Type};
use super::state::ApiState;
use crate::clock::{self, Clock};

/// What one permit of [`BodyMemory`] stands for.
const PERMIT_BYTES: usize = 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);
/// The largest body of a configuration request, in bytes.
pub(crate) const CONFIGURATION_BYTES: usize = 256 * 1024;

/// The memory for bodies, which all requests share.
#[derive(Clone, Debug)]
pub(crate) struct BodyMemory(Arc<Semaphore>);

impl BodyMemory {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(limits::BODY_BYTES / PERMIT_BYTES)))
    }
}

/// A body in memory. Its place is free again when it is dropped: keep it until the request is answered.
#[derive(Debug)]
pub(crate) struct Read {
    bytes: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

impl Deref for Read {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The content types that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// One JSON value.
    Json,
    /// One JSON value per line.
    Ndjson,
}

/// The content type of a request, where it is one of those.
pub(crate) fn media(headers: &HeaderMap) -> Option<Media> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let mut parts = value.to_str().ok()?.split(';');
    let essence = parts.next()?.trim();
    let media = if essence.eq_ignore_ascii_case("application/json") {
        Media::Json
    } else if essence.eq_ignore_ascii_case("application/x-ndjson") {
        Media::Ndjson
    } else {
        return None;
    };
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        Some(_) | None => true,
    });
    is_utf8.then_some(media)
}

/// The answer to a content type that a route does not take.
pub(crate) fn unsupported_media(taken: &[Media]) -> Problem {
    let hint = if taken.contains(&Media::Ndjson) {
        "send the header Content-Type: application/json, or application/x-ndjson for a batch with one event per line; \
         curl sends the first with --json"
    } else {
        "send the header Content-Type: application/json; curl does so with --json"
    };
    Problem::new(Type::UnsupportedMedia, hint)
}

/// Reads the JSON body of a configuration request.
pub(crate) async fn configuration(api: &ApiState, request: Request) -> Result<Read, Problem> {
    if media(request.headers()) != Some(Media::Json) {
        return Err(unsupported_media(&[Media::Json]));
    }
    read(api, request, CONFIGURATION_BYTES).await
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(api: &ApiState, request: Request, limit: usize) -> Result<Read, Problem> {
    read_within(&*api.clock, &api.bodies, request.into_body(), limit).await
}

async fn read_within(
    clock: &dyn Clock,
    memory: &BodyMemory,
    body: Body,
    limit: usize,
) -> Result<Read, Problem> {
    let too_large = || Problem::new(Type::TooLarge, format!("at most {limit} bytes are taken here"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    // Pinned here, since handing it on would copy it.
    let collected = pin!(collect(memory, body, limit));
    clock::timeout(clock, BODY_TIME, collected)
        .await
        .map_err(|_| Problem::new(Type::BodyTimeout, "a body must arrive within 60 s"))?
        .map_err(|broken| match broken {
            Broken::TooLong => too_large(),
            Broken::NoMemory => Problem::new(
                Type::Behind,
                "too many large bodies are being read: repeat the request",
            ),
            Broken::Cut => Problem::new(Type::BrokenBody, "the connection ended before the body did"),
        })
}

enum Broken {
    TooLong,
    NoMemory,
    Cut,
}

/// A body that comes in one piece, as small ones do, is not copied.
async fn collect(memory: &BodyMemory, mut body: Body, limit: usize) -> Result<Read, Broken> {
    let mut place: Option<OwnedSemaphorePermit> = None;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broken::Cut)?.into_data() else {
            continue;
        };
        let length = first.len().max(rest.len()) + data.len();
        if length > limit {
            return Err(Broken::TooLong);
        }
        let counted = length
            .saturating_sub(limits::BODY_BYTES_FREE)
            .div_ceil(PERMIT_BYTES);
        let held = place.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if counted > held {
            let more = u32::try_from(counted - held).map_err(|_| Broken::TooLong)?;
            let more = Arc::clone(&memory.0)
                .try_acquire_many_owned(more)
                .map_err(|_| Broken::NoMemory)?;
            match &mut place {
                Some(place) => place.merge(more),
                None => place = Some(more),
            }
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(Read {
        bytes: if rest.is_empty() { first } else { rest.freeze() },
        _place: place,
    })
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(text) => {
            let mut response = Response::new(Body::from(text));
            *response.status_mut() = status;
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(_) => internal(),
    }
}

fn internal() -> Response {
    use axum::response::IntoResponse;
    Problem::new(Type::Internal, "an answer could not be written as JSON").into_response()
}

/// An answer without a body.
pub(crate) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::test::TestClock;

    #[test]
    fn content_types() {
        for (values, expected) in [
            (&["application/json"][..], Some(Media::Json)),
            (&["Application/JSON; charset=UTF-8"], Some(Media::Json)),
            (&["application/json;charset=\"utf-8\""], Some(Media::Json)),
            (&["application/json; profile=x"], Some(Media::Json)),
            (&["application/x-ndjson"], Some(Media::Ndjson)),
            (&["application/x-ndjson;charset=utf8"], Some(Media::Ndjson)),
            (&["application/json; charset=gbk"], None),
            (&["application/x-www-form-urlencoded"], None),
            (&["text/plain;charset=utf-8"], None),
            (&["application/jsonx"], None),
            (&["application/problem+json"], None),
            (&[""], None),
            (&[], None),
            (&["application/json", "application/json"], None),
        ] {
            let headers = values
                .iter()
                .map(|value| (header::CONTENT_TYPE, HeaderValue::from_static(value)))
                .collect::<HeaderMap>();
            assert_eq!(media(&headers), expected, "{values:?}");
        }
    }

    #[tokio::test]
    async fn bodies_are_read_up_to_their_limit() {
        let (clock, memory) = (TestClock::new(), BodyMemory::new());
        for (length, limit, expected) in [(0, 0, true), (5, 5, true), (6, 5, false)] {
            let text = "x".repeat(length);
            let found = read_within(&clock, &memory, Body::from(text.clone()), limit).await;
            match found {
                Ok(read) => assert!(expected && *read == *text.as_bytes()),
                Err(problem) => assert!(!expected && problem.kind == Type::TooLarge),
            }
        }
    }

    /// Bodies that are held, and whether one more finds a place.
    #[tokio::test]
    async fn large_bodies_share_a_bounded_memory() {
        const LARGE: usize = 16 * 1024 * 1024;
        let clock = TestClock::new();
        for (held, length, expected) in [
            (0, LARGE, None),
            (3, LARGE, None),
            (4, LARGE, None),
            (5, LARGE, Some(Type::Behind)),
            (5, limits::BODY_BYTES_FREE, None),
        ] {
            // One body less than there is memory for, since the beginning of each does not count.
            let memory = BodyMemory::new();
            let taken = memory.0.clone();
            let _place = taken
                .try_acquire_many((held * 12 * 1024).try_into().unwrap())
                .unwrap();
            let body = Body::from(vec![b'x'; length]);
            let found = read_within(&clock, &memory, body, LARGE).await;
            assert_eq!(
                found.err().map(|problem| problem.kind),
                expected,
                "{held} {length}"
            );
        }
        let memory = BodyMemory::new();
        let read = read_within(&clock, &memory, Body::from(vec![b'x'; LARGE]), LARGE).await;
        let free = memory.0.available_permits();
        assert_eq!(
            free,
            (limits::BODY_BYTES - LARGE + limits::BODY_BYTES_FREE) / PERMIT_BYTES
        );
        drop(read);
        assert_eq!(memory.0.available_permits(), limits::BODY_BYTES / PERMIT_BYTES);
    }
}
