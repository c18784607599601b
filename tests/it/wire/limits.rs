//! What is too large is refused, and what comes after it is read.

use meshagent::wire::{Assembled, Assembler, DecodeError, MAX_HEADER_BYTES};
use proptest::prelude::*;

use super::{assemble, assembler, data, first, message_of, push_all, unreadable};

const LIMIT: usize = 3000;

/// Data that says its header has `length` bytes, and holds `rest`.
fn header_of(length: u64, rest: &[u8]) -> [Vec<u8>; 2] {
    [first(1, 1), data(1, 1, &[&length.to_be_bytes(), rest].concat())]
}

proptest! {
    #[test]
    fn one_message_over_the_limit_is_reported_once(length in 10..3 * LIMIT) {
        let mut assembler = Assembler::new(LIMIT);
        let assembled = push_all(&mut assembler, &message_of(1, length).to_packets()).unwrap();
        match assembled {
            Assembled::Message(message) => {
                prop_assert!(length <= LIMIT);
                prop_assert_eq!(message.data_len(), length);
            }
            Assembled::Unreadable { message_id, kind, error } => {
                prop_assert!(length > LIMIT);
                prop_assert_eq!(error, DecodeError::TooLarge);
                prop_assert_eq!((message_id, kind.as_str()), (1, "k"));
            }
            Assembled::Pending => prop_assert!(false, "the message has ended"),
        }
        let next = message_of(2, LIMIT);
        prop_assert_eq!(assemble(&mut assembler, &next.to_packets()), next);
    }

    #[test]
    fn a_header_longer_than_the_data_is_refused(
        length in prop_oneof![3..100_u64, any::<u64>().prop_map(|length| length.max(3))],
    ) {
        let refused = unreadable(&mut assembler(), &header_of(length, b"{}"));
        prop_assert_eq!(refused, DecodeError::BadHeaderLength);
    }
}

#[test]
fn the_limit_itself_is_allowed() {
    for (length, allowed) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false)] {
        let packets = message_of(1, length).to_packets();
        let assembled = push_all(&mut Assembler::new(LIMIT), &packets).unwrap();
        assert_eq!(matches!(assembled, Assembled::Message(_)), allowed, "{length}");
    }
}

#[test]
fn a_small_packet_does_not_slip_in_after_a_large_one() {
    let packets = [
        first(1, 3),
        data(1, 1, b"xx"),
        data(1, 2, &[0; LIMIT]),
        data(1, 3, b"x"),
    ];
    let assembled = push_all(&mut Assembler::new(LIMIT), &packets).unwrap();
    assert!(
        matches!(
            assembled,
            Assembled::Unreadable {
                message_id: 1,
                error: DecodeError::TooLarge,
                ..
            }
        ),
        "{assembled:?}"
    );
}

#[test]
fn a_header_has_a_limit_of_its_own() {
    for (over, allowed) in [(0, true), (1, false)] {
        let text = "x".repeat(MAX_HEADER_BYTES - r#"{"a":""}"#.len() + over);
        let header = format!(r#"{{"a":"{text}"}}"#);
        let packets = header_of(header.len() as u64, header.as_bytes());
        match push_all(&mut assembler(), &packets).unwrap() {
            Assembled::Message(_) => assert!(allowed),
            Assembled::Unreadable { error, .. } => {
                assert!(!allowed && error == DecodeError::BadHeaderLength, "{error}");
            }
            Assembled::Pending => panic!("the message has ended"),
        }
    }
}

#[test]
fn a_reader_may_take_longer_headers() {
    for (over, allowed) in [(0, true), (1, false)] {
        let header = format!(r#"{{"a":"{}"}}"#, "x".repeat(2 * MAX_HEADER_BYTES - 8 + over));
        let packets = header_of(header.len() as u64, header.as_bytes());
        let mut assembler = assembler().with_header_limit(2 * MAX_HEADER_BYTES);
        let read = matches!(push_all(&mut assembler, &packets).unwrap(), Assembled::Message(_));
        assert_eq!(read, allowed);
    }
}

#[test]
fn a_type_has_a_limit_too() {
    for (length, allowed) in [(0, true), (256, true), (257, false)] {
        let packet = [vec![0; 16], vec![b'k'; length]].concat();
        let decoded = meshagent::wire::Packet::decode(&packet);
        assert_eq!(decoded.is_ok(), allowed, "{length}");
        assert!(allowed || decoded == Err(DecodeError::BadType));
    }
}
