//! `room backup` and `room restore`: what was acknowledged is in the backup, and a restored directory is one to serve.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use meshagent::wire::Content;
use meshagent::wire::secrets::tool;
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::json;

use crate::secrecy::{files, is_clean};
use crate::support::{Call, Participant, Ran, Terminal, TestEnv, TestServer, Way, ends_soon, signal};

const CANARY: &str = "canary-5e8f1c-canary-5e8f1c-canary";
const MORE_THAN_A_PIPE: usize = 1 << 20;

/// An environment with the secret `a` in its store, and a file `pass` with a passphrase.
fn stored() -> TestEnv {
    let env = TestEnv::new();
    env.local().set("a", CANARY);
    private(&env, "pass", "correct horse\n");
    env
}

fn private(env: &TestEnv, name: &str, content: &str) -> PathBuf {
    let path = env.write(name, content);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn backup(env: &TestEnv, arguments: &[&str]) -> Call {
    env.call(["room", "backup", "--passphrase-file", "pass"])
        .args(arguments)
}

fn restore(env: &TestEnv, arguments: &[&str]) -> Call {
    env.call(["room", "restore", "--passphrase-file", "pass"])
        .args(arguments)
}

fn restored(env: &TestEnv, file: &str) -> Ran {
    restore(env, &[file, "--data-dir", "restored"]).run()
}

/// The room `room` of the directory `restored`.
fn in_restored(env: &TestEnv) -> Way<'_> {
    let directory = env.file("restored");
    let variables = [("MESHAGENT_DATA_DIR", directory.to_str().unwrap())];
    Way::new(env, &variables, &["--local", "--room", "room"])
}

/// Nothing but this is in the working directory, and nothing unfinished in the data directory or where temporary files
/// are.
#[track_caller]
fn nothing_else_is_left(env: &TestEnv, expected: &[&str]) {
    assert_eq!(env.files(), expected);
    for directory in [env.data_dir(), env.root().join("tmp")] {
        let mut entries = fs::read_dir(directory).unwrap();
        let left = entries.find(|entry| entry.as_ref().unwrap().path().is_dir());
        assert!(left.is_none(), "{left:?}");
    }
}

fn set(participant: &mut Participant, id: &str) {
    let headers = json!({"secret_id": id, "type": "text/plain", "name": id, "for_identity": null, "delegated_to": null});
    let value = format!("value of {id}").into_bytes();
    let answer = participant.call(tool::SET, Content::binary(&headers, value.into()).unwrap());
    assert!(!matches!(answer, Content::Error { .. }), "{answer:?}");
}

#[test]
fn backup_while_a_server_writes_holds_everything_that_was_acknowledged_before() {
    let env = stored();
    let server = TestServer::start(&env);
    let mut writer = server.join("bob");
    let (acknowledged, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut before = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                set(
                    &mut writer,
                    &format!("id-{}", acknowledged.load(Ordering::SeqCst)),
                );
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
        });
        for round in 0..3 {
            while acknowledged.load(Ordering::SeqCst) < (round + 1) * 20 {
                thread::yield_now();
            }
            before.push(acknowledged.load(Ordering::SeqCst));
            backup(&env, &[&format!("backup-{round}"), "--include-key"])
                .run()
                .succeeds();
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(acknowledged.load(Ordering::SeqCst) > before[2]);
    server.stop();
    for (round, before) in before.into_iter().enumerate() {
        let directory = format!("restored-{round}");
        restore(&env, &[&format!("backup-{round}"), "--data-dir", &directory])
            .run()
            .succeeds();
        let listed = env
            .local_as("bob")
            .secret(["list", "--output", "json"])
            .env("MESHAGENT_DATA_DIR", env.file(&directory))
            .run()
            .succeeds();
        let listed = listed.json().to_string();
        for at in 0..before {
            assert!(
                listed.contains(&format!("\"id-{at}\"")),
                "{at} of {before}: {listed}"
            );
        }
    }
}

#[test]
fn restore_gives_a_directory_that_is_served_and_used_by_local_commands() {
    let env = stored();
    backup(&env, &["backup", "--include-key"])
        .run()
        .succeeds()
        .says("Backed up 1 secret to backup.");
    restored(&env, "backup")
        .succeeds()
        .says("Restored 1 secret, all of which open, to restored");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&env.file("backup")), 0o600);
    assert_eq!(mode(&env.file("restored")), 0o700);
    let mut paths = Vec::new();
    files(&env.file("restored"), &mut paths);
    for path in paths {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    nothing_else_is_left(&env, &["backup", "pass", "restored"]);
    assert_eq!(in_restored(&env).get("a"), CANARY.as_bytes());
    let before = TestServer::start(&env);
    let api_key = before.api_key();
    before.stop();
    // The key of the API is made at the first start, so that a later backup holds it.
    backup(&env, &["backup", "--include-key", "--force"])
        .run()
        .succeeds();
    fs::remove_dir_all(env.data_dir()).unwrap();
    let directory = env.data_dir();
    restore(&env, &["backup", "--data-dir", directory.to_str().unwrap()])
        .run()
        .succeeds();
    let server = TestServer::start(&env);
    assert_eq!(server.api_key(), api_key);
    assert_eq!(server.with_key("room").get("a"), CANARY.as_bytes());
    server.stop();
}

#[test]
fn backup_shows_no_value_no_key_and_no_name() {
    let env = stored();
    env.local().set("a-name-to-be-hidden", "x");
    let key = fs::read_to_string(env.data_dir().join("store.key")).unwrap();
    let secrets = [CANARY, key.trim(), "a-name-to-be-hidden", "correct horse"];
    for arguments in [&["backup"][..], &["backup", "--force", "--include-key"]] {
        let ran = backup(&env, arguments).arg("-vvv").run().succeeds();
        is_clean("the backup", &fs::read(env.file("backup")).unwrap(), &secrets);
        is_clean("stderr", &ran.stderr, &secrets);
    }
    let ran = restored(&env, "backup").succeeds();
    is_clean("stderr", &ran.stderr, &secrets);
    let plain = env.call(["room", "backup", "plain", "--no-encryption"]);
    plain.run().succeeds();
    is_clean("the backup", &fs::read(env.file("plain")).unwrap(), &secrets[..2]);
}

#[test]
fn backup_without_the_key_is_restored_with_it() {
    let env = stored();
    backup(&env, &["backup"]).run().succeeds();
    restored(&env, "backup")
        .refuses(1)
        .says("the store's key is not in the backup");
    let key = env.data_dir().join("store.key");
    let key = key.to_str().unwrap();
    restore(&env, &["backup", "--verify", "--key-file", key])
        .run()
        .succeeds()
        .says("backup is intact: 1 secret, all of which open");
    nothing_else_is_left(&env, &["backup", "pass"]);
    restore(&env, &["backup", "--data-dir", "restored", "--key-file", key])
        .run()
        .succeeds();
    assert!(!env.file("restored").join("store.key").exists());
    let get = in_restored(&env).secret(["get", "a"]);
    assert_eq!(get.env("MESHAGENT_KEY_FILE", key).run().succeeds().out(), CANARY);
}

#[test]
fn backup_of_a_store_with_a_passphrase_needs_that_passphrase_too() {
    let env = TestEnv::new();
    private(&env, "pass", "correct horse\n");
    let key = private(&env, "key-pass", "battery staple\n");
    let variable = "MESHAGENT_KEY_PASSPHRASE_FILE";
    let set = env.local().secret(["set", "a", "--text", "x"]);
    set.env(variable, &key).run().succeeds();
    backup(&env, &["backup", "--include-key"])
        .env(variable, &key)
        .run()
        .refuses(1)
        .says("no key to include");
    backup(&env, &["backup"]).run().succeeds();
    let with_key = restore(&env, &["backup", "--data-dir", "restored"]).env(variable, &key);
    with_key.run().succeeds();
    let get = in_restored(&env).secret(["get", "a"]).env(variable, &key);
    assert_eq!(get.run().succeeds().out(), "x");
}

#[test]
fn restore_of_a_file_that_is_not_right_leaves_nothing() {
    let env = stored();
    backup(&env, &["backup", "--include-key"]).run().succeeds();
    let whole = fs::read(env.file("backup")).unwrap();
    let flipped = |at: usize| {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        flipped
    };
    private(&env, "other", "battery staple");
    let names = ["backup", "bad", "other", "pass"];
    for (content, says) in [
        // A passphrase is known to be right once the first part of the content has opened.
        (&flipped(1000)[..], "does not open the backup"),
        (&flipped(whole.len() - 1000), "is damaged or incomplete"),
        (&whole[..whole.len() - 1], "is damaged or incomplete"),
        (&whole[..30], "not a backup"),
        (b"", "not a backup"),
        (&[b'x'; 100], "not a backup"),
    ] {
        env.write("bad", content);
        restored(&env, "bad").refuses(1).says(says);
        restore(&env, &["bad", "--verify"]).run().refuses(1).says(says);
        nothing_else_is_left(&env, &names);
    }
    let restore = env.call(["room", "restore", "backup", "--data-dir", "restored"]);
    restore
        .args(["--passphrase-file", "other"])
        .run()
        .refuses(1)
        .says("the passphrase does not open the backup");
    nothing_else_is_left(&env, &names);
}

#[test]
fn restore_finds_a_row_that_was_damaged_before_the_backup() {
    let env = stored();
    let connection = Connection::open(crate::bad_store::database(&env)).unwrap();
    connection
        .execute("UPDATE secret SET name = 'other'", ())
        .unwrap();
    drop(connection);
    backup(&env, &["backup", "--include-key"]).run().succeeds();
    restored(&env, "backup")
        .refuses(1)
        .says("the secret a in room room is damaged");
    nothing_else_is_left(&env, &["backup", "pass"]);
}

#[test]
fn restore_takes_a_new_or_empty_directory_alone() {
    let env = stored();
    backup(&env, &["backup", "--include-key"]).run().succeeds();
    let target = env.file("restored");
    fs::create_dir(&target).unwrap();
    restored(&env, "backup").succeeds();
    restored(&env, "backup").refuses(1).says("restored is not empty");
    assert_eq!(in_restored(&env).get("a"), CANARY.as_bytes());
    fs::remove_dir_all(&target).unwrap();
    fs::write(&target, "x").unwrap();
    restored(&env, "backup")
        .refuses(1)
        .says("restored cannot be used");
    fs::remove_file(&target).unwrap();
    for place in ["missing/restored", "/proc/restored"] {
        restore(&env, &["backup", "--data-dir", place]).run().refuses(1);
    }
    nothing_else_is_left(&env, &["backup", "pass"]);
}

#[test]
fn backup_that_cannot_be_written_leaves_what_was_there() {
    let env = stored();
    env.write("there", "x");
    backup(&env, &["there"])
        .run()
        .refuses(1)
        .says("there exists already");
    backup(&env, &["missing/backup"])
        .run()
        .refuses(1)
        .says("missing/backup cannot be written");
    backup(&env, &["/dev/full", "--force"])
        .run()
        .refuses(1)
        .says("No space left");
    backup(&env, &["backup", "--data-dir", "nowhere"])
        .run()
        .refuses(1)
        .says("there is no store in nowhere");
    assert_eq!(fs::read(env.file("there")).unwrap(), b"x");
    nothing_else_is_left(&env, &["pass", "there"]);
    backup(&env, &["there", "--force"]).run().succeeds();
}

#[test]
fn backup_without_encryption_goes_through_a_pipe_and_holds_no_key() {
    let env = stored();
    let plain = |arguments: &[&str]| env.call(["room"]).args(arguments).arg("--no-encryption");
    plain(&["backup", "-", "--include-key"]).run().ends_with(2);
    let written = plain(&["backup", "-"])
        .run()
        .succeeds()
        .says("Backed up 1 secret.");
    let key = env.data_dir().join("store.key");
    let verify = |call: Call| call.arg("--key-file").arg(&key).stdin(&written.stdout).run();
    verify(plain(&["restore", "-", "--verify"]))
        .succeeds()
        .says("stdin is intact");
    // What somebody puts in the place of an encrypted backup is not taken for it.
    verify(restore(&env, &["-", "--verify"]))
        .refuses(1)
        .says("the backup is not encrypted");
    backup(&env, &["backup"]).run().succeeds();
    plain(&["restore", "backup", "--verify"])
        .run()
        .refuses(1)
        .says("the backup is encrypted");
}

#[test]
fn backup_asks_for_the_passphrase_twice_and_shows_it_never() {
    let env = stored();
    let ask = |arguments: &[&str]| Terminal::run(env.call(["room"]).args(arguments).arg("--color=never"));
    for (again, code) in [("correct horse", 0), ("correct hors", 2)] {
        let mut terminal = ask(&["backup", "backup", "--force", "--include-key"]);
        terminal.shows("Passphrase of the backup (not shown): ");
        terminal.types("correct horse\r");
        terminal.shows("The same again: ");
        terminal.types(&format!("{again}\r"));
        let screen = terminal.ends();
        assert_eq!(screen.code, code, "{screen:?}");
        assert!(!screen.text.contains("hors"), "{screen:?}");
    }
    restored(&env, "backup").succeeds();
    let mut terminal = ask(&["restore", "backup", "--verify"]);
    terminal.shows("Passphrase of the backup (not shown): ");
    terminal.types("correct horse\r");
    assert_eq!(terminal.ends().code, 0);
    let screen = ask(&["backup", "-", "--passphrase-file", "pass"]).ends();
    assert!(
        screen.code == 2 && screen.text.contains("stdout is a terminal"),
        "{screen:?}"
    );
    env.call(["room", "backup", "other"])
        .run()
        .refuses(2)
        .says("no passphrase was given");
}

#[test]
fn a_signal_ends_backup_and_restore_and_leaves_nothing() {
    let env = stored();
    env.local().set("large", vec![b'x'; MORE_THAN_A_PIPE]);
    let mut child = backup(&env, &["-"]).spawn();
    // It writes, and cannot come to an end.
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    signal(&child, Signal::INT);
    let mut stdout = child.stdout.take().unwrap();
    assert_eq!(ends_soon(child).status.code(), Some(130));
    let mut start = Vec::new();
    stdout.read_to_end(&mut start).unwrap();
    assert!(start.len() < MORE_THAN_A_PIPE, "{}", start.len());
    nothing_else_is_left(&env, &["pass"]);
    backup(&env, &["backup", "--include-key"]).run().succeeds();
    let whole = fs::read(env.file("backup")).unwrap();
    let mut child = restore(&env, &["-", "--data-dir", "restored"]).spawn();
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds, so that it is being read.
    stdin.write_all(&whole[..whole.len() - 1]).unwrap();
    signal(&child, Signal::TERM);
    assert_eq!(ends_soon(child).status.code(), Some(143));
    nothing_else_is_left(&env, &["backup", "pass"]);
}

#[test]
fn backup_that_is_killed_leaves_the_store_as_it_was_and_no_half_file() {
    let env = stored();
    for round in 0..8 {
        let file = format!("backup-{round}");
        let mut child = backup(&env, &[&file, "--include-key"]).spawn();
        let is_at_work = || {
            let mut entries = fs::read_dir(env.data_dir()).unwrap();
            entries.any(|entry| entry.is_ok_and(|entry| entry.path().is_dir()))
        };
        while !is_at_work() && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        // At another moment in each round.
        for _ in 0..round * 1000 {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if env.file(&file).exists() {
            restore(&env, &[&file, "--verify"]).run().succeeds();
        }
        assert_eq!(env.local().get("a"), CANARY.as_bytes());
        for entry in fs::read_dir(env.data_dir()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            }
        }
    }
}
