//! Local mode: the same data with and without a running server, and many commands at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Child;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use meshagent::server::data_dir::DataDir;
use meshagent::token::ApiKey;
use rustix::process::Signal;
use uuid::Uuid;

use crate::support::{FakeServer, TestEnv, TestServer, ends_soon};

#[test]
fn the_data_is_the_same_before_during_and_after_a_server() {
    let env = TestEnv::new();
    let local = env.local();
    local.set("before", "1");
    let server = TestServer::start(&env);
    let by_key = server.with_key("room");
    assert_eq!(by_key.get("before"), b"1");
    assert_eq!(local.get("before"), b"1");
    local.set("local-during", "2");
    by_key.set("served-during", "3");
    assert_eq!(by_key.get("local-during"), b"2");
    assert_eq!(local.get("served-during"), b"3");
    env.local_as("bob").set("own", "4");
    assert_eq!(server.with_token("bob", "room").get("own"), b"4");
    let log = server.log();
    assert!(
        log.contains("identity=alice") && log.contains("identity=bob"),
        "{log}"
    );
    server.stop();
    for (id, value) in [("before", "1"), ("local-during", "2"), ("served-during", "3")] {
        assert_eq!(local.get(id), value.as_bytes());
    }
    assert_eq!(env.local_as("bob").get("own"), b"4");
}

#[test]
fn a_killed_server_leaves_nothing_in_the_way() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    server.with_key("room").set("a", "x");
    server.kill();
    assert_eq!(env.local().get("a"), b"x");
    let again = TestServer::start(&env);
    assert_eq!(again.with_key("room").get("a"), b"x");
    again.stop();
}

#[test]
fn the_api_key_outlives_the_server() {
    let env = TestEnv::new();
    let first = TestServer::start(&env);
    let key = first.api_key();
    first.stop();
    let second = TestServer::start(&env);
    assert_eq!(second.api_key(), key);
    second.stop();
}

#[test]
fn the_data_directory_is_for_its_owner_alone() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    let server = TestServer::start(&env);
    server.with_key("room").set("b", "x");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&env.data_dir()), 0o700);
    for entry in fs::read_dir(env.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    server.stop();
}

#[test]
fn the_umask_opens_nothing_to_others() {
    let env = TestEnv::new();
    let umask = "umask 000; \"$0\" room secret set a --text x --local --room r && \"$0\" room secret get a --local --room r --out file";
    let mut shell = env.command("sh");
    let output = shell
        .args(["-c", umask, env!("CARGO_BIN_EXE_meshagent")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&env.file("file")), 0o600);
    assert_eq!(mode(&env.data_dir()), 0o700);
    for entry in fs::read_dir(env.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn local_mode_by_variable_and_in_the_default_place() {
    let env = TestEnv::new();
    let call = |arguments: &[&str]| {
        env.call(["room", "secret"])
            .args(arguments)
            .env("MESHAGENT_LOCAL", "1")
            .env("MESHAGENT_ROOM", "room")
            .without("MESHAGENT_DATA_DIR")
            .run()
    };
    call(&["set", "a", "--text", "x"]).succeeds();
    assert_eq!(call(&["get", "a"]).succeeds().out(), "x");
    assert!(env.root().join("home/.local/share/meshagent").is_dir());
    assert!(!env.data_dir().exists());
    call(&["get", "a"]).succeeds();
    let bad_switch = env.call(["room", "secret", "list", "--room", "r"]);
    bad_switch.env("MESHAGENT_LOCAL", "maybe").run().ends_with(2);
}

/// Starts `count` commands before it waits for any.
fn at_once(count: usize, start: impl Fn(usize) -> Child) -> Vec<Vec<u8>> {
    let children: Vec<Child> = (0..count).map(start).collect();
    let outputs = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap());
    outputs
        .map(|output| {
            assert!(output.status.success(), "{output:?}");
            output.stdout
        })
        .collect()
}

#[test]
fn several_commands_at_once_make_and_share_one_store() {
    let env = TestEnv::new();
    let local = env.local();
    let value = |number: usize| format!("value {number}").repeat(1000);
    at_once(8, |number| {
        let id = format!("id-{number}");
        local.secret(["set", &id, "--text", &value(number)]).spawn()
    });
    let read = at_once(8, |number| local.secret(["get", &format!("id-{number}")]).spawn());
    for (number, read) in read.iter().enumerate() {
        assert_eq!(read, value(number).as_bytes());
    }
    let list = local.secret(["list"]).run().succeeds().json();
    assert_eq!(list.as_array().unwrap().len(), 8);
}

#[test]
fn several_commands_at_once_on_one_secret() {
    let env = TestEnv::new();
    let local = env.local();
    local.set("a", "0".repeat(5000));
    let outputs = at_once(8, |number| {
        let value = number.to_string().repeat(5000);
        if number % 2 == 0 {
            local.secret(["set", "a", "--text", &value]).spawn()
        } else {
            local.secret(["get", "a"]).spawn()
        }
    });
    // Each reader saw one whole value.
    for read in outputs.iter().filter(|read| !read.is_empty()) {
        assert_eq!(read.len(), 5000);
        assert!(read.iter().all(|byte| *byte == read[0]));
    }
}

#[test]
fn a_server_ends_by_ctrl_c_too() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    server.interrupt(Signal::INT);
    assert!(!env.data_dir().join("address").exists());
}

/// A server that is published in the data directory and hangs up on each connection, after a word from the test.
struct Stopping {
    data_dir: DataDir,
    server: FakeServer,
    connected: Receiver<()>,
    hang_up: Sender<()>,
}

impl Stopping {
    fn start(env: &TestEnv) -> Self {
        let (connection, connected) = channel();
        let (hang_up, word) = channel::<()>();
        let word = Mutex::new(word);
        let server = FakeServer::start(move |_, stream| {
            // The test may be over.
            let _ = connection.send(());
            let _ = word.lock().unwrap().recv();
            drop(stream);
        });
        let data_dir = DataDir::open_to_serve(&env.data_dir()).unwrap();
        let key = ApiKey::generate(Uuid::new_v4()).unwrap().text();
        let url = server.url().parse().unwrap();
        data_dir.publish(&url, &[("MESHAGENT_API_KEY", &key)]).unwrap();
        Self {
            data_dir,
            server,
            connected,
            hang_up,
        }
    }
}

#[test]
fn a_local_command_takes_over_from_a_server_that_hangs_up() {
    let env = TestEnv::new();
    env.local().set("a", "value");
    let stopping = Stopping::start(&env);
    let get = env.local().secret(["get", "a"]).spawn();
    stopping.connected.recv().unwrap();
    drop(stopping.data_dir);
    stopping.hang_up.send(()).unwrap();
    let output = ends_soon(get);
    assert_eq!(output.stdout, b"value", "{output:?}");
}

#[test]
fn a_local_command_goes_on_to_the_server_that_follows() {
    let env = TestEnv::new();
    env.local().set("a", "value");
    let stopping = Stopping::start(&env);
    let get = env.local().secret(["get", "a"]).spawn();
    stopping.connected.recv().unwrap();
    drop(stopping.data_dir);
    let next = TestServer::start(&env);
    stopping.hang_up.send(()).unwrap();
    let output = ends_soon(get);
    assert_eq!(output.stdout, b"value", "{output:?}");
    assert!(next.log().contains("joined"), "{}", next.log());
    next.stop();
}

#[test]
fn a_local_command_gives_up_on_an_address_that_fails_twice() {
    let env = TestEnv::new();
    let stopping = Stopping::start(&env);
    for _ in 0..2 {
        stopping.hang_up.send(()).unwrap();
    }
    env.local().secret(["get", "a"]).run().fails(7);
    assert_eq!(stopping.server.connections(), 2);
    drop(stopping.data_dir);
}
