//! Secrets are where they belong and nowhere else, however much is logged and whatever fails.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use meshagent::wire::Content;
use meshagent::wire::secrets::tool;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Participant, Ran, TestEnv, TestServer, upgrade};

const CANARY: &str = "canary-5e8f1c-canary-5e8f1c-canary";

/// All files below a directory.
pub(crate) fn files(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), into);
        } else if kind.is_file() {
            // A server's socket has no content.
            into.push(entry.path());
        }
    }
}

/// The secret as it is, and in the encodings that something could have put it in.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    let debug = format!("{:?}", secret.as_bytes());
    let mut forms = vec![
        secret.as_bytes().to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        debug.trim_matches(['[', ']']).as_bytes().to_vec(),
    ];
    // Base64 looks different at each of three positions; its middle is what all share.
    for offset in 0..3 {
        let padded = [vec![b' '; offset], secret.as_bytes().to_vec()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            forms.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
        }
    }
    forms
}

#[track_caller]
pub(crate) fn is_clean(what: &str, bytes: &[u8], secrets: &[&str]) {
    for secret in secrets {
        for form in forms(secret) {
            let found = bytes.windows(form.len()).any(|window| window == form);
            assert!(!found, "{what} has {}", String::from_utf8_lossy(&form));
        }
    }
}

#[track_caller]
fn says_no(secrets: &[&str], ran: &Ran) {
    is_clean(&ran.line, &ran.stderr, secrets);
}

#[test]
fn what_this_test_looks_for_it_finds() {
    for form in forms(CANARY) {
        let planted = [b"before ".as_slice(), &form, b" after"].concat();
        let caught = std::panic::catch_unwind(|| is_clean("it", &planted, &[CANARY]));
        assert!(caught.is_err(), "{}", String::from_utf8_lossy(&form));
    }
    for offset in 0..3 {
        let encoded = STANDARD_NO_PAD.encode(format!("{}{CANARY}!", " ".repeat(offset)));
        let caught = std::panic::catch_unwind(|| is_clean("it", encoded.as_bytes(), &[CANARY]));
        assert!(caught.is_err(), "{offset}");
    }
}

/// What `-v` is for: why a command got where it did.
#[test]
fn a_log_says_where_and_as_whom_a_room_was_joined() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (key, token) = (server.api_key(), server.token("bob", "room", false));
    let secrets = [key.splitn(4, '-').nth(3).unwrap(), token.as_str()];
    for (way, credential, name) in [
        (server.with_key("room"), "MESHAGENT_API_KEY", None),
        (
            server.with_this_token(&token, "room"),
            "MESHAGENT_TOKEN",
            Some("bob"),
        ),
    ] {
        for verbose in ["-v", "-vvvv"] {
            let ran = way.secret(["list"]).arg(verbose).run().succeeds();
            says_no(&secrets, &ran);
            let log = ran.err();
            assert!(log.contains(&format!("credential=\"{credential}\"")), "{log}");
            assert!(log.contains(&format!("server=\"{}\"", server.address())), "{log}");
            assert!(log.contains("joined") && log.contains(" ms="), "{log}");
            if let Some(name) = name {
                assert!(log.contains(&format!("participant=\"{name}\"")), "{log}");
            }
        }
    }
    server.stop();
}

#[test]
fn a_secret_is_in_no_log_no_argument_and_no_file() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["-vvv"]);
    let (key, token) = (server.api_key(), server.token("bob", "room", false));
    let key_secret = key.splitn(4, '-').nth(3).unwrap();
    let signature = token.rsplit_once('.').unwrap().1;
    let secrets = [CANARY, key_secret, signature];
    let encoded = STANDARD_NO_PAD.encode(CANARY);
    for way in [
        server.with_key("room"),
        server.with_this_token(&token, "room"),
        env.local_as("carol"),
    ] {
        let run = |arguments: &[&str], stdin: &str| {
            let ran = way.secret(arguments).arg("-vvv").stdin(stdin).run();
            says_no(&secrets, &ran);
            ran
        };
        run(&["set", "a"], CANARY).succeeds();
        run(&["set", "b", "--text", CANARY], "").succeeds();
        run(&["set", "c", "--base64", &format!("{encoded}==")], "").succeeds();
        assert_eq!(run(&["get", "a"], "").succeeds().out(), CANARY);
        run(&["get", "a", "--out", "out"], "").succeeds();
        fs::remove_file(env.file("out")).unwrap();
        is_clean("list", &run(&["list"], "").succeeds().stdout, &secrets);
        run(&["delete", "b"], "").succeeds();
        // Mistakes are no reason to repeat a value.
        run(&["set", "a", "--base64", &format!("{CANARY}!")], "").ends_with(2);
        run(&["set", "a", "--text", CANARY, "--in", "-"], "").ends_with(2);
        run(&["set", "a\nb", "--text", CANARY], "").ends_with(2);
        run(
            &[
                "set",
                "a",
                "--for-identity",
                "dave",
                "--no-such-flag",
                "--text",
                CANARY,
            ],
            "",
        )
        .ends_with(2);
        run(&["set", "a", "--for-identity", "dave"], CANARY);
        run(&["get", "gone"], "").ends_with(3);
    }
    let join = format!("/rooms/room?token={token}");
    assert_eq!(upgrade(server.address(), &join, &[]).status, 101);
    // What the server refuses, it does not log either.
    let forged = format!(
        "{}.{}",
        token.rsplit_once('.').unwrap().0,
        URL_SAFE_NO_PAD.encode(CANARY)
    );
    let ran = server
        .with_this_token(&forged, "room")
        .secret(["list", "-vvv"])
        .run()
        .ends_with(4);
    says_no(&secrets, &ran);
    let wrong_key = key.replace(key_secret, CANARY);
    let ran = server
        .with_key("room")
        .secret(["list", "-vvv"])
        .env("MESHAGENT_API_KEY", &wrong_key)
        .run();
    says_no(&secrets, &ran.ends_with(4));
    let mut by_hand = Participant::join(server.address(), "room", &token);
    by_hand.send(
        "secrets.set_secret",
        &serde_json::json!([CANARY]),
        CANARY.as_bytes(),
    );
    by_hand.send(CANARY, &serde_json::json!({CANARY: CANARY}), CANARY.as_bytes());
    provide_canary(&mut by_hand, &server);
    drop(by_hand);

    let arguments = fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
    assert!(arguments.starts_with(env!("CARGO_BIN_EXE_meshagent").as_bytes()));
    is_clean("the server's argv", &arguments, &secrets);
    is_clean("the server's log", server.log().as_bytes(), &secrets);
    every_file_is_clean(&env, &secrets);
    server.stop();
    every_file_is_clean(&env, &secrets);
}

/// Asks another participant for the canary, and is given it; and is refused, in words with the canary.
fn provide_canary(requester: &mut Participant, server: &TestServer<'_>) {
    let mut provider = server.join("dave");
    for (url, error) in [("given", None), ("refused", Some(CANARY))] {
        let input = serde_json::json!({"url": url, "participant_id": provider.id});
        requester.ask(tool::REQUEST, Content::json(&input).unwrap());
        let request = provider.pushed("secrets.request_secret");
        let headers = serde_json::json!({"request_id": request["request_id"], "error": error});
        for _ in 0..2 {
            // The second comes too late.
            let value = CANARY.as_bytes().to_vec().into();
            provider.call(tool::PROVIDE, Content::binary(&headers, value).unwrap());
        }
        requester.answers(1);
    }
}

#[test]
fn a_secret_in_a_file_of_secrets_or_for_a_program_is_in_no_log_and_no_argument() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["-vvv"]);
    let secrets = [CANARY];
    for way in [server.with_key("room"), env.local_as("carol")] {
        let run = |arguments: &[&str], stdin: &str| {
            let ran = way.secret(arguments).arg("-vvv").stdin(stdin).run();
            says_no(&secrets, &ran);
            ran
        };
        run(&["set", "a"], CANARY).succeeds();
        let (file, lines) = (
            format!("C='{CANARY}'\n"),
            format!("protocol=https\nhost=h\nusername=u\npassword={CANARY}\n"),
        );
        run(&["import", "-"], &file).succeeds();
        is_clean(
            "import",
            &run(&["import", "-", "--dry-run"], &file).succeeds().stdout,
            &secrets,
        );
        run(&["import", "-"], &format!("{file}D='{CANARY}")).ends_with(1);
        assert_eq!(
            run(&["export", "C"], "").succeeds().out(),
            format!("C={CANARY}\n")
        );
        run(&["export", "C", "a", "gone"], "").ends_with(3);
        assert_eq!(run(&["inject"], "{{ secret \"a\" }}").succeeds().out(), CANARY);
        run(&["inject"], "{{ secret \"a\" }}{{ secret \"gone\" }}").ends_with(3);
        run(&["git-credential", "store"], &lines).succeeds();
        run(&["git-credential", "get"], "protocol=https\nhost=h\n").succeeds();
        let started =
            way.secret(["run", "-vvv", "--env-secret=A=a"])
                .args(["--", "cat", "/proc/self/cmdline"]);
        let started = started.run().succeeds();
        says_no(&secrets, &started);
        is_clean("the command's argv", &started.stdout, &secrets);
        let started = way
            .secret(["run", "-vvv", "--env-secret=A=a"])
            .args(["--", "./gone"])
            .run();
        says_no(&secrets, &started.ends_with(127));
    }
    is_clean("the server's log", server.log().as_bytes(), &secrets);
    server.stop();
    every_file_is_clean(&env, &secrets);
}

/// Only `client.env` has the API key, and no file a value.
pub(crate) fn every_file_is_clean(env: &TestEnv, secrets: &[&str]) {
    let mut paths = Vec::new();
    files(env.root(), &mut paths);
    assert!(paths.len() >= 4, "{paths:?}");
    for path in paths {
        let own: &[&str] = if path.ends_with("client.env") {
            &secrets[..1]
        } else {
            secrets
        };
        is_clean(path.to_str().unwrap(), &fs::read(&path).unwrap(), own);
    }
}

#[test]
fn a_key_of_the_store_is_in_its_file_alone() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["-vvv"]);
    server.with_key("room").set("a", "x");
    let key = fs::read_to_string(env.data_dir().join("store.key")).unwrap();
    let key = key.trim_end();
    let mut paths = Vec::new();
    files(env.root(), &mut paths);
    for path in paths.iter().filter(|path| !path.ends_with("store.key")) {
        let content = fs::read(path).unwrap();
        let found = content.windows(key.len()).any(|window| window == key.as_bytes());
        assert!(!found, "{}", path.display());
    }
    server.stop();
}

/// Even where core dumps are wanted, as they are of this process from here on.
#[test]
#[cfg(target_os = "linux")]
fn a_server_leaves_no_core_dump() {
    let maximum = getrlimit(Resource::Core).maximum;
    let current = maximum;
    setrlimit(Resource::Core, Rlimit { current, maximum }).unwrap();
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    server.stop();
}
