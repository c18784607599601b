//! What the credentials say about themselves. They are not shown, and no server is asked.

use std::time::Duration;

use serde_json::json;

use super::report::Report;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::ui::text::time;
use crate::clock;
use crate::token::{ApiKey, ParticipantToken};
use crate::wire::RoomName;

/// A token with less time than this is worth a warning, in seconds.
const SOON: u64 = 3600;

pub(super) fn check(context: &Context, args: &RoomArgs, report: &mut Report) {
    if let Some(key) = context.environment.get("MESHAGENT_API_KEY") {
        match ApiKey::parse(key) {
            Ok(_) => report.ok("credentials.api-key", "it has the form of an API key"),
            Err(error) => report.problem(
                "credentials.api-key",
                error.to_string(),
                "take MESHAGENT_API_KEY from the server's client.env, or from `meshagent api-key create`",
            ),
        }
    }
    if let Some(jwt) = context.environment.get("MESHAGENT_TOKEN") {
        let room = args
            .room
            .as_deref()
            .or_else(|| context.environment.get("MESHAGENT_ROOM"));
        match ParticipantToken::unverified(jwt) {
            Ok(token) => participant_token(&token, room, report),
            Err(_) => report.ok(
                "credentials.token",
                "it is no participant token; it may be an access token for the API",
            ),
        }
    }
}

fn participant_token(token: &ParticipantToken, room: Option<&str>, report: &mut Report) {
    let api = json!(token.api);
    let grants: Vec<&str> = api
        .as_object()
        .map(|grants| {
            grants
                .iter()
                .filter(|(_, grant)| !grant.is_null())
                .map(|(name, _)| name.as_str())
                .collect()
        })
        .unwrap_or_default();
    let grants = if grants.is_empty() {
        "none".to_owned()
    } else {
        grants.join(", ")
    };
    report.ok(
        "credentials.token",
        format!("it is a participant token; its grants: {grants}"),
    );
    expiry(token.expires_at, clock::now(), report);
    let room = room.and_then(|room| RoomName::new(room).ok());
    match (&token.room, room) {
        (None, _) => report.ok("credentials.token-room", "it is for every room"),
        (Some(_), None) => report.ok("credentials.token-room", "it is for one room, and no room is set"),
        (Some(_), Some(room)) if token.check_room(&room).is_ok() => {
            report.ok("credentials.token-room", "it is for the room that is set");
        }
        (Some(_), Some(_)) => report.problem(
            "credentials.token-room",
            "it is for another room than the one that is set",
            "set MESHAGENT_ROOM to the token's room, or take a token for this room",
        ),
    }
}

fn expiry(expires_at: Option<u64>, now: u64, report: &mut Report) {
    const CHECK: &str = "credentials.token-expiry";
    let Some(at) = expires_at else {
        report.ok(CHECK, "it never expires");
        return;
    };
    let left = at.saturating_sub(now);
    let in_words = humantime::format_duration(Duration::from_secs(left));
    let shown = time(at);
    match left {
        0 => report.problem(CHECK, format!("it expired at {shown}"), "take a new token"),
        1..SOON => report.warning(
            CHECK,
            format!("it expires at {shown}, in {in_words}"),
            "take a new token soon",
        ),
        _ => report.ok(CHECK, format!("it expires at {shown}, in {in_words}")),
    }
}
