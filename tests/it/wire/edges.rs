//! Messages whose data ends at, before and after the edge of a packet.

use meshagent::wire::{DecodeError, Message, PACKET_DATA_BYTES, Packet};
use serde_json::json;

use super::{Plain, assemble, assembler, data, first, message_of, unreadable};

const BIG: usize = 5 << 20;

#[test]
fn every_length_around_an_edge_comes_back() {
    let edges = (1..=4).chain([64, 1000, BIG / PACKET_DATA_BYTES]);
    let lengths = edges.flat_map(|k| (k * PACKET_DATA_BYTES - 1)..=(k * PACKET_DATA_BYTES + 1));
    let mut assembler = assembler();
    for length in [10, 11].into_iter().chain(lengths) {
        let message = message_of(7, length);
        assert_eq!(message.to_message().data_len(), length);
        let back = assemble(&mut assembler, &message.to_packets());
        assert!(back == message, "a message of {length} bytes changed");
    }
}

#[test]
fn packets_are_full_but_for_the_last() {
    for (length, expected) in [(10, 1), (1023, 1), (1024, 1), (1025, 2), (3072, 3), (3073, 4)] {
        let packets = message_of(9, length).to_packets();
        let announced = Packet::First {
            message_id: 9,
            packet_count: expected,
            kind: "k",
        };
        assert_eq!(Packet::decode(&packets[0]), Ok(announced), "{length}");
        let mut rest = length;
        for (index, packet) in (1..=expected).zip(&packets[1..]) {
            let Ok(Packet::Data {
                message_id,
                index: found,
                data,
            }) = Packet::decode(packet)
            else {
                panic!("packet {index} of {length} bytes is no data packet");
            };
            assert_eq!((message_id, found), (9, index));
            assert_eq!(data.len(), rest.min(PACKET_DATA_BYTES));
            rest -= data.len();
        }
        assert_eq!(rest, 0);
    }
}

#[test]
fn a_header_may_end_anywhere_in_a_packet() {
    for length in 1000..1060 {
        let header = json!({"text": "x".repeat(length)});
        let message = Message::new(1, "k", &header, vec![0xAB; 40].into()).unwrap();
        let packets: Vec<_> = message.packets().collect();
        let back = assemble(&mut assembler(), &packets);
        assert_eq!(back, Plain::of(message));
    }
}

#[test]
fn data_shorter_than_a_header_length_is_refused() {
    assert_eq!(
        unreadable(&mut assembler(), &[first(1, 0)]),
        DecodeError::BadHeaderLength
    );
    for length in 0..8 {
        let packets = [first(1, 1), data(1, 1, &vec![0; length])];
        let refused = unreadable(&mut assembler(), &packets);
        assert_eq!(refused, DecodeError::BadHeaderLength, "{length} bytes");
    }
}

#[test]
fn a_packet_cut_off_in_its_header_is_refused() {
    let whole = first(u64::MAX, 3);
    for length in 0..16 {
        let cut = Packet::decode(&whole[..length]);
        assert_eq!(cut, Err(DecodeError::ShortPacket { length }));
    }
    let whole = data(u64::MAX, 1, b"");
    for length in 0..12 {
        let cut = Packet::decode(&whole[..length]);
        assert_eq!(cut, Err(DecodeError::ShortPacket { length }));
    }
    assert!(Packet::decode(&whole).is_ok());
}
