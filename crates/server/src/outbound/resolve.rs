//! Host names to addresses, as a seam: tests answer what the name service of an attacker would.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// The answers for one host.
pub type Answers = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Asks for the addresses of a host.
pub trait Resolve: Send + Sync + fmt::Debug {
    /// The addresses of `host`, each with `port`, in the order in which they are to be tried.
    fn resolve(&self, host: &str, port: u16) -> Answers;
}

/// The resolver of the operating system, with its configuration and caches.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> Answers {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
