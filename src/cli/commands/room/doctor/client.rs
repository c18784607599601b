//! The settings of a client: which there are and where they are from, without their values.

use super::report::Report;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Failure;
use crate::cli::help::environment_variables;
use crate::net::{UnixAddress, authority};
use crate::settings::{AccountSettings, Credential, SettingsError, SettingsFile, resolve, resolve_account};

/// Looks at the settings; the account's, if they can be used.
pub(super) fn check(context: &Context, args: &RoomArgs, report: &mut Report) -> Option<AccountSettings> {
    variables(context, report);
    settings_file(context, report);
    let account = match resolve_account(&args.overrides(), &context.environment) {
        Ok(account) => account,
        // What is wrong with the key is found with the credentials.
        Err(SettingsError::BadApiKey(_)) => return None,
        Err(error) => {
            report.error("client.settings", error);
            return None;
        }
    };
    settings(&account, report);
    match resolve(&args.overrides(), &context.environment) {
        Ok(_) => report.ok("client.join", "what a command needs to join a room is there"),
        // A machine that only serves needs neither.
        Err(error @ (SettingsError::NoRoom | SettingsError::NoCredential)) => {
            report.ok("client.join", format!("no command can join a room: {error}"));
        }
        Err(error) => report.error("client.join", error),
    }
    Some(account)
}

/// Each setting with where it is from.
fn settings(account: &AccountSettings, report: &mut Report) {
    if let Some(from) = account.local {
        report.ok(
            "client.local",
            format!("local mode is on ({from}): the rest is not used for rooms"),
        );
    }
    let url = account.api.url();
    let scheme = if UnixAddress::of(url).is_some() {
        ""
    } else {
        url.scheme()
    };
    let at = format!("{scheme} {}", authority(url));
    report.ok(
        "client.api-url",
        format!("{} ({})", at.trim_start(), account.api.origin),
    );
    match &account.credential {
        Some(found) => {
            let kind = match (&found.value, found.origin) {
                (Credential::Session(_), _) => "a session",
                (Credential::Given(_), "MESHAGENT_API_KEY") => "an API key",
                (Credential::Given(_), _) => "a token",
            };
            report.ok("client.credential", format!("{kind} ({})", found.origin));
        }
        None => report.ok("client.credential", "none"),
    }
    for (check, found) in [
        ("client.project", &account.project),
        ("client.room", &account.room),
    ] {
        match found {
            Some(found) => report.ok(check, format!("set ({})", found.origin)),
            None => report.ok(check, "not set"),
        }
    }
}

fn settings_file(context: &Context, report: &mut Report) {
    const CHECK: &str = "client.settings-file";
    let path = match SettingsFile::path(&context.environment) {
        Ok(path) => path,
        Err(error) => {
            report.warning(CHECK, error.to_string(), "set HOME to your home directory");
            return;
        }
    };
    let shown = path.display();
    if !path.exists() {
        report.ok(CHECK, format!("{shown} does not exist: nobody has signed in"));
        return;
    }
    match SettingsFile::load(&path) {
        Ok(_) if crate::cli::context::is_open_to_others(&path) => report.warning(
            CHECK,
            format!("others can read {shown}, which holds your sign-in"),
            format!("chmod 600 {shown}"),
        ),
        Ok(_) => report.ok(CHECK, format!("{shown} can be read")),
        Err(error) => {
            let failure = Failure::of(&error.into());
            report.problem(CHECK, failure.message, failure.hint.unwrap_or_default());
        }
    }
}

/// The names of the variables that are set, and those that no command looks at.
fn variables(context: &Context, report: &mut Report) {
    const CHECK: &str = "client.variables";
    let known = environment_variables();
    let set: Vec<&str> = context
        .environment
        .names()
        .filter(|name| name.starts_with("MESHAGENT_"))
        .collect();
    let (known, unknown): (Vec<&str>, Vec<&str>) = set.into_iter().partition(|name| known.contains(name));
    if known.is_empty() {
        report.ok(CHECK, "no MESHAGENT_ variable is set");
    } else {
        report.ok(CHECK, format!("set: {}", known.join(", ")));
    }
    if !unknown.is_empty() {
        report.warning(
            CHECK,
            format!("no command looks at {}", unknown.join(", ")),
            "`meshagent help environment` lists the variables there are",
        );
    }
}
