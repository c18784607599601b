//! The proxy of the environment: used for other machines, never for this one, and told no credential.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc;

use tokio_rustls::rustls::ServerConfig;

use crate::support::{
    Authority, Call, FakeServer, Proxy, ProxyKind, TestEnv, TestServer, TlsFront, Way, read_request,
};

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
        ("https://192.0.2.1", "ALL_PROXY", proxy.url(), "192.0.2.1:443"),
    ];
    for (url, variable, value, target) in ways {
        let call = list(&env, url).env(variable, &value);
        // With `-v`, a log comes before the error.
        let ran = call
            .arg("-vvvv")
            .run()
            .ends_with(7)
            .says("through the proxy 127.0.0.1:");
        assert!(ran.err().contains("proxy=\"127.0.0.1:"), "{}", ran.err());
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

/// A server that is reached as `https://NAME` through a proxy alone.
struct FarAway<'a> {
    env: &'a TestEnv,
    server: TestServer<'a>,
    front: TlsFront,
    name: &'static str,
}

impl<'a> FarAway<'a> {
    fn start(env: &'a TestEnv, config: Arc<ServerConfig>, name: &'static str) -> Self {
        let url = format!("https://{name}");
        let server = TestServer::start_with(env, &["--public-url", &url, "--allow-host", name]);
        let front = TlsFront::start(config, server.address());
        Self {
            env,
            server,
            front,
            name,
        }
    }

    /// Into its room with the API key, through a proxy.
    fn through(&self, proxy: &str, roots: &str) -> Way<'a> {
        let (url, key) = (format!("https://{}", self.name), self.server.api_key());
        let variables = [
            ("MESHAGENT_API_URL", url.as_str()),
            ("MESHAGENT_API_KEY", &key),
            ("HTTPS_PROXY", proxy),
            ("SSL_CERT_FILE", roots),
        ];
        Way::new(self.env, &variables, &["--room", "room"])
    }
}

#[test]
fn each_kind_of_proxy_leads_to_the_room_in_one_connection_and_sees_no_credential() {
    let env = TestEnv::new();
    let authority = Authority::new();
    let roots = env.write("roots.pem", authority.pem());
    let tls = authority.server("localhost");
    let ways = [
        (
            "host.example",
            ProxyKind::Http,
            "http://u:p%40s@",
            "CONNECT host.example:443",
        ),
        (
            "host.example",
            ProxyKind::Https(tls),
            "https://u:p%40s@",
            "CONNECT host.example:443",
        ),
        (
            "host.example",
            ProxyKind::Socks,
            "socks5h://u:p%40s@",
            "u:p@s@host.example",
        ),
        // The name is resolved on this machine.
        ("192.0.2.1", ProxyKind::Socks, "socks5://", "192.0.2.1"),
    ];
    for (name, kind, before, expected) in ways {
        let far = FarAway::start(&env, authority.server(name), name);
        let proxy = Proxy::start(kind, far.front.address());
        let url = format!("{before}{}", proxy.address()).replace("127.0.0.1", "localhost");
        far.through(&url, roots.to_str().unwrap()).set("a", "value");
        assert_eq!(far.front.connections(), 1, "{url}");
        let seen = proxy.seen();
        assert!(seen.starts_with(expected), "{url}: {seen}");
        // `u:p@s`
        let authorized = seen
            .to_lowercase()
            .contains("proxy-authorization: basic dtpwqhm=");
        assert_eq!(
            authorized,
            before.contains("p%40s@") && expected.starts_with("CONNECT"),
            "{seen}"
        );
        let key = far.server.api_key();
        assert!(!seen.contains("Bearer") && !seen.contains(&key), "{url}");
        far.server.stop();
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
        "socks5h://127.0.0.1:1",
        "http://127.0.0.1:1",
    ] {
        let call = list(&env, "https://192.0.2.1").env("HTTPS_PROXY", proxy);
        call.run().refuses(7).says("through the proxy 127.0.0.1:1: ");
    }
}

#[test]
fn a_proxy_that_wants_a_password_is_told() {
    let env = TestEnv::new();
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let proxy = FakeServer::answering(answer);
    let call = list(&env, "https://host.invalid").env("HTTPS_PROXY", proxy.url());
    call.run().refuses(7).says("it wants a user name and a password");
}

#[test]
fn a_proxy_variable_that_cannot_be_read_is_an_error_and_no_direct_connection() {
    let env = TestEnv::new();
    let (proxy, _requests) = proxy();
    let address = proxy.url().replace("http://", "");
    for (variable, value) in [
        ("HTTPS_PROXY", format!("http://user:password@{address}\r")),
        ("https_proxy", format!("\"http://user:password@{address}\"")),
        ("ALL_PROXY", format!("http://user:password@{address} ")),
        ("all_proxy", format!("gopher://user:password@{address}")),
    ] {
        let call = list(&env, "https://192.0.2.1").env(variable, &value);
        let ran = call
            .arg("-vvvv")
            .run()
            .ends_with(2)
            .says(&format!("error: {variable} cannot be used"));
        assert!(!ran.err().contains("password@"), "{}", ran.err());
    }
    let call = list(&env, "https://192.0.2.1").env("HTTPS_PROXY", proxy.url());
    call.env("NO_PROXY", "a\r")
        .run()
        .refuses(2)
        .says("NO_PROXY cannot be used");
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn no_credential_goes_through_a_proxy_without_tls() {
    let env = TestEnv::new();
    let (proxy, _requests) = proxy();
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        for scheme in ["http", "socks5h"] {
            let value = proxy.url().replace("http", scheme);
            let call = list(&env, "http://host.invalid").env(variable, value);
            let ran = call.env("MESHAGENT_ALLOW_INSECURE", "1").run();
            ran.refuses(2).says(variable).says("NO_PROXY");
        }
    }
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn root_certificates_that_are_named_and_cannot_be_read_are_an_error_that_names_them() {
    let env = TestEnv::new();
    let missing = env.file("missing.pem");
    let empty = env.write("empty.pem", "");
    for (file, says) in [(missing, "No such file"), (empty, "no certificate")] {
        for url in ["https://localhost:1", "https://host.invalid"] {
            let call = list(&env, url).env("SSL_CERT_FILE", &file);
            call.run().refuses(1).says("SSL_CERT_FILE: ").says(says);
        }
    }
    let call = list(&env, "https://localhost:1").env("SSL_CERT_DIR", env.file("missing"));
    call.run().refuses(1).says("SSL_CERT_DIR: ");
    // Without TLS nothing is read.
    let call = list(&env, "http://127.0.0.1:1").env("SSL_CERT_FILE", env.file("missing.pem"));
    call.run().refuses(7);
}
