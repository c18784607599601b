//! `meshagent token inspect`

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::given::token_from_stdin;
use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::LocalKeyRing;
use crate::cli::ui::list::ListFormatArgs;
use crate::cli::ui::text::{escape_name, time};
use crate::clock;
use crate::sensitive::SensitiveText;
use crate::server::KeyRing;
use crate::token::{ApiKey, ParticipantToken, TokenError};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  The token in MESHAGENT_TOKEN, checked with the key in MESHAGENT_API_KEY:
    $ meshagent token inspect

  A token in a file, checked with the keys of the server on this machine:
    $ meshagent token inspect --local - < bob.token

  The seconds that it has left, for a script:
    $ meshagent token inspect --output json | jq .expires_in";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct InspectArgs {
    /// The token, which other programs may see then; with `-` it is read from stdin [env: MESHAGENT_TOKEN]
    #[arg(value_name = "TOKEN")]
    token: Option<String>,
    /// Check it with the keys and revocations of the room server on this machine [env: MESHAGENT_LOCAL=1]
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

/// By what a token is checked.
enum Checker {
    /// API keys, without what was revoked.
    Key(ApiKey),
    /// Keys and revocations of the server on this machine.
    Server(KeyRing),
}

/// What is known of a token.
struct Inspected {
    token: ParticipantToken,
    now: u64,
    /// Whether one of the keys signed it. None if there is no key.
    is_signed: Option<bool>,
    /// None if that is not known.
    is_revoked: Option<bool>,
    /// Why it is refused.
    refused: Option<TokenError>,
}

pub(super) async fn run(context: &Context, args: InspectArgs) -> anyhow::Result<Outcome> {
    let jwt = given(context, args.token).await?;
    let token = ParticipantToken::unverified(jwt.expose()).map_err(|error| {
        CommandError::new(Kind::Usage, format!("this is not a participant token: {error}"))
            .hint("give the token as it was issued, on stdin with `-` or in MESHAGENT_TOKEN")
    })?;
    let is_local = args.local || args.data_dir.is_given() || context.environment.switch("MESHAGENT_LOCAL")?;
    let checker = if is_local {
        let ring = LocalKeyRing::open(context, &args.data_dir).await?;
        let stored = ring.stored().await?;
        ring.close().await?;
        Some(Checker::Server(KeyRing::new(stored)?))
    } else {
        let key = context.environment.text("MESHAGENT_API_KEY")?;
        key.map(ApiKey::parse).transpose()?.map(Checker::Key)
    };
    let inspected = inspect(token, &jwt, checker.as_ref(), clock::now());
    if args.format.is_table(&context.ui) {
        context.ui.answer_table(&inspected.rows(), 0).await?;
    } else {
        let shown = serde_json::to_string_pretty(&inspected.as_json())?;
        context.ui.answer_line(&shown).await?;
    }
    if checker.is_none() {
        context
            .ui
            .note("note: the signature is not checked: that needs --local or MESHAGENT_API_KEY");
    }
    Ok(Outcome::Done)
}

async fn given(context: &Context, argument: Option<String>) -> anyhow::Result<SensitiveText> {
    match argument {
        Some(argument) if argument == "-" => token_from_stdin().await,
        Some(argument) => Ok(argument.trim().into()),
        None => match context.environment.text("MESHAGENT_TOKEN")? {
            Some(token) => Ok(token.into()),
            None => Err(CommandError::new(Kind::Usage, "no token was given")
                .hint("give it on stdin with `-`, or in MESHAGENT_TOKEN")
                .into()),
        },
    }
}

fn inspect(token: ParticipantToken, jwt: &SensitiveText, checker: Option<&Checker>, now: u64) -> Inspected {
    let check = |at| match checker? {
        Checker::Key(key) => {
            let keys = std::slice::from_ref(key);
            Some(ParticipantToken::verify_by_any(jwt.expose(), keys, at).err())
        }
        Checker::Server(ring) => Some(ring.verify(jwt.expose(), at).err()),
    };
    let refused = check(now);
    // Of an expired token too it is said whether it was revoked.
    let refused_before = token
        .expires_at
        .map_or(refused, |at| check(at.saturating_sub(1).min(now)));
    let is_signed = refused_before.map(|refused| {
        matches!(
            refused,
            None | Some(TokenError::Revoked | TokenError::NotYetValid | TokenError::Expired)
        )
    });
    let is_revoked = match (checker, refused_before) {
        (Some(Checker::Server(_)), Some(Some(TokenError::Revoked))) => Some(true),
        (Some(Checker::Server(_)), Some(None)) => Some(false),
        _ => None,
    };
    Inspected {
        token,
        now,
        is_signed,
        is_revoked,
        refused: refused.flatten(),
    }
}

impl Inspected {
    /// How long it is until the token expires, in seconds.
    fn expires_in(&self) -> Option<u64> {
        self.token.expires_at.map(|at| at.saturating_sub(self.now))
    }

    fn as_json(&self) -> Value {
        let token = &self.token;
        json!({
            "identity": token.identity,
            "room": token.room,
            "role": token.role,
            "api": token.api,
            "jti": token.token_id,
            "issued_at": token.issued_at.map(time),
            "expires_at": token.expires_at.map(time),
            "expires_in": self.expires_in(),
            "api_key_id": token.api_key_id,
            "project_id": token.project_id,
            "signed": self.is_signed,
            "revoked": self.is_revoked,
            "refused": self.refused.map(|error| error.to_string()),
        })
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let token = &self.token;
        let mut rows = vec![["CLAIM", "VALUE"].map(str::to_owned).to_vec()];
        let mut add = |claim: &str, value: Option<String>| {
            let value = value.map_or_else(|| "none".to_owned(), |value| escape_name(&value));
            rows.push(vec![claim.to_owned(), value]);
        };
        add("identity", Some(token.identity.to_string()));
        add("room", token.room.as_ref().map(ToString::to_string));
        add("role", json!(token.role).as_str().map(str::to_owned));
        add("api", token.api.as_ref().map(|api| json!(api).to_string()));
        add("id (jti)", token.token_id.clone());
        add("issued", token.issued_at.map(time));
        add("expires", Some(self.expiry()));
        add("API key", token.api_key_id.clone());
        add("project", token.project_id.clone());
        let known = |known: Option<bool>, [yes, no, unknown]: [&str; 3]| {
            Some(known.map_or(unknown, |is| if is { yes } else { no }).to_owned())
        };
        add(
            "signature",
            known(self.is_signed, ["valid", "NOT VALID", "not checked"]),
        );
        add("revoked", known(self.is_revoked, ["REVOKED", "no", "not known"]));
        if let Some(refused) = self.refused {
            add("refused", Some(refused.to_string()));
        }
        rows
    }

    fn expiry(&self) -> String {
        match (self.token.expires_at, self.expires_in()) {
            (Some(at), Some(0)) => format!("{}: it has expired", time(at)),
            (Some(at), Some(left)) => {
                let left = humantime::format_duration(Duration::from_secs(left));
                format!("{}, in {left}", time(at))
            }
            _ => "never".to_owned(),
        }
    }
}
