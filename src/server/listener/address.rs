//! Where a server is to listen.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::net::{UnixAddress, UnixAddressError};

/// Where a server is to listen: `ADDRESS:PORT`, or `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP port; the system chooses one for port 0.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(UnixAddress),
}

/// Why a text does not say where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListenAddressError {
    /// It is neither form.
    #[error("it is neither an address with a port, as in 127.0.0.1:7337, nor unix:PATH")]
    NotAnAddress,
    /// It is not the address of a Unix socket, though it begins like one.
    #[error(transparent)]
    Unix(#[from] UnixAddressError),
}

impl ListenAddress {
    /// Whether other machines reach it.
    pub fn is_public(&self) -> bool {
        matches!(self, Self::Tcp(address) if !address.ip().is_loopback())
    }
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("unix:") {
            return Ok(Self::Unix(text.parse()?));
        }
        let address = text.parse().map_err(|_| ListenAddressError::NotAnAddress)?;
        Ok(Self::Tcp(address))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(address) => address.fmt(f),
        }
    }
}
