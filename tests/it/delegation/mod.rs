//! Reading what others delegated: nobody else chooses what an identity reads.

mod commands;
mod limits;
mod variables;

use meshagent::secrets::{ExistsOptions, GetOptions, SecretFilter, SecretsClient, SetOptions};
use meshagent::wire::secrets::{ListSecrets, SecretInfo, tool};
use meshagent::wire::{Content, ErrorCode, Identity, SecretId};
use serde_json::{Value, json};

use crate::request_library::join;
use crate::support::{Participant, TestEnv, TestServer, file, is_error};

fn set(participant: &mut Participant, id: &str, name: &str, delegated_to: Option<&str>, value: &str) {
    let headers = json!({"secret_id": id, "name": name, "delegated_to": delegated_to});
    let input = Content::binary(&headers, value.as_bytes().to_vec().into()).unwrap();
    assert!(matches!(participant.call(tool::SET, input), Content::Empty));
}

/// The value that `input` reads; none if there is no such secret.
#[track_caller]
fn read(participant: &mut Participant, input: &Value) -> Option<String> {
    match participant.call_json(tool::GET, input) {
        Content::Empty => None,
        answer => Some(String::from_utf8(file(answer).2).unwrap()),
    }
}

fn exists(participant: &mut Participant, input: &Value) -> bool {
    let answer: Value = participant.call_json(tool::EXISTS, input).into_json().unwrap();
    answer["exists"].as_bool().unwrap()
}

#[track_caller]
fn conflict(participant: &mut Participant, input: &Value) -> String {
    let answer = participant.call_json(tool::GET, input);
    is_error(&answer, ErrorCode::Conflict);
    match answer {
        Content::Error { text, .. } => text,
        _ => String::new(),
    }
}

#[test]
fn the_owner_that_is_named_is_the_one_that_is_read() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let [mut alice, mut bob, mut mallory] = ["alice", "bob", "mallory"].map(|name| server.join(name));
    set(&mut mallory, "shared", "shared", Some("bob"), "mallory's");
    let to_bob = json!({"secret_id": "shared", "delegated_to": "bob"});
    // The only one there is, as the vendor's scripts expect.
    assert_eq!(read(&mut bob, &to_bob).unwrap(), "mallory's");
    let by = |owner: &str| json!({"secret_id": "shared", "delegated_by": owner});
    assert_eq!(read(&mut bob, &by("alice")), None);
    assert!(!exists(&mut bob, &by("alice")));

    set(&mut alice, "shared", "shared", Some("bob"), "alice's");
    for (owner, value) in [("alice", "alice's"), ("mallory", "mallory's")] {
        assert_eq!(read(&mut bob, &by(owner)).unwrap(), value);
        let both = json!({"secret_id": "shared", "delegated_by": owner, "delegated_to": "bob"});
        assert_eq!(read(&mut bob, &both).unwrap(), value);
        assert!(exists(&mut bob, &both));
    }
    let text = conflict(&mut bob, &to_bob);
    assert!(
        text.contains("alice, mallory") && text.contains("`delegated_by`"),
        "{text}"
    );
    assert!(exists(&mut bob, &to_bob));
    // Own secrets are found as ever, and another's word does not come in between.
    assert_eq!(read(&mut bob, &json!({"secret_id": "shared"})), None);
    set(&mut bob, "shared", "shared", None, "bob's");
    assert_eq!(read(&mut bob, &json!({"secret_id": "shared"})).unwrap(), "bob's");
    assert_eq!(read(&mut bob, &by("bob")).unwrap(), "bob's");
    set(&mut bob, "shared", "shared", Some("bob"), "bob's for bob");
    assert_eq!(read(&mut bob, &to_bob).unwrap(), "bob's for bob");
}

#[test]
fn a_secret_for_another_does_not_exist_whoever_is_named() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let [mut alice, mut mallory] = ["alice", "mallory"].map(|name| server.join(name));
    set(&mut alice, "a", "a", Some("bob"), "for bob");
    set(&mut alice, "own", "own", None, "hers");
    for input in [
        json!({"secret_id": "a", "delegated_by": "alice"}),
        json!({"secret_id": "a", "delegated_by": "alice", "delegated_to": "bob"}),
        json!({"secret_id": "a", "delegated_by": "alice", "delegated_to": "mallory"}),
        json!({"secret_id": "own", "delegated_by": "alice"}),
        json!({"name": "a", "delegated_by": "alice"}),
        json!({"name": "a", "delegated_by": "alice", "delegated_to": "bob"}),
        json!({"name": "own", "delegated_by": "alice"}),
    ] {
        assert_eq!(read(&mut mallory, &input), None, "{input}");
        if input.get("secret_id").is_some() {
            assert!(!exists(&mut mallory, &input), "{input}");
        }
    }
    let bad = mallory.call_json(tool::GET, &json!({"secret_id": "a", "delegated_by": "a\u{1b}"}));
    is_error(&bad, ErrorCode::InvalidRequest);
}

#[test]
fn a_lookup_by_name_finds_own_secrets_first() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let [mut alice, mut bob, mut mallory] = ["alice", "bob", "mallory"].map(|name| server.join(name));
    // It sorts before all others.
    set(&mut mallory, "!", "db", Some("bob"), "mallory's");
    let by_name = json!({"name": "db"});
    assert_eq!(read(&mut bob, &by_name).unwrap(), "mallory's");
    set(&mut alice, "a", "db", Some("bob"), "alice's");
    let text = conflict(&mut bob, &by_name);
    assert!(text.contains("alice, mallory"), "{text}");
    let of_alice = json!({"name": "db", "delegated_by": "alice"});
    assert_eq!(read(&mut bob, &of_alice).unwrap(), "alice's");
    set(&mut bob, "z", "db", None, "bob's");
    assert_eq!(read(&mut bob, &by_name).unwrap(), "bob's");
    set(&mut bob, "y", "db", Some("alice"), "bob's too");
    let text = conflict(&mut bob, &by_name);
    assert!(text.contains("several of your secrets"), "{text}");
    set(&mut alice, "b", "db", Some("bob"), "alice's too");
    let text = conflict(&mut bob, &of_alice);
    assert!(text.contains("by id"), "{text}");
}

/// All pages of a list; each has at most `limit` rows.
fn pages(participant: &mut Participant, prefix: &str, limit: usize) -> Vec<Value> {
    let (mut rows, mut after) = (Vec::new(), Value::Null);
    loop {
        let input = json!({"prefix": prefix, "after": after, "limit": limit});
        let page: Value = participant.call_json(tool::LIST, &input).into_json().unwrap();
        let secrets = page["secrets"].as_array().unwrap();
        assert!(secrets.len() <= limit);
        rows.extend(secrets.iter().cloned());
        after = page["next"].clone();
        if after.is_null() {
            return rows;
        }
        assert_eq!(secrets.len(), limit, "a page that is not the last is full");
    }
}

#[test]
fn lists_say_whose_each_secret_is_and_come_in_pages() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let [mut alice, mut bob, mut mallory] = ["alice", "bob", "mallory"].map(|name| server.join(name));
    for id in ["db/a", "db/b", "mail"] {
        set(&mut bob, id, id, None, "x");
        set(&mut alice, id, id, Some("bob"), "x");
        set(&mut mallory, id, id, Some("bob"), "x");
    }
    set(&mut bob, "db/a", "db/a", None, "again");
    let all: Value = bob.call_json(tool::LIST, &json!({})).into_json().unwrap();
    assert!(all.get("next").is_none(), "{all}");
    let all = all["secrets"].as_array().unwrap();
    assert_eq!(all.len(), 9);
    let owners: Vec<&Value> = all.iter().take(3).map(|row| &row["owner"]).collect();
    assert_eq!(owners, [&json!("alice"), &Value::Null, &json!("mallory")]);
    assert_eq!((&all[1]["version"], &all[4]["version"]), (&json!(2), &json!(1)));
    assert!(
        all.iter()
            .all(|row| row["updated_at"].as_u64().unwrap() > 1_700_000_000)
    );
    for limit in [1, 2, 3, 8, 9, 1000, 5000] {
        assert_eq!(&pages(&mut bob, "", limit), all);
    }
    assert_eq!(pages(&mut bob, "db/", 4), all[..6]);
    assert_eq!(pages(&mut bob, "none", 4), [Value::Null; 0]);

    // A page goes on where the last one ended, whatever became of the secret that ended it.
    let first: Value = alice
        .call_json(tool::LIST, &json!({"limit": 1}))
        .into_json()
        .unwrap();
    let delete = json!({"id": "db/a", "delegated_to": "bob"});
    assert!(matches!(alice.call_json(tool::DELETE, &delete), Content::Empty));
    let rest = json!({"after": first["next"], "limit": 5});
    let rest: Value = alice.call_json(tool::LIST, &rest).into_json().unwrap();
    let ids: Vec<&str> = rest["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["db/b", "mail"]);

    for bad in [
        json!({"limit": 0}),
        json!({"after": "?"}),
        json!({"limit": -1}),
        json!({"prefix": 1}),
    ] {
        is_error(&bob.call_json(tool::LIST, &bad), ErrorCode::InvalidRequest);
    }
    // The cursor of one reader shows another nothing that is not its own.
    let theirs = json!({"after": first["next"], "limit": 5});
    let seen: Value = mallory.call_json(tool::LIST, &theirs).into_json().unwrap();
    assert!(
        seen["secrets"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row.get("owner").is_none())
    );
}

#[tokio::test]
async fn the_library_reads_from_the_owner_it_is_told() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let rooms = [
        join(&server, "alice").await,
        join(&server, "bob").await,
        join(&server, "mallory").await,
    ];
    let [alice, bob, mallory] = rooms.each_ref().map(SecretsClient::new);
    let id = SecretId::new("shared").unwrap();
    let name = |name: &str| Some(Identity::new(name).unwrap());
    for (owner, value) in [(&alice, "alice's"), (&mallory, "mallory's")] {
        let options = SetOptions {
            delegated_to: name("bob"),
            secret_type: Some("text/plain".to_owned()),
            ..SetOptions::default()
        };
        owner
            .set_secret(&id, value.as_bytes().to_vec().into(), options)
            .await
            .unwrap();
    }
    bob.set_secret(&id, b"bob's".to_vec().into(), SetOptions::default())
        .await
        .unwrap();
    for (owner, value) in [
        (None, "bob's"),
        (name("bob"), "bob's"),
        (name("alice"), "alice's"),
        (name("mallory"), "mallory's"),
    ] {
        let options = GetOptions {
            delegated_to: None,
            delegated_by: owner.clone(),
        };
        let secret = bob.get_secret(&id, options).await.unwrap().unwrap();
        assert_eq!(secret.value.expose(), value.as_bytes());
        let other = owner.filter(|owner| owner.as_str() != "bob");
        assert_eq!(secret.owner, other.map(Into::into));
    }
    let filter = SecretFilter {
        secret_type: Some("text/plain".to_owned()),
        delegated_by: name("alice"),
        ..SecretFilter::default()
    };
    assert_eq!(
        bob.find_secret(filter).await.unwrap().unwrap().value.expose(),
        b"alice's"
    );
    let options = GetOptions {
        delegated_to: name("bob"),
        delegated_by: None,
    };
    let error = bob.get_secret(&id, options).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Conflict));
    for (owner, there) in [(None, true), (name("alice"), true), (name("carol"), false)] {
        let options = ExistsOptions {
            delegated_by: owner,
            ..ExistsOptions::default()
        };
        assert_eq!(bob.exists(&id, options).await.unwrap(), there);
    }
    let owners: Vec<Option<String>> = bob
        .list_secrets()
        .await
        .unwrap()
        .into_iter()
        .map(|secret| secret.owner)
        .collect();
    assert_eq!(
        owners,
        [None, Some("alice".to_owned()), Some("mallory".to_owned())]
    );
}

#[tokio::test]
async fn the_library_reads_a_long_list_to_its_end() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let room = join(&server, "alice").await;
    let secrets = SecretsClient::new(&room);
    let ids: Vec<SecretId> = (0..1003)
        .map(|number| SecretId::new(format!("{number:04}")).unwrap())
        .collect();
    let set = |id| secrets.set_secret(id, b"x".to_vec().into(), SetOptions::default());
    for done in futures_util::future::join_all(ids.iter().map(set)).await {
        done.unwrap();
    }
    let id_of = |secret: SecretInfo| secret.id;
    let all: Vec<String> = secrets
        .list_secrets()
        .await
        .unwrap()
        .into_iter()
        .map(id_of)
        .collect();
    assert_eq!(all, ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(secrets.list_secrets_with_prefix("10").await.unwrap().len(), 3);
    let page = ListSecrets {
        limit: Some(u64::MAX),
        ..ListSecrets::default()
    };
    let page = secrets.list_page(&page).await.unwrap();
    assert_eq!((page.secrets.len(), page.next.is_some()), (1000, true));
}
