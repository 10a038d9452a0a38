//! How events and deliveries are shown to people: what happened, line by line, and what comes next.

use serde_json::Value;

use crate::failure::Failure;
use crate::output;
use crate::service::text;

/// The id that the event is about: of the call, the inbound call or the job.
pub(crate) fn entity(event: &Value) -> String {
    let named = ["callInstanceId", "inboundInstanceId"]
        .into_iter()
        .find(|member| !event[*member].is_null());
    text(event, named.unwrap_or("callJobId"))
}

/// An event with its deliveries.
pub(crate) fn event(event: &Value) -> Result<(), Failure> {
    head(event)?;
    let deliveries = event["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
    if deliveries.is_empty() {
        return output::line("no delivery: nobody wanted it");
    }
    deliveries.iter().try_for_each(sends)
}

/// A delivery with its event.
pub(crate) fn delivery(delivery: &Value) -> Result<(), Failure> {
    head(&delivery["event"])?;
    sends(delivery)
}

fn head(event: &Value) -> Result<(), Failure> {
    output::line(format_args!(
        "{}  {} {} of company {}",
        text(event, "eventId"),
        text(event, "kind"),
        entity(event),
        text(event, "companyId"),
    ))?;
    output::line(format_args!(
        "{}  accepted, {} bytes",
        text(event, "acceptedAt"),
        text(event, "bodyBytes"),
    ))
}

fn sends(delivery: &Value) -> Result<(), Failure> {
    output::line("")?;
    output::line(format_args!(
        "{}  to {}: {}",
        text(delivery, "deliveryId"),
        text(delivery, "endpoint"),
        text(delivery, "state"),
    ))?;
    let attempts = delivery["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    if !attempts.is_empty() {
        let header = ["SEND", "AT", "TOOK", "OUTCOME", "STATUS", "ADDRESS", "ANSWER"];
        output::table(&header, attempts.iter().map(attempt))?;
    }
    if let Some(sentence) = delivery["sentence"].as_str() {
        return output::line(sentence);
    }
    if !delivery["nextSendAt"].is_null() {
        output::line(format_args!("next send at {}", text(delivery, "nextSendAt")))?;
    }
    if !delivery["waiting"].is_null() {
        output::line(format_args!("waiting: {}", delivery["waiting"]))?;
    }
    Ok(())
}

fn attempt(attempt: &Value) -> Vec<String> {
    let answer = match &attempt["detail"] {
        Value::Null => format!("{:?}", beginning(&text(attempt, "bodyStart"))),
        _ => text(attempt, "detail"),
    };
    vec![
        text(attempt, "n"),
        text(attempt, "startedAt"),
        format!("{} ms", text(attempt, "durationMs")),
        text(attempt, "outcome"),
        text(attempt, "status"),
        text(attempt, "address"),
        answer,
    ]
}

/// As much of an answer as fits into a line.
fn beginning(answer: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = answer.chars().take(MOST).collect();
    if short.len() < answer.len() {
        short.push('…');
    }
    short
}
