//! What is stored is what is read, byte for byte, whichever way leads into the room.

use serde_json::json;

use crate::support::{TestEnv, TestServer, Way, undated};

/// Runs `check` in every way into a room that there is.
fn in_every_way(check: impl Fn(&TestEnv, &Way<'_>)) {
    let local = TestEnv::new();
    check(&local, &local.local());
    let network = TestEnv::new();
    let server = TestServer::start(&network);
    check(&network, &server.with_key("with-key"));
    check(&network, &server.with_token("bob", "with-token"));
    check(&network, &server.with_identity("carol", "with-identity"));
    server.stop();
}

/// Bytes without a pattern that a mistake could repeat.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn values_come_back_byte_for_byte() {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let values: [&[u8]; 12] = [
        b"plain text",
        "gr\u{fc}\u{df}e \u{1f511}".as_bytes(),
        &all_bytes,
        b"\0",
        b"a\0b",
        b"\n",
        b"line\n",
        b"line\r\n",
        b"\r",
        b"two\nlines\n\n",
        b"\xef\xbb\xbfbom",
        b"",
    ];
    in_every_way(|_, way| {
        for value in values {
            way.set("value", value);
            assert_eq!(way.get("value"), value);
        }
    });
}

#[test]
fn packet_boundaries_do_not_show() {
    in_every_way(|_, way| {
        for length in [1023, 1025, 1 << 20] {
            let value = noise(length);
            way.set("value", &value);
            assert!(way.get("value") == value, "{length}");
        }
    });
}

#[test]
fn sixteen_mebibytes_locally_and_over_the_network() {
    let env = TestEnv::new();
    let value = noise(16 << 20);
    let file = env.write("value", &value);
    let set = ["set", "large", "--in", file.to_str().unwrap()];
    env.local().secret(set).run().succeeds();
    let server = TestServer::start(&env);
    assert!(server.with_key("room").get("large") == value);
    server.with_token("bob", "room").secret(set).run().succeeds();
    server.stop();
    assert!(env.local_as("bob").get("large") == value);
}

#[test]
fn every_source_of_a_value() {
    let env = TestEnv::new();
    let way = env.local();
    env.write("file", b"from a file\n");
    let sources: [(&[&str], &str, &[u8]); 6] = [
        (&["--in", "file"], "unread", b"from a file\n"),
        (&["--in", "-"], "from stdin", b"from stdin"),
        (&[], "from stdin too", b"from stdin too"),
        (&["--text", "-text"], "unread", b"-text"),
        (&["--base64", "AP8K"], "unread", b"\0\xff\n"),
        (&["--in", "file", "--strip-newline"], "", b"from a file"),
    ];
    for (flags, stdin, expected) in sources {
        way.secret(["set", "a"]).args(flags).stdin(stdin).run().succeeds();
        assert_eq!(way.get("a"), expected, "{flags:?}");
    }
}

#[test]
fn one_newline_is_stripped_and_a_kept_one_is_told() {
    let env = TestEnv::new();
    let way = env.local();
    for (stdin, stored) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a")] {
        let set = way.secret(["set", "a", "--strip-newline"]).stdin(stdin);
        let ran = set.run().succeeds();
        assert!(!ran.err().contains("note:"), "{}", ran.err());
        assert_eq!(way.get("a"), stored.as_bytes());
    }
    let set = || way.secret(["set", "a"]);
    set()
        .stdin("a\n")
        .run()
        .succeeds()
        .says("note: ")
        .says("--strip-newline");
    set().arg("--quiet").stdin("a\n").run().succeeds().says_nothing();
    for told_nothing in [&b"a"[..], b"\xff\n"] {
        let ran = set().stdin(told_nothing).run().succeeds();
        assert!(!ran.err().contains("note:"), "{}", ran.err());
    }
}

#[test]
fn stdout_is_the_answer_alone() {
    let env = TestEnv::new();
    let way = env.local();
    let set = way.secret(["set", "a", "--text", "value"]).run().succeeds();
    assert_eq!(set.out(), "");
    assert!(
        set.err().contains("5 bytes") && set.err().contains('a'),
        "{}",
        set.err()
    );
    way.secret(["get", "a"]).run().succeeds().says_nothing();
    let with_newline = way.secret(["get", "a", "--newline"]).run().succeeds();
    assert_eq!(with_newline.out(), "value\n");
    way.set("ends", "value\n");
    let not_two = way.secret(["get", "ends", "--newline"]).run().succeeds();
    assert_eq!(not_two.out(), "value\n");
    let to_stdout = way.secret(["get", "a", "--out", "-"]).run().succeeds();
    assert_eq!(to_stdout.out(), "value");
    let both = way.secret(["get", "a", "--out", "-", "--newline"]).run();
    assert_eq!(both.succeeds().out(), "value\n");
    way.secret(["get", "a", "--out", "f", "--newline"])
        .run()
        .refuses(2);
    let deleted = way.secret(["delete", "a"]).run().succeeds();
    assert_eq!(deleted.out(), "");
}

#[test]
fn an_id_is_an_argument_or_a_flag() {
    let env = TestEnv::new();
    let way = env.local();
    for id in ["db/password", "with space", "\u{fc}\u{1f511}", "--dashes"] {
        way.secret(["set", "--text", id, &format!("--id={id}")])
            .run()
            .succeeds();
        let ran = way.secret(["get", &format!("--id={id}")]).run().succeeds();
        assert_eq!(ran.out(), id);
        if !id.starts_with('-') {
            assert_eq!(way.get(id), id.as_bytes());
            let exists = way.secret(["exists", id]).run().succeeds();
            assert_eq!(exists.out(), "true\n");
        }
        let delete = way.secret(["delete", &format!("--id={id}")]);
        delete.run().succeeds();
    }
    way.secret(["get", "a", "--id", "b"]).run().ends_with(2);
}

#[test]
fn a_list_is_sorted_json() {
    in_every_way(|_, way| {
        let none = way.secret(["list"]).run().succeeds();
        assert_eq!(none.json(), json!([]));
        for id in ["b", "a", "C"] {
            way.set(id, "x");
        }
        let described = [
            "--type",
            "text/plain",
            "--name",
            "The name",
            "--delegated-to",
            "dave",
        ];
        let set = way.secret(["set", "a", "--text", "x"]).args(described);
        set.run().succeeds();
        let plain = |id: &str| json!({"id": id, "type": "application/octet-stream", "name": id, "delegated_to": null});
        let delegated = json!({"id": "a", "type": "text/plain", "name": "The name", "delegated_to": "dave"});
        let list = way.secret(["list"]).run().succeeds().says_nothing();
        assert_eq!(
            undated(list.json()),
            json!([plain("C"), plain("a"), delegated, plain("b")])
        );
        let asked_for = way.secret(["list", "--output", "json"]).run().succeeds();
        assert_eq!(asked_for.stdout, list.stdout);
    });
}

#[test]
fn a_list_as_a_table() {
    let env = TestEnv::new();
    let way = env.local();
    let table = |way: &Way<'_>| way.secret(["list", "--output", "table"]).run().succeeds();
    assert_eq!(table(&way).out(), "");
    way.set("b", "x");
    way.secret(["set", "a", "--text", "x", "--name", "\u{202e}name"])
        .run()
        .succeeds();
    let text = table(&way);
    let lines: Vec<&str> = text.out().lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("ID  TYPE"), "{lines:?}");
    assert!(lines[1].contains("\\u{202e}name"), "{lines:?}");
    assert!(lines[2].starts_with("b   application/octet-stream"), "{lines:?}");
    // Only columns that say something, and the times, which all rows have.
    assert!(lines[0].ends_with("NAME          UPDATED"), "{lines:?}");
    assert!(lines[2].trim_end().ends_with('Z'), "{lines:?}");
}

#[test]
fn exists_says_so() {
    in_every_way(|_, way| {
        way.set("here", "x");
        let exists = |id: &str, flags: &[&str]| way.secret(["exists", id]).args(flags).run();
        assert_eq!(exists("here", &[]).succeeds().out(), "true\n");
        assert_eq!(exists("gone", &[]).succeeds().out(), "false\n");
        assert_eq!(exists("here", &["--exit-code"]).succeeds().out(), "true\n");
        let gone = exists("gone", &["--exit-code"]).ends_with(3).says_nothing();
        assert_eq!(gone.out(), "false\n");
        for (id, code) in [("here", 0), ("gone", 3)] {
            // Quiet, there is no other way to say it.
            for flags in [&["--quiet"][..], &["--exit-code", "--quiet"]] {
                let quiet = exists(id, flags).ends_with(code).says_nothing();
                assert_eq!(quiet.out(), "");
            }
        }
    });
}

#[test]
fn an_id_may_look_like_a_flag() {
    let env = TestEnv::new();
    let way = env.local();
    way.secret(["set", "--id", "-x", "--text", "-y"]).run().succeeds();
    let ran = way.secret(["get", "--id", "-x"]).run().succeeds();
    assert_eq!(ran.out(), "-y");
    way.secret(["delete", "--id", "-x"]).run().succeeds();
    way.secret(["exists", "--id", "-x", "--quiet"]).run().ends_with(3);
}

#[test]
fn setting_again_replaces_all_of_it() {
    in_every_way(|_, way| {
        let set = [
            "set",
            "a",
            "--text",
            "old and longer",
            "--type",
            "text/plain",
            "--name",
            "old",
        ];
        way.secret(set).run().succeeds();
        way.set("a", "new");
        assert_eq!(way.get("a"), b"new");
        let list = way.secret(["list"]).run().succeeds().json();
        assert_eq!(
            undated(list),
            json!([{"id": "a", "type": "application/octet-stream", "name": "a", "delegated_to": null}])
        );
    });
}

#[test]
fn what_was_deleted_is_gone() {
    in_every_way(|_, way| {
        way.set("a", "x");
        way.secret(["delete", "a"]).run().succeeds();
        way.secret(["get", "a"]).run().refuses(3);
        way.secret(["delete", "a", "--yes"]).run().refuses(3);
    });
}

#[test]
fn one_missing_id_does_not_keep_the_others() {
    in_every_way(|_, way| {
        for id in ["a", "b", "c"] {
            way.set(id, "x");
        }
        let ran = way.secret(["delete", "a", "gone", "b"]).run().ends_with(3);
        assert!(ran.err().contains("`gone`"), "{}", ran.err());
        let list = way.secret(["list"]).run().succeeds().json();
        assert_eq!(list[0]["id"], "c");
        assert_eq!(list.as_array().unwrap().len(), 1);
        let several = way.secret(["delete", "x", "y"]).run().refuses(3);
        several.says("error: there are no secrets `x`, `y` of yours\n");
    });
}

#[test]
fn list_takes_the_start_of_the_ids() {
    let env = TestEnv::new();
    let way = env.local();
    for id in ["db/password", "db/user", "dbx", "api/key"] {
        way.set(id, "x");
    }
    let list = way.secret(["list", "db/"]).run().succeeds().json();
    let ids: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["db/password", "db/user"]);
    let none = way
        .secret(["list", "nothing/", "--output", "table"])
        .run()
        .succeeds();
    none.says("whose ids start with `nothing/`");
}

#[test]
fn a_missing_secret_names_the_one_that_was_meant() {
    let env = TestEnv::new();
    let way = env.local();
    way.set("db/password", "x");
    way.secret(["get", "db/pasword"])
        .run()
        .refuses(3)
        .says("did you mean `db/password`?");
    way.secret(["get", "password"])
        .run()
        .refuses(3)
        .says("did you mean `db/password`?");
    let other = way.secret(["get", "api/key"]).run().refuses(3);
    assert!(!other.err().contains("did you mean"), "{other:?}");
}
