//! Servers that are not there, or not what they should be.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use meshagent::wire::{Message, Packet};
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message as SocketMessage, WebSocket, accept};

use crate::support::{FakeServer, Ran, TestEnv, TestServer, Way, greet, read_request, respond, send};

const PAGE: &str = "<!doctype html><p>canary</p>";

fn get(way: &Way<'_>, flags: &[&str]) -> Ran {
    way.secret(["get", "a"]).args(flags).run()
}

/// A server that takes the WebSocket and hands it on.
fn room(serve: impl Fn(usize, WebSocket<TcpStream>) + Send + Sync + 'static) -> FakeServer {
    FakeServer::start(move |number, stream| {
        if let Ok(socket) = accept(stream) {
            serve(number, socket);
        }
    })
}

#[test]
fn nobody_listens() {
    let env = TestEnv::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for room in ["room", "other"] {
        let call = env.call(["room", "secret", "list", "--room", room, "--project-id", "p"]);
        let call = call
            .env("MESHAGENT_API_URL", &url)
            .env("MESHAGENT_TOKEN", "t")
            .env("MESHAGENT_ROOM", "room");
        call.run().refuses(7).says("could not reach 127.0.0.1:");
    }
}

#[test]
fn no_such_host() {
    let env = TestEnv::new();
    let call = env.call(["room", "secret", "list", "--room", "room", "--project-id", "p"]);
    let call = call
        .env("MESHAGENT_API_URL", "https://host.invalid")
        .env("MESHAGENT_TOKEN", "t");
    call.run().fails(7).says("host.invalid");
}

#[test]
fn tls_where_there_is_none() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let url = server.url.replace("http://", "https://");
    for way in [server.with_key("room"), server.with_token("bob", "room")] {
        way.secret(["list", "--api-url", &url])
            .run()
            .refuses(7)
            .says("TLS");
    }
    server.stop();
}

#[test]
fn a_page_is_no_room_server() {
    let env = TestEnv::new();
    let server = FakeServer::answering(respond("200 OK", "text/html", PAGE));
    for way in [server.connecting(&env), server.joining(&env)] {
        let ran = get(&way, &[]).refuses(7).says("not that of a room server");
        assert!(!ran.err().contains("canary"), "{}", ran.err());
    }
    assert_eq!(server.connections(), 2);
}

#[test]
fn what_is_no_http_or_has_no_end_is_no_room_server() {
    let env = TestEnv::new();
    let noise = FakeServer::answering(vec![0xff; 300]);
    let endless =
        FakeServer::answering("HTTP/1.1 200 OK\r\n".to_owned() + &"X-More: and more\r\n".repeat(50_000));
    for server in [noise, endless] {
        for way in [server.connecting(&env), server.joining(&env)] {
            get(&way, &[])
                .refuses(7)
                .says("the answer ")
                .says("check the address");
        }
    }
}

#[test]
fn statuses_are_told_apart_and_pages_are_not_repeated() {
    let env = TestEnv::new();
    for (status, code) in [
        ("401 Unauthorized", 4),
        ("403 Forbidden", 4),
        ("404 Not Found", 3),
        ("500 Internal Server Error", 7),
        ("502 Bad Gateway", 7),
        ("301 Moved Permanently", 7),
    ] {
        for (kind, body) in [
            ("text/plain", "the reason why"),
            ("text/html", PAGE),
            ("application/json", "{\"canary\":1}"),
        ] {
            let server = FakeServer::answering(respond(status, kind, body));
            for way in [server.connecting(&env), server.joining(&env)] {
                let ran = get(&way, &[]).ends_with(code);
                assert_eq!(ran.stdout, b"");
                assert!(!ran.err().contains("canary"), "{}", ran.err());
                if kind == "text/plain" {
                    assert!(ran.err().contains("the reason why"), "{}", ran.err());
                }
            }
            // Final: asked once by each.
            assert_eq!(server.connections(), 2, "{status}");
        }
    }
}

#[test]
fn what_a_server_says_cannot_steer_the_terminal() {
    let env = TestEnv::new();
    let body = "\x1b[2J\u{202e}no";
    let server = FakeServer::answering(respond("403 Forbidden", "text/plain", body));
    for way in [server.connecting(&env), server.joining(&env)] {
        let ran = get(&way, &[]).refuses(4);
        assert!(!ran.err().contains(['\x1b', '\u{202e}']), "{:?}", ran.err());
    }
}

#[test]
fn a_redirect_gets_no_credential() {
    let env = TestEnv::new();
    let other = FakeServer::answering(respond("200 OK", "text/plain", ""));
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}/\r\nContent-Length: 0\r\n\r\n",
        other.url()
    );
    let server = FakeServer::answering(redirect);
    for way in [server.connecting(&env), server.joining(&env)] {
        get(&way, &[]).ends_with(7);
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn the_end_comes_before_the_answer() {
    let env = TestEnv::new();
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"jwt\":";
    for answer in [cut, "HTTP/1.1 200 OK\r\nContent-", ""] {
        let server = FakeServer::answering(answer);
        for way in [server.connecting(&env), server.joining(&env)] {
            get(&way, &[]).ends_with(7).says("error: ");
        }
    }
}

#[test]
fn the_end_comes_in_the_middle_of_a_value() {
    let env = TestEnv::new();
    let server = room(|_, mut socket| {
        greet(&mut socket);
        socket.read().unwrap();
        let first = Packet::First {
            message_id: 1,
            packet_count: 3,
            kind: "__response__",
        };
        let part = Packet::Data {
            message_id: 1,
            index: 1,
            data: b"half a secret",
        };
        for packet in [first, part] {
            socket
                .send(SocketMessage::Binary(packet.encode().into()))
                .unwrap();
        }
        socket.get_mut().shutdown(Shutdown::Both).unwrap();
    });
    let ran = get(&server.joining(&env), &["--out", "file"]).ends_with(7);
    assert!(ran.stdout.is_empty());
    assert_eq!(env.files(), [""; 0]);
    get(&server.joining(&env), &[]).ends_with(7);
}

#[test]
fn a_server_that_breaks_the_protocol() {
    let env = TestEnv::new();
    let server = room(|_, mut socket| {
        greet(&mut socket);
        let _ = socket.send(SocketMessage::Binary(b"short".to_vec().into()));
        // Until the client hangs up.
        while socket.read().is_ok() {}
    });
    let ran = get(&server.joining(&env), &[]);
    assert!(ran.took < Duration::from_secs(15));
    ran.ends_with(1).says("does not speak the room protocol");
}

#[test]
fn a_server_that_never_answers() {
    let env = TestEnv::new();
    let silent = FakeServer::start(|_, mut stream| {
        read_request(&mut stream);
        read_request(&mut stream);
    });
    let mute = room(|_, mut socket| {
        greet(&mut socket);
        while socket.read().is_ok() {}
    });
    for way in [silent.connecting(&env), silent.joining(&env), mute.joining(&env)] {
        let ran = get(&way, &["--timeout", "1"]).refuses(6).says("--timeout");
        assert!(ran.took >= Duration::from_secs(1), "{:?}", ran.took);
    }
    assert_eq!((silent.connections(), mute.connections()), (2, 1));
}

/// Where the request is not sent, its time is the command's.
#[test]
fn a_server_that_never_lets_anybody_ask_or_answer() {
    let env = TestEnv::new();
    let silent = FakeServer::start(|_, mut stream| {
        read_request(&mut stream);
        read_request(&mut stream);
    });
    let mute = room(|_, mut socket| {
        greet(&mut socket);
        while socket.read().is_ok() {}
    });
    let request = ["request", "--from", "ada", "--url", "u", "--timeout", "1"];
    for way in [silent.connecting(&env), silent.joining(&env), mute.joining(&env)] {
        let ran = way.secret(request).run().refuses(6);
        ran.says("no answer within 1 s");
    }
    let provide = ["provide", "--for", "1s"];
    let ran = silent.joining(&env).secret(provide).run().refuses(6);
    ran.says("the room could not be joined");
}

fn busy(mut socket: WebSocket<TcpStream>) {
    let frame = CloseFrame {
        code: CloseCode::Again,
        reason: "come back".into(),
    };
    socket.close(Some(frame)).unwrap();
    while socket.read().is_ok() {}
}

#[test]
fn a_busy_server_is_asked_again_until_the_time_is_up() {
    let env = TestEnv::new();
    let server = room(|_, socket| busy(socket));
    // At 0, 0.5 and 1.5 s; the next would be at 3.5 s.
    let ran = get(&server.joining(&env), &["--timeout", "3"]).refuses(6);
    assert!(ran.took >= Duration::from_secs(3), "{:?}", ran.took);
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_busy_server_that_recovers_is_used() {
    let env = TestEnv::new();
    let server = room(|number, mut socket| {
        if number < 3 {
            return busy(socket);
        }
        greet(&mut socket);
        socket.read().unwrap();
        socket.read().unwrap();
        let file = json!({"type": "file", "name": "a", "mime_type": "text/plain"});
        send(
            &mut socket,
            &Message::new(1, "__response__", &file, b"value".to_vec().into()).unwrap(),
        );
        while socket.read().is_ok() {}
    });
    let ran = get(&server.joining(&env), &[]).succeeds().says_nothing();
    assert_eq!(ran.out(), "value");
    assert_eq!(server.connections(), 3);
}

/// The connect call's answer may name the room's address as http(s) or as ws(s), or not at all.
#[test]
fn the_room_is_where_the_answer_says() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = server.with_token("bob", "room");
    way.set("a", "value");
    let token = server.token("bob", "room", false);
    for scheme in ["http", "ws"] {
        let url = format!("{scheme}://{}/rooms/room", server.address());
        let answer = json!({"jwt": token, "room_name": "room", "project_id": "p", "room_url": url});
        let elsewhere = FakeServer::answering(respond("200 OK", "application/json", &answer.to_string()));
        assert_eq!(elsewhere.connecting(&env).get("a"), b"value");
        assert_eq!(elsewhere.connections(), 1);
    }
    server.stop();
}

#[test]
fn a_busy_connect_call_is_repeated_too() {
    let env = TestEnv::new();
    for status in ["503 Service Unavailable", "429 Too Many Requests"] {
        let server = FakeServer::start(move |number, mut stream| {
            read_request(&mut stream);
            let status = if number < 2 { status } else { "403 Forbidden" };
            let _ = stream.write_all(respond(status, "text/plain", "later").as_bytes());
        });
        get(&server.connecting(&env), &[]).refuses(4);
        assert_eq!(server.connections(), 2);
    }
}

#[test]
fn other_closes_are_final() {
    let env = TestEnv::new();
    // Who breaks a server's policy, as by a token that has expired, does so again by trying again.
    let ends = [
        (CloseCode::Normal, 7),
        (CloseCode::Away, 7),
        (CloseCode::Policy, 4),
    ];
    for (code, exit_code) in ends {
        let server = room(move |_, mut socket| {
            let _ = socket.close(Some(CloseFrame {
                code,
                reason: "go away".into(),
            }));
            while socket.read().is_ok() {}
        });
        get(&server.joining(&env), &[])
            .ends_with(exit_code)
            .says("go away");
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_failing_server_comes_with_a_hint() {
    let env = TestEnv::new();
    let server = FakeServer::answering(respond("500 Internal Server Error", "text/plain", "broken"));
    get(&server.connecting(&env), &[]).refuses(7);
}

/// A token goes unencrypted to no other machine, whoever says that the room is there.
#[test]
fn a_room_on_another_machine_is_not_joined_in_clear() {
    let env = TestEnv::new();
    for url in ["ws://192.0.2.1/rooms/room", "http://192.0.2.1/rooms/room"] {
        let answer = json!({"jwt": "token", "room_name": "room", "project_id": "p", "room_url": url});
        let server = FakeServer::answering(respond("200 OK", "application/json", &answer.to_string()));
        let ran = get(&server.connecting(&env), &["--timeout", "3"]);
        assert!(!ran.status.success());
        ran.says("not encrypted");
    }
}
