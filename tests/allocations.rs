//! Memory follows the bytes that came, never what they announce. In a binary of its own, with one
//! test, since the counter counts the whole process.

use std::alloc::System;

use meshagent::wire::{Assembled, Assembler, MAX_MESSAGE_BYTES, Packet};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SLACK: usize = 4096;

/// Bytes that `assembler` asked the allocator for in all to take `packets`.
fn allocated(assembler: &mut Assembler, packets: &[Vec<u8>]) -> usize {
    let region = Region::new(ALLOCATOR);
    for packet in packets {
        assert!(matches!(assembler.push(packet), Ok(Assembled::Pending)));
    }
    region.change().bytes_allocated
}

fn announcement() -> Vec<u8> {
    Packet::First {
        message_id: 1,
        packet_count: u32::MAX,
        kind: "k",
    }
    .encode()
}

fn data(length: usize, indices: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    let data = vec![0xFF; length];
    let packet = |index| Packet::Data {
        message_id: 1,
        index,
        data: &data,
    };
    indices.map(|index| packet(index).encode()).collect()
}

#[test]
fn memory_follows_the_bytes_that_came() {
    let mut assembler = Assembler::new(MAX_MESSAGE_BYTES);
    let announced = allocated(&mut assembler, &[announcement()]);
    assert!(announced <= SLACK, "{announced} bytes for an announcement");

    let empty = allocated(&mut assembler, &data(0, 1..10_000));
    assert!(empty <= SLACK, "{empty} bytes for packets without data");

    let came = 1 << 20;
    let kept = allocated(&mut assembler, &data(1024, 10_000..11_024));
    assert!(
        (came..=4 * came + SLACK).contains(&kept),
        "{kept} bytes for {came}"
    );

    let mut assembler = Assembler::new(10_000);
    let packets = [vec![announcement()], data(1024, 1..1024)].concat();
    let over = allocated(&mut assembler, &packets);
    assert!(
        over <= 4 * 10_000 + SLACK,
        "{over} bytes where 10,000 are the limit"
    );
}
