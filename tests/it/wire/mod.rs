//! The wire protocol: what goes in comes out, nothing that comes in does harm, and the vendor's SDK
//! speaks the same.

mod content;
mod debug;
mod edges;
mod hostile;
mod limits;
mod names;
mod order;
mod sdk;
mod split;

use meshagent::wire::{Assembled, Assembler, DecodeError, Header, MAX_MESSAGE_BYTES, Message, Packet};
use proptest::prelude::*;
use serde_json::Value;

/// A message laid open, to compare.
#[derive(Debug, Clone, PartialEq)]
struct Plain {
    id: u64,
    kind: String,
    header: Header,
    payload: Vec<u8>,
}

impl Plain {
    fn of(message: Message) -> Self {
        let (id, kind) = (message.id, message.kind.clone());
        let (header, payload) = message.read().unwrap();
        Self {
            id,
            kind,
            header,
            payload: payload.into_exposed(),
        }
    }

    fn to_message(&self) -> Message {
        Message::new(self.id, &self.kind, &self.header, self.payload.clone().into()).unwrap()
    }

    fn to_packets(&self) -> Vec<Vec<u8>> {
        self.to_message().packets().collect()
    }
}

/// A message whose data has exactly `length` bytes: eight, the header `{}`, and the payload.
fn message_of(id: u64, length: usize) -> Plain {
    Plain {
        id,
        kind: "k".to_owned(),
        header: Header::new(),
        payload: (0..=u8::MAX).cycle().take(length - 10).collect(),
    }
}

/// An assembler without a limit worth speaking of.
fn assembler() -> Assembler {
    Assembler::new(MAX_MESSAGE_BYTES)
}

/// Pushes packets of which only the last may complete anything, and returns what came of it.
fn push_all(assembler: &mut Assembler, packets: &[Vec<u8>]) -> Result<Assembled, DecodeError> {
    let (last, before) = packets.split_last().unwrap();
    for packet in before {
        let came = assembler.push(packet)?;
        assert!(matches!(came, Assembled::Pending), "{came:?} came early");
    }
    assembler.push(last)
}

/// Why `packets`, which are in order, are no message. The message after them is read.
fn unreadable(assembler: &mut Assembler, packets: &[Vec<u8>]) -> DecodeError {
    let error = match push_all(assembler, packets).unwrap() {
        Assembled::Unreadable { error, .. } => error,
        other => panic!("not unreadable, but {other:?}"),
    };
    let next = message_of(2, 1500);
    assert_eq!(assemble(assembler, &next.to_packets()), next);
    error
}

/// The message that `packets` are.
fn assemble(assembler: &mut Assembler, packets: &[Vec<u8>]) -> Plain {
    match push_all(assembler, packets).unwrap() {
        Assembled::Message(message) => Plain::of(message),
        other => panic!("no message, but {other:?}"),
    }
}

fn first(message_id: u64, packet_count: u32) -> Vec<u8> {
    Packet::First {
        message_id,
        packet_count,
        kind: "k",
    }
    .encode()
}

fn data(message_id: u64, index: u32, data: &[u8]) -> Vec<u8> {
    Packet::Data {
        message_id,
        index,
        data,
    }
    .encode()
}

/// Any JSON, a few levels deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Any header but one with trace context, which reading removes.
fn header() -> impl Strategy<Value = Header> {
    prop::collection::btree_map("[a-z]{0,8}", json(), 0..6).prop_map(|members| members.into_iter().collect())
}

/// Any message.
fn plain() -> impl Strategy<Value = Plain> {
    let payload = prop::collection::vec(any::<u8>(), 0..5000);
    (any::<u64>(), "\\PC{0,60}", header(), payload).prop_map(|(id, kind, header, payload)| Plain {
        id,
        kind,
        header,
        payload,
    })
}
