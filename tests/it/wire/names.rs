//! Names and ids: the rules hold however a name comes about.

use meshagent::wire::{Identity, MAX_NAME_BYTES, RoomName, SecretId};
use proptest::prelude::*;

fn allowed(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,20}",
        "[./\\\\a]{0,4}",
        "\\PC{80,300}",
        (250..260_usize).prop_map(|length| "x".repeat(length)),
    ]
}

proptest! {
    #[test]
    fn a_name_is_accepted_by_the_rules_alone(text in texts()) {
        prop_assert_eq!(Identity::new(&text).is_ok(), allowed(&text));
        prop_assert_eq!(SecretId::new(&text).is_ok(), allowed(&text));
        let path = text == "." || text == ".." || text.contains(['/', '\\']);
        prop_assert_eq!(RoomName::new(&text).is_ok(), allowed(&text) && !path);
    }

    #[test]
    fn json_is_no_way_round_the_rules(text in texts()) {
        let json = serde_json::to_string(&text).unwrap();
        let read: Option<RoomName> = serde_json::from_str(&json).ok();
        prop_assert_eq!(&read, &RoomName::new(&text).ok());
        if let Some(name) = read {
            prop_assert_eq!(serde_json::to_string(&name).unwrap(), json);
        }
    }
}
