//! The memory of the server: what participants may make it hold, and what it gives back.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, ErrorCode, Packet};
use serde_json::json;

use crate::support::{Participant, TestEnv, TestServer, file, is_error};

const MIB: usize = 1 << 20;

/// The budget of the servers here.
const BUDGET: usize = 16 * MIB;

/// The largest value there.
const VALUE: usize = 4 * MIB;

/// What the server may take beside its budget and what it took at its start.
const BESIDE: usize = 16 * MIB;

/// Longest time until a condition must hold.
const DEADLINE: Duration = Duration::from_mins(1);

fn start<'a>(env: &'a TestEnv, flags: &[&str]) -> TestServer<'a> {
    let (budget, value) = (BUDGET.to_string(), VALUE.to_string());
    let limits = ["--memory-budget", &budget, "--max-value-bytes", &value];
    TestServer::start_with(env, &[&limits, flags].concat())
}

/// Resident memory of the server, in bytes.
fn memory(server: &TestServer<'_>) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

fn set(participant: &mut Participant, id: &str, value: Vec<u8>) -> Content {
    let headers = json!({"secret_id": id, "has_data": true});
    participant.call(tool::SET, Content::binary(&headers, value.into()).unwrap())
}

/// Whether the participant is served: it stores a small value and reads it.
fn is_served(participant: &mut Participant) -> bool {
    let value = b"small".to_vec();
    matches!(set(participant, "small", value.clone()), Content::Empty)
        && file(participant.call_json(tool::GET, &json!({"secret_id": "small"}))).2 == value
}

/// Serves `bob`, and checks the memory of the server, until `done`. At its start the server took `start` bytes.
fn check_until(server: &TestServer<'_>, bob: &mut Participant, start: usize, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < DEADLINE, "not done in time");
        assert!(is_served(bob));
        let taken = memory(server).saturating_sub(start);
        assert!(taken < BUDGET + BESIDE, "{} MiB", taken / MIB);
    }
}

/// Waits until the server has given back what it took since its start.
fn gives_back(server: &TestServer<'_>, bob: &mut Participant, start: usize) {
    check_until(server, bob, start, || memory(server) < start + BESIDE);
}

/// Begins a message of `bytes` bytes and sends `sent` of them.
fn begin(participant: &mut Participant, bytes: usize, sent: usize) {
    let data = [b'x'; 1024];
    participant.send_packet(
        Packet::First {
            message_id: 77,
            packet_count: u32::try_from(bytes / data.len()).unwrap(),
            kind: "room.invoke_tool",
        }
        .encode(),
    );
    for index in 1..=u32::try_from(sent / data.len()).unwrap() {
        let packet = Packet::Data {
            message_id: 77,
            index,
            data: &data,
        };
        if participant.try_send_packet(packet.encode()).is_err() {
            // The server has ended the connection.
            return;
        }
    }
}

#[test]
fn participants_that_do_not_read_take_no_more_memory_than_the_budget() {
    let env = TestEnv::new();
    let server = start(&env, &["--send-timeout", "10"]);
    let mut bob = server.join("bob");
    assert!(is_served(&mut bob));
    let mallory = server.token("mallory", "room", false);
    let mut owner = Participant::join(server.address(), "room", &mallory);
    assert!(matches!(
        set(&mut owner, "large", vec![b'x'; VALUE]),
        Content::Empty
    ));
    let start = memory(&server);
    let attackers: Vec<Participant> = (0..40)
        .map(|_| {
            let mut attacker = Participant::join(server.address(), "room", &mallory);
            for _ in 0..6 {
                attacker.ask(tool::GET, Content::json(&json!({"secret_id": "large"})).unwrap());
            }
            attacker
        })
        .collect();
    // The first of them is dropped because it does not read.
    check_until(&server, &mut bob, start, || server.log().contains(" left"));
    drop(attackers);
    gives_back(&server, &mut bob, start);
    server.stop();
}

#[test]
fn uploads_that_stop_take_no_more_memory_than_the_budget_and_end() {
    let env = TestEnv::new();
    let server = start(&env, &["--upload-timeout", "4"]);
    let mut bob = server.join("bob");
    assert!(is_served(&mut bob));
    let start = memory(&server);
    let uploads: Vec<_> = ["mallory", "trudy", "eve", "oscar"]
        .iter()
        .flat_map(|name| {
            let token = server.token(name, "room", false);
            (0..8).map(move |_| token.clone())
        })
        .map(|token| {
            let mut attacker = Participant::join(server.address(), "room", &token);
            thread::spawn(move || {
                begin(&mut attacker, VALUE, VALUE - MIB);
                attacker.is_dropped();
            })
        })
        .collect();
    check_until(&server, &mut bob, start, || {
        uploads.iter().all(thread::JoinHandle::is_finished)
    });
    for upload in uploads {
        upload.join().unwrap();
    }
    gives_back(&server, &mut bob, start);
    server.stop();
}

#[test]
fn an_upload_without_memory_is_refused_and_the_connection_goes_on() {
    let env = TestEnv::new();
    let server = TestServer::start_with(
        &env,
        &[
            "--memory-budget",
            &(16 * MIB).to_string(),
            "--max-value-bytes",
            &(4 * MIB).to_string(),
        ],
    );
    let token = server.token("mallory", "room", false);
    let mut holders: Vec<Participant> = (0..2)
        .map(|_| Participant::join(server.address(), "room", &token))
        .collect();
    for holder in &mut holders {
        begin(holder, 4 * MIB, MIB);
    }
    let mut refused = Participant::join(server.address(), "room", &token);
    let answer = set(&mut refused, "large", vec![b'x'; 4 * MIB]);
    is_error(&answer, ErrorCode::OperationFailed);
    // Small values, and those of others, have memory.
    assert!(is_served(&mut refused));
    drop(holders);
    let begun = Instant::now();
    while !matches!(set(&mut refused, "large", vec![b'x'; 4 * MIB]), Content::Empty) {
        assert!(begun.elapsed() < DEADLINE);
    }
    server.stop();
}

#[test]
fn a_budget_must_have_room_for_values() {
    let env = TestEnv::new();
    let ran = env
        .call([
            "room",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--memory-budget",
            "100000000",
        ])
        .run();
    ran.ends_with(2).says("--memory-budget at least 268435456 bytes");
}
