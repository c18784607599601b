//! Patterns of a rules file: for text, for hosts and for URLs.
//!
//! A URL is matched by its parts, as a URL parser reads them. A pattern that ran over the text of a URL would take
//! `https://evil.test?.example/x` for a host that ends in `.example`.

mod host;
mod requested_url;
mod text;
mod url;

pub(super) use self::host::HostPattern;
pub(super) use self::requested_url::AmbiguousUrl;
pub(super) use self::text::Pattern;
pub(super) use self::url::UrlPattern;
