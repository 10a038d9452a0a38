//! Where ringback may connect to.
//!
//! Customers choose the addresses that ringback POSTs to, so each address is judged before it is used: in the
//! URL, in the answers of the name service, and as the peer of the connected socket. By default only public
//! unicast addresses pass. `RINGBACK_OUTBOUND_ALLOW` admits further ranges.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use url::{Host, Url};

use super::address::{self, AddressClass, Embedded};

/// Which addresses may be connected to: public ones, and the ranges that the installation allows.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    allow: Vec<IpNet>,
}

/// An address that the policy does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address} is a {class} address; RINGBACK_OUTBOUND_ALLOW can admit it")]
pub struct AddressRefused {
    /// The address, as it was given.
    pub address: IpAddr,
    /// Why it is not public. For an address that stands for another, what that one is.
    pub class: AddressClass,
}

/// Why a URL cannot be an endpoint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// It is not a URL at all.
    #[error("not an absolute URL")]
    NotAUrl,
    /// Another scheme.
    #[error("the scheme must be http or https")]
    Scheme,
    /// No host.
    #[error("the URL names no host")]
    NoHost,
    /// A host name that no certificate could name.
    #[error("the host is not a valid name")]
    Host,
    /// A user name or password before the host.
    #[error("the URL must not contain credentials; use a header")]
    Credentials,
    /// A part that is never sent.
    #[error("the URL must not have a fragment (#…)")]
    Fragment,
    /// A literal address outside the policy.
    #[error("{0}")]
    Address(AddressRefused),
}

impl AddressPolicy {
    /// Public addresses and those in `allow`. A range of IPv4 addresses also admits the IPv6 addresses that stand
    /// for them.
    #[must_use]
    pub fn new(allow: Vec<IpNet>) -> Self {
        Self { allow }
    }

    /// Judges one address.
    ///
    /// # Errors
    /// [`AddressRefused`] when it may not be connected to.
    pub fn judge(&self, address: IpAddr) -> Result<(), AddressRefused> {
        if self.allow.iter().any(|range| range.contains(&address)) {
            return Ok(());
        }
        let embedded = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => address::embedded(address),
        };
        let class = match embedded {
            None => address::classify(address),
            Some(Embedded::Instead([first, second])) => {
                self.judge_v4(first).or_else(|| self.judge_v4(second))
            }
            Some(Embedded::Besides(inner)) => address::classify(address).or_else(|| self.judge_v4(inner)),
        };
        class.map_or(Ok(()), |class| Err(AddressRefused { address, class }))
    }

    fn judge_v4(&self, address: Ipv4Addr) -> Option<AddressClass> {
        self.judge(IpAddr::V4(address)).err().map(|refused| refused.class)
    }

    /// Judges a URL as far as it can be judged without the name service: its form, and its host where that is an
    /// address. A host given by name is judged by the addresses it has when a connection is made.
    ///
    /// # Errors
    /// [`UrlProblem`] says what must be changed.
    pub fn check_url(&self, url: &Url) -> Result<(), UrlProblem> {
        check_form(url)?;
        match literal(url) {
            Some(address) => self.judge(address).map_err(UrlProblem::Address),
            None => Ok(()),
        }
    }
}

/// Judges the form of a URL alone.
pub(crate) fn check_form(url: &Url) -> Result<(), UrlProblem> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlProblem::Scheme);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(UrlProblem::NoHost);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlProblem::Credentials);
    }
    if url.fragment().is_some() {
        return Err(UrlProblem::Fragment);
    }
    Ok(())
}

/// The host of a URL where it is an address. The parser has already brought its many spellings (127.1, 0x7f.1,
/// 2130706433, full-width digits) to one.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    }
}

#[cfg(test)]
mod tests;
