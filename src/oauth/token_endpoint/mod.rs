//! Token requests and token responses (RFC 6749, sections 4.1.3, 5 and 6). Sending them is up to the caller.

mod request;
mod response;

pub use self::request::{ClientAuthentication, OAuthClient, TokenRequest, request};
pub use self::response::{MAX_ANSWER_BYTES, TokenResponse, parse};
