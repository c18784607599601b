//! Names that are not what they seem: refused for what is new, and shown as what they are.

use meshagent::server::data_dir::{DataDir, LocalAccess};
use meshagent::server::store::{
    AuditEntry, KeySource, SecretKey, SecretKind, SecretRecord, SqliteStore, Store,
};
use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, ErrorCode, Identity, RoomName, SecretId};
use serde_json::{Value, json};

use crate::support::{Participant, Provider, TestEnv, TestServer, is_error};

/// White space around a name, and controls that turn the direction.
const UNSEEN: [&str; 6] = [" a", "a ", "a\u{3000}", "\u{a0}a", "a\u{202e}b", "a\u{2067}b"];

/// `ada` with a Cyrillic letter in front.
const NOT_ADA: &str = "\u{430}da";

/// Writes a secret as a server of before the rule did.
fn write(env: &TestEnv, room: &str, owner: &str, id: &str) {
    let LocalAccess::Here(data_dir) = DataDir::open_local(&env.data_dir()).unwrap() else {
        panic!("a server runs")
    };
    let store = SqliteStore::open(&data_dir, &KeySource::Default).unwrap();
    let record = SecretRecord {
        key: SecretKey {
            room: RoomName::new(room).unwrap(),
            owner: Identity::new(owner).unwrap(),
            delegated_to: None,
            id: SecretId::new(id).unwrap(),
        },
        kind: SecretKind::Stored,
        secret_type: "text/plain".to_owned(),
        name: id.to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        store
            .write(record, b"old".to_vec().into(), AuditEntry::of_server("test"))
            .await
            .unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn set_refuses_new_names_that_are_not_seen() {
    let env = TestEnv::new();
    for name in UNSEEN {
        let set = |arguments: &[&str]| env.local().secret(["set"]).args(arguments).arg("--text=x").run();
        set(&[name]).ends_with(2);
        set(&["--id", name]).ends_with(2);
        set(&["a", "--delegated-to", name]).ends_with(2);
        set(&["a", "--for-identity", name]).ends_with(2);
    }
    assert!(!env.data_dir().exists());
    let set = env.local().secret(["set", "a\u{202e}b", "--text", "x"]).run();
    set.ends_with(2)
        .says("it has U+202E, which turns the direction of text");
}

#[test]
fn import_and_delegates_refuse_new_names_that_are_not_seen() {
    let env = TestEnv::new();
    for name in UNSEEN {
        let file = env.write("ids.json", json!([{"id": name, "value": "x"}]).to_string());
        let import = env.local().secret(["import", "--format", "json"]).arg(&file);
        import.run().ends_with(1).says("its id cannot be used");
        let request = env
            .local()
            .secret(["request", "--from", "ada", "--url", "https://a.example"]);
        request.args(["--delegate-to", name]).run().ends_with(2);
    }
}

#[test]
fn token_generate_refuses_new_names_that_are_not_seen() {
    let env = TestEnv::new();
    for name in UNSEEN {
        let generate = |identity: &str, room: &str| {
            let arguments = [
                "token",
                "generate",
                "--local",
                "--identity",
                identity,
                "--room",
                room,
            ];
            env.call(arguments).run().ends_with(2)
        };
        generate(name, "room").says("the identity is not usable");
        generate("bob", name).says("the room's name is not usable");
    }
}

fn set(participant: &mut Participant, header: &Value) -> Content {
    participant.call(tool::SET, Content::binary(header, b"x".to_vec().into()).unwrap())
}

#[test]
fn the_server_refuses_to_store_under_names_that_are_not_seen() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let token = server.token("bob", "room", true);
    let mut bob = Participant::join(server.address(), "room", &token);
    for name in UNSEEN {
        for header in [
            json!({"secret_id": name}),
            json!({"secret_id": "a", "delegated_to": name}),
            json!({"secret_id": "a", "for_identity": name}),
        ] {
            is_error(&set(&mut bob, &header), ErrorCode::InvalidRequest);
        }
    }
    assert!(matches!(
        set(&mut bob, &json!({"secret_id": "a b"})),
        Content::Empty
    ));
    drop(bob);
    server.stop();
}

#[test]
fn nobody_joins_as_a_new_identity_or_in_a_new_room_that_is_not_seen() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    for name in UNSEEN {
        let list = env.local_as(name).secret(["list"]).run();
        list.ends_with(4).says("no new identity can have this name");
        let list = env
            .call(["room", "secret", "list", "--local", "--room", name])
            .run();
        list.ends_with(4).says("no new room can have this name");
    }
}

#[test]
fn what_has_such_a_name_already_is_listed_read_and_deleted() {
    for name in UNSEEN {
        let env = TestEnv::new();
        write(&env, name, name, name);
        let way = ["--local", "--room", name, "--identity", name];
        let secret = |arguments: &[&str]| env.call(["room", "secret"]).args(arguments).args(way).run();
        assert_eq!(secret(&["list"]).succeeds().json()[0]["id"], name);
        assert_eq!(secret(&["get", name]).succeeds().out(), "old");
        secret(&["set", name, "--text", "new"]).ends_with(2);
        secret(&["delete", name, "--yes"]).succeeds();
        // Nothing of it is left: the name is a new one.
        secret(&["list"]).ends_with(4);
    }
}

#[test]
fn tables_show_names_as_what_they_are_and_json_has_them_as_they_were_given() {
    let env = TestEnv::new();
    let ids = ["ada", NOT_ADA, "db\u{200b}", "ключ"];
    for id in ids {
        env.local().set(id, "x");
    }
    let table = env.local().secret(["list", "--output", "table"]).run().succeeds();
    let lines = table.out().lines().skip(1);
    let shown: Vec<&str> = lines.map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(shown, ["ada", "db\\u{200b}", "\\u{430}da", "ключ"]);
    let list = env.local().secret(["list"]).run().succeeds().json();
    let given: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_str().unwrap())
        .collect();
    assert_eq!(given, ["ada", "db\u{200b}", NOT_ADA, "ключ"]);
    assert_eq!(env.local().get(NOT_ADA), b"x");
    env.local()
        .secret(["get", "db\u{3000}x"])
        .run()
        .ends_with(3)
        .says("`db\\u{3000}x`");
    let deleted = env.local().secret(["delete", NOT_ADA]).run().succeeds();
    deleted.says("Deleted \\u{430}da from room room.");
}

#[test]
fn a_participant_that_looks_like_another_is_shown_as_what_it_is() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let provider = Provider::start(&server.with_token(NOT_ADA, "room"), &[]);
    let bob = server.with_token("bob", "room");
    let table = bob
        .room(["participant", "list", "--output", "table"])
        .run()
        .succeeds();
    assert!(
        table.out().contains("\\u{430}da") && !table.out().contains(NOT_ADA),
        "{}",
        table.out()
    );
    let list = bob.room(["participant", "list"]).run().succeeds().json();
    assert!(list.to_string().contains(NOT_ADA), "{list}");
    let asked = |name: &str| {
        bob.secret(["request", "--url", "https://a.example", "--from", name])
            .run()
    };
    asked("ada").ends_with(3).says("no participant `ada`");
    asked(NOT_ADA).ends_with(5);
    drop(provider);
    server.stop();
}
