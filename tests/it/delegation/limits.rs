//! What one owner may have in a room, and lists that others made long.

use futures_util::future::try_join_all;
use meshagent::server::data_dir::DataDir;
use meshagent::server::store::{
    AuditEntry, KeySource, SecretKey, SecretKind, SecretRecord, SqliteStore, Store,
};
use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, ErrorCode, Identity, RoomName, SecretId};
use serde_json::json;

use crate::support::{TestEnv, TestServer, file, is_error};

#[test]
fn a_change_over_a_limit_says_which_and_how_many_and_what_to_do() {
    let env = TestEnv::new();
    let flags = [
        "--max-secrets",
        "3",
        "--max-owner-bytes",
        "1000",
        "--max-delegated",
        "1",
    ];
    let server = TestServer::start_with(&env, &flags);
    let alice = server.with_token("alice", "room");
    let set = |id: &str, flags: &[&str], length: usize| {
        let call = alice.secret(["set", id]).args(flags);
        call.stdin("x".repeat(length)).run()
    };
    let to_bob = ["--delegated-to", "bob"];
    set("one", &to_bob, 10).succeeds();
    let delegated = set("two", &to_bob, 10).ends_with(1);
    delegated
        .says("an owner has at most 1 secrets delegated to one identity here")
        .says("delete some of those")
        .says("--max-delegated");
    set("two", &["--delegated-to", "carol"], 10).succeeds();
    let bytes = set("three", &[], 900).ends_with(1);
    bytes
        .says("an owner's secrets in a room have at most 1000 bytes together here")
        .says("--max-owner-bytes");
    set("three", &[], 10).succeeds();
    let secrets = set("four", &[], 10).ends_with(1);
    secrets
        .says("an owner has at most 3 secrets in a room here")
        .says("delete secrets that are not needed")
        .says("--max-secrets");
    // What is there is replaced and deleted, and that makes place.
    set("three", &[], 20).succeeds();
    alice.secret(["delete", "three"]).run().succeeds();
    set("four", &[], 10).succeeds();
    // Others have limits of their own.
    server.with_token("bob", "room").set("four", "x");
    server.stop();
}

#[test]
fn an_import_over_a_limit_says_so() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-secrets", "2"]);
    let alice = server.with_token("alice", "room");
    let file = env.write("app.env", "A=1\nB=2\nC=3\n");
    let import = alice.secret(["import"]).arg(file).run().ends_with(1);
    // Which of the three is refused depends on the order in which they arrive.
    import
        .says("was not stored: an owner has at most 2 secrets")
        .says("of 3 secrets");
    server.stop();
}

#[test]
fn answers_to_requests_count_for_the_identity_that_gives_them() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-delegated", "1"]);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    for is_within in [true, false] {
        let url = format!("https://{is_within}.example");
        let input = json!({"url": url, "type": "text", "participant_id": bob.id, "timeout": 30});
        ada.ask(tool::REQUEST, Content::json(&input).unwrap());
        let request = bob.pushed("secrets.request_secret");
        let headers = json!({"request_id": request["request_id"]});
        let value = Content::binary(&headers, b"x".to_vec().into()).unwrap();
        let provided = bob.call(tool::PROVIDE, value);
        let (_, answer) = ada.answers(1).pop_first().unwrap();
        if is_within {
            assert!(matches!(provided, Content::Empty), "{provided:?}");
            assert_eq!(file(answer).2, b"x");
        } else {
            is_error(&provided, ErrorCode::OperationFailed);
            is_error(&answer, ErrorCode::OperationFailed);
            let Content::Error { text, .. } = provided else {
                unreachable!()
            };
            assert!(
                text.starts_with("an owner has at most 1 secrets delegated to one identity here"),
                "{text}"
            );
        }
    }
    server.stop();
}

/// So many secrets, which Mallory delegated to Bob. Their list is longer than an answer: quotes take two bytes in
/// JSON.
fn flood(env: &TestEnv, secrets: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let directory = DataDir::open_to_serve(&env.data_dir()).unwrap();
        let store = SqliteStore::open(&directory, &KeySource::Default).unwrap();
        let write = |number: usize| {
            let id = format!("{number:0255}");
            let record = SecretRecord {
                key: SecretKey {
                    room: RoomName::new("room").unwrap(),
                    owner: Identity::new("mallory").unwrap(),
                    delegated_to: Some(Identity::new("bob").unwrap()),
                    id: SecretId::new(id).unwrap(),
                },
                kind: SecretKind::Stored,
                secret_type: "\"".repeat(255),
                name: "\"".repeat(255),
            };
            store.write(record, b"x".to_vec().into(), AuditEntry::of_server("test"))
        };
        try_join_all((0..secrets).map(write)).await.unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn thousands_of_delegated_secrets_break_neither_list_nor_export() {
    const SECRETS: usize = 13_000;
    let env = TestEnv::new();
    flood(&env, SECRETS);
    let server = TestServer::start(&env);
    let bob = server.with_token("bob", "room");
    bob.set("OWN", "bob's");
    let list = bob.secret(["list"]).run().succeeds().json();
    assert_eq!(list.as_array().unwrap().len(), SECRETS + 1);
    assert_eq!(bob.secret(["export"]).run().succeeds().out(), "OWN=\"bob's\"\n");

    // A client that knows no pages hears what to do.
    let mut bob = server.join("bob");
    let all = bob.call_json(tool::LIST, &json!({}));
    is_error(&all, ErrorCode::OperationFailed);
    let Content::Error { text, .. } = all else {
        unreachable!()
    };
    assert_eq!(
        text,
        "the list is longer than an answer (16 MiB): read it in pages with `limit`, or a part of it with `prefix`"
    );
    let part = bob.call_json(tool::LIST, &json!({"prefix": "OWN"}));
    assert!(matches!(part, Content::Json { .. }), "{part:?}");
}
