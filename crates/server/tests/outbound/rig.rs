//! The bench that the tests stand on: a client with a clock to turn, and the receiver's end of its connections.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderValue;
use ringback_server::clock::test::TestClock;
use ringback_server::outbound::{
    AddressPolicy, Exchange, Message, Options, Outbound, Outcome, Target, TargetSettings,
};
use ringback_server::tasks;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An answer that acknowledges.
pub(crate) const SUCCESS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsuccess";

/// The body that is sent where a test does not care.
pub(crate) const BODY: &str = r#"{"code":200}"#;

pub(crate) struct Rig {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) outbound: Outbound,
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
    /// The receiver's URL.
    pub(crate) url: String,
}

impl Rig {
    /// A client that may connect to 127.0.0.0/8, and a receiver there.
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// As [`Rig::new`], with other options.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let clock = Arc::new(TestClock::new());
        let mut options = Options::new(Arc::clone(&clock) as _);
        options.policy = AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()]);
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let outbound = Outbound::new(options).unwrap();
        let url = format!("http://{address}/callback");
        Self {
            clock,
            outbound,
            listener,
            address,
            url,
        }
    }

    /// The receiver as a target, with the default settings.
    pub(crate) fn target(&self) -> Arc<Target> {
        self.outbound.target(TargetSettings::new(&self.url)).unwrap()
    }

    /// Starts a send.
    pub(crate) fn post(&self, target: &Arc<Target>) -> JoinHandle<Exchange> {
        self.post_message(target, message(BODY))
    }

    pub(crate) fn post_message(&self, target: &Arc<Target>, message: Message) -> JoinHandle<Exchange> {
        let (outbound, target) = (self.outbound.clone(), Arc::clone(target));
        tasks::spawn("test", async move { outbound.post(&target, message).await })
    }

    /// The receiver's end of the next connection.
    pub(crate) async fn accept(&self) -> Peer<TcpStream> {
        Peer {
            stream: self.listener.accept().await.unwrap().0,
        }
    }

    /// Fails if a connection is waiting to be accepted.
    pub(crate) async fn assert_no_further_connection(&self) {
        settle().await;
        let waiting = poll_fn(|cx| Poll::Ready(self.listener.poll_accept(cx).is_ready())).await;
        assert!(!waiting, "a connection that should not be");
    }
}

/// The receiver's end of a connection.
pub(crate) struct Peer<S> {
    pub(crate) stream: S,
}

impl<S: AsyncRead + tokio::io::AsyncWrite + Unpin> Peer<S> {
    /// Reads one request with its body.
    pub(crate) async fn request(&mut self) -> (String, Vec<u8>) {
        let head = self.head().await;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        (head, body)
    }

    /// Reads the head of one request, with its empty line.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads one request and answers it.
    pub(crate) async fn answer(&mut self, bytes: impl AsRef<[u8]>) {
        self.request().await;
        self.write(bytes).await;
    }

    /// Waits until the client has closed the connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1024];
        loop {
            match self.stream.read(&mut rest).await {
                Ok(0) => return,
                Ok(_) => {}
                // The client need not have read all that it was sent.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl Peer<TcpStream> {
    /// Breaks the connection instead of closing it.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}

pub(crate) fn message(body: impl Into<Bytes>) -> Message {
    Message {
        body: body.into(),
        webhook_id: HeaderValue::from_static("evt_1"),
        webhook_timestamp: HeaderValue::from_static("1767225600"),
        webhook_signature: HeaderValue::from_static("v1,c2ln"),
        ringback_send: HeaderValue::from_static("1"),
        trace: None,
    }
}

/// Lets everything run that can run. The tests have one thread, and what is written on loopback is there at once:
/// when the other tasks have had their turns they have seen it.
pub(crate) async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// What the tests compare of an exchange: outcome, status, and the name of the detail.
pub(crate) fn gist(exchange: &Exchange) -> (Outcome, Option<u16>, Option<&'static str>) {
    (
        exchange.outcome,
        exchange.status,
        exchange
            .detail
            .as_ref()
            .map(ringback_server::outbound::Detail::name),
    )
}
