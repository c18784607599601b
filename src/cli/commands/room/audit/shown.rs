//! An entry as it is shown.

use serde::Serialize;

use crate::cli::ui::text::time_millis;
use crate::server::store::RecordedEntry;

/// The columns of the table.
pub(super) const HEADER: [&str; 11] = [
    "SEQ",
    "TIME",
    "ROOM",
    "IDENTITY",
    "OPERATION",
    "OWNER",
    "SECRET",
    "FOR",
    "OUTCOME",
    "COUNT",
    "PEER",
];

/// An entry in JSON. Members that it does not have are null.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    seq: u64,
    at: String,
    room: Option<String>,
    identity: Option<String>,
    participant_id: Option<String>,
    token_id: Option<String>,
    api_key_id: Option<String>,
    peer: Option<String>,
    operation: String,
    owner: Option<String>,
    secret: Option<String>,
    delegated_to: Option<String>,
    outcome: &'static str,
    count: Option<u64>,
    mac: String,
}

impl From<RecordedEntry> for Shown {
    fn from(recorded: RecordedEntry) -> Self {
        let anchor = recorded.anchor().to_string();
        let entry = recorded.entry;
        let actor = entry.actor;
        Self {
            seq: recorded.seq,
            at: time_millis(entry.at),
            room: entry.room,
            identity: actor.identity.clone(),
            participant_id: actor.participant_id.clone(),
            token_id: actor.token_id.clone(),
            api_key_id: actor.api_key_id.clone(),
            peer: actor.peer.clone(),
            operation: entry.operation.into_owned(),
            owner: entry.owner,
            secret: entry.secret,
            delegated_to: entry.delegate,
            outcome: entry.outcome.as_str(),
            count: entry.count,
            mac: anchor
                .split_once(':')
                .map_or_else(String::new, |(_, mac)| mac.to_owned()),
        }
    }
}

impl Shown {
    /// The cells of its row.
    pub(super) fn row(&self) -> [String; 11] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            self.seq.to_string(),
            self.at.clone(),
            text(&self.room),
            text(&self.identity),
            self.operation.clone(),
            text(&self.owner),
            text(&self.secret),
            text(&self.delegated_to),
            self.outcome.to_owned(),
            self.count.map(|count| count.to_string()).unwrap_or_default(),
            text(&self.peer),
        ]
    }
}
