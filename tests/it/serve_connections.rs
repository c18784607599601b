//! How many connections a server has, and what those hear for which there is no room.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use meshagent::wire::Content;
use meshagent::wire::secrets::tool;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use crate::support::{Answer, Participant, TestEnv, TestServer, file, request, upgrade};

/// The longest that the server is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that sends nothing.
fn silent(server: &TestServer<'_>) -> TcpStream {
    TcpStream::connect(server.address()).unwrap()
}

fn health(server: &TestServer<'_>) -> u16 {
    request(server.address(), "GET", "/healthz", &[]).status
}

fn join(server: &TestServer<'_>, identity: &str) -> Answer {
    let token = format!("Bearer {}", server.token(identity, "room", false));
    upgrade(server.address(), "/rooms/room", &[("Authorization", &token)])
}

fn works(participant: &mut Participant) -> bool {
    matches!(participant.call(tool::LIST, Content::Empty), Content::Json(_))
}

#[test]
fn at_the_limit_a_newcomer_is_told_so_at_once_and_health_is_answered() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-connections", "2"]);
    let (first, mut second) = (server.join("bob"), server.join("bob"));
    let told = "all 2 connections that this server allows are in use";
    for _ in 0..3 {
        let refused = join(&server, "carol");
        assert_eq!((refused.status, refused.body.as_str()), (503, told));
        assert!(refused.head.contains("retry-after: 5"), "{}", refused.head);
        assert_eq!(request(server.address(), "POST", "/anything", &[]).status, 503);
        assert_eq!(health(&server), 200);
    }
    // A burst is one line.
    assert_eq!(server.log().matches(told).count(), 1, "{}", server.log());
    let ran = server
        .with_token("carol", "room")
        .secret(["list", "--timeout", "1"])
        .run();
    ran.refuses(6).says(told);
    assert!(works(&mut second));
    first.leave();
    server
        .with_token("carol", "room")
        .secret(["list"])
        .run()
        .succeeds();
    server.stop();
}

/// Without a limit for headers, so that nothing but newcomers ends a silent connection.
#[test]
fn silent_connections_keep_nobody_out() {
    let env = TestEnv::new();
    for number in [8, 200] {
        let server = TestServer::start_with(&env, &["--max-connections", "8", "--header-timeout", "3600"]);
        let silent: Vec<TcpStream> = (0..number).map(|_| silent(&server)).collect();
        assert_eq!(health(&server), 200);
        server.with_key("room").set("a", "x");
        assert!(works(&mut server.join("bob")));
        drop(silent);
        server.stop();
    }
}

/// They use up what there is to refuse connections with, too.
#[test]
fn at_the_limit_silent_connections_do_not_keep_health_from_being_answered() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-connections", "1"]);
    let mut bob = server.join("bob");
    let silent: Vec<TcpStream> = (0..100).map(|_| silent(&server)).collect();
    assert_eq!(health(&server), 200);
    assert_eq!(join(&server, "carol").status, 503);
    assert!(works(&mut bob));
    drop(silent);
    server.stop();
}

#[test]
fn an_address_that_has_its_share_of_silent_connections_loses_the_oldest() {
    let env = TestEnv::new();
    let flags = ["--max-connections-per-address", "2", "--header-timeout", "3600"];
    let server = TestServer::start_with(&env, &flags);
    // What has joined does not count.
    let mut joined: Vec<Participant> = (0..3).map(|_| server.join("bob")).collect();
    let mut oldest = silent(&server);
    let _second = silent(&server);
    assert_eq!(health(&server), 200);
    oldest.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(oldest.read(&mut [0]).unwrap(), 0);
    assert!(joined.iter_mut().all(works));
    server.stop();
}

#[test]
fn an_identity_has_its_share_of_sessions_and_others_have_theirs() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-connections-per-identity", "2"]);
    // In whichever room.
    let (first, _second) = (server.join_room("bob", "other"), server.join("bob"));
    let told = "bob has 2 connections to this server already, which is the limit for one identity";
    let refused = join(&server, "bob");
    assert_eq!((refused.status, refused.body.as_str()), (429, told));
    assert!(refused.head.contains("retry-after: 5"), "{}", refused.head);
    let ran = server
        .with_token("bob", "room")
        .secret(["list", "--timeout", "1"])
        .run();
    ran.refuses(6).says(told);
    server
        .with_token("carol", "room")
        .secret(["list"])
        .run()
        .succeeds();
    first.leave();
    server.with_token("bob", "room").secret(["list"]).run().succeeds();
    server.stop();
}

/// The soft limit on open files of a process.
fn soft_limit(server: &TestServer<'_>) -> String {
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    line.split_whitespace().nth(3).unwrap().to_owned()
}

#[test]
fn the_limit_on_open_files_is_raised_for_the_connections() {
    let env = TestEnv::new();
    let server = TestServer::start_with_ulimit(&env, "-Sn 200", &["--max-connections", "300"]);
    assert_eq!(soft_limit(&server), "428");
    let mut joined: Vec<Participant> = (0..75).map(|_| server.join("bob")).collect();
    assert!(joined.iter_mut().all(works));
    assert!(!server.log().contains("open files"), "{}", server.log());
    server.stop();
}

/// With fewer connections than were asked for nothing else of the server ever lacks a descriptor.
#[test]
fn connections_are_fewer_where_too_few_files_may_be_open() {
    let env = TestEnv::new();
    let server = TestServer::start_with_ulimit(&env, "-n 150", &["--max-connections-per-identity", "100"]);
    assert!(
        server.log().contains("connections=22 open_files=150"),
        "{}",
        server.log()
    );
    let mut joined: Vec<Participant> = (0..22).map(|_| server.join("bob")).collect();
    let silent: Vec<TcpStream> = (0..400).map(|_| silent(&server)).collect();
    let refused = join(&server, "bob");
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (503, "all 22 connections that this server allows are in use")
    );
    assert!(joined.iter_mut().all(works));
    assert!(!server.log().contains("cannot be accepted"), "{}", server.log());
    drop(silent);
    server.stop();
}

/// Who comes meanwhile is served when there are descriptors again.
#[test]
fn a_server_without_file_descriptors_goes_on_when_it_has_some_again() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = server.join("bob");
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    let maximum = getrlimit(Resource::Nofile).maximum;
    let none_left = Rlimit {
        current: Some(3),
        maximum,
    };
    let before = prlimit(pid, Resource::Nofile, none_left).unwrap();
    let mut newcomer = silent(&server);
    let healthy = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    newcomer.write_all(healthy.as_bytes()).unwrap();
    server.await_log("connections cannot be accepted");
    // The store opens nothing any more.
    let set = json!({"secret_id": "a", "has_data": true});
    let set = Content::binary(&set, b"x".to_vec().into()).unwrap();
    assert!(matches!(bob.call(tool::SET, set), Content::Empty));
    for _ in 0..50 {
        bob.ask(tool::GET, Content::json(&json!({"secret_id": "a"})).unwrap());
    }
    assert!(bob.answers(50).into_values().all(|answer| file(answer).2 == b"x"));
    prlimit(pid, Resource::Nofile, before).unwrap();
    let mut answer = String::new();
    newcomer.set_read_timeout(Some(PATIENCE)).unwrap();
    newcomer.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    // Not one line for each attempt.
    let lines = server.log().matches("connections cannot be accepted").count();
    assert_eq!(lines, 1, "{}", server.log());
    server.stop();
}
