//! `room serve` with TLS: who can speak to it, and how its certificate is replaced.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio_rustls::rustls::ProtocolVersion;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::support::{Authority, TestEnv, TestServer, TlsConnection, request, request_over};

/// The longest that the server is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The files of a server's certificate, of an authority that `SSL_CERT_FILE` can name.
struct TlsSetup {
    authority: Authority,
    root: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsSetup {
    fn new(env: &TestEnv) -> Self {
        let authority = Authority::new();
        let this = Self {
            root: env.write("root.pem", authority.pem()),
            certificate: env.file("cert.pem"),
            key: env.file("key.pem"),
            authority,
        };
        this.renew();
        this
    }

    fn renew(&self) {
        self.authority
            .write_pair("127.0.0.1", &self.certificate, &self.key);
    }

    fn serve<'a>(&self, env: &'a TestEnv, flags: &[&str]) -> TestServer<'a> {
        let (certificate, key) = (self.certificate.to_str().unwrap(), self.key.to_str().unwrap());
        let tls = ["--tls-cert", certificate, "--tls-key", key];
        TestServer::start_with(env, &[&tls, flags].concat())
    }

    fn connect(&self, server: &TestServer<'_>) -> TlsConnection {
        self.authority.connect(server.address(), &TLS13)
    }

    /// The certificate that the server shows.
    fn shown(&self, server: &TestServer<'_>) -> Vec<u8> {
        self.connect(server).conn.peer_certificates().unwrap()[0].to_vec()
    }

    /// Waits until the server shows another certificate than this.
    fn await_other_than(&self, server: &TestServer<'_>, certificate: &[u8]) -> Vec<u8> {
        let started = Instant::now();
        loop {
            let shown = self.shown(server);
            if shown != certificate {
                return shown;
            }
            assert!(started.elapsed() < PATIENCE, "{}", server.log());
            thread::yield_now();
        }
    }
}

#[test]
fn serve_with_tls_is_used_by_a_client_that_trusts_its_certificate() {
    let env = TestEnv::new();
    let certificate = TlsSetup::new(&env);
    let server = certificate.serve(&env, &[]);
    let root = certificate.root.to_str().unwrap();
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    assert_eq!(server.client_env()["MESHAGENT_API_URL"], server.url);
    let by_key = |arguments: &[&str]| server.with_key("room").secret(arguments);
    let set = by_key(&["set", "a", "--text", "value"]).env("SSL_CERT_FILE", root);
    set.run().succeeds();
    // Through the connect call, whose answer names the room's address.
    let connect = by_key(&["get", "a"]).without("MESHAGENT_SERVER_OWNER");
    assert_eq!(connect.env("SSL_CERT_FILE", root).run().succeeds().out(), "value");
    by_key(&["get", "a"]).run().fails(7).says("TLS");
    let key = fs::read_to_string(&certificate.key).unwrap();
    let line = key.lines().nth(1).unwrap();
    assert!(!server.log().contains(line), "{}", server.log());
    server.stop();
}

#[test]
fn serve_with_tls_speaks_tls_12_and_13_and_http_11() {
    let env = TestEnv::new();
    let certificate = TlsSetup::new(&env);
    let server = certificate.serve(&env, &[]);
    for (version, expected) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let stream = certificate.authority.connect(server.address(), version);
        assert_eq!(stream.conn.protocol_version(), Some(expected));
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        let healthy = request_over(stream, server.address(), "GET /healthz", &[]);
        assert_eq!((healthy.status, healthy.body.as_str()), (200, "ok\n"));
    }
    server.stop();
}

#[test]
fn serve_with_tls_tells_a_client_without_it_what_is_wrong() {
    let env = TestEnv::new();
    let server = TlsSetup::new(&env).serve(&env, &[]);
    let told = request(server.address(), "GET", "/healthz", &[]);
    let reason = "this port speaks https, not http\n";
    assert_eq!((told.status, told.body.as_str()), (400, reason));
    server.stop();
}

#[test]
fn serve_with_tls_needs_no_flag_on_an_address_of_other_machines() {
    let env = TestEnv::new();
    let certificate = TlsSetup::new(&env);
    let call = |flags: &[&str]| env.call(["room", "serve", "--listen", "0.0.0.0:0"]).args(flags);
    call(&[]).run().refuses(2).says("--tls-cert");
    let public = ["--listen", "0.0.0.0:0", "--public-url", "https://rooms.example"];
    let files = [
        certificate.certificate.to_str().unwrap(),
        certificate.key.to_str().unwrap(),
    ];
    call(&["--tls-cert", files[0]])
        .run()
        .ends_with(2)
        .says("--tls-key");
    let server = env.call(["room", "serve", "--tls-cert", files[0], "--tls-key", files[1]]);
    let mut server = server.args(public).spawn();
    let mut line = String::new();
    let mut byte = [0];
    let stdout = server.stdout.as_mut().unwrap();
    while !line.ends_with('\n') && stdout.read(&mut byte).unwrap() == 1 {
        line.push(byte[0].into());
    }
    assert!(line.starts_with("https://0.0.0.0:"), "{line}");
    // What a client is told is what the certificate is for.
    let client_env = fs::read_to_string(env.data_dir().join("client.env")).unwrap();
    assert!(client_env.contains("MESHAGENT_API_URL=https://rooms.example/\n"));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn serve_refuses_a_key_that_is_open_to_others_or_not_the_certificates() {
    let env = TestEnv::new();
    let certificate = TlsSetup::new(&env);
    let files = [
        certificate.certificate.to_str().unwrap(),
        certificate.key.to_str().unwrap(),
    ];
    let serve = || {
        let call = env.call(["room", "serve", "--listen", "127.0.0.1:0"]);
        call.args(["--tls-cert", files[0], "--tls-key", files[1]]).run()
    };
    fs::set_permissions(&certificate.key, fs::Permissions::from_mode(0o640)).unwrap();
    serve().refuses(1).says("other users have access to it");
    certificate.renew();
    let other = env.file("other.pem");
    certificate
        .authority
        .write_pair("127.0.0.1", &other, &certificate.key);
    serve().refuses(1).says("is not that of the certificate");
    assert!(!env.data_dir().exists());
}

#[test]
fn serve_uses_a_certificate_that_was_replaced_and_keeps_the_old_one_if_it_cannot() {
    let env = TestEnv::new();
    let certificate = TlsSetup::new(&env);
    let server = certificate.serve(&env, &[]);
    let first = certificate.shown(&server);
    let mut open = certificate.connect(&server);
    certificate.renew();
    let second = certificate.await_other_than(&server, &first);
    // What was open goes on.
    open.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    fs::write(&certificate.certificate, "nothing").unwrap();
    server.await_log("the TLS certificate was not read again");
    assert_eq!(certificate.shown(&server), second);
    certificate.renew();
    certificate.await_other_than(&server, &second);
    server.stop();
}

#[test]
fn serve_reads_its_certificate_again_on_sighup_and_goes_on() {
    let env = TestEnv::new();
    let certificate = TlsSetup::new(&env);
    let server = certificate.serve(&env, &[]);
    // Nothing has changed: that it is read is the signal's doing.
    for times in 1..=2 {
        server.signal(Signal::HUP);
        let started = Instant::now();
        while server.log().matches("the TLS certificate was read again").count() < times {
            assert!(started.elapsed() < PATIENCE, "{}", server.log());
            thread::yield_now();
        }
    }
    assert_eq!(
        request_over(certificate.connect(&server), "localhost", "GET /healthz", &[]).status,
        200
    );
    server.stop();
}

#[test]
fn serve_warns_of_a_certificate_that_has_expired_until_it_is_replaced() {
    let env = TestEnv::new();
    let setup = TlsSetup::new(&env);
    let authority = &setup.authority;
    authority.write_pair_until(2020, "127.0.0.1", &setup.certificate, &setup.key);
    let server = setup.serve(&env, &[]);
    server.await_log("the TLS certificate has expired");
    setup.renew();
    server.await_log("the TLS certificate was read again");
    assert_eq!(server.log().matches("has expired").count(), 1, "{}", server.log());
    server.stop();
}

/// As certbot has them: the names stay, and lead to other files after a renewal.
#[test]
fn serve_follows_links_to_its_certificate_and_notices_when_they_change() {
    let env = TestEnv::new();
    let setup = TlsSetup::new(&env);
    let server = {
        let (certificate, key) = (env.file("live-cert.pem"), env.file("live-key.pem"));
        symlink("cert.pem", &certificate).unwrap();
        symlink("key.pem", &key).unwrap();
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        TestServer::start_with(&env, &["--tls-cert", certificate, "--tls-key", key])
    };
    let first = setup.shown(&server);
    let (certificate, key) = (env.file("cert-2.pem"), env.file("key-2.pem"));
    setup.authority.write_pair("127.0.0.1", &certificate, &key);
    for (name, target) in [("live-cert.pem", "cert-2.pem"), ("live-key.pem", "key-2.pem")] {
        let new = env.file("new-link");
        symlink(target, &new).unwrap();
        fs::rename(&new, env.file(name)).unwrap();
    }
    setup.await_other_than(&server, &first);
    server.stop();
}

/// The beginning of a TLS record of 512 bytes, which does not go on.
fn half_a_handshake(server: &TestServer<'_>) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn serve_ends_a_handshake_that_does_not_go_on() {
    let env = TestEnv::new();
    let server = TlsSetup::new(&env).serve(&env, &["--header-timeout", "1"]);
    let silent = TcpStream::connect(server.address()).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    for mut stream in [half_a_handshake(&server), silent] {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    server.stop();
}

/// Without a limit of time, so that nothing but newcomers ends a handshake.
#[test]
fn handshakes_that_do_not_go_on_keep_nobody_out() {
    let env = TestEnv::new();
    let certificate = TlsSetup::new(&env);
    let server = certificate.serve(&env, &["--max-connections", "8", "--header-timeout", "3600"]);
    let half: Vec<TcpStream> = (0..200).map(|_| half_a_handshake(&server)).collect();
    let healthy = request_over(certificate.connect(&server), "localhost", "GET /healthz", &[]);
    assert_eq!(healthy.status, 200);
    drop(half);
    server.stop();
}

#[test]
fn serve_with_tls_refuses_at_its_limit_of_connections() {
    let env = TestEnv::new();
    let certificate = TlsSetup::new(&env);
    let server = certificate.serve(&env, &["--max-connections", "1"]);
    let root = certificate.root.to_str().unwrap();
    let provide = server
        .with_key("room")
        .secret(["provide", "--secret", "https://a.example=env:A"]);
    let mut provider = provide.env("SSL_CERT_FILE", root).env("A", "x").spawn();
    server.await_log("joined");
    let ask = |what| request_over(certificate.connect(&server), "localhost", what, &[]);
    let told = "all 1 connections that this server allows are in use";
    let refused = ask("GET /rooms/room");
    assert_eq!((refused.status, refused.body.as_str()), (503, told));
    assert_eq!(ask("GET /healthz").status, 200);
    provider.kill().unwrap();
    provider.wait().unwrap();
    server.stop();
}
