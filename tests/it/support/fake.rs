//! Servers that misbehave.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{TestEnv, Way};

/// A server that does with each connection what it is told. Its threads end with the test.
pub(crate) struct FakeServer {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl FakeServer {
    /// `serve` gets each connection and its number, from 1.
    pub(crate) fn start(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counter, serve) = (Arc::clone(&connections), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(number, stream));
            }
        });
        Self { address, connections }
    }

    /// Answers every request with these bytes, and closes the connection.
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, mut stream| {
            read_request(&mut stream);
            // Whoever asked may be gone.
            let _ = stream.write_all(&answer);
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Into its room through the connect call.
    pub(crate) fn connecting<'a>(&self, env: &'a TestEnv) -> Way<'a> {
        let variables = [
            ("MESHAGENT_API_URL", self.url()),
            ("MESHAGENT_TOKEN", "access".to_owned()),
            ("MESHAGENT_PROJECT_ID", "project".to_owned()),
        ];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        Way::new(env, &variables, &["--room", "room"])
    }

    /// Into its room by the WebSocket alone, as with a participant token.
    pub(crate) fn joining<'a>(&self, env: &'a TestEnv) -> Way<'a> {
        let variables = [
            ("MESHAGENT_API_URL", self.url()),
            ("MESHAGENT_TOKEN", "token".to_owned()),
            ("MESHAGENT_ROOM", "room".to_owned()),
        ];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        Way::new(env, &variables, &[])
    }
}

/// Reads a request with its body.
pub(crate) fn read_request(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(byte[0]);
    }
    let mut request = String::from_utf8(request).unwrap();
    let length = request
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    if stream.read_exact(&mut body).is_ok() {
        request.push_str(std::str::from_utf8(&body).unwrap());
    }
    request
}

/// A whole HTTP answer.
pub(crate) fn respond(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
