//! Errors of a connection, classified by their types.

use std::error::Error;
use std::io;

use super::exchange::Detail;
use super::stream::AnswerTooLong;
use super::tls;

/// What an error of hyper's says about the exchange.
pub(super) fn http_error(error: &hyper::Error) -> Detail {
    if error.is_parse_too_large() {
        return Detail::HeadTooLong;
    }
    if error.is_parse() {
        return Detail::Protocol;
    }
    if let Some(error) = source::<io::Error>(error) {
        return io_error(error);
    }
    // The receiver spoke before it was asked.
    if source::<hyper::Error>(error)
        .is_some_and(|error| !error.is_incomplete_message() && !error.is_canceled())
    {
        return Detail::Protocol;
    }
    Detail::Closed
}

/// What an error of the stream says about the exchange.
pub(super) fn io_error(error: &io::Error) -> Detail {
    if let Some(inner) = error.get_ref() {
        if inner.is::<AnswerTooLong>() {
            return Detail::HeadTooLong;
        }
        if let Some(error) = inner.downcast_ref::<rustls::Error>() {
            return Detail::Tls(tls::fault(error));
        }
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Detail::Closed,
        // hyper's decoder of chunked bodies.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Detail::Protocol,
        _ => Detail::Reset,
    }
}

/// The first error of type `E` among the causes of `error`.
fn source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
