//! `meshagent api-key create`

use clap::Args;

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::args::output::OutputArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::LocalKeyRing;
use crate::clock;
use crate::server::store::{KeyRingChange, MAX_API_KEY_NAME_BYTES, StoredApiKey};
use crate::token::ApiKey;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  A key of its own for the build server, into a file of your own:
    $ meshagent api-key create --name ci --out ci.key

  Replace a key that leaked: a new one for client.env, then delete the old one:
    $ meshagent api-key create --name main --activate > /dev/null
    $ meshagent api-key delete 5b2f6f0e-7f0c-4a58-9f5e-2f6f8d1c0a11 --yes";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct CreateArgs {
    /// What the list calls it
    #[arg(long, value_name = "NAME", value_parser = parse_name, default_value = "", hide_default_value = true)]
    name: String,
    /// Make it the current key, which client.env names
    #[arg(long)]
    activate: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

fn parse_name(text: &str) -> Result<String, String> {
    if text.len() > MAX_API_KEY_NAME_BYTES {
        return Err(format!("it has at most {MAX_API_KEY_NAME_BYTES} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err("it has no control characters".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) async fn run(context: &Context, args: CreateArgs) -> anyhow::Result<Outcome> {
    let output = args.output.prepare()?;
    let ring = LocalKeyRing::open(context, &args.data_dir).await?;
    let key = ApiKey::generate(ring.project_id().await?)?;
    let stored = StoredApiKey {
        key: key.clone(),
        name: args.name,
        created_at: clock::now(),
        current: args.activate,
    };
    let change = ring.change(KeyRingChange::Add(stored)).await?;
    let text = key.text().expose().as_bytes().to_vec();
    output.write(&context.ui, text.into()).await?;
    context.ui.note(&format!("Created the API key {}.", key.id()));
    let applied = ring.applied(change).await;
    if args.activate {
        // After the server knows the key: another command may use it from there at once.
        ring.update_client_env().await?;
    }
    applied?;
    ring.close().await?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(parse_name("build server"), Ok("build server".to_owned()));
        assert!(parse_name("a\nb").is_err());
        assert!(parse_name(&"a".repeat(256)).is_err());
    }
}
