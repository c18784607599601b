//! HTTP by hand: nothing between the test and the bytes.

use std::io::{Read, Write};
use std::net::TcpStream;

/// A server's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    /// Where it leads.
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

/// Sends a request and reads the answer to its end. `headers` replace the usual `Host`, if they have one.
pub(crate) fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let stream = TcpStream::connect(address).unwrap();
    request_over(stream, address, &format!("{method} {path}"), headers)
}

/// As [`request`], over a connection that is there, of `what`: a method and a path.
pub(crate) fn request_over(
    mut stream: impl Read + Write,
    address: &str,
    what: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let usual = [("Connection", "close"), ("Content-Length", "0")];
    let text = lay_out(address, what, &usual, headers);
    stream.write_all(text.as_bytes()).unwrap();
    read_answer(stream)
}

/// Asks for the WebSocket of `path` and reads the answer's head; a refusal with its body.
pub(crate) fn upgrade(address: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let usual = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let text = lay_out(address, &format!("GET {path}"), &usual, headers);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    let mut answer = parse(&head);
    if answer.status != 101 {
        let length = answer
            .head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
    }
    answer
}

fn lay_out(address: &str, what: &str, usual: &[(&str, &str)], headers: &[(&str, &str)]) -> String {
    let named = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case("host");
    let host = if headers.iter().any(named) {
        None
    } else {
        Some(("Host", address))
    };
    let all = usual.iter().chain(host.iter()).chain(headers);
    let lines: Vec<String> = all.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{what} HTTP/1.1\r\n{}\r\n", lines.concat())
}

/// Reads an answer until the server closes the connection.
fn read_answer(mut stream: impl Read) -> Answer {
    let mut bytes = Vec::new();
    // A server that closes with our bytes unread resets the connection; what it said came before.
    let _ = stream.read_to_end(&mut bytes);
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_ascii_lowercase(),
        location: head
            .lines()
            .find_map(|line| line.strip_prefix("location: "))
            .map(str::to_owned),
        body: body.to_owned(),
    }
}
