//! The protocol of a room server, spoken by hand.

use std::net::TcpStream;

use meshagent::wire::messaging::SEND;
use meshagent::wire::messaging::event::ENABLED;
use meshagent::wire::messaging::tool::ENABLE;
use meshagent::wire::room::{CONNECTED, ROOM_READY, ToolInvocation, response};
use meshagent::wire::{Assembled, Assembler, Content, MAX_MESSAGE_BYTES, Message};
use serde_json::json;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Message as SocketMessage, WebSocket, accept_hdr};

/// Takes a participant, and gives the credential that it joined with. None if it does not join.
pub(crate) fn take_participant(stream: TcpStream) -> Option<(String, WebSocket<TcpStream>)> {
    let mut credential = String::new();
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let read = |request: &Request, response: Response| {
        let header = request.headers()["Authorization"].to_str().unwrap();
        header
            .strip_prefix("Bearer ")
            .unwrap()
            .clone_into(&mut credential);
        Ok(response)
    };
    let socket = accept_hdr(stream, read).ok()?;
    Some((credential, socket))
}

pub(crate) fn send(socket: &mut WebSocket<TcpStream>, message: &Message) {
    for packet in message.packets() {
        // The client may have left already.
        let _ = socket.send(SocketMessage::Binary(packet.into()));
    }
}

/// Says that the room is ready, and who the client is in it.
pub(crate) fn greet(socket: &mut WebSocket<TcpStream>) {
    let ready = json!({"room_name": "room", "room_url": null, "session_id": "s"});
    let connected = json!({"type": "init", "participantId": "p", "attributes": {"name": "bob"}});
    send(
        socket,
        &Message::new(1, ROOM_READY, &ready, Vec::new().into()).unwrap(),
    );
    send(
        socket,
        &Message::new(2, CONNECTED, &connected, Vec::new().into()).unwrap(),
    );
}

/// Answers each call of the client with `empty`, until it leaves; nobody else is in the room. `each` gets the tool of each
/// call.
pub(crate) fn answer_calls(
    socket: &mut WebSocket<TcpStream>,
    mut each: impl FnMut(&mut WebSocket<TcpStream>, &str),
) {
    let mut assembler = Assembler::new(MAX_MESSAGE_BYTES);
    while let Ok(received) = socket.read() {
        let SocketMessage::Binary(packet) = received else {
            continue;
        };
        if let Assembled::Message(message) = assembler.push(&packet).unwrap() {
            let id = message.id;
            let tool = ToolInvocation::from_message(message).unwrap().tool;
            send(socket, &response(id, Content::Empty).unwrap());
            if tool == ENABLE {
                let listed =
                    json!({"from_participant_id": "", "type": ENABLED, "message": {"participants": []}});
                send(
                    socket,
                    &Message::new(3, SEND, &listed, Vec::new().into()).unwrap(),
                );
            }
            each(socket, &tool);
        }
    }
}
