//! A participant that speaks the protocol by hand, so that it can break it.

use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind::WouldBlock;
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use meshagent::wire::room::{CONNECTED, RESPONSE, ROOM_READY, ToolInvocation, read_response};
use meshagent::wire::secrets::TOOLKIT;
use meshagent::wire::{Assembled, Assembler, Content, ErrorCode, Header, MAX_MESSAGE_BYTES, Message};
use serde_json::Value;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message as SocketMessage, WebSocket, client};

/// The longest that a server may be silent which owes an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A participant's connection.
pub(crate) struct Participant {
    socket: WebSocket<TcpStream>,
    assembler: Assembler,
    /// Messages that came while another was waited for.
    backlog: VecDeque<Message>,
    last_id: u64,
    pub(crate) id: String,
}

impl Participant {
    /// Joins the room with a token in the header.
    pub(crate) fn join(address: &str, room: &str, token: &str) -> Self {
        Self::join_with(
            address,
            room,
            token,
            "&accepts=secrets.request_withdrawn,something.new",
        )
    }

    /// Joins the room as a client of the SDKs, which knows none of this server's own messages.
    pub(crate) fn join_as_sdk(address: &str, room: &str, token: &str) -> Self {
        Self::join_with(address, room, token, "")
    }

    fn join_with(address: &str, room: &str, token: &str, query: &str) -> Self {
        let mut request = format!("ws://{address}/rooms/{room}?v=0.39.9{query}")
            .into_client_request()
            .unwrap();
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("Authorization", bearer);
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = client(request, stream).unwrap();
        let mut participant = Self {
            socket,
            assembler: Assembler::new(MAX_MESSAGE_BYTES),
            backlog: VecDeque::new(),
            last_id: 0,
            id: String::new(),
        };
        let (ready, _): (Header, _) = participant.receive(ROOM_READY).read().unwrap();
        assert_eq!(ready["room_name"], room);
        let (connected, _): (Header, _) = participant.receive(CONNECTED).read().unwrap();
        let id = connected["participantId"].as_str().unwrap();
        id.clone_into(&mut participant.id);
        participant
    }

    /// Calls a tool of the `secrets` toolkit.
    pub(crate) fn call(&mut self, tool: &str, input: Content) -> Content {
        self.call_of(TOOLKIT, tool, input)
    }

    pub(crate) fn call_of(&mut self, toolkit: &str, tool: &str, input: Content) -> Content {
        let call = ToolInvocation::new(toolkit, tool, input);
        let message = call.into_message(self.next_id()).unwrap();
        self.exchange(&message)
    }

    /// Sends a message of any type and waits for its answer.
    pub(crate) fn send(&mut self, kind: &str, header: &Value, payload: &[u8]) -> Content {
        let message = Message::new(self.next_id(), kind, header, payload.to_vec().into()).unwrap();
        self.exchange(&message)
    }

    /// Calls a tool of the `secrets` toolkit that takes JSON.
    pub(crate) fn call_json(&mut self, tool: &str, input: &Value) -> Content {
        self.call(tool, Content::json(input).unwrap())
    }

    /// Sends a message that has no answer.
    pub(crate) fn tell(&mut self, kind: &str, header: &Value) {
        let message = Message::new(self.next_id(), kind, header, Vec::new().into()).unwrap();
        self.write(&message);
    }

    /// Waits for a message of this type that the server pushes; its header.
    pub(crate) fn pushed(&mut self, kind: &str) -> Value {
        self.receive(kind).read().unwrap().0
    }

    /// As [`Participant::pushed`], with the message's id and payload.
    pub(crate) fn pushed_whole(&mut self, kind: &str) -> (u64, Value, Vec<u8>) {
        let message = self.receive(kind);
        let id = message.id;
        let (header, payload) = message.read().unwrap();
        (id, header, payload.into_exposed())
    }

    /// Answers the call of a toolkit that it hosts.
    pub(crate) fn answer_call(&mut self, id: u64, content: Content) {
        let (header, payload) = content.into_parts();
        let message = Message::new(id, "room.tool_call_response", &header, payload).unwrap();
        self.write(&message);
    }

    /// Calls a tool of any toolkit and does not read the answer.
    pub(crate) fn ask_of(&mut self, toolkit: &str, tool: &str, input: Content) {
        let call = ToolInvocation::new(toolkit, tool, input);
        let message = call.into_message(self.next_id()).unwrap();
        self.write(&message);
    }

    /// The types of the messages that came and were not waited for.
    pub(crate) fn unheard(&self) -> Vec<&str> {
        self.backlog.iter().map(|message| message.kind.as_str()).collect()
    }

    /// Calls a tool and does not read the answer.
    pub(crate) fn ask(&mut self, tool: &str, input: Content) {
        let call = ToolInvocation::new(TOOLKIT, tool, input);
        let message = call.into_message(self.next_id()).unwrap();
        self.write(&message);
    }

    fn write(&mut self, message: &Message) {
        for packet in message.packets() {
            self.socket.write(SocketMessage::Binary(packet.into())).unwrap();
        }
        self.socket.flush().unwrap();
    }

    fn exchange(&mut self, message: &Message) -> Content {
        self.write(message);
        let answer = self.receive(RESPONSE);
        assert_eq!(answer.id, message.id);
        read_response(answer).unwrap()
    }

    /// The answers to so many calls that were made by [`Participant::ask`], by the calls' ids.
    pub(crate) fn answers(&mut self, count: usize) -> BTreeMap<u64, Content> {
        let mut answers = BTreeMap::new();
        for _ in 0..count {
            let answer = self.receive(RESPONSE);
            let id = answer.id;
            let twice = answers.insert(id, read_response(answer).unwrap());
            assert!(twice.is_none(), "{id}");
        }
        answers
    }

    /// Sends one packet as it is.
    pub(crate) fn send_packet(&mut self, packet: Vec<u8>) {
        self.try_send_packet(packet).unwrap();
    }

    /// As [`Participant::send_packet`], where the server may have hung up.
    pub(crate) fn try_send_packet(&mut self, packet: Vec<u8>) -> Result<(), tungstenite::Error> {
        self.socket.send(SocketMessage::Binary(packet.into()))
    }

    /// Waits for the server's next ping and answers it. False if it hangs up instead.
    pub(crate) fn answers_a_ping(&mut self) -> bool {
        match self.socket.read() {
            // The answer goes out with the next flush.
            Ok(SocketMessage::Ping(_)) => self.socket.flush().is_ok(),
            Ok(other) => panic!("no ping but {other:?}"),
            Err(_) => false,
        }
    }

    /// Reads until the server closes the connection, and gives its reason.
    pub(crate) fn close_frame(&mut self) -> Option<CloseFrame> {
        loop {
            match self.socket.read() {
                Ok(SocketMessage::Close(frame)) => return frame,
                Ok(_) => {}
                Err(error) => panic!("the connection ended without a close: {error}"),
            }
        }
    }

    /// Reads until the server ends the connection, which it has to do without a close frame.
    #[track_caller]
    pub(crate) fn is_dropped(&mut self) {
        loop {
            match self.socket.read() {
                Ok(SocketMessage::Close(frame)) => panic!("closed with {frame:?}"),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == WouldBlock => panic!("not dropped"),
                Err(_) => return,
            }
        }
    }

    /// Leaves, and waits until the server has closed the connection, which is after it has removed the
    /// participant from the room. Gives the participant's id.
    pub(crate) fn leave(mut self) -> String {
        self.socket.close(None).unwrap();
        while self.socket.read().is_ok() {}
        self.id
    }

    /// What the server sent until it hung up, as it came: no ping of it is answered.
    pub(crate) fn unanswered(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.socket.get_mut().read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn receive(&mut self, kind: &str) -> Message {
        let waiting = self.backlog.iter().position(|message| message.kind == kind);
        if let Some(message) = waiting.and_then(|index| self.backlog.remove(index)) {
            return message;
        }
        loop {
            let SocketMessage::Binary(packet) = self.socket.read().unwrap() else {
                continue;
            };
            match self.assembler.push(&packet).unwrap() {
                Assembled::Pending => {}
                Assembled::Message(message) if message.kind == kind => return message,
                Assembled::Message(message) => self.backlog.push_back(message),
                Assembled::Unreadable { error, .. } => panic!("the answer cannot be read: {error}"),
            }
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

#[track_caller]
pub(crate) fn is_error(content: &Content, expected: ErrorCode) {
    match content {
        Content::Error { code, text } => assert_eq!(*code, Some(expected), "{text}"),
        other => panic!("no error but {other:?}"),
    }
}

/// Name, type and bytes of a file.
#[track_caller]
pub(crate) fn file(content: Content) -> (String, String, Vec<u8>) {
    match content {
        Content::File {
            name,
            mime_type,
            data,
            ..
        } => (name, mime_type, data.into_exposed()),
        other => panic!("no file but {other:?}"),
    }
}
