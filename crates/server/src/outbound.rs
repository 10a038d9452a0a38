//! The one outbound HTTP client: whatever ringback POSTs to a receiver goes through [`Outbound`].
//!
//! What it promises:
//!
//! - **It connects only where it may.** The URL, every answer of the name service and the address that was really
//!   connected to are judged by one [`AddressPolicy`]; redirects are not followed.
//! - **It never repeats a send by itself.** The one exception is no repetition: a kept connection on which not a
//!   byte of the request was written, because the receiver had closed it meanwhile, is replaced by a fresh one,
//!   once. Whatever may have been seen by the receiver is the outcome.
//! - **It is bounded.** A connection is made within 5 s, an exchange ends within its own limit, at most 64 KiB of
//!   a head or a body and 1 MiB in all is read of an answer, idle connections are few and are closed after 4 s. At most 256
//!   names are looked up at a time.
//! - **It never fails otherwise than by an [`Exchange`].** Errors are classified by their types, never by their
//!   text.
//!
//! Every exchange drives its connection itself, in the task of the caller: no task is spawned per connection, a
//! cancelled exchange closes its connection, and a send on a kept connection wakes nobody but its own task.

pub mod address;
mod answer;
pub mod bind;
mod classify;
mod client;
mod connect;
mod connection;
mod credentials;
pub mod exchange;
pub mod headers;
pub mod identity;
mod lookup;
mod options;
pub mod outcome;
pub mod policy;
mod pool;
mod proxy;
pub mod resolve;
mod stream;
mod target;
mod tls;
mod token;

pub use address::AddressClass;
pub use bind::Bind;
pub use client::{Outbound, Probe};
pub use credentials::CredentialsProblem;
pub use exchange::{Detail, Exchange, ProxyFault, RetryAfter, TlsFault, TokenFault};
pub use headers::HeaderProblem;
pub use identity::IdentityProblem;
pub use options::{Limits, Message, Options, OutboundProblem, TraceHeaders};
pub use outcome::Outcome;
pub use policy::{AddressPolicy, AddressRefused, UrlProblem};
pub use proxy::Proxy;
pub use resolve::{Resolve, SystemResolver};
pub use stream::Stream;
pub use target::{
    ContentType, DEFAULT_TIMEOUT_MS, TIMEOUT_MS, Target, TargetProblem, TargetSettings, URL_LIMIT,
};
pub use tls::{CA_LIMIT, CaProblem};
