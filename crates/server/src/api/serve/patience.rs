//! A connection whose other end must read: where it takes nothing of what is written for a while, the connection ends.
//! Whoever asks and never reads would otherwise hold a place for ever.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::{self, Clock};

/// A stream with a limit on how long a write may make no progress. Reading is not touched.
pub(super) struct Patience<S> {
    stream: S,
    limit: Duration,
    clock: Arc<dyn Clock>,
    /// Ends when the write that waits has waited too long.
    patience: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S> Patience<S> {
    pub(super) fn new(stream: S, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            stream,
            limit,
            clock,
            patience: None,
        }
    }

    /// What a write came to, or the end of the patience with it.
    fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        let (clock, limit) = (&self.clock, self.limit);
        let patience = self.patience.get_or_insert_with(|| {
            let clock = Arc::clone(clock);
            let until = clock::after(clock.boot_us(), limit);
            Box::pin(async move { clock.sleep_until(until).await })
        });
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, shut)
    }
}

impl<S> fmt::Debug for Patience<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;
    use crate::clock::test::TestClock;
    use crate::tasks;

    const LIMIT_MS: u32 = 30_000;

    /// A write of 24 bytes into a connection that holds 8, with the other end of it.
    async fn writing() -> (Arc<TestClock>, JoinHandle<io::Result<()>>, DuplexStream) {
        let clock = Arc::new(TestClock::new());
        let (stream, other) = duplex(8);
        let limit = Duration::from_millis(u64::from(LIMIT_MS));
        let mut stream = Patience::new(stream, limit, Arc::clone(&clock) as _);
        let writing = tasks::spawn("test", async move { stream.write_all(&[7; 24]).await });
        settle().await;
        (clock, writing, other)
    }

    async fn settle() {
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_reads_nothing_is_given_up() {
        let (clock, writing, _other) = writing().await;
        clock.advance(LIMIT_MS - 1);
        settle().await;
        assert!(!writing.is_finished());
        clock.advance(1);
        let error = writing.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_reads_slowly_is_waited_for() {
        let (clock, writing, mut other) = writing().await;
        for _ in 0..2 {
            clock.advance(LIMIT_MS - 1);
            settle().await;
            assert!(!writing.is_finished());
            other.read_exact(&mut [0; 8]).await.unwrap();
            settle().await;
        }
        writing.await.unwrap().unwrap();
    }
}
