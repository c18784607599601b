//! Who may do what with whose secret.

use serde_json::json;

use crate::support::{Ran, TestEnv, TestServer, Way, undated};

fn secret(way: &Way<'_>, arguments: &[&str]) -> Ran {
    way.secret(arguments).run()
}

fn ids(way: &Way<'_>) -> Vec<String> {
    let list = secret(way, &["list"]).succeeds().json();
    let ids = list.as_array().unwrap().iter();
    ids.map(|entry| entry["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn everyone_has_secrets_of_their_own() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (bob, carol) = (
        server.with_token("bob", "room"),
        server.with_token("carol", "room"),
    );
    bob.set("a", "bob's");
    carol.set("a", "carol's");
    bob.set("only-bob", "x");
    assert_eq!(
        (bob.get("a"), carol.get("a")),
        (b"bob's".to_vec(), b"carol's".to_vec())
    );
    assert_eq!(ids(&bob), ["a", "only-bob"]);
    assert_eq!(ids(&carol), ["a"]);
    secret(&carol, &["delete", "a"]).succeeds();
    assert_eq!(bob.get("a"), b"bob's");
    server.stop();
}

#[test]
fn the_same_identity_is_the_same_owner_by_whichever_way_it_comes() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    server.with_token("bob", "room").set("a", "x");
    assert_eq!(server.with_identity("bob", "room").get("a"), b"x");
    assert_eq!(env.local_as("bob").get("a"), b"x");
    server.with_key("room").set("b", "y");
    assert_eq!(env.local().get("b"), b"y");
    assert_eq!(server.with_token("alice", "room").get("b"), b"y");
    server.stop();
}

/// Neither stdout, stderr nor exit code tells a secret that is somebody else's from one that is not there.
#[test]
fn missing_and_forbidden_look_the_same() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (bob, carol) = (
        server.with_token("bob", "room"),
        server.with_token("carol", "room"),
    );
    bob.set("theirs", "x");
    let set = ["set", "shared", "--text", "x", "--delegated-to", "dave"];
    secret(&bob, &set).succeeds();
    for arguments in [
        &["get", "ID"][..],
        &["get", "ID", "--delegated-to", "carol"],
        &["get", "ID", "--delegated-to", "bob"],
        &["get", "ID", "--delegated-to", "dave"],
        &["exists", "ID", "--exit-code"],
        &["exists", "ID", "--delegated-to", "dave"],
        &["exists", "ID", "--for-identity", "bob"],
        &["delete", "ID"],
        &["delete", "ID", "--delegated-to", "dave"],
    ] {
        let outcome = |id: &'static str| {
            let arguments: Vec<&str> = arguments
                .iter()
                .map(|a| if *a == "ID" { id } else { a })
                .collect();
            let ran = secret(&carol, &arguments);
            let err = ran.err().replace(id, "ID");
            (ran.status.code(), ran.stdout, err)
        };
        let missing = outcome("nobody's");
        for forbidden in ["theirs", "shared"] {
            assert_eq!(outcome(forbidden), missing, "{arguments:?}");
        }
    }
    assert_eq!(bob.get("theirs"), b"x");
    server.stop();
}

#[test]
fn a_delegate_may_read_and_neither_change_nor_delete() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (bob, carol) = (
        server.with_token("bob", "room"),
        server.with_token("carol", "room"),
    );
    let to_carol = ["--delegated-to", "carol"];
    bob.secret(["set", "a", "--text", "for carol"])
        .args(to_carol)
        .run()
        .succeeds();
    let read = carol.secret(["get", "a"]).args(to_carol).run().succeeds();
    assert_eq!(read.out(), "for carol");
    let mut entry =
        json!([{"id": "a", "type": "application/octet-stream", "name": "a", "delegated_to": "carol"}]);
    assert_eq!(undated(secret(&bob, &["list"]).succeeds().json()), entry);
    entry[0]["owner"] = json!("bob");
    assert_eq!(undated(secret(&carol, &["list"]).succeeds().json()), entry);
    let exists = carol.secret(["exists", "a"]).args(to_carol).run().succeeds();
    assert_eq!(exists.out(), "true\n");

    // What carol sets is carol's own, and deletes nobody else's.
    carol.secret(["set", "a", "--text", "changed"]).run().succeeds();
    carol.secret(["delete", "a"]).args(to_carol).run().refuses(3);
    let owner = bob.secret(["get", "a"]).args(to_carol).run().succeeds();
    assert_eq!(owner.out(), "for carol");
    secret(&bob, &["get", "a"]).refuses(3);

    bob.secret(["delete", "a"]).args(to_carol).run().succeeds();
    carol.secret(["get", "a"]).args(to_carol).run().refuses(3);
    assert_eq!(carol.get("a"), b"changed");
    server.stop();
}

#[test]
fn two_delegations_to_one_identity_are_not_mixed_up() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let to_dave = ["--delegated-to", "dave"];
    for owner in ["bob", "carol"] {
        let way = server.with_token(owner, "room");
        way.secret(["set", "a", "--text", owner])
            .args(to_dave)
            .run()
            .succeeds();
    }
    let dave = server.with_token("dave", "room");
    assert_eq!(ids(&dave), ["a", "a"]);
    let both = dave.secret(["get", "a"]).args(to_dave).run();
    both.ends_with(1).says("(bob, carol)");
    server.stop();
}

#[test]
fn acting_for_another_needs_the_admin_grant() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let plain = server.with_token("bob", "room");
    let admin = server.with_this_token(&server.token("root", "room", true), "room");
    let for_carol = ["--for-identity", "carol"];
    let set = |way: &Way<'_>| way.secret(["set", "a", "--text", "given"]).args(for_carol).run();
    set(&plain).refuses(4).says("admin");
    plain.secret(["exists", "a"]).args(for_carol).run().refuses(4);
    server
        .with_identity("bob", "room")
        .secret(["exists", "a"])
        .args(for_carol)
        .run()
        .refuses(4);
    let carol = server.with_token("carol", "room");
    assert_eq!(ids(&carol), [""; 0]);
    set(&admin).succeeds();
    assert_eq!(carol.get("a"), b"given");
    let exists = admin.secret(["exists", "a"]).args(for_carol).run().succeeds();
    assert_eq!(exists.out(), "true\n");
    // It is carol's: who gave it does not keep it.
    secret(&admin, &["get", "a"]).refuses(3);
    // For oneself nothing is needed.
    plain
        .secret(["set", "b", "--text", "x", "--for-identity", "bob"])
        .run()
        .succeeds();
    assert_eq!(plain.get("b"), b"x");
    server.stop();
}

#[test]
fn the_api_key_joins_as_the_owner_with_the_admin_grant() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let key = server.with_key("room");
    key.set("mine", "x");
    key.secret(["set", "a", "--text", "given", "--for-identity", "bob"])
        .run()
        .succeeds();
    assert_eq!(server.with_token("alice", "room").get("mine"), b"x");
    assert_eq!(server.with_token("bob", "room").get("a"), b"given");
    server.stop();
    env.local()
        .secret(["set", "b", "--text", "y", "--for-identity", "bob"])
        .run()
        .succeeds();
    assert_eq!(env.local_as("bob").get("b"), b"y");
    env.local_as("bob")
        .secret(["set", "b", "--text", "y", "--for-identity", "alice"])
        .run()
        .refuses(4);
}

#[test]
fn rooms_are_apart() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let rooms = ["one", "two", "One", "with space", "\u{fc}%2F?#&", "..."];
    for room in rooms {
        server.with_key(room).set("a", room);
    }
    for room in rooms {
        let way = server.with_key(room);
        assert_eq!(way.get("a"), room.as_bytes());
        assert_eq!(server.with_token("alice", room).get("a"), room.as_bytes());
        assert_eq!(ids(&way), ["a"]);
    }
    secret(&server.with_key("one"), &["delete", "a"]).succeeds();
    assert_eq!(server.with_key("two").get("a"), b"two");
    server.stop();
}

#[test]
fn a_token_without_the_grant_has_no_access() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let spec = env.write(
        "spec.yaml",
        "version: v1\nkind: ParticipantToken\nidentity: bob\nroom: room\napi:\n  messaging: {}\n",
    );
    let token = server.token_with(&["--input", spec.to_str().unwrap()], &[]);
    let way = server.with_this_token(&token, "room");
    for arguments in [
        &["list"][..],
        &["set", "a", "--text", "x"],
        &["get", "a"],
        &["exists", "a"],
        &["delete", "a"],
    ] {
        secret(&way, arguments).refuses(4).says("secrets");
    }
    server.stop();
}
