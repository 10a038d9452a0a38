//! The names of the headers that every send carries (contract, section 2). All are lower case, as HTTP/2
//! would have them; HTTP/1.1 compares them without case.

/// The id of the event: the same on every send and resend, so that receivers can drop what they know.
pub const WEBHOOK_ID: &str = "webhook-id";

/// The wall clock of this send, in whole seconds since 1970 (Standard Webhooks).
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";

/// The signatures over id, timestamp and raw body, separated by spaces (Standard Webhooks).
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";

/// The number of this send of the delivery, counted from 1.
pub const RINGBACK_SEND: &str = "ringback-send";
