//! Local mode: the same data with and without a running server, and many commands at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use rustix::process::Signal;

use crate::support::{TestEnv, TestServer};

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
