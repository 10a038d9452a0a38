//! Batches: one event per line, one answer line per line. The lines share no fate: each is taken in, or refused, alone.

use std::io::BufRead as _;
use std::iter;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::Response;
use ringback_contract::intake::{Intake, Invalid};
use ringback_core::event::NewEvent;
use ringback_core::limits;
use ringback_core::store::Write;

use super::super::caller::Caller;
use super::super::problem::{FieldError, Problem, Type};
use super::super::state::ApiState;
use super::answer::{Accepted, BatchLine};
use super::{Route, accepted, event, reason};
use crate::service::Unavailable;
use crate::trace;

/// Lines with an event that a batch may have: the answer is held in memory until it is whole.
const LINES_MOST: usize = 20_000;
/// Events that are handed to the committer at a time, so that a batch takes no more than its share of the queue.
const CHUNK_EVENTS: usize = 256;

/// Events that are read before others get the thread: reading is the work of a batch, and the sends of others, which
/// share the threads, would wait for all of it.
const EVENTS_AT_A_STRETCH: usize = 4;

/// Takes in the lines of a batch in their order. Behind a line that the committer could not take none is taken in: the
/// rest gets the same answer. Otherwise repeating what failed would put it behind what came after it.
pub(super) async fn take_in<P>(
    api: &ApiState,
    caller: &Caller,
    route: Route,
    key: Option<&str>,
    body: &[u8],
    parse: P,
    trace: Option<&trace::Intake>,
) -> Result<Response, Problem>
where
    P: Fn(&[u8]) -> Result<Intake, Invalid>,
{
    let lines: Vec<(usize, &[u8])> = lines(body).collect();
    check_count(lines.len())?;
    let mut answers = Vec::with_capacity(lines.len() * 128);
    let mut stopped = None;
    for chunk in lines.chunks(CHUNK_EVENTS) {
        let read = |line: usize, text: &[u8]| -> Result<NewEvent, Problem> {
            if let Some(unavailable) = stopped {
                return Err(Problem::from(unavailable));
            }
            if text.len() > limits::EVENT_BYTES {
                let detail = format!("a line has at most {} bytes", limits::EVENT_BYTES);
                return Err(Problem::new(Type::TooLarge, detail));
            }
            let key = key.map(|key| format!("{key}/{line}"));
            event(api, caller, route, key, &parse(text)?)
        };
        let mut events = Vec::with_capacity(chunk.len());
        for lines in chunk.chunks(EVENTS_AT_A_STRETCH) {
            // The semaphore is never closed.
            let turn = api.batches.acquire().await.ok();
            for (line, text) in lines {
                events.push((*line, read(*line, text)));
            }
            drop(turn);
            tokio::task::yield_now().await;
        }
        for answer in write(api, route, events, &mut stopped, trace).await {
            // Writing to memory does not fail.
            let _ = serde_json::to_writer(&mut answers, &answer);
            answers.push(b'\n');
        }
    }
    let mut response = Response::new(Body::from(answers));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    Ok(response)
}

async fn write(
    api: &ApiState,
    route: Route,
    events: Vec<(usize, Result<NewEvent, Problem>)>,
    stopped: &mut Option<Unavailable>,
    trace: Option<&trace::Intake>,
) -> Vec<BatchLine> {
    let mut writes = Vec::with_capacity(events.len());
    let mut waiting: Vec<(usize, Option<Problem>)> = Vec::with_capacity(events.len());
    for (line, event) in events {
        match event {
            Ok(event) => {
                writes.push(Write::Accept(Box::new(event)));
                waiting.push((line, None));
            }
            Err(problem) => waiting.push((line, Some(problem))),
        }
    }
    let written = api.service.write_all_traced(writes, trace).await;
    *stopped = stopped.or_else(|| written.iter().find_map(|written| written.as_ref().err().copied()));
    let mut written = written.into_iter();
    waiting
        .into_iter()
        .map(|(line, problem)| {
            let answer: Result<Accepted, Problem> = match problem {
                Some(problem) => Err(problem),
                None => match written.next() {
                    Some(written) => accepted(api, route.kind, written),
                    None => Err(Problem::new(Type::Internal, "the line got no answer: repeat it")),
                },
            };
            if let Err(problem) = &answer {
                api.metrics.refused(reason(problem.kind)).inc();
            }
            BatchLine::of(line, answer)
        })
        .collect()
}

/// The lines that are not empty, with their numbers from 1. White space around a line does not matter.
fn lines(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut rest = body;
    let next = move || {
        let all = rest;
        // Reading from memory does not fail. It looks for the end of a line many bytes at a time, where `split` goes byte by byte.
        let length = rest.skip_until(b'\n').unwrap_or(0);
        (length > 0).then(|| all[..length].trim_ascii())
    };
    iter::from_fn(next)
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.is_empty())
}

fn check_count(lines: usize) -> Result<(), Problem> {
    match lines {
        0 => Err(Problem::invalid(vec![FieldError::other(
            "",
            "has no line with an event",
        )])),
        1..=LINES_MOST => Ok(()),
        _ => Err(Problem::new(
            Type::TooLarge,
            format!("a batch has at most {LINES_MOST} lines"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_and_empty_ones_are_passed_over() {
        for (body, expected) in [
            ("a", &[(1, "a")][..]),
            ("a\nb\n", &[(1, "a"), (2, "b")]),
            ("a\r\n\r\n b \n\n", &[(1, "a"), (3, "b")]),
            ("\n\n", &[]),
            ("", &[]),
        ] {
            let found: Vec<_> = lines(body.as_bytes()).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(line, text)| (*line, text.as_bytes()))
                .collect();
            assert_eq!(found, expected, "{body:?}");
        }
    }

    #[test]
    fn a_batch_has_lines_but_not_too_many() {
        for (lines, expected) in [
            (0, Some(Type::Invalid)),
            (1, None),
            (LINES_MOST, None),
            (LINES_MOST + 1, Some(Type::TooLarge)),
        ] {
            assert_eq!(check_count(lines).err().map(|problem| problem.kind), expected);
        }
    }
}
