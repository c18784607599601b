//! What `room serve` tells the service manager, over a socket of the test's.

#![cfg(target_os = "linux")]

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Authority, TestEnv, TestServer};

/// The longest that a message is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service manager that hears one server.
struct ServiceManager {
    socket: UnixDatagram,
    path: String,
}

impl ServiceManager {
    fn new(env: &TestEnv) -> Self {
        let path = env.file("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let path = path.to_str().unwrap().to_owned();
        Self { socket, path }
    }

    fn start<'a>(&self, env: &'a TestEnv, flags: &[&str], variables: &[(&str, &str)]) -> TestServer<'a> {
        let variables = [variables, &[("NOTIFY_SOCKET", self.path.as_str())]].concat();
        TestServer::start_with_variables(env, flags, &variables)
    }

    /// The assignments of the next message.
    fn next(&self) -> Vec<String> {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).unwrap();
        let text = std::str::from_utf8(&message[..length]).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn is_serving(message: &[String], server: &TestServer<'_>) {
    let status = format!("STATUS=Serving rooms at {}", server.url);
    assert_eq!(message, ["READY=1".to_owned(), status]);
}

#[test]
fn serve_tells_systemd_when_it_is_ready_works_and_stops() {
    let env = TestEnv::new();
    let manager = ServiceManager::new(&env);
    let server = manager.start(&env, &["--shutdown-delay", "1h"], &[("WATCHDOG_USEC", "100000")]);
    is_serving(&manager.next(), &server);
    for _ in 0..3 {
        assert_eq!(manager.next(), ["WATCHDOG=1"]);
    }
    server.ask_to_stop();
    let stopping = loop {
        let message = manager.next();
        if message != ["WATCHDOG=1"] {
            break message;
        }
    };
    assert_eq!(stopping, ["STOPPING=1", "STATUS=Stopping"]);
    // It still serves, and works.
    assert_eq!(manager.next(), ["WATCHDOG=1"]);
    server.stop();
}

#[test]
fn serve_with_tls_tells_systemd_when_it_reads_its_certificate_again() {
    let env = TestEnv::new();
    let manager = ServiceManager::new(&env);
    let (certificate, key) = (env.file("cert.pem"), env.file("key.pem"));
    Authority::new().write_pair("127.0.0.1", &certificate, &key);
    let flags = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    // The watchdog of another process.
    let server = manager.start(
        &env,
        &flags,
        &[("WATCHDOG_USEC", "100000"), ("WATCHDOG_PID", "1")],
    );
    is_serving(&manager.next(), &server);
    server.signal(Signal::HUP);
    let reloading = manager.next();
    assert_eq!(reloading[0], "RELOADING=1");
    assert!(reloading[1].starts_with("MONOTONIC_USEC="), "{reloading:?}");
    is_serving(&manager.next(), &server);
    let log = env.root().join("server.log");
    server.stop();
    // Whole when the server has ended: a thread of its own writes it.
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("the TLS certificate was read again"), "{log}");
    assert_eq!(manager.next(), ["STOPPING=1", "STATUS=Stopping"]);
}

#[test]
fn serve_goes_on_if_the_service_manager_cannot_be_told() {
    let env = TestEnv::new();
    let missing = env.file("missing.sock");
    let variables = [("NOTIFY_SOCKET", missing.to_str().unwrap())];
    let server = TestServer::start_with_variables(&env, &[], &variables);
    server.with_key("room").set("a", "value");
    let log = env.root().join("server.log");
    server.stop();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("the service manager cannot be told"), "{log}");
}
