//! `room health`: whether a server can be used, as a health check asks.

use std::net::TcpListener;

use rustix::process::Signal;

use crate::support::{Ran, TestEnv, TestServer};

fn health(env: &TestEnv, arguments: &[&str]) -> Ran {
    env.call(["room", "health"]).args(arguments).run()
}

#[test]
fn health_finds_the_server_by_its_data_directory_or_its_address() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let data_dir = env.data_dir();
    let data_dir = ["--data-dir", data_dir.to_str().unwrap()];
    for which in [&data_dir[..], &[server.url.as_str()]] {
        assert_eq!(health(&env, which).succeeds().out(), "ready\n");
        let live = health(&env, &[which, &["--live"]].concat());
        assert_eq!(live.succeeds().out(), "alive\n");
    }
    server.stop();
    health(&env, &data_dir).ends_with(1).says("no server serves");
}

#[test]
fn health_does_not_create_a_data_directory() {
    let env = TestEnv::new();
    let missing = env.file("missing");
    health(&env, &["--data-dir", missing.to_str().unwrap()]).ends_with(1);
    assert!(!missing.exists());
}

#[test]
fn health_of_a_server_that_is_stopping_says_so() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--shutdown-delay", "1h"]);
    server.ask_to_stop();
    let refused = loop {
        let ran = health(&env, &[&server.url]);
        if !ran.status.success() {
            break ran;
        }
    };
    refused.ends_with(1).says("is not ready: the server is stopping");
    health(&env, &[&server.url, "--live"]).succeeds();
    server.stop();
}

#[test]
fn health_of_a_server_that_hangs_or_is_not_there_fails_with_1() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    server.signal(Signal::STOP);
    let hung = health(&env, &[&server.url, "--timeout", "1"]);
    hung.ends_with(1).says("no answer within 1 s");
    server.kill();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    health(&env, &[&url]).ends_with(1).says("is not ready");
    health(&env, &["file:///etc/passwd"]).ends_with(1);
}
