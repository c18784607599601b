//! Bytes that were never meant well: an error at worst.

use meshagent::wire::room::{ToolInvocation, read_response};
use meshagent::wire::{Assembled, Assembler, DecodeError, Header, Message, Packet};
use proptest::prelude::*;

use super::{Plain, assemble, data, first, message_of, push_all};

/// A message of this header text and nothing more, read.
fn read(header: &[u8]) -> Result<Header, DecodeError> {
    let length = (header.len() as u64).to_be_bytes();
    let packets = [first(1, 1), data(1, 1, &[&length, header].concat())];
    match push_all(&mut super::assembler(), &packets)? {
        Assembled::Message(message) => message.read().map(|(header, _)| header),
        Assembled::Unreadable { error, .. } => Err(error),
        Assembled::Pending => panic!("the message has ended"),
    }
}

/// Packets that often fit together: few ids, small counts and indices, and now and then noise.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let framed = bytes().prop_map(|rest| [&2_u64.to_be_bytes(), b"{}".as_slice(), &rest].concat());
    prop_oneof![
        (0..2_u64, 0..4_u32).prop_map(|(id, count)| first(id, count)),
        (0..2_u64, 1..4_u32, bytes()).prop_map(|(id, index, bytes)| data(id, index, &bytes)),
        (0..2_u64, framed).prop_map(|(id, bytes)| data(id, 1, &bytes)),
        bytes(),
    ]
}

/// A message like one that `message` says again, whatever is done to it.
fn use_up(message: Message) {
    let packets: Vec<_> = message.packets().collect();
    let again = || match push_all(&mut super::assembler(), &packets).unwrap() {
        Assembled::Message(message) => message,
        other => panic!("what was read cannot be read again: {other:?}"),
    };
    let _ = ToolInvocation::from_message(again());
    let _ = read_response(again());
    let header: Result<(Header, _), _> = message.read();
    assert_eq!(header.is_ok(), again().read::<Header>().is_ok());
}

proptest! {
    #[test]
    fn a_packet_is_refused_or_says_exactly_its_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(packet) = Packet::decode(&bytes) {
            prop_assert_eq!(packet.encode(), bytes);
        }
    }

    #[test]
    fn a_first_packet_is_refused_or_says_exactly_its_bytes(rest in prop::collection::vec(any::<u8>(), 0..40)) {
        let bytes = [vec![0; 12], rest].concat();
        match Packet::decode(&bytes) {
            Ok(packet) => prop_assert_eq!(packet.encode(), bytes),
            Err(DecodeError::ShortPacket { length }) => prop_assert!(length == bytes.len() && length < 16),
            Err(error) => {
                prop_assert_eq!(error, DecodeError::BadType);
                prop_assert!(std::str::from_utf8(&bytes[16..]).is_err());
            }
        }
    }

    #[test]
    fn any_packets_are_survived(packets in prop::collection::vec(packet(), 0..60)) {
        let mut assembler = Assembler::new(64);
        for packet in packets {
            if let Ok(Assembled::Message(message)) = assembler.push(&packet) {
                use_up(message);
            }
        }
    }

    #[test]
    fn a_header_is_a_json_object_or_refused(header in prop::collection::vec(any::<u8>(), 0..60)) {
        let expected = serde_json::from_slice(&header).map_err(|_| DecodeError::BadHeader);
        prop_assert_eq!(read(&header), expected);
    }

    #[test]
    fn a_header_of_any_json_is_an_object_or_refused(value in super::json()) {
        let mut expected = value.as_object().cloned().ok_or(DecodeError::BadHeader);
        if let Ok(header) = &mut expected {
            header.remove("__meshagent__");
        }
        prop_assert_eq!(read(value.to_string().as_bytes()), expected);
    }
}

#[test]
fn a_header_nested_without_end_is_refused() {
    for open in ["[", r#"{"a":"#] {
        let header = format!(r#"{{"a":{}"#, open.repeat(100_000));
        assert_eq!(read(header.as_bytes()), Err(DecodeError::BadHeader));
    }
}

#[test]
fn trace_context_is_no_part_of_the_header() {
    let header = read(br#"{"a":1,"__meshagent__":{"v":1,"otel":{"traceparent":"00-0-0-00"}}}"#).unwrap();
    assert_eq!(serde_json::Value::Object(header), serde_json::json!({"a": 1}));
}

#[test]
fn the_largest_id_counts() {
    let message: Plain = message_of(u64::MAX, 2000);
    assert_eq!(assemble(&mut super::assembler(), &message.to_packets()), message);
}
