//! `room key`: the store's keys and their source change while a server serves.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use meshagent::wire::Content;
use meshagent::wire::secrets::tool;
use serde_json::{Value, json};

use crate::support::{Call, Participant, TestEnv, TestServer};

fn key<const N: usize>(env: &TestEnv, arguments: [&str; N]) -> Call {
    env.call(["room", "key"]).args(arguments)
}

fn status(env: &TestEnv, flags: &[&str]) -> Value {
    key(env, ["status"]).args(flags).run().succeeds().json()
}

fn set(participant: &mut Participant, id: &str, value: &[u8]) {
    let headers = json!({"secret_id": id, "type": "text/plain", "name": id, "for_identity": null, "delegated_to": null});
    let answer = participant.call(
        tool::SET,
        Content::binary(&headers, value.to_vec().into()).unwrap(),
    );
    assert!(matches!(answer, Content::Empty), "{answer:?}");
}

fn get(participant: &mut Participant, id: &str) -> Vec<u8> {
    match participant.call_json(tool::GET, &json!({"secret_id": id})) {
        Content::File { data, .. } => data.into_exposed(),
        other => panic!("{other:?}"),
    }
}

/// A key file of this user's alone.
fn key_file(env: &TestEnv, name: &str, text: &str) -> String {
    let path = env.write(name, text);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn room_key_status_shows_sources_and_store_keys_and_no_key() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    env.local().set("b", "x");
    let shown = status(&env, &[]);
    assert_eq!(
        shown["sources"][0]["source"],
        "the key file in the data directory"
    );
    assert_eq!(shown["store_keys"][0]["number"], 1);
    assert_eq!(shown["store_keys"][0]["current"], true);
    assert_eq!(shown["store_keys"][0]["rows"], 2);
    assert_eq!(shown["rows_left"], 0);
    let table = key(&env, ["status", "--output", "table"]).run().succeeds();
    assert!(table.out().contains("2 rows, current"), "{}", table.out());
    let file = fs::read_to_string(env.data_dir().join("store.key")).unwrap();
    assert!(!shown.to_string().contains(file.trim()) && !table.out().contains(file.trim()));
}

#[test]
fn room_key_commands_make_no_store() {
    let env = TestEnv::new();
    for command in ["status", "rotate"] {
        key(&env, [command]).run().refuses(3).says("there is no store in");
    }
    key(&env, ["rekey", "--new-key-in-data-dir"]).run().refuses(3);
    assert!(!env.data_dir().exists());
    key(&env, ["rekey"]).run().ends_with(2).says("--new-key-file");
}

#[test]
fn room_key_rotate_lets_a_server_under_load_go_on() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let token = server.token("bob", "room", false);
    let join = || Participant::join(server.address(), "room", &token);
    let mut first = join();
    for id in 0..600 {
        set(&mut first, &format!("old-{id}"), format!("value {id}").as_bytes());
    }
    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for client in 0..3 {
            let (stop, calls, mut participant) = (&stop, &calls, join());
            scope.spawn(move || {
                for turn in 0_usize.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    // New secrets, replaced ones, and those of before.
                    let (new, old) = (format!("new-{client}-{}", turn % 50), turn * 7 % 600);
                    let value = format!("{client} {turn}");
                    set(&mut participant, &new, value.as_bytes());
                    assert_eq!(get(&mut participant, &new), value.as_bytes());
                    let expected = format!("value {old}");
                    assert_eq!(get(&mut participant, &format!("old-{old}")), expected.as_bytes());
                    calls.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for number in 2..4 {
            let before = calls.load(Ordering::SeqCst);
            let rotated = key(&env, ["rotate"]).run().succeeds();
            rotated.says(&format!("with store key {number}; no other key is left"));
            assert!(calls.load(Ordering::SeqCst) > before);
        }
        stop.store(true, Ordering::SeqCst);
    });
    let shown = status(&env, &[]);
    assert_eq!(shown["store_keys"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown["store_keys"][0]["number"], 3);
    assert_eq!(get(&mut first, "old-599"), b"value 599");
    // API keys are sealed too.
    let mut second = server.join("bob");
    server.stop();
    let server = TestServer::start(&env);
    second = {
        drop(second);
        server.join("bob")
    };
    for id in 0..600 {
        assert_eq!(
            get(&mut second, &format!("old-{id}")),
            format!("value {id}").as_bytes()
        );
    }
    server.stop();
}

#[test]
fn room_key_rekey_lets_a_running_server_go_on_and_the_former_key_opens_nothing() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = server.join("bob");
    set(&mut bob, "a", b"value");
    key(&env, ["rekey", "--new-key-file", "new.key"])
        .run()
        .succeeds()
        .says("From its next start on, it and commands need --key-file new.key");
    assert_eq!(
        env.file("new.key").metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(get(&mut bob, "a"), b"value");
    let former = key(&env, ["status"]).run();
    former
        .refuses(1)
        .says("the key does not open this database, whose key came from a key file");
    // A store key of afterwards reaches the server too.
    key(&env, ["rotate", "--key-file", "new.key"]).run().succeeds();
    assert_eq!(get(&mut bob, "a"), b"value");
    set(&mut bob, "b", b"other");
    // The same again changes nothing.
    key(
        &env,
        ["rekey", "--new-key-file", "new.key", "--key-file", "new.key"],
    )
    .run()
    .succeeds();
    server.stop();

    let refused = env.call(["room", "serve", "--listen", "127.0.0.1:0"]).run();
    refused.refuses(1).says("the key does not open this database");
    let server = TestServer::start_with(&env, &["--key-file", "new.key"]);
    let mut bob = server.join("bob");
    assert_eq!(get(&mut bob, "a"), b"value");
    assert_eq!(get(&mut bob, "b"), b"other");
    // And back to where it is without a flag.
    key(&env, ["rekey", "--new-key-in-data-dir", "--key-file", "new.key"])
        .run()
        .succeeds()
        .says("its next start needs no flag");
    assert_eq!(get(&mut bob, "a"), b"value");
    server.stop();
    assert_eq!(env.local_as("bob").get("a"), b"value");
}

#[test]
fn room_key_rekey_takes_passphrases_commands_and_credentials() {
    let env = TestEnv::new();
    env.local().set("a", "value");
    key_file(&env, "pass", "correct horse\n");
    key_file(&env, "stored", &"ab".repeat(32));
    key(&env, ["rekey", "--new-key-passphrase-file", "pass"])
        .run()
        .succeeds()
        .says("the server and commands need --key-passphrase-file pass");
    let by_passphrase = ["--key-passphrase-file", "pass"];
    assert_eq!(
        status(&env, &by_passphrase)["sources"][0]["source"],
        "a passphrase"
    );
    key(&env, ["rekey", "--new-key-command", "cat stored"])
        .args(by_passphrase)
        .run()
        .succeeds()
        .says("need --key-command 'cat stored'");
    key(&env, ["status"]).args(by_passphrase).run().refuses(1);
    let read = env.local().secret(["get", "a"]);
    assert_eq!(
        read.env("MESHAGENT_KEY_COMMAND", "cat stored")
            .run()
            .succeeds()
            .stdout,
        b"value"
    );
    fs::create_dir(env.file("credentials")).unwrap();
    fs::write(env.file("credentials/next"), "cd".repeat(32)).unwrap();
    fs::write(env.file("credentials/meshagent.key"), "cd".repeat(32)).unwrap();
    key(
        &env,
        [
            "rekey",
            "--new-key-credential",
            "next",
            "--key-command",
            "cat stored",
        ],
    )
    .run()
    .refuses(2)
    .says("there are no systemd credentials here");
    key(
        &env,
        [
            "rekey",
            "--new-key-credential",
            "next",
            "--key-command",
            "cat stored",
        ],
    )
    .env("CREDENTIALS_DIRECTORY", env.file("credentials"))
    .run()
    .succeeds();
    let read = env.local().secret(["get", "a"]);
    let read = read.env("CREDENTIALS_DIRECTORY", env.file("credentials"));
    assert_eq!(read.run().succeeds().stdout, b"value");
}

#[test]
fn a_key_command_that_gives_no_key_says_why_and_makes_no_store() {
    let env = TestEnv::new();
    let with = |command: &str| {
        let call = env.local().secret(["set", "a"]).stdin("x");
        call.env("MESHAGENT_KEY_COMMAND", command).run()
    };
    with("sh -c 'echo no such entry >&2; exit 7'")
        .ends_with(1)
        .says("no such entry\n")
        .says("the key command `sh` gave no key: it failed (exit status: 7)");
    with("head -c 1000 /dev/zero")
        .refuses(1)
        .says("more than 256 bytes");
    with("echo secret-but-no-key")
        .refuses(1)
        .says("is not 32 bytes in base64 or hex");
    with("nonexistent-program")
        .refuses(1)
        .says("could not be started");
    with("sh 'unfinished")
        .refuses(2)
        .says("a quote in it does not end");
    assert!(!env.data_dir().join("store.db").exists());
    // Its stdin is not the value that is stored.
    let script = env.write("key.sh", format!("cat >&2; echo {}\n", "ab".repeat(32)));
    with(&format!("sh {}", script.display()))
        .succeeds()
        .says("Stored 1 byte");
}

/// A secret volume of Kubernetes.
fn mount(directory: &Path, text: &str, mode: u32) {
    let dated = directory.join("..2026_11_25");
    fs::create_dir_all(&dated).unwrap();
    fs::write(dated.join("key"), text).unwrap();
    fs::set_permissions(dated.join("key"), Permissions::from_mode(mode)).unwrap();
    symlink("..2026_11_25", directory.join("..data")).unwrap();
    symlink("..data/key", directory.join("key")).unwrap();
}

#[test]
fn a_key_file_may_be_a_mounted_secret() {
    let env = TestEnv::new();
    let volume = env.file("volume");
    mount(&volume, &"ab".repeat(32), 0o400);
    let set = |path: &Path| {
        let call = env.local().secret(["set", "a"]).stdin("x");
        call.env("MESHAGENT_KEY_FILE", path).run()
    };
    set(&volume.join("key")).succeeds();
    fs::set_permissions(volume.join("key"), Permissions::from_mode(0o444)).unwrap();
    // Only on a read-only mount.
    let refused = set(&volume.join("key")).refuses(1);
    refused.says("other users have access to it");
    fs::set_permissions(volume.join("key"), Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(&volume, Permissions::from_mode(0o777)).unwrap();
    set(&volume.join("key"))
        .refuses(1)
        .says("other users have access to it");
}
