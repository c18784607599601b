//! The token endpoint, pure: what is sent to it and what comes back (RFC 6749, sections 4.1.3, 5 and 6).

mod request;
mod response;

pub use self::request::{ClientAuthentication, OAuthClient, TokenRequest, request};
pub use self::response::{MAX_ANSWER_BYTES, TokenResponse, parse};
