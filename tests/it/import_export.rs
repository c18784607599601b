//! `export` and `import`: what goes out comes back the same, or does not go out.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    Ran, Screen, Terminal, TestEnv, TestServer, Way, a_megabyte, awkward_bytes, awkward_texts, ends_soon,
    signal,
};

fn import(way: &Way<'_>, file: &str, flags: &[&str]) -> Ran {
    way.secret(["import", file]).args(flags).run()
}

fn export(way: &Way<'_>, flags: &[&str]) -> Ran {
    way.secret(["export"]).args(flags).run()
}

/// Stores awkward texts in the room of local mode; what they are.
fn stored_texts(env: &TestEnv) -> Vec<(&'static str, String)> {
    let mut texts: Vec<(&str, String)> = awkward_texts()
        .into_iter()
        .map(|(name, text)| (name, text.to_owned()))
        .collect();
    texts.push(("MEGABYTE", a_megabyte()));
    for (id, text) in &texts {
        env.local().set(id, text);
    }
    texts
}

#[test]
fn a_file_of_variables_comes_back_through_import() {
    let env = TestEnv::new();
    let texts = stored_texts(&env);
    export(&env.local(), &["--out", "all.env"])
        .succeeds()
        .says_nothing();
    let bob = env.local_as("bob");
    import(&bob, "all.env", &[]).succeeds().says("22 new, 0 replaced");
    for (id, text) in &texts {
        assert_eq!(bob.get(id), text.as_bytes(), "{id}");
    }
    // And once more: what is written does not depend on how it came.
    export(&bob, &["--out", "again.env"]).succeeds();
    assert_eq!(
        fs::read(env.file("all.env")).unwrap(),
        fs::read(env.file("again.env")).unwrap()
    );
}

#[test]
fn a_file_of_variables_comes_back_through_shells() {
    let env = TestEnv::new();
    let texts = stored_texts(&env);
    export(&env.local(), &["--out", "all.env"]).succeeds();
    for shell in ["sh", "bash"] {
        for (id, text) in &texts {
            let script = format!(". ./all.env; printf '%s' \"${id}\"");
            let output = env.command(shell).args(["-c", &script]).output().unwrap();
            assert_eq!(output.stderr, b"", "{shell} {id}");
            assert!(output.stdout == text.as_bytes(), "{shell} {id}");
        }
    }
}

#[test]
fn a_file_of_variables_runs_a_command() {
    let env = TestEnv::new();
    for (id, text) in awkward_texts() {
        env.local().set(id, text);
    }
    // What looks like a reference is one in such a file.
    env.local().set("other", "referenced");
    export(
        &env.local(),
        &[
            "--env-secret",
            "OTHER=other",
            "--out",
            "all.env",
            "REFERENCE",
            "BOTH",
        ],
    )
    .succeeds();
    let script = r#"echo "$OTHER $REFERENCE $BOTH""#;
    let call = env
        .local()
        .secret(["run", "--env-file", "all.env"])
        .args(["--", "sh", "-c", script]);
    let expected = "referenced referenced it's \"both\" and `more`\n";
    assert_eq!(call.run().succeeds().out(), expected);
}

#[test]
fn what_a_file_of_variables_cannot_hold_is_an_error() {
    let env = TestEnv::new();
    let way = env.local();
    way.set("GOOD", "x");
    for (id, value) in awkward_bytes() {
        way.set(id, value);
        let ran = export(&way, &["GOOD", id, "--out", "out.env"]).refuses(1);
        assert!(
            ran.err().contains(&format!("`{id}`")) && ran.err().contains("--format json"),
            "{}",
            ran.err()
        );
        export(&way, &["GOOD", id, "--format=docker"])
            .refuses(1)
            .says("docker");
    }
    way.set("db/password", "x");
    way.set("2nd", "x");
    export(&way, &["GOOD", "db/password", "2nd"])
        .refuses(2)
        .says("`db/password`, `2nd`");
    way.set("UID", "x");
    export(&way, &["UID"]).refuses(1).says("bash");
    export(&way, &["GOOD", "--env-secret", "GOOD=2nd"]).refuses(2);
    export(&way, &["GOOD", "--format=json", "--env-secret", "A=2nd"]).refuses(2);
    export(&way, &["GOOD", "GONE1", "GONE2"])
        .refuses(3)
        .says("`GONE1`, `GONE2`");
    assert_eq!(env.files(), [""; 0]);
    let ran = export(
        &way,
        &[
            "GOOD",
            "--env-secret",
            "DB=db/password",
            "--env-secret",
            "SECOND=2nd",
        ],
    );
    assert_eq!(ran.succeeds().out(), "DB=x\nGOOD=x\nSECOND=x\n");
}

#[test]
fn docker_gets_values_as_they_stand() {
    let env = TestEnv::new();
    let way = env.local();
    let mut expected = Vec::new();
    let mut flags = vec!["--format=docker".to_owned()];
    for (id, text) in awkward_texts() {
        way.set(id, text);
        if text.contains('\n') || text.ends_with('\r') {
            export(&way, &[id, "--format=docker"])
                .refuses(1)
                .says("it has a line break");
        } else {
            flags.push(id.to_owned());
            expected.push(format!("{id}={text}\n"));
        }
    }
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let ran = export(&way, &flags).succeeds();
    expected.sort();
    assert_eq!(ran.out(), expected.concat());
    let bob = env.local_as("bob");
    bob.secret(["import", "-", "--format=docker"])
        .stdin(ran.out())
        .run()
        .succeeds();
    for id in &flags[1..] {
        assert_eq!(bob.get(id), way.get(id));
    }
    way.set("LONG", a_megabyte().replace('\n', " "));
    export(&way, &["LONG", "--format=docker"])
        .refuses(1)
        .says("longer than a line");
}

#[test]
fn json_holds_everything() {
    let env = TestEnv::new();
    let way = env.local();
    let mut values: Vec<(String, Vec<u8>)> = stored_texts(&env)
        .into_iter()
        .map(|(id, text)| (id.to_owned(), text.into_bytes()))
        .collect();
    for (id, value) in awkward_bytes() {
        way.set(id, &value);
        values.push((id.to_owned(), value));
    }
    let described = [
        "set",
        "db/pass \"word\"",
        "--type",
        "text/x",
        "--name",
        "N\u{e4}me",
    ];
    way.secret(described).stdin("x").run().succeeds();
    way.secret(["set", "GOOD", "--delegated-to", "carol"])
        .stdin("for carol")
        .run()
        .succeeds();
    let ran = export(&way, &["--format", "json", "--out", "all.json"]).succeeds();
    assert_eq!(ran.out(), "");

    let bob = env.local_as("bob");
    import(&bob, "all.json", &[]).succeeds().says("Stored 28 secrets");
    for (id, value) in &values {
        assert!(&bob.get(id) == value, "{id}");
    }
    let delegated = env
        .local_as("carol")
        .secret(["get", "GOOD", "--delegated-to", "carol"])
        .run();
    // Both Alice and Bob have delegated it now.
    delegated.ends_with(1);
    export(&bob, &["--format", "json", "--out", "again.json"]).succeeds();
    assert_eq!(
        fs::read(env.file("all.json")).unwrap(),
        fs::read(env.file("again.json")).unwrap()
    );
}

#[test]
fn json_has_a_plain_form() {
    let env = TestEnv::new();
    let way = env.local();
    way.secret(["set", "a", "--type", "text/plain"])
        .stdin("\u{fc}\n")
        .run()
        .succeeds();
    way.set("b", b"\xff\0");
    let ran = export(&way, &["--format=json"]).succeeds();
    assert_eq!(
        ran.json(),
        json!([
            {"id": "a", "type": "text/plain", "name": "a", "value": "\u{fc}\n"},
            {"id": "b", "type": "application/octet-stream", "name": "b", "base64": "/wA="},
        ])
    );
    assert_eq!(export(&way, &["--format=json", "b"]).json()[0]["id"], "b");
    let map = way
        .secret(["import", "-"])
        .stdin(r#" {"c": "1", "d/e": "2"}"#)
        .run();
    map.succeeds()
        .says("Stored 2 secrets in room room: 2 new, 0 replaced.");
    assert_eq!(way.get("d/e"), b"2");
}

#[test]
fn what_others_delegated_is_exported_by_name() {
    let env = TestEnv::new();
    let set = env.local().secret(["set", "A", "--delegated-to", "bob"]);
    set.stdin("for bob").run().succeeds();
    let bob = env.local_as("bob");
    bob.set("B", "own");
    assert_eq!(export(&bob, &[]).succeeds().out(), "B=own\n");
    let both = export(&bob, &["--delegated-by", "alice"]).succeeds();
    assert_eq!(both.out(), "A='for bob'\nB=own\n");
    let ran = export(&bob, &["A", "--delegated-to", "bob", "--format=json"]).succeeds();
    // It is no delegation of Bob's.
    assert_eq!(ran.json()[0]["delegated_to"], json!(null));
    let own = export(&env.local(), &["--format=json"]).succeeds();
    assert_eq!(own.json()[0]["delegated_to"], "bob");
    assert_eq!(export(&env.local(), &[]).succeeds().says("no secrets").out(), "");
}

#[test]
fn a_fault_stores_nothing() {
    let env = TestEnv::new();
    let way = env.local();
    for (name, file, says) in [
        ("a.env", "A=1\nB='canary\n", "a.env: line 2, column 3: the quote"),
        (
            "a.env",
            "A=1\r\nB C\r\n",
            "a.env: line 2, column 3: `=` is missing",
        ),
        ("a.env", "A=1\nA=canary", "a.env: line 2, column 1"),
        (
            "a.json",
            "[{\"id\":\"A\",\"value\":\"1\"},\n{\"id\":\"B\",\"value\":\"canary\"",
            "a.json: line 2, column 26",
        ),
        (
            "a.json",
            "[{\"id\":\"A\",\"value\":\"1\"},{\"id\":\"B\"}]",
            "the secret `B`: it has neither",
        ),
        (
            "a.json",
            "[{\"id\":\"A\",\"value\":\"canary\"},{\"id\":\"A\",\"value\":\"2\"}]",
            "`A` is in it twice",
        ),
        ("a.json", "{\"A\":\"canary\",\"B\":1}", "line 1, column 19"),
        (
            "a.json",
            "{\"A\":\"canary\",\"B\\n\":\"\"}",
            "`B\\u{a}`: its id cannot be used",
        ),
    ] {
        env.write(name, file);
        assert!(
            !import(&way, name, &[])
                .refuses(1)
                .says(says)
                .err()
                .contains("canary")
        );
    }
    import(&way, "gone.env", &[]).refuses(1).says("gone.env");
    env.write("a.json", b"\xff");
    import(&way, "a.json", &[])
        .refuses(1)
        .says("line 1, column 1: this is not UTF-8");
    let twins = r#"[{"id":"A","value":"1"},{"id":"A","delegated_to":"bob","value":"2"}]"#;
    env.write("twins.json", twins);
    import(&way, "twins.json", &["--delegated-to", "carol"])
        .refuses(1)
        .says("twins.json: `A` is in it twice");
    assert!(!env.data_dir().exists());
    import(&way, "twins.json", &[]).succeeds();
}

#[test]
fn type_and_name_stay_where_the_file_says_nothing_of_them() {
    let env = TestEnv::new();
    let way = env.local();
    way.secret(["set", "A", "--type", "text/x", "--name", "Name"])
        .stdin("1")
        .run()
        .succeeds();
    way.secret(["import", "-"])
        .stdin("A=2\nB=3")
        .run()
        .succeeds()
        .says("1 new, 1 replaced");
    assert_eq!(way.get("A"), b"2");
    let list = way.secret(["list"]).run().json();
    assert_eq!(
        (&list[0]["type"], &list[0]["name"]),
        (&json!("text/x"), &json!("Name"))
    );
    assert_eq!(
        (&list[1]["type"], &list[1]["name"]),
        (&json!("application/octet-stream"), &json!("B"))
    );
}

#[test]
fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let env = TestEnv::new();
    let way = env.local();
    way.set("SAME", "1");
    way.set("CHANGED", "canary before");
    env.write("a.env", "SAME=1\nCHANGED='canary after'\nNEW=3");
    let ran = import(&way, "a.env", &["--dry-run"]).succeeds();
    assert_eq!(
        ran.out(),
        "CHANGE   ID       DELEGATED TO\nsame     SAME\nchanged  CHANGED\nnew      NEW\n"
    );
    assert_eq!(
        ran.err(),
        "Of 3 secrets, 1 would be new in room room and 1 changed; nothing was stored.\n"
    );
    assert_eq!(way.get("CHANGED"), b"canary before");
    way.secret(["get", "NEW"]).run().refuses(3);
    let ran = import(&way, "a.env", &["--dry-run", "--delegated-to", "bob"]).succeeds();
    assert!(ran.out().contains("new     SAME     bob"), "{}", ran.out());
    import(&way, "a.env", &["--delegated-to", "bob"]).succeeds();
    let bob = env
        .local_as("bob")
        .secret(["get", "NEW", "--delegated-to", "bob"])
        .run();
    assert_eq!(bob.succeeds().out(), "3");
}

/// Lines of this many variables, whose names end in `tail`.
fn many(variables: usize, tail: &str) -> String {
    let line = |number| format!("V{number}{tail}='value {number}'\n");
    (0..variables).map(line).collect()
}

#[test]
fn many_secrets_come_over_one_connection() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = server.with_token("bob", "room");
    // The list of them is longer than a header usually may be.
    let text = many(3000, &"_".repeat(200));
    env.write("many.env", &text);
    import(&way, "many.env", &[])
        .succeeds()
        .says("Stored 3000 secrets in room room: 3000 new");
    let ran = export(&way, &[]).succeeds();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<String>>();
    assert!(lines(&text) == lines(ran.out()));
    assert_eq!(server.log().matches("joined").count(), 2, "{}", server.log());
    server.stop();
}

/// Far more than are stored before a signal comes.
const FAR_TOO_MANY: usize = 100_000;

#[test]
fn an_interrupted_import_says_what_was_stored() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = server.with_token("bob", "room");
    env.write("many.env", many(FAR_TOO_MANY, ""));
    for (by, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let child = way.secret(["import", "many.env"]).spawn();
        while way.secret(["exists", "V99"]).run().out() != "true\n" {}
        signal(&child, by);
        let output = ends_soon(child);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(
            said.starts_with("warning: at least ")
                && said.contains(&format!(" of {FAR_TOO_MANY} secrets are stored")),
            "{said}"
        );
        let named = said.split('`').nth(1).unwrap();
        let stored: usize = named.strip_prefix('V').unwrap().parse().unwrap();
        assert!(said.contains(&format!("at least {} of", stored + 1)), "{said}");
        // All up to the one that it names, and not all of the file.
        let list = way.secret(["list"]).run().json();
        let ids: BTreeSet<&str> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["id"].as_str().unwrap())
            .collect();
        assert!((0..=stored).all(|number| ids.contains(format!("V{number}").as_str())));
        assert!(ids.len() < FAR_TOO_MANY);
        way.secret(["delete", "V99"]).run().succeeds();
    }
    server.stop();
}

#[test]
fn on_a_terminal_an_import_shows_how_far_it_is() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("many.env", many(FAR_TOO_MANY, ""));
    let way = server.with_token("bob", "room");
    let mut terminal = Terminal::run(way.secret(["import", "many.env", "--color=never"]));
    terminal.shows("Storing ");
    terminal.shows(&format!(" of {FAR_TOO_MANY} ["));
    terminal.types("\x03");
    let screen = terminal.ends();
    assert_eq!(screen.code, 130, "{screen:?}");
    assert!(
        screen.after_moving().starts_with("warning: at least "),
        "{screen:?}"
    );
    server.stop();
}

#[test]
fn what_the_server_refuses_is_named() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-value-bytes", "8"]);
    let ran = server
        .with_key("room")
        .secret(["import", "-"])
        .stdin("A=1\nB=123456789\nC=2")
        .run();
    let ran = ran.ends_with(2).says("error: B was not stored: ");
    assert!(
        ran.err()
            .starts_with("warning: at least 1 of 3 secrets are stored in room room, up to `A`"),
        "{}",
        ran.err()
    );
    server.stop();
}

#[test]
fn on_a_terminal() {
    let env = TestEnv::new();
    let way = env.local();
    way.set("A", "two\nlines");
    let shown =
        |arguments: &[&str]| -> Screen { Terminal::run(way.secret(arguments).arg("--color=never")).ends() };
    let screen = shown(&["export", "A"]);
    assert_eq!((screen.code, screen.text.as_str()), (0, "A='two\r\nlines'\r\n"));
    let screen = shown(&["import", "-"]);
    assert_eq!(screen.code, 2);
    assert!(screen.text.contains("stdin is a terminal"), "{screen:?}");
    way.set("B", "\u{1b}[2J");
    assert_eq!(shown(&["export", "B"]).code, 1);
    let screen = shown(&["export", "B", "--format=json"]);
    assert!(
        screen.code == 0 && screen.text.contains("\\u001b[2J"),
        "{screen:?}"
    );
}

#[test]
fn import_takes_names_that_ids_may_have_and_run_does_not() {
    let env = TestEnv::new();
    let file = "my-key=1\nspring.datasource.url='x y'\n";
    env.write("names.env", file);
    env.local().secret(["import", "names.env"]).run().succeeds();
    assert_eq!(env.local().get("my-key"), b"1");
    assert_eq!(env.local().get("spring.datasource.url"), b"x y");
    let run = env
        .local()
        .secret(["run", "--env-file", "names.env", "--", "true"]);
    run.run()
        .refuses(1)
        .says("line 1, column 3")
        .says("letters, digits and `_`");
}

#[test]
fn a_file_of_windows_or_of_an_old_mac_is_named_as_what_it_is() {
    let env = TestEnv::new();
    let utf16: Vec<u8> = "\u{feff}A=canary\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    env.write("utf16.env", &utf16);
    let json: Vec<u8> = "{\"A\": \"canary\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    env.write("utf16.json", &json);
    env.write("mac.env", "A=canary\rB=2\r");
    for (file, says) in [
        ("utf16.env", "iconv -f UTF-16"),
        ("utf16.json", "iconv -f UTF-16"),
        ("mac.env", "line 1, column 9"),
    ] {
        let ran = env.local().secret(["import", file]).run().refuses(1).says(says);
        assert!(!ran.err().contains("canary"), "{ran:?}");
    }
    let format = env.local().secret(["import", "utf16.json", "--format", "json"]);
    format.run().refuses(1).says("iconv -f UTF-16");
    assert_eq!(env.local().secret(["list"]).run().json(), serde_json::json!([]));
}
