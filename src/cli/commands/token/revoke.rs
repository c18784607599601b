//! `meshagent token revoke`

use clap::Args;
use uuid::Uuid;

use super::given::{check_is_no_token, token_from_stdin};
use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::LocalKeyRing;
use crate::cli::ui::text::escape_name;
use crate::clock;
use crate::server::KeyRing;
use crate::server::store::{KeyRingChange, Revocation, RevokedTokens};
use crate::token::{CLOCK_LEEWAY_SECONDS, TokenError};
use crate::wire::{Identity, NameError};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  One token, by the id that `token inspect` shows:
    $ meshagent token revoke 0b0c6f0e-94f0-4d0e-8f0a-6f1f0c7b1a57

  The token in a file, which need not be shown for that:
    $ meshagent token revoke - < leaked.token

  Every token of Bob until now:
    $ meshagent token revoke --identity bob";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct RevokeArgs {
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WhatArgs {
    /// Id of a token (`jti`); with `-` the token itself is read from stdin
    #[arg(value_name = "JTI")]
    token_id: Option<String>,
    /// Revoke the tokens of this identity that were issued until now
    #[arg(long, value_name = "NAME", value_parser = parse_identity)]
    identity: Option<Identity>,
    /// Revoke the tokens that this API key signed until now; the key stays
    #[arg(long, value_name = "KID")]
    api_key: Option<Uuid>,
}

fn parse_identity(text: &str) -> Result<Identity, NameError> {
    Identity::new(text)
}

pub(super) async fn run(context: &Context, args: RevokeArgs) -> anyhow::Result<Outcome> {
    let what = args.what;
    if let Some(token_id) = &what.token_id {
        check_is_no_token(token_id)?;
    }
    let given = match what.token_id.as_deref() {
        Some("-") => Some(token_from_stdin().await?),
        _ => None,
    };
    let ring = LocalKeyRing::open(context, &args.data_dir).await?;
    let mut expires_at = None;
    let (tokens, note) = match (given, what) {
        (Some(token), _) => {
            let verified = KeyRing::new(ring.stored().await?)?.verify(token.expose(), clock::now());
            let (token, _) = match verified {
                Err(error @ (TokenError::Expired | TokenError::Revoked)) => {
                    context.ui.note(&format!("Nothing is to be done: {error}."));
                    return Ok(Outcome::Done);
                }
                Err(error) => return Err(not_ours(error).into()),
                Ok(verified) => verified,
            };
            expires_at = token.expires_at;
            let token_id = token.token_id.ok_or_else(|| {
                CommandError::new(Kind::Usage, "the token has no id").hint(
                    "revoke the tokens of its identity with --identity, or of its API key with --api-key",
                )
            })?;
            let note = format!("Revoked the token {}.", escape_name(&token_id));
            (RevokedTokens::WithId(token_id), note)
        }
        (
            None,
            WhatArgs {
                token_id: Some(token_id),
                ..
            },
        ) => {
            let note = format!("Revoked the token {}.", escape_name(&token_id));
            (RevokedTokens::WithId(token_id), note)
        }
        (
            None,
            WhatArgs {
                identity: Some(identity),
                ..
            },
        ) => {
            let shown = escape_name(identity.as_str());
            (
                RevokedTokens::OfIdentity(identity),
                until_now(&format!("of {shown}")),
            )
        }
        (
            None,
            WhatArgs {
                api_key: Some(id), ..
            },
        ) => (
            RevokedTokens::OfApiKey(id),
            until_now(&format!("of the API key {id}")),
        ),
        (None, _) => return Err(CommandError::new(Kind::Usage, "nothing to revoke was given").into()),
    };
    let revocation = Revocation {
        tokens,
        revoked_at: clock::now(),
        expires_at,
    };
    let change = ring.change(KeyRingChange::Revoke(revocation)).await?;
    ring.applied(change).await?;
    ring.close().await?;
    context.ui.note(&note);
    Ok(Outcome::Done)
}

/// A token that the server of the data directory refuses anyway.
fn not_ours(error: TokenError) -> CommandError {
    CommandError::new(Kind::NotPermitted, error.to_string())
        .hint("the server of this data directory refuses it already; --data-dir names another one")
}

/// What was revoked, and when new tokens are accepted: those that are signed here say that they were issued earlier
/// than they were.
fn until_now(whose: &str) -> String {
    format!(
        "Revoked the tokens {whose} that were issued until now. New ones that this program signs are accepted in {} s.",
        CLOCK_LEEWAY_SECONDS + 1
    )
}
