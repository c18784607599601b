//! Messages about the room itself: joining it and calling its toolkits (protocol, "Messages" and "Calls").

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::secrets::request::REQUEST_WITHDRAWN;
use super::{Content, DecodeError, Header, Message};
use crate::sensitive::SecretValue;

/// Type of the first message that a server sends: [`RoomReady`].
pub const ROOM_READY: &str = "room_ready";
/// Type of the second message: [`Connected`].
pub const CONNECTED: &str = "connected";
/// Type of a progress message, which may come before `room_ready`: [`RoomStatus`].
pub const ROOM_STATUS: &str = "room.status";
/// Type of a call: [`ToolInvocation`].
pub const INVOKE_TOOL: &str = "room.invoke_tool";
/// Type of a response: a [`Content`]. Its message id is the call's.
pub const RESPONSE: &str = "__response__";
/// Type of a message whose header is merged into the sender's attributes. It has no response.
pub const SET_ATTRIBUTES: &str = "set_attributes";

/// Member of the join's query that lists messages which the client takes beside those of the SDKs, separated by
/// commas: [`Accepts`].
pub const ACCEPTS: &str = "accepts";

/// The messages that a client takes beside those of the SDKs, which report unknown messages as errors (protocol,
/// "Getting in").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepts {
    /// It takes `secrets.request_withdrawn`.
    pub request_withdrawn: bool,
}

impl Accepts {
    /// What this program takes.
    pub const ALL: Self = Self {
        request_withdrawn: true,
    };

    /// Reads the member of the query. Types that are not known are ignored.
    pub fn parse(list: &str) -> Self {
        Self {
            request_withdrawn: list.split(',').any(|kind| kind == REQUEST_WITHDRAWN),
        }
    }
}

impl fmt::Display for Accepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.request_withdrawn {
            REQUEST_WITHDRAWN
        } else {
            ""
        })
    }
}

/// Response to the connect call (protocol, "Getting in"). `Debug` leaves the token out.
#[derive(Clone, Serialize, Deserialize)]
pub struct RoomConnection {
    /// The participant token for this room.
    pub jwt: String,
    /// The room's name.
    pub room_name: String,
    /// The project it belongs to.
    pub project_id: String,
    /// The room's address, `http(s)` or `ws(s)`. If it is absent, the address is `{api}/rooms/{room}`: see
    /// [`websocket_url`](super::websocket_url) and [`room_url`](super::room_url).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_url: Option<String>,
}

impl fmt::Debug for RoomConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomConnection")
            .field("room_name", &self.room_name)
            .field("project_id", &self.project_id)
            .field("room_url", &self.room_url)
            .finish_non_exhaustive()
    }
}

/// The room is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomReady {
    /// The room's name.
    #[serde(default)]
    pub room_name: String,
    /// Its address.
    #[serde(default)]
    pub room_url: Option<String>,
    /// Id of the room's session, which lasts from the first participant's joining until the room is empty.
    #[serde(default)]
    pub session_id: Option<String>,
}

/// The participant has joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// Always `init`.
    #[serde(rename = "type")]
    pub event: String,
    /// Id of the participant: of this connection.
    #[serde(rename = "participantId")]
    pub participant_id: String,
    /// Attributes of the participant. `name` is its identity.
    #[serde(default)]
    pub attributes: Header,
}

impl Connected {
    /// The participant's identity; none if the server does not send it.
    pub fn name(&self) -> Option<&str> {
        self.attributes.get("name").and_then(Value::as_str)
    }
}

/// Progress of the server before the room is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomStatus {
    /// The state, for programs.
    #[serde(default)]
    pub status: Option<String>,
    /// The state, for people.
    #[serde(default)]
    pub message: Option<String>,
}

/// A call of a toolkit's tool.
#[derive(Debug)]
pub struct ToolInvocation {
    /// The toolkit, like `secrets`.
    pub toolkit: String,
    /// The tool, like `get_secret`.
    pub tool: String,
    /// Its input.
    pub input: Content,
    /// To whom the call goes, and for whom it is made.
    pub route: CallRoute,
}

/// To whom a call goes, and for whom it is made: what only toolkits of participants need.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallRoute {
    /// The host, where several participants host a toolkit of that name.
    pub participant_id: Option<String>,
    /// The participant for which the call is made.
    pub on_behalf_of_id: Option<String>,
    /// Id of the call. Default: that of its message.
    pub tool_call_id: Option<String>,
    /// More about the caller, in a form of the clients' own.
    pub caller_context: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct InvocationHeader {
    toolkit: String,
    tool: String,
    #[serde(default)]
    participant_id: Option<String>,
    #[serde(default)]
    on_behalf_of_id: Option<String>,
    #[serde(default)]
    arguments: Option<Header>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller_context: Option<Value>,
}

impl ToolInvocation {
    /// A call that names no host.
    pub fn new(toolkit: impl Into<String>, tool: impl Into<String>, input: Content) -> Self {
        Self {
            toolkit: toolkit.into(),
            tool: tool.into(),
            input,
            route: CallRoute::default(),
        }
    }

    /// Makes the message of the call. `id` is the message's id, and the `tool_call_id` if there is none.
    ///
    /// # Errors
    /// [`DecodeError::BadHeader`] if the input cannot be serialized.
    pub fn into_message(self, id: u64) -> Result<Message, DecodeError> {
        let (arguments, payload) = self.input.into_parts();
        let header = InvocationHeader {
            toolkit: self.toolkit,
            tool: self.tool,
            participant_id: self.route.participant_id,
            on_behalf_of_id: self.route.on_behalf_of_id,
            arguments: Some(arguments),
            tool_call_id: Some(self.route.tool_call_id.unwrap_or_else(|| id.to_string())),
            caller_context: self.route.caller_context,
        };
        Message::new(id, INVOKE_TOOL, &header, payload)
    }

    /// Reads a call from a `room.invoke_tool` message. Without `arguments` the input is `empty`.
    ///
    /// # Errors
    /// The header or the input does not have the right form.
    pub fn from_message(message: Message) -> Result<Self, DecodeError> {
        let (header, payload): (InvocationHeader, SecretValue) = message.read()?;
        let input = match header.arguments {
            Some(arguments) => Content::from_parts(arguments, payload)?,
            None => Content::Empty,
        };
        Ok(Self {
            toolkit: header.toolkit,
            tool: header.tool,
            input,
            route: CallRoute {
                participant_id: header.participant_id,
                on_behalf_of_id: header.on_behalf_of_id,
                tool_call_id: header.tool_call_id,
                caller_context: header.caller_context,
            },
        })
    }
}

/// Makes the message of the response to the call `id`.
///
/// # Errors
/// [`DecodeError::BadHeader`] if the content cannot be serialized.
pub fn response(id: u64, content: Content) -> Result<Message, DecodeError> {
    let (header, payload) = content.into_parts();
    Message::new(id, RESPONSE, &header, payload)
}

/// Reads the content of a `__response__` message.
///
/// # Errors
/// The header is not that of a content.
pub fn read_response(message: Message) -> Result<Content, DecodeError> {
    let (header, payload) = message.read()?;
    Content::from_parts(header, payload)
}
