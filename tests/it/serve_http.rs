//! The server's HTTP side: who may ask at all, and how much.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::support::{TestEnv, TestServer, request, upgrade};

#[test]
fn health_is_told() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let answer = request(server.address(), "GET", "/healthz", &[]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    assert_eq!(request(server.address(), "GET", "/", &[]).status, 404);
    assert_eq!(request(server.address(), "POST", "/healthz", &[]).status, 405);
    server.stop();
}

#[test]
fn serve_is_ready_while_its_store_answers() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let ready = request(server.address(), "GET", "/readyz", &[]);
    assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"ready":true}"#));
    let foreign = request(server.address(), "GET", "/readyz", &[("Host", "evil.example")]);
    assert_eq!(foreign.status, 403);
    server.stop();
}

/// What a web page of a foreign site, or one whose name was made to resolve here, would send.
#[test]
fn foreign_hosts_and_origins_are_turned_away() {
    let env = TestEnv::new();
    let server = TestServer::start_with(
        &env,
        &[
            "--allow-host",
            "rooms.example",
            "--allow-origin",
            "https://app.example",
        ],
    );
    let (address, key) = (server.address(), format!("Bearer {}", server.api_key()));
    let token = format!("Bearer {}", server.token("bob", "room", false));
    let project = &server.client_env()["MESHAGENT_PROJECT_ID"];
    let connect = format!("/accounts/projects/{project}/rooms/room/connect");
    let statuses = |header: (&str, &str)| {
        [
            request(address, "GET", "/healthz", &[header]).status,
            request(address, "POST", &connect, &[("Authorization", &key), header]).status,
            upgrade(address, "/rooms/room", &[("Authorization", &token), header]).status,
        ]
    };
    for header in [
        ("Host", "evil.example"),
        ("Host", "127.0.0.1.evil.example"),
        ("Host", "localhost.evil.example:80"),
        ("Host", "192.0.2.1"),
        ("Host", ""),
        ("Origin", "https://evil.example"),
        ("Origin", "http://localhost"),
        ("Origin", "https://app.example.evil.example"),
        ("Origin", "null"),
    ] {
        assert_eq!(statuses(header), [403; 3], "{header:?}");
    }
    for header in [
        ("Host", "localhost"),
        ("Host", "[::1]:1"),
        ("Host", "rooms.example"),
        ("Origin", "https://app.example"),
    ] {
        assert_eq!(statuses(header), [200, 200, 101], "{header:?}");
    }
    server.stop();
}

/// Behind a proxy with TLS, clients are told the proxy's address.
#[test]
fn the_public_address_is_what_clients_are_told() {
    let env = TestEnv::new();
    let public = "https://rooms.example/base";
    let server = TestServer::start_with(&env, &["--public-url", public]);
    let variables = server.client_env();
    let path = format!(
        "/accounts/projects/{}/rooms/my%20room/connect",
        variables["MESHAGENT_PROJECT_ID"]
    );
    let key = format!("Bearer {}", server.api_key());
    let answer = request(server.address(), "POST", &path, &[("Authorization", &key)]);
    let connection: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let url = connection["room_url"].as_str().unwrap();
    assert!(url.ends_with("://rooms.example/base/rooms/my%20room"), "{url}");
    // Who is on this machine goes on reaching it here.
    env.local().set("a", "x");
    server.stop();
}

#[test]
fn a_request_has_one_host() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let status = |head: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(
        status("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"),
        "403"
    );
    assert_eq!(status("GET /healthz HTTP/1.0\r\n\r\n"), "403");
    let two = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(two), "403");
    server.stop();
}

#[test]
fn credentials_and_projects_are_checked() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (address, key) = (server.address(), format!("Bearer {}", server.api_key()));
    let connect = |project: &str, room: &str, headers: &[(&str, &str)]| {
        let path = format!("/accounts/projects/{project}/rooms/{room}/connect");
        request(address, "POST", &path, headers).status
    };
    let project = &server.client_env()["MESHAGENT_PROJECT_ID"];
    assert_eq!(connect(project, "room", &[("Authorization", &key)]), 200);
    assert_eq!(connect(project, "room", &[]), 401);
    assert_eq!(
        connect(project, "room", &[("Authorization", "Bearer wrong")]),
        401
    );
    assert_eq!(
        connect(
            project,
            "room",
            &[("Authorization", &key.replace("Bearer", "Basic"))]
        ),
        401
    );
    assert_eq!(connect("another", "room", &[("Authorization", &key)]), 404);
    for room in ["%2e%2e", "a%2Fb", "a%0Ab", "a%5Cb", &"a".repeat(256)] {
        assert_eq!(connect(project, room, &[("Authorization", &key)]), 404, "{room}");
    }
    // Without the credential nobody learns which project this is.
    assert_eq!(connect("another", "room", &[]), 401);
    let way = server.with_key("room");
    way.secret(["list", "--project-id", "another"]).run().refuses(3);
    server.stop();
}

#[test]
fn large_headers_are_turned_away() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let with_header = |bytes: usize| {
        let large = "a".repeat(bytes);
        request(server.address(), "GET", "/healthz", &[("X-Large", &large)]).status
    };
    assert_eq!(with_header(12 << 10), 200);
    assert_eq!(with_header(20 << 10), 431);
    assert_eq!(request(server.address(), "GET", "/healthz", &[]).status, 200);
    server.stop();
}

#[test]
fn slow_headers_are_cut_off() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--header-timeout", "1"]);
    let started = Instant::now();
    let mut slow = TcpStream::connect(server.address()).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: ").unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    let took = started.elapsed();
    assert!(
        took > Duration::from_millis(800) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    server.stop();
}

#[test]
fn another_address_needs_to_be_insisted_on() {
    let env = TestEnv::new();
    let serve = ["room", "serve", "--listen", "0.0.0.0:0"];
    env.call(serve).run().refuses(2).says("--allow-plain-http");
    assert!(!env.data_dir().exists());
}

#[test]
fn client_env_is_what_a_client_needs_and_for_its_owner_alone() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let path = env.data_dir().join("client.env");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let variables = server.client_env();
    let names: Vec<&str> = variables.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "MESHAGENT_API_KEY",
            "MESHAGENT_API_URL",
            "MESHAGENT_PROJECT_ID",
            "MESHAGENT_SERVER_OWNER"
        ]
    );
    assert_eq!(variables["MESHAGENT_API_URL"], server.url);
    // A shell reads it as we do.
    let shell = env
        .command("sh")
        .args([
            "-c",
            "set -a && . \"$MESHAGENT_DATA_DIR/client.env\" && \"$0\" room secret list --room room",
        ])
        .arg(env!("CARGO_BIN_EXE_meshagent"))
        .output()
        .unwrap();
    assert_eq!(shell.stdout, b"[]\n", "{shell:?}");
    server.stop();
    assert!(path.exists());
}

/// A name that a shell would not take literally is left out. The key still joins as the owner.
#[test]
fn client_env_of_an_owner_with_a_space_leaves_the_name_out() {
    let env = TestEnv::new();
    let server = TestServer::start_with_variables(&env, &[], &[("USER", "al ice")]);
    assert!(!server.client_env().contains_key("MESHAGENT_SERVER_OWNER"));
    server.with_key("room").set("a", "x");
    assert_eq!(server.with_identity("al ice", "room").get("a"), b"x");
    server.stop();
}

#[test]
fn a_taken_port_is_told() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let other = TestEnv::new();
    let ran = other.call(["room", "serve", "--listen", server.address()]).run();
    ran.refuses(1).says(server.address());
    server.stop();
}
