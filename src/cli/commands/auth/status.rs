//! `meshagent auth status`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::account::ApiArgs;
use crate::cli::ui::list::ListFormatArgs;
use crate::cli::ui::text::{escape_name, time};
use crate::settings::{AccountSettings, Credential, Profile, Session, SettingsError, Sourced};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Who is signed in, and where each setting is from:
    $ meshagent auth status

  Whether somebody is signed in, for a script:
    $ meshagent auth status --quiet > status.json || meshagent auth login";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    api: ApiArgs,
}

/// Looks at flags, environment and settings file alone: nothing is asked of the API, and nothing
/// refreshed.
pub(super) async fn run(context: &Context, args: &StatusArgs) -> anyhow::Result<Outcome> {
    let account = args.api.account(context)?;
    if args.format.is_table(&context.ui) {
        context.ui.answer_table(&rows(&account), 0).await?;
    } else {
        let shown = serde_json::to_string_pretty(&as_json(&account))?;
        context.ui.answer_line(&shown).await?;
    }
    if account.credential.is_none() && account.local.is_none() {
        return Err(SettingsError::NoCredential.into());
    }
    Ok(Outcome::Done)
}

/// What is used as the credential, in a word and for people.
fn kind(credential: &Sourced<Credential>) -> (&'static str, &'static str) {
    match (&credential.value, credential.origin) {
        (Credential::Session(_), _) => ("session", "sign-in"),
        (Credential::Given(_), "MESHAGENT_API_KEY") => ("api_key", "API key"),
        (Credential::Given(_), _) => ("token", "token"),
    }
}

fn as_json(account: &AccountSettings) -> Value {
    let sourced = |found: &Option<Sourced<String>>| {
        found
            .as_ref()
            .map(|found| json!({"value": found.value, "from": found.origin}))
    };
    let user = account.profile.as_ref().map(|profile| {
        json!({
            "id": profile.id, "first_name": profile.first_name,
            "last_name": profile.last_name, "email": profile.email,
        })
    });
    let session = account.session.as_ref().map(|stored| {
        json!({
            "expires_at": stored.session.expires_at.map(time),
            "can_be_refreshed": stored.session.refresh_token.is_some(),
            "scope": stored.session.scope,
        })
    });
    let credential = account
        .credential
        .as_ref()
        .map(|found| json!({"kind": kind(found).0, "from": found.origin}));
    json!({
        "signed_in": account.session.is_some(),
        "user": user,
        "session": session,
        "credential": credential,
        "api_url": {"value": account.api.as_str(), "from": account.api.origin},
        "project_id": sourced(&account.project),
        "room": sourced(&account.room),
        "local": account.local.map(|from| json!({"value": true, "from": from})),
        "settings_file": account.file,
    })
}

fn rows(account: &AccountSettings) -> Vec<Vec<String>> {
    let mut rows = vec![["SETTING", "VALUE", "FROM"].map(str::to_owned).to_vec()];
    let mut add = |setting: &str, value: &str, from: &str| {
        rows.push(vec![setting.to_owned(), escape_name(value), from.to_owned()]);
    };
    if let Some(from) = account.local {
        add("local mode", "on: the rest is not used for rooms", from);
    }
    match &account.credential {
        Some(found) => add("credential", kind(found).1, found.origin),
        None => add("credential", "none", ""),
    }
    if let Some(stored) = &account.session {
        let user = account.profile.as_ref().map(Profile::to_string);
        add("user", &user.unwrap_or_default(), "settings.json");
        add("signed in until", &until(&stored.session), "settings.json");
    }
    add("API", account.api.as_str(), account.api.origin);
    for (setting, found) in [("project", &account.project), ("room", &account.room)] {
        if let Some(found) = found {
            add(setting, &found.value, found.origin);
        }
    }
    rows
}

fn until(session: &Session) -> String {
    let prolonged = if session.refresh_token.is_some() {
        ", prolonged by itself"
    } else {
        ""
    };
    let end = session.expires_at.map_or_else(|| "not known".to_owned(), time);
    format!("{end}{prolonged}")
}
