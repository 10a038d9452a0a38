//! Turns an [`Answer`] into what goes out on the connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use ringback_server::clock::{self, Clock};

use super::answer::Answer;
use super::server::{Connection, Dropped};

/// The bytes of `close` that are sent, and how many its head promises.
const CUT_TEXT: &[u8] = b"succ";
const CUT_PROMISED: u64 = 7;

/// A body that is sent whole, or that breaks off.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    /// These bytes; `None` once they are sent.
    Whole(Option<Bytes>),
    /// Fewer bytes than promised, then the end of the connection.
    Cut(Cut),
}

/// How much of a body that breaks off is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Begin,
    /// The bytes are in the connection's buffer; one more turn lets it write them.
    Written,
    Break,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(
                bytes
                    .take()
                    .filter(|bytes| !bytes.is_empty())
                    .map(Frame::data)
                    .map(Ok),
            ),
            Self::Cut(cut) => match cut {
                Cut::Begin => {
                    *cut = Cut::Written;
                    Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(CUT_TEXT)))))
                }
                Cut::Written => {
                    *cut = Cut::Break;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Cut::Break => Poll::Ready(Some(Err(Dropped))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Cut(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Cut(_) => SizeHint::with_exact(CUT_PROMISED),
        }
    }
}

/// A whole answer.
pub(crate) fn whole(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(Some(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Gives `answer`, after its delay.
pub(crate) async fn respond(
    answer: &Answer,
    connection: &Connection,
    clock: &dyn Clock,
) -> Result<Response<AnswerBody>, Dropped> {
    match answer {
        Answer::Delay(delay, then) => {
            let until = clock::after(clock.boot_us(), *delay);
            tokio::select! {
                () = clock.sleep_until(until) => {}
                () = connection.stopping() => return Err(Dropped),
            }
            at_once(then, connection).await
        }
        answer => at_once(answer, connection).await,
    }
}

async fn at_once(answer: &Answer, connection: &Connection) -> Result<Response<AnswerBody>, Dropped> {
    match answer {
        Answer::Body(body) => Ok(whole(StatusCode::OK, body.content_type(), body.bytes())),
        Answer::Status(status) => Ok(bare(*status)),
        Answer::Hang => {
            connection.stopping().await;
            Err(Dropped)
        }
        Answer::Reset => Err(connection.reset()),
        Answer::Close => Ok(Response::new(AnswerBody::Cut(Cut::Begin))),
        // The text form has no delay within a delay.
        Answer::Delay(..) => Err(Dropped),
    }
}

/// A status with an empty body. A redirect points back here, so that a sender that follows it is seen.
fn bare(status: u16) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(None));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if response.status().is_redirection() {
        response
            .headers_mut()
            .insert(LOCATION, HeaderValue::from_static("/redirected"));
    }
    response
}
