//! Toolkits that participants host (protocol, "Toolkits of participants").

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Header;

/// Start of the types of requests about the room, before the first `.`.
pub const ROOM: &str = "room";
/// Type of the request for the toolkits of the room. Input: [`ListToolkits`]; response: `json`, [`ToolkitList`].
pub const LIST_TOOLKITS: &str = "room.list_toolkits";
/// Type of the request that registers a toolkit. Input: [`RegisterToolkit`]; response: `json`, [`ToolkitId`].
pub const REGISTER_TOOLKIT: &str = "room.register_toolkit";
/// Type of the request that ends a registration. Input: [`ToolkitId`]; response: `empty`.
pub const UNREGISTER_TOOLKIT: &str = "room.unregister_toolkit";
/// Start of the type of the message that puts a call to a toolkit's host: its end is the toolkit's name. Header:
/// [`HostedCall`].
pub const TOOL_CALL_PREFIX: &str = "room.tool_call.";
/// Type of the host's answer: a content, under the message id of the call. It has no response.
pub const TOOL_CALL_RESPONSE: &str = "room.tool_call_response";

/// Type of a chunk of the stream that answers a call: [`StreamChunk`], and the payload of its content. It has no response.
/// The host sends it, and the caller gets it, each with the id by which it knows the call.
pub const TOOL_CALL_RESPONSE_CHUNK: &str = "room.tool_call_response_chunk";

/// Header of a chunk of a stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StreamChunk {
    /// Id of the call.
    pub tool_call_id: String,
    /// Header of a content, or an object of the clients' own. `control` `close` is the last one.
    pub chunk: Value,
}

impl StreamChunk {
    /// Whether this is the end of the stream.
    pub fn is_close(&self) -> bool {
        let is = |member: &str, expected: &str| self.chunk.get(member).is_some_and(|found| found == expected);
        is("type", "control") && is("method", "close")
    }
}

/// Input of `room.list_toolkits`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListToolkits {
    /// Only those of this participant.
    pub participant_id: Option<String>,
    /// Only those of participants of this name.
    pub participant_name: Option<String>,
}

/// Response of `room.list_toolkits`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ToolkitList {
    /// The toolkits by name.
    pub tools: Map<String, Value>,
}

/// Input of `room.register_toolkit`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegisterToolkit {
    /// Name, by which it is called.
    pub name: String,
    /// Title, for people.
    pub title: Option<String>,
    /// Description, for people and models.
    pub description: Option<String>,
    /// Its tools by name, each with `title`, `description`, `input_spec`, `output_spec` and others: unchanged.
    pub tools: Option<Value>,
    /// Whether the other participants see it in the list.
    pub public: Option<bool>,
    /// More about it: unchanged.
    pub annotations: Option<Value>,
    /// Address of a picture.
    pub thumbnail_url: Option<String>,
}

/// The id of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolkitId {
    /// The id, which the server made.
    pub id: String,
}

/// Header of a call that is put to a toolkit's host; the payload is that of the arguments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HostedCall {
    /// Name of the tool.
    pub name: String,
    /// Header of the content that is the input.
    pub arguments: Header,
    /// Id of the participant that calls.
    pub caller_id: String,
    /// Id of the participant for which it calls.
    #[serde(default)]
    pub on_behalf_of_id: Option<String>,
    /// Id of the call.
    #[serde(default)]
    pub tool_call_id: Option<String>,
    /// More about the caller, in a form of the clients' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_context: Option<Value>,
}
