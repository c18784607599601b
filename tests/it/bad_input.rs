//! What is wrong with a command line is said at once: one sentence, one hint, and the right exit code.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

use crate::support::{Call, Ran, TestEnv};

fn secret(env: &TestEnv, arguments: &[&str]) -> Call {
    env.call(["room", "secret"]).args(arguments)
}

/// A mistake that the argument parser finds: it says more than one line, and how to get help.
#[track_caller]
fn is_usage(ran: Ran) -> Ran {
    let ran = ran.ends_with(2);
    assert_eq!(ran.stdout, b"");
    assert!(ran.err().starts_with("error: "), "{}", ran.err());
    assert!(ran.err().contains("--help"), "{}", ran.err());
    ran
}

#[test]
fn no_room() {
    let env = TestEnv::new();
    secret(&env, &["list", "--local"]).run().refuses(2).says("--room");
    secret(&env, &["list"]).run().refuses(2).says("MESHAGENT_ROOM");
    let empty = secret(&env, &["list", "--local"]).env("MESHAGENT_ROOM", "");
    empty.run().refuses(2).says("no room was given");
    assert!(!env.data_dir().exists());
}

#[test]
fn a_room_that_cannot_be() {
    let env = TestEnv::new();
    let long = "a".repeat(256);
    for room in ["", "a/b", "/", "a\\b", ".", "..", "a\nb", "\x1b[31m", &long] {
        let ran = secret(&env, &["list", "--local", "--room", room])
            .run()
            .ends_with(2);
        assert!(ran.err().contains("room's name"), "{}", ran.err());
        assert!(!ran.err().contains('\x1b'));
        let ran = secret(&env, &["list"])
            .env("MESHAGENT_API_KEY", "unread")
            .args(["--room", room]);
        ran.run().ends_with(2);
    }
    assert!(!env.data_dir().exists());
}

#[test]
fn an_id_that_cannot_be() {
    let env = TestEnv::new();
    let (long, wide) = ("a".repeat(300), "\u{fc}".repeat(128));
    for id in ["", "a\nb", "a\tb", "\x1b[2J", &long, &wide] {
        for command in ["get", "exists", "delete", "set"] {
            is_usage(secret(&env, &[command, id, "--local", "--room", "room"]).run());
        }
        let flag = format!("--id={id}");
        is_usage(secret(&env, &["get", &flag, "--local", "--room", "room"]).run());
    }
    let not_text = OsStr::from_bytes(b"a\xff");
    let get = secret(&env, &["get", "--local", "--room", "room"])
        .arg(not_text)
        .run();
    is_usage(get);
    is_usage(secret(&env, &["get", "--local", "--room", "room"]).run());
    is_usage(secret(&env, &["delete", "--local", "--room", "room"]).run());
    assert!(!env.data_dir().exists());
}

/// What the parser repeats of an argument must not steer the terminal either.
#[test]
fn a_bad_argument_is_not_repeated_raw() {
    let env = TestEnv::new();
    let ran = is_usage(secret(&env, &["get", "a\x1b[2Jb", "--local", "--room", "room"]).run());
    assert!(!ran.err().contains('\x1b'), "{:?}", ran.err());
}

#[test]
fn an_identity_that_cannot_be() {
    let env = TestEnv::new();
    let set = |flag: &str, who: &str| {
        secret(
            &env,
            &["set", "a", "--text", "x", "--local", "--room", "room", flag, who],
        )
        .run()
    };
    for who in ["", "a\nb"] {
        is_usage(set("--delegated-to", who));
        is_usage(set("--for-identity", who));
        set("--identity", who).refuses(2);
    }
    assert!(!env.data_dir().exists());
}

#[test]
fn a_value_that_cannot_be() {
    let env = TestEnv::new();
    let set = |flags: &[&str]| secret(&env, &["set", "a", "--local", "--room", "room"]).args(flags);
    for bad in ["not base64!", "AAA", "AA==A", "canary__"] {
        let ran = set(&["--base64", bad]).run().refuses(2).says("base64");
        assert!(!ran.err().contains(bad), "{}", ran.err());
    }
    set(&[]).run().refuses(2).says("--allow-empty");
    set(&["--text", ""]).run().refuses(2);
    set(&["--base64", ""]).run().refuses(2);
    set(&["--strip-newline"]).stdin("\n").run().refuses(2);
    let empty = env.write("empty", "");
    set(&["--in"]).arg(&empty).run().refuses(2);
    for two in [
        &["--text", "canary", "--base64", "YQ=="][..],
        &["--text", "canary", "--in", "file"],
        &["--in", "-", "--base64", "YQ=="],
    ] {
        let ran = is_usage(set(two).run());
        assert!(!ran.err().contains("canary"), "{}", ran.err());
    }
    assert!(!env.data_dir().exists());
}

#[test]
fn an_input_file_that_cannot_be_read() {
    let env = TestEnv::new();
    for path in ["missing", ".", "missing/file"] {
        let ran = secret(&env, &["set", "a", "--in", path, "--local", "--room", "room"]).run();
        let ran = ran.ends_with(1).says(path);
        assert!(ran.err().starts_with("error: ") && ran.stdout.is_empty());
    }
    assert!(!env.data_dir().exists());
}

#[test]
fn an_input_file_that_is_too_large() {
    let env = TestEnv::new();
    let path = env.file("large");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    let set = secret(&env, &["set", "a", "--local", "--room", "room", "--in", "large"]);
    set.run().ends_with(2).says("64 MiB");
}

#[test]
fn no_credential() {
    let env = TestEnv::new();
    let list = || secret(&env, &["list", "--room", "room", "--project-id", "p"]);
    list().run().refuses(4).says("MESHAGENT_API_KEY").says("--local");
    list().env("MESHAGENT_API_KEY", "").run().refuses(4);
    let identity = list().args(["--identity", "bob"]).run();
    identity.refuses(2).says("API key");
}

#[test]
fn a_bad_credential_is_not_repeated() {
    let env = TestEnv::new();
    let list = || secret(&env, &["list", "--room", "room", "--project-id", "p"]);
    let id = "AAAAAAAAAAAAAAAAAAAAAA";
    for key in [
        "ma-canary".to_owned(),
        "canary canary".to_owned(),
        format!("ma-{id}-canary"),
        format!("ma-{id}-{id}-"),
        format!("ma-{id}-{id}-canary canary"),
        format!("ma-canary-{id}-canary"),
    ] {
        for flags in [&[][..], &["--error-format", "json"], &["-vvv"]] {
            let ran = list()
                .args(flags)
                .env("MESHAGENT_API_KEY", &key)
                .run()
                .ends_with(4);
            assert!(ran.err().contains("MESHAGENT_API_KEY"), "{}", ran.err());
            assert!(!ran.err().contains("canary"), "{}", ran.err());
        }
        list().env("MESHAGENT_API_KEY", &key).run().refuses(4);
    }
    for token in ["canary canary", "canary\u{fc}", "canary\n"] {
        let ran = list().env("MESHAGENT_TOKEN", token).run().refuses(4);
        assert!(!ran.err().contains("canary"), "{}", ran.err());
    }
}

#[test]
fn an_address_that_cannot_be() {
    let env = TestEnv::new();
    let list = |url: &str| {
        secret(
            &env,
            &["list", "--room", "room", "--project-id", "p", "--api-url", url],
        )
        .env("MESHAGENT_TOKEN", "token")
        .run()
    };
    for url in [
        "",
        "nonsense",
        "ftp://host",
        "https://user:canary@host",
        "https://host?canary",
    ] {
        let ran = list(url).refuses(2).says("--api-url");
        assert!(!ran.err().contains("canary"), "{}", ran.err());
    }
    list("http://192.0.2.1").refuses(2).says("not encrypted");
}

/// The room on this machine and one elsewhere are never mixed up.
#[test]
fn two_places_at_once() {
    let env = TestEnv::new();
    // Nothing listens on port 1.
    let list = ["list", "--room", "room", "--api-url", "http://127.0.0.1:1"];
    is_usage(secret(&env, &list).arg("--local").run());
    let elsewhere = secret(&env, &list).env("MESHAGENT_LOCAL", "1");
    elsewhere.run().refuses(4).says("not signed in");
    assert!(!env.data_dir().exists());
}

#[test]
fn flags_that_cannot_be() {
    let env = TestEnv::new();
    let list = ["list", "--local", "--room", "room"];
    for flags in [
        &["--timeout", "0"][..],
        &["--timeout", "soon"],
        &["--timeout", "-1"],
        &["--output", "yaml"],
        &["--no-such-flag"],
        &["one", "extra"],
        &["--color", "sometimes"],
    ] {
        is_usage(secret(&env, &list).args(flags).run());
    }
    for command in [&["room", "nonsense"][..], &["nonsense"]] {
        is_usage(env.call(command).run());
    }
    assert!(!env.data_dir().exists());
}

#[test]
fn no_arguments_show_help() {
    let env = TestEnv::new();
    let ran = env.call([""; 0]).run().ends_with(2);
    assert!(
        ran.err().contains("Usage:") && ran.stdout.is_empty(),
        "{}",
        ran.err()
    );
    let help = env.call(["--help"]).run().succeeds().says_nothing();
    assert!(help.out().contains("Usage:"));
    let version = env.call(["--version"]).run().succeeds().says_nothing();
    assert_eq!(
        version.out(),
        concat!("meshagent ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

/// An error as JSON: one line with these members and no other.
#[track_caller]
fn json_error(ran: &Ran) -> Value {
    assert_eq!(ran.stdout, b"");
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
    let error: Value = serde_json::from_str(ran.err()).unwrap();
    assert_eq!(error.as_object().unwrap().len(), 1);
    let error = error["error"].clone();
    let mut members: Vec<&str> = error.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["exit_code", "hint", "kind", "message", "retryable"]);
    assert_eq!(error["exit_code"], ran.status.code().unwrap());
    assert!(!error["message"].as_str().unwrap().is_empty());
    error
}

#[test]
fn errors_as_json() {
    let env = TestEnv::new();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["list", "--local"], 2, "usage"),
        (&["list", "--local", "--room", "a/b"], 2, "usage"),
        (&["get", "gone", "--local", "--room", "room"], 3, "not_found"),
        (
            &["list", "--room", "room", "--project-id", "p"],
            4,
            "not_permitted",
        ),
        (&["list", "--room", "room", "--no-such-flag"], 2, "usage"),
        (&["get", "", "--local", "--room", "room"], 2, "usage"),
        (&["get", "--local", "--room", "room"], 2, "usage"),
        (
            &["set", "a", "--in", "missing", "--local", "--room", "room"],
            1,
            "failed",
        ),
    ];
    for (arguments, code, kind) in cases {
        for format in [&["--error-format", "json"][..], &["--error-format=json"]] {
            let ran = secret(&env, arguments).args(format).run().ends_with(code);
            let error = json_error(&ran);
            assert_eq!(error["kind"], kind, "{arguments:?}");
            assert_eq!(error["retryable"], false, "{arguments:?}");
        }
    }
    let unreachable = secret(&env, &["list", "--room", "room", "--error-format", "json"])
        .env("MESHAGENT_API_URL", "http://127.0.0.1:1")
        .env("MESHAGENT_TOKEN", "token")
        .env("MESHAGENT_ROOM", "room");
    let error = json_error(&unreachable.run().ends_with(7));
    assert_eq!(
        (&error["kind"], &error["retryable"]),
        (&"unreachable".into(), &true.into())
    );
}

#[test]
fn a_bad_room_comes_with_a_hint() {
    let env = TestEnv::new();
    secret(&env, &["list", "--local", "--room", "a/b"])
        .run()
        .refuses(2);
}

#[test]
fn a_usage_error_as_json_says_what_is_missing() {
    let env = TestEnv::new();
    let delete = secret(
        &env,
        &["delete", "--local", "--room", "room", "--error-format", "json"],
    );
    let error = json_error(&delete.run().ends_with(2));
    assert!(error["message"].as_str().unwrap().contains("ID"), "{error}");
}

#[test]
fn an_input_file_that_cannot_be_read_comes_with_a_hint() {
    let env = TestEnv::new();
    secret(
        &env,
        &["set", "a", "--in", "missing", "--local", "--room", "room"],
    )
    .run()
    .refuses(1);
}

/// A mistake that the parser explains in several lines is told whole.
#[test]
fn a_usage_error_as_json_says_what_is_wrong_with_an_id() {
    let env = TestEnv::new();
    let get = [
        "get",
        "a\nb",
        "--local",
        "--room",
        "room",
        "--error-format",
        "json",
    ];
    let error = json_error(&secret(&env, &get).run().ends_with(2));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("control character"), "{error}");
}

/// Each is part of the error, and not a warning beside it.
#[test]
fn several_missing_ids_are_one_error_that_names_them_all() {
    let env = TestEnv::new();
    let delete = |flags: &[&str]| {
        let delete = secret(&env, &["delete", "one", "two", "--local", "--room", "room"]);
        delete.args(flags).run().ends_with(3)
    };
    let error = json_error(&delete(&["--error-format", "json"]));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("`one`") && message.contains("`two`"), "{error}");
    delete(&["--quiet"]).says("`one`").says("`two`");
}

/// What should have written a file has failed, most likely. JSON says that it is a list, and an empty one.
#[test]
fn an_import_of_nothing() {
    let env = TestEnv::new();
    let import = |file: &str| env.local().secret(["import", "-"]).stdin(file).run();
    for nothing in ["", "\n", "# a comment\n"] {
        import(nothing).refuses(1).says("stdin: there is no secret in it");
    }
    for empty in ["[]", "{}"] {
        import(empty).succeeds();
    }
}

#[test]
fn a_server_that_could_serve_nobody() {
    let env = TestEnv::new();
    for flag in [
        "--max-connections",
        "--max-connections-per-address",
        "--max-connections-per-identity",
        "--max-calls",
        "--max-pending-requests",
        "--max-pending-requests-per-identity",
    ] {
        for number in ["0", "18446744073709551615"] {
            let ran = env
                .call(["room", "serve", "--listen", "127.0.0.1:0", flag, number])
                .run();
            ran.ends_with(2).says("is not in 1..=1000000");
        }
    }
}

#[test]
fn set_says_how_a_value_is_given_and_does_not_repeat_it() {
    let env = TestEnv::new();
    for arguments in [
        &["set", "foo", "canary"][..],
        &["set", "foo", "--value", "canary"],
    ] {
        let ran = secret(&env, arguments).run().refuses(2).says("--in PATH");
        assert!(!ran.err().contains("canary"), "{ran:?}");
        let ran = secret(&env, arguments).args(["--error-format", "json"]).run();
        assert!(
            ran.err().contains("--in PATH") && !ran.err().contains("canary"),
            "{ran:?}"
        );
    }
    for arguments in [&["list", "--json"][..], &["list", "-o", "json"]] {
        secret(&env, arguments).run().refuses(2).says("--output json");
    }
    secret(&env, &["remove", "a"]).run().ends_with(2).says("delete");
    env.call(["secert", "list"])
        .run()
        .ends_with(2)
        .says("meshagent room secret");
}
