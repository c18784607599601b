//! Contents: the inputs and responses of calls (protocol, "Content").

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{DecodeError, ErrorCode, Header};
use crate::sensitive::{SecretValue, Sensitive};

/// Input or response of a call. `Debug` shows the type alone, because any member may be a token or a secret.
///
/// ```
/// use meshagent::wire::Content;
///
/// let content = Content::json(&serde_json::json!({"secret_id": "db/password"}))?;
/// let (header, payload) = content.into_parts();
/// assert_eq!(header["type"], "json");
/// assert!(payload.expose().is_empty());
/// # Ok::<(), meshagent::wire::DecodeError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Content {
    /// A JSON object.
    Json(Header),
    /// Text.
    Text(String),
    /// A named file.
    File {
        /// File name.
        name: String,
        /// Media type. For a secret it is the secret's type.
        mime_type: String,
        /// The identity that delegated the secret to the reader; none for other files. Other servers do not send it.
        owner: Option<String>,
        /// The bytes.
        data: SecretValue,
    },
    /// Bytes with a JSON object.
    Binary {
        /// The object.
        headers: Header,
        /// The bytes.
        data: SecretValue,
    },
    /// A link.
    Link {
        /// Its title.
        name: String,
        /// Its address.
        url: String,
    },
    /// Nothing: a call without input, or a success without a result.
    Empty,
    /// The call failed.
    Error {
        /// The reason, for people.
        text: String,
        /// The reason, for programs; none if the sender gave an unknown code or none.
        code: Option<ErrorCode>,
    },
    /// The call failed because the participant that was asked rejected the request. On the wire it is an `error`
    /// of code 1001 with the additional member `"rejected": true`, which distinguishes it from a missing grant.
    Rejected {
        /// The reason, for people.
        text: String,
    },
    /// Start or end of a stream.
    Control(Header),
    /// Outputs in the format of a model's provider.
    Raw(Vec<Value>),
}

impl Content {
    /// A `json` content.
    ///
    /// # Errors
    /// [`DecodeError::BadHeader`] if `value` does not serialize to a JSON object.
    pub fn json(value: &impl Serialize) -> Result<Self, DecodeError> {
        Ok(Self::Json(to_object(value)?))
    }

    /// A `binary` content.
    ///
    /// # Errors
    /// [`DecodeError::BadHeader`] if `headers` does not serialize to a JSON object.
    pub fn binary(headers: &impl Serialize, data: SecretValue) -> Result<Self, DecodeError> {
        Ok(Self::Binary {
            headers: to_object(headers)?,
            data,
        })
    }

    /// An `error` content.
    pub fn error(code: ErrorCode, text: impl Into<String>) -> Self {
        Self::Error {
            text: text.into(),
            code: Some(code),
        }
    }

    /// The content's header and payload, as a message carries them.
    pub fn into_parts(self) -> (Header, SecretValue) {
        let nothing = Sensitive::default();
        match self {
            Self::Json(json) => (header(json!({"type": "json", "json": json})), nothing),
            Self::Text(text) => (header(json!({"type": "text", "text": text})), nothing),
            Self::File {
                name,
                mime_type,
                owner,
                data,
            } => {
                let mut file = header(json!({"type": "file", "name": name, "mime_type": mime_type}));
                if let Some(owner) = owner {
                    file.insert("owner".to_owned(), owner.into());
                }
                (file, data)
            }
            Self::Binary { headers, data } => (header(json!({"type": "binary", "headers": headers})), data),
            Self::Link { name, url } => (header(json!({"type": "link", "name": name, "url": url})), nothing),
            Self::Empty => (header(json!({"type": "empty"})), nothing),
            Self::Error { text, code: None } => (header(json!({"type": "error", "text": text})), nothing),
            Self::Error {
                text,
                code: Some(code),
            } => (
                header(json!({"type": "error", "text": text, "code": code.number()})),
                nothing,
            ),
            Self::Rejected { text } => (
                header(
                    json!({"type": "error", "text": text, "code": ErrorCode::PermissionDenied.number(), "rejected": true}),
                ),
                nothing,
            ),
            Self::Control(mut control) => {
                control.insert("type".to_owned(), "control".into());
                (control, nothing)
            }
            Self::Raw(outputs) => (header(json!({"type": "raw", "outputs": outputs})), nothing),
        }
    }

    /// Reads a content from a header and a payload. The payload of types that have none is dropped.
    ///
    /// # Errors
    /// [`DecodeError::UnknownContent`] and [`DecodeError::BadMember`].
    pub fn from_parts(mut header: Header, payload: SecretValue) -> Result<Self, DecodeError> {
        let kind = header
            .get("type")
            .and_then(Value::as_str)
            .ok_or(DecodeError::UnknownContent)?;
        match kind {
            "json" => object(&mut header, "json").map(Self::Json),
            "text" => text(&header, "text").map(Self::Text),
            "file" => Ok(Self::File {
                name: text(&header, "name")?,
                mime_type: text(&header, "mime_type")?,
                owner: text(&header, "owner").ok(),
                data: payload,
            }),
            "binary" => {
                let headers = match header.get("headers") {
                    None | Some(Value::Null) => Header::new(),
                    Some(_) => object(&mut header, "headers")?,
                };
                Ok(Self::Binary {
                    headers,
                    data: payload,
                })
            }
            "link" => Ok(Self::Link {
                name: text(&header, "name")?,
                url: text(&header, "url")?,
            }),
            "empty" => Ok(Self::Empty),
            "error" if header.get("rejected") == Some(&Value::Bool(true)) => Ok(Self::Rejected {
                text: text(&header, "text")?,
            }),
            "error" => Ok(Self::Error {
                text: text(&header, "text")?,
                code: header
                    .get("code")
                    .and_then(Value::as_i64)
                    .and_then(ErrorCode::from_number),
            }),
            "control" => Ok(Self::Control(header)),
            "raw" => match header.remove("outputs") {
                Some(Value::Array(outputs)) => Ok(Self::Raw(outputs)),
                _ => Err(DecodeError::BadMember("outputs")),
            },
            _ => Err(DecodeError::UnknownContent),
        }
    }

    /// The object of a `json` content as `T`; `empty` counts as `{}`.
    ///
    /// # Errors
    /// [`DecodeError::BadInput`] for other contents, and members that do not fit `T`.
    pub fn into_json<T: DeserializeOwned>(self) -> Result<T, DecodeError> {
        let object = match self {
            Self::Json(object) => object,
            Self::Empty => Header::new(),
            _ => return Err(DecodeError::BadInput),
        };
        serde_json::from_value(Value::Object(object)).map_err(|_| DecodeError::BadInput)
    }

    /// The headers of a `binary` content as `T`, and its bytes.
    ///
    /// # Errors
    /// [`DecodeError::BadInput`] for other contents, and headers that do not fit `T`.
    pub fn into_binary<T: DeserializeOwned>(self) -> Result<(T, SecretValue), DecodeError> {
        let Self::Binary { headers, data } = self else {
            return Err(DecodeError::BadInput);
        };
        let headers = serde_json::from_value(Value::Object(headers)).map_err(|_| DecodeError::BadInput)?;
        Ok((headers, data))
    }

    /// The content's `type` on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Text(_) => "text",
            Self::File { .. } => "file",
            Self::Binary { .. } => "binary",
            Self::Link { .. } => "link",
            Self::Empty => "empty",
            Self::Error { .. } | Self::Rejected { .. } => "error",
            Self::Control(_) => "control",
            Self::Raw(_) => "raw",
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({})", self.kind())
    }
}

fn header(value: Value) -> Header {
    match value {
        Value::Object(header) => header,
        _ => Header::new(),
    }
}

fn to_object(value: &impl Serialize) -> Result<Header, DecodeError> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(DecodeError::BadHeader),
    }
}

fn text(header: &Header, member: &'static str) -> Result<String, DecodeError> {
    header
        .get(member)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or(DecodeError::BadMember(member))
}

fn object(header: &mut Header, member: &'static str) -> Result<Header, DecodeError> {
    match header.remove(member) {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(DecodeError::BadMember(member)),
    }
}
