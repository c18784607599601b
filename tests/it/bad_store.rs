//! Data directories that cannot be used: each is told from the others, and none is touched.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use meshagent::wire::Content;
use rusqlite::Connection;
use serde_json::json;

use crate::support::{Participant, Ran, TestEnv, TestServer};

/// An environment with the secret `a` in its store.
fn stored() -> TestEnv {
    let env = TestEnv::new();
    env.local().set("a", "the value");
    env
}

fn get(env: &TestEnv) -> Ran {
    env.local().secret(["get", "a"]).run()
}

fn serve(env: &TestEnv) -> Ran {
    env.call(["room", "serve", "--listen", "127.0.0.1:0"]).run()
}

pub(crate) fn database(env: &TestEnv) -> PathBuf {
    let entries = fs::read_dir(env.data_dir()).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths
        .find(|path| fs::read(path).unwrap().starts_with(b"SQLite format 3"))
        .unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_cannot_be_made() {
    let env = TestEnv::new();
    let file = env.write("file", "x");
    for path in [
        file.join("data"),
        file.clone(),
        PathBuf::from("/proc/meshagent-test"),
    ] {
        let list = env
            .local()
            .secret(["list"])
            .env("MESHAGENT_DATA_DIR", &path)
            .run();
        let list = list.refuses(1).says(path.to_str().unwrap());
        // Once is enough.
        assert!(list.err().matches("(os error").count() <= 1, "{}", list.err());
        let serve = env.call(["room", "serve", "--listen", "127.0.0.1:0"]);
        serve.env("MESHAGENT_DATA_DIR", &path).run().refuses(1);
    }
    assert_eq!(fs::read(file).unwrap(), b"x");
}

#[test]
fn a_directory_that_others_may_write_to() {
    let env = stored();
    set_mode(&env.data_dir(), 0o777);
    get(&env).refuses(1).says("not private");
    serve(&env).refuses(1).says("not private");
    set_mode(&env.data_dir(), 0o700);
    get(&env).succeeds();
}

#[test]
fn a_database_of_a_newer_version() {
    let env = stored();
    let connection = Connection::open(database(&env)).unwrap();
    let version: i64 = connection
        .query_row("PRAGMA user_version", (), |row| row.get(0))
        .unwrap();
    let set_version = |version: i64| {
        connection.execute_batch(&format!(
            "PRAGMA user_version = {version}; PRAGMA wal_checkpoint(TRUNCATE)"
        ))
    };
    set_version(version + 1).unwrap();
    get(&env)
        .refuses(1)
        .says("newer version")
        .says("update meshagent");
    serve(&env).refuses(1).says("newer version");
    set_version(version).unwrap();
    assert_eq!(get(&env).succeeds().out(), "the value");
}

#[test]
fn a_database_of_another_program() {
    let env = stored();
    let path = database(&env);
    fs::remove_file(&path).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE t (a)").unwrap();
    drop(connection);
    set_mode(&path, 0o600);
    get(&env).refuses(1).says("not a meshagent database");
    fs::write(
        &path,
        "this is no database at all, and long enough to look like one".repeat(100),
    )
    .unwrap();
    get(&env).refuses(1);
}

#[test]
fn a_missing_key_file_is_not_made_anew() {
    let env = stored();
    let key = env.data_dir().join("store.key");
    let content = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    get(&env).refuses(1).says("store.key");
    serve(&env).refuses(1).says("store.key");
    assert!(!key.exists());
    fs::write(&key, content).unwrap();
    set_mode(&key, 0o600);
    assert_eq!(get(&env).succeeds().out(), "the value");
}

#[test]
fn a_key_file_that_is_not_right() {
    let env = stored();
    let key = env.data_dir().join("store.key");
    let good = fs::read_to_string(&key).unwrap();
    fs::write(&key, "A".repeat(43) + "=\n").unwrap();
    get(&env).refuses(1).says("does not open this database");
    for bad in ["", "canary", &good[..20]] {
        fs::write(&key, bad).unwrap();
        let ran = get(&env).refuses(1).says("cannot be used");
        assert!(bad.is_empty() || !ran.err().contains(bad), "{}", ran.err());
    }
    fs::write(&key, &good).unwrap();
    for mode in [0o644, 0o640, 0o602] {
        set_mode(&key, mode);
        get(&env).refuses(1).says("other users have access");
    }
    set_mode(&key, 0o600);
    let elsewhere = env.file("key");
    fs::rename(&key, &elsewhere).unwrap();
    symlink(&elsewhere, &key).unwrap();
    get(&env).refuses(1).says("symbolic link");
    fs::remove_file(&key).unwrap();
    let by_variable = env
        .local()
        .secret(["get", "a"])
        .env("MESHAGENT_KEY_FILE", &elsewhere);
    assert_eq!(by_variable.run().succeeds().out(), "the value");
    fs::rename(&elsewhere, &key).unwrap();
    assert_eq!(get(&env).succeeds().out(), "the value");
}

#[test]
fn a_key_in_the_environment_works_and_warns() {
    let env = TestEnv::new();
    let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let secret = |arguments: &[&str]| env.local().secret(arguments).env("MESHAGENT_KEY", key).run();
    let stored = secret(&["set", "a", "--text", "x"]).succeeds();
    assert!(
        stored
            .err()
            .starts_with("warning: the store's key comes from MESHAGENT_KEY")
    );
    assert!(!stored.err().contains(key));
    assert_eq!(secret(&["get", "a", "--quiet"]).succeeds().err(), "");
    // Of no use to whoever opens no store: a server runs.
    let other = TestEnv::new();
    let server = TestServer::start(&other);
    let set = other.local().secret(["set", "a", "--text", "x"]);
    let set = set.env("MESHAGENT_KEY", key).run().succeeds();
    assert_eq!(set.err(), "Stored 1 byte as a in room room.\n");
    server.stop();
    assert!(!env.data_dir().join("store.key").exists());
}

#[test]
fn a_passphrase_is_a_key_too() {
    let env = TestEnv::new();
    let passphrase = env.write("passphrase", "correct horse\n");
    let set_mode = |mode| fs::set_permissions(&passphrase, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o640);
    let secret = |arguments: &[&str]| {
        let call = env.local().secret(arguments);
        call.env("MESHAGENT_KEY_PASSPHRASE_FILE", &passphrase)
    };
    secret(&["set", "a", "--text", "x"])
        .run()
        .succeeds()
        .says("warning: others can read");
    set_mode(0o600);
    let read = secret(&["get", "a"]).run().succeeds().says_nothing();
    assert_eq!(read.out(), "x");
    assert!(!env.data_dir().join("store.key").exists());
    fs::write(&passphrase, "wrong horse\n").unwrap();
    secret(&["get", "a"])
        .run()
        .refuses(1)
        .says("does not open this database");
    get(&env).refuses(1);
}

/// Flips one bit of every sealed value in turn, and of everything that says whose it is.
#[test]
fn a_flipped_bit_is_an_error_and_never_a_wrong_value() {
    let env = stored();
    let connection = Connection::open(database(&env)).unwrap();
    let flip = |column: &str, at: i64| {
        let sealed: Vec<u8> = connection
            .query_row(&format!("SELECT CAST({column} AS BLOB) FROM secret"), (), |row| {
                row.get(0)
            })
            .unwrap();
        let mut flipped = sealed.clone();
        let at = usize::try_from(at).unwrap_or(flipped.len() - 1);
        flipped[at] ^= 1;
        (sealed, flipped)
    };
    let store = |column: &str, kind: &str, bytes: &[u8]| {
        connection
            .execute(
                &format!("UPDATE secret SET {column} = CAST(? AS {kind})"),
                [bytes],
            )
            .unwrap();
    };
    for (column, kind, at) in [
        ("sealed", "BLOB", 0),
        ("sealed", "BLOB", 24),
        ("sealed", "BLOB", -1),
        ("type", "TEXT", 0),
        ("name", "TEXT", 0),
    ] {
        let (before, flipped) = flip(column, at);
        store(column, kind, &flipped);
        let ran = get(&env)
            .ends_with(1)
            .says("damaged")
            .says("set the secret again");
        assert!(ran.stdout.is_empty() && !ran.err().contains("the value"));
        store(column, kind, &before);
        assert_eq!(get(&env).succeeds().out(), "the value", "{column}");
    }
}

/// Wherever in the file a bit is flipped, a value that is read is the value that was written.
#[test]
fn a_flipped_bit_anywhere_gives_no_wrong_value() {
    let env = stored();
    let path = database(&env);
    // All of it into the one file, without its journal.
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(connection);
    let good = fs::read(&path).unwrap();
    assert!(good.len() > 4096, "{}", good.len());
    let in_use = (0..good.len()).filter(|at| good[*at] != 0);
    let mut refused = 0;
    for (number, at) in in_use.enumerate().filter(|(number, _)| number % 13 == 0) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (number % 8);
        fs::write(&path, &bad).unwrap();
        let ran = get(&env);
        match ran.status.code() {
            Some(0) => assert_eq!(ran.out(), "the value", "byte {at}"),
            // The row may seem not to be there, if it is the id that was changed.
            Some(1 | 3) => {
                assert!(
                    ran.stdout.is_empty() && ran.err().starts_with("error: "),
                    "byte {at}"
                );
                refused += 1;
            }
            _ => panic!("byte {at}: {} {}", ran.status, ran.err()),
        }
        remove_all_but_the_database(&env, &path);
    }
    assert!(refused > 10, "{refused}");
}

/// A journal that the attempt before has left belongs to another content.
fn remove_all_but_the_database(env: &TestEnv, path: &Path) {
    for entry in fs::read_dir(env.data_dir()).unwrap() {
        let other = entry.unwrap().path();
        let name = other.to_str().unwrap();
        if name.starts_with(path.to_str().unwrap()) && other != path {
            fs::remove_file(other).unwrap();
        }
    }
}

#[test]
fn what_was_acknowledged_survives_the_servers_death() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = Participant::join(server.address(), "room", &server.token("bob", "room", false));
    for number in 0..50 {
        let header = json!({"secret_id": format!("id-{number}")});
        let answer = bob.send("secrets.set_secret", &header, b"value");
        assert!(matches!(answer, Content::Empty), "{answer:?}");
    }
    server.kill();
    let list = env.local_as("bob").secret(["list"]).run().succeeds().json();
    assert_eq!(list.as_array().unwrap().len(), 50);
    assert_eq!(env.local_as("bob").get("id-49"), b"value");
}

#[test]
fn a_client_env_that_others_can_read_is_not_used() {
    let env = stored();
    let server = TestServer::start(&env);
    let path = env.data_dir().join("client.env");
    set_mode(&path, 0o644);
    get(&env).refuses(1).says("not private");
    set_mode(&path, 0o600);
    assert_eq!(get(&env).succeeds().out(), "the value");
    server.stop();
}

#[test]
fn a_damaged_value_keeps_no_other_from_being_read() {
    let env = stored();
    env.local().set("b", "fine");
    let connection = Connection::open(database(&env)).unwrap();
    connection
        .execute(
            "UPDATE secret SET sealed = zeroblob(length(sealed)) WHERE id = 'a'",
            (),
        )
        .unwrap();
    let server = TestServer::start(&env);
    let way = server.with_key("room");
    way.secret(["get", "a", "--out", "file"])
        .run()
        .ends_with(1)
        .says("damaged");
    assert_eq!(way.get("b"), b"fine");
    way.set("a", "repaired");
    assert_eq!(way.get("a"), b"repaired");
    assert_eq!(env.files(), [""; 0]);
    server.stop();
}

#[test]
fn two_servers_on_one_directory() {
    let env = TestEnv::new();
    let first = TestServer::start(&env);
    serve(&env)
        .refuses(1)
        .says("another server already runs")
        .says(&first.url);
    first.with_key("room").set("a", "x");
    first.stop();
    TestServer::start(&env).stop();
}

/// What was acknowledged and closed in order is not quietly undone by damage to the journal either.
#[test]
fn a_flipped_bit_in_the_journal_does_not_bring_back_an_old_value() {
    let env = stored();
    let path = database(&env);
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(connection);
    env.local().set("a", "the new value");
    let journal = env.data_dir().join("store.db-wal");
    if let Ok(mut bytes) = fs::read(&journal)
        && let Some(byte) = bytes.get_mut(100)
    {
        *byte ^= 1;
        fs::write(&journal, &bytes).unwrap();
    }
    let ran = get(&env);
    assert_ne!(ran.out(), "the value", "an old value came back without an error");
}

/// A `get` that finds no database must not make one: the log may hold the only copy of what was stored.
#[test]
fn a_database_that_is_gone_or_empty_is_not_made_anew() {
    let env = stored();
    let (path, key) = (database(&env), env.data_dir().join("store.key"));
    let whole = fs::read(&path).unwrap();
    for content in [None, Some("")] {
        fs::remove_file(&path).unwrap();
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        get(&env).refuses(1).says("a store was here");
        serve(&env).refuses(1).says("restore the data directory");
        assert_eq!(path.exists(), content.is_some());
        assert!(key.exists());
        fs::write(&path, &whole).unwrap();
    }
    set_mode(&path, 0o600);
    assert_eq!(get(&env).succeeds().out(), "the value");
}
