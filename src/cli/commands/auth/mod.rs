//! `meshagent auth …`

mod login;
mod logout;
mod status;
mod token;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuthCommand {
    /// Sign in with a browser
    Login(login::LoginArgs),
    /// Forget the sign-in
    Logout(logout::LogoutArgs),
    /// Say who is signed in, where, until when, and where each setting is from
    Status(status::StatusArgs),
    /// Print an access token that is good for at least five minutes
    Token(token::TokenArgs),
}

impl AuthCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Login(args) => login::run(context, args).await,
            Self::Logout(args) => logout::run(context, &args).await,
            Self::Status(args) => status::run(context, &args).await,
            Self::Token(args) => token::run(context, args).await,
        }
    }
}
