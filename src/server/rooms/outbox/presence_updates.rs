//! The presence updates that a participant has not been sent yet.
//!
//! Updates about the same participant are merged into one that describes its present state, so that at most
//! one message for each of the others waits for a participant that is slow to read.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::backlog::Backlog;
use crate::sensitive::Sensitive;
use crate::wire::messaging::{
    MessagingEnabled, ParticipantAttributes, ParticipantDisabled, ParticipantInfo, RoomMessage, SEND, event,
};
use crate::wire::{Message, ParticipantId};

/// Most participants that one message lists, because a message's header has a limit. The rest follow one by
/// one.
const MAX_LISTED: usize = 128;

/// What happened to another participant.
#[derive(Debug, Clone)]
pub(in crate::server) enum Change {
    /// It is visible now.
    Appeared(Arc<ParticipantInfo>),
    /// Its attributes have changed.
    AttributesChanged(Arc<ParticipantInfo>),
    /// It is no longer visible.
    Disappeared,
}

/// Updates that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct PresenceUpdates {
    /// The list of visible participants, and the id of the participant that it goes to. It is sent before the
    /// changes.
    listed: Option<(ParticipantId, Vec<Arc<ParticipantInfo>>)>,
    changes: Backlog<ParticipantId, Change>,
}

impl PresenceUpdates {
    /// Lists all visible participants, which replaces all updates that wait.
    pub(super) fn list(
        &mut self,
        to: &ParticipantId,
        mut visible: impl Iterator<Item = (ParticipantId, Arc<ParticipantInfo>)>,
    ) {
        self.changes = Backlog::default();
        let listed = visible.by_ref().take(MAX_LISTED);
        self.listed = Some((to.clone(), listed.map(|(_, info)| info).collect()));
        for (id, info) in visible {
            self.tell(&id, Change::Appeared(info));
        }
    }

    pub(super) fn tell(&mut self, about: &ParticipantId, change: Change) {
        self.changes
            .merge(about.clone(), |earlier| after(earlier, change));
    }

    /// The next message.
    pub(super) fn pop(&mut self) -> Option<Message> {
        if let Some((to, listed)) = self.listed.take() {
            let participants = listed.iter().map(|info| ParticipantInfo::clone(info)).collect();
            return message(to.to_string(), event::ENABLED, &MessagingEnabled { participants });
        }
        let (id, change) = self.changes.pop()?;
        let id = id.to_string();
        match change {
            Change::Appeared(info) => message(id, event::PARTICIPANT_ENABLED, &*info),
            Change::AttributesChanged(info) => {
                let attributes = info.attributes.clone();
                message(
                    id,
                    event::PARTICIPANT_ATTRIBUTES,
                    &ParticipantAttributes { attributes },
                )
            }
            Change::Disappeared => message(
                id.clone(),
                event::PARTICIPANT_DISABLED,
                &ParticipantDisabled { id },
            ),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_none() && self.changes.is_empty()
    }
}

/// The update that `earlier`, which was not sent yet, and `change` make together. None if nothing is left to
/// tell.
fn after(earlier: Option<Change>, change: Change) -> Option<Change> {
    match (earlier, change) {
        (Some(Change::Appeared(_)), Change::Disappeared) => None,
        (Some(Change::Appeared(_)), Change::AttributesChanged(info)) => Some(Change::Appeared(info)),
        // The participant that is told still knows it.
        (Some(Change::Disappeared), Change::Appeared(info)) => Some(Change::AttributesChanged(info)),
        (_, change) => Some(change),
    }
}

fn message(from_participant_id: String, message_type: &str, message: &impl Serialize) -> Option<Message> {
    let Ok(Value::Object(message)) = serde_json::to_value(message) else {
        return None;
    };
    let header = RoomMessage {
        from_participant_id,
        message_type: message_type.to_owned(),
        message,
    };
    Message::new(0, SEND, &header, Sensitive::default()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::Header;

    fn id(name: &str) -> ParticipantId {
        ParticipantId::new(name).unwrap()
    }

    fn info(name: &str, mood: &str) -> Arc<ParticipantInfo> {
        let mut attributes = Header::new();
        attributes.insert("mood".to_owned(), json!(mood));
        let (id, role) = (name.to_owned(), "user".to_owned());
        Arc::new(ParticipantInfo { id, role, attributes })
    }

    /// All messages that wait: whom each is about, its type, and the `mood` attribute if it has one.
    fn sent(updates: &mut PresenceUpdates) -> Vec<(String, String, Option<String>)> {
        let messages = std::iter::from_fn(|| updates.pop());
        let told = messages.map(|message| {
            let (sent, _): (RoomMessage, _) = message.read().unwrap();
            let mood = sent
                .message
                .get("attributes")
                .map(|attributes| attributes["mood"].as_str().unwrap().to_owned());
            (sent.from_participant_id, sent.message_type, mood)
        });
        let told = told.collect();
        assert!(updates.is_empty());
        told
    }

    #[test]
    fn updates_about_one_participant_are_merged() {
        let appeared = |mood| Change::Appeared(info("a", mood));
        let changed = |mood| Change::AttributesChanged(info("a", mood));
        let known =
            |what: &str, mood: Option<&str>| vec![("a".to_owned(), what.to_owned(), mood.map(str::to_owned))];
        for (changes, expected) in [
            (vec![appeared("1")], known(event::PARTICIPANT_ENABLED, Some("1"))),
            (
                vec![appeared("1"), changed("2"), changed("3")],
                known(event::PARTICIPANT_ENABLED, Some("3")),
            ),
            (vec![appeared("1"), changed("2"), Change::Disappeared], vec![]),
            (
                vec![appeared("1"), Change::Disappeared, appeared("2")],
                known(event::PARTICIPANT_ENABLED, Some("2")),
            ),
            (
                vec![changed("1"), changed("2")],
                known(event::PARTICIPANT_ATTRIBUTES, Some("2")),
            ),
            (
                vec![changed("1"), Change::Disappeared],
                known(event::PARTICIPANT_DISABLED, None),
            ),
            (
                vec![Change::Disappeared, appeared("1")],
                known(event::PARTICIPANT_ATTRIBUTES, Some("1")),
            ),
            (
                vec![Change::Disappeared, appeared("1"), Change::Disappeared],
                known(event::PARTICIPANT_DISABLED, None),
            ),
        ] {
            let mut updates = PresenceUpdates::default();
            for change in changes.clone() {
                updates.tell(&id("a"), change);
            }
            assert_eq!(sent(&mut updates), expected, "{changes:?}");
        }
    }

    #[test]
    fn a_list_replaces_earlier_updates_and_is_sent_first() {
        let mut updates = PresenceUpdates::default();
        updates.tell(&id("a"), Change::Appeared(info("a", "1")));
        updates.tell(&id("b"), Change::Disappeared);
        updates.list(&id("me"), [(id("a"), info("a", "1"))].into_iter());
        updates.tell(&id("a"), Change::AttributesChanged(info("a", "2")));
        let message =
            |from: &str, what: &str, mood: Option<&str>| (from.into(), what.into(), mood.map(str::to_owned));
        assert_eq!(
            sent(&mut updates),
            [
                message("me", event::ENABLED, None),
                message("a", event::PARTICIPANT_ATTRIBUTES, Some("2"))
            ]
        );
    }
}
