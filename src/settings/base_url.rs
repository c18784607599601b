//! The addresses that others are made under: of the API, and of the server that rooms are on.

use url::Url;

use super::SettingsError;
use crate::net::{UnixAddress, UnixAddressError};
use crate::wire::{EndpointError, HttpEndpoint, RoomUrlError, is_encrypted_or_loopback, websocket_url};

/// The base of the API's URLs: `http` or `https`, without a query; or of a server at a Unix socket, whose address begins
/// with `unix:`. Plain http to another machine is refused unless `insecure`. `origin` says where the text is from.
pub(super) fn api_base(text: &str, origin: &'static str, insecure: bool) -> Result<Url, SettingsError> {
    if let Some(url) = socket_base(text, origin)? {
        return Ok(url);
    }
    let endpoint = HttpEndpoint::parse(text).map_err(|error| bad(origin, error))?;
    check(endpoint.url(), origin, insecure)?;
    Ok(endpoint.into_url())
}

/// The base of rooms' URLs, as `ws` or `wss`, by the same rules. `http` and `https` are taken too.
pub(super) fn room_base(text: &str, origin: &'static str, insecure: bool) -> Result<Url, SettingsError> {
    if let Some(url) = socket_base(text, origin)? {
        return Ok(url);
    }
    let url = websocket_url(text).map_err(|error| bad(origin, error))?;
    check(&url, origin, insecure)?;
    Ok(url)
}

/// The base of URLs of the server at a Unix socket. None if `text` is not the address of one.
fn socket_base(text: &str, origin: &'static str) -> Result<Option<Url>, SettingsError> {
    match text.parse::<UnixAddress>() {
        Ok(address) => Ok(address.url()),
        Err(UnixAddressError::Prefix) => Ok(None),
        Err(error) => Err(bad(origin, error)),
    }
}

fn check(url: &Url, origin: &'static str, insecure: bool) -> Result<(), SettingsError> {
    if url.query().is_some() {
        return Err(bad(origin, BaseUrlError::Query));
    }
    if !insecure && !is_encrypted_or_loopback(url) {
        return Err(SettingsError::InsecureUrl { origin });
    }
    Ok(())
}

/// What is wrong with a URL that others are to be made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It breaks a rule of all endpoints.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// It breaks a rule of rooms' addresses.
    #[error(transparent)]
    Room(#[from] RoomUrlError),
    /// It is no address of a Unix socket, though it begins like one.
    #[error(transparent)]
    Unix(#[from] UnixAddressError),
    /// It has a query.
    #[error("it has a query")]
    Query,
}

fn bad(origin: &'static str, problem: impl Into<BaseUrlError>) -> SettingsError {
    SettingsError::BadUrl {
        origin,
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_base_is_refused_and_not_repeated() {
        for text in [
            "",
            "canary",
            "ftp://canary",
            "https://",
            "https://canary@h",
            "https://u:canary@h",
            "https://h?canary",
            "https://h/?",
            "https://h#canary",
            "unix:canary",
        ] {
            for error in [
                room_base(text, "X", true).unwrap_err(),
                api_base(text, "X", true).unwrap_err(),
            ] {
                assert!(
                    matches!(error, SettingsError::BadUrl { origin: "X", .. }),
                    "{text}"
                );
                assert!(
                    !format!("{error} {error:?} {:?}", error.hint()).contains("canary"),
                    "{text}"
                );
            }
        }
        assert!(api_base("wss://h", "X", false).is_err());
        assert_eq!(room_base("https://h", "X", false).unwrap().as_str(), "wss://h/");
    }

    #[test]
    fn credentials_do_not_travel_in_clear() {
        for text in ["http://h", "ws://h", "http://localhost.h", "http://10.0.0.1"] {
            let error = room_base(text, "X", false).unwrap_err();
            assert!(matches!(error, SettingsError::InsecureUrl { .. }), "{text}");
            assert!(room_base(text, "X", true).is_ok(), "{text}");
        }
        assert!(matches!(
            api_base("http://h", "X", false),
            Err(SettingsError::InsecureUrl { .. })
        ));
    }
}
