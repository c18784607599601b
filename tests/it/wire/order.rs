//! Packets that are not the ones that are due, and counts that lie.

use meshagent::wire::{Assembled, DecodeError};

use super::{Plain, assemble, assembler, data, first, message_of, push_all};

const ID: u64 = 5;

/// Packet 0 and five data packets.
fn packets() -> Vec<Vec<u8>> {
    message_of(ID, 4500).to_packets()
}

fn refusal(packets: &[Vec<u8>]) -> DecodeError {
    push_all(&mut assembler(), packets).unwrap_err()
}

#[test]
fn swapped_packets_are_refused() {
    for at in 1..5_u32 {
        let mut packets = packets();
        packets.swap(at as usize, at as usize + 1);
        let expected = DecodeError::OutOfOrder {
            expected: at,
            found: at + 1,
        };
        assert_eq!(refusal(&packets[..=at as usize]), expected);
    }
}

#[test]
fn a_packet_that_came_already_is_refused() {
    for at in 1..5_u32 {
        let mut packets = packets();
        packets.insert(at as usize, packets[at as usize].clone());
        let expected = DecodeError::OutOfOrder {
            expected: at + 1,
            found: at,
        };
        assert_eq!(refusal(&packets[..=at as usize + 1]), expected);
    }
}

#[test]
fn data_before_any_announcement_is_refused() {
    for found in [1, 2, u32::MAX] {
        let expected = DecodeError::OutOfOrder { expected: 0, found };
        assert_eq!(refusal(&[data(ID, found, b"x")]), expected);
    }
}

#[test]
fn a_packet_of_another_message_is_refused() {
    for at in 1..=5_u32 {
        for foreign in [data(6, at, b"x"), first(6, 1), first(6, 0)] {
            let mut packets = packets();
            packets[at as usize] = foreign;
            let expected = DecodeError::ForeignPacket {
                expected: ID,
                found: 6,
            };
            assert_eq!(refusal(&packets[..=at as usize]), expected);
        }
    }
}

#[test]
fn a_message_announced_twice_is_out_of_order() {
    for at in 1..=5_u32 {
        let mut packets = packets();
        packets[at as usize] = first(ID, 5);
        let expected = DecodeError::OutOfOrder {
            expected: at,
            found: 0,
        };
        assert_eq!(refusal(&packets[..=at as usize]), expected);
    }
}

#[test]
fn a_count_that_is_too_high_swallows_no_other_message() {
    let mut packets = packets();
    packets[0] = first(ID, 6);
    let mut assembler = assembler();
    let pending = push_all(&mut assembler, &packets).unwrap();
    assert!(matches!(pending, Assembled::Pending));
    let expected = DecodeError::ForeignPacket {
        expected: ID,
        found: 6,
    };
    let refused = assembler.push(&message_of(6, 10).to_packets()[0]);
    assert_eq!(refused.unwrap_err(), expected);
}

#[test]
fn a_count_that_is_too_low_ends_the_message_there() {
    let mut packets = packets();
    packets[0] = first(ID, 2);
    let mut assembler = assembler();
    let short = assemble(&mut assembler, &packets[..3]);
    assert_eq!(short, message_of(ID, 2048), "what had come until then");
    let expected = DecodeError::OutOfOrder {
        expected: 0,
        found: 3,
    };
    assert_eq!(assembler.push(&packets[3]).unwrap_err(), expected);
}

#[test]
fn packets_that_are_in_order_are_accepted() {
    let back: Plain = assemble(&mut assembler(), &packets());
    assert_eq!(back, message_of(ID, 4500));
}
