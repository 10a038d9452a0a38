//! One HTTP/1 connection, driven by whoever uses it.
//!
//! hyper splits a connection into a handle that takes requests and a driver that must be polled. Commonly the
//! driver is a task of its own. Here the exchange polls both: nothing runs while a connection is idle, a send costs
//! no switch between tasks, and dropping a [`Connection`] closes it at once.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::stream::{Allowance, Stream};

/// How long the head of an answer may be, in bytes; also the size of hyper's buffers.
const HEAD_LIMIT: usize = 64 * 1024;

/// A request as it is sent: its body is there from the start, so that its length is known.
pub(super) type Outgoing = Request<Full<Bytes>>;

type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

pub(super) struct Connection {
    address: SocketAddr,
    requests: SendRequest<Full<Bytes>>,
    /// `None` once the connection has ended.
    driver: Option<Box<Driver>>,
    allowance: Allowance,
}

impl Connection {
    /// A connection over `stream`, whose reads draw on `allowance`.
    pub(super) async fn new(
        stream: Stream,
        allowance: Allowance,
        address: SocketAddr,
    ) -> hyper::Result<Self> {
        let (requests, driver) = http1::Builder::new()
            .max_buf_size(HEAD_LIMIT)
            .max_header_size(HEAD_LIMIT)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Self {
            address,
            requests,
            driver: Some(Box::new(driver)),
            allowance,
        })
    }

    /// The address at the other end.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and waits for the head of its answer. The error holds the request if not a byte of it was
    /// written.
    pub(super) async fn send(
        &mut self,
        request: Outgoing,
    ) -> Result<Response<Incoming>, TrySendError<Outgoing>> {
        self.allowance.renew();
        let answer = pin!(self.requests.try_send_request(request));
        drive(&mut self.driver, answer).await
    }

    /// The next part of an answer's body; `None` at its end.
    pub(super) async fn frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        drive(&mut self.driver, pin!(body.frame())).await
    }

    /// Whether the connection can take another request, asked after an answer was read to its end. It cannot if
    /// either side closes it, or if the request was not read to its end.
    pub(super) async fn is_ready(&mut self) -> bool {
        poll_fn(|cx| {
            poll_driver(&mut self.driver, cx);
            Poll::Ready(self.driver.is_some() && self.requests.is_ready())
        })
        .await
    }
}

/// Runs `work`, which waits for something that the driver must do, together with the driver.
async fn drive<F: Future>(driver: &mut Option<Box<Driver>>, mut work: Pin<&mut F>) -> F::Output {
    poll_fn(|cx| {
        // The work goes first: asking for a part of the body is what makes the driver read it.
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        poll_driver(driver, cx);
        work.as_mut().poll(cx)
    })
    .await
}

/// Lets the driver do what can be done now. When the connection ends, dropping the driver is what tells the
/// request or the body that waits for it; its own error would say the same again.
fn poll_driver(driver: &mut Option<Box<Driver>>, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && Pin::new(running).poll(cx).is_ready()
    {
        *driver = None;
    }
}
