//! `room serve` on several addresses, and on Unix sockets.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use meshagent::net::HttpClient;
use meshagent::room::RoomClient;
use meshagent::secrets::{GetOptions, SecretsClient};
use meshagent::wire::SecretId;

use crate::support::{Authority, TestEnv, TestServer, request, request_over};

/// `unix:` and the path of a socket in the directory that commands run in.
fn socket_in(env: &TestEnv) -> String {
    format!("unix:{}", env.file("rooms.sock").display())
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

#[test]
fn serve_listens_on_two_ports_and_a_unix_socket_at_once() {
    let env = TestEnv::new();
    let socket = socket_in(&env);
    let flags = [
        "--listen",
        "127.0.0.1:0",
        "--listen",
        "[::1]:0",
        "--listen",
        &socket,
    ];
    let mut server = TestServer::start_listening(&env, &flags, &[]);
    let second = server.next_address();
    assert_eq!(server.next_address(), socket);
    assert_eq!(server.client_env()["MESHAGENT_API_URL"], server.url);
    for (number, url) in [server.url.clone(), second, socket].iter().enumerate() {
        let id = format!("id-{number}");
        let way = server.with_key("room");
        let set = way
            .secret(["set", &id, "--text", "x"])
            .env("MESHAGENT_API_URL", url);
        set.run().succeeds();
    }
    let ids = server.with_key("room").secret(["list"]).run().succeeds().json();
    assert_eq!(ids.as_array().unwrap().len(), 3);
    let path = env.file("rooms.sock");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.stop();
    assert!(!path.exists() && !env.data_dir().join("server.sock").exists());
}

#[test]
fn serve_listens_where_the_environment_says() {
    let env = TestEnv::new();
    let socket = socket_in(&env);
    let both = format!("127.0.0.1:0,{socket}");
    let mut server = TestServer::start_listening(&env, &[], &[("MESHAGENT_LISTEN", &both)]);
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    assert_eq!(server.next_address(), socket);
    server.stop();
    let server = TestServer::start_listening(
        &env,
        &["--listen", "127.0.0.1:0"],
        &[("MESHAGENT_LISTEN", "nonsense")],
    );
    assert_eq!(request(server.address(), "GET", "/healthz", &[]).status, 200);
    server.stop();
    let bad = env.call(["room", "serve"]).env("MESHAGENT_LISTEN", "127.0.0.1");
    bad.run().refuses(2).says("MESHAGENT_LISTEN cannot be used");
    for bad in ["unix:relative", "localhost:80", "unix:"] {
        env.call(["room", "serve", "--listen", bad]).run().ends_with(2);
    }
}

/// A server without a port: whatever reaches it came through a socket.
#[test]
fn local_commands_use_the_unix_socket_of_a_server() {
    let env = TestEnv::new();
    env.local().set("a", "value");
    let socket = socket_in(&env);
    let server = TestServer::start_listening(&env, &["--listen", &socket], &[]);
    assert_eq!(env.local().get("a"), b"value");
    assert!(server.log().contains("joined"), "{}", server.log());
    // With no other socket than the one in the data directory.
    fs::remove_file(env.file("rooms.sock")).unwrap();
    assert_eq!(env.local().get("a"), b"value");
    assert!(is_socket(&env.data_dir().join("server.sock")));
    server.stop();
}

/// The certificate of a server is for its name, and this machine does not trust it.
#[test]
fn local_commands_need_not_trust_the_certificate_of_a_server() {
    let env = TestEnv::new();
    let (certificate, key) = (env.file("cert.pem"), env.file("key.pem"));
    Authority::new().write_pair("rooms.example", &certificate, &key);
    let flags = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let server = TestServer::start_with(&env, &flags);
    env.local().set("a", "value");
    assert_eq!(env.local().get("a"), b"value");
    assert!(server.log().contains("joined"), "{}", server.log());
    server.stop();
}

#[test]
fn local_commands_use_the_port_where_there_is_no_socket() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    fs::remove_file(env.data_dir().join("server.sock")).unwrap();
    env.local().set("a", "value");
    assert!(server.log().contains("joined"), "{}", server.log());
    server.stop();
}

#[test]
fn clients_reach_a_unix_socket_by_client_env() {
    let env = TestEnv::new();
    let socket = socket_in(&env);
    let server = TestServer::start_listening(&env, &["--listen", &socket], &[]);
    assert_eq!(server.client_env()["MESHAGENT_API_URL"], socket);
    let way = server.with_key("room");
    way.set("a", "value");
    // Proxies are not asked.
    let get = way.secret(["get", "a"]).env("ALL_PROXY", "http://127.0.0.1:1");
    assert_eq!(get.run().succeeds().out(), "value");
    // Through the connect call.
    let connect = way.secret(["get", "a"]).without("MESHAGENT_SERVER_OWNER");
    assert_eq!(connect.run().succeeds().out(), "value");
    let status = env
        .call(["auth", "status"])
        .env("MESHAGENT_API_URL", &socket)
        .run();
    assert!(status.out().contains(&socket), "{}", status.out());
    let login = env.call(["auth", "login", "--api-url", &socket]).run();
    login.refuses(2).says("it is not an http or https URL");
    server.stop();
    way.secret(["get", "a"])
        .run()
        .fails(7)
        .says("could not reach unix:/");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_reaches_a_unix_socket() {
    let env = TestEnv::new();
    let socket = socket_in(&env);
    let server = TestServer::start_listening(&env, &["--listen", &socket], &[]);
    server.with_identity("bob", "room").set("a", "value");
    let address: meshagent::net::UnixAddress = socket.parse().unwrap();
    let mut url = address.url().unwrap();
    url.set_path("/rooms/room");
    let token = server.token("bob", "room", false).into();
    let room = RoomClient::join(&HttpClient::from_env(), &url, &token)
        .await
        .unwrap();
    let secrets = SecretsClient::new(&room);
    let id = SecretId::new("a").unwrap();
    let secret = secrets.get_secret(&id, GetOptions::default()).await.unwrap();
    assert_eq!(secret.unwrap().value.expose(), b"value");
    room.close().await;
    server.stop();
}

/// No name leads a web page to a socket; a program may pass on what a page asks all the same.
#[test]
fn a_unix_socket_takes_every_host_and_no_foreign_origin() {
    let env = TestEnv::new();
    let socket = socket_in(&env);
    let server = TestServer::start_listening(&env, &["--listen", &socket], &[]);
    let ask = |headers: &[(&str, &str)]| {
        let stream = UnixStream::connect(env.file("rooms.sock")).unwrap();
        request_over(stream, "localhost", "GET /healthz", headers).status
    };
    assert_eq!(ask(&[("Host", "rooms.example")]), 200);
    assert_eq!(ask(&[("Origin", "https://evil.example")]), 403);
    server.stop();
}

#[test]
fn the_socket_of_a_killed_server_is_replaced_and_that_of_a_running_one_is_not() {
    let env = TestEnv::new();
    let socket = socket_in(&env);
    let path = env.file("rooms.sock");
    TestServer::start_listening(&env, &["--listen", &socket], &[]).kill();
    assert!(is_socket(&path) && is_socket(&env.data_dir().join("server.sock")));
    // No server is expected at the socket that was left.
    env.local().set("a", "value");
    let server = TestServer::start_listening(&env, &["--listen", &socket], &[]);
    let other = env.call(["room", "serve", "--listen", &socket, "--data-dir", "other"]);
    let told = "another process listens there";
    other.run().refuses(1).says(told);
    assert_eq!(env.local().get("a"), b"value");
    server.stop();
    let _listener = UnixListener::bind(&path).unwrap();
    let refused = env.call(["room", "serve", "--listen", &socket]).run();
    refused.refuses(1).says(told);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "mine").unwrap();
    let refused = env.call(["room", "serve", "--listen", &socket]).run();
    refused.refuses(1).says("something that is not a socket is there");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

/// A path of more than 107 bytes is no socket's.
#[test]
fn serve_does_without_its_own_socket_where_the_path_is_too_long() {
    let env = TestEnv::new();
    let deep = env.file(&"d".repeat(120));
    let variables = [("MESHAGENT_DATA_DIR", deep.to_str().unwrap())];
    let log = fs::File::create(env.root().join("deep.log")).unwrap();
    let mut command = env
        .call(["room", "serve", "--listen", "127.0.0.1:0"])
        .into_command();
    let mut server = command
        .envs(variables)
        .stdout(std::process::Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(server.stdout.as_mut().unwrap()),
        &mut line,
    )
    .unwrap();
    let set = env.local().secret(["set", "a", "--text", "x"]);
    set.env("MESHAGENT_DATA_DIR", &deep).run().succeeds();
    let log = fs::read_to_string(env.root().join("deep.log")).unwrap();
    assert!(
        log.contains("there is no Unix socket") && log.contains("joined"),
        "{log}"
    );
    server.kill().unwrap();
    server.wait().unwrap();
}
