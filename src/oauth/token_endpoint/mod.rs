//! The token endpoint, pure: what is sent to it and what comes back (RFC 6749, sections 4.1.3, 5 and 6).

mod answer;
mod request;

pub use self::answer::{MAX_ANSWER_BYTES, TokenAnswer, parse};
pub use self::request::{ClientAuthentication, OAuthClient, TokenRequest, request};
