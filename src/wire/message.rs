//! Messages: id, type, JSON header and payload (protocol, "Messages").

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::DecodeError;
use super::data::{LENGTH_BYTES, MessageData};
use super::packet::{PACKET_DATA_BYTES, Packet, data_header};
use crate::sensitive::{SecretValue, SensitiveText};

/// A message header: a JSON object.
pub type Header = Map<String, Value>;

/// The member of a header that carries trace context. It is removed before the header is read.
const TRACE_MEMBER: &str = "__meshagent__";

/// A message. The header may hold tokens and the payload may be a secret, so `Debug` shows neither.
#[derive(Debug, Clone)]
pub struct Message {
    /// Id, unique per direction. A response has the id of its call.
    pub id: u64,
    /// Type, like `room.invoke_tool`.
    pub kind: String,
    /// The JSON text of the header.
    header: SensitiveText,
    /// The bytes after the header.
    payload: SecretValue,
}

impl Message {
    /// Makes a message. `header` must serialize to a JSON object.
    ///
    /// # Errors
    /// [`DecodeError::BadHeader`] if `header` cannot be serialized.
    pub fn new(
        id: u64,
        kind: impl Into<String>,
        header: &impl Serialize,
        payload: SecretValue,
    ) -> Result<Self, DecodeError> {
        let header = serde_json::to_string(header).map_err(|_| DecodeError::BadHeader)?;
        Ok(Self {
            id,
            kind: kind.into(),
            header: header.into(),
            payload,
        })
    }

    /// The message whose data is complete.
    pub(super) fn from_data(id: u64, kind: &str, mut data: MessageData) -> Result<Self, DecodeError> {
        let (length, header) = data
            .head
            .split_first_chunk()
            .ok_or(DecodeError::BadHeaderLength)?;
        if data.header_length(*length) != Some(header.len()) {
            return Err(DecodeError::BadHeaderLength);
        }
        let header = String::from_utf8(header.to_vec()).map_err(|_| DecodeError::BadHeader)?;
        Ok(Self {
            id,
            kind: kind.to_owned(),
            header: header.into(),
            payload: std::mem::take(&mut *data.payload).into(),
        })
    }

    /// The header as `T`, without trace context, and the payload.
    ///
    /// # Errors
    /// [`DecodeError::BadHeader`] if the header is not a JSON object; [`DecodeError::BadInput`] if it is not a `T`.
    pub fn read<T: DeserializeOwned>(self) -> Result<(T, SecretValue), DecodeError> {
        let mut header: Header =
            serde_json::from_str(self.header.expose()).map_err(|_| DecodeError::BadHeader)?;
        header.remove(TRACE_MEMBER);
        let header = serde_json::from_value(Value::Object(header)).map_err(|_| DecodeError::BadInput)?;
        Ok((header, self.payload))
    }

    /// Number of data bytes: header length, header and payload.
    pub fn data_len(&self) -> usize {
        LENGTH_BYTES
            .saturating_add(self.header.expose().len())
            .saturating_add(self.payload.expose().len())
    }

    /// The packets of this message, in order.
    pub fn packets(&self) -> impl Iterator<Item = Vec<u8>> {
        let count = u32::try_from(self.data_len().div_ceil(PACKET_DATA_BYTES)).unwrap_or(u32::MAX);
        let first = Packet::First {
            message_id: self.id,
            packet_count: count,
            kind: &self.kind,
        }
        .encode();
        let mut data = DataReader::new(self);
        std::iter::once(first).chain((1..=count).map(move |index| {
            let mut packet = data_header(self.id, index, PACKET_DATA_BYTES);
            data.read(PACKET_DATA_BYTES, &mut packet);
            packet
        }))
    }
}

/// Reads a message's data from its parts in order, without copying them into one buffer first.
struct DataReader<'a> {
    length: [u8; LENGTH_BYTES],
    parts: [&'a [u8]; 2],
    position: usize,
}

impl<'a> DataReader<'a> {
    fn new(message: &'a Message) -> Self {
        let header = message.header.expose().as_bytes();
        let length = u64::try_from(header.len()).unwrap_or(u64::MAX).to_be_bytes();
        Self {
            length,
            parts: [header, message.payload.expose()],
            position: 0,
        }
    }

    fn read(&mut self, mut wanted: usize, into: &mut Vec<u8>) {
        let mut start = 0_usize;
        let [header, payload] = self.parts;
        for part in [self.length.as_slice(), header, payload] {
            let offset = self.position.saturating_sub(start);
            let piece = part.get(offset..).unwrap_or_default();
            let piece = piece.get(..wanted).unwrap_or(piece);
            into.extend_from_slice(piece);
            self.position = self.position.saturating_add(piece.len());
            wanted = wanted.saturating_sub(piece.len());
            start = start.saturating_add(part.len());
        }
    }
}
