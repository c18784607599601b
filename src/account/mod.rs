//! The user's account at the API: sign-in, session, profile and projects (protocol, "Settings file").
//!
//! [`LoginClient::sign_in`] turns an authorization code into a [`Session`](crate::settings::Session), which the
//! settings file keeps. [`SignedIn`] gives access tokens of that session and refreshes it. [`profile`] and [`projects`]
//! read from the API. The steps before the code, with browser and callback, are in [`crate::oauth`].

mod error;
mod fetch;
mod login;
mod session;
mod tokens;

pub use self::error::AccountError;
pub use self::fetch::{Project, profile, projects};
pub use self::login::{CALLBACK, LoginClient};
pub use self::session::SignedIn;
