//! A server that pushes what no honest one would: nothing of it steers the terminal or ends the wait.

use std::net::TcpStream;

use meshagent::wire::room::{CONNECTED, INVOKE_TOOL, ROOM_READY, response};
use meshagent::wire::{Assembled, Assembler, Content, MAX_MESSAGE_BYTES, Message};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message as SocketMessage, WebSocket, accept};

use crate::support::{ASKED_OF_TERMINAL, FakeServer, PASTES_UNMARKED, Terminal, TestEnv};

/// A room that answers every call with `empty`, and pushes this once somebody has made one.
fn pushing(messages: Vec<(&'static str, Value)>) -> FakeServer {
    FakeServer::start(move |_, stream| {
        let Ok(mut socket) = accept(stream) else { return };
        let joined = [
            (ROOM_READY, json!({"room_name": "room"})),
            (
                CONNECTED,
                json!({"type": "init", "participantId": "p\u{1b}[2J", "attributes": {"name": "a\u{1b}[2J"}}),
            ),
        ];
        for (kind, header) in &joined {
            send(
                &mut socket,
                &Message::new(1, *kind, header, Vec::new().into()).unwrap(),
            );
        }
        let mut to_push = messages.iter();
        let mut assembler = Assembler::new(MAX_MESSAGE_BYTES);
        while let Ok(message) = socket.read() {
            let SocketMessage::Binary(packet) = message else {
                continue;
            };
            if let Assembled::Message(call) = assembler.push(&packet).unwrap() {
                assert_eq!(call.kind, INVOKE_TOOL);
                send(&mut socket, &response(call.id, Content::Empty).unwrap());
                for (kind, header) in to_push.by_ref() {
                    send(
                        &mut socket,
                        &Message::new(1, *kind, header, Vec::new().into()).unwrap(),
                    );
                }
            }
        }
    })
}

fn send(socket: &mut WebSocket<TcpStream>, message: &Message) {
    for packet in message.packets() {
        // The client may be gone.
        let _ = socket.send(SocketMessage::Binary(packet.into()));
    }
}

#[test]
fn escape_sequences_do_not_reach_the_terminal() {
    let env = TestEnv::new();
    let nasty = "\u{1b}[2J\u{9b}1m\r\n\u{7}\u{1b}]0;x\u{7}";
    let server = pushing(vec![
        (
            "secrets.request_secret",
            json!({
                "request_id": "r1",
                "request": {"url": nasty, "type": nasty, "participant_id": "p", "timeout": 300, "delegate_to": format!("{nasty}x")},
                "requester": {"id": nasty, "name": nasty},
            }),
        ),
        (
            "secrets.request_withdrawn",
            json!({"request_id": "r1", "reason": nasty}),
        ),
        (
            "secrets.request_secret",
            json!({"request_id": "r2", "request": {"url": "u", "participant_id": "p", "timeout": 300}}),
        ),
    ]);
    let mut ada = Terminal::run(server.joining(&env).secret(["provide", "--color=never"]));
    // The first may be there for a moment, or be gone before it is shown.
    let mut shown = ada.shows("The server does not say who.");
    shown.push_str(&ada.shows("Somebody: give, reject or ignore? [g/r/i] "));
    let rest = shown
        .replace("\r\n", "")
        .replace("\r\u{1b}[K", "")
        .replace(ASKED_OF_TERMINAL, "")
        .replace(PASTES_UNMARKED, "")
        .replacen('\u{7}', "", 2);
    assert!(!rest.contains(|c: char| c.is_control()), "{rest:?}");
    assert!(shown.contains("taken back, \\u{1b}[2J"), "{shown:?}");
    ada.types("\x03");
    assert_eq!(ada.ends().code, 130);
}

#[test]
fn a_request_that_makes_no_sense_is_survived() {
    let env = TestEnv::new();
    let server = pushing(vec![
        ("secrets.request_secret", json!({"nothing": "of use"})),
        ("secrets.request_secret", json!({"request_id": 7, "request": []})),
        (
            "secrets.request_oauth_token",
            json!({"request_id": "", "request": null}),
        ),
        ("secrets.request_withdrawn", json!({"request_id": "never made"})),
        (
            "secrets.request_secret",
            json!({"request_id": "r", "request": {"url": "u", "participant_id": "p", "timeout": u64::MAX}}),
        ),
    ]);
    env.write("rules.toml", "[[rule]]\nurl = \"u\"\nreject = \"no\"\n");
    let provide = ["provide", "--once", "--rules", "rules.toml"];
    let ran = server.joining(&env).secret(provide).run().succeeds();
    ran.says("somebody unknown asked for u (type application/octet-stream): rejected, by rule 1.");
}
