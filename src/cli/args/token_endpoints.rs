//! Which token endpoints a server calls besides those that are public and encrypted.

use clap::Args;

use crate::cli::context::Context;
use crate::server::oauth::TokenEndpointRules;

/// Flags that let a server call more token endpoints. In local mode the variables say it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "OAuth")]
pub(in crate::cli) struct TokenEndpointArgs {
    /// Call token endpoints on this machine, by plain http too; for tests [env:
    /// MESHAGENT_ALLOW_INSECURE_TOKEN_ENDPOINT]
    #[arg(long)]
    allow_insecure_token_endpoint: bool,
    /// Call token endpoints on this machine and on private networks, by https [env:
    /// MESHAGENT_ALLOW_PRIVATE_TOKEN_ENDPOINT]
    #[arg(long)]
    allow_private_token_endpoint: bool,
}

impl TokenEndpointArgs {
    /// What the flags and the environment allow.
    pub(in crate::cli) fn resolve(&self, context: &Context) -> anyhow::Result<TokenEndpointRules> {
        let switch = |name| context.environment.switch(name);
        Ok(TokenEndpointRules {
            allow_insecure: self.allow_insecure_token_endpoint
                || switch("MESHAGENT_ALLOW_INSECURE_TOKEN_ENDPOINT")?,
            allow_private: self.allow_private_token_endpoint
                || switch("MESHAGENT_ALLOW_PRIVATE_TOKEN_ENDPOINT")?,
        })
    }
}
