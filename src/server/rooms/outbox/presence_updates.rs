//! What a participant has yet to hear of the others.
//!
//! It is told how things are, and not each thing that happened meanwhile: however much others come, go and
//! say of themselves, what waits for a slow participant is at most one message for each of them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::backlog::Backlog;
use crate::sensitive::Sensitive;
use crate::wire::messaging::{
    MessagingEnabled, ParticipantAttributes, ParticipantDisabled, ParticipantInfo, RoomMessage, SEND, event,
};
use crate::wire::{Message, ParticipantId};

/// Most participants that one message lists: a message's header has a limit. The rest follow one by one.
const MAX_LISTED: usize = 128;

/// What happened to another participant.
#[derive(Debug, Clone)]
pub(in crate::server) enum Change {
    /// It can be seen now.
    Came(Arc<ParticipantInfo>),
    /// It says something else of itself.
    Says(Arc<ParticipantInfo>),
    /// It cannot be seen any more.
    Left,
}

/// Changes that are yet to be told.
#[derive(Debug, Default)]
pub(super) struct PresenceUpdates {
    /// To whom it is yet to be told who is here, and who is; that comes before the changes.
    listed: Option<(ParticipantId, Vec<Arc<ParticipantInfo>>)>,
    changes: Backlog<ParticipantId, Change>,
}

impl PresenceUpdates {
    /// Everybody who can be seen, which makes all that was to be told before old.
    pub(super) fn list(
        &mut self,
        to: &ParticipantId,
        mut everybody: impl Iterator<Item = (ParticipantId, Arc<ParticipantInfo>)>,
    ) {
        self.changes = Backlog::default();
        let listed = everybody.by_ref().take(MAX_LISTED);
        self.listed = Some((to.clone(), listed.map(|(_, info)| info).collect()));
        for (id, info) in everybody {
            self.tell(&id, Change::Came(info));
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
            Change::Came(info) => message(id, event::PARTICIPANT_ENABLED, &*info),
            Change::Says(info) => {
                let attributes = info.attributes.clone();
                message(
                    id,
                    event::PARTICIPANT_ATTRIBUTES,
                    &ParticipantAttributes { attributes },
                )
            }
            Change::Left => message(
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

/// What is to be told of a participant when `earlier` has not been told.
fn after(earlier: Option<Change>, change: Change) -> Option<Change> {
    match (earlier, change) {
        (Some(Change::Came(_)), Change::Left) => None,
        (Some(Change::Came(_)), Change::Says(info)) => Some(Change::Came(info)),
        // It is still known.
        (Some(Change::Left), Change::Came(info)) => Some(Change::Says(info)),
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

    /// All that is told: about whom, what, and the mood if it is said.
    fn told(updates: &mut PresenceUpdates) -> Vec<(String, String, Option<String>)> {
        let messages = std::iter::from_fn(|| updates.pop());
        let told = messages.map(|message| {
            let (told, _): (RoomMessage, _) = message.read().unwrap();
            let mood = told
                .message
                .get("attributes")
                .map(|said| said["mood"].as_str().unwrap().to_owned());
            (told.from_participant_id, told.message_type, mood)
        });
        let told = told.collect();
        assert!(updates.is_empty());
        told
    }

    #[test]
    fn what_is_old_is_not_told() {
        let came = |mood| Change::Came(info("a", mood));
        let says = |mood| Change::Says(info("a", mood));
        let known =
            |what: &str, mood: Option<&str>| vec![("a".to_owned(), what.to_owned(), mood.map(str::to_owned))];
        for (changes, expected) in [
            (vec![came("1")], known(event::PARTICIPANT_ENABLED, Some("1"))),
            (
                vec![came("1"), says("2"), says("3")],
                known(event::PARTICIPANT_ENABLED, Some("3")),
            ),
            (vec![came("1"), says("2"), Change::Left], vec![]),
            (
                vec![came("1"), Change::Left, came("2")],
                known(event::PARTICIPANT_ENABLED, Some("2")),
            ),
            (
                vec![says("1"), says("2")],
                known(event::PARTICIPANT_ATTRIBUTES, Some("2")),
            ),
            (
                vec![says("1"), Change::Left],
                known(event::PARTICIPANT_DISABLED, None),
            ),
            (
                vec![Change::Left, came("1")],
                known(event::PARTICIPANT_ATTRIBUTES, Some("1")),
            ),
            (
                vec![Change::Left, came("1"), Change::Left],
                known(event::PARTICIPANT_DISABLED, None),
            ),
        ] {
            let mut updates = PresenceUpdates::default();
            for change in changes.clone() {
                updates.tell(&id("a"), change);
            }
            assert_eq!(told(&mut updates), expected, "{changes:?}");
        }
    }

    #[test]
    fn a_list_replaces_what_was_to_be_told_and_comes_first() {
        let mut updates = PresenceUpdates::default();
        updates.tell(&id("a"), Change::Came(info("a", "1")));
        updates.tell(&id("b"), Change::Left);
        updates.list(&id("me"), [(id("a"), info("a", "1"))].into_iter());
        updates.tell(&id("a"), Change::Says(info("a", "2")));
        let message =
            |from: &str, what: &str, mood: Option<&str>| (from.into(), what.into(), mood.map(str::to_owned));
        assert_eq!(
            told(&mut updates),
            [
                message("me", event::ENABLED, None),
                message("a", event::PARTICIPANT_ATTRIBUTES, Some("2"))
            ]
        );
    }
}
