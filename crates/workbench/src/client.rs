//! A plain HTTP/1.1 client for the workbench's own traffic: the load of a benchmark, the API of a service that the
//! workbench has started, a receiver's control surface. It connects to the addresses that it is given and nowhere
//! else; callbacks to strangers go through `ringback_server::outbound`, which judges addresses.

use std::net::SocketAddr;
use std::pin::pin;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The longest body of an answer that is read, in bytes: a receiver's journal of some hundred thousand lines.
pub const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// Why an exchange brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection.
    #[error("{addr} cannot be connected to")]
    Connect {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The exchange broke.
    #[error("the exchange with the server broke off")]
    Exchange(#[from] hyper::Error),
    /// The URL is not one of `http://ADDRESS:PORT/…`.
    #[error("the URL must be http:// with an address and a port")]
    Url,
    /// The answer is longer than [`ANSWER_MAX`].
    #[error("the answer is longer than {ANSWER_MAX} bytes")]
    TooLong,
    /// The request cannot be formed.
    #[error("the request cannot be formed")]
    Request(#[from] http::Error),
}

/// The connection's own work: it must be polled for exchanges on the connection to go on.
pub(crate) type Driving = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// An open connection.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects, and returns the connection's own work beside it.
    pub(crate) async fn open(addr: SocketAddr) -> Result<(Self, Driving), ClientError> {
        let connected = async {
            let stream = TcpStream::connect(addr).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = connected
            .await
            .map_err(|source| ClientError::Connect { addr, source })?;
        let (sender, driving) = http1::handshake(TokioIo::new(stream)).await?;
        Ok((Self { sender }, driving))
    }

    /// One exchange; the answer's body is read whole.
    pub(crate) async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        Ok(Answer {
            status: head.status,
            body: read(body).await?,
        })
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

pub(crate) async fn read(mut body: Incoming) -> Result<Bytes, ClientError> {
    // Small answers come in one piece, and are taken without a copy.
    let mut first: Option<Bytes> = None;
    let mut all: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        if all.len() + piece.len() > ANSWER_MAX {
            return Err(ClientError::TooLong);
        }
        match first.take() {
            None if all.is_empty() => first = Some(piece),
            None => all.extend_from_slice(&piece),
            Some(earlier) => {
                all.extend_from_slice(&earlier);
                all.extend_from_slice(&piece);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.into()))
}

/// The address and the path with query of `http://ADDRESS:PORT/path`.
pub(crate) fn target(url: &str) -> Result<(SocketAddr, Uri), ClientError> {
    let uri: Uri = url.parse().map_err(|_| ClientError::Url)?;
    let authority = uri.authority().ok_or(ClientError::Url)?;
    if uri.scheme_str() != Some("http") {
        return Err(ClientError::Url);
    }
    let addr = authority.as_str().parse().map_err(|_| ClientError::Url)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Ok((addr, path.parse().map_err(|_| ClientError::Url)?))
}

/// One exchange on a connection of its own.
///
/// # Errors
/// When the URL is no `http://ADDRESS:PORT/…`, or there was no whole answer.
pub async fn once(
    method: Method,
    url: &str,
    token: Option<&str>,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Result<Answer, ClientError> {
    let (addr, path) = target(url)?;
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, addr.to_string())
        .header(header::CONTENT_TYPE, content_type);
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(http::Error::from)?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request.body(Full::new(body.into()))?;
    let (mut connection, driving) = Connection::open(addr).await?;
    driven(driving, connection.exchange(request)).await
}

/// Does `work`, which has exchanges on a connection, while it drives the connection: in one task, so that an answer
/// wakes that task only.
pub(crate) async fn driven<T>(driving: Driving, work: impl Future<Output = T>) -> T {
    let (mut driving, mut work) = (pin!(driving), pin!(work));
    let mut ended = false;
    loop {
        tokio::select! {
            biased;
            done = work.as_mut() => return done,
            // What broke the connection, the exchange on it tells.
            _ = driving.as_mut(), if !ended => ended = true,
        }
    }
}
