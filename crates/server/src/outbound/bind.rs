//! The source address of connections, where the installation sets one: receivers white-list source addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use tokio::net::{TcpSocket, TcpStream};

use super::connect::failed_connect;
use super::exchange::Detail;
use super::proxy::Proxy;

/// The source addresses that the installation sets: at most one of each kind. Where one is set, receivers that can only be
/// reached over the other kind are not reached: they would see an address that nobody told them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bind {
    /// For IPv4.
    pub v4: Option<Ipv4Addr>,
    /// For IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl Bind {
    /// One or two addresses; `None` where there are two of a kind.
    #[must_use]
    pub fn new(addresses: &[IpAddr]) -> Option<Self> {
        let mut bind = Self::default();
        for address in addresses {
            let replaced = match address {
                IpAddr::V4(address) => bind.v4.replace(*address).is_some(),
                IpAddr::V6(address) => bind.v6.replace(*address).is_some(),
            };
            if replaced {
                return None;
            }
        }
        Some(bind)
    }

    /// The addresses, IPv4 first.
    pub fn addresses(self) -> impl Iterator<Item = IpAddr> {
        let v6 = self.v6.map(IpAddr::V6);
        self.v4.map(IpAddr::V4).into_iter().chain(v6)
    }

    /// Those that are no address of this machine now: nothing can be sent from them.
    pub fn absent(self) -> impl Iterator<Item = IpAddr> {
        self.addresses()
            .filter(|address| UdpSocket::bind((*address, 0)).is_err())
    }

    /// Those of a host's addresses that can be connected to; all of them where none can, so that the outcome says why.
    pub(super) fn usable(self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let is_usable = |address: &SocketAddr| self.source(*address).is_ok();
        if addresses.iter().all(is_usable) || !addresses.iter().any(is_usable) {
            return addresses;
        }
        addresses.into_iter().filter(is_usable).collect()
    }

    /// The source address for a connection to `address`; `None` leaves the choice to the operating system.
    fn source(self, address: SocketAddr) -> Result<Option<IpAddr>, Detail> {
        if self == Self::default() {
            return Ok(None);
        }
        let source = match address {
            SocketAddr::V4(_) => self.v4.map(IpAddr::V4),
            SocketAddr::V6(_) => self.v6.map(IpAddr::V6),
        };
        source.map(Some).ok_or(Detail::Bind)
    }

    /// Connects.
    pub(super) async fn connect(self, address: SocketAddr) -> Result<TcpStream, Detail> {
        let Some(source) = self.source(address)? else {
            let stream = TcpStream::connect(address).await;
            return stream.map_err(|error| failed_connect(&error));
        };
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let socket = socket.map_err(|error| failed_connect(&error))?;
        socket
            .bind(SocketAddr::new(source, 0))
            .map_err(|_| Detail::Bind)?;
        let stream = socket.connect(address).await;
        stream.map_err(|error| match error.kind() {
            io::ErrorKind::AddrNotAvailable => Detail::Bind,
            _ => failed_connect(&error),
        })
    }
}

/// An address of the public Internet of each kind, which will not change: a root server of the domain name system. Asking
/// for the way there sends nothing.
const FAR: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 41, 0, 4)), 53),
    SocketAddr::new(
        IpAddr::V6(Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30)),
        53,
    ),
];

/// What receivers see as the source of callbacks, as far as this machine can know: further on the way an address may be
/// translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The address that is set; whether this machine has it.
    Bound {
        /// The address.
        address: IpAddr,
        /// Whether it is an address of this machine now.
        is_here: bool,
    },
    /// The address that the operating system chooses for the public Internet.
    Chosen(IpAddr),
    /// An address of the egress proxy, which only its operator knows.
    Proxy(String),
    /// This machine knows no way to the public Internet.
    Unknown,
}

/// What receivers see as the source of callbacks; at least one entry, at most one for each kind of address.
#[must_use]
pub fn sources(bind: Bind, proxy: Option<&Proxy>) -> Vec<Source> {
    if let Some(proxy) = proxy {
        return vec![Source::Proxy(proxy.to_string())];
    }
    let absent: Vec<IpAddr> = bind.absent().collect();
    let mut sources: Vec<Source> = bind
        .addresses()
        .map(|address| Source::Bound {
            address,
            is_here: !absent.contains(&address),
        })
        .collect();
    if sources.is_empty() {
        sources.extend(FAR.into_iter().filter_map(chosen).map(Source::Chosen));
    }
    if sources.is_empty() {
        sources.push(Source::Unknown);
    }
    sources
}

/// The source address that the operating system chooses for a way; connecting a UDP socket sends nothing.
fn chosen(far: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match far {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(far).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_of_each_kind() {
        let bind = |texts: &[&str]| Bind::new(&texts.iter().map(|text| ip(text)).collect::<Vec<_>>());
        assert_eq!(bind(&[]), Some(Bind::default()));
        let both = bind(&["2001:db8::1", "192.0.2.1"]).unwrap();
        assert_eq!(
            both.addresses().collect::<Vec<_>>(),
            [ip("192.0.2.1"), ip("2001:db8::1")]
        );
        assert_eq!(bind(&["192.0.2.1", "192.0.2.2"]), None);
        assert_eq!(bind(&["::1", "2001:db8::1"]), None);
    }

    #[test]
    fn only_addresses_of_a_bound_kind_are_usable() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        let mixed = addresses(&["[2001:db8::9]:443", "203.0.113.9:443"]);
        let v4 = Bind::new(&[ip("192.0.2.1")]).unwrap();
        assert_eq!(v4.usable(mixed.clone()), addresses(&["203.0.113.9:443"]));
        assert_eq!(Bind::default().usable(mixed.clone()), mixed);
        let alone = addresses(&["[2001:db8::9]:443"]);
        assert_eq!(v4.usable(alone.clone()), alone);
        assert_eq!(v4.source(alone[0]), Err(Detail::Bind));
    }

    #[test]
    fn what_receivers_see() {
        let here = Bind::new(&[ip("127.0.0.1")]).unwrap();
        let away = Bind::new(&[ip("192.0.2.1")]).unwrap();
        let bound = |address: &str, is_here| {
            vec![Source::Bound {
                address: ip(address),
                is_here,
            }]
        };
        assert_eq!(sources(here, None), bound("127.0.0.1", true));
        assert_eq!(sources(away, None), bound("192.0.2.1", false));
        let proxy = Proxy::parse("http://u:p@proxy.example:3128").unwrap();
        assert_eq!(
            sources(away, Some(&proxy)),
            [Source::Proxy("http://proxy.example:3128".to_owned())]
        );
        assert!(!sources(Bind::default(), None).is_empty());
    }
}
