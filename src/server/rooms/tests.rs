use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::*;
use crate::server::caller::TokenOrigin;
use crate::token::{ApiScope, Role};
use crate::wire::Identity;

fn caller(name: &str, api: ApiScope) -> Caller {
    Caller {
        identity: Identity::new(name).unwrap(),
        role: Role::User,
        api,
        token: TokenOrigin {
            api_key_id: uuid::Uuid::nil(),
            token_id: None,
            issued_at: None,
        },
        expires_at: None,
    }
}

struct Guest {
    presence: Presence,
}

impl Guest {
    fn enter(rooms: &Rooms, room: &RoomName, name: &str, api: ApiScope) -> Self {
        let presence = rooms.enter(room.clone(), &caller(name, api), Accepts::ALL, &Limits::default());
        Self { presence }
    }

    fn id(&self) -> &ParticipantId {
        &self.presence.member.id
    }

    /// What was pushed so far: type and message.
    fn heard(&self) -> Vec<(String, Value)> {
        let mut heard = Vec::new();
        while let Some(message) = self.presence.member.outbox.next().now_or_never() {
            let (mut header, _): (Value, _) = message.read().unwrap();
            let kind = header["type"].as_str().unwrap().to_owned();
            heard.push((kind, header["message"].take()));
        }
        heard
    }
}

fn room() -> RoomName {
    RoomName::new("r").unwrap()
}

#[test]
fn a_session_lasts_until_the_room_is_empty() {
    let (rooms, room) = (Rooms::default(), room());
    let enter = || Guest::enter(&rooms, &room, "bob", ApiScope::participant());
    let (first, second) = (enter(), enter());
    assert_eq!(first.presence.session_id, second.presence.session_id);
    assert_ne!(first.id(), second.id());
    let session = first.presence.session_id.clone();
    drop((first, second));
    assert_ne!(enter().presence.session_id, session);
}

#[test]
fn participants_with_messaging_enabled_see_each_other() {
    let (rooms, room) = (Rooms::default(), room());
    let ada = Guest::enter(&rooms, &room, "ada", ApiScope::participant());
    let bob = Guest::enter(&rooms, &room, "bob", ApiScope::participant());
    let carol = Guest::enter(&rooms, &room, "carol", ApiScope::participant());
    rooms.enable_messaging(&room, ada.id());
    assert_eq!(
        ada.heard(),
        [("messaging.enabled".to_owned(), json!({"participants": []}))]
    );
    rooms.enable_messaging(&room, bob.id());
    let info = |guest: &Guest, name| json!({"id": guest.id(), "role": "user", "attributes": {"name": name}});
    let listed = json!({"participants": [info(&ada, "ada")]});
    assert_eq!(bob.heard(), [("messaging.enabled".to_owned(), listed)]);
    assert_eq!(
        ada.heard(),
        [("participant.enabled".to_owned(), info(&bob, "bob"))]
    );
    // Once more tells nobody else.
    rooms.enable_messaging(&room, bob.id());
    assert_eq!((ada.heard().len(), bob.heard().len()), (0, 1));
    let gone = ("participant.disabled".to_owned(), json!({"id": bob.id()}));
    rooms.disable_messaging(&room, bob.id());
    rooms.disable_messaging(&room, bob.id());
    assert_eq!(ada.heard(), std::slice::from_ref(&gone));
    rooms.enable_messaging(&room, bob.id());
    ada.heard();
    drop(bob);
    assert_eq!(ada.heard(), [gone]);
    assert_eq!(carol.heard(), []);
}

#[test]
fn attributes_are_merged_and_the_name_stays() {
    let (rooms, room) = (Rooms::default(), room());
    let ada = Guest::enter(&rooms, &room, "ada", ApiScope::participant());
    let bob = Guest::enter(&rooms, &room, "bob", ApiScope::participant());
    let say = |said: Value| {
        let Value::Object(said) = said else {
            panic!("{said}")
        };
        rooms.set_attributes(&room, bob.id(), said);
    };
    rooms.enable_messaging(&room, ada.id());
    say(json!({"mood": "good", "name": "ada"}));
    rooms.enable_messaging(&room, bob.id());
    let seen = ada.heard().pop().unwrap().1;
    assert_eq!(seen["attributes"], json!({"name": "bob", "mood": "good"}));
    say(json!({"mood": "better", "shoes": 2}));
    say(json!({"book": "x".repeat(MAX_ATTRIBUTES)}));
    let all = json!({"attributes": {"name": "bob", "mood": "better", "shoes": 2}});
    assert_eq!(ada.heard(), [("participant.attributes".to_owned(), all)]);
}

/// Larger than what is taken.
const MAX_ATTRIBUTES: usize = 1 << 16;

#[test]
fn a_participant_without_the_list_grant_sees_no_others() {
    let (rooms, room) = (Rooms::default(), room());
    let api: ApiScope = serde_json::from_value(json!({"messaging": {"list": false}})).unwrap();
    let shut = Guest::enter(&rooms, &room, "shut", api);
    let ada = Guest::enter(&rooms, &room, "ada", ApiScope::participant());
    rooms.enable_messaging(&room, ada.id());
    rooms.enable_messaging(&room, shut.id());
    drop(ada);
    assert_eq!(
        shut.heard(),
        [("messaging.enabled".to_owned(), json!({"participants": []}))]
    );
}

#[test]
fn a_full_room_is_listed_in_messages_of_a_readable_size() {
    let (rooms, room) = (Rooms::default(), room());
    let others: Vec<Guest> = (0..140)
        .map(|number| Guest::enter(&rooms, &room, &number.to_string(), ApiScope::participant()))
        .collect();
    for other in &others {
        rooms.enable_messaging(&room, other.id());
    }
    let ada = Guest::enter(&rooms, &room, "ada", ApiScope::participant());
    rooms.enable_messaging(&room, ada.id());
    let heard = ada.heard();
    let listed = heard[0].1["participants"].as_array().unwrap().len();
    assert_eq!(listed + heard.len() - 1, 140);
    assert!(listed < 140, "{listed}");
}

#[test]
fn a_participant_is_found_in_its_own_room_alone() {
    let (rooms, room) = (Rooms::default(), room());
    let ada = Guest::enter(&rooms, &room, "ada", ApiScope::participant());
    assert!(rooms.member(&room, ada.id()).is_some());
    assert!(rooms.member(&RoomName::new("other").unwrap(), ada.id()).is_none());
    let id = ada.id().clone();
    drop(ada);
    assert!(rooms.member(&room, &id).is_none());
}
