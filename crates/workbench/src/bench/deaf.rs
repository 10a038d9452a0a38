//! A receiver that is not there: connecting to it hangs, as it does behind a firewall that drops packets.
//!
//! It is a socket that listens and accepts nothing. When its queue of connections is full, the kernel drops further
//! attempts without a word.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ringback_server::clock::{self, RealClock};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A connection over loopback that is not there after this long hangs.
const HANGS_AFTER: Duration = Duration::from_millis(200);
/// More connections than any queue of length 1 takes.
const FILLING_MOST: usize = 64;

/// Dropped, it refuses connections, as any address without a listener.
#[derive(Debug)]
pub(super) struct Deaf {
    _listener: TcpListener,
    _filling: Vec<TcpStream>,
    addr: SocketAddr,
}

impl Deaf {
    pub(super) async fn new() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(1)?;
        let addr = listener.local_addr()?;
        let mut filling = Vec::new();
        while filling.len() < FILLING_MOST {
            match clock::timeout(&RealClock, HANGS_AFTER, TcpStream::connect(addr)).await {
                Ok(connected) => filling.push(connected?),
                Err(_) => {
                    return Ok(Self {
                        _listener: listener,
                        _filling: filling,
                        addr,
                    });
                }
            }
        }
        Err(io::Error::other("the kernel goes on accepting connections"))
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connecting_hangs_until_it_is_gone() {
        let deaf = Deaf::new().await.unwrap();
        let addr = deaf.addr;
        for _ in 0..3 {
            let connected = clock::timeout(&RealClock, HANGS_AFTER, TcpStream::connect(addr)).await;
            assert!(connected.is_err(), "{connected:?}");
        }
        drop(deaf);
        let connected = TcpStream::connect(addr).await;
        assert_eq!(connected.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
