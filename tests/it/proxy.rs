//! The proxy of the environment: used for other machines, never for this one, and told no credential.

use std::io::Write;
use std::sync::mpsc;

use crate::support::{Call, FakeServer, TestEnv, TestServer, read_request};

/// A proxy that hands on what it was asked, and refuses.
fn proxy() -> (FakeServer, mpsc::Receiver<String>) {
    let (asked, requests) = mpsc::channel();
    let proxy = FakeServer::start(move |_, mut stream| {
        asked.send(read_request(&mut stream)).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    });
    (proxy, requests)
}

fn list(env: &TestEnv, url: &str) -> Call {
    env.call(["room", "secret", "list", "--room", "room", "--project-id", "p"])
        .env("MESHAGENT_API_URL", url)
        .env("MESHAGENT_TOKEN", "canary")
}

#[test]
fn another_machine_is_reached_through_a_tunnel() {
    let env = TestEnv::new();
    let (proxy, requests) = proxy();
    let with_password = proxy.url().replace("http://", "http://user:password@");
    let ways = [
        (
            "https://host.invalid",
            "HTTPS_PROXY",
            proxy.url(),
            "host.invalid:443",
        ),
        (
            "https://host.invalid:8443",
            "https_proxy",
            with_password,
            "host.invalid:8443",
        ),
        (
            "http://host.invalid",
            "HTTP_PROXY",
            proxy.url(),
            "host.invalid:80",
        ),
        ("https://192.0.2.1", "ALL_PROXY", proxy.url(), "192.0.2.1:443"),
    ];
    for (url, variable, value, target) in ways {
        let call = list(&env, url)
            .env(variable, &value)
            .env("MESHAGENT_ALLOW_INSECURE", "1");
        // With `-v`, a log comes before the error.
        let ran = call.arg("-vvvv").run().ends_with(7).says("proxy");
        assert!(ran.err().contains("proxy=\"127.0.0.1\""), "{}", ran.err());
        assert!(!ran.err().contains("password"), "{}", ran.err());
        let request = requests.recv().unwrap();
        assert!(
            request.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(!request.contains("canary"), "{request}");
        let authorized = request.to_lowercase().contains("proxy-authorization: basic");
        assert_eq!(authorized, value.contains("password"), "{request}");
    }
}

#[test]
fn this_machine_and_those_excepted_are_reached_directly() {
    let env = TestEnv::new();
    let (proxy, _requests) = proxy();
    let server = TestServer::start(&env);
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let call = server
            .with_key("room")
            .secret(["list"])
            .env(variable, proxy.url());
        call.run().succeeds();
    }
    server.stop();
    let excepted = list(&env, "https://host.invalid").env("NO_PROXY", "host.invalid");
    excepted.env("HTTPS_PROXY", proxy.url()).run().fails(7);
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_proxy_that_cannot_be_used_is_told() {
    let env = TestEnv::new();
    for proxy in [
        "https://127.0.0.1:1",
        "socks5://127.0.0.1:1",
        "http://127.0.0.1:1",
    ] {
        let call = list(&env, "https://host.invalid").env("HTTPS_PROXY", proxy);
        call.run().refuses(7).says("proxy");
    }
}
