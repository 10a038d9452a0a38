//! The HTTP/1.1 server under the receivers: accepts connections up to a limit, can break them the hard way, and stops
//! in two steps: what is being answered may finish, then everything is closed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ringback_server::clock::{self, Clock, RealClock};
use ringback_server::tasks;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Connections that are open at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 4096;
/// How long a stop lets what is being answered finish.
const GRACE: Duration = Duration::from_secs(2);
/// How long a connection may be without a whole head of a request: senders that are slow on purpose, or gone, must not
/// use up [`CONNECTIONS`].
const HEAD: Duration = Duration::from_secs(60);
/// How long to wait after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining,
    Closed,
}

/// The connection is to be dropped without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is dropped without an answer, as planned")]
pub(crate) struct Dropped;

/// What an answer may do to the connection it is given on.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    peer: IpAddr,
    reset: Arc<AtomicBool>,
    phase: watch::Receiver<Phase>,
}

impl Connection {
    /// Whether the other end is on this machine, as far as its address says.
    pub(crate) fn is_local(&self) -> bool {
        is_local(self.peer)
    }

    /// Has the connection reset, not closed, when it is dropped.
    pub(crate) fn reset(&self) -> Dropped {
        self.reset.store(true, Ordering::Relaxed);
        Dropped
    }

    /// Waits until the server begins to stop.
    pub(crate) async fn stopping(&self) {
        // An error means that the server is gone: that is a stop as well.
        let _ = self
            .phase
            .clone()
            .wait_for(|phase| *phase != Phase::Running)
            .await;
    }
}

fn is_local(peer: IpAddr) -> bool {
    // One that listens on [::] sees IPv4 peers in the form ::ffff:127.0.0.1.
    peer.to_canonical().is_loopback()
}

/// A running server. Dropped, it closes everything at once.
#[derive(Debug)]
pub(crate) struct Server {
    local_addr: SocketAddr,
    phase: watch::Sender<Phase>,
}

impl Server {
    /// Listens on `addr` and answers each request by `handle`.
    pub(crate) async fn bind<H, F, B>(addr: SocketAddr, handle: H) -> io::Result<Self>
    where
        H: Fn(Request<Incoming>, Connection) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<B>, Dropped>> + Send + 'static,
        B: Body<Data = bytes::Bytes, Error = Dropped> + Send + 'static,
    {
        let listener = TcpListener::bind(addr).await?;
        let local_addr = listener.local_addr()?;
        let (phase, receiver) = watch::channel(Phase::Running);
        drop(tasks::spawn("receiver", accept(listener, receiver, handle)));
        Ok(Self { local_addr, phase })
    }

    pub(crate) const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Accepts nothing more, lets what is being answered finish for two seconds, then closes everything. Answers
    /// that hang or wait are cut off at once.
    pub(crate) async fn stop(self, clock: &dyn Clock) {
        self.phase.send_replace(Phase::Draining);
        if clock::timeout(clock, GRACE, self.phase.closed()).await.is_err() {
            self.phase.send_replace(Phase::Closed);
            self.phase.closed().await;
        }
    }
}

async fn accept<H, F, B>(listener: TcpListener, mut phase: watch::Receiver<Phase>, handle: H)
where
    H: Fn(Request<Incoming>, Connection) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<B>, Dropped>> + Send + 'static,
    B: Body<Data = bytes::Bytes, Error = Dropped> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            _ = phase.changed() => return,
            accepted = listener.accept() => accepted,
        };
        // An error is that of one connection, or of too many open files, which takes a while to pass.
        let Ok((stream, peer)) = accepted else {
            RealClock
                .sleep_until(clock::after(RealClock.boot_us(), PAUSE))
                .await;
            continue;
        };
        let (handle, phase) = (handle.clone(), phase.clone());
        drop(tasks::spawn("receiver connection", async move {
            let _permit = permit;
            serve(stream, peer.ip(), phase, handle).await;
        }));
    }
}

async fn serve<H, F, B>(stream: TcpStream, peer: IpAddr, mut phase: watch::Receiver<Phase>, handle: H)
where
    H: Fn(Request<Incoming>, Connection) -> F,
    F: Future<Output = Result<Response<B>, Dropped>>,
    B: Body<Data = bytes::Bytes, Error = Dropped> + 'static,
{
    // Without it small answers may wait for the sender's delayed acknowledgement; a failure costs only time.
    let _ = stream.set_nodelay(true);
    let connection = Connection {
        peer,
        reset: Arc::default(),
        phase: phase.clone(),
    };
    let io = TokioIo::new(Breakable {
        stream,
        reset: Arc::clone(&connection.reset),
    });
    let service = service_fn(|request| handle(request, connection.clone()));
    let mut exchange = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(io, service)
    );
    loop {
        tokio::select! {
            // How a connection ended is the sender's to notice.
            _ = exchange.as_mut() => return,
            changed = phase.changed() => {
                if changed.is_err() || *phase.borrow_and_update() == Phase::Closed {
                    return;
                }
                exchange.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A stream that is reset when it is dropped, if that was asked for.
struct Breakable {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Breakable {
    fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Relaxed)
    }
}

impl Drop for Breakable {
    fn drop(&mut self) {
        if self.is_reset() {
            // With a lingering time of zero the kernel answers with a reset; where that fails, with an end.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Breakable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_reset() {
            // An orderly end first would hide the reset.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_on_this_machine() {
        for (peer, expected) in [
            ("127.0.0.1", true),
            ("127.8.8.8", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_local(peer.parse().unwrap()), expected, "{peer}");
        }
    }
}
