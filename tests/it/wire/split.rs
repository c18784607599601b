//! Others may cut a message into packets as they like.

use meshagent::wire::Packet;
use proptest::prelude::*;

use super::{Plain, assemble, assembler, data, plain};

/// The packets of `message`, its data cut anew: pieces of `sizes`, the rest in one.
fn cut(message: &Plain, sizes: &[usize]) -> Vec<Vec<u8>> {
    let bytes: Vec<u8> = message.to_packets()[1..]
        .iter()
        .flat_map(|packet| packet[12..].to_vec())
        .collect();
    let mut rest = bytes.as_slice();
    let mut packets = vec![Vec::new()];
    for (index, size) in (1..).zip(sizes.iter().copied().chain([usize::MAX])) {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        packets.push(data(message.id, index, piece));
        rest = after;
    }
    packets[0] = Packet::First {
        message_id: message.id,
        packet_count: u32::try_from(packets.len() - 1).unwrap(),
        kind: &message.kind,
    }
    .encode();
    packets
}

proptest! {
    #[test]
    fn a_message_comes_back(message in plain()) {
        prop_assert_eq!(assemble(&mut assembler(), &message.to_packets()), message);
    }

    #[test]
    fn messages_follow_each_other(messages in prop::collection::vec(plain(), 1..5)) {
        let mut assembler = assembler();
        for message in messages {
            prop_assert_eq!(assemble(&mut assembler, &message.to_packets()), message);
        }
    }

    #[test]
    fn packets_of_any_size_are_joined(
        message in plain(),
        sizes in prop::collection::vec(prop_oneof![Just(0), 1..40_usize, 1..4000_usize], 0..30),
    ) {
        prop_assert_eq!(assemble(&mut assembler(), &cut(&message, &sizes)), message);
    }
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let message = super::message_of(3, 2500);
    assert_eq!(
        assemble(&mut assembler(), &cut(&message, &vec![1; 2500])),
        message
    );
}
