//! `meshagent auth …`

mod login;
mod logout;
mod status;
mod token;

use clap::Subcommand;

use crate::cli::args::deferred::Deferred;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuthCommand {
    /// Sign in with a browser
    Login(Deferred<login::LoginArgs>),
    /// Forget the sign-in
    Logout(Deferred<logout::LogoutArgs>),
    /// Say who is signed in, where, until when, and where each setting is from
    #[command(visible_alias = "whoami")]
    Status(Deferred<status::StatusArgs>),
    /// Print an access token that is good for at least five minutes
    Token(Deferred<token::TokenArgs>),
}

impl AuthCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Login(Deferred(args)) => login::run(context, args).await,
            Self::Logout(Deferred(args)) => logout::run(context, &args).await,
            Self::Status(Deferred(args)) => status::run(context, &args).await,
            Self::Token(Deferred(args)) => token::run(context, args).await,
        }
    }
}
