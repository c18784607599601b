//! An entry of the audit log: who did what to which secret, and how it ended. It has no value.

use std::borrow::Cow;
use std::sync::Arc;

use super::Anchor;
use crate::clock;
use crate::server::store::SecretKey;
use crate::wire::MAX_NAME_BYTES;

/// Who does something. All members are readable text, as tokens and sockets give it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// The identity that a participant joined as, or the user that runs a command. None for the server itself.
    pub identity: Option<String>,
    /// The participant's id in its room.
    pub participant_id: Option<String>,
    /// The id of its token (`jti`).
    pub token_id: Option<String>,
    /// The id of the API key that signed the token (`kid`).
    pub api_key_id: Option<String>,
    /// The peer of its connection: an address and port, or `unix`. None inside the process.
    pub peer: Option<String>,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// There is no such secret, request or participant.
    NotFound,
    /// The token does not permit it, or the participant that was asked rejected it.
    Denied,
    /// The input breaks a rule.
    Invalid,
    /// Several secrets match, or it is not possible in this state.
    Conflict,
    /// It was not done in time.
    TimedOut,
    /// It failed.
    Failed,
}

impl AuditOutcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::NotFound,
        Self::Denied,
        Self::Invalid,
        Self::Conflict,
        Self::TimedOut,
        Self::Failed,
    ];

    /// The text that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotFound => "not-found",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::TimedOut => "timed-out",
            Self::Failed => "failed",
        }
    }

    /// The outcome with this text. None if there is no such outcome.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// What happened once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, in Unix milliseconds.
    pub at: u64,
    /// In which room. None for what concerns the server as a whole.
    pub room: Option<String>,
    /// Who did it.
    pub actor: Arc<Actor>,
    /// What was done: the name of a tool, or of a command's operation.
    pub operation: Cow<'static, str>,
    /// The owner of the secret.
    pub owner: Option<String>,
    /// The id of the secret, or of what else was changed: an API key, a token, an identity.
    pub secret: Option<String>,
    /// The identity that the secret is delegated to.
    pub delegate: Option<String>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// How many: secrets that were listed, events that the entry stands for.
    pub count: Option<u64>,
}

impl AuditEntry {
    /// An entry for what `actor` does now and is done, without the secret.
    pub fn new(actor: Arc<Actor>, operation: &'static str) -> Self {
        Self {
            at: clock::now_millis(),
            room: None,
            actor,
            operation: Cow::Borrowed(operation),
            owner: None,
            secret: None,
            delegate: None,
            outcome: AuditOutcome::Done,
            count: None,
        }
    }

    /// An entry for what the server does by itself.
    pub fn of_server(operation: &'static str) -> Self {
        Self::new(Arc::default(), operation)
    }

    /// The same entry, about the secret at `key`.
    #[must_use]
    pub fn about(mut self, key: &SecretKey) -> Self {
        self.set_secret(key);
        self
    }

    /// Makes this an entry about the secret at `key`.
    pub fn set_secret(&mut self, key: &SecretKey) {
        self.room = Some(key.room.to_string());
        self.owner = Some(key.owner.to_string());
        self.secret = Some(key.id.to_string());
        self.delegate = key.delegated_to.as_ref().map(ToString::to_string);
    }

    /// The same entry, about the API key, the token or the identity that is called `name`.
    #[must_use]
    pub(in crate::server::store) fn about_named(mut self, name: &str) -> Self {
        self.secret = Some(shorten(name));
        self
    }
}

/// The start of `text` that fits into a column, so that an entry is small whatever a token says.
pub(in crate::server) fn shorten(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_NAME_BYTES);
    text.get(..end).unwrap_or_default().to_owned()
}

/// An entry in its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEntry {
    /// The number of the chain. A database has one.
    pub chain: u64,
    /// Its number in the chain, from 1 on.
    pub seq: u64,
    /// What happened.
    pub entry: AuditEntry,
    /// The MAC that links it to the entry before.
    pub mac: Vec<u8>,
}

impl RecordedEntry {
    /// The anchor that this entry is.
    pub fn anchor(&self) -> Anchor {
        Anchor {
            seq: self.seq,
            mac: self.mac.clone(),
        }
    }
}
