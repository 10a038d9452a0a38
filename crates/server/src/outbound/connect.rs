//! A new connection: name, judgement, TCP, TLS.
//!
//! The name is resolved anew for each connection and every answer is judged; only an address that was judged is
//! connected to, so a name that answers differently the second time gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::bind::Bind;
use super::classify;
use super::connection::Connection;
use super::exchange::{Detail, ProxyFault, TlsFault};
use super::lookup::{Lookups, OfTarget};
use super::policy::{AddressPolicy, AddressRefused};
use super::proxy::{Proxy, ProxyPlace, tunnel};
use super::stream::{Allowance, Stream};
use crate::clock::{Clock, Elapsed, timeout_at};

/// How many of a host's addresses are tried at most.
const ADDRESSES_LIMIT: usize = 8;

/// Where a target is, parsed from its URL.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) host: Host,
    pub(super) port: u16,
    /// With https: what to trust, and the name that the certificate must have.
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    lookups: OfTarget,
}

#[derive(Debug)]
pub(super) enum Host {
    Literal(IpAddr),
    Name(String),
}

impl Place {
    pub(super) const fn new(
        host: Host,
        port: u16,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
        lookups: OfTarget,
    ) -> Self {
        Self {
            host,
            port,
            tls,
            lookups,
        }
    }
}

/// How far an exchange has come, so that a time-out can say where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Lookup,
    /// Waiting for an access token.
    Token,
    /// Asking the egress proxy for a connection.
    Proxy,
    Connect,
    Tls,
    Answer,
}

/// Why there is no connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ConnectError {
    /// Every address of the host was refused by the policy.
    Blocked(AddressRefused),
    /// In the phase that the caller sees.
    TimedOut,
    Failed(Detail),
}

/// What connecting needs from the client.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) policy: AddressPolicy,
    pub(super) lookups: Lookups,
    pub(super) clock: Arc<dyn Clock>,
    /// Where connections come from.
    pub(super) bind: Bind,
    /// What they go through, with its place. Its address is the operator's own and is judged by nobody.
    pub(super) proxy: Option<(Proxy, ProxyPlace)>,
}

impl Connector {
    /// Makes a connection until the boot clock reads `deadline_us` at the latest.
    pub(super) async fn connect(
        &self,
        place: &Place,
        deadline_us: i64,
        phase: &mut Phase,
    ) -> Result<Connection, ConnectError> {
        timeout_at(
            &*self.clock,
            deadline_us,
            self.connect_unlimited(place, deadline_us, phase),
        )
        .await
        .unwrap_or(Err(ConnectError::TimedOut))
    }

    async fn connect_unlimited(
        &self,
        place: &Place,
        deadline_us: i64,
        phase: &mut Phase,
    ) -> Result<Connection, ConnectError> {
        let allowance = Allowance::default();
        let (stream, address) = self.secured(place, deadline_us, phase, &allowance).await?;
        let connection = Connection::new(stream, allowance, address).await;
        connection.map_err(|error| ConnectError::Failed(classify::http_error(&error)))
    }

    /// A connection to an address of the host that the policy admits, with TLS where the place asks for it. What is read
    /// from it draws on `allowance`, which begins anew.
    pub(super) async fn secured(
        &self,
        place: &Place,
        deadline_us: i64,
        phase: &mut Phase,
        allowance: &Allowance,
    ) -> Result<(Stream, SocketAddr), ConnectError> {
        let (stream, address) = self.open(place, deadline_us, phase).await?;
        allowance.renew();
        let stream = match &place.tls {
            None => Stream::plain(stream, allowance.clone()),
            Some((config, name)) => {
                *phase = Phase::Tls;
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), stream).await;
                Stream::tls(
                    stream.map_err(|error| failed_handshake(&error))?,
                    allowance.clone(),
                )
            }
        };
        Ok((stream, address))
    }

    /// A TCP connection to an address of the host that the policy admits.
    pub(super) async fn open(
        &self,
        place: &Place,
        deadline_us: i64,
        phase: &mut Phase,
    ) -> Result<(TcpStream, SocketAddr), ConnectError> {
        *phase = Phase::Lookup;
        let addresses = self.admitted(self.resolve(place).await?)?;
        let addresses = match self.proxy {
            Some(_) => addresses,
            None => self.bind.usable(addresses),
        };
        *phase = match self.proxy {
            Some(_) => Phase::Proxy,
            None => Phase::Connect,
        };
        self.connect_to_one(&addresses, deadline_us).await
    }

    /// The addresses of the host, judged by nobody yet.
    async fn resolve(&self, place: &Place) -> Result<Vec<SocketAddr>, ConnectError> {
        let name = match &place.host {
            Host::Literal(address) => return Ok(vec![SocketAddr::new(*address, place.port)]),
            Host::Name(name) => name,
        };
        let addresses = self.lookups.of_target(&place.lookups, name, place.port).await;
        addresses.ok_or(ConnectError::Failed(Detail::DnsFailed))
    }

    /// Those of the addresses that the policy admits.
    fn admitted(&self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ConnectError> {
        let mut refused = None;
        let mut admitted = Vec::with_capacity(addresses.len().min(ADDRESSES_LIMIT));
        for address in addresses {
            match self.policy.judge(address.ip()) {
                Ok(()) if admitted.len() < ADDRESSES_LIMIT => admitted.push(address),
                Ok(()) => {}
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(refused) if admitted.is_empty() => Err(ConnectError::Blocked(refused)),
            Some(_) | None => Ok(admitted),
        }
    }

    /// Tries the addresses one after another, each with its share of the time that is left.
    async fn connect_to_one(
        &self,
        addresses: &[SocketAddr],
        deadline_us: i64,
    ) -> Result<(TcpStream, SocketAddr), ConnectError> {
        let mut last = ConnectError::Failed(Detail::DnsFailed);
        for (tried, address) in addresses.iter().enumerate() {
            let now = self.clock.boot_us();
            let shares = i64::try_from(addresses.len() - tried).unwrap_or(i64::MAX);
            let until = now.saturating_add(deadline_us.saturating_sub(now) / shares);
            last = match timeout_at(&*self.clock, until, self.reach(*address)).await {
                Ok(Ok(reached)) => return Ok(reached),
                // Nothing else is tried in the place of an address that turned out to be another.
                Ok(Err(blocked @ ConnectError::Blocked(_))) => return Err(blocked),
                Ok(Err(error)) => error,
                Err(Elapsed) => ConnectError::TimedOut,
            };
        }
        Err(last)
    }

    /// A connection to one address that was judged, by the way that the installation sets.
    async fn reach(&self, address: SocketAddr) -> Result<(TcpStream, SocketAddr), ConnectError> {
        let Some((proxy, place)) = &self.proxy else {
            let stream = self.bind.connect(address).await;
            return self.check_peer(stream.map_err(ConnectError::Failed)?);
        };
        let unreachable = || ConnectError::Failed(Detail::Proxy(ProxyFault::Unreachable));
        let mut last = unreachable();
        let addresses = place.addresses(&self.lookups, &*self.clock).await;
        for proxy_address in addresses.ok_or_else(unreachable)? {
            last = match self.bind.connect(proxy_address).await {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    let stream = tunnel(proxy, stream, address).await;
                    return Ok((
                        stream.map_err(|fault| ConnectError::Failed(Detail::Proxy(fault)))?,
                        address,
                    ));
                }
                Err(Detail::Bind) => ConnectError::Failed(Detail::Bind),
                Err(_) => unreachable(),
            };
        }
        Err(last)
    }

    /// Judges the address that was really connected to, before a byte is sent to it.
    fn check_peer(&self, stream: TcpStream) -> Result<(TcpStream, SocketAddr), ConnectError> {
        let peer = stream
            .peer_addr()
            .map_err(|error| ConnectError::Failed(failed_connect(&error)))?;
        self.policy.judge(peer.ip()).map_err(ConnectError::Blocked)?;
        // Requests are written whole; waiting to fill a packet would only delay them. If the option cannot be set
        // the connection has already gone, which the exchange will see.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }
}

/// What a failed connect means.
pub(super) fn failed_connect(error: &io::Error) -> Detail {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Detail::ConnectRefused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Detail::NoRoute,
        // The kernel's own limit, in case it is shorter than ours.
        io::ErrorKind::TimedOut => Detail::ConnectTimedOut,
        _ => Detail::ConnectFailed,
    }
}

fn failed_handshake(error: &io::Error) -> ConnectError {
    ConnectError::Failed(match classify::io_error(error) {
        // Something that answers in clear text where TLS is expected is seen as a protocol error by now.
        Detail::Protocol => Detail::Tls(TlsFault::NotTls),
        detail => detail,
    })
}
