//! Why a server could not be asked.

use std::error::Error;
use std::io;

/// Why a server could not be asked. No variant holds a credential, a proxy's included.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// No connection could be made: refused, no such host, no route, TLS or proxy failure.
    #[error("could not reach {host}: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the system, the TLS library or the proxy said.
        reason: String,
    },
    /// The server did not answer in time.
    #[error("{host} did not answer within {seconds} s")]
    Silent {
        /// Host and port.
        host: String,
        /// The limit.
        seconds: u64,
    },
    /// The address cannot be used.
    #[error("the address {address} cannot be used: {reason}")]
    BadAddress {
        /// The address, without credentials.
        address: String,
        /// Why not.
        reason: &'static str,
    },
    /// A variable that names proxies, or what is reached without them, cannot be read.
    #[error("{variable} cannot be used: {problem}")]
    BadProxy {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it; its value may hold a password and is not repeated.
        problem: &'static str,
    },
    /// A request without TLS would pass a proxy, which could read the credential.
    #[error("{host} has no TLS, and the proxy of {variable} would see the credential")]
    ClearThroughProxy {
        /// Host and port.
        host: String,
        /// The variable that names the proxy.
        variable: &'static str,
    },
    /// TLS cannot be used, as where the root certificates cannot be read.
    #[error("TLS cannot be used: {0}")]
    Tls(String),
    /// A credential that no header can carry.
    #[error("the credential has characters that no credential has")]
    BadCredential,
    /// The connection ended before the whole answer had come.
    #[error("the connection ended: {0}")]
    Closed(String),
    /// What answered does not speak HTTP as this program does.
    #[error("the answer cannot be read: {0}")]
    NotHttp(String),
    /// The answer is longer than what is read of it.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

impl NetError {
    /// A connection that ended, or what came over it is not HTTP.
    pub(super) fn broken(error: &reqwest::Error) -> Self {
        let causes = causes(error);
        let http = causes
            .iter()
            .find_map(|cause| cause.downcast_ref::<hyper::Error>());
        match http {
            Some(error) if error.is_parse() => Self::NotHttp(reason(error)),
            Some(error) => Self::Closed(reason(error)),
            None => Self::Closed(causes.last().map(ToString::to_string).unwrap_or_default()),
        }
    }

    /// The same in the middle of a body.
    pub(super) fn broke_off(error: &reqwest::Error) -> Self {
        match Self::broken(error) {
            Self::Closed(reason) => Self::Closed(format!("in the middle of its answer: {reason}")),
            other => other,
        }
    }
}

/// An error and what caused it, in one line; a cause that the outer text already tells is left out.
pub fn reason(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// An error and its causes, the outermost first. An [`io::Error`] that wraps another error does not have
/// it as its source; here it has.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = vec![error];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        };
    }
    causes
}
