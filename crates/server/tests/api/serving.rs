//! The API over a socket: keep-alive, and a shutdown that lets a request finish.

use std::pin::pin;
use std::sync::Arc;

use ringback_server::{api, tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::app::{TOKEN, TestApp, call};

/// Reads one answer with a Content-Length.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "closed after {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..read]);
        let shown = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = shown.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap();
        if body.len() >= length.parse().unwrap() {
            return shown;
        }
    }
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_api_ends() {
    let app = TestApp::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tasks::spawn(
        "test",
        api::serve(listener, Arc::clone(&app.state), 1, async {
            let _ = stopped.await;
        }),
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    let body = call(1, 1);
    let head = format!(
        "POST /v1/calls HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The interim answer shows that the request has begun.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stop.send(()).unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let answer = answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let app = TestApp::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tasks::spawn(
        "test",
        api::serve(listener, Arc::clone(&app.state), 1, async {
            let _ = stopped.await;
        }),
    );
    let mut first = TcpStream::connect(address).await.unwrap();
    first
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    answer(&mut first).await;
    let mut second = TcpStream::connect(address).await.unwrap();
    second
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    drop(first);
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200 OK\r\n"));
    drop(second);
    stop.send(()).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn who_asks_and_never_reads_gives_up_the_place() {
    let app = TestApp::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tasks::spawn(
        "test",
        api::serve(listener, Arc::clone(&app.state), 1, async {
            let _ = stopped.await;
        }),
    );
    let mut silent = TcpStream::connect(address).await.unwrap();
    // More answers than any buffer on the way holds.
    let request = b"GET /v1/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";
    silent.write_all(&request.repeat(400)).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    second
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answering = pin!(answer(&mut second));
    let answered = loop {
        tokio::select! {
            biased;
            answered = &mut answering => break answered,
            () = tokio::task::yield_now() => app.lab.clock.advance(100),
        }
    };
    assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"));
    drop(silent);
    stop.send(()).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn the_audit_log_says_from_where_a_request_came() {
    let app = TestApp::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tasks::spawn(
        "test",
        api::serve(listener, Arc::clone(&app.state), 1, async {
            let _ = stopped.await;
        }),
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    let headers = format!("host: a\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json");
    let put = format!("PUT /v1/companies/7 HTTP/1.1\r\n{headers}\r\ncontent-length: 2\r\n\r\n{{}}");
    stream.write_all(put.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 201 Created\r\n"));
    drop(stream);
    stop.send(()).unwrap();
    serving.await.unwrap();
    let log = app.get("/v1/audit").await.expect(200);
    assert_eq!(log["items"][0]["peer"], "127.0.0.1");
}
