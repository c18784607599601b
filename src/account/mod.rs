//! The account at the API: signing in, staying signed in, the user's profile and projects
//! (protocol, "Settings file").

mod error;
mod fetch;
mod login;
mod session;
mod tokens;

pub use self::error::AccountError;
pub use self::fetch::{Project, profile, projects};
pub use self::login::{CALLBACK, LoginClient};
pub use self::session::SignedIn;
